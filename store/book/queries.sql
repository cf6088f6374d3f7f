-- The book's statements, by name (store/db/db.h). `SELECT *` from file gives the columns in the order of fields.c,
-- which is checked when a book is opened. The condition `state NOT IN ('closed', 'gone')` is spelled as in the index
-- file_due, or SQLite would not use that index.

-- name: add-file
INSERT INTO file (id, feed, name, name_shown, folder, size, modified, evidence, state, held_from, seen_at, changed_at,
  due_at,
  attempts, problem, reason_code, reason, duplicate_of, cipher_size, cipher_sha256, plain_size, plain_sha256, signer,
    trust,
  business_date, header, records, accepted, rejected, duplicates, amount, amount_accepted, amount_rejected,
  amount_duplicate, batches, batches_posted, feedback_name, waits_for, waits_on, waits_why)
SELECT :id, :feed, :name, :name_shown, :folder, :size, :modified, :evidence, 'seen', NULL, :seen_at, :now, :due_at,
  0, NULL, :reason_code, :reason, :duplicate_of, :cipher_size, :cipher_sha256, :plain_size, :plain_sha256, :signer,
    :trust,
  :business_date, :header, :records, :accepted, :rejected, :duplicates, :amount, :amount_accepted, :amount_rejected,
  :amount_duplicate, 0, 0, :feedback_name, :waits_for, :waits_on, :waits_why
WHERE NOT EXISTS (SELECT 1 FROM file WHERE feed = :feed AND name = :name AND size = :size AND modified = :modified
  AND state NOT IN ('closed', 'gone'))
RETURNING id;

-- name: file-now
SELECT state, held_from, counted, attempts, size, modified, cipher_sha256, plain_sha256, duplicate_of, changed_at
FROM file WHERE id = ?1;

-- Indexed columns but due_at are left to set-file-keys, and so is duplicate_of, which refers to its own table: an
-- update that names such a column rewrites the entries of every index of the table. batches and batches_posted are the
-- book's own: a worker's copy of the file may be older than the batches posted since.
-- name: set-file
UPDATE file SET state = :to, held_from = :held, changed_at = :now, counted = :counted, due_at = :due_at,
  attempts = :tries,
  problem = :trouble, folder = :folder, evidence = :evidence, reason_code = :reason_code, reason = :reason,
  cipher_size = :cipher_size, plain_size = :plain_size, signer = :signer, trust = :trust,
  business_date = :business_date, header = :header, records = :records, accepted = :accepted, rejected = :rejected,
  duplicates = :duplicates, amount = :amount, amount_accepted = :amount_accepted, amount_rejected = :amount_rejected,
  amount_duplicate = :amount_duplicate, feedback_name = :feedback_name, outcome = :became, deaths = :dead,
  released = :freed, waits_for = :waits, waits_on = :on, waits_why = :why
WHERE id = :id AND state = :state;

-- name: set-file-keys
UPDATE file SET size = :size, modified = :modified, cipher_sha256 = :cipher_sha256, plain_sha256 = :plain_sha256,
  duplicate_of = :duplicate_of
WHERE id = :id;

-- name: add-total
INSERT INTO file_total (feed, state, files, records, accepted, rejected, duplicates, oldest_change)
SELECT feed, state, 1, records, accepted, rejected, duplicates, changed_at FROM file WHERE id = ?1
ON CONFLICT (feed, state) DO UPDATE SET files = file_total.files + 1, records = file_total.records + excluded.records,
  accepted = file_total.accepted + excluded.accepted, rejected = file_total.rejected + excluded.rejected,
  duplicates = file_total.duplicates + excluded.duplicates;

-- name: twin-file
SELECT id FROM file WHERE plain_sha256 = ?2 AND feed = ?1 AND counted = 1 AND id <> ?3 AND +name = ?4
  ORDER BY id LIMIT 1;
-- name: twin-content
SELECT id FROM file WHERE plain_sha256 = ?2 AND feed = ?1 AND counted = 1 AND id <> ?3 AND name <> ?4
  ORDER BY id LIMIT 1;
