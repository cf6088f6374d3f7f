/* What each kind of row reads from its option. A value that is not sound is told, and the default stands in its place.
 */
#include "conf/table/kinds.h"
#include "conf/check/references.h"
#include "conf/read/section.h"
#include "conf/read/url.h"
#include "conf/read/value.h"
#include <iconv.h>
#include <string.h>

#define READER(name) static void name(const Section *section, const Row *row, gpointer at)

/* --- Texts. */

READER(read_raw) {
  *(char **)at = section_raw(section, row->name);
}

READER(read_text) {
  *(char **)at = section_text(section, row->name);
}

READER(read_name) {
  *(char **)at = section_name(section, row->name);
}

READER(read_path) {
  *(char **)at = section_path(section, row->name);
}

READER(read_file) {
  *(char **)at = section_file(section, row->name);
}

/* Of somebody else's database. A password in it would stand in the configuration, and be seen by who may read that. */
READER(read_connection) {
  static const char *const words[] = {"password", "pwd="};
  char *text = section_text(section, row->name);
  g_autofree char *lower = g_ascii_strdown(text ? text : "", -1);
  const char *authority = strstr(lower, "://");
  const char *at_sign = authority ? strchr(authority + 3, '@') : NULL;
  const char *colon = authority ? strchr(authority + 3, ':') : NULL;
  gboolean has_password = at_sign && colon && colon < at_sign;
  for (guint i = 0; i < G_N_ELEMENTS(words); i++)
    has_password |= strstr(lower, words[i]) != NULL;
  if (has_password)
    section_error(section, row->name,
                  "'%s' holds a password: put it into a file that only the gateway can read, and name that with "
                  "password-file",
                  row->name);
  *(char **)at = text;
}

READER(read_remote_path) {
  g_autofree char *text = section_text(section, row->name);
  if (text && value_has_dot_dot(text))
    section_error(section, row->name, "'%s' must not hold '..'", row->name);
  else if (text)
    *(char **)at = value_clean_path(text);
}

READER(read_url_path) {
  g_autofree char *text = section_text(section, row->name);
  if (text && url_is_path(text))
    *(char **)at = g_steal_pointer(&text);
  else if (text)
    section_error(section, row->name,
                  "'%s' must be a URL's path: it begins with '/', has no '..' and no '#', and what is not plain is "
                  "percent-encoded",
                  row->name);
}

READER(read_glob) {
  char *glob = section_text(section, row->name);
  const char *problem = glob ? pattern_problem(glob) : NULL;
  if (problem)
    section_error(section, row->name, "'%s': %s", row->name, problem);
  *(char **)at = glob;
}

const char *const words_line_end[] = {"lf", "crlf", NULL};

READER(read_word) {
  guint count = 0;
  while (row->words[count]) /* the place behind the last word: no text */
    count++;
  guint choice = section_choice(section, row->name, row->words, row->except, count);
  *(char **)at = g_strdup(row->words[choice]);
}

/* --- Templates. */

static const char *const of_the_file[] = {"{name}", "{stem}", NULL};
static const char *const of_one_file[] = {"{name}", "{stem}", "{id}", "{sequence", NULL};
const TemplateRule template_of_marker = {TEMPLATE_FILE, of_the_file,
                                         "must contain {name} or {stem}: else one marker would stand for all files"};
const TemplateRule template_of_answer = {
    TEMPLATE_FILE, of_one_file,
    "must contain {name}, {stem}, {id} or {sequence}: else each file's feedback would replace the last one's"};
const TemplateRule template_of_any = {TEMPLATE_FILE, NULL, NULL};

READER(read_template) {
  const TemplateRule *rule = row->rule;
  char *text = section_text(section, row->name);
  *(char **)at = text;
  if (!text)
    return;
  g_autofree char *problem = template_problem(text, rule->kind);
  if (problem)
    section_error(section, row->name, "'%s': %s", row->name, problem);
  else if (rule->needed && !template_has(text, rule->needed))
    section_error(section, row->name, "'%s' %s", row->name, rule->why);
}

/* --- Texts that a library takes: nothing but a plain name may get to a path that it makes of it. */

/* GLib looks the name up below the zoneinfo folder. */
READER(read_time_zone) {
  g_autofree char *name = section_text(section, row->name);
  if (!name)
    return;
  gboolean plain = g_ascii_isalpha(*name) && !value_has_dot_dot(name) && strlen(name) <= 64;
  for (const char *c = name; *c != '\0'; c++)
    plain = plain && (g_ascii_isalnum(*c) || strchr("/_+-", *c));
  g_autoptr(GTimeZone) zone = plain ? g_time_zone_new_identifier(name) : NULL;
  if (zone)
    *(char **)at = g_steal_pointer(&name);
  else
    section_error(section, row->name, "'%s' must be a zone that this machine knows, as \"Asia/Shanghai\" or \"UTC\"",
                  row->name);
}

