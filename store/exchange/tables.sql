-- Mailboxes (store/exchange.h): what their ends put there for each other, and what became of it. Common SQL of SQLite
-- and PostgreSQL, as the book's tables.sql. Times are microseconds since 1970, 0 for "not yet".
--
-- Size: a row per item, kept for 400 days after its bytes are gone. What is asked often goes by an index: the page
-- after a cursor by (mailbox, direction, seq), what nobody has acknowledged and what is due by (mailbox, direction,
-- state).

-- One direction of a mailbox. Its next number is given in the transaction that stores an item: nobody who reads can see
-- a number and later a lower one.
CREATE TABLE exchange_flow (
  mailbox   TEXT   NOT NULL,
  direction TEXT   NOT NULL CHECK (direction IN ('forward', 'reverse')),
  epoch     TEXT   NOT NULL CHECK (length(epoch) = 16),
  seq       BIGINT NOT NULL CHECK (seq >= 0),
  held      BIGINT NOT NULL CHECK (held >= 0), -- bytes of the items that are here or announced
  PRIMARY KEY (mailbox, direction)
);

CREATE TABLE exchange_item (
  mailbox         TEXT   NOT NULL,
  direction       TEXT   NOT NULL,
  id              TEXT   NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
  seq             BIGINT CHECK (seq > 0),
  state           TEXT   NOT NULL CHECK (state IN ('receiving', 'stored', 'listed', 'acknowledged', 'removed',
                                                   'abandoned', 'expired')),
  size            BIGINT NOT NULL CHECK (size >= 0),
  sha256          TEXT   NOT NULL CHECK (length(sha256) = 64),
  name            TEXT,
  type            TEXT,
  business_date   TEXT,
  records         TEXT,
  totals          TEXT,
  correlation     TEXT,
  file            TEXT,   -- a name in the lane's folder of items, or NULL: in `body`, or gone
  body            BLOB,
  began_at        BIGINT NOT NULL,
  put_at          BIGINT NOT NULL,
  listed_at       BIGINT NOT NULL,
  got_at          BIGINT NOT NULL,
  acknowledged_at BIGINT NOT NULL,
  changed_at      BIGINT NOT NULL, -- the state
  PRIMARY KEY (mailbox, direction, id),
  FOREIGN KEY (mailbox, direction) REFERENCES exchange_flow (mailbox, direction),
  CHECK ((state IN ('receiving', 'abandoned')) = (seq IS NULL)),
  CHECK ((state = 'acknowledged') <= (acknowledged_at > 0))
);
CREATE UNIQUE INDEX exchange_item_seq ON exchange_item (mailbox, direction, seq);
CREATE INDEX exchange_item_state ON exchange_item (mailbox, direction, state, changed_at);
