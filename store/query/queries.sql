-- The statements of query.c, by name (store/db/db.h).

-- name: query-progress
SELECT name, position, cursor, sequence, file, sha256, records, ran_at, made_at FROM query_progress
WHERE name = ?1 OR ?1 IS NULL ORDER BY name;
-- name: query-set
INSERT INTO query_progress (name, position, cursor, sequence, file, sha256, records, ran_at, made_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, cursor = excluded.cursor, sequence = excluded.sequence,
  file = excluded.file, sha256 = excluded.sha256, records = excluded.records, ran_at = excluded.ran_at,
  made_at = excluded.made_at;
