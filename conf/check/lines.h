/* What the lines of a layout must agree in: names, tags, lengths, control totals; and the columns that its kinds of
 * record have together. */
#pragma once
#include "conf/read/section.h"

/* SQL, which the rules are, does not tell ABC and abc apart. */
void lines_check_field_names(const Section *section, const ConfLine *line);
/* Makes `record` of `records`: what not every kind of record has is optional among all. OF_FIELDS is the table of
 * fields; the records are sound when nothing is told of them yet. */
void lines_join_records(const Section *section, ConfLayout *layout, const Table *of_fields, gboolean are_sound);
/* --- within.c. What stands within this group, and is counted there: the lines of groups before it do not. The caller
 * frees. */
GPtrArray *lines_within(const ConfLayout *layout, guint group);
/* With header and trailer. */
GPtrArray *lines_all(const ConfLayout *layout);
void lines_check(const Section *section, const ConfLayout *layout);

/* --- tags.c: how lines are told apart. */
void tags_check(const Section *section, const ConfLayout *layout);
/* TRUE also without tag_at. */
gboolean tags_stand_first(const ConfLayout *layout);
/* What a line with this tag, which stands first, begins with at least. The caller frees. */
char *tags_beginning(const ConfLayout *layout, const ConfLine *line);
/* Of a line of fixed width, with its tag. */
guint64 tags_line_bytes(const ConfLayout *layout, const ConfLine *line);
