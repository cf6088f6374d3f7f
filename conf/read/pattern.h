/* Globs of file names, and templates of the names that we give. Both are of one path component. */
#pragma once
#include <glib.h>

/* NULL when it is a sound glob (* ? [a-z] [!a-z], \ before a literal character); else what is wrong, static text. */
const char *pattern_problem(const char *glob);
/* Whether some name can match both. Exact but for names that the file system would not take anyway. */
gboolean pattern_overlap(const char *a, const char *b);

/* What may stand in braces: in the names of files that answer a file; in the names that partners number
 * (where * and ? are wild, too); in those of shards. */
typedef enum { TEMPLATE_FILE, TEMPLATE_SEQUENCE, TEMPLATE_SHARD } TemplateKind;
/* NULL when the template has known placeholders only and makes one path component; else what is wrong. The caller
 * frees. */
char *template_problem(const char *text, TemplateKind kind);
/* Whether it holds one of the placeholders, as "{name}" or "{stem}"; the list ends with NULL. */
gboolean template_has(const char *text, const char *const *placeholders);
/* The names that a template can make, for the names that a glob matches (NULL: any), as a glob. The caller frees. */
char *template_as_pattern(const char *text, const char *glob, TemplateKind kind);