READER(read_own_time_zone) {
  read_time_zone(section, row, at);
  if (!*(char **)at)
    *(char **)at = g_strdup(section->conf->node.time_zone);
}

/* iconv looks its modules up by name. */
READER(read_charset) {
  char *charset = section_text(section, row->name);
  *(char **)at = charset;
  if (!charset)
    return;
  gboolean plain = g_ascii_isalnum(*charset) && strlen(charset) <= 40;
  for (const char *c = charset; *c != '\0'; c++)
    plain = plain && (g_ascii_isalnum(*c) || strchr("._:-", *c));
  iconv_t opened = plain ? iconv_open("UTF-8", charset) : (iconv_t)-1;
  if (opened == (iconv_t)-1)
    section_error(section, row->name, "'%s' must be a character set that this machine knows (iconv -l lists them)",
                  row->name);
  else
    iconv_close(opened);
}

READER(read_delimiter) {
  char *delimiter = section_raw(section, row->name);
  *(char **)at = delimiter;
  if (!delimiter)
    return;
  if (strcmp(delimiter, "\\t") == 0)
    strcpy(delimiter, "\t"); /* '\t' in single quotes can mean nothing else */
  if (strlen(delimiter) > 16)
    section_error(section, row->name, "'%s' has more than 16 bytes", row->name);
  if (strpbrk(delimiter, "\r\n"))
    section_error(section, row->name, "'%s' holds a line end", row->name);
}

/* --- Keys. */

READER(read_fingerprint) {
  g_autofree char *text = section_text(section, row->name);
  char *fingerprint = text ? value_fingerprint(text) : NULL;
  if (text && !fingerprint)
    section_error(section, row->name,
                  "'%s' must be a whole fingerprint, 40 or 64 hexadecimal digits (gpg --list-keys shows it)",
                  row->name);
  *(char **)at = fingerprint;
}

READER(read_fingerprints) {
  g_auto(GStrv) values = section_list(section, row->name, 2);
  for (guint i = 0; values && values[i]; i++) {
    char *fingerprint = value_fingerprint(values[i]);
    if (!fingerprint) {
      section_error(section, row->name,
                    "'%s' must hold whole fingerprints, 40 or 64 hexadecimal digits (gpg --list-keys shows them)",
                    row->name);
      return;
    }
    g_free(values[i]);
    values[i] = fingerprint;
  }
  if (values && values[1] && strcmp(values[0], values[1]) == 0)
    section_warning(section, row->name, "'%s' holds the same key twice; the second place is for the next key",
                    row->name);
  *(char ***)at = g_steal_pointer(&values);
}

READER(read_digests) {
  g_auto(GStrv) values = section_list(section, row->name, 2);
  for (char **value = values; value && *value; value++) {
    if (!value_is_sha256(*value)) {
      section_error(section, row->name, "'%s' must hold SHA-256 digests, 64 hexadecimal digits each", row->name);
      return;
    }
    g_autofree char *given = *value;
    *value = g_ascii_strdown(given, -1);
  }
  *(char ***)at = g_steal_pointer(&values);
}

/* --- Names of what else is configured. */

READER(read_partner) {
  read_name(section, row, at);
  reference_partner(section, row->name, *(char **)at);
}

READER(read_system) {
  read_name(section, row, at);
  reference_system(section, row->name, *(char **)at);
}

READER(read_layout) {
  read_name(section, row, at);
  reference_layout(section, row->name, *(char **)at);
}

READER(read_calendar) {
  read_name(section, row, at);
  reference_calendar(section, row->name, *(char **)at);
}

/* --- Lists. */

READER(read_list) {
  *(char ***)at = section_list(section, row->name, (guint)row->most);
}

READER(read_globs) {
  read_list(section, row, at);
  for (char **glob = *(char ***)at; glob && *glob; glob++) {
    const char *problem = pattern_problem(*glob);
    if (problem)
      section_error(section, row->name, "'%s': %s", row->name, problem);
  }
}

/* --- Numbers. */

static guint64 read_amount(const Section *section, const Row *row, Unit unit) {
  Range range = {.unit = unit, .otherwise = row->otherwise, .least = row->least, .most = row->most};
  return section_number(section, row->name, range);
}

READER(read_number) {
  *(guint *)at = (guint)read_amount(section, row, UNIT_NONE);
}

