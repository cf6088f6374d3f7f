#include "conf/read/pattern.h"
#include <string.h>

/* --- Globs: cut into pieces, each of which matches one byte, or any number of them. */

typedef struct {
  gboolean star;
  guint8 bytes[32]; /* the set of bytes that it matches */
} Piece;

static void add_byte(Piece *piece, guchar byte) {
  piece->bytes[byte / 8] |= (guint8)(1u << (byte % 8));
}

static void add_all(Piece *piece) {
  memset(piece->bytes, 0xFF, sizeof piece->bytes);
  piece->bytes['/' / 8] &= (guint8) ~(1u << ('/' % 8));
}

/* Behind '['; gives what is behind ']', or NULL when there is none. */
static const char *read_set(const char *at, Piece *piece) {
  gboolean negated = *at == '!' || *at == '^';
  if (negated)
    at++;
  const char *first = at;
  for (; *at != '\0' && (*at != ']' || at == first); at++) {
    guchar low = (guchar)*at, high = low;
    if (at[1] == '-' && at[2] != ']' && at[2] != '\0') {
      high = (guchar)at[2];
      at += 2;
    }
    for (guint byte = low; byte <= high; byte++)
      add_byte(piece, (guchar)byte);
  }
  if (*at == '\0')
    return NULL;
  for (guint i = 0; negated && i < sizeof piece->bytes; i++)
    piece->bytes[i] = (guint8)~piece->bytes[i];
  return at + 1;
}

static GArray *cut(const char *glob, const char **problem) {
  GArray *pieces = g_array_new(FALSE, TRUE, sizeof(Piece));
  *problem = NULL;
  while (*glob != '\0') {
    Piece piece = {.star = *glob == '*'};
    if (*glob == '[') {
      glob = read_set(glob + 1, &piece);
      if (!glob) {
        *problem = "a '[' has no ']'";
        break;
      }
    } else {
      if (*glob == '*' || *glob == '?')
        add_all(&piece);
      else if (*glob == '\\' && glob[1] != '\0')
        add_byte(&piece, (guchar) * ++glob);
      else if (*glob == '\\')
        *problem = "it ends with a backslash";
      else
        add_byte(&piece, (guchar)*glob);
      glob++;
    }
    g_array_append_val(pieces, piece);
  }
  return pieces;
}

const char *pattern_problem(const char *glob) {
  if (strchr(glob, '/'))
    return "it matches names in one folder, so it holds no '/'";
  if (strlen(glob) > 255)
    return "it is longer than a file name can be";
  const char *problem = NULL;
  g_array_free(cut(glob, &problem), TRUE);
  return problem;
}

static gboolean share_byte(const Piece *a, const Piece *b) {
  for (guint i = 0; i < sizeof a->bytes; i++)
    if ((a->bytes[i] & b->bytes[i]) != 0)
      return TRUE;
  return FALSE;
}

/* Both globs as automata that are walked together: reach[j] says that pieces [0, i) of a and [0, j) of b can match one
 * text. */
gboolean pattern_overlap(const char *a, const char *b) {
  const char *problem = NULL;
  g_autoptr(GArray) left = cut(a, &problem);
  g_autoptr(GArray) right = cut(b, &problem);
  g_autofree gboolean *reach = g_new0(gboolean, right->len + 1);
  g_autofree gboolean *above = g_new0(gboolean, right->len + 1);
  for (guint i = 0; i <= left->len; i++) {
    const Piece *p = i == 0 ? NULL : &g_array_index(left, Piece, i - 1);
    for (guint j = 0; j <= right->len; j++) {
      const Piece *q = j == 0 ? NULL : &g_array_index(right, Piece, j - 1);
      gboolean can = i == 0 && j == 0;
      can = can || (p && p->star && above[j]);                              /* p matches nothing */
      can = can || (q && q->star && reach[j - 1]);                          /* q matches nothing */
      can = can || (p && q && above[j - 1] && share_byte(p, q));            /* both match one byte */
      can = can || (p && q && p->star && reach[j - 1] && share_byte(p, q)); /* p's next byte is q */
      can = can || (p && q && q->star && above[j] && share_byte(p, q));
      reach[j] = can;
    }
    memcpy(above, reach, (right->len + 1) * sizeof *reach);
  }
  return above[right->len];
}

/* --- Templates. */

