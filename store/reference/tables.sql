-- A reference table, version 1 of the schema: its versions, and its rows with the versions that they belong to.
-- Common SQL of SQLite and PostgreSQL. Instants are microseconds since 1970; the least and the greatest number of 64
-- bits stand for "since ever" and "for ever".
--
-- A row belongs to the versions [since, gone). It is never changed but for `gone`, so that a version never changes;
-- what two loads have in common is kept once.
CREATE TABLE reference_version (
  number   BIGINT NOT NULL PRIMARY KEY CHECK (number > 0),
  kind     TEXT   NOT NULL CHECK (kind IN ('full', 'delta', 'rollback')),
  sequence BIGINT,
  file     TEXT   UNIQUE,
  back_to  BIGINT,
  made_at  BIGINT NOT NULL,
  made_by  TEXT,
  shape    TEXT   NOT NULL,
  n_rows   BIGINT NOT NULL CHECK (n_rows >= 0),
  added    BIGINT NOT NULL,
  changed  BIGINT NOT NULL,
  removed  BIGINT NOT NULL,
  gaps     BIGINT NOT NULL,
  kept     BIGINT NOT NULL CHECK (kept IN (0, 1))
);

CREATE TABLE reference_row (
  id      INTEGER PRIMARY KEY,
  key     TEXT    NOT NULL,
  start   BIGINT  NOT NULL,
  finish  BIGINT  NOT NULL,
  content TEXT    NOT NULL,
  origin  BIGINT  NOT NULL REFERENCES reference_version (number),
  line    BIGINT  NOT NULL,
  since   BIGINT  NOT NULL,
  gone    BIGINT  NOT NULL,
  CHECK (start < finish),
  CHECK (since < gone)
);
CREATE INDEX reference_row_by_key ON reference_row (key, start, since);
-- What a version that is not kept any more leaves behind.
CREATE INDEX reference_row_gone ON reference_row (gone) WHERE gone < 9223372036854775807;
