-- Mailboxes, version 3: since when who took a request waits for idleness (0: it does not), and what who acknowledged an
-- item has said of it.
ALTER TABLE exchange_request ADD COLUMN deferred_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE exchange_item ADD COLUMN ack_records TEXT;
ALTER TABLE exchange_item ADD COLUMN ack_totals TEXT;
ALTER TABLE exchange_item ADD COLUMN verdict TEXT CHECK (verdict IN ('accepted', 'rejected'));
ALTER TABLE exchange_item ADD COLUMN verdict_code TEXT;
