-- A lane's book, version 1 of the schema. schema.c runs this in one transaction and puts the state words of
-- store/states.h in the place of @states@.
--
-- Common SQL of SQLite and PostgreSQL (there: BLOB is BYTEA, INTEGER PRIMARY KEY is a BIGINT identity); no triggers.
-- Times are microseconds since 1970, 0 for "not yet"; states are words; names of partners are bytes.
--
-- Size: a file makes about ten transitions, and a book keeps its files for years. A transition therefore writes one row
-- in place, one small index entry (file_due; see set-file in queries.sql) and one audit row with its index entry; and
-- nothing that the lane or the dashboard asks every second walks over files that are done: file_due holds only those
-- that are not, and file_total holds the counts of those that are, which never change again.

-- The states' words. A reference costs one look into one page; CHECK (state IN (…14 words…)) makes SQLite build that
-- list anew for every row, which was more than half of a transition's work. And a new state needs no new table.
CREATE TABLE file_state (word TEXT NOT NULL PRIMARY KEY);
INSERT INTO file_state (word) VALUES @states@;

CREATE TABLE file (
  id               TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  feed             TEXT    NOT NULL,
  name             BLOB    NOT NULL CHECK (length(name) > 0),
  name_shown       TEXT    NOT NULL,
  folder           TEXT,
  size             BIGINT  NOT NULL CHECK (size >= 0),
  modified         BIGINT  NOT NULL,
  evidence         TEXT,
  state            TEXT    NOT NULL REFERENCES file_state (word),
  held_from        TEXT,
  seen_at          BIGINT  NOT NULL,
  changed_at       BIGINT  NOT NULL,
  due_at           BIGINT  NOT NULL,
  attempts         BIGINT  NOT NULL CHECK (attempts >= 0),
  problem          TEXT,
  reason_code      TEXT,
  reason           TEXT,
  duplicate_of     TEXT    REFERENCES file (id),
  cipher_size      BIGINT  NOT NULL CHECK (cipher_size >= 0),
  cipher_sha256    TEXT    CHECK (length(cipher_sha256) = 64),
  plain_size       BIGINT  NOT NULL CHECK (plain_size >= 0),
  plain_sha256     TEXT    CHECK (length(plain_sha256) = 64),
  signer           TEXT,
  trust            TEXT,
  business_date    TEXT,
  header           TEXT,
  records          BIGINT  NOT NULL CHECK (records >= 0),
  accepted         BIGINT  NOT NULL CHECK (accepted >= 0),
  rejected         BIGINT  NOT NULL CHECK (rejected >= 0),
  duplicates       BIGINT  NOT NULL CHECK (duplicates >= 0),
  amount           BIGINT  NOT NULL,
  amount_accepted  BIGINT  NOT NULL,
  amount_rejected  BIGINT  NOT NULL,
  amount_duplicate BIGINT  NOT NULL,
  batches          BIGINT  NOT NULL CHECK (batches >= 0),
  batches_posted   BIGINT  NOT NULL CHECK (batches_posted >= 0 AND batches_posted <= batches),
  feedback_name    TEXT,
  -- 1 from `validated` on: a later file with the same bytes is a duplicate of this one only if this one's records
  -- count.
  -- A file that was refused can be repaired by sending it again. (Of a closed file the state does not tell any more.)
  counted          BIGINT  NOT NULL DEFAULT 0 CHECK (counted IN (0, 1)),
  CHECK ((state = 'held') = (held_from IS NOT NULL))
);
-- Not unique: a partner may send a file again under its name, with its old size and time. add-file refuses only a
-- second live one; there is one writer, so the look and the insert are one.
CREATE INDEX file_name ON file (feed, name);
-- What the lane works on. The condition is spelled as in the queries, word for word: SQLite compares expressions.
CREATE INDEX file_due ON file (due_at) WHERE state NOT IN ('closed', 'gone');
CREATE INDEX file_seen ON file (seen_at);
CREATE INDEX file_feed_seen ON file (feed, seen_at);
CREATE INDEX file_name_shown ON file (name_shown);
CREATE INDEX file_cipher ON file (cipher_sha256, feed) WHERE cipher_sha256 IS NOT NULL;
CREATE INDEX file_plain ON file (plain_sha256, feed) WHERE plain_sha256 IS NOT NULL;

