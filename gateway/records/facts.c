/* What is known of a file before its chunks are parsed. */
#include "gateway/records/layout_chunk.h"

static void learn_header(LayoutFacts *facts, const LayoutLine *header) {
  for (guint i = 0; header && i < header->values->len; i++) {
    const LayoutValue *value = header->values->pdata[i];
    gboolean is_day = value->field->type == CONF_DATE || value->field->type == CONF_TIMESTAMP;
    if (is_day && value->text)
      facts->days.lenders[i + 1] = date_format_day(value->text);
  }
}

/* In which column each field of the record is; NULL: the header has not each name once, which is told when it is
 * parsed. */
static guint *find_columns(const Layout *layout, const LayoutLine *header) {
  const Shape *record = &layout->shapes[SHAPE_RECORD];
  if (!header || header->values->len != record->n_fields)
    return NULL;
  g_autofree guint *columns = g_new(guint, record->n_fields);
  for (guint i = 0; i < record->n_fields; i++) {
    guint found = 0;
    for (guint c = 0; c < record->n_fields; c++) {
      const LayoutValue *value = header->values->pdata[c];
      if (g_strcmp0(value->text, names_title(&record->fields[i])) != 0)
        continue;
      columns[i] = c;
      found++;
    }
    if (found != 1)
      return NULL;
  }
  return g_steal_pointer(&columns);
}

/* The first line alone, as any chunk of it is parsed; its problems are told when it is parsed with the others. */
static void read_header(LayoutFacts *facts, const Layout *layout, const guint8 *text, gsize length) {
  LayoutChunk *chunk = layout_chunk_new(layout);
  LayoutSpan span = {.text = text,
                     .end = layout_next_chunk(layout, text, length, 0, 1),
                     .is_first = TRUE,
                     .facts = facts};
  span.is_last = span.end == length;
  layout_parse(layout, &span, chunk);
  learn_header(facts, chunk->header);
  if (layout->conf->columns_by == CONF_COLUMNS_BY_NAME)
    facts->columns = find_columns(layout, chunk->header);
  layout_chunk_free(chunk);
}

static void put_day(char *into, Day day) {
  g_autofree char *text = day_text(CLAMP(day, day_of(1, 1, 1), day_of(9999, 12, 31)));
  g_strlcpy(into, text, DATES_LONGEST);
}

LayoutFacts *layout_facts_new(const Layout *layout, const guint8 *text, gsize length, Day arrival) {
  LayoutFacts *facts = g_new0(LayoutFacts, 1);
  guint n_fields = layout->shapes[SHAPE_HEADER].n_fields;
  facts->days.lenders = g_new(Day, n_fields + 1);
  facts->days.lenders[0] = arrival;
  for (guint i = 1; i <= n_fields; i++)
    facts->days.lenders[i] = NO_DAY;
  if (arrival != NO_DAY) {
    put_day(facts->days.oldest, arrival - (Day)layout->days_back);
    put_day(facts->days.newest, arrival + (Day)layout->days_ahead);
  }
  if (layout->asks_header && length > 0)
    read_header(facts, layout, text, length);
  return facts;
}

void layout_facts_free(LayoutFacts *facts) {
  if (facts) {
    g_free(facts->days.lenders);
    g_free(facts->columns);
  }
  g_free(facts);
}
