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
-- Details without a price yet, and the later detail that has it: of the same record, without a key of its own.
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
