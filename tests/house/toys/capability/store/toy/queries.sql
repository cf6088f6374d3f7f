-- name: add-note
INSERT INTO toy_note (number, text) SELECT 1 + count(*), ?1 FROM toy_note;

-- name: notes
SELECT count(*) FROM toy_note;
