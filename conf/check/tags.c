/* How the lines of a layout are told apart: by their tags, wherever these stand, or by having none. */
#include "conf/check/lines.h"
#include <string.h>

/* Delimited: parts with the delimiter between; fixed: as many whole places as it has bytes for. */
static void check_parts(const Section *section, const ConfLayout *layout, const ConfLine *line) {
  guint places = g_strv_length(layout->tag_at);
  if (layout->kind == CONF_LAYOUT_DELIMITED) {
    g_auto(GStrv) parts = g_strsplit(line->tag, layout->delimiter ? layout->delimiter : "", -1);
    if (layout->delimiter && g_strv_length(parts) > places)
      conf_report_error(section->report, line->where, "the tag \"%s\" has more parts than tag-at has places",
                        line->tag);
    return;
  }
  gsize length = strlen(line->tag), covered = 0;
  ConfTagPlace place;
  for (guint i = 0; i < places && covered < length; i++)
    covered += conf_tag_place(layout->tag_at[i], &place) ? place.width : length;
  if (covered != length)
    conf_report_error(section->report, line->where,
                      "the tag \"%s\" does not fill the places of tag-at: it has the bytes of the first one, or of the "
                      "first two, and so on",
                      line->tag);
}

static void check_no_tag(const Section *section, const ConfLayout *layout, const ConfLine *line) {
  gboolean may_have_none = layout->untagged && line != &layout->header && line != &layout->trailer;
  for (guint g = 0; g < layout->groups->len; g++) {
    const ConfGroup *group = layout->groups->pdata[g];
    may_have_none = may_have_none && line != &group->header && line != &group->trailer;
  }
  if (layout->lines_by == CONF_LINES_BY_TAG && !may_have_none)
    conf_report_error(section->report, line->where,
                      "lines are told apart by their tag, and this one has none: write it behind the name, as record "
                      "\"D\" { … }, or set lines-by = position");
}

static void check_tag(const Section *section, const ConfLayout *layout, const ConfLine *line) {
  if (!line->tag) {
    check_no_tag(section, layout, line);
    return;
  }
  if (layout->lines_by == CONF_LINES_BY_POSITION)
    conf_report_warning(section->report, line->where,
                        "the tag is not looked at with lines-by = position; where the lines do begin with it, it needs "
                        "a field of its own");
  if (layout->tag_at)
    check_parts(section, layout, line);
  else if (layout->delimiter && strstr(line->tag, layout->delimiter))
    conf_report_error(section->report, line->where, "the tag holds the delimiter");
  if (layout->tag_bytes != 0 && strlen(line->tag) > layout->tag_bytes)
    conf_report_error(section->report, line->where, "the tag \"%s\" is longer than tag-bytes (%u)", line->tag,
                      layout->tag_bytes);
}

/* A line that nothing tells from another one cannot be kept apart from it. */
static void check_untagged(const Section *section, const ConfLayout *layout, const GPtrArray *lines) {
  guint without = 0;
  for (guint i = 0; i < lines->len; i++)
    without += ((const ConfLine *)lines->pdata[i])->tag ? 0 : 1;
  if (layout->untagged && layout->lines_by == CONF_LINES_BY_TAG && (without != 1 || lines->len < 2))
    section_error(section, "untagged",
                  "'untagged': one kind of record, addendum or remark has no tag, and all other lines have theirs; "
                  "here %u of %u lines have none",
                  without, lines->len);
}

static void check_open(const Section *section, const ConfLayout *layout, const ConfLine *line) {
  if (!(line->open & 1u << CONF_OPEN_FEWER) || line->fields->len == 0)
    return;
  const ConfField *last = line->fields->pdata[line->fields->len - 1];
  if (layout->kind == CONF_LAYOUT_DELIMITED && !last->optional)
    conf_report_error(section->report, line->where,
                      "'open' = fewer: the last field, \"%s\", is not optional, so none can be missing", last->name);
}

gboolean tags_stand_first(const ConfLayout *layout) {
  ConfTagPlace place;
  guint next = 1;
  for (guint i = 0; layout->tag_at && layout->tag_at[i]; i++, next += place.width)
    if (!conf_tag_place(layout->tag_at[i], &place) || place.at != next)
      return FALSE;
  return TRUE;
}

