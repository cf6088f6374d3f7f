-- One statement each, by name (store/db/db.h). What the tables are is told in tables.sql.

-- name: fact
SELECT value FROM fact WHERE name = ?1;
-- name: set-fact
INSERT INTO fact(name, value) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value;
-- name: take-back-details
DELETE FROM detail WHERE admission > ?1;
-- name: take-back-suspended
DELETE FROM suspended WHERE admission > ?1;
-- name: take-back-settled
UPDATE suspended SET settled_by = NULL, settled_in = NULL WHERE settled_in > ?1;
-- name: take-back-answers
DELETE FROM answer WHERE admission > ?1;
-- name: last
SELECT first + count - 1 FROM detail ORDER BY first DESC LIMIT 1;
-- name: add-text
INSERT INTO text(text) VALUES (?1) ON CONFLICT(text) DO NOTHING;
-- name: text-id
SELECT id FROM text WHERE text = ?1;
-- name: texts
SELECT text FROM text;
-- name: add-detail
INSERT INTO detail(first, admission, at, file, count, rated, amount, shape, terms, block, first_event, last_event)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);
-- name: add-suspended
INSERT INTO suspended(number, admission) VALUES (?1, ?2);
-- name: settle
UPDATE suspended SET settled_by = ?2, settled_in = ?3 WHERE number = ?1 AND settled_by IS NULL;
-- name: give-up
UPDATE suspended SET settled_by = 0, settled_in = ?2 WHERE number = ?1 AND settled_by IS NULL;
-- name: waiting
SELECT number FROM suspended WHERE settled_by IS NULL AND number > ?1 ORDER BY number LIMIT ?2;
-- name: settled-by
SELECT settled_by, coalesce(settled_in, 0) FROM suspended WHERE number = ?1;
-- name: suspended-sums
SELECT count(*), coalesce(sum(settled_by > 0), 0), coalesce(sum(settled_by = 0 AND settled_in <= ?1), 0)
FROM suspended;
-- name: add-answer
INSERT INTO answer(file, batch, admission, answer) VALUES (?1, ?2, ?3, ?4);
-- name: last-file
SELECT sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, sha256, day, day IS NULL,
  supplement, first_event, last_event, late, late_high, late_low, split_at, held, unrouted, unrouted_high, unrouted_low,
  several, extra, extra_high, extra_low
FROM full_file ORDER BY sequence DESC LIMIT 1;
-- name: unwritten-file
SELECT sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, sha256, day, day IS NULL,
  supplement, first_event, last_event, late, late_high, late_low, split_at, held, unrouted, unrouted_high, unrouted_low,
  several, extra, extra_high, extra_low
FROM full_file WHERE sha256 IS NULL ORDER BY sequence LIMIT 1;
-- name: files-from
SELECT sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, sha256, day, day IS NULL,
  supplement, first_event, last_event, late, late_high, late_low, split_at, held, unrouted, unrouted_high, unrouted_low,
  several, extra, extra_high, extra_low
FROM full_file WHERE sequence >= ?1 ORDER BY sequence;
-- name: file-digest
SELECT sha256 FROM full_file WHERE sequence = ?1;
-- name: part-last
SELECT last FROM full_file_part WHERE sequence = ?1 AND shard = ?2;
-- name: file-numbered
SELECT sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, sha256, day, day IS NULL,
  supplement, first_event, last_event, late, late_high, late_low, split_at, held, unrouted, unrouted_high, unrouted_low,
  several, extra, extra_high, extra_low
FROM full_file WHERE sequence = ?1;
-- name: unsplit-file
SELECT sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, sha256, day, day IS NULL,
  supplement, first_event, last_event, late, late_high, late_low, split_at, held, unrouted, unrouted_high, unrouted_low,
  several, extra, extra_high, extra_low
FROM full_file WHERE split_at IS NULL AND sha256 IS NOT NULL ORDER BY sequence LIMIT 1;
-- name: file-with-detail
SELECT min(sequence) FROM full_file_part WHERE shard = ?1 AND last >= ?2;
-- name: add-file
INSERT INTO full_file(sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, day,
  supplement, first_event, last_event, late, late_high, late_low)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16);
-- name: supplements
SELECT coalesce(max(supplement), 0) FROM full_file WHERE period = ?1;
-- name: add-part
INSERT INTO full_file_part(sequence, shard, last) VALUES (?1, ?2, ?3);
-- name: hold-split
UPDATE full_file SET held = ?2 WHERE sequence = ?1;
-- name: set-split
UPDATE full_file SET split_at = ?2, held = NULL, unrouted = ?3, unrouted_high = ?4, unrouted_low = ?5, several = ?6,
  extra = ?7, extra_high = ?8, extra_low = ?9 WHERE sequence = ?1;
