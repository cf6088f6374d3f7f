/* Tags, compiled, and looked for in a line's bytes alone. They stand at its beginning, or in fields or bytes that the
 * layout names; and one kind of line may have none, which is what no other's tag fits. Of two tags that fit, the one
 * with more parts is meant. */
#include "gateway/records/cells_private.h"
#include <string.h>

/* --- Compiling */

static gboolean refuse(GError **error, const Shape *shape, const char *why) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the tag \"%s\" %s", shape->tag ? shape->tag : "",
                             why);
}

static guint8 *encode(const Layout *layout, const char *text, gsize length, gsize *n) {
  GByteArray *raw = g_byte_array_new();
  CharsetConverter *encoder = charset_encoder_new(layout->charset);
  gssize bad = encoder ? charset_convert(encoder, (const guint8 *)text, length, raw) : -1;
  if (!encoder)
    g_byte_array_append(raw, (const guint8 *)text, (guint)length);
  charset_converter_free(encoder);
  *n = raw->len;
  guint8 *bytes = g_byte_array_free(raw, FALSE);
  if (bad >= 0)
    g_clear_pointer(&bytes, g_free);
  return bad >= 0 ? NULL : bytes ? bytes : g_malloc0(1);
}

/* The tag as it stands in the file. */
static gboolean encode_tag(Layout *layout, Shape *shape, GError **error) {
  shape->raw_tag = encode(layout, shape->tag, shape->tag_length, &shape->raw_tag_length);
  if (!shape->raw_tag)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the tag \"%s\" cannot be expressed in %s",
                               shape->tag, layout->charset->name);
  if (layout->is_fixed && layout->conf->tag_bytes > 0 && shape->raw_tag_length > layout->conf->tag_bytes)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the tag \"%s\" does not fit into %u bytes",
                               shape->tag, layout->conf->tag_bytes);
  return TRUE;
}

static gboolean compile_places(Layout *layout, GError **error) {
  char **texts = layout->conf->tag_at;
  guint n = texts ? g_strv_length(texts) : 0;
  layout->places = g_new0(ConfTagPlace, n + 1);
  for (layout->n_places = 0; layout->n_places < n; layout->n_places++) {
    ConfTagPlace *place = &layout->places[layout->n_places];
    if (!conf_tag_place(texts[layout->n_places], place) ||
        (!layout->is_fixed && (place->width != 1 || place->at > LAYOUT_MOST_TAG_FIELD)))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "tag-at: \"%s\" is no place",
                                 texts[layout->n_places]);
    place->at--;
    layout->tag_bytes += layout->is_fixed ? place->width : 0;
    layout->most_cells = MAX(layout->most_cells, layout->is_fixed ? 0 : place->at + 1);
  }
  return TRUE;
}

static gboolean split_fixed(const Layout *layout, Shape *shape, GError **error) {
  gsize used = 0;
  for (guint i = 0; i < layout->n_places && used < shape->raw_tag_length; i++) {
    const ConfTagPlace *place = &layout->places[i];
    if (shape->raw_tag_length - used < place->width)
      return refuse(error, shape, "does not fill its places");
    shape->parts[shape->n_parts++] = (TagPart){.at = place->at,
                                               .raw = g_memdup2(shape->raw_tag + used, place->width),
                                               .raw_length = place->width};
    used += place->width;
  }
  return used == shape->raw_tag_length || refuse(error, shape, "has more bytes than its places");
}

static gboolean split_delimited(const Layout *layout, Shape *shape, GError **error) {
  g_auto(GStrv) texts = g_strsplit(shape->tag, (const char *)layout->delimiter, -1);
  for (char **text = texts; *text; text++) {
    if (shape->n_parts == layout->n_places)
      return refuse(error, shape, "has more parts than there are places");
    TagPart *part = &shape->parts[shape->n_parts++];
    *part = (TagPart){.at = layout->places[shape->n_parts - 1].at, .text = g_strdup(*text), .length = strlen(*text)};
    part->raw = encode(layout, part->text, part->length, &part->raw_length);
    if (!part->raw)
      return refuse(error, shape, "cannot be expressed in the layout's character set");
  }
  return TRUE;
}

static gboolean compile_tag(Layout *layout, Shape *shape, GError **error) {
  if (!shape->present)
    return TRUE;
  if (!shape->tag || !*shape->tag) {
    shape->tag = NULL;
    shape->tag_length = shape->raw_tag_length = TAG_OF_NONE;
    return layout->conf->untagged || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s",
                                                         "lines are told apart by tag, but one has none");
  }
  shape->tag_length = strlen(shape->tag);
  if (!encode_tag(layout, shape, error))
    return FALSE;
  shape->parts = g_new0(TagPart, layout->n_places + 1);
  if (layout->n_places > 0)
    return layout->is_fixed ? split_fixed(layout, shape, error) : split_delimited(layout, shape, error);
  if (layout->is_fixed)
    layout->tag_bytes = MAX(layout->tag_bytes, shape->raw_tag_length);
  return TRUE;
}

/* Fixed: all tags at the beginning take the same room. Shorter ones have blanks behind them. */
static void pad_tag(const Layout *layout, Shape *shape) {
  if (!layout->is_fixed || !shape->raw_tag || layout->n_places > 0)
    return;
  shape->raw_tag = g_realloc(shape->raw_tag, layout->tag_bytes);
  memset(shape->raw_tag + shape->raw_tag_length, layout->charset->blank, layout->tag_bytes - shape->raw_tag_length);
  shape->raw_tag_length = layout->tag_bytes;
}

