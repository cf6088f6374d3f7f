/* The first byte chooses a layout, the rest is the file. However it is cut into chunks, the result is the same, and every
 * line is accounted for: a record, a fault, a header, a trailer, a problem of the file, or the empty last one. */
#include "tests/unit/gateway/records/layouts.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  const char *delimiter, *header, *record, *trailer, *charset;
  gboolean is_quoted, by_position;
  int line_end;
} Kind;

static const Kind KINDS[] = {
    {"|", "H p:text d:date", "D m:text=4* n:int a:dec=2? t:time? c:enum=A/B?", "T n:int#count s:int?#sum=n", NULL, FALSE, FALSE, CONF_LINE_END_ANY},
    {";", "- p:text", "- m:text? n:int?", "- n:int?#count s:int?#sum=n", NULL, FALSE, TRUE, CONF_LINE_END_CRLF},
    {",", "H p:text", "D m:text? n:int?", "T n:int?#count", NULL, TRUE, FALSE, CONF_LINE_END_ANY},
    {",", "- p:text?", "- m:text? n:text?", NULL, NULL, TRUE, TRUE, CONF_LINE_END_CR},
    {"|", "H p:text", "D m:text=3? n:int?", "T n:int?#count", "GB18030", FALSE, FALSE, CONF_LINE_END_LF},
    {"|", NULL, "D m:text? n:text?", NULL, "GB18030", TRUE, FALSE, CONF_LINE_END_ANY},
    {"||", "H p:text", "D m:text? d:date=%d%m%Y?", "T s:dec=3?#sum=m", NULL, FALSE, FALSE, CONF_LINE_END_ANY},
    {"\302\247", NULL, "D m:text? n:text?", NULL, NULL, TRUE, FALSE, CONF_LINE_END_ANY},
    {"|", NULL, "- m:text? n:text?", "- n:int?", "SHIFT_JIS", TRUE, TRUE, CONF_LINE_END_ANY},
    {"a", NULL, "D m:text?", NULL, "ISO-8859-1", FALSE, FALSE, CONF_LINE_END_ANY},
};

static Layout *layout_of(const Kind *kind) {
  GError *error = NULL;
  ConfLayout *conf = layouts_conf(kind->delimiter, kind->header, kind->record, kind->trailer);
  conf->charset = g_strdup(kind->charset);
  conf->quote = kind->is_quoted ? CONF_QUOTE_RFC4180 : CONF_QUOTE_NONE;
  conf->lines_by = kind->by_position ? CONF_LINES_BY_POSITION : CONF_LINES_BY_TAG;
  *(int *)(void *)&conf->line_end = kind->line_end;
  conf->line_limit = 60;
  if (kind == &KINDS[6]) /* a sum needs a number */
    ((ConfField *)conf->record.fields->pdata[0])->type = CONF_INTEGER;
  Layout *layout = layout_new(conf, &error);
  g_assert_no_error(error);
  return layout; /* lives as long as the fuzzer, and the configuration with it */
}

static guint64 line_ends(const Layout *layout, const guint8 *text, gsize size) {
  guint8 terminator = layout_conf(layout)->line_end == CONF_LINE_END_CR ? '\r' : '\n';
  guint64 lines = size > 0 && text[size - 1] != terminator;
  for (gsize i = 0; i < size; i++)
    lines += text[i] == terminator;
  return lines;
}

/* With the byte order mark skipped an otherwise empty first line is none: the only bytes that are no line. */
static gboolean is_mark_alone(const guint8 *text, gsize size) {
  return (size == 3 && memcmp(text, "\357\273\277", 3) == 0) || (size == 4 && memcmp(text, "\204\061\225\063", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Layout *layouts[G_N_ELEMENTS(KINDS)];
  static LayoutChunk *chunks[G_N_ELEMENTS(KINDS)]; /* reused, as the lane does */
  if (size == 0)
    return 0;
  guint which = data[0] % G_N_ELEMENTS(KINDS);
  if (!layouts[which]) {
    layouts[which] = layout_of(&KINDS[which]);
    chunks[which] = layout_chunk_new(layouts[which]);
  }
  g_autofree guint8 *text = g_memdup2(data + 1, size - 1); /* exactly so long: a read beyond is seen */
  gsize length = size - 1;
  g_autofree char *whole = layouts_tell_with(layouts[which], chunks[which], text, length, length + 1);
  g_autofree char *lines = layouts_tell_with(layouts[which], chunks[which], text, length, 1);
  g_autofree char *pieces = layouts_tell_with(layouts[which], chunks[which], text, length, 23);
  g_assert_cmpstr(whole, ==, lines);
  g_assert_cmpstr(whole, ==, pieces);
  guint64 told = g_ascii_strtoull(strrchr(whole, '=') + 2, NULL, 10);
  if (!is_mark_alone(text, length))
    g_assert_cmpuint(told, ==, line_ends(layouts[which], text, length));
  return 0;
}
