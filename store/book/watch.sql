-- A lane's book, version 2 of the schema: what is watched over files (store/book_watch.h): sequence numbers, counters
-- of our own, arrivals, what is due, alarms. Common SQL of SQLite and PostgreSQL, as tables.sql.
--
-- Size: a row per numbered file and per arrival of a watched feed, as there is one per file in `file`; a row per due
-- day, kept a year (prune-expectations); alarms that have cleared are kept 90 days (prune-alarms). What the lane asks
-- every second goes by a partial index that holds only what is open or standing.

-- The numbers of a feed's files in one period ("" when numbers are never reset, else "2026-11-20", "2026-11", "2026").
-- A position is a number counted from `first` and over all wraps. Every position up to complete_to is used; the highest
-- that is used is `last`.
CREATE TABLE sequence_period (
  feed        TEXT   NOT NULL,
  period      TEXT   NOT NULL,
  complete_to BIGINT NOT NULL,
  last        BIGINT NOT NULL CHECK (last >= complete_to),
  changed_at  BIGINT NOT NULL,
  PRIMARY KEY (feed, period)
);

-- What was made of one file's number. used = 1 from the transaction on that validates the file; a file that was
-- rejected or is held has used nothing. A row with used = 0 says that the file has been judged: one that is staged
-- again was released by a person.
CREATE TABLE sequence_file (
  file     TEXT   NOT NULL PRIMARY KEY REFERENCES file (id),
  feed     TEXT   NOT NULL,
  period   TEXT   NOT NULL,
  number   BIGINT NOT NULL,
  position BIGINT NOT NULL,
  verdict  TEXT   NOT NULL,
  outcome  TEXT   NOT NULL,
  used     BIGINT NOT NULL CHECK (used IN (0, 1)),
  at       BIGINT NOT NULL
);
CREATE INDEX sequence_used ON sequence_file (feed, period, position) WHERE used = 1;

-- Numbers that we give: of answers. A file that was given one keeps it, however often its answer is made anew.
CREATE TABLE counter (
  name TEXT   NOT NULL PRIMARY KEY,
  last BIGINT NOT NULL CHECK (last >= 0)
);
CREATE TABLE counter_number (
  counter TEXT   NOT NULL REFERENCES counter (name),
  file    TEXT   NOT NULL REFERENCES file (id),
  number  BIGINT NOT NULL,
  PRIMARY KEY (counter, file)
);

-- When a file came into its drop folder, as well as we know: between the poll that did not list it and the one that
-- did. late = 1: it was judged to have come after the cut-off; one that is staged again was released by a person.
CREATE TABLE arrival (
  file TEXT   NOT NULL PRIMARY KEY REFERENCES file (id),
  at   BIGINT NOT NULL,
  late BIGINT NOT NULL CHECK (late IN (0, 1))
);

-- Files that are owed: one row per feed, expectation and due day, from the day on on which it was configured first.
--   open -> met | missed    missed -> met (it came late) | excused (a person has acknowledged it)
CREATE TABLE expectation (
  feed       TEXT   NOT NULL,
  name       TEXT   NOT NULL,
  day        TEXT   NOT NULL,
  opens_at   BIGINT NOT NULL,
  due_at     BIGINT NOT NULL,
  closes_at  BIGINT NOT NULL,
  wanted     BIGINT NOT NULL CHECK (wanted >= 1),
  state      TEXT   NOT NULL CHECK (state IN ('open', 'met', 'missed', 'excused')),
  settled_at BIGINT NOT NULL,
  PRIMARY KEY (feed, name, day)
);
CREATE INDEX expectation_open ON expectation (due_at) WHERE state IN ('open', 'missed');

-- Alarms. One stands at a time for a kind and subject; it is told now and then (ways: what has still to be told of it,
-- by which way) until it clears or a person has acknowledged it. weight: how bad it is; only more of it is told anew.
CREATE TABLE alarm (
  id              TEXT   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  kind            TEXT   NOT NULL,
  subject         TEXT   NOT NULL,
  feed            TEXT,
  text            TEXT   NOT NULL,
  detail          TEXT,
  weight          BIGINT NOT NULL,
  state           TEXT   NOT NULL CHECK (state IN ('standing', 'acknowledged', 'cleared')),
  raised_at       BIGINT NOT NULL,
  cleared_at      BIGINT NOT NULL,
  acknowledged_by TEXT,
  ways            BIGINT NOT NULL,
  next_at         BIGINT NOT NULL,
  told            BIGINT NOT NULL,
  told_at         BIGINT NOT NULL,
  failures        BIGINT NOT NULL,
  problem         TEXT
);
CREATE UNIQUE INDEX alarm_live ON alarm (kind, subject) WHERE state <> 'cleared';
CREATE INDEX alarm_next ON alarm (next_at) WHERE next_at > 0;
CREATE INDEX alarm_cleared ON alarm (cleared_at) WHERE state = 'cleared';
