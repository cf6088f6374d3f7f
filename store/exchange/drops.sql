-- Mailboxes, version 4: what lies in an end's drop folders, and is on its way from or to them (store/exchange_drops.h).
CREATE TABLE exchange_drop (
  mailbox   TEXT   NOT NULL,
  direction TEXT   NOT NULL CHECK (direction IN ('forward', 'reverse')), -- of the item
  side      TEXT   NOT NULL CHECK (side IN ('in', 'out')),
  name      TEXT   NOT NULL, -- in the folder
  item      TEXT   NOT NULL,
  state     TEXT   NOT NULL CHECK (state IN ('going', 'there', 'refused')),
  file      TEXT,            -- what is being fetched: a name in the lane's folder of items
  size      BIGINT NOT NULL,
  modified  BIGINT NOT NULL, -- seconds since 1970, as the server says it
  token     BIGINT NOT NULL, -- of a request that was taken for this folder; 0: it is none
  number    BIGINT NOT NULL, -- their order
  PRIMARY KEY (mailbox, direction, side, name)
);
CREATE INDEX exchange_drop_number ON exchange_drop (mailbox, direction, side, number);
