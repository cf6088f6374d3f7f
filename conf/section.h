/* One section of the configuration, with its options as typed values. What is wrong is told to the report, at the
 * option's line, and the default is given instead, so that the check goes on. Messages name the option and never repeat
 * a value that may be a secret. */
#pragma once
#include "conf/scan.h"

typedef struct {
  cfg_t *cfg;
  const ScanSection *scanned;
  const Scan *scan;
  ConfReport *report;
} Section;

Section section_root(cfg_t *cfg, const Scan *scan, ConfReport *report);
/* The sections of that name within, in order. */
guint section_count(const Section *section, const char *name);
Section section_at(const Section *section, const char *name, guint index);
/* The one section of that name; FALSE: there is none (not told). */
gboolean section_inner(const Section *section, const char *name, Section *inner);

/* the section's own for NULL and for what is not there */
ConfWhere section_where(const Section *section, const char *option);
gboolean section_has(const Section *section, const char *option); /* also when its value is not sound */
/* `what` says what the option is for: "'key' is missing in feed "x": the field that …". */
void section_require(const Section *section, const char *option, const char *what);
/* The same for a section within that may stand several times. */
void section_require_section(const Section *section, const char *name, const char *what);
/* Tells that the option stands here although it has a meaning only with what `with` says. */
void section_only_with(const Section *section, const char *option, gboolean fits, const char *with);
void section_error(const Section *section, const char *option, const char *format, ...) G_GNUC_PRINTF(3, 4);
void section_warning(const Section *section, const char *option, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The title, checked to be a name: 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit. Never NULL. */
char *section_title(const Section *section);
/* All of these give NULL (or what `range` or the caller says) when the option is absent or not sound. The caller frees.
 */
char *section_raw(const Section *section, const char *option); /* any bytes but NUL; not empty */
/* UTF-8 without control characters, at most 1,024 bytes */
char *section_text(const Section *section, const char *option);
char *section_name(const Section *section, const char *option); /* as a title */
char *section_path(const Section *section, const char *option); /* an absolute local path, no ".." in it */
char *section_file(const Section *section, const char *option); /* the same, or credential:NAME, one of systemd's */
char **section_list(const Section *section, const char *option, guint most);

typedef struct {
  guint64 otherwise, least, most;
} Range;
guint section_number(const Section *section, const char *option, Range range);
guint section_seconds(const Section *section, const char *option, Range range);      /* in seconds */
guint section_milliseconds(const Section *section, const char *option, Range range); /* in milliseconds */
guint64 section_size(const Section *section, const char *option, Range range);       /* in bytes */
guint64 section_number64(const Section *section, const char *option, Range range);
/* "06:00" or "06:00:30", in seconds */
guint section_time_of_day(const Section *section, const char *option, guint otherwise);
gboolean section_yes(const Section *section, const char *option, gboolean otherwise);
/* The index of the value in a list of words that ends with NULL. */
guint section_choice(const Section *section, const char *option, const char *const *words, guint otherwise);
