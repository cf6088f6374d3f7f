#include "gateway/flow/admission/declared.h"
#include "gateway/common/codes.h"
#include "gateway/common/json_text.h"
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

void declared_free(Declared *declared) {
  if (!declared)
    return;
  g_free(declared->total);
  for (guint i = 0; i < DIGEST_KINDS; i++)
    g_free(declared->digests[i]);
  g_free(declared->file);
  g_free(declared);
}

gboolean declared_equal(const Declared *a, const Declared *b) {
  gboolean same = a->has_size == b->has_size && a->size == b->size && a->has_records == b->has_records &&
                  a->records == b->records && g_strcmp0(a->total, b->total) == 0;
  for (guint i = 0; i < DIGEST_KINDS && same; i++)
    same = g_strcmp0(a->digests[i], b->digests[i]) == 0;
  return same;
}

/* --- Reading */

typedef struct {
  const ConfDeclared *conf;
  GHashTable *entries;
  guint line;
  char *problem;
} DeclaredReader;

static gboolean bad(DeclaredReader *reader, const char *what) {
  if (!reader->problem)
    reader->problem = g_strdup_printf("line %u: %s", reader->line, what);
  return FALSE;
}

static gboolean is_digits(const char *text) {
  return *text && strspn(text, "0123456789") == strlen(text);
}

static gboolean read_number(DeclaredReader *reader, const char *text, gboolean *has, guint64 *value) {
  if (!is_digits(text) || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, value, NULL))
    return bad(reader, "not a number");
  *has = TRUE;
  return TRUE;
}

static gboolean read_digest(DeclaredReader *reader, Declared *entry, DigestKind kind, const char *text) {
  gsize length = strlen(text);
  if (length != digest_size(kind) * 2 || strspn(text, "0123456789abcdefABCDEF") != length)
    return bad(reader, "not a digest of its kind");
  g_free(entry->digests[kind]);
  entry->digests[kind] = g_ascii_strdown(text, -1);
  return TRUE;
}

static gboolean read_total(DeclaredReader *reader, Declared *entry, const char *text) {
  const char *digits = text + (*text == '-' || *text == '+');
  gsize whole = strspn(digits, "0123456789"),
        rest = digits[whole] == '.' ? strspn(digits + whole + 1, "0123456789") + 1 : 0;
  if (whole == 0 || rest == 1 || digits[whole + rest] || strlen(text) > 30)
    return bad(reader, "not a total");
  g_free(entry->total);
  entry->total = g_strdup(text);
  return TRUE;
}

static gboolean read_value(DeclaredReader *reader, Declared *entry, GBytes **name, const char *word, const char *text) {
  if (g_str_equal(word, "-"))
    return TRUE;
  if (g_str_equal(word, "size"))
    return read_number(reader, text, &entry->has_size, &entry->size);
  if (g_str_equal(word, "records"))
    return read_number(reader, text, &entry->has_records, &entry->records);
  if (g_str_equal(word, "total"))
    return read_total(reader, entry, text);
  for (DigestKind kind = 0; kind < DIGEST_KINDS; kind++)
    if (g_str_equal(word, digest_word(kind)))
      return read_digest(reader, entry, kind, text);
  /* where it lay on the partner's side is no matter */
  const char *slash = strrchr(text, '/'), *bare = slash ? slash + 1 : text;
  if (!g_str_equal(word, "name") || *name || !*bare)
    return bad(reader, "no name");
  *name = g_bytes_new(bare, strlen(bare));
  return TRUE;
}

/* Takes the entry. Said twice in the same words is said once. */
static gboolean keep(DeclaredReader *reader, GBytes *name, Declared *entry) {
  GBytes *key = name ? name : g_bytes_new_static("", 0);
  const Declared *known = g_hash_table_lookup(reader->entries, key);
  gboolean contradicts = known && !declared_equal(known, entry);
  if (known) {
    g_bytes_unref(key);
    declared_free(entry);
  } else {
    g_hash_table_insert(reader->entries, key, entry);
  }
  return !contradicts || bad(reader, "it contradicts an earlier line about the same file");
}