static const char *const of_files[] = {"{name}", "{stem}", "{extension}", "{date}",
                                       "{time}", "{id}",   "{sequence}",  NULL};
static const char *const of_sequences[] = {"{date}", "{time}", "{sequence}", NULL};
static const char *const of_shards[] = {"{type}", "{date}", "{shard}", "{requester}", "{version}", NULL};
static const char *const *const placeholders[] = {
    [TEMPLATE_FILE] = of_files, [TEMPLATE_SEQUENCE] = of_sequences, [TEMPLATE_SHARD] = of_shards};

/* How long the placeholder that stands here is, {sequence:6} with its number of digits; 0: none does. */
static gsize placeholder_length(const char *text, TemplateKind kind) {
  static const char sized[] = "{sequence:";
  for (const char *const *name = placeholders[kind]; *name; name++)
    if (g_str_has_prefix(text, *name))
      return strlen(*name);
  if (kind == TEMPLATE_SHARD || !g_str_has_prefix(text, sized))
    return 0;
  const char *digits = text + strlen(sized);
  gsize count = strspn(digits, "0123456789");
  guint64 width = count > 0 && count <= 2 ? g_ascii_strtoull(digits, NULL, 10) : 0;
  return width >= 1 && width <= 18 && digits[count] == '}' ? strlen(sized) + count + 1 : 0;
}

char *template_problem(const char *text, TemplateKind kind) {
  if (strchr(text, '/'))
    return g_strdup("it is the name of a file, so it holds no '/'");
  if (strlen(text) > 200)
    return g_strdup("it is longer than 200 bytes");
  if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
    return g_strdup("it is not the name of a file");
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '}')
      return g_strdup("a '}' has no '{'");
    if (*c != '{')
      continue;
    gsize length = placeholder_length(c, kind);
    if (length == 0) {
      g_autofree char *known = g_strjoinv(" ", (char **)placeholders[kind]);
      return g_strdup_printf("it may hold %s, and no other braces", known);
    }
    c += length - 1;
  }
  return NULL;
}

gboolean template_has(const char *text, const char *const *wanted) {
  for (; *wanted; wanted++)
    if (strstr(text, *wanted))
      return TRUE;
  return FALSE;
}

/* The part of a glob before its first literal dot: what {stem} is for the names that it matches, or a little more. */
static char *stem_of(const char *glob) {
  gboolean in_set = FALSE;
  for (const char *c = glob; *c != '\0'; c++) {
    if (*c == '[')
      in_set = TRUE;
    if (*c == ']')
      in_set = FALSE;
    if (*c == '.' && !in_set && c > glob)
      return g_strndup(glob, (gsize)(c - glob));
  }
  return g_strdup(glob);
}

/* Digits: of a number as many as it says, or one and whatever follows; of a date eight, of a time six. */
static void append_digits(GString *pattern, const char *placeholder) {
  const char *colon = strchr(placeholder, ':'), *close = strchr(placeholder, '}');
  gboolean is_number = g_str_has_prefix(placeholder, "{sequence"), is_sized = is_number && colon && colon < close;
  guint64 count = is_sized                                  ? g_ascii_strtoull(colon + 1, NULL, 10)
                  : is_number                               ? 1
                  : g_str_has_prefix(placeholder, "{date}") ? 8
                                                            : 6;
  for (guint64 i = 0; i < count; i++)
    g_string_append(pattern, "[0-9]");
  if (is_number && !is_sized)
    g_string_append_c(pattern, '*');
}

char *template_as_pattern(const char *text, const char *glob, TemplateKind kind) {
  GString *pattern = g_string_new(NULL);
  g_autofree char *stem = !glob ? NULL : stem_of(glob);
  while (*text != '\0') {
    gsize length = placeholder_length(text, kind);
    if (length == 0) {
      const char *special = kind == TEMPLATE_SEQUENCE ? "[\\" : "*?[\\";
      if (strchr(special, *text))
        g_string_append_c(pattern, '\\');
      g_string_append_c(pattern, *text++);
      continue;
    }
    const char *made = "*";
    if (glob && g_str_has_prefix(text, "{name}"))
      made = glob;
    if (glob && g_str_has_prefix(text, "{stem}"))
      made = stem;
    if (kind == TEMPLATE_SEQUENCE)
      append_digits(pattern, text);
    else
      g_string_append(pattern, made);
    text += length;
  }
  return g_string_free(pattern, FALSE);
}
