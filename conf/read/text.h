/* A struct of the configuration as text: two equal texts are two equal settings, wherever in which file they stand.
 * Secrets are in no text: the configuration holds only the paths of their files. */
#pragma once
#include "conf/read/row.h"

/* Called for each name of something that stands elsewhere; may put that, too. `name` is NULL for REFERS_FRONT. */
typedef void (*TextRefer)(GString *text, Refers refers, const char *name, gconstpointer user);

/* Appends. `refer` NULL: names are not followed. What is no lane's matter (a partner's access) is left out. */
void text_put_struct(GString *text, const Table *table, gconstpointer data, TextRefer refer, gconstpointer user);
void text_put_structs(GString *text, const Table *table, const GPtrArray *array, TextRefer refer, gconstpointer user);
/* With its length: no text imitates two. */
void text_put(GString *text, const char *value);

/* For the tests, which hold all tables below ROOT to their structs: how many bytes of the structs no row covers, the
 * padding that their alignment asks for aside, and the first struct that has some; and whether a struct's table has a
 * row for a member. */
gsize text_uncovered(const Table *root, const char **first);
gboolean text_has_member(const Table *root, const char *of, const char *member);