-- name: twin-name
SELECT id FROM file WHERE name = ?4 AND feed = ?1 AND counted = 1 AND id <> ?3 AND plain_sha256 <> ?2
  ORDER BY id LIMIT 1;

-- name: answer-owner
SELECT file FROM answer WHERE feed = ?1 AND name = ?2;
-- name: claim-answer
INSERT INTO answer (feed, name, file) VALUES (?1, ?2, ?3) ON CONFLICT (feed,
  name) DO UPDATE SET file = answer.file RETURNING file;

-- name: add-batch
INSERT INTO batch (file, number, first_record, last_record, first_line, last_line, accepted, rejected, duplicates,
  amount,
  state, attempts, sent_at, answered_at, posted_at, digest, answer, exceptions)
VALUES (?1, nullif(?2, 0), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'pending', 0, 0, 0, 0, NULL, NULL, ?11);
-- name: count-batches
UPDATE file SET batches = batches + ?2 WHERE id = ?1;
-- name: post-batch
UPDATE batch SET state = 'posted', posted_at = ?3 WHERE file = ?1 AND number = ?2 AND state IN ('pending', 'answered');
-- name: batch-state
SELECT state FROM batch WHERE file = ?1 AND number = ?2;
-- name: count-posted
UPDATE file SET batches_posted = batches_posted + 1 WHERE id = ?1;
-- name: uncut
SELECT count(*), min(first_record), max(last_record), sum(accepted), sum(rejected), sum(duplicates), sum(amount)
FROM batch WHERE file = ?1 AND first_record >= ?2 AND first_record <= ?3 AND number IS NULL;
-- name: remove-uncut
DELETE FROM batch WHERE file = ?1 AND first_record >= ?2 AND first_record <= ?3 AND number IS NULL;
-- name: next-number
SELECT coalesce(max(number), 0) + 1 FROM batch WHERE file = ?1;
-- name: file-batches
SELECT batches FROM file WHERE id = ?1;
-- A batch is sent again as it was: with the digest of the first time.
-- name: send-batch
UPDATE batch SET state = 'sent', attempts = attempts + 1, sent_at = CASE WHEN sent_at = 0 THEN ?3 ELSE sent_at END,
  digest = ?4
WHERE file = ?1 AND number = ?2 AND state IN ('pending', 'sent') AND (digest IS NULL OR digest = ?4)
RETURNING attempts, sent_at;
-- name: note-batch
UPDATE batch SET answer = ?3 WHERE file = ?1 AND number = ?2 AND state = 'sent';
-- name: reply-to-batch
UPDATE batch SET state = 'answered', answered_at = ?3, accepted = accepted - ?4 - ?5, rejected = rejected + ?4,
  duplicates = duplicates + ?5, amount = amount - ?6, answer = ?7, exceptions = ?8
WHERE file = ?1 AND number = ?2 AND state = 'sent'
RETURNING accepted, rejected, duplicates, amount;
-- The same of one that was never sent.
-- name: refuse-in-batch
UPDATE batch SET accepted = accepted - ?4 - ?5, rejected = rejected + ?4, duplicates = duplicates + ?5,
  amount = amount - ?6, answer = ?7, exceptions = ?8
WHERE file = ?1 AND number = ?2 AND state = 'pending' AND ?3 > 0
RETURNING accepted, rejected, duplicates, amount;
-- name: reply-to-file
UPDATE file SET accepted = accepted - ?2 - ?3, rejected = rejected + ?2, duplicates = duplicates + ?3,
  amount_accepted = amount_accepted - ?4 - ?5, amount_rejected = amount_rejected + ?4,
    amount_duplicate = amount_duplicate + ?5,
  attempts = 0, problem = NULL, waits_for = NULL, waits_on = NULL, waits_why = NULL
WHERE id = ?1
RETURNING accepted, rejected, duplicates, amount_accepted, amount_rejected, amount_duplicate;

