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
-- What accounts have used in their periods, by the details up to the fact `counted`.
CREATE TABLE counter(counter TEXT PRIMARY KEY, used INTEGER NOT NULL) WITHOUT ROWID;
