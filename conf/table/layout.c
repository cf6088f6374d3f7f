/* Layouts: how a partner writes records as lines. Fields are in field.c, what lines must agree in, in check/lines.c. */
#include "conf/check/lines.h"
#include "conf/read/value.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

#define FIELDS_LIMIT 500 /* of one line */
#define RECORDS_LIMIT 50 /* kinds of record in one layout; of addenda and of remarks, too */
#define GROUPS_LIMIT 4
#define TAG_AT_FIELD_MOST 50
#define TAG_AT_BYTE_MOST 4096
#define LINE_LIMIT_MOST (1024 * 1024)

/* --- Lines. */

static void read_tag(const Section *section, const Row *row, gpointer at) {
  (void)row;
  const char *tag = section->node->title;
  if (!tag || *tag == '\0')
    return;
  *(char **)at = g_strdup(tag);
  if (!value_is_text(tag))
    section_error(section, NULL, "the tag must be text");
}

static void check_field_count(const Section *section, gpointer into) {
  (void)into;
  guint count = section_count(section, "field");
  if (count == 0 && !section->node->damaged)
    section_error(section, NULL, "this %s has no fields", section->node->name);
  if (count > FIELDS_LIMIT)
    section_error(section, NULL, "this %s has %u fields; %d are the most", section->node->name, count, FIELDS_LIMIT);
}

/* Of lines that are counted off, one of another length moves all others. */
static void check_open(const Section *section, gpointer into) {
  const Section *around = section->outer;
  const ConfLayout *layout = strcmp(around->node->name, "group") == 0 ? around->outer->into : around->into;
  if (((ConfLine *)into)->open && layout->kind == CONF_LAYOUT_FIXED && layout->line_end == CONF_LINE_END_NONE &&
      layout->descriptor == CONF_DESCRIPTOR_NONE)
    section_error(section, "open", "'open': without line ends, all lines have their one length");
}

static void check_names(const Section *section, gpointer into) {
  lines_check_field_names(section, into);
}

static const Kind kind_tag = {.store = STORE_TEXT, .read = read_tag};
static const Row line_rows[] = {
    WHERE(ConfLine),
    PRESENT(ConfLine),
    {MEMBER(ConfLine, tag), .kind = &kind_tag},
    ROW(ConfLine, "open", open, words, .words = WORDS(CONF_OPENS)),
    CHECK(check_open),
    ROW(ConfLine, "split", split, text),
    CHECK(check_field_count),
    SECTIONS(ConfLine, "field", fields, table_field, .most = FIELDS_LIMIT),
    CHECK(check_names),
    ROWS_END,
};
static const Table table_line = TABLE(ConfLine, line_rows);

/* --- Groups. */

static void read_group_name(const Section *section, const Row *row, gpointer at) {
  (void)row;
  const char *name = section->node->title;
  *(char **)at = g_strdup(name ? name : "");
  if (!value_is_field(name ? name : ""))
    section_error(section, NULL,
                  "a group's name must be 1 to 64 letters, digits or _, not beginning with a digit: rules use it as "
                  "the column of where the group begins");
}

static void check_group(const Section *section, gpointer into) {
  if (!((ConfGroup *)into)->header.present && !section->node->damaged)
    section_error(section, NULL, "group \"%s\" has no header { … }: nothing says where it begins",
                  ((ConfGroup *)into)->name);
}

static const Kind kind_group_name = {.store = STORE_TEXT, .read = read_group_name};
static const Row group_rows[] = {
    WHERE(ConfGroup),
    {MEMBER(ConfGroup, name), .kind = &kind_group_name},
    SECTION(ConfGroup, "header", header, table_line, .title = TITLE_OPTIONAL),
    SECTION(ConfGroup, "trailer", trailer, table_line, .title = TITLE_OPTIONAL),
    CHECK(check_group),
    ROWS_END,
};
static const Table table_group = TABLE(ConfGroup, group_rows);

/* --- Lines to pass over. */

static void check_pass_over(const Section *section, gpointer into) {
  const ConfPassOver *over = into;
  if (!over->beginning && !over->blank && !over->ctrl_z && !section->node->damaged)
    section_error(section, NULL, "pass-over says no line: 'beginning', 'blank' or 'ctrl-z'");
}

static const Row pass_over_rows[] = {
    WHERE(ConfPassOver),
    PRESENT(ConfPassOver),
    ROW(ConfPassOver, "beginning", beginning, list, .most = 50),
    ROW(ConfPassOver, "blank", blank, yes),
    ROW(ConfPassOver, "ctrl-z", ctrl_z, yes),
    CHECK(check_pass_over),
    ROWS_END,
};
static const Table table_pass_over = TABLE(ConfPassOver, pass_over_rows);

/* --- The layout. */

static void check_quote(const Section *section, gpointer into) {
  const ConfLayout *layout = into;
  if (layout->kind != CONF_LAYOUT_FIXED)
    section_require(section, "delimiter", "what stands between two fields");
  if (layout->quote == CONF_QUOTE_RFC4180 && layout->delimiter && strchr(layout->delimiter, '"'))
    section_error(section, "delimiter", "'delimiter' holds the quote of quote = rfc4180");
}

