-- The statements of recon.c, by name (store/db/db.h). `SELECT *` gives the columns in the order of tables.sql.

-- name: add-block
INSERT INTO recon_block (name, seen_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING;
-- name: block
SELECT seen_at FROM recon_block WHERE name = ?1;

-- name: has-task
SELECT 1 FROM recon_task WHERE name = ?1 AND period = ?2 AND version = ?3;
-- name: add-task
INSERT INTO recon_task (id, name, requester, type, period, version, state, snapshot, shards, records, total, scale,
  object, manifest_name,
  manifest_size, manifest_sha256, created_at, due_at, started_at, done_at, pushed_at, told_at, fetched_at,
    acknowledged_at, removed_at, attempts, problem)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', NULL, 0, 0, 0, ?7, ?8, NULL, 0, NULL, ?9, ?10, 0, 0, 0, 0, 0, 0, 0, 0, NULL);
-- name: set-task
UPDATE recon_task SET state = ?2, snapshot = ?3, shards = ?4, records = ?5, total = ?6, scale = ?7,
  manifest_size = ?8, manifest_sha256 = ?9,
  due_at = ?10, started_at = ?11, done_at = ?12, pushed_at = ?13, told_at = ?14, removed_at = ?15, attempts = ?16,
    problem = ?17,
  manifest_name = ?19
WHERE id = ?1 AND state = ?18;
-- What the requester did. Not in set-task, whose caller may have read the row before the requester did it.
-- name: note-pushed
UPDATE recon_task SET pushed_at = ?2, problem = NULL WHERE id = ?1 AND state = 'done' AND pushed_at = 0;
-- name: note-told
UPDATE recon_task SET told_at = ?2, problem = NULL WHERE id = ?1 AND state = 'done' AND told_at = 0;
-- name: note-removed
UPDATE recon_task SET removed_at = ?2 WHERE id = ?1 AND state = 'done' AND removed_at = 0;
-- name: note-problem
UPDATE recon_task SET attempts = ?2, problem = ?3 WHERE id = ?1 AND state = 'done';
-- name: note-fetched
UPDATE recon_task SET fetched_at = ?2 WHERE id = ?1 AND state = 'done' AND fetched_at = 0;
-- name: note-acknowledged
UPDATE recon_task SET acknowledged_at = ?2 WHERE id = ?1 AND state = 'done' AND acknowledged_at = 0;
-- name: task-state
SELECT state FROM recon_task WHERE id = ?1;
-- name: drop-task
DELETE FROM recon_task WHERE id = ?1 AND state <> 'done';

-- A shard of a published version is never added to or taken away.
-- name: add-shard
INSERT INTO recon_shard (task, number, object, name, size, md5, sha256, plain_size, plain_sha256, records, total,
  cursor)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
WHERE EXISTS (SELECT 1 FROM recon_task WHERE id = ?1 AND state = 'running')
  AND ?2 = 1 + (SELECT coalesce(max(number), 0) FROM recon_shard WHERE task = ?1);
-- name: pushed-shards
UPDATE recon_shard SET pushed = 1 WHERE task = ?1 AND number <= ?2 AND pushed = 0;
-- name: forget-pushed
UPDATE recon_shard SET pushed = 0 WHERE task = ?1 AND pushed = 1;
-- name: clear-shards
DELETE FROM recon_shard WHERE task = ?1 AND EXISTS (SELECT 1 FROM recon_task WHERE id = ?1 AND state <> 'done');

-- name: tasks-open
SELECT * FROM recon_task
WHERE (state <> 'done' OR pushed_at = 0 OR told_at = 0) AND (?1 = 0 OR (state IN ('pending', 'running')
  AND due_at <= ?1))
  AND (?2 IS NULL OR state = ?2)
ORDER BY due_at, id LIMIT ?3;
-- name: tasks
SELECT * FROM recon_task
WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR requester = ?2) AND (?3 IS NULL OR type = ?3) AND (?4 IS NULL
  OR period = ?4)
  AND (?5 = 0 OR version = ?5)
ORDER BY period DESC, name, version DESC LIMIT ?6;
-- name: tasks-asked
SELECT * FROM recon_task
WHERE requester = ?2 AND type = ?3 AND period = ?4 AND (?1 IS NULL OR name = ?1) AND (?5 = 0 OR version = ?5)
ORDER BY period DESC, name, version DESC LIMIT ?6;
-- name: tasks-kept
SELECT * FROM recon_task WHERE state = 'done' AND removed_at = 0 AND done_at < ?1 ORDER BY done_at LIMIT ?2;
-- name: task-by-id
SELECT * FROM recon_task WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 2;
-- name: task-by-object
SELECT * FROM recon_task WHERE object = ?1;
-- name: task-of-shard-object
SELECT t.*, s.number FROM recon_shard s JOIN recon_task t ON t.id = s.task WHERE s.object = ?1;
-- name: shards
SELECT number, object, name, size, md5, sha256, plain_size, plain_sha256, records, total, cursor, pushed
  FROM recon_shard
WHERE task = ?1 AND number > ?2 ORDER BY number LIMIT ?3;

-- name: last-shard
SELECT number, object, name, size, md5, sha256, plain_size, plain_sha256, records, total, cursor, pushed
  FROM recon_shard
WHERE task = ?1 ORDER BY number DESC LIMIT 1;

-- What is not credited as a whole yet; `since` is the last row of an earlier look.
-- name: files-not-posted
SELECT id FROM file WHERE state NOT IN ('closed', 'gone') AND state NOT IN ('posted', 'sealed', 'answered');
-- name: files-since
SELECT id FROM file WHERE rowid > ?1;
-- name: last-file
SELECT coalesce(max(rowid), 0) FROM file;
-- name: files-in-posting
SELECT count(*) FROM file
WHERE state NOT IN ('closed', 'gone') AND state IN ('validated', 'posting') AND (business_date IS NULL
  OR business_date BETWEEN ?1 AND ?2);

-- Files of a period for `from = files` and `from = records`, in the order of their ids, in pages. A file whose business
-- date was never learnt (refused before it could be read) belongs to the day of its arrival.
-- name: files-of-period
SELECT * FROM file WHERE id > ?1 AND coalesce(business_date, date(seen_at / 1000000, 'unixepoch')) BETWEEN ?2
  AND ?3 ORDER BY id LIMIT ?4;

-- What was decided about files, in the order of the audit (late.c); a file whose business date was never learnt as
-- above.
-- name: decided-files
SELECT a.sequence, a.at, a.event, f.id, f.feed, f.name_shown,
  coalesce(f.business_date, date(f.seen_at / 1000000, 'unixepoch')), f.accepted
FROM audit a JOIN file f ON f.id = a.subject
WHERE a.sequence > ?1 AND a.sequence <= ?2 AND a.event IN ('posted', 'rejected', 'duplicate')
ORDER BY a.sequence LIMIT ?3;
-- name: audit-top
SELECT max(sequence) FROM audit;
-- name: late-seen
SELECT CAST(value AS BIGINT) FROM book_fact WHERE name = 'recon-late';
-- name: set-late-seen
INSERT INTO book_fact (name, value) VALUES ('recon-late', CAST(?1 AS TEXT))
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
-- name: late-seen-back
UPDATE book_fact SET value = CAST(?1 AS TEXT) WHERE name = 'recon-late' AND CAST(value AS BIGINT) > ?1;
