-- What the book holds (holdings.c). Counts come from the index of files that are not done, and from the totals of those
-- that are.

-- name: facts
SELECT name, value FROM book_fact;

-- name: set-fact
INSERT INTO book_fact (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: drop-fact
DELETE FROM book_fact WHERE name = ?1;

-- name: feeds
SELECT feed, sum(files), sum(live) FROM (
  SELECT feed, files, 0 AS live FROM file_total WHERE state = 'closed'
  UNION ALL
  SELECT feed, count(*), count(*) FROM file
  WHERE state NOT IN ('closed', 'gone') AND due_at <= 9223372036854775807 GROUP BY feed
) AS counted GROUP BY feed ORDER BY feed;

-- name: feed-facts
SELECT feed, layout, ledger, key_field, key_type, account, account_type, amount, scale
FROM feed_fact ORDER BY feed;

-- name: set-feed-facts
INSERT INTO feed_fact (feed, layout, ledger, key_field, key_type, account, account_type, amount, scale)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (feed) DO UPDATE SET
  layout = excluded.layout, ledger = excluded.ledger, key_field = excluded.key_field,
  key_type = excluded.key_type, account = excluded.account, account_type = excluded.account_type,
  amount = excluded.amount,
  scale = excluded.scale;

-- name: closings
SELECT kind, name, at, who, reason FROM closing ORDER BY kind, name;

-- name: close
INSERT INTO closing (kind, name, at, who, reason) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, who = excluded.who, reason = excluded.reason;

-- name: reopen
DELETE FROM closing WHERE kind = ?1 AND name = ?2;

-- name: file-of-feed
SELECT 1 FROM file WHERE feed = ?1 AND seen_at >= 0 LIMIT 1;

-- name: rename-ledger
UPDATE feed_fact SET ledger = ?2 WHERE ledger = ?1;

-- The feed's name in every table that has it: one statement each. What the new name has without a file (a poll, days
-- that were expected) gives way.
-- name: rename-feed-1
DELETE FROM poll WHERE feed = ?2 AND ?1 <> ?2;
-- name: rename-feed-2
DELETE FROM expectation WHERE feed = ?2 AND ?1 <> ?2;
-- name: rename-feed-3
DELETE FROM feed_fact WHERE feed = ?2 AND ?1 <> ?2;
-- name: rename-feed-4
UPDATE file SET feed = ?2 WHERE feed = ?1;
-- name: rename-feed-5
UPDATE file_total SET feed = ?2 WHERE feed = ?1;
-- name: rename-feed-6
UPDATE answer SET feed = ?2 WHERE feed = ?1;
-- name: rename-feed-7
UPDATE poll SET feed = ?2 WHERE feed = ?1;
-- name: rename-feed-8
UPDATE sequence_period SET feed = ?2 WHERE feed = ?1;
-- name: rename-feed-9
UPDATE sequence_file SET feed = ?2 WHERE feed = ?1;
-- name: rename-feed-10
UPDATE expectation SET feed = ?2 WHERE feed = ?1;
-- name: rename-feed-11
UPDATE alarm SET feed = ?2 WHERE feed = ?1;
-- name: rename-feed-12
UPDATE feed_fact SET feed = ?2 WHERE feed = ?1;
-- The counters of answers are named "FEED PURPOSE"; a counter's numbers refer to it, so it is copied before it goes.
-- name: rename-feed-13
INSERT INTO counter (name, last) SELECT ?2 || substr(name, length(?1) + 1), last FROM counter
WHERE substr(name, 1, length(?1) + 1) = ?1 || ' ';
-- name: rename-feed-14
UPDATE counter_number SET counter = ?2 || substr(counter, length(?1) + 1)
WHERE substr(counter, 1, length(?1) + 1) = ?1 || ' ';
-- name: rename-feed-15
DELETE FROM counter WHERE substr(name, 1, length(?1) + 1) = ?1 || ' ';

-- Paths of what is still to be sent, which lie in the lane's folder.
-- name: move-intents
UPDATE intent SET from_path = ?2 || substr(from_path, length(?1) + 1)
WHERE state = 'pending' AND substr(from_path, 1, length(?1)) = ?1;
