-- The statements of cases.c, by name (store/db/db.h).

-- name: add
INSERT INTO cases (id, feed, scenario, channel, rules, file, line, collected_at, header, fields, result)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (id) DO NOTHING;
-- What is beyond the ?4 smallest of the cell.
-- name: keep-smallest
DELETE FROM cases
WHERE feed = ?1 AND scenario = ?2 AND channel = ?3 AND id IN (
  SELECT id FROM cases WHERE feed = ?1 AND scenario = ?2 AND channel = ?3 ORDER BY id LIMIT -1 OFFSET ?4);
-- name: of-other-rules
DELETE FROM cases WHERE feed = ?1 AND rules <> ?2;
-- name: count
SELECT count(*) FROM cases;
-- name: each
SELECT id, feed, scenario, channel, rules, file, line, collected_at, header, fields, result
FROM cases ORDER BY feed, header, id;
-- name: each-of-feed
SELECT id, feed, scenario, channel, rules, file, line, collected_at, header, fields, result
FROM cases WHERE feed = ?1 ORDER BY feed, header, id;
-- name: one
SELECT id, feed, scenario, channel, rules, file, line, collected_at, header, fields, result
FROM cases WHERE id = ?1;
-- name: cells
SELECT feed, scenario, channel, count(*), min(collected_at), max(collected_at)
FROM cases GROUP BY feed, scenario, channel ORDER BY feed, scenario, channel;
