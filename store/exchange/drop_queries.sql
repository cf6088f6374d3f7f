-- The statements of drops.c, by name. `?1 … ?3` are the mailbox, the direction and the side. `SELECT *` gives the
-- columns in the order of drops.sql.

-- name: drops
SELECT * FROM exchange_drop WHERE mailbox = ?1 AND direction = ?2 AND side = ?3 ORDER BY number LIMIT ?4;
-- name: drop-add
INSERT INTO exchange_drop (mailbox, direction, side, name, item, state, file, size, modified, token, number)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING;
-- name: drop-set
UPDATE exchange_drop SET state = ?5, file = ?6 WHERE mailbox = ?1 AND direction = ?2 AND side = ?3 AND name = ?4;
-- name: drop-take-again
UPDATE exchange_drop SET token = ?5 WHERE mailbox = ?1 AND direction = ?2 AND side = ?3 AND name = ?4 AND item = ?6;
-- name: drop-remove
DELETE FROM exchange_drop WHERE mailbox = ?1 AND direction = ?2 AND side = ?3 AND name = ?4;
