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
INSERT INTO detail(first, admission, at, file, count, rated, amount, shape, terms, block)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
-- name: add-suspended
INSERT INTO suspended(number, admission) VALUES (?1, ?2);
-- name: settle
UPDATE suspended SET settled_by = ?2, settled_in = ?3 WHERE number = ?1 AND settled_by IS NULL;
-- name: waiting
SELECT number FROM suspended WHERE settled_by IS NULL AND number > ?1 ORDER BY number LIMIT ?2;
-- name: settled-by
SELECT settled_by, settled_in FROM suspended WHERE number = ?1;
-- name: suspended-sums
SELECT count(*), count(settled_by) FROM suspended;
-- name: add-answer
INSERT INTO answer(file, batch, admission, answer) VALUES (?1, ?2, ?3, ?4);
-- name: last-file
SELECT sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, sha256 FROM full_file
ORDER BY sequence DESC LIMIT 1;
-- name: unwritten-file
SELECT sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, sha256 FROM full_file
WHERE sha256 IS NULL ORDER BY sequence LIMIT 1;
-- name: files-from
SELECT sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low, sha256 FROM full_file
WHERE sequence >= ?1 ORDER BY sequence;
-- name: file-digest
SELECT sha256 FROM full_file WHERE sequence = ?1;
-- name: part-last
SELECT last FROM full_file_part WHERE sequence = ?1 AND shard = ?2;
-- name: add-file
INSERT INTO full_file(sequence, period, opened_at, closed_at, reason, format, count, amount_high, amount_low)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);
-- name: add-part
INSERT INTO full_file_part(sequence, shard, last) VALUES (?1, ?2, ?3);
-- name: set-digest
UPDATE full_file SET sha256 = ?2 WHERE sequence = ?1 AND sha256 IS NULL;
-- name: sums-between
SELECT coalesce(sum(rated), 0), coalesce(sum(amount >> 32), 0), coalesce(sum(amount & 4294967295), 0),
  coalesce(min(at), 0) FROM detail WHERE first > ?1 AND first <= ?2;
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
