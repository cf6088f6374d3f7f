/* The options and sections that there are: libconfuse's tables. All values are text there; conf/section.h gives them
 * types, so that complaints are ours and stand at the right line. */
#pragma once
#include <confuse.h>
#include <glib.h>

/* An option of every section that nobody can write: its number in the scan (scan.h). libconfuse's own titles are not
 * used, since it compares each with all before it, and lets one section replace another of the same title. */
#define GRAMMAR_PLACE "@"

cfg_opt_t *grammar_root(void);

typedef enum { TITLE_NONE, TITLE_OPTIONAL, TITLE_REQUIRED } GrammarTitle;
/* Whether people write a title behind a section's name. Sections with a required title may stand several times (but
 * `process`), and so `record`, by its tag. */
GrammarTitle grammar_title(const char *section);
gboolean grammar_repeats(const char *section);

/* The option of that name in a table; NULL: none. */
const cfg_opt_t *grammar_find(const cfg_opt_t *options, const char *name);

/* The name in the table that is nearest to the (unknown) one; NULL: none is near. */
const char *grammar_nearest(const cfg_opt_t *options, const char *name);

/* The first section in which an option of that name does stand; NULL: nowhere. */
const char *grammar_home(const char *name);

/* Whether the two differ by few letters only, for suggestions. */
gboolean grammar_is_near(const char *a, const char *b, guint *distance);