-- name: add-left
INSERT INTO left_over(shard, day, left_by, since, count, amount_high, amount_low, first_event, last_event, numbers)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
-- name: take-left
UPDATE left_over SET taken_by = ?1 WHERE taken_by IS NULL AND day BETWEEN ?2 AND ?3;
-- name: left-waiting
SELECT id, shard, day, since, count, amount_high, amount_low, first_event, last_event, numbers FROM left_over
WHERE taken_by IS NULL AND day BETWEEN ?1 AND ?2 ORDER BY id;
-- name: left-by
SELECT id, shard, day, since, count, amount_high, amount_low, first_event, last_event, numbers FROM left_over
WHERE left_by = ?1 AND shard = ?2 ORDER BY id;
-- name: taken-by
SELECT id, shard, day, since, count, amount_high, amount_low, first_event, last_event, numbers FROM left_over
WHERE taken_by = ?1 AND shard = ?2 ORDER BY id;
-- name: left-rows-of
SELECT numbers, taken_by FROM left_over WHERE left_by = ?1 AND shard = ?2;
-- name: add-platform-file
INSERT INTO platform_file(sequence, platform, name, sha256, count, amount_high, amount_low, is_pushed)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);
-- name: platform-files
SELECT platform, name, sha256, count, amount_high, amount_low, pushed_at, is_pushed, due_at, tries, reason, sequence
FROM platform_file WHERE sequence = ?1 ORDER BY platform;
-- name: next-push
SELECT platform, name, sha256, count, amount_high, amount_low, pushed_at, is_pushed, due_at, tries, reason, sequence
FROM platform_file WHERE platform = ?1 AND is_pushed = 1 AND pushed_at IS NULL ORDER BY sequence LIMIT 1;
-- name: oldest-unpushed
SELECT platform, name, sha256, count, amount_high, amount_low, pushed_at, is_pushed, due_at, tries, reason,
  min(sequence)
FROM platform_file WHERE is_pushed = 1 AND pushed_at IS NULL GROUP BY platform ORDER BY platform;
-- name: set-pushed
UPDATE platform_file SET pushed_at = ?3, reason = NULL WHERE sequence = ?1 AND platform = ?2;
-- name: put-off-push
UPDATE platform_file SET due_at = ?3, tries = tries + 1, reason = ?4 WHERE sequence = ?1 AND platform = ?2;
-- name: set-digest
UPDATE full_file SET sha256 = ?2 WHERE sequence = ?1 AND sha256 IS NULL;
-- name: sums-between
SELECT first, rated, amount, at, first_event, last_event, first_event IS NULL FROM detail
WHERE first > ?1 AND first <= ?2 AND rated > 0 ORDER BY first;
-- name: answer
SELECT answer, answer IS NULL FROM answer WHERE file = ?1 AND batch = ?2;
-- name: counter
SELECT used FROM counter WHERE counter = ?1;
-- name: set-counter
INSERT INTO counter(counter, used) VALUES (?1, ?2) ON CONFLICT(counter) DO UPDATE SET used = excluded.used;
-- name: any-counter
SELECT 1 FROM counter LIMIT 1;
-- name: counters
SELECT counter, used FROM counter;
-- name: runs
SELECT first, last FROM run ORDER BY first;
-- name: add-run
INSERT INTO run(first, last) VALUES (?1, ?2);
-- name: drop-runs
DELETE FROM run WHERE first BETWEEN ?1 AND ?2;

-- The block that holds a number; blocks from a number on; those of a file.
-- name: block-of
SELECT d.first, d.admission, d.at, d.file, d.count, d.rated, d.amount, d.block, s.text, t.text FROM detail d
  JOIN text s ON s.id = d.shape JOIN text t ON t.id = d.terms
WHERE d.first <= ?1 ORDER BY d.first DESC LIMIT 1;
-- name: blocks-from
SELECT d.first, d.admission, d.at, d.file, d.count, d.rated, d.amount, d.block, s.text, t.text FROM detail d
  JOIN text s ON s.id = d.shape JOIN text t ON t.id = d.terms
WHERE d.first >= ?1 ORDER BY d.first;
-- name: blocks-of-file
SELECT d.first, d.admission, d.at, d.file, d.count, d.rated, d.amount, d.block, s.text, t.text FROM detail d
  JOIN text s ON s.id = d.shape JOIN text t ON t.id = d.terms
WHERE d.file = ?1 ORDER BY d.first;
