-- A table that exists in the tests only: notes that the toy capability has taken.
CREATE TABLE toy_note (
  number BIGINT NOT NULL PRIMARY KEY,
  text   TEXT   NOT NULL CHECK (length(text) > 0)
);