-- name: add-intent
INSERT INTO intent (file, kind, endpoint, from_path, to_path, size, sha256, state, attempts, due_at, problem, done_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', 0, ?8, NULL, 0)
RETURNING id;
-- name: finish-intent
UPDATE intent SET state = 'done', done_at = ?2, problem = NULL, attempts = attempts + 1 WHERE id = ?1
  AND state = 'pending'
RETURNING file, kind;
-- name: intent-state
SELECT state FROM intent WHERE id = ?1;

-- name: save-poll
INSERT INTO poll (feed, last_at, last_ok_at, next_at, listed, taken, failures, problem) VALUES (?1, ?2, ?3, ?4, ?5,
  ?6, ?7, ?8)
ON CONFLICT (feed) DO UPDATE SET last_at = excluded.last_at, last_ok_at = excluded.last_ok_at,
  next_at = excluded.next_at,
  listed = excluded.listed, taken = excluded.taken, failures = excluded.failures, problem = excluded.problem;

-- name: add-audit
INSERT INTO audit (sequence, at, event, subject, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
-- name: last-audit
SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1;
-- name: audit-hash
SELECT hash FROM audit WHERE sequence = ?1;
-- name: audit-from
SELECT sequence, at, event, subject, detail, hash FROM audit WHERE sequence >= ?1 ORDER BY sequence;
-- name: audit-newest
SELECT sequence, at, event, subject, detail, hash FROM audit ORDER BY sequence DESC;

-- Files by filter: ?1 feed, ?2 GLOB over the shown name (SQLite's own; SIMILAR TO elsewhere), ?3 and ?4 seen from and
-- to, ?5 limit, ?6 due by, ?7 … ?21 wanted states (null: not wanted), ?22 1 or -1, ?23 0 or else only the outcomes ?24
-- … ?26. A plus before a column keeps its index out.
-- name: files-due
SELECT * FROM file
WHERE state NOT IN ('closed', 'gone') AND due_at <= ?6 AND (?1 IS NULL OR feed = ?1) AND (?2 IS NULL
  OR name_shown GLOB ?2)
  AND +seen_at >= ?3 AND +seen_at <= ?4
  AND state IN (?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
  AND (?23 = 0 OR outcome IN (?24, ?25, ?26))
ORDER BY due_at, id LIMIT ?5;
-- name: files-live
SELECT * FROM file
WHERE state NOT IN ('closed', 'gone') AND due_at <= ?6 AND (?1 IS NULL OR feed = ?1) AND (?2 IS NULL
  OR name_shown GLOB ?2)
  AND +seen_at >= ?3 AND +seen_at <= ?4
  AND state IN (?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
  AND (?23 = 0 OR outcome IN (?24, ?25, ?26))
ORDER BY ?22 * seen_at, id LIMIT ?5;
-- name: files-oldest
SELECT * FROM file
WHERE seen_at >= ?3 AND seen_at <= ?4 AND (?2 IS NULL OR name_shown GLOB ?2)
  AND state IN (?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
  AND (?23 = 0 OR outcome IN (?24, ?25, ?26))
ORDER BY seen_at LIMIT ?5;
-- name: files-newest
SELECT * FROM file
WHERE seen_at >= ?3 AND seen_at <= ?4 AND (?2 IS NULL OR name_shown GLOB ?2)
  AND state IN (?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
  AND (?23 = 0 OR outcome IN (?24, ?25, ?26))
ORDER BY seen_at DESC LIMIT ?5;
-- name: feed-files-oldest
SELECT * FROM file
WHERE feed = ?1 AND seen_at >= ?3 AND seen_at <= ?4 AND (?2 IS NULL OR name_shown GLOB ?2)
  AND state IN (?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
  AND (?23 = 0 OR outcome IN (?24, ?25, ?26))
ORDER BY seen_at LIMIT ?5;
-- name: feed-files-newest
SELECT * FROM file
WHERE feed = ?1 AND seen_at >= ?3 AND seen_at <= ?4 AND (?2 IS NULL OR name_shown GLOB ?2)
  AND state IN (?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
  AND (?23 = 0 OR outcome IN (?24, ?25, ?26))
ORDER BY seen_at DESC LIMIT ?5;

-- name: file-by-id
SELECT * FROM file WHERE id = ?1;
-- name: files-by-prefix
SELECT * FROM file WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 2;
-- name: file-by-shown-name
SELECT * FROM file WHERE name_shown = ?1 ORDER BY seen_at DESC, id DESC LIMIT 1;
-- name: files-named
SELECT * FROM file WHERE feed = ?1 AND name = ?2 ORDER BY +seen_at DESC, id DESC LIMIT 1000;
-- name: files-seen
SELECT id, name, size, modified, waits_for, waits_on FROM file
WHERE state NOT IN ('closed', 'gone') AND state = 'seen' AND feed = ?1;
-- name: file-tallies
SELECT id, feed, state, records, accepted, rejected, duplicates, amount_accepted, batches_posted, changed_at FROM file
WHERE id > ?1 ORDER BY id LIMIT ?2;
-- name: files-with-digest
SELECT * FROM file WHERE plain_sha256 = ?2 AND feed = ?1 AND counted = 1 AND id <> ?3
UNION
SELECT * FROM file WHERE cipher_sha256 = ?2 AND feed = ?1 AND counted = 1 AND id <> ?3
ORDER BY seen_at DESC, id DESC LIMIT 1000;

-- name: batches
SELECT coalesce(number, 0), first_record, last_record, first_line, last_line, accepted, rejected, duplicates, amount,
  state, attempts,
  sent_at, answered_at, posted_at, digest, answer, exceptions FROM batch WHERE file = ?1 ORDER BY first_record;
-- name: intents-of-file
SELECT id, file, kind, endpoint, from_path, to_path, size, sha256, state, attempts, due_at, problem, done_at
FROM intent WHERE file = ?1 ORDER BY id;
-- name: intents-pending
SELECT id, file, kind, endpoint, from_path, to_path, size, sha256, state, attempts, due_at, problem, done_at
FROM intent WHERE state = 'pending' ORDER BY id;
-- name: polls
SELECT feed, last_at, last_ok_at, next_at, listed, taken, failures, problem FROM poll ORDER BY feed;
-- name: history
SELECT at, event, detail FROM audit WHERE subject = ?1 ORDER BY sequence;
-- name: counts
SELECT feed, state, count(*), sum(records), sum(accepted), sum(rejected), sum(duplicates), min(changed_at)
FROM file WHERE state NOT IN ('closed', 'gone') AND due_at <= ?1 GROUP BY feed, state
UNION ALL
SELECT feed, state, files, records, accepted, rejected, duplicates, oldest_change FROM file_total;

-- What is watched (watch.sql, watch.c, alarms.c).
-- name: sequence
SELECT complete_to, last FROM sequence_period WHERE feed = ?1 AND period = ?2;
-- name: sequence-used
SELECT 1 FROM sequence_file WHERE feed = ?1 AND period = ?2 AND position = ?3 AND used = 1 LIMIT 1;
-- name: judge-sequence
INSERT INTO sequence_file (file, feed, period, number, position, verdict, outcome, used, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (file) DO UPDATE SET feed = excluded.feed, period = excluded.period, number = excluded.number,
  position = excluded.position,
  verdict = excluded.verdict, outcome = excluded.outcome, used = excluded.used, at = excluded.at;
-- name: set-sequence
INSERT INTO sequence_period (feed, period, complete_to, last, changed_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (feed, period) DO UPDATE SET complete_to = excluded.complete_to, last = excluded.last,
  changed_at = excluded.changed_at;
-- name: sequence-of-file
SELECT file, feed, period, number, position, verdict, outcome, used, at FROM sequence_file WHERE file = ?1;
-- name: counter-number
SELECT number FROM counter_number WHERE counter = ?1 AND file = ?2;
-- name: advance-counter
INSERT INTO counter (name, last) VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET last = counter.last + 1 RETURNING last;
-- name: keep-counter-number
INSERT INTO counter_number (counter, file, number) VALUES (?1, ?2, ?3);
-- name: note-arrival
INSERT INTO arrival (file, at, late) VALUES (?1, ?2, 0) ON CONFLICT (file) DO NOTHING;
-- name: judge-arrival
INSERT INTO arrival (file, at, late) VALUES (?1, ?2, 1) ON CONFLICT (file) DO UPDATE SET late = 1;
-- name: arrival
SELECT at, late FROM arrival WHERE file = ?1;
-- A file comes before it is seen: no older sighting can be in the span. Files from before the feed was watched have no
-- arrival noted.
-- name: arrivals
SELECT count(*) FROM (SELECT 1 FROM file LEFT JOIN arrival ON arrival.file = file.id
  WHERE file.feed = ?1 AND file.seen_at >= ?2 AND coalesce(arrival.at, file.seen_at) >= ?2 AND coalesce(arrival.at,
    file.seen_at) < ?3
    AND file.cipher_sha256 IS NOT NULL AND (file.counted = 1 OR file.state IN ('fetched', 'opened', 'staged', 'held'))
  LIMIT ?4) AS here;
-- name: add-due
INSERT INTO expectation (feed, name, day, opens_at, due_at, closes_at, wanted, state, settled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', 0) ON CONFLICT (feed, name, day) DO NOTHING;
-- name: drop-dues-ahead
DELETE FROM expectation WHERE state = 'open' AND due_at > ?1;
-- name: settle-due
UPDATE expectation SET state = ?4, settled_at = ?5 WHERE feed = ?1 AND name = ?2 AND day = ?3;
-- name: open-dues
SELECT feed, name, day, opens_at, due_at, closes_at, wanted, state, settled_at FROM expectation
WHERE state IN ('open', 'missed') ORDER BY due_at, feed, name;
-- name: last-due
SELECT max(day) FROM expectation WHERE feed = ?1 AND name = ?2;
-- name: prune-dues
DELETE FROM expectation WHERE feed || ' ' || name || ' ' || day IN (SELECT feed || ' ' || name || ' ' || day
  FROM expectation
  WHERE state IN ('met', 'excused') AND settled_at < ?1 AND day < (SELECT max(day) FROM expectation AS later
    WHERE later.feed = expectation.feed AND later.name = expectation.name));

-- name: live-alarm
SELECT id, weight, state, ways, next_at, told, told_at, text, detail FROM alarm WHERE kind = ?1 AND subject = ?2
  AND state <> 'cleared';
-- name: add-alarm
INSERT INTO alarm (id, kind, subject, feed, text, detail, weight, state, raised_at, cleared_at, acknowledged_by, ways,
  next_at, told,
  told_at, failures, problem)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'standing', ?8, 0, NULL, ?9, ?8, 0, 0, 0, NULL);
-- name: change-alarm
UPDATE alarm SET text = ?2, detail = ?3, weight = ?4, ways = ?5, next_at = ?6, told = ?7, state = ?8,
  failures = 0 WHERE id = ?1;
-- name: end-alarm
UPDATE alarm SET state = 'cleared', cleared_at = ?2, acknowledged_by = coalesce(?3, acknowledged_by), ways = ?4,
  next_at = ?5,
  failures = 0, problem = NULL WHERE id = ?1;
-- name: acknowledge-alarm
UPDATE alarm SET state = 'acknowledged', acknowledged_by = ?2, ways = 0, next_at = 0 WHERE id = ?1
  AND state = 'standing'
RETURNING kind, subject;
-- name: told-alarm
UPDATE alarm SET ways = ?5, next_at = ?6, told = ?7, told_at = ?8, failures = ?9, problem = ?10
WHERE id = ?1 AND state = ?2 AND weight <= ?3 AND told = ?4;
-- name: tell-end
UPDATE alarm SET ways = ?2, next_at = ?3 WHERE id = ?1 AND state = 'cleared' AND next_at = 0;
-- name: live-alarms
SELECT * FROM alarm WHERE state <> 'cleared' ORDER BY raised_at, id;
-- name: alarms
SELECT * FROM alarm ORDER BY raised_at DESC, id DESC LIMIT ?1;
-- name: alarms-to-tell
SELECT * FROM alarm WHERE next_at > 0 AND next_at <= ?1 ORDER BY next_at, id LIMIT 100;
-- name: alarm-by-id
SELECT * FROM alarm WHERE id = ?1;
-- name: prune-alarms
DELETE FROM alarm WHERE state = 'cleared' AND cleared_at < ?1 AND next_at = 0;

-- Of books from before `sealed` was a state: sealed answers, in the state before it.
-- name: unsealed-answers
SELECT * FROM file WHERE state NOT IN ('closed', 'gone') AND state IN ('posted', 'rejected', 'duplicate')
  AND feedback_name IS NOT NULL
LIMIT 1;

-- The rest is asked by book_verify only, and walks over everything.
-- name: verify-sums
SELECT id, CASE
    WHEN counted = 1 AND accepted > 0 AND batches = 0 THEN 'it has accepted records, but no batch to post them'
    WHEN records <> accepted + rejected + duplicates THEN 'its records are not accepted + rejected + duplicate'
    WHEN batches_posted <> batches AND state NOT IN ('validated', 'posting')
      THEN 'it is done, but not all of its batches are posted'
    ELSE 'its amount is not accepted + rejected + duplicate' END
FROM file
WHERE counted = 1 AND accepted > 0 AND batches = 0
  OR (counted = 1 AND state IN ('sealed', 'answered', 'closed') OR state IN ('validated', 'posting', 'posted'))
  AND (records <> accepted + rejected + duplicates
    OR batches_posted <> batches AND state NOT IN ('validated', 'posting')
    -- by halves: a sum of two of them may leave 64 bits, and would go on as a float
    OR (amount & 4294967295) <> ((amount_accepted & 4294967295) + (amount_rejected & 4294967295)
      + (amount_duplicate & 4294967295)) & 4294967295
    OR (amount >> 32) <> (amount_accepted >> 32) + (amount_rejected >> 32) + (amount_duplicate >> 32)
      + (((amount_accepted & 4294967295) + (amount_rejected & 4294967295) + (amount_duplicate & 4294967295)) >> 32))
LIMIT 1;
-- Files in the order of the batches' index; CROSS JOIN keeps SQLite from making a table of the sums first.
-- name: verify-batches
SELECT of_file, 'its batches are not those that it counts'
FROM (SELECT file AS of_file, count(*) AS n, count(CASE WHEN state = 'posted' THEN 1 END) AS posted,
        sum(accepted) AS accepted, sum(rejected) AS rejected, sum(duplicates) AS duplicates, sum(amount) AS amount,
        sum(last_record - first_record + 1) AS covered, min(first_record) AS first, max(last_record) AS last
      FROM batch GROUP BY file) AS b CROSS JOIN file ON file.id = b.of_file
WHERE b.n <> file.batches OR b.posted <> file.batches_posted
  OR file.counted = 1 AND (b.first <> 1 OR b.last <> file.records OR b.covered <> file.records
    OR b.accepted <> file.accepted OR b.rejected <> file.rejected OR b.duplicates <> file.duplicates
    OR b.amount <> file.amount_accepted)
UNION ALL
SELECT id, 'its batches are not those that it counts' FROM file
WHERE batches > 0 AND NOT EXISTS (SELECT 1 FROM batch WHERE batch.file = file.id)
LIMIT 1;
-- name: verify-totals
SELECT a.feed, a.state FROM (
  SELECT feed, state, count(*) AS files, sum(records) AS records, sum(accepted) AS accepted, sum(rejected) AS rejected,
    sum(duplicates) AS duplicates FROM file WHERE state IN ('closed', 'gone') GROUP BY feed, state) AS a
LEFT JOIN file_total AS t ON t.feed = a.feed AND t.state = a.state
WHERE t.files IS NULL OR t.files <> a.files OR t.records <> a.records OR t.accepted <> a.accepted
  OR t.rejected <> a.rejected
  OR t.duplicates <> a.duplicates
UNION ALL
SELECT t.feed, t.state FROM file_total AS t
WHERE NOT EXISTS (SELECT 1 FROM file WHERE file.feed = t.feed AND file.state = t.state)
LIMIT 1;
-- All entries of the index audit_subject in its order, and what the rows have to which they lead.
-- name: verify-history
SELECT entry.subject, entry.sequence, audit.sequence IS NOT NULL AND entry.subject IS audit.subject, audit.event
FROM audit AS entry INDEXED BY audit_subject LEFT JOIN audit ON audit.sequence = entry.sequence
ORDER BY entry.subject, entry.sequence;
-- name: verify-rows
SELECT count(*) FROM audit NOT INDEXED;
-- name: verify-states
SELECT id, state FROM file ORDER BY id;
