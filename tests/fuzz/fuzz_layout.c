/* The first byte chooses a layout, the rest is the file. However it is cut into chunks, the result is the same, and
 * every line is accounted for: a record, a fault, a header, a trailer, a problem of the file, or the empty last one. */
#include "tests/unit/gateway/records/layouts.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  const char *delimiter, *header, *record, *trailer, *charset;
  gboolean is_quoted, by_position;
  int line_end;
  gboolean is_fixed;
  const char *second; /* another type of records */
  gboolean passes;    /* over lines that begin with # or 99, of blanks, of Ctrl-Z at the end */
  const char *const *groups; /* header and trailer of each; then an addendum and a remark; NULL: none */
  const char *terminator, *tag_at; /* places with a blank between */
  gboolean untagged, is_open;
  const char *split, *prefix; /* of the record; of all values */
  gboolean by_name;
  guint gap; /* behind the record's first field */
  ConfDescriptor descriptor;
  guint forms; /* of all numbers, with a decimal comma */
  const char *key; /* fields that it is composed of, with a blank between */
} Kind;

static const char *const DELIMITED_GROUPS[] = {"B x:text?",
                                               "Y b:int?#count/A t:int?#sum=s/Z l:int?#all-lines",
                                               "A y:text? q:int?",
                                               "Z c:int?#count k:int?#lines s:int?#debits=n",
                                               "C z:text? m:text? i:int?",
                                               "R w:int?"};
static const char *const FIXED_GROUPS[] = {"B x:text?@7", NULL, "A y:text@4 o:int@3>0",
                                           "Z c:int@3>0#count/C s:int@4>0#sum=n", "C z:text?@7", "R w:int@7>0"};

