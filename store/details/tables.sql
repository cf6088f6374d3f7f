-- name: details
CREATE TABLE fact(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE text(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
-- Some hundred records of one file: a row per record with an index of its key costs thirty times as much. `first` is
-- the number of its first one; the next block begins at first + count.
CREATE TABLE detail(
  first     INTEGER PRIMARY KEY,
  admission INTEGER NOT NULL,
  at        INTEGER NOT NULL,                     -- of the admission, microseconds since 1970
  file      TEXT NOT NULL,
  count     INTEGER NOT NULL CHECK (count > 0),
  rated     INTEGER NOT NULL,
  amount    INTEGER NOT NULL,                     -- of the rated
  shape     INTEGER NOT NULL REFERENCES text(id),
  terms     INTEGER NOT NULL REFERENCES text(id),
  block     BLOB NOT NULL
);
CREATE INDEX detail_admission ON detail(admission);
CREATE INDEX detail_file ON detail(file);
-- Details without a price yet, and the later detail that has it: of the same record, without a key of its own. 0: none
-- has, it is refused, and its key is free from that admission on.
CREATE TABLE suspended(
  number     INTEGER PRIMARY KEY,
  admission  INTEGER NOT NULL,
  settled_by INTEGER,
  settled_in INTEGER                              -- the admission
);
CREATE INDEX suspended_waiting ON suspended(number) WHERE settled_by IS NULL;
CREATE INDEX suspended_admission ON suspended(admission);
CREATE INDEX suspended_settled ON suspended(settled_in) WHERE settled_in IS NOT NULL;
-- The files in which the keys of the details from `first` to `last` lie in order of their hashes. They follow each
-- other without a gap; what is behind the last one is in no run yet.
CREATE TABLE run(first INTEGER PRIMARY KEY, last INTEGER NOT NULL);

-- name: business
CREATE TABLE fact(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE answer(
  file      TEXT NOT NULL,
  batch     INTEGER NOT NULL,
  admission INTEGER NOT NULL,
  answer    BLOB,
  PRIMARY KEY(file, batch)
) WITHOUT ROWID;
CREATE INDEX answer_admission ON answer(admission);
-- Full files, in the first shard's file alone: each has, of each shard, the details behind those of the file before it,
-- up to `last`. A file without a digest is closed and not yet written.
CREATE TABLE full_file(
  sequence    INTEGER PRIMARY KEY,
  period      TEXT NOT NULL,
  opened_at   INTEGER NOT NULL,
  closed_at   INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  format      TEXT NOT NULL,
  count       INTEGER NOT NULL,
  amount_high INTEGER NOT NULL,                  -- the sum is high * 2^32 + low
  amount_low  INTEGER NOT NULL,
  sha256      TEXT
);
CREATE INDEX full_file_unwritten ON full_file(sequence) WHERE sha256 IS NULL;
CREATE TABLE full_file_part(
  sequence INTEGER NOT NULL REFERENCES full_file(sequence),
  shard    INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  PRIMARY KEY(sequence, shard)
) WITHOUT ROWID;
-- What accounts have used in their periods, by the details up to the fact `counted`.
CREATE TABLE counter(counter TEXT PRIMARY KEY, used INTEGER NOT NULL) WITHOUT ROWID;

-- What a store of version 1 lacks.
-- name: details-2
-- Events of the first and the last one with a price; null: there is none, or the block is older than these columns.
ALTER TABLE detail ADD COLUMN first_event INTEGER;
ALTER TABLE detail ADD COLUMN last_event INTEGER;

-- name: business-2
ALTER TABLE full_file ADD COLUMN day INTEGER;                  -- of its period, since 1970; null: it has none
ALTER TABLE full_file ADD COLUMN supplement INTEGER NOT NULL DEFAULT 0;   -- its number among those of the day; 0: none
ALTER TABLE full_file ADD COLUMN first_event INTEGER;
ALTER TABLE full_file ADD COLUMN last_event INTEGER;
ALTER TABLE full_file ADD COLUMN late INTEGER NOT NULL DEFAULT 0;         -- of earlier days
ALTER TABLE full_file ADD COLUMN late_high INTEGER NOT NULL DEFAULT 0;
ALTER TABLE full_file ADD COLUMN late_low INTEGER NOT NULL DEFAULT 0;
ALTER TABLE full_file ADD COLUMN split_at INTEGER;             -- null: not taken apart yet
ALTER TABLE full_file ADD COLUMN held TEXT;                    -- why not
ALTER TABLE full_file ADD COLUMN unrouted INTEGER NOT NULL DEFAULT 0;     -- to no platform
ALTER TABLE full_file ADD COLUMN unrouted_high INTEGER NOT NULL DEFAULT 0;
ALTER TABLE full_file ADD COLUMN unrouted_low INTEGER NOT NULL DEFAULT 0;
ALTER TABLE full_file ADD COLUMN several INTEGER NOT NULL DEFAULT 0;      -- to more than one
ALTER TABLE full_file ADD COLUMN extra INTEGER NOT NULL DEFAULT 0;        -- times beyond the first
ALTER TABLE full_file ADD COLUMN extra_high INTEGER NOT NULL DEFAULT 0;
ALTER TABLE full_file ADD COLUMN extra_low INTEGER NOT NULL DEFAULT 0;
UPDATE full_file SET split_at = closed_at WHERE sha256 IS NOT NULL;
CREATE INDEX full_file_unsplit ON full_file(sequence) WHERE split_at IS NULL;
-- Details that a file has left over, as their day is another one than its own: of one shard and one day, in a row at
-- most some thousand. A later file takes a row whole.
CREATE TABLE left_over(
  id          INTEGER PRIMARY KEY,
  shard       INTEGER NOT NULL,
  day         INTEGER NOT NULL,
  left_by     INTEGER NOT NULL,
  taken_by    INTEGER,
  since       INTEGER NOT NULL,
  count       INTEGER NOT NULL,
  amount_high INTEGER NOT NULL,
  amount_low  INTEGER NOT NULL,
  first_event INTEGER NOT NULL,
  last_event  INTEGER NOT NULL,
  numbers     BLOB NOT NULL                       -- 64 bits each, the least byte first, ascending
);
CREATE INDEX left_over_waiting ON left_over(day) WHERE taken_by IS NULL;
CREATE INDEX left_over_left ON left_over(left_by, shard);
CREATE INDEX left_over_taken ON left_over(taken_by, shard) WHERE taken_by IS NOT NULL;
-- The matrix: what each platform got of each full file; and whether its file is where it belongs.
CREATE TABLE platform_file(
  sequence    INTEGER NOT NULL REFERENCES full_file(sequence),
  platform    TEXT NOT NULL,
  name        TEXT NOT NULL,
  sha256      TEXT NOT NULL,
  count       INTEGER NOT NULL,
  amount_high INTEGER NOT NULL,
  amount_low  INTEGER NOT NULL,
  pushed_at   INTEGER,                            -- null: not yet, or it stays here
  is_pushed   INTEGER NOT NULL,                   -- 0: it stays here
  due_at      INTEGER NOT NULL DEFAULT 0,
  tries       INTEGER NOT NULL DEFAULT 0,
  reason      TEXT,
  PRIMARY KEY(sequence, platform)
) WITHOUT ROWID;
CREATE INDEX platform_file_unpushed ON platform_file(platform, sequence) WHERE is_pushed = 1 AND pushed_at IS NULL;
