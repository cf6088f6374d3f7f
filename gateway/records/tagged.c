/* Lines whose tags do not simply begin them, recognised; and lines of more or fewer fields than the layout names. */
#include "gateway/records/parse.h"

static gboolean has_part(const Parse *parse, const TagPart *part) {
  if (parse->layout->is_fixed)
    return parse->line.length >= part->at + part->raw_length &&
           memcmp(parse->line.text + part->at, part->raw, part->raw_length) == 0;
  return part->at < parse->n_cells && parse->cells[part->at].length == part->length &&
         memcmp(parse->cells[part->at].at, part->text, part->length) == 0;
}

static gboolean has_tag(const Parse *parse, const Shape *shape) {
  for (guint i = 0; i < shape->n_parts; i++)
    if (!has_part(parse, &shape->parts[i]))
      return FALSE;
  return TRUE;
}

void parse_gather_tag(Parse *parse, const Shape *shape) {
  gsize kept = MIN(parse->n_cells, parse->layout->most_cells), n = 0;
  if (parse->layout->is_fixed || shape->n_parts == 0)
    return;
  for (gsize i = 0; i < kept; i++)
    if (tags_field_of_cell(shape, i) >= 0)
      parse->cells[n++] = parse->cells[i];
  memmove(parse->cells + 1, parse->cells, n * sizeof *parse->cells);
  parse->cells[0] = (Cell){(const guint8 *)shape->tag, shape->tag_length};
  parse->n_cells -= MIN(parse->n_cells, shape->n_parts);
  parse->n_cells++;
}

guint parse_recognise_otherwise(Parse *parse) {
  const Layout *layout = parse->layout;
  if (layout->conf->lines_by != CONF_LINES_BY_TAG)
    return parse_recognise_by_place(parse);
  for (guint i = 0; i < layout->n_tagged; i++) {
    const Shape *shape = &layout->shapes[layout->tagged[i]];
    if (!has_tag(parse, shape))
      continue;
    parse_gather_tag(parse, shape);
    return layout->tagged[i];
  }
  return layout->otherwise;
}

Cell parse_tag_of_none(const Parse *parse) {
  const Layout *layout = parse->layout;
  gsize at = layout->n_places > 0 ? layout->places[0].at : 0;
  if (!layout->is_fixed)
    return at < parse->n_cells ? parse->cells[at] : (Cell){(const guint8 *)"", 0};
  gsize width = layout->n_places > 0 ? layout->places[0].width : layout->tag_bytes;
  return at + width <= parse->line.length ? (Cell){parse->line.text + at, width} : (Cell){NULL, 0};
}

/* A pattern that takes too long is one that does not fit (PCRE2 counts), and so is one that accepts before the end. */
static gboolean split_cells(Parse *parse, const Shape *shape) {
  gsize tag = shape->tag ? 1 : 0;
  const guint8 *end = parse->text + parse->length, *at = parse->n_cells > tag ? parse->cells[tag].at : end;
  g_autoptr(GMatchInfo) match = NULL;
  gint stop = -1;
  if (!g_regex_match_full(shape->split, (const char *)at, end - at, 0, 0, &match, NULL) ||
      !g_match_info_fetch_pos(match, 0, NULL, &stop) || at + stop != end)
    return FALSE;
  for (guint i = 0; i < shape->n_fields; i++) {
    gint from = -1, to = -1;
    gboolean is_there = g_match_info_fetch_pos(match, (gint)i + 1, &from, &to) && from >= 0;
    parse->cells[tag + i] = is_there ? (Cell){at + from, (gsize)(to - from)} : (Cell){at, 0};
  }
  parse->n_cells = shape->n_cells;
  return TRUE;
}

char *parse_count_reason(const Parse *parse, const Shape *shape) {
  gsize tag = shape->tag ? 1 : 0;
  return shape->split ? g_strdup("what is behind the tag is not as the layout's 'split' has it")
                      : g_strdup_printf("%" G_GSIZE_FORMAT " fields, the layout has %u", parse->n_cells - tag,
                                        shape->n_fields);
}

gboolean parse_fit_cells(Parse *parse, const Shape *shape) {
  gsize wanted = shape->n_cells;
  if (shape->split)
    return split_cells(parse, shape);
  if (parse->n_cells > wanted && shape->open & 1u << CONF_OPEN_MORE)
    parse->n_cells = wanted;
  while (parse->n_cells < wanted && shape->open & 1u << CONF_OPEN_FEWER)
    parse->cells[parse->n_cells++] = (Cell){parse->text, 0};
  return parse->n_cells == wanted;
}