static void check_line_end(const Section *section, gpointer into) {
  const ConfLayout *layout = into;
  if (layout->line_end == CONF_LINE_END_NONE && layout->kind != CONF_LAYOUT_FIXED)
    section_error(section, "line-end",
                  "'line-end': without line ends, lines are known by their length: that is for type = fixed");
}

static void check_descriptor(const Section *section, gpointer into) {
  const ConfLayout *layout = into;
  if (layout->descriptor == CONF_DESCRIPTOR_NONE || layout->kind != CONF_LAYOUT_FIXED)
    return;
  if (layout->line_end != CONF_LINE_END_NONE)
    section_error(section, "descriptor",
                  "'descriptor': a word before each line says where it ends, so write line-end = none");
  if (section_count(section, "pass-over") > 0)
    section_error(section, "descriptor",
                  "'descriptor': lines to pass over are lines of text; name those of these files by their tag, as a "
                  "remark { … }");
}

static void check_terminator(const Section *section, gpointer into) {
  const ConfLayout *layout = into;
  const char *bytes = layout->terminator;
  if (!bytes)
    return;
  if (section_has(section, "line-end"))
    section_error(section, "terminator", "'terminator' stands in place of 'line-end': write one of them");
  gboolean is_value = FALSE;
  for (const char *at = bytes; *at; at++)
    is_value = is_value || g_ascii_isalnum(*at) || *at == ' ' || *at == '.';
  if (strlen(bytes) > 2 || is_value)
    section_error(section, "terminator",
                  "'terminator' must be one or two bytes that values do not have: no letters, digits, blanks or "
                  "points");
  else if (layout->quote == CONF_QUOTE_RFC4180 || (layout->delimiter && strpbrk(layout->delimiter, bytes)))
    section_error(section, "terminator", "'terminator' holds a byte of the delimiter, or values are quoted");
}

static void check_untagged(const Section *section, gpointer into) {
  section_only_with(section, "untagged", ((ConfLayout *)into)->lines_by == CONF_LINES_BY_TAG, "lines-by = tag");
}

static void check_tag_at(const Section *section, gpointer into) {
  const ConfLayout *layout = into;
  gboolean is_fixed = layout->kind == CONF_LAYOUT_FIXED;
  guint behind = 0;
  ConfTagPlace place;
  if (layout->tag_at && (layout->lines_by == CONF_LINES_BY_POSITION || layout->tag_bytes > 0))
    section_error(section, "tag-at", "'tag-at' is for lines-by = tag, and takes the place of tag-bytes");
  for (char **text = layout->tag_at; text && *text; text++) {
    gboolean is_place = conf_tag_place(*text, &place);
    if (!is_place || place.at <= behind ||
        place.at + place.width - 1 > (is_fixed ? TAG_AT_BYTE_MOST : TAG_AT_FIELD_MOST) ||
        (place.width > 1 && !is_fixed)) {
      section_error(section, "tag-at",
                    "'tag-at': \"%s\" is no place behind the one before: write the number of a field, or of fixed "
                    "lines of a byte, as \"8\" or \"14-15\"",
                    *text);
      return;
    }
    behind = place.at + place.width - 1;
  }
}

static void check_end_mark(const Section *section, gpointer into) {
  const ConfLayout *layout = into;
  if (!layout->end_mark)
    return;
  if (!g_str_is_ascii(layout->end_mark) || strlen(layout->end_mark) > 2)
    section_error(section, "end-mark", "'end-mark' must be one or two characters of ASCII");
  else if (layout->quote == CONF_QUOTE_RFC4180 || (layout->delimiter && strpbrk(layout->delimiter, layout->end_mark)))
    section_error(section, "end-mark", "'end-mark' holds the delimiter, or values are quoted");
}

static void check_value_prefix(const Section *section, gpointer into) {
  const ConfLayout *layout = into;
  const char *prefix = layout->value_prefix;
  gboolean is_short = prefix && g_str_is_ascii(prefix) && strlen(prefix) <= 2;
  if (prefix && (!is_short || (layout->delimiter && strpbrk(prefix, layout->delimiter))))
    section_error(section, "value-prefix",
                  "'value-prefix' must be one or two characters of ASCII, and none of the delimiter's");
}

static void check_tag_bytes(const Section *section, gpointer into) {
  section_only_with(section, "tag-bytes", ((ConfLayout *)into)->lines_by == CONF_LINES_BY_TAG, "lines-by = tag");
}

static void check_counts(const Section *section, gpointer into) {
  static const struct {
    const char *name, *shown;
    guint most;
  } limits[] = {{"record", "kinds of record", RECORDS_LIMIT},
                {"addendum", "kinds of addendum", RECORDS_LIMIT},
                {"remark", "kinds of remark", RECORDS_LIMIT},
                {"group", "groups", GROUPS_LIMIT}};
  for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
    guint count = section_count(section, limits[i].name);
    if (count > limits[i].most)
      section_error(section, NULL, "layout \"%s\" has %u %s; %u are the most", ((ConfLayout *)into)->name, count,
                    limits[i].shown, limits[i].most);
  }
}

