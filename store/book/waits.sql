-- Version 6 of the book's schema: what became of a file, what it waits for, and facts that were read back from texts
-- before. The state `sealed` had no name: a file was in it when feedback_name was set. open.c moves such files on, in
-- the chain.
INSERT INTO file_state (word) SELECT 'sealed' WHERE NOT EXISTS (SELECT 1 FROM file_state WHERE word = 'sealed');

ALTER TABLE file ADD COLUMN outcome TEXT;
ALTER TABLE file ADD COLUMN deaths BIGINT NOT NULL DEFAULT 0;
-- Codes of holds that a person has ended, with blanks between them.
ALTER TABLE file ADD COLUMN released TEXT;
ALTER TABLE file ADD COLUMN waits_for TEXT;
ALTER TABLE file ADD COLUMN waits_on TEXT;
ALTER TABLE file ADD COLUMN waits_why TEXT;

UPDATE file SET outcome = CASE WHEN counted = 1 THEN 'accepted' WHEN duplicate_of IS NOT NULL THEN 'duplicate'
  ELSE 'rejected' END
WHERE state IN ('posted', 'rejected', 'duplicate', 'answered', 'closed');
UPDATE file SET waits_for = 'operator', waits_on = reason_code WHERE state = 'held';

-- Until now it was the history that told of a release: the code stood first in the detail of the hold.
UPDATE file SET released = (
  SELECT group_concat(code, ' ') FROM (
    SELECT DISTINCT substr(audit.detail, 1, 4) AS code FROM audit
    WHERE audit.subject = file.id AND audit.event = 'held' AND audit.detail GLOB '[A-Z][0-9][0-9][0-9] *'
      AND (file.state <> 'held' OR file.reason_code IS NULL OR substr(audit.detail, 1, 4) <> file.reason_code)))
WHERE state NOT IN ('closed', 'gone') AND EXISTS (SELECT 1 FROM audit WHERE audit.subject = file.id
  AND audit.event = 'held');

-- A worker's deaths were counted in the words of the last failure.
UPDATE file SET deaths = CAST(substr(problem, 15) AS INTEGER)
WHERE state NOT IN ('closed', 'gone') AND problem GLOB 'the lane died [0-9]* times while this file was in work';
