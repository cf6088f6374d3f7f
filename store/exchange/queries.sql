-- The statements of exchange.c, by name (store/db/db.h). `?1, ?2` are always the mailbox and the direction.

-- name: exchange-flow
SELECT epoch, seq, held FROM exchange_flow WHERE mailbox = ?1 AND direction = ?2;
-- name: exchange-add-flow
INSERT INTO exchange_flow (mailbox, direction, epoch, seq, held) VALUES (?1, ?2, ?3, 0, 0);
-- name: exchange-set-epoch
UPDATE exchange_flow SET epoch = ?3 WHERE mailbox = ?1 AND direction = ?2;
-- name: exchange-next-seq
UPDATE exchange_flow SET seq = seq + 1 WHERE mailbox = ?1 AND direction = ?2 RETURNING seq;
-- name: exchange-hold
UPDATE exchange_flow SET held = held + ?3 WHERE mailbox = ?1 AND direction = ?2;

-- name: exchange-item
SELECT mailbox, direction, id, seq, state, size, sha256, name, type, business_date, records, totals, correlation, file,
  began_at, put_at, listed_at, got_at, acknowledged_at, changed_at, ack_records, ack_totals, verdict, verdict_code
FROM exchange_item
WHERE mailbox = ?1 AND direction = ?2 AND id = ?3;
-- name: exchange-body
SELECT body FROM exchange_item WHERE mailbox = ?1 AND direction = ?2 AND id = ?3;
-- name: exchange-drop-unfinished
DELETE FROM exchange_item WHERE mailbox = ?1 AND direction = ?2 AND id = ?3 AND state IN ('receiving', 'abandoned')
RETURNING CASE state WHEN 'receiving' THEN size ELSE 0 END;
-- name: exchange-add-item
INSERT INTO exchange_item (mailbox, direction, id, seq, state, size, sha256, name, type, business_date, records, totals,
  correlation, file, body, began_at, put_at, listed_at, got_at, acknowledged_at, changed_at)
VALUES (?1, ?2, ?3, ?15, ?14, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?17, ?16, 0, 0, 0, ?17);
-- What is told once is not told anew: a time that is there stays.
-- name: exchange-set-item
UPDATE exchange_item SET state = ?4, seq = ?5, file = ?6, body = CASE WHEN ?7 THEN NULL ELSE body END, put_at = ?8,
  listed_at = ?9, acknowledged_at = ?10, changed_at = ?11
WHERE mailbox = ?1 AND direction = ?2 AND id = ?3 AND state = ?12 AND file IS NOT DISTINCT FROM ?13;
-- name: exchange-note-listed
UPDATE exchange_item SET state = 'listed', listed_at = ?5, changed_at = ?5
WHERE mailbox = ?1 AND direction = ?2 AND seq BETWEEN ?3 AND ?4 AND state = 'stored';
-- name: exchange-note-got
UPDATE exchange_item SET got_at = ?4 WHERE mailbox = ?1 AND direction = ?2 AND id = ?3 AND got_at = 0;
-- name: exchange-note-told
UPDATE exchange_item SET ack_records = ?4, ack_totals = ?5, verdict = ?6, verdict_code = ?7
WHERE mailbox = ?1 AND direction = ?2 AND id = ?3;
-- name: exchange-prune-requests
DELETE FROM exchange_request WHERE mailbox = ?1 AND direction = ?2
  AND state IN ('new', 'taken', 'answered', 'delivered', 'expired', 'failed') AND created_at < ?3;
-- name: exchange-prune
DELETE FROM exchange_item WHERE mailbox = ?1 AND direction = ?2 AND state IN ('removed', 'abandoned', 'expired')
  AND changed_at < ?3;

-- Spelled so that it goes by the numbers' index; what has no number is behind none. A request's own bytes are taken
-- with the request.
-- name: exchange-page
SELECT mailbox, direction, id, seq, state, size, sha256, name, type, business_date, records, totals, correlation, file,
  began_at, put_at, listed_at, got_at, acknowledged_at, changed_at, ack_records, ack_totals, verdict, verdict_code
FROM exchange_item
WHERE mailbox = ?1 AND direction = ?2 AND seq > ?3 AND state NOT IN ('removed', 'expired')
  AND substr(id, 1, 8) <> 'request-' AND (?5 = 0 OR state <> 'acknowledged')
ORDER BY seq LIMIT ?4;
-- name: exchange-since
SELECT mailbox, direction, id, seq, state, size, sha256, name, type, business_date, records, totals, correlation, file,
  began_at, put_at, listed_at, got_at, acknowledged_at, changed_at, ack_records, ack_totals, verdict, verdict_code
FROM exchange_item
WHERE mailbox = ?1 AND direction = ?2 AND state = ?3 AND changed_at < ?4 ORDER BY changed_at LIMIT ?5;
-- name: exchange-put-between
SELECT mailbox, direction, id, seq, state, size, sha256, name, type, business_date, records, totals, correlation, file,
  began_at, put_at, listed_at, got_at, acknowledged_at, changed_at, ack_records, ack_totals, verdict, verdict_code
FROM exchange_item
WHERE mailbox = ?1 AND direction = ?2 AND seq > ?3 AND put_at >= ?4 AND put_at < ?5 ORDER BY seq LIMIT ?6;
-- name: exchange-tally
SELECT state, count(*), min(changed_at) FROM exchange_item WHERE mailbox = ?1 AND direction = ?2 GROUP BY state;
-- name: exchange-files
SELECT file FROM exchange_item WHERE file IS NOT NULL
UNION ALL SELECT file FROM exchange_drop WHERE file IS NOT NULL;
