-- A lane's book, version 7 of the schema: what the book holds, as the configuration said it when it was credited
-- (store/book_holdings.h). Common SQL of SQLite and PostgreSQL, as tables.sql. A row per feed, and a few facts: this
-- never grows.

-- lane: whose book this is. moving: a move that has begun and not ended.
CREATE TABLE book_fact (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- What the feed's credits mean: where they went, which fields of which type were key, account and amount.
CREATE TABLE feed_fact (
  feed         TEXT   NOT NULL PRIMARY KEY,
  layout       TEXT   NOT NULL,
  ledger       TEXT,                       -- null: it credits nothing
  key_field    TEXT,
  key_type     TEXT,
  account      TEXT,
  account_type TEXT,
  amount       TEXT,
  scale        BIGINT NOT NULL
);

-- What a person has declared as ended: a lane, feed or ledger that stands in the state and in no configuration.
CREATE TABLE closing (
  kind   TEXT   NOT NULL CHECK (kind IN ('lane', 'feed', 'ledger')),
  name   TEXT   NOT NULL,
  at     BIGINT NOT NULL,
  who    TEXT   NOT NULL,
  reason TEXT,
  PRIMARY KEY (kind, name)
);
