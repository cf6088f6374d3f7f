-- The statements of requests.c, by name. `?1, ?2` are the mailbox and the asker's direction. `SELECT *` gives the
-- columns in the order of requests.sql.

-- name: request
SELECT * FROM exchange_request WHERE mailbox = ?1 AND direction = ?2 AND id = ?3;
-- name: request-add
INSERT INTO exchange_request (mailbox, direction, id, state, token, lease_until, attempts, answer, answer_sha256,
  answer_token, reason, created_at, changed_at)
VALUES (?1, ?2, ?3, 'new', 0, 0, 0, NULL, NULL, 0, NULL, ?4, ?4);
-- name: request-next
SELECT * FROM exchange_request
WHERE mailbox = ?1 AND direction = ?2 AND state IN ('new', 'taken') AND (state = 'new' OR lease_until <= ?3)
ORDER BY created_at LIMIT 1;
-- name: requests-in-state
SELECT * FROM exchange_request WHERE mailbox = ?1 AND direction = ?2 AND state = ?3 ORDER BY created_at LIMIT ?4;
-- name: request-untaken
SELECT 1 FROM exchange_request
WHERE mailbox = ?1 AND direction = ?2 AND state = 'new' AND created_at < ?3 LIMIT 1;
-- name: request-set
UPDATE exchange_request SET state = ?4, token = ?5, lease_until = ?6, attempts = ?7, answer = ?8, answer_sha256 = ?9,
  answer_token = ?10, reason = ?11, changed_at = ?12, deferred_since = ?15
WHERE mailbox = ?1 AND direction = ?2 AND id = ?3 AND state = ?13 AND token = ?14;
-- name: request-of-answer
SELECT * FROM exchange_request WHERE mailbox = ?1 AND direction = ?2 AND answer = ?3;
-- name: item-whole
UPDATE exchange_item SET put_at = ?4 WHERE mailbox = ?1 AND direction = ?2 AND id = ?3 AND state = 'receiving';
-- name: items-receiving
SELECT mailbox, direction, id, seq, state, size, sha256, name, type, business_date, records, totals, correlation, file,
  began_at, put_at, listed_at, got_at, acknowledged_at, changed_at, ack_records, ack_totals, verdict, verdict_code
FROM exchange_item
WHERE mailbox = ?1 AND direction = ?2 AND id >= ?3 AND id < ?4 AND state = 'receiving';