READER(read_number64) {
  *(guint64 *)at = read_amount(section, row, UNIT_NONE);
}

READER(read_seconds) {
  *(guint *)at = (guint)read_amount(section, row, UNIT_SECONDS);
}

READER(read_milliseconds) {
  *(guint *)at = (guint)read_amount(section, row, UNIT_MILLISECONDS);
}

READER(read_size) {
  *(guint *)at = (guint)read_amount(section, row, UNIT_BYTES);
}

READER(read_size64) {
  *(guint64 *)at = read_amount(section, row, UNIT_BYTES);
}

READER(read_time_of_day) {
  *(guint *)at = section_time_of_day(section, row->name, (guint)row->otherwise);
}

READER(read_yes) {
  *(gboolean *)at = section_yes(section, row->name, (gboolean)row->otherwise);
}

READER(read_choice) {
  *(guint *)at = section_choice(section, row->name, row->words, row->except, (guint)row->otherwise);
}

/* Bits, 1 << the word's place. */
READER(read_words) {
  g_autofree char *known = g_strjoinv(", ", (char **)row->words);
  g_auto(GStrv) values = section_list(section, row->name, g_strv_length((char **)row->words));
  for (char **value = values; value && *value; value++) {
    guint word = 0;
    while (row->words[word] && strcmp(row->words[word], *value) != 0)
      word++;
    if (row->words[word])
      *(guint *)at |= 1u << word;
    else
      section_error(section, row->name, "'%s' must be one or several of %s", row->name, known);
  }
}

/* --- What nobody writes. */

READER(read_where) {
  (void)row;
  *(ConfWhere *)at = section_where(section, NULL);
}

READER(read_present) {
  (void)row;
  (void)section;
  *(gboolean *)at = TRUE;
}

READER(read_title) {
  (void)row;
  *(char **)at = section_title(section);
}

READER(run_check) {
  (void)at;
  row->check(section, section->into);
}

/* --- The kinds. */

#define TEXT_KIND(of, ...) const Kind kind_##of = {.store = STORE_TEXT, .read = read_##of, __VA_ARGS__}
#define LIST_KIND(of) const Kind kind_##of = {.store = STORE_LIST, .is_list = TRUE, .read = read_##of}
#define UINT_KIND(of) const Kind kind_##of = {.store = STORE_UINT, .read = read_##of}
#define UINT64_KIND(of) const Kind kind_##of = {.store = STORE_UINT64, .read = read_##of}

TEXT_KIND(raw);
TEXT_KIND(text);
TEXT_KIND(name);
TEXT_KIND(path);
TEXT_KIND(file);
TEXT_KIND(connection);
TEXT_KIND(remote_path);
TEXT_KIND(url_path);
TEXT_KIND(template);
TEXT_KIND(glob);
TEXT_KIND(time_zone);
TEXT_KIND(own_time_zone);
TEXT_KIND(charset);
TEXT_KIND(delimiter);
TEXT_KIND(fingerprint);
TEXT_KIND(word);
TEXT_KIND(title);
TEXT_KIND(partner, .refers = REFERS_PARTNER);
TEXT_KIND(system, .refers = REFERS_SYSTEM);
TEXT_KIND(layout, .refers = REFERS_LAYOUT);
TEXT_KIND(calendar, .refers = REFERS_CALENDAR);
LIST_KIND(list);
LIST_KIND(globs);
LIST_KIND(fingerprints);
LIST_KIND(digests);
UINT_KIND(number);
UINT_KIND(seconds);
UINT_KIND(milliseconds);
UINT_KIND(size);
UINT_KIND(time_of_day);
UINT_KIND(yes);
UINT_KIND(choice);
UINT_KIND(present);
UINT64_KIND(number64);
UINT64_KIND(size64);
const Kind kind_words = {.store = STORE_UINT, .is_list = TRUE, .read = read_words};
const Kind kind_where = {.store = STORE_NONE, .read = read_where};
const Kind kind_check = {.store = STORE_NONE, .read = run_check};
const Kind kind_front_url = {.store = STORE_NONE, .refers = REFERS_FRONT};
const Kind kind_kept_where = {.store = STORE_NONE};
const Kind kind_kept_text = {.store = STORE_TEXT};
const Kind kind_kept_list = {.store = STORE_LIST};
const Kind kind_kept_uint = {.store = STORE_UINT};
const Kind kind_kept_uint64 = {.store = STORE_UINT64};
const Kind kind_kept_byte = {.store = STORE_BYTE};
const Kind kind_kept_struct = {.store = STORE_STRUCT};
