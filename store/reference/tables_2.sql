-- Version 2: what its rows are, as one digest; and where the first gap is.
ALTER TABLE reference_version ADD COLUMN digest TEXT;
ALTER TABLE reference_version ADD COLUMN gap_line BIGINT;
