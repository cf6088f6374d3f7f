-- The statements of store/reference/, by name (store/db/db.h). Rows are given as key, start, finish, content, origin,
-- line, id.

-- name: incoming-schema
CREATE TABLE incoming (
  key     TEXT   NOT NULL,
  start   BIGINT NOT NULL,
  finish  BIGINT NOT NULL,
  content TEXT,
  origin  BIGINT NOT NULL,
  line    BIGINT NOT NULL,
  PRIMARY KEY (key, start, line)
) WITHOUT ROWID;
-- name: add-incoming
INSERT INTO incoming (key, start, finish, content, origin, line) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
-- name: incoming
SELECT key, start, finish, content, origin, line, 0 FROM incoming ORDER BY key, start, line;

-- name: rows-in-force
SELECT key, start, finish, content, origin, line, id FROM reference_row WHERE gone = 9223372036854775807
ORDER BY key, start;
-- name: rows-of-key
SELECT key, start, finish, content, origin, line, id FROM reference_row
WHERE key = ?1 AND gone = 9223372036854775807 ORDER BY start;
-- name: rows-of-version
SELECT key, start, finish, content, origin, line, id FROM reference_row WHERE since <= ?1 AND gone > ?1
ORDER BY key, start;
-- name: rows-of-key-and-version
SELECT key, start, finish, content, origin, line, id FROM reference_row
WHERE key = ?1 AND since <= ?2 AND gone > ?2 ORDER BY start;
-- name: rows-of-prefix
SELECT key, start, finish, content, origin, line, id FROM reference_row
WHERE key >= ?1 AND key < ?2 AND since <= ?3 AND gone > ?3 ORDER BY key, start;
-- name: row-at
SELECT key, start, finish, content, origin, line, id FROM reference_row
WHERE key = ?1 AND start <= ?3 AND since <= ?2 AND gone > ?2 ORDER BY start DESC LIMIT 1;
-- name: row
SELECT key, start, finish, content, origin, line, id FROM reference_row WHERE id = ?1;
-- name: difference
SELECT key, start, finish, content, origin, line, id, CASE WHEN since <= ?2 AND gone > ?2 THEN 1 ELSE 0 END AS comes
FROM reference_row
WHERE (since <= ?1 AND gone > ?1 AND NOT (since <= ?2 AND gone > ?2))
  OR (since <= ?2 AND gone > ?2 AND NOT (since <= ?1 AND gone > ?1))
ORDER BY key, start, comes;

-- name: enter
INSERT INTO reference_row (key, start, finish, content, origin, line, since, gone)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 9223372036854775807);
-- name: leave
UPDATE reference_row SET gone = ?2 WHERE id = ?1;

-- name: add-version
INSERT INTO reference_version (number, kind, sequence, file, back_to, made_at, made_by, shape, n_rows, added, changed,
  removed, gaps, kept)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, 0, 0, 0, 1);
-- name: count-version
UPDATE reference_version SET n_rows = ?2, added = ?3, changed = ?4, removed = ?5, gaps = ?6, gap_line = ?7, digest = ?8
WHERE number = ?1;
-- name: version-of-file
SELECT number FROM reference_version WHERE file = ?1;
-- name: versions
SELECT number, kind, sequence, file, back_to, made_at, made_by, shape, n_rows, added, changed, removed, gaps, kept,
  gap_line, digest
FROM reference_version WHERE ?1 = 0 OR number = ?1 ORDER BY number DESC LIMIT ?2;
-- Of a table that was not written since schema 2 came.
-- name: versions-of-1
SELECT number, kind, sequence, file, back_to, made_at, made_by, shape, n_rows, added, changed, removed, gaps, kept,
  0, NULL
FROM reference_version WHERE ?1 = 0 OR number = ?1 ORDER BY number DESC LIMIT ?2;
-- name: newest
SELECT coalesce(max(number), 0) FROM reference_version;
-- The kept ones below a number, with the instant at which the next one came.
-- name: older-versions
SELECT v.number, n.made_at FROM reference_version v JOIN reference_version n ON n.number = v.number + 1
WHERE v.kept = 1 AND v.number < ?1 ORDER BY v.number;
-- name: forget-version
UPDATE reference_version SET kept = 0 WHERE number = ?1;
-- Rows of a version that is not kept any more, which are in no version that is: neither in the next nor in the last one
-- that is kept on its either side.
-- name: forget-rows
DELETE FROM reference_row
WHERE gone < 9223372036854775807 AND gone > ?1
  AND gone <= (SELECT min(number) FROM reference_version WHERE kept = 1 AND number > ?1)
  AND since <= ?1
  AND since > (SELECT coalesce(max(number), 0) FROM reference_version WHERE kept = 1 AND number < ?1);
