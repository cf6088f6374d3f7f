/* Values that stand in several sections: time zones, character sets, keys, paths and names of files. */
#include "conf/build.h"
#include "conf/url.h"
#include "conf/value.h"
#include <iconv.h>
#include <string.h>

/* GLib looks the name up below the zoneinfo folder: nothing but a plain zone name may get there. */
char *build_time_zone(const Section *section, const char *option) {
  char *name = section_text(section, option);
  if (name == NULL)
    return NULL;
  gboolean plain = g_ascii_isalpha(*name) && !value_has_dot_dot(name) && strlen(name) <= 64;
  for (const char *c = name; *c != '\0'; c++)
    plain = plain && (g_ascii_isalnum(*c) || strchr("/_+-", *c) != NULL);
  g_autoptr(GTimeZone) zone = plain ? g_time_zone_new_identifier(name) : NULL;
  if (zone != NULL)
    return name;
  section_error(section, option, "'%s' must be a zone that this machine knows, as \"Asia/Shanghai\" or \"UTC\"",
                option);
  g_free(name);
  return NULL;
}

/* iconv looks its modules up by name: nothing but a plain name may get there. */
char *build_charset(const Section *section) {
  char *charset = section_text(section, "charset");
  if (charset == NULL)
    return NULL;
  gboolean plain = g_ascii_isalnum(*charset) && strlen(charset) <= 40;
  for (const char *c = charset; *c != '\0'; c++)
    plain = plain && (g_ascii_isalnum(*c) || strchr("._:-", *c) != NULL);
  iconv_t opened = plain ? iconv_open("UTF-8", charset) : (iconv_t)-1;
  if (opened == (iconv_t)-1)
    section_error(section, "charset",
                  "'charset' must be a character set that this machine knows (iconv -l lists them)");
  else
    iconv_close(opened);
  return charset;
}

char *build_delimiter(const Section *section, gboolean quotes) {
  char *delimiter = section_raw(section, "delimiter");
  if (delimiter == NULL)
    return NULL;
  if (strcmp(delimiter, "\\t") == 0)
    strcpy(delimiter, "\t"); /* '\t' in single quotes can mean nothing else */
  if (strlen(delimiter) > 16)
    section_error(section, "delimiter", "'delimiter' has more than 16 bytes");
  if (strpbrk(delimiter, "\r\n") != NULL)
    section_error(section, "delimiter", "'delimiter' holds a line end");
  if (quotes && strchr(delimiter, '"') != NULL)
    section_error(section, "delimiter", "'delimiter' holds the quote of quote = rfc4180");
  return delimiter;
}

char *build_fingerprint(const Section *section, const char *option) {
  g_autofree char *text = section_text(section, option);
  if (text == NULL)
    return NULL;
  char *fingerprint = value_fingerprint(text);
  if (fingerprint == NULL)
    section_error(section, option,
                  "'%s' must be a whole fingerprint, 40 or 64 hexadecimal digits (gpg --list-keys shows it)", option);
  return fingerprint;
}

char **build_fingerprints(const Section *section, const char *option) {
  g_auto(GStrv) values = section_list(section, option, 2);
  for (guint i = 0; values != NULL && values[i] != NULL; i++) {
    char *fingerprint = value_fingerprint(values[i]);
    if (fingerprint == NULL) {
      section_error(section, option,
                    "'%s' must hold whole fingerprints, 40 or 64 hexadecimal digits (gpg --list-keys shows them)",
                    option);
      return NULL;
    }
    g_free(values[i]);
    values[i] = fingerprint;
  }
  if (values != NULL && values[1] != NULL && strcmp(values[0], values[1]) == 0)
    section_warning(section, option, "'%s' holds the same key twice; the second place is for the next key", option);
  return g_steal_pointer(&values);
}

/* ---- paths and names ---- */

char *build_remote_path(const Section *section, const char *option) {
  g_autofree char *text = section_text(section, option);
  if (text == NULL)
    return NULL;
  if (!value_has_dot_dot(text))
    return value_clean_path(text);
  section_error(section, option, "'%s' must not hold '..'", option);
  return NULL;
}

char *build_url_path(const Section *section, const char *option) {
  g_autofree char *text = section_text(section, option);
  if (text == NULL)
    return NULL;
  if (url_is_path(text))
    return g_steal_pointer(&text);
  section_error(
      section, option,
      "'%s' must be a URL's path: it begins with '/', has no '..' and no '#', and what is not plain is percent-encoded",
      option);
  return NULL;
}

static const char *const of_the_file[] = {"{name}", "{stem}", NULL};
static const char *const of_one_file[] = {"{name}", "{stem}", "{id}", "{sequence", NULL};
const TemplateRule template_of_marker = {TEMPLATE_FILE, of_the_file,
                                         "must contain {name} or {stem}: else one marker would stand for all files"};
const TemplateRule template_of_answer = {
    TEMPLATE_FILE, of_one_file,
    "must contain {name}, {stem}, {id} or {sequence}: else each file's feedback would replace the last one's"};

char *build_template(const Section *section, const char *option, TemplateRule rule) {
  char *text = section_text(section, option);
  if (text == NULL)
    return NULL;
  g_autofree char *problem = template_problem(text, rule.kind);
  if (problem != NULL)
    section_error(section, option, "'%s': %s", option, problem);
  else if (rule.needed != NULL && !template_has(text, rule.needed))
    section_error(section, option, "'%s' %s", option, rule.why);
  return text;
}

/* ---- what is around a file ---- */

ConfEnvelope build_envelope(const Section *section, gboolean may_be_detached, ConfEnvelope otherwise) {
  static const char *const all[] = {"openpgp", "detached-signature", "unprotected-plain-text", NULL};
  static const char *const some[] = {"openpgp", "unprotected-plain-text", NULL};
  guint choice = section_choice(section, "envelope", may_be_detached ? all : some, G_MAXUINT);
  if (choice == G_MAXUINT)
    return otherwise;
  return may_be_detached ? choice : choice == 0 ? CONF_ENVELOPE_OPENPGP : CONF_ENVELOPE_NONE;
}

ConfPacking build_packing(const Section *section, const char *option) {
  static const char *const kinds[] = {"none", "gzip", "zstd", "zip", NULL};
  return section_choice(section, option, kinds, CONF_PACK_NONE);
}
