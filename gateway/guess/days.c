/* Which of the usual ways to write dates and time stamps a value may be. */
#include "conf/conf.h"
#include "gateway/guess/guess_private.h"
#include "gateway/records/dates.h"
#include <string.h>

static const struct {
  const char *format; /* NULL: the default one */
  gboolean is_timestamp, is_short;
  guint8 length; /* 0: any */
} FORMS[] = {{NULL, FALSE, FALSE, 10},
             {"%Y%m%d", FALSE, FALSE, 8},
             {"%d.%m.%Y", FALSE, FALSE, 10},
             {"%d/%m/%Y", FALSE, FALSE, 10},
             {"%m/%d/%Y", FALSE, FALSE, 10},
             {"%Y/%m/%d", FALSE, FALSE, 10},
             {"%d-%m-%Y", FALSE, FALSE, 10},
             {"%d%m%Y", FALSE, FALSE, 8},
             {"%y%m%d", FALSE, TRUE, 6},
             {"%d%m%y", FALSE, TRUE, 6},
             {NULL, TRUE, FALSE, 0},
             {"%F %T", TRUE, FALSE, 19},
             {"%Y%m%d%H%M%S", TRUE, FALSE, 14},
             {"%Y/%m/%d %T", TRUE, FALSE, 19},
             {"%d/%m/%Y %H:%M", TRUE, FALSE, 16},
             {"%d.%m.%Y %T", TRUE, FALSE, 19},
             {"%F %H:%M", TRUE, FALSE, 16}};

G_STATIC_ASSERT(G_N_ELEMENTS(FORMS) == GUESS_FORMS);

void guess_forms_open(Guess *guess) {
  for (guint f = 0; f < GUESS_FORMS; f++) {
    ConfField field = {.type = FORMS[f].is_timestamp ? CONF_TIMESTAMP : CONF_DATE,
                       .format = (char *)(gsize)FORMS[f].format,
                       .first_year = FORMS[f].is_short ? 1990 : 0};
    guess->forms[f] = date_format_new(&field, NULL);
  }
}

void guess_forms_close(Guess *guess) {
  for (guint f = 0; f < GUESS_FORMS; f++)
    date_format_free(guess->forms[f]);
}

guint32 guess_date_forms(const Guess *guess, const char *text, guint length) {
  guint32 forms = 0;
  if (length < 6 || length > 35)
    return 0;
  for (guint f = 0; f < GUESS_FORMS; f++) {
    char normal[DATES_LONGEST];
    if ((FORMS[f].length && FORMS[f].length != length) || !guess->forms[f] ||
        date_format_parse(guess->forms[f], NO_DAY, (const guint8 *)text, length, normal) == 0)
      continue;
    gboolean is_near = memcmp(normal, "1980", 4) >= 0 && memcmp(normal, "2060", 4) < 0;
    forms |= is_near ? 1u << f : 0;
  }
  return forms;
}

char *guess_date_words(guint32 forms) {
  guint f = 0;
  while (f < GUESS_FORMS - 1 && !(forms >> f & 1))
    f++;
  return g_strdup_printf("type = %s%s%s%s%s", FORMS[f].is_timestamp ? "timestamp" : "date",
                         FORMS[f].format ? "  format = \"" : "", FORMS[f].format ? FORMS[f].format : "",
                         FORMS[f].format ? "\"" : "", FORMS[f].is_short ? "  first-year = 1990" : "");
}