static const Kind KINDS[] = {
    {"|", "H p:text d:date", "D m:text=4* n:int a:dec=2? t:time? c:enum=A/B?", "T n:int#count s:int?#sum=n", NULL,
     FALSE, FALSE, CONF_LINE_END_ANY, FALSE, NULL},
    {";", "- p:text", "- m:text? n:int?", "- n:int?#count s:int?#sum=n", NULL, FALSE, TRUE, CONF_LINE_END_CRLF, FALSE,
     NULL},
    {",", "H p:text", "D m:text? n:int?", "T n:int?#count", NULL, TRUE, FALSE, CONF_LINE_END_ANY, FALSE, NULL},
    {",", "- p:text?", "- m:text? n:text?", NULL, NULL, TRUE, TRUE, CONF_LINE_END_CR, FALSE, NULL},
    {"|", "H p:text", "D m:text=3? n:int?", "T n:int?#count", "GB18030", FALSE, FALSE, CONF_LINE_END_LF, FALSE, NULL},
    {"|", NULL, "D m:text? n:text?", NULL, "GB18030", TRUE, FALSE, CONF_LINE_END_ANY, FALSE, NULL},
    {"||", "H p:text", "D m:text? d:date=%d%m%Y?", "T s:dec=3?#sum=m", NULL, FALSE, FALSE, CONF_LINE_END_ANY, FALSE,
     NULL},
    {"\302\247", NULL, "D m:text? n:text?", NULL, NULL, TRUE, FALSE, CONF_LINE_END_ANY, FALSE, NULL},
    {"|", NULL, "- m:text? n:text?", "- n:int?", "SHIFT_JIS", TRUE, TRUE, CONF_LINE_END_ANY, FALSE, NULL},
    {"a", NULL, "D m:text?", NULL, "ISO-8859-1", FALSE, FALSE, CONF_LINE_END_ANY, FALSE, NULL},
    {"", "H p:text@3 d:date=%Y%m%d@8", "D m:text?@4 n:int@3>0 a:dec=2?@5>0~^", "T n:int@2#count s:int?@4#sum=n", "GBK",
     FALSE, FALSE, CONF_LINE_END_ANY, TRUE, NULL},
    {"", "H p:text@9", "D m:text?@4> n:int@5>^", "T n:int@2>0#count s:int?@7>#sum=n", "GB18030", FALSE, FALSE,
     CONF_LINE_END_NONE, TRUE, NULL},
    {"", "- p:text?@4", "- m:text?@4", "- n:int@4>0#count", NULL, FALSE, TRUE, CONF_LINE_END_NONE, TRUE, NULL},
    {"", NULL, "D m:text?@4 n:int@2", "T n:int@2#count/E s:int?@4#sum=n/E", NULL, FALSE, FALSE, CONF_LINE_END_CRLF,
     TRUE, "E n:int@2>0 o:text?@3 d:date?@8>0"},
    {"|", "H p:text", "D m:text? n:int", "T n:int#count/EE s:int?#sum=n/EE t:int?#sum=n", "GBK", TRUE, FALSE,
     CONF_LINE_END_ANY, FALSE, "EE n:int o:text?"},
    {"", NULL, "D m:text?@4 n:int@3^", "T n:int@2#count s:int@5#sum=n", "IBM037", FALSE, FALSE, CONF_LINE_END_NONE,
     TRUE, NULL},
    {",", "H p:text", "D m:text? n:int$c=D c:enum=C/D", "T n:int?#all-lines s:int?#gross=n", NULL, TRUE, FALSE,
     CONF_LINE_END_ANY, FALSE, NULL, TRUE},
    {",", "- p:text? q:text?", "- m:text? n:int?", "- n:int#lines o:text?", NULL, FALSE, TRUE, CONF_LINE_END_ANY, FALSE,
     NULL, TRUE},
    {"", "- p:text?@4", "- m:text?@4", "- n:int@4>0#count", NULL, FALSE, TRUE, CONF_LINE_END_NONE, TRUE, NULL, TRUE},
    {"|", "H d:date=%-d.%-m.%y;first=1970?",
     "D d:date=%m%d;from=d? e:time=%m%d%H%M;from=arrival;24;zone=Europe/Berlin?",
     "T d:date=%E%-Y.%m.%d;years=4", NULL, FALSE, FALSE, CONF_LINE_END_ANY, FALSE,
     "E d:date=%j;from=d? e:time=%Y%j%H%M;years=1?"},
    {"|", "H p:text?", "D m:text? n:int?", "T n:int?#count/B s:int?#sum=n", NULL, FALSE, FALSE, CONF_LINE_END_ANY,
     FALSE, NULL, TRUE, DELIMITED_GROUPS},
    {",", NULL, "D m:text? n:int?", "T n:int?#lines", "GBK", TRUE, FALSE, CONF_LINE_END_ANY, FALSE,
     "E n:int o:text?", FALSE, DELIMITED_GROUPS},
    {"", NULL, "D m:text?@4 n:int@3>0", "T n:int@3>0#count/C+D s:int@4>0#sum=n", "GBK", FALSE, FALSE,
     CONF_LINE_END_NONE, TRUE, NULL, FALSE, FIXED_GROUPS},
    {.delimiter = "*", .header = "I p:text?", .record = "C m:text? n:int?", .trailer = "E n:int#count s:int?#sum=n",
     .terminator = "~", .is_open = TRUE},
    {.delimiter = "|", .header = "H p:text?", .record = "D|A m:text? n:int?", .second = "D|B m:text? o:int?",
     .trailer = "T n:int#count", .terminator = "@!", .tag_at = "2 4", .passes = TRUE},
    {.delimiter = ",", .header = "H p:text?", .record = "D m:text? n:int?", .trailer = "T n:int#count/B s:int?#sum=n",
     .charset = "GB18030", .is_quoted = TRUE, .tag_at = "2", .groups = DELIMITED_GROUPS, .is_open = TRUE},
    {.delimiter = "", .record = "3A p:text?@1 m:text?@2 n:int?@2>0",
     .second = "3B p:text?@1 m:text?@2 o:text?@2", .trailer = "9 p:text?@1 n:int@2>0#count x:text?@3",
     .is_fixed = TRUE, .charset = "GBK", .tag_at = "2 5", .is_open = TRUE,
     .terminator = "'"},
    {.delimiter = "|", .header = "H p:text", .record = "- m:text? n:int", .second = "X m:text? o:int?",
     .trailer = "T n:int#count", .untagged = TRUE, .passes = TRUE},
    {.delimiter = ":", .header = "H p:text?", .record = ":6 n:int c:enum=C/D m:text?", .second = "- o:text?",
     .trailer = ":7 s:int#sum=n", .tag_at = "1 2", .untagged = TRUE, .split = "(\\d+)([CD])(?:/(.*))?"},
    {.delimiter = ",", .header = "- a:text b:text c:text", .record = "- m:text? n:int o:text?", .charset = "GB18030",
     .is_quoted = TRUE, .by_position = TRUE, .by_name = TRUE, .passes = TRUE},
    {.delimiter = ",", .header = "H p:text", .record = "D m:text=3? n:int?", .trailer = "T n:int?#count s:int?#net=n",
     .prefix = "`"},
    {.delimiter = "", .record = "D m:text?@2 n:int@2>0", .trailer = "T n:int@2>0#count s:int@3>0#net=n",
     .is_fixed = TRUE, .charset = "GBK", .gap = 2},
    {.delimiter = "", .record = "D m:text?@6 n:int?@2P", .trailer = "T n:int@2B#count x:text?@6", .is_fixed = TRUE,
     .charset = "IBM1388", .line_end = CONF_LINE_END_NONE},
    {.delimiter = "", .record = "D m:text?@4 n:int?@3P b:int@2BU",
     .trailer = "T n:int@2B#count s:int?@4P#sum=n x:text?@3",
     .is_fixed = TRUE, .charset = "IBM273", .line_end = CONF_LINE_END_NONE},
    {.delimiter = "", .header = "H d:date=%Y%m%d?@5P z:int?@2Z",
     .record = "D k:text?=4@3P a:dec=2?@4B n:int?@3P x:text?@2X", .second = "E o:text?@3",
     .trailer = "T n:int@2B#count s:int?@3PU#net=n", .is_fixed = TRUE, .is_open = TRUE,
     .line_end = CONF_LINE_END_NONE, .descriptor = CONF_DESCRIPTOR_RDW},
    {.delimiter = "", .record = "D m:text?@4 n:int?@3^", .trailer = "T n:int@3>0#count", .charset = "IBM1047",
     .is_fixed = TRUE, .line_end = CONF_LINE_END_NONE, .groups = FIXED_GROUPS, .descriptor = CONF_DESCRIPTOR_BDW},
    {.delimiter = "", .record = "- m:text?@2 n:int@2P", .trailer = "- n:int?@2P#count", .by_position = TRUE,
     .is_fixed = TRUE, .line_end = CONF_LINE_END_NONE, .descriptor = CONF_DESCRIPTOR_LENGTH},
    {.delimiter = "|", .record = "D m:text? n:int? a:dec=2?", .trailer = "T n:int#count s:dec=2?#sum=a t:int?#net=n",
     .forms = 1u << CONF_NUMBER_PLUS | 1u << CONF_NUMBER_TRAILING_SIGN | 1u << CONF_NUMBER_TRIM |
              1u << CONF_NUMBER_BARE_POINT, .key = "m n"},
    {.delimiter = ";", .header = "H d:date", .record = "D m:text? n:int a:dec=3", .second = "E m:text? a:dec=3?",
     .trailer = "T s:dec=3#gross=a", .charset = "GBK", .groups = DELIMITED_GROUPS,
     .forms = 1u << CONF_NUMBER_PARENTHESES | 1u << CONF_NUMBER_EXACT | 1u << CONF_NUMBER_TRIM, .key = "y m n"},
    {.delimiter = "", .record = "D m:text?@4 n:int@5>", .trailer = "T n:int@2>0#count/C+D s:int@6>#sum=n",
     .is_fixed = TRUE, .groups = FIXED_GROUPS, .forms = 1u << CONF_NUMBER_PLUS | 1u << CONF_NUMBER_TRIM, .key = "o m"},
};