-- Counts of files in a terminal state, added to once per file, when it enters that state.
CREATE TABLE file_total (
  feed          TEXT   NOT NULL,
  state         TEXT   NOT NULL CHECK (state IN ('closed', 'gone')),
  files         BIGINT NOT NULL,
  records       BIGINT NOT NULL,
  accepted      BIGINT NOT NULL,
  rejected      BIGINT NOT NULL,
  duplicates    BIGINT NOT NULL,
  oldest_change BIGINT NOT NULL,
  PRIMARY KEY (feed, state)
);

-- Ranges of a file's records (store/book_batch.h). number: in the order of cutting, null for a range that is not cut
-- yet. A range that was sent never changes: (file, first_record, last_record) is the idempotency key under which its
-- outcome is asked.
CREATE TABLE batch (
  file         TEXT   NOT NULL REFERENCES file (id),
  number       BIGINT CHECK (number >= 1),
  first_record BIGINT NOT NULL CHECK (first_record >= 1),
  last_record  BIGINT NOT NULL CHECK (last_record >= first_record),
  first_line   BIGINT NOT NULL,
  last_line    BIGINT NOT NULL CHECK (last_line >= first_line),
  accepted     BIGINT NOT NULL CHECK (accepted >= 0),
  rejected     BIGINT NOT NULL CHECK (rejected >= 0),
  duplicates   BIGINT NOT NULL CHECK (duplicates >= 0),
  amount       BIGINT NOT NULL,
  state        TEXT   NOT NULL CHECK (state IN ('pending', 'sent', 'answered', 'posted')),
  attempts     BIGINT NOT NULL CHECK (attempts >= 0),
  sent_at      BIGINT NOT NULL,
  answered_at  BIGINT NOT NULL,
  posted_at    BIGINT NOT NULL,
  digest       TEXT   CHECK (length(digest) = 64),
  answer       TEXT,
  exceptions   BLOB,
  PRIMARY KEY (file, first_record),
  CHECK (number IS NOT NULL OR state = 'pending'),
  CHECK (state NOT IN ('sent', 'answered') OR sent_at > 0 AND attempts > 0 AND digest IS NOT NULL),
  CHECK ((state = 'posted') = (posted_at > 0))
);
CREATE UNIQUE INDEX batch_number ON batch (file, number);

-- Effects outside the book, written in the transaction that decides on them, executed after it, as often as it takes.
CREATE TABLE intent (
  id        INTEGER NOT NULL PRIMARY KEY,
  file      TEXT    REFERENCES file (id),
  kind      TEXT    NOT NULL,
  endpoint  TEXT,
  from_path TEXT,
  to_path   TEXT,
  size      BIGINT  NOT NULL,
  sha256    TEXT,
  state     TEXT    NOT NULL CHECK (state IN ('pending', 'done')),
  attempts  BIGINT  NOT NULL,
  due_at    BIGINT  NOT NULL,
  problem   TEXT,
  done_at   BIGINT  NOT NULL
);
CREATE INDEX intent_file ON intent (file);
CREATE INDEX intent_pending ON intent (id) WHERE state = 'pending';

-- The last poll of each feed. No history: a feed is polled for ever.
CREATE TABLE poll (
  feed       TEXT   NOT NULL PRIMARY KEY,
  last_at    BIGINT NOT NULL,
  last_ok_at BIGINT NOT NULL,
  next_at    BIGINT NOT NULL,
  listed     BIGINT NOT NULL,
  taken      BIGINT NOT NULL,
  failures   BIGINT NOT NULL,
  problem    TEXT
);

-- The audit chain, and with it the history of every file: the rows whose subject is the file's id. One row instead of
-- two per transition halves what is written, and makes history as hard to forge as the audit is; two tables with the
-- same facts could also come to disagree. An event that is a state's word is that file's transition to it; no other
-- event may be called so (book_audit refuses it).
--
-- sequence has no gaps. hash = SHA-256 over sequence, at, event, subject, detail and the hash of the row before
-- (chain.c says in which bytes). Rows are only added.
CREATE TABLE audit (
  sequence INTEGER NOT NULL PRIMARY KEY,
  at       BIGINT  NOT NULL,
  event    TEXT    NOT NULL CHECK (length(event) > 0),
  subject  TEXT,
  detail   TEXT,
  hash     BLOB    NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_subject ON audit (subject);