static gboolean kind_by_length(gsize length, DigestKind *kind) {
  for (*kind = 0; *kind < DIGEST_KINDS; (*kind)++)
    if (digest_size(*kind) * 2 == length)
      return TRUE;
  return FALSE;
}

/* "HEX  name", "HEX *name", or HEX alone. A backslash in front says that "\n" and "\\" in the name are escapes. */
static gboolean read_sum(DeclaredReader *reader, char *line) {
  gboolean is_escaped = *line == '\\';
  line += is_escaped;
  gsize length = strspn(line, "0123456789abcdefABCDEF");
  DigestKind kind;
  char *rest = line + length;
  if (!kind_by_length(length, &kind))
    return bad(reader, "not a line of md5sum or its like");
  if (*rest && (*rest != ' ' || (rest[1] != ' ' && rest[1] != '*') || !rest[2]))
    return bad(reader, "not a line of md5sum or its like");
  g_autofree char *hex = g_strndup(line, length),
                  *name = *rest ? is_escaped ? g_strcompress(rest + 2) : g_strdup(rest + 2) : NULL;
  Declared *entry = g_new0(Declared, 1);
  GBytes *key = NULL;
  if (read_digest(reader, entry, kind, hex) && (!name || read_value(reader, entry, &key, "name", name)))
    return keep(reader, key, entry);
  declared_free(entry);
  g_clear_pointer(&key, g_bytes_unref);
  return FALSE;
}

static gboolean read_columns(DeclaredReader *reader, const char *line) {
  g_auto(GStrv) parts = g_strsplit(line, reader->conf->delimiter, -1);
  if (g_strv_length(parts) != g_strv_length(reader->conf->columns))
    return bad(reader, "not as many values as columns");
  Declared *entry = g_new0(Declared, 1);
  GBytes *name = NULL;
  gboolean ok = TRUE;
  for (guint i = 0; ok && parts[i]; i++)
    ok = read_value(reader, entry, &name, reader->conf->columns[i], g_strstrip(parts[i]));
  if (ok)
    return keep(reader, name, entry);
  declared_free(entry);
  g_clear_pointer(&name, g_bytes_unref);
  return FALSE;
}

/* "theirs:ours"; a colon alone in front stands for itself. */
static const char *word_for(const ConfDeclared *conf, const char *key) {
  for (char **column = conf->columns; column && *column; column++) {
    const char *colon = strrchr(*column, ':');
    if (colon && (gsize)(colon - *column) == strlen(key) && memcmp(*column, key, strlen(key)) == 0)
      return colon + 1;
  }
  return NULL;
}

/* All lines are one entry. Keys that the configuration does not name are the partner's own affair; one that it names
 * comes once. */
typedef struct {
  Declared *entry;
  GBytes *name;
  GHashTable *seen;
} Pairs;

static gboolean read_pair(DeclaredReader *reader, Pairs *pairs, char *line) {
  char *at = strstr(line, reader->conf->delimiter);
  if (!at)
    return bad(reader, "no delimiter between key and value");
  char *value = at + strlen(reader->conf->delimiter);
  *at = '\0';
  const char *word = word_for(reader->conf, g_strstrip(line));
  if (!word)
    return TRUE;
  if (!g_hash_table_add(pairs->seen, g_strdup(word)))
    return bad(reader, "a key that stands there twice");
  return read_value(reader, pairs->entry, &pairs->name, word, g_strstrip(value));
}

/* One that is missing may be still to come. */
static gboolean has_all_keys(DeclaredReader *reader, const Pairs *pairs) {
  for (char **column = reader->conf->columns; column && *column; column++) {
    const char *colon = strrchr(*column, ':');
    if (colon && !g_hash_table_contains(pairs->seen, colon + 1) && !g_str_equal(colon + 1, "-"))
      return bad(reader, "not all of its keys are there (yet)");
  }
  return TRUE;
}