static void check_split(const Section *section, const ConfLayout *layout, const ConfLine *line) {
  if (!line->split)
    return;
  g_autoptr(GError) error = NULL;
  g_autofree char *to_its_end = conf_split_whole(line->split);
  g_autoptr(GRegex) pattern = g_regex_new(line->split, 0, 0, &error);
  g_autoptr(GRegex) whole = g_regex_new(to_its_end, 0, 0, NULL);
  if (layout->kind != CONF_LAYOUT_DELIMITED || layout->quote != CONF_QUOTE_NONE || layout->value_prefix ||
      !tags_stand_first(layout))
    conf_report_error(section->report, line->where,
                      "'split' is for delimited lines without quotes and prefixes, whose tags stand first");
  else if (!pattern)
    conf_report_error(section->report, line->where, "'split' is no pattern: %s", error->message);
  else if (!whole)
    conf_report_error(section->report, line->where,
                      "'split' has a comment or a \\Q at its end, which would go on with what stands behind the "
                      "pattern: close it");
  else if ((guint)g_regex_get_capture_count(pattern) != line->fields->len)
    conf_report_error(section->report, line->where, "'split' has %d groups in brackets, and the line has %u fields",
                      g_regex_get_capture_count(pattern), line->fields->len);
}

/* Of fixed lines a shorter tag has blanks behind it. */
static gboolean is_same_tag(const ConfLayout *layout, const char *a, const char *b) {
  gboolean is_padded = layout->kind == CONF_LAYOUT_FIXED && !layout->tag_at;
  gsize lengths[] = {strlen(a), strlen(b)};
  const char *const tags[] = {a, b};
  for (guint i = 0; i < G_N_ELEMENTS(tags); i++)
    while (is_padded && lengths[i] > 0 && tags[i][lengths[i] - 1] == ' ')
      lengths[i]--;
  return lengths[0] == lengths[1] && memcmp(a, b, lengths[0]) == 0;
}

void tags_check(const Section *section, const ConfLayout *layout) {
  g_autoptr(GPtrArray) lines = lines_all(layout);
  for (guint i = 0; i < lines->len; i++) {
    const ConfLine *line = lines->pdata[i];
    check_tag(section, layout, line);
    check_open(section, layout, line);
    check_split(section, layout, line);
    for (guint j = 0; j < i; j++)
      if (line->tag && ((const ConfLine *)lines->pdata[j])->tag &&
          is_same_tag(layout, ((const ConfLine *)lines->pdata[j])->tag, line->tag))
        conf_report_error(section->report, line->where, "the tag \"%s\" stands for two kinds of line", line->tag);
  }
  check_untagged(section, layout, lines);
  g_autoptr(GPtrArray) within = lines_within(layout, 0);
  if (layout->lines_by == CONF_LINES_BY_POSITION && within->len > 1)
    section_error(section, "lines-by",
                  "several kinds of record%s are told apart by their tags: lines-by = position knows one kind",
                  within->len > layout->records->len ? ", groups, addenda and remarks" : "");
}

/* Of the tag, in a fixed line: at the beginning, all tags have the same room. */
static guint64 tag_bytes(const ConfLayout *layout, const ConfLine *line) {
  guint64 length = layout->tag_bytes;
  if (!line->tag || layout->lines_by == CONF_LINES_BY_POSITION)
    return 0;
  if (layout->tag_at)
    return strlen(line->tag);
  g_autoptr(GPtrArray) lines = lines_all(layout);
  for (guint i = 0; i < lines->len && layout->tag_bytes == 0; i++) {
    const char *tag = ((const ConfLine *)lines->pdata[i])->tag;
    length = MAX(length, tag ? strlen(tag) : 0);
  }
  return length;
}

char *tags_beginning(const ConfLayout *layout, const ConfLine *line) {
  if (layout->kind == CONF_LAYOUT_DELIMITED)
    return g_strconcat(line->tag, layout->delimiter, NULL);
  return g_strdup_printf("%-*s", (int)tag_bytes(layout, line), line->tag);
}

guint64 tags_line_bytes(const ConfLayout *layout, const ConfLine *line) {
  guint64 length = tag_bytes(layout, line);
  for (guint i = 0; i < line->fields->len; i++)
    length += ((const ConfField *)line->fields->pdata[i])->bytes + ((const ConfField *)line->fields->pdata[i])->gap;
  return length;
}