static void set_forms(const ConfLine *line, const Kind *kind) {
  for (guint i = 0; kind->forms && line->fields && i < line->fields->len; i++) {
    ConfField *field = line->fields->pdata[i];
    if (field->type != CONF_INTEGER && field->type != CONF_DECIMAL)
      continue;
    field->number_forms = kind->forms;
    field->decimal_point = kind->is_fixed ? NULL : g_strdup(",");
    field->thousands = kind->is_fixed ? NULL : g_strdup(".");
  }
}

static void set_key(Layout *layout, const Kind *kind) {
  ConfFeed feed = {.key = (char *)(gsize)CONF_KEY_COLUMN, .key_fields = g_strsplit(kind->key, " ", -1)};
  GError *error = NULL;
  g_assert_true(layout_set_key(layout, &feed, &error));
  g_strfreev(feed.key_fields);
}

static const char *const BEGINNINGS[] = {"#", "99", NULL};

static Layout *layout_of(const Kind *kind) {
  GError *error = NULL;
  ConfLayout *conf = layouts_conf(kind->delimiter, kind->header, kind->record, kind->trailer);
  conf->charset = g_strdup(kind->charset);
  conf->quote = kind->is_quoted ? CONF_QUOTE_RFC4180 : CONF_QUOTE_NONE;
  conf->lines_by = kind->by_position ? CONF_LINES_BY_POSITION : CONF_LINES_BY_TAG;
  *(int *)(void *)&conf->line_end = kind->line_end;
  conf->descriptor = kind->descriptor;
  conf->line_limit = 60;
  conf->kind = kind->is_fixed ? CONF_LAYOUT_FIXED : CONF_LAYOUT_DELIMITED;
  if (kind->passes)
    conf->pass_over = (ConfPassOver){
        .present = TRUE, .beginning = (char **)(gsize)BEGINNINGS, .blank = TRUE, .ctrl_z = TRUE};
  if (kind->second)
    layouts_record(conf, kind->second);
  conf->terminator = g_strdup(kind->terminator);
  conf->tag_at = kind->tag_at ? g_strsplit(kind->tag_at, " ", -1) : NULL;
  conf->untagged = kind->untagged;
  conf->record.split = (char *)(gsize)kind->split;
  conf->value_prefix = (char *)(gsize)kind->prefix;
  conf->columns_by = kind->by_name ? CONF_COLUMNS_BY_NAME : CONF_COLUMNS_BY_ORDER;
  ((ConfField *)conf->record.fields->pdata[0])->gap = kind->gap;
  if (kind->gap > 0 || kind->prefix)
    ((ConfField *)conf->record.fields->pdata[1])->below_zero = TRUE;
  conf->header.open = conf->record.open = conf->trailer.open =
      kind->is_open ? 1u << CONF_OPEN_FEWER | 1u << CONF_OPEN_MORE : 0;
  for (guint g = 0; kind->groups && g < 2; g++)
    layouts_group(conf, g == 0 ? "outer" : "inner", kind->groups[2 * g], kind->groups[2 * g + 1]);
  if (kind->groups) {
    layouts_beside(&conf->addenda, kind->groups[4]);
    layouts_beside(&conf->remarks, kind->groups[5]);
  }
  if (kind->groups && !kind->is_fixed && !kind->is_quoted)
    conf->end_mark = g_strdup("/");
  if (kind == &KINDS[6]) /* a sum needs a number */
    ((ConfField *)conf->record.fields->pdata[0])->type = CONF_INTEGER;
  set_forms(&conf->record, kind);
  set_forms(&conf->trailer, kind);
  Layout *layout = layout_new(conf, &error);
  g_assert_no_error(error);
  if (kind->key)
    set_key(layout, kind);
  return layout; /* lives as long as the fuzzer, and the configuration with it */
}

