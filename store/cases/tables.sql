-- The case library, version 1.

-- A record with all that its result depends on. A case is never changed: another result is another case's.
CREATE TABLE cases (
  id           TEXT   NOT NULL PRIMARY KEY CHECK (length(id) = 64),
  feed         TEXT   NOT NULL,
  scenario     TEXT   NOT NULL,
  channel      TEXT   NOT NULL,
  rules        TEXT   NOT NULL,
  file         TEXT   NOT NULL,
  line         BIGINT NOT NULL,
  collected_at BIGINT NOT NULL,
  header       TEXT   NOT NULL,
  fields       TEXT   NOT NULL,
  result       TEXT   NOT NULL
);
CREATE INDEX cases_of_cell ON cases (feed, scenario, channel, id);
CREATE INDEX cases_by_header ON cases (feed, header, id);
