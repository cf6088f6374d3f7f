-- A lane's book, version 2 of the schema: what is watched over files: sequence numbers, what is due, alarms.
SELECT 1;