/* Behind the last one, a line break alone is no line. */
static guint64 marks(const char *terminator, const guint8 *text, gsize size) {
  if (size == 0)
    return 0;
  const guint8 *at = text, *end = text + size;
  gsize length = strlen(terminator);
  guint64 lines = 0;
  for (const guint8 *mark; at < end && (mark = memmem(at, (gsize)(end - at), terminator, length)); lines++) {
    at = mark + length;
    if (at < end && *at == '\r')
      at += end - at > 1 && at[1] == '\n' ? 2 : 1;
    else if (at < end && *at == '\n')
      at++;
  }
  return lines + (at < end);
}

static guint64 line_ends(const Layout *layout, const guint8 *text, gsize size) {
  if (layout_conf(layout)->terminator)
    return marks(layout_conf(layout)->terminator, text, size);
  guint8 terminator = layout_conf(layout)->line_end == CONF_LINE_END_CR ? '\r' : '\n';
  guint64 lines = size > 0 && text[size - 1] != terminator;
  for (gsize i = 0; i < size; i++)
    lines += text[i] == terminator;
  return lines;
}

/* Lines without ends, counted off; behind the mark, if there is one. */
static guint64 counted_off(const guint8 *text, gsize size, gsize stride, gboolean is_gb18030, gboolean is_utf8) {
  gsize mark = is_gb18030 && size >= 4 && memcmp(text, "\204\061\225\063", 4) == 0 ? 4
               : is_utf8 && size >= 3 && memcmp(text, "\357\273\277", 3) == 0      ? 3
                                                                                   : 0;
  return (size - mark + stride - 1) / stride;
}

