/* What came in place of lines of the layout: looked at where the file's first line is none, so that the message names
 * it. Sources: the formats' own first bytes (RFC 9580 for OpenPGP, APPNOTE.TXT for zip, ISO 9735 for EDIFACT). */
#include "gateway/records/parse.h"

static const struct {
  const char *bytes;
  guint8 length; /* 0: text, of any case, behind blanks and a byte order mark */
  const char *name;
  const char *within; /* these are among the first bytes, too; NULL: nothing else */
} signatures[] = {
    {"PK\3\4", 4, "a spreadsheet (xlsx)", "[Content_Types].xml"},
    {"PK\3\4", 4, "a zip archive", NULL},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "an old spreadsheet or document (xls, doc)", NULL},
    {"%PDF-", 5, "a PDF document", NULL},
    {"\x1f\x8b\x08", 3, "compressed by gzip", NULL},
    {"\x28\xb5\x2f\xfd", 4, "compressed by zstd", NULL},
    {"-----BEGIN PGP ", 0, "an OpenPGP message within the one that was opened, or unopened", NULL},
    {"\x85\x01\x0c\x03", 4, "an OpenPGP message within the one that was opened, or unopened", NULL}, /* RSA 2048 */
    {"\x85\x01\x8c\x03", 4, "an OpenPGP message within the one that was opened, or unopened", NULL}, /* RSA 3072 */
    {"\x85\x02\x0c\x03", 4, "an OpenPGP message within the one that was opened, or unopened", NULL}, /* RSA 4096 */
    {"\x84\x5e\x03", 3, "an OpenPGP message within the one that was opened, or unopened", NULL},     /* Curve25519 */
    {"<!doctype html", 0, "an HTML page, as of a portal that tells an error", NULL},
    {"<html", 0, "an HTML page, as of a portal that tells an error", NULL},
    {"<?xml", 0, "XML", NULL},
    {"{\"", 0, "JSON", NULL},
    {"[{", 0, "JSON", NULL},
    {"UNA:+", 0, "EDIFACT", NULL},
    {"UNB+", 0, "EDIFACT", NULL},
    {"ISA*", 0, "X12", NULL},
    {"{1:F01", 0, "a SWIFT message, as MT940", NULL},
    {":20:", 0, "a statement in MT940", NULL},
};

/* `length` is the first line's, so that a file is called the same however it is cut into chunks. */
static gboolean begins(const guint8 *text, gsize length, gsize whole, guint which) {
  enum { WITHIN = 200 };
  const char *bytes = signatures[which].bytes, *within = signatures[which].within;
  gsize n = signatures[which].length ? signatures[which].length : strlen(bytes);
  gboolean is_text = signatures[which].length == 0;
  gsize skipped = is_text && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  while (is_text && skipped < MIN(length, WITHIN) && g_ascii_isspace((char)text[skipped]))
    skipped++;
  text += skipped;
  length -= skipped;
  if (length < n || (is_text ? g_ascii_strncasecmp((const char *)text, bytes, n) : memcmp(text, bytes, n)) != 0)
    return FALSE;
  return !within || memmem(text, MIN(whole, WITHIN), within, strlen(within));
}

/* A line with the layout's own tag is its own, though it has a fault. One letter would be no tag of note in a text. */
static gboolean is_own(const Parse *parse) {
  const char *tag = parse->kind < parse->layout->n_shapes ? parse->layout->shapes[parse->kind].tag : NULL;
  return tag && strlen(tag) >= 2;
}

void foreign_check(Parse *parse, const guint8 *text, gsize length) {
  gsize whole = (gsize)(parse->end - text);
  GPtrArray *problems = parse->state->chunk.problems;
  if (parse->block->faults->len == 0 && problems->len == 0)
    return;
  const char *hint = described_hint(parse->layout, text, length);
  if (hint) {
    parse_add_problem(parse, "T017", g_strdup(hint));
    g_ptr_array_insert(problems, 0, g_ptr_array_steal_index(problems, problems->len - 1));
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS(signatures); i++) {
    if ((signatures[i].length == 0 && is_own(parse)) || !begins(text, length, whole, i))
      continue;
    parse_add_problem(parse, "T016",
                      g_strdup_printf("the file is %s, and no lines of layout \"%s\"", signatures[i].name,
                                      parse->layout->conf->name ? parse->layout->conf->name : ""));
    /* before what its first line is told to be without that */
    g_ptr_array_insert(problems, 0, g_ptr_array_steal_index(problems, problems->len - 1));
    return;
  }
}
