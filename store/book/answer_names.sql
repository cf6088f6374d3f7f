-- Version 4 of the book's schema: which file answers under which name. Two inputs may lead to answers of one name
-- ({stem} and two extensions): the first has it, the second takes another. A table of its own, so that a file's
-- transitions touch no further index.
CREATE TABLE answer (
  feed TEXT NOT NULL,
  name TEXT NOT NULL,
  file TEXT NOT NULL REFERENCES file (id),
  PRIMARY KEY (feed, name)
);
INSERT INTO answer (feed, name, file)
SELECT feed, feedback_name, min(id) FROM file WHERE feedback_name IS NOT NULL GROUP BY feed, feedback_name;