/* By the words before them; what stands behind a wrong one is one line. */
static guint64 described(ConfDescriptor descriptor, const guint8 *text, gsize size) {
  guint64 lines = 0;
  gsize block = 0, own = descriptor == CONF_DESCRIPTOR_LENGTH ? 4 : 0;
  for (gsize at = 0; at < size; lines++) {
    gboolean is_new = descriptor == CONF_DESCRIPTOR_BDW && at >= block;
    for (guint word = is_new ? 0 : 1; word < 2; word++) {
      gsize end = word == 0 || descriptor != CONF_DESCRIPTOR_BDW ? size : block, left = end - at;
      gsize n = left >= 4 ? (gsize)text[at] << 8 | text[at + 1] : 0;
      if (left < 4 || text[at] > 0x7f || text[at + 2] || text[at + 3] || n + own > left)
        return lines + 1;
      if (n + own < (word == 0 ? 8 : 4))
        return lines + 1;
      block = word == 0 ? at + n : block;
      at += word == 0 ? 4 : n + own;
    }
  }
  return lines;
}

static gsize stride_of(const ConfLayout *conf) {
  gsize stride = conf->lines_by == CONF_LINES_BY_TAG ? 1 : 0;
  for (guint i = 0; i < conf->record.fields->len; i++)
    stride += ((const ConfField *)conf->record.fields->pdata[i])->bytes;
  return stride;
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
  /* 'd' is the first: the seeds' letters */
  guint which = (data[0] + (G_N_ELEMENTS(KINDS) - 'd' % G_N_ELEMENTS(KINDS))) % G_N_ELEMENTS(KINDS);
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
  const ConfLayout *conf = layout_conf(layouts[which]);
  guint64 told = g_ascii_strtoull(strrchr(whole, '=') + 2, NULL, 10);
  if (conf->descriptor != CONF_DESCRIPTOR_NONE)
    g_assert_cmpuint(told, ==, described(conf->descriptor, text, length));
  else if (conf->line_end == CONF_LINE_END_NONE)
    g_assert_cmpuint(
        told, ==, counted_off(text, length, stride_of(conf), g_strcmp0(conf->charset, "GB18030") == 0, !conf->charset));
  else if (!is_mark_alone(text, length))
    g_assert_cmpuint(told, ==, line_ends(layouts[which], text, length));
  return 0;
}