static gboolean read_line(DeclaredReader *reader, Pairs *pairs, char *line) {
  if (!*line)
    return TRUE;
  switch (reader->conf->format) {
  case CONF_DECLARED_SUMS:
    return read_sum(reader, line);
  case CONF_DECLARED_COLUMNS:
    return read_columns(reader, line);
  case CONF_DECLARED_PAIRS:
    return read_pair(reader, pairs, line);
  }
  return FALSE;
}

static gboolean read_lines(DeclaredReader *reader, Pairs *pairs, const char *text, gsize length) {
  for (gsize at = 0; at < length;) {
    const char *end = memchr(text + at, '\n', length - at);
    gsize size = end ? (gsize)(end - text) - at : length - at;
    reader->line++;
    if (size > DECLARED_MOST_LINE || memchr(text + at, '\0', size))
      return bad(reader, size > DECLARED_MOST_LINE ? "longer than 4096 bytes" : "it has a NUL");
    gsize used = size > 0 && text[at + size - 1] == '\r' ? size - 1 : size;
    g_autofree char *line = g_strndup(text + at, used);
    if (!read_line(reader, pairs, line))
      return FALSE;
    at += size + (end != NULL);
  }
  return TRUE;
}

static void free_entry(gpointer entry) {
  declared_free(entry);
}
static void free_name(gpointer name) {
  g_bytes_unref(name);
}

GHashTable *declared_parse(const ConfDeclared *conf, const char *text, gsize length, char **problem) {
  DeclaredReader reader = {.conf = conf,
                           .entries = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, free_name, free_entry)};
  gboolean is_pairs = conf->format == CONF_DECLARED_PAIRS;
  Pairs pairs = {.entry = is_pairs ? g_new0(Declared, 1) : NULL,
                 .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
  gboolean ok = length <= DECLARED_MOST_BYTES ? read_lines(&reader, &pairs, text, length)
                                              : bad(&reader, "the file is larger than 1 MiB");
  if (ok && is_pairs)
    ok = has_all_keys(&reader, &pairs) && keep(&reader, g_steal_pointer(&pairs.name), g_steal_pointer(&pairs.entry));
  if (ok && g_hash_table_size(reader.entries) == 0)
    ok = bad(&reader, "it declares nothing (yet)");
  declared_free(pairs.entry);
  g_clear_pointer(&pairs.name, g_bytes_unref);
  g_hash_table_unref(pairs.seen);
  *problem = reader.problem;
  if (!ok)
    g_clear_pointer(&reader.entries, g_hash_table_unref);
  return reader.entries;
}

/* --- With the evidence */

char *declared_add_to_evidence(const Declared *declared, const char *evidence) {
  json_t *object = json_loads(evidence, 0, NULL), *member = json_object();
  if (declared->file)
    json_object_set_new(member, "file", json_string(declared->file));
  if (declared->has_size)
    json_object_set_new(member, "size", json_integer((json_int_t)declared->size));
  if (declared->has_records)
    json_object_set_new(member, "records", json_integer((json_int_t)declared->records));
  if (declared->total)
    json_object_set_new(member, "total", json_string(declared->total));
  for (DigestKind kind = 0; kind < DIGEST_KINDS; kind++)
    if (declared->digests[kind])
      json_object_set_new(member, digest_word(kind), json_string(declared->digests[kind]));
  json_object_set_new(object, "declared", member);
  return json_text_take(object);
}

