-- One file per inbound file, written once, without a journal. Records are stored by the thousand
-- (store/staging/block_codec.h).

-- name: schema
CREATE TABLE layout(position INTEGER PRIMARY KEY, name TEXT NOT NULL, type INTEGER NOT NULL, scale INTEGER NOT NULL);
-- The ordinal of a block's first record is its key; blocks follow each other without a gap.
CREATE TABLE block(first INTEGER PRIMARY KEY, count INTEGER NOT NULL, faults INTEGER NOT NULL, records BLOB NOT NULL);
CREATE TABLE fault(record INTEGER PRIMARY KEY, field INTEGER NOT NULL, code TEXT NOT NULL, reason TEXT);
CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;

-- name: insert-column
INSERT INTO layout(position, name, type, scale) VALUES (?1, ?2, ?3, ?4);

-- name: insert-block
INSERT INTO block(first, count, faults, records) VALUES (?1, ?2, ?3, ?4);

-- name: insert-fault
INSERT INTO fault(record, field, code, reason) VALUES (?1, ?2, ?3, ?4);

-- name: set-fact
INSERT INTO fact(name, value) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value;

-- name: get-fact
SELECT value FROM fact WHERE name = ?1;

-- name: columns
SELECT name, type, scale FROM layout ORDER BY position;

-- name: count
SELECT first + count - 1 FROM block ORDER BY first DESC LIMIT 1;

-- name: blocks
SELECT first, count, faults, records FROM block
 WHERE first >= (SELECT max(first) FROM block WHERE first <= ?1) AND first < ?1 + ?2 ORDER BY first;

-- name: faults
SELECT record, field, code, reason FROM fault WHERE record BETWEEN ?1 AND ?2 ORDER BY record;
