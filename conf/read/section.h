/* One section of the configuration, with its options as typed values. What is wrong is told to the report, at the
 * option's line, and the default is given instead, so that the check goes on. Messages name the option and never repeat
 * a value that may be a secret. */
#pragma once
#include "conf/conf.h"
#include "conf/read/tree.h"

struct Section {
  const Node *node;
  const Tree *tree;
  ConfReport *report;
  const Conf *conf;     /* as far as it is read: what stands in the root table before a section may be referred to */
  const Section *outer; /* NULL: this is the root */
  gpointer into;        /* the struct that is filled */
};

/* The sections of that name within, in order. */
guint section_count(const Section *section, const char *name);
/* The INDEXth of them, to be read into INTO. */
Section section_at(const Section *section, const char *name, guint index, gpointer into);
/* One that nobody wrote, for its defaults: nothing is missing in it. NODE is made so. */
Section section_absent(const Section *section, Node *node, gpointer into);

/* The option's place; the section's own for NULL and for what is not there. */
ConfWhere section_where(const Section *section, const char *option);
gboolean section_has(const Section *section, const char *option); /* also when its value is not sound */
/* Tells that it is missing: "'key' is missing in feed "x": the field that …"; `what` says what it is for. */
void section_require(const Section *section, const char *option, const char *what);
/* The same for a section within that may stand several times. */
void section_require_section(const Section *section, const char *name, const char *what);
/* Tells that the option stands here although it has a meaning only with what `with` says. */
void section_only_with(const Section *section, const char *option, gboolean fits, const char *with);
void section_error(const Section *section, const char *option, const char *format, ...) G_GNUC_PRINTF(3, 4);
void section_warning(const Section *section, const char *option, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The title, checked to be a name: 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit. Never NULL. */
char *section_title(const Section *section);
/* All of these give NULL (or what `range` or the caller says) when the option is absent or not sound. The caller
 * frees. */
char *section_raw(const Section *section, const char *option);  /* any bytes but NUL; not empty */
char *section_text(const Section *section, const char *option); /* UTF-8 without control characters, at most 1 KiB */
char *section_name(const Section *section, const char *option); /* as a title */
char *section_path(const Section *section, const char *option); /* an absolute local path, no ".." in it */
char *section_file(const Section *section, const char *option); /* the same, or credential:NAME, one of systemd's */
char **section_list(const Section *section, const char *option, guint most);

typedef enum { UNIT_NONE, UNIT_SECONDS, UNIT_MILLISECONDS, UNIT_BYTES } Unit;
typedef struct {
  Unit unit;
  guint64 otherwise;
  guint64 least;
  guint64 most;
} Range;
guint64 section_number(const Section *section, const char *option, Range range);
guint section_time_of_day(const Section *section, const char *option, guint otherwise); /* "06:00:30", in seconds */
gboolean section_yes(const Section *section, const char *option, gboolean otherwise);
/* The place of the value in a list of words that ends with NULL; those whose bit is in `except` do not count. */
guint section_choice(const Section *section, const char *option, const char *const *words, guint except,
                     guint otherwise);