gboolean declared_from_evidence(const char *evidence, Declared **declared, GError **error) {
  json_t *object = evidence ? json_loads(evidence, 0, NULL) : NULL;
  const json_t *member = json_object_get(object, "declared");
  *declared = NULL;
  if (evidence && !object)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "the evidence in the book is no JSON object");
  if (member) {
    Declared *made = *declared = g_new0(Declared, 1);
    const json_t *size = json_object_get(member, "size"), *records = json_object_get(member, "records");
    made->has_size = json_is_integer(size);
    made->size = (guint64)json_integer_value(size);
    made->has_records = json_is_integer(records);
    made->records = (guint64)json_integer_value(records);
    made->total = g_strdup(json_string_value(json_object_get(member, "total")));
    made->file = g_strdup(json_string_value(json_object_get(member, "file")));
    for (DigestKind kind = 0; kind < DIGEST_KINDS; kind++)
      made->digests[kind] = g_strdup(json_string_value(json_object_get(member, digest_word(kind))));
  }
  json_decref(object);
  return TRUE;
}

/* --- Holding it against what there is */

static gboolean digest_of(int fd, DigestKind kind, guint8 *out, GError **error) {
  struct stat status;
  guint64 done = 0;
  if (fstat(fd, &status) != 0)
    return sallyport_error_errno(error, errno, "stat");
  Digest *digest = digest_new(kind);
  if (!digest_update_from_file(digest, fd, &done, (guint64)status.st_size, error)) {
    digest_free(digest);
    return FALSE;
  }
  digest_finish(digest, out);
  return TRUE;
}

gboolean declared_check_digests(const Declared *declared, int fd, DigestKind *differs, char **found, GError **error) {
  *found = NULL;
  for (*differs = 0; *differs < DIGEST_KINDS; (*differs)++) {
    guint8 out[DIGEST_SIZE_MOST];
    if (!declared->digests[*differs])
      continue;
    if (!digest_of(fd, *differs, out, error))
      return FALSE;
    g_autofree char *hex = digest_hex(out, digest_size(*differs));
    if (g_str_equal(hex, declared->digests[*differs]))
      continue;
    *found = g_steal_pointer(&hex);
    return TRUE;
  }
  return TRUE;
}

/* "12.30" and 1230 at scale 2. FALSE: it has more places than the field, or does not fit. */
static gboolean scaled(const char *text, guint scale, gint64 *value) {
  const char *digits = text + (*text == '-' || *text == '+'), *point = strchr(digits, '.');
  guint places = point ? (guint)strlen(point + 1) : 0;
  __int128 sum = 0;
  for (const char *p = digits; *p; p++)
    if (*p != '.')
      sum = sum * 10 + (*p - '0');
  for (; places > scale && sum % 10 == 0; places--)
    sum /= 10;
  for (; places < scale && sum <= G_MAXINT64; places++)
    sum *= 10;
  if (places != scale || sum > G_MAXINT64)
    return FALSE;
  *value = *text == '-' ? -(gint64)sum : (gint64)sum;
  return TRUE;
}

static char *written(gint64 amount, guint scale) {
  guint64 magnitude = amount < 0 ? 0 - (guint64)amount : (guint64)amount, unit = 1;
  for (guint i = 0; i < scale; i++)
    unit *= 10;
  g_autofree char *whole = g_strdup_printf("%s%" G_GUINT64_FORMAT, amount < 0 ? "-" : "", magnitude / unit);
  return scale ? g_strdup_printf("%s.%0*" G_GUINT64_FORMAT, whole, (int)scale, magnitude % unit)
               : g_steal_pointer(&whole);
}

char *declared_contradiction(const Declared *declared, const DeclaredFacts *facts, char **code) {
  gint64 total = 0;
  *code = NULL;
  if (declared->has_records && declared->records != facts->records) {
    *code = g_strdup(CODE_DECLARED_RECORDS);
    return g_strdup_printf("%" G_GUINT64_FORMAT " records are declared in %s, %" G_GUINT64_FORMAT " came",
                           declared->records, declared->file, facts->records);
  }
  if (!declared->total || !facts->has_amount ||
      (scaled(declared->total, facts->scale, &total) && total == facts->amount))
    return NULL;
  g_autofree char *came = written(facts->amount, facts->scale);
  *code = g_strdup(CODE_DECLARED_TOTAL);
  return g_strdup_printf("a total of %s is declared in %s, the records add up to %s", declared->total, declared->file,
                         came);
}
