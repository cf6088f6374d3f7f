-- One file per shard of a ledger. Entries are stored by the posting (a batch's entries of this shard), encoded as in
-- store/staging/block_codec.h with the columns key, account, business date, amount, and the line as the record's line:
-- a row per entry with its unique index costs thirty times as much (tests/bench/bench_store.c). `seq` counts a shard's
-- entries from 1.

-- name: schema
CREATE TABLE ledger(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;

CREATE TABLE posting(
  first         INTEGER PRIMARY KEY,               -- seq of its first entry; the next posting begins at first + count
  file          TEXT NOT NULL,
  batch         INTEGER NOT NULL,
  business_date TEXT,                              -- of the entries that have none of their own
  posted_at     INTEGER NOT NULL,                  -- microseconds since 1970
  count         INTEGER NOT NULL CHECK (count > 0),
  amount        INTEGER NOT NULL,
  -- of all amounts without their signs, up to here; stays at the largest value
  gross         INTEGER NOT NULL,
  min_key       TEXT NOT NULL,
  max_key       TEXT NOT NULL,
  -- how its keys are found: 0 by its range, 1 in `key`, 2 loose: by looking
  zone          INTEGER NOT NULL,
  -- 0: business_date is that of every entry; 1: entries may have others of their own
  own_dates     INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX posting_file ON posting(file, batch, count, amount);
-- What was credited on a business day, in the order of files and batches (scan.c).
CREATE INDEX posting_date ON posting(own_dates, business_date, file, batch);
-- The zone map. Ranges of postings in zone 0 do not overlap each other, so that the few that a range touches are found
-- from its upper end downwards. What arrives with a range that others touch is loose; some ten thousand loose entries
-- at a time have their keys put into `key`, in order: one by one they would dirty a page each.
CREATE INDEX posting_zone ON posting(min_key, max_key, zone) WHERE zone = 0;
CREATE INDEX posting_loose ON posting(min_key, max_key, zone) WHERE zone = 2;

CREATE TABLE entries(first INTEGER PRIMARY KEY REFERENCES posting(first), block BLOB NOT NULL);

CREATE TABLE key(key TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;

-- Balances: the entries first … last once more, sorted by account (then seq), in blocks of some hundred (columns
-- account, amount, offset from the run's first seq). Runs follow each other without a gap; neighbours are merged as
-- they grow many. A row per account with its sum costs ten times as much to write, and its scattered pages are what
-- slows a large ledger.
CREATE TABLE run(id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE run_block(
  id          INTEGER PRIMARY KEY,                 -- run * 2^24 + its number in the run
  run         INTEGER NOT NULL REFERENCES run(id),
  min_account TEXT NOT NULL,
  block       BLOB NOT NULL
);
CREATE INDEX run_block_account ON run_block(run, min_account);
PRAGMA user_version = 2;

-- A ledger from before business days could be looked up. Of its entries it is not known: they are all looked at.
-- name: upgrade-to-2
ALTER TABLE posting ADD COLUMN own_dates INTEGER NOT NULL DEFAULT 1;
CREATE INDEX posting_date ON posting(own_dates, business_date, file, batch);
PRAGMA user_version = 2;

-- name: set-fact
INSERT INTO ledger(name, value) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value;

-- name: get-fact
SELECT value FROM ledger WHERE name = ?1;

-- name: top
SELECT first + count - 1, gross FROM posting ORDER BY first DESC LIMIT 1;

-- name: runs
SELECT id, first, last FROM run ORDER BY first;

-- name: insert-posting
INSERT INTO posting(first, file, batch, business_date, posted_at, count, amount, gross, min_key, max_key, zone,
  own_dates)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: insert-entries
INSERT INTO entries(first, block) VALUES (?1, ?2);

-- name: insert-key
INSERT INTO key(key, seq) VALUES (?1, ?2);

-- name: mark-indexed
UPDATE posting SET zone = 1 WHERE first = ?1;

-- name: overlapping
SELECT first, max_key >= ?1 FROM posting WHERE zone = 0 AND min_key <= ?2 ORDER BY min_key DESC, max_key DESC;

-- name: loose
SELECT first FROM posting WHERE zone = 2 AND min_key <= ?2 AND max_key >= ?1;

-- name: all-loose
SELECT first FROM posting WHERE zone = 2;

-- name: all-keys
SELECT key FROM key;

-- name: has-key-between
SELECT 1 FROM key WHERE key BETWEEN ?1 AND ?2 LIMIT 1;

-- name: find-key
SELECT seq FROM key WHERE key = ?1;

-- name: posting-of-seq
SELECT p.first, p.file, p.batch, p.business_date, p.posted_at, p.count, e.block
  FROM posting p JOIN entries e ON e.first = p.first WHERE p.first <= ?1 ORDER BY p.first DESC LIMIT 1;

-- name: postings-from
SELECT first FROM posting WHERE first >= ?1 ORDER BY first;

-- name: postings-of-file
SELECT first FROM posting WHERE file = ?1 ORDER BY batch;

-- name: postings-of-batch
SELECT first FROM posting WHERE file = ?1 AND batch = ?2;

-- Sums of all amounts may leave 64 bits, which their halves do not.
-- name: totals
SELECT coalesce(sum(count), 0), coalesce(sum(amount >> 32), 0), coalesce(sum(amount & 4294967295), 0) FROM posting;

-- name: totals-of-file
SELECT coalesce(sum(count), 0), coalesce(sum(amount >> 32), 0), coalesce(sum(amount & 4294967295), 0) FROM posting
WHERE file = ?1;

-- name: totals-of-files
SELECT sum(count), sum(amount >> 32), sum(amount & 4294967295), file FROM posting WHERE file BETWEEN ?1 AND ?2
GROUP BY file;

-- name: insert-run
INSERT INTO run(id, first, last) VALUES (?1, ?2, ?3);

-- name: insert-run-block
INSERT INTO run_block(id, run, min_account, block) VALUES (?1, ?2, ?3, ?4);

-- name: delete-run-blocks
DELETE FROM run_block WHERE run = ?1;

-- name: delete-run
DELETE FROM run WHERE id = ?1;

-- name: run-start
SELECT id FROM run_block WHERE run = ?1 AND min_account < ?2 ORDER BY min_account DESC, id DESC LIMIT 1;

-- name: run-blocks
SELECT min_account, block FROM run_block WHERE id >= ?1 AND id < ?2 ORDER BY id;

-- name: postings-to-verify
SELECT p.first, p.count, p.amount, p.min_key, p.max_key, p.zone, e.block
  FROM posting p LEFT JOIN entries e ON e.first = p.first ORDER BY p.first;

-- name: range-blocks
SELECT e.block FROM posting p JOIN entries e ON e.first = p.first WHERE p.zone = 0 ORDER BY p.min_key, p.max_key;

-- name: loose-blocks
SELECT e.block FROM posting p JOIN entries e ON e.first = p.first WHERE p.zone = 2;

-- name: keys
SELECT key, seq FROM key ORDER BY key;

-- Postings in the order of files and batches, in pages: ?1 own_dates, ?2 and ?3 business dates, ?4 the last entry that
-- counts, behind ?5 file, ?6 batch, ?7 first; ?8 how many. Within one business date the index has this order.
-- name: scan-day
SELECT first, file, batch, business_date, posted_at, count FROM posting
WHERE own_dates = ?1 AND business_date = ?2 AND business_date = ?3 AND first <= ?4 AND (file, batch, first) > (?5, ?6,
  ?7)
ORDER BY file, batch, first LIMIT ?8;
-- name: scan-days
SELECT first, file, batch, business_date, posted_at, count FROM posting
WHERE own_dates = ?1 AND business_date BETWEEN ?2 AND ?3 AND first <= ?4 AND (file, batch, first) > (?5, ?6, ?7)
ORDER BY file, batch, first LIMIT ?8;
-- name: scan-own
SELECT first, file, batch, business_date, posted_at, count FROM posting
WHERE own_dates = ?1 AND (?2 IS NOT NULL OR ?3 IS NOT NULL) AND first <= ?4 AND (file, batch, first) > (?5, ?6, ?7)
ORDER BY file, batch, first LIMIT ?8;
-- name: entries-of-posting
SELECT block FROM entries WHERE first = ?1;
-- name: has-file
SELECT 1 FROM posting WHERE file = ?1 AND first <= ?2 LIMIT 1;
