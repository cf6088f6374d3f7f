-- A lane's book, version 3 of the schema: the reconciliation summary table and its shards (store/book_recon.h). Common
-- SQL of SQLite and PostgreSQL, as tables.sql. Times are microseconds since 1970, 0 for "not yet", -1 for "not wanted".
--
-- Size: a row per period and a row per shard, kept for good (they prove what was given out); what the lane asks every
-- second goes by the partial index of the tasks that are not finished with.

-- When a reconcile block was first seen: periods that were due before are made by hand only.
CREATE TABLE recon_block (
  name    TEXT   NOT NULL PRIMARY KEY,
  seen_at BIGINT NOT NULL
);

CREATE TABLE recon_task (
  id              TEXT   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  name            TEXT   NOT NULL CHECK (length(name) > 0),
  requester       TEXT   NOT NULL CHECK (length(requester) > 0),
  type            TEXT   NOT NULL CHECK (length(type) > 0),
  period          TEXT   NOT NULL CHECK (length(period) IN (7, 10)),
  version         BIGINT NOT NULL CHECK (version >= 1),
  state           TEXT   NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed')),
  snapshot        TEXT,
  shards          BIGINT NOT NULL CHECK (shards >= 0),
  records         BIGINT NOT NULL CHECK (records >= 0),
  total           BIGINT NOT NULL,
  scale           BIGINT NOT NULL,
  object          TEXT   NOT NULL CHECK (length(object) = 32),
  manifest_name   TEXT,
  manifest_size   BIGINT NOT NULL CHECK (manifest_size >= 0),
  manifest_sha256 TEXT   CHECK (length(manifest_sha256) = 64),
  created_at      BIGINT NOT NULL,
  due_at          BIGINT NOT NULL,
  started_at      BIGINT NOT NULL,
  done_at         BIGINT NOT NULL,
  pushed_at       BIGINT NOT NULL,
  told_at         BIGINT NOT NULL,
  fetched_at      BIGINT NOT NULL,
  acknowledged_at BIGINT NOT NULL,
  removed_at      BIGINT NOT NULL,
  attempts        BIGINT NOT NULL CHECK (attempts >= 0),
  problem         TEXT,
  UNIQUE (name, period, version),
  CHECK ((state = 'done') = (done_at > 0)),
  CHECK (state <> 'done' OR (manifest_sha256 IS NOT NULL AND manifest_name IS NOT NULL))
);
CREATE UNIQUE INDEX recon_task_object ON recon_task (object);
CREATE INDEX recon_task_asked ON recon_task (requester, type, period);
-- The condition is spelled as in the queries, word for word: SQLite compares expressions.
CREATE INDEX recon_task_open ON recon_task (due_at) WHERE state <> 'done' OR pushed_at = 0 OR told_at = 0;
CREATE INDEX recon_task_kept ON recon_task (done_at) WHERE state = 'done' AND removed_at = 0;

CREATE TABLE recon_shard (
  task         TEXT   NOT NULL REFERENCES recon_task (id),
  number       BIGINT NOT NULL CHECK (number >= 1),
  object       TEXT   NOT NULL CHECK (length(object) = 32),
  name         TEXT   NOT NULL CHECK (length(name) > 0),
  size         BIGINT NOT NULL CHECK (size >= 0),
  md5          TEXT   NOT NULL CHECK (length(md5) = 32),
  sha256       TEXT   NOT NULL CHECK (length(sha256) = 64),
  plain_size   BIGINT NOT NULL CHECK (plain_size >= 0),
  plain_sha256 TEXT   NOT NULL CHECK (length(plain_sha256) = 64),
  records      BIGINT NOT NULL CHECK (records > 0),
  total        BIGINT NOT NULL,
  cursor       TEXT   NOT NULL,
  pushed       BIGINT NOT NULL DEFAULT 0 CHECK (pushed IN (0, 1)),
  PRIMARY KEY (task, number),
  UNIQUE (task, name)
);
CREATE UNIQUE INDEX recon_shard_object ON recon_shard (object);
