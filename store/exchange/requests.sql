-- Mailboxes, version 2: requests, each with its one answer (store/exchange_requests.h). Common SQL, as tables.sql.
--
-- The request's own bytes are the item request-ID of the asker's flow, its answer an item of the other one. What is
-- asked often, the oldest that may be taken and what is due, goes by (mailbox, direction, state).
CREATE TABLE exchange_request (
  mailbox       TEXT   NOT NULL,
  direction     TEXT   NOT NULL CHECK (direction IN ('forward', 'reverse')), -- of the asker
  id            TEXT   NOT NULL CHECK (length(id) BETWEEN 1 AND 40),
  state         TEXT   NOT NULL CHECK (state IN ('new', 'taken', 'answered', 'delivered', 'expired', 'failed')),
  token         BIGINT NOT NULL, -- of the last take; 0: none
  lease_until   BIGINT NOT NULL,
  attempts      BIGINT NOT NULL CHECK (attempts >= 0),
  answer        TEXT,
  answer_sha256 TEXT,
  answer_token  BIGINT NOT NULL,
  reason        TEXT,
  created_at    BIGINT NOT NULL,
  changed_at    BIGINT NOT NULL,
  PRIMARY KEY (mailbox, direction, id),
  CHECK ((state IN ('answered', 'delivered')) = (answer IS NOT NULL))
);
CREATE UNIQUE INDEX exchange_request_answer ON exchange_request (mailbox, direction, answer);
CREATE INDEX exchange_request_state ON exchange_request (mailbox, direction, state, created_at);
