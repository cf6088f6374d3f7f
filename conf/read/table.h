/* What follows from a table for the whole struct: reading it, freeing it, and its text, by which two are compared. */
#pragma once
#include "conf/read/section.h"

/* Sections that are there once, that may stand several times, the same for an array that another row owns, and those
 * whose settings are members of the struct around them. */
extern const Kind kind_section;
extern const Kind kind_sections;
extern const Kind kind_more_sections;
extern const Kind kind_within;

/* Makes the arrays of a struct that is all zeros, also in the structs within. */
void table_init(const Table *table, gpointer into);
/* Reads the section's rows into section->into, one after the other; tells what is missing, or has no meaning here. */
void table_read(const Section *section, const Table *table);
/* A struct of its own with all that DATA holds. The caller clears and frees it. */
gpointer table_copy(const Table *table, gconstpointer data);
/* Frees what the struct holds, not the struct. */
void table_clear(const Table *table, gpointer data);