static void read_records(const Section *section, const Row *row, gpointer at) {
  guint errors = section->report->errors;
  kind_sections.read(section, row, at);
  lines_join_records(section, section->into, &table_field, section->report->errors == errors);
}

static void check_lines(const Section *section, gpointer into) {
  lines_check(section, into);
}

static const Kind kind_records = {.store = STORE_STRUCTS, .is_section = TRUE, .repeats = TRUE, .read = read_records};

#define OF_KIND(of, word) .only_with = "type = " word, .with = offsetof(ConfLayout, kind), .with_values = 1u << (of)
static const Row rows[] = {
    WHERE(ConfLayout),
    TITLE(ConfLayout),
    ROW(ConfLayout, "type", kind, choice, .words = WORDS(CONF_LAYOUT_KINDS), .otherwise = CONF_LAYOUT_DELIMITED),
    ROW(ConfLayout, "delimiter", delimiter, delimiter, OF_KIND(CONF_LAYOUT_DELIMITED, "delimited")),
    ROW(ConfLayout, "quote", quote, choice, .words = WORDS(CONF_QUOTES), .otherwise = CONF_QUOTE_NONE,
        OF_KIND(CONF_LAYOUT_DELIMITED, "delimited")),
    ROW(ConfLayout, "tag-bytes", tag_bytes, number, .otherwise = 0, .least = 1, .most = 256,
        OF_KIND(CONF_LAYOUT_FIXED, "fixed")),
    CHECK(check_quote),
    ROW(ConfLayout, "charset", charset, charset, .text = "UTF-8"),
    ROW(ConfLayout, "lines-by", lines_by, choice, .words = WORDS(CONF_LINES_BYS), .otherwise = CONF_LINES_BY_TAG),
    CHECK(check_tag_bytes),
    ROW(ConfLayout, "tag-at", tag_at, list, .most = 8),
    CHECK(check_tag_at),
    ROW(ConfLayout, "untagged", untagged, yes),
    CHECK(check_untagged),
    ROW(ConfLayout, "columns-by", columns_by, choice, .words = WORDS(CONF_COLUMNS_BYS),
        .otherwise = CONF_COLUMNS_BY_ORDER, OF_KIND(CONF_LAYOUT_DELIMITED, "delimited")),
    ROW(ConfLayout, "line-end", line_end, choice, .words = WORDS(CONF_LINE_ENDS), .otherwise = CONF_LINE_END_ANY),
    ROW(ConfLayout, "descriptor", descriptor, choice, .words = WORDS(CONF_DESCRIPTORS),
        .otherwise = CONF_DESCRIPTOR_NONE, OF_KIND(CONF_LAYOUT_FIXED, "fixed")),
    CHECK(check_descriptor),
    ROW(ConfLayout, "terminator", terminator, raw),
    CHECK(check_terminator),
    CHECK(check_line_end),
    ROW(ConfLayout, "value-prefix", value_prefix, text, OF_KIND(CONF_LAYOUT_DELIMITED, "delimited")),
    CHECK(check_value_prefix),
    ROW(ConfLayout, "end-mark", end_mark, text, OF_KIND(CONF_LAYOUT_DELIMITED, "delimited")),
    CHECK(check_end_mark),
    ROW(ConfLayout, "last-line-end", last_line_end, choice, .words = WORDS(CONF_LAST_LINE_ENDS),
        .otherwise = CONF_LAST_LINE_END_REQUIRED, OF_KIND(CONF_LAYOUT_DELIMITED, "delimited")),
    ROW(ConfLayout, "line-limit", line_limit, size, .otherwise = 16384, .least = 64, .most = LINE_LIMIT_MOST),
    SECTION(ConfLayout, "pass-over", pass_over, table_pass_over),
    SECTION(ConfLayout, "header", header, table_line, .title = TITLE_OPTIONAL),
    SECTIONS(ConfLayout, "group", groups, table_group, .most = GROUPS_LIMIT),
    SECTIONS(ConfLayout, "addendum", addenda, table_line, .most = RECORDS_LIMIT),
    SECTIONS(ConfLayout, "remark", remarks, table_line, .most = RECORDS_LIMIT),
    CHECK(check_counts),
    ROW(ConfLayout, "record", records, records, .inner = &table_line, .title = TITLE_OPTIONAL, .most = RECORDS_LIMIT,
        .needed = "what a line of data holds"),
    KEPT(ConfLayout, record, struct, .inner = &table_line),
    SECTION(ConfLayout, "trailer", trailer, table_line, .title = TITLE_OPTIONAL),
    CHECK(check_lines),
    ROWS_END,
};
const Table table_layout = TABLE(ConfLayout, rows);
