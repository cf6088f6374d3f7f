-- A lane's book, version 3 of the schema: the reconciliation summary table and its shards (store/book_recon.h).
SELECT 1;