static void add_tagged(Layout *layout, guint kind) {
  guint at = layout->n_tagged++;
  for (; at > 0 && layout->shapes[layout->tagged[at - 1]].n_parts < layout->shapes[kind].n_parts; at--)
    layout->tagged[at] = layout->tagged[at - 1];
  layout->tagged[at] = kind;
}

/* Which may have none, and that it is one kind, conf/ has checked. */
static gboolean order_tags(Layout *layout, GError **error) {
  layout->tagged = g_new0(guint, layout->n_shapes);
  layout->otherwise = layout->n_shapes;
  for (guint i = 0; i < layout->n_shapes; i++) {
    guint kind = (i + SHAPE_RECORD) % layout->n_shapes; /* header and trailer are rare */
    const Shape *shape = &layout->shapes[kind];
    if (!shape->present)
      continue;
    if (shape->tag)
      add_tagged(layout, kind);
    else if (layout->otherwise == layout->n_shapes && kind >= SHAPE_RECORD && layout_group_of(layout, kind) < 0)
      layout->otherwise = kind;
    else
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s",
                                 "only one kind of record, addendum or remark may have no tag");
  }
  return TRUE;
}

gboolean tags_compile(Layout *layout, GError **error) {
  layout->otherwise = layout->n_shapes;
  layout->is_plainly_tagged = layout->conf->lines_by == CONF_LINES_BY_TAG && !layout->conf->tag_at;
  layout->tag_bytes = layout->is_fixed && layout->is_plainly_tagged ? layout->conf->tag_bytes : 0;
  if (layout->conf->lines_by != CONF_LINES_BY_TAG)
    return TRUE;
  if (!compile_places(layout, error))
    return FALSE;
  for (guint i = 0; i < layout->n_shapes; i++)
    if (!compile_tag(layout, &layout->shapes[i], error))
      return FALSE;
  for (guint i = 0; i < layout->n_shapes; i++)
    pad_tag(layout, &layout->shapes[i]);
  return order_tags(layout, error);
}

gboolean tags_step_over(const Layout *layout, const Shape *shape, gsize from, gsize *offset, GError **error) {
  for (guint i = 0; i < shape->n_parts && layout->is_fixed; i++) {
    const TagPart *part = &shape->parts[i];
    if (part->at > from && part->at < *offset)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "it goes over byte %u of the line, where its tag stands: the field ends before that, "
                                 "and another one begins behind it",
                                 part->at + 1);
    if (part->at == *offset)
      *offset += part->raw_length;
  }
  return TRUE;
}

/* --- By the bytes alone */

gint tags_field_of_cell(const Shape *shape, gsize cell) {
  gsize before = 0;
  for (guint i = 0; i < shape->n_parts; i++) {
    if (shape->parts[i].at == cell)
      return -1;
    before += shape->parts[i].at < cell;
  }
  if (shape->n_parts == 0 && shape->tag)
    before = 1;
  return (gint)cell - (gint)before;
}

static gboolean is_part(const Layout *layout, const TagPart *part, const guint8 *at, const guint8 *end) {
  gboolean is_quoted = layout->is_quoted && end - at >= 2 && *at == '"' && end[-1] == '"';
  gsize quotes = is_quoted ? 1 : 0, length = (gsize)(end - at) - 2 * quotes;
  return length == part->raw_length && memcmp(at + quotes, part->raw, length) == 0;
}

static gboolean has_raw_part(const Layout *layout, const TagPart *part, const guint8 *at, const guint8 *end) {
  if (layout->is_fixed)
    return (gsize)(end - at) >= part->at + part->raw_length &&
           is_part(layout, part, at + part->at, at + part->at + part->raw_length);
  for (guint field = 0; field < part->at; field++) {
    at = lines_cell_end(layout, at, end);
    if (at >= end)
      return FALSE;
    at += layout->delimiter_length;
  }
  return is_part(layout, part, at, lines_cell_end(layout, at, end));
}

static gboolean has_raw_tag(const Layout *layout, const Shape *shape, const guint8 *at, const guint8 *end) {
  if (!layout->is_fixed && end > at && end[-1] == layout->stray)
    end--;
  end -= lines_end_mark(layout, at, (gsize)(end - at));
  for (guint i = 0; i < shape->n_parts; i++)
    if (!has_raw_part(layout, &shape->parts[i], at, end))
      return FALSE;
  return TRUE;
}

/* Whether the line's bytes begin with the tag of this kind, which may be quoted, and the tag ends there. */
static gboolean begins_like(const Layout *layout, const Shape *shape, const guint8 *at, const guint8 *end) {
  if (shape->n_parts > 0)
    return has_raw_tag(layout, shape, at, end);
  gsize quotes = layout->is_quoted && at < end && *at == '"' ? 1 : 0;
  if (!shape->present || !shape->raw_tag || (gsize)(end - at) < shape->raw_tag_length + 2 * quotes ||
      memcmp(at + quotes, shape->raw_tag, shape->raw_tag_length) != 0)
    return FALSE;
  at += quotes + shape->raw_tag_length;
  if (quotes && *at++ != '"')
    return FALSE;
  gsize left = (gsize)(end - at), mark = layout->end_mark_length;
  return layout->is_fixed || left == 0 || *at == layout->stray ||
         (left >= layout->delimiter_length && memcmp(at, layout->delimiter, layout->delimiter_length) == 0) ||
         (mark > 0 && left >= mark && left <= mark + 1 && memcmp(at, layout->conf->end_mark, mark) == 0);
}

guint tags_kind_like(const Layout *layout, const guint8 *at, const guint8 *end) {
  for (guint i = 0; i < layout->n_tagged; i++)
    if (begins_like(layout, &layout->shapes[layout->tagged[i]], at, end))
      return layout->tagged[i];
  return layout->otherwise;
}
