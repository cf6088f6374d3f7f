-- Queries of other people's databases, version 1: how far each was read (store/book_query.h). Common SQL of SQLite and
-- PostgreSQL, as tables.sql. A row for each query of the lane.
CREATE TABLE query_progress (
  name     TEXT   NOT NULL PRIMARY KEY CHECK (length(name) > 0),
  position TEXT,             -- behind the last row of the last file; null: nothing was read, or there is no cursor
  cursor   TEXT   NOT NULL,  -- whose position that is: its columns, with commas between
  sequence BIGINT NOT NULL,  -- of the last file; 0: none
  file     TEXT,             -- its name
  sha256   TEXT   CHECK (length(sha256) = 64), -- of its records' lines
  records  BIGINT NOT NULL,  -- of all files together
  ran_at   BIGINT NOT NULL,  -- when its last reading came to the end of what there was; microseconds since 1970
  made_at  BIGINT NOT NULL   -- of the last file
);
