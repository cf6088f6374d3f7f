-- Version 5 of the book's schema: which capabilities (store/NAME/) have their tables in this book, and of which version
-- these are. Each has a list of migrations of its own (store/book/capabilities.c). The tables of recon came with
-- version 3 of the book.
CREATE TABLE capability (
  name    TEXT   NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL CHECK (version >= 1)
);
INSERT INTO capability (name, version) VALUES ('recon', 1);
