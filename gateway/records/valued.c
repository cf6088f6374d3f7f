#include "gateway/records/valued.h"
#include "gateway/records/layout_chunk.h"
#include <string.h>

struct Valued {
  const Layout *layout;
  const Shape *record;
  LayoutFacts *facts;
  Value value;
};

gboolean valued_check(const Layout *layout, GError **error) {
  return (layout->n_types == 1 && layout->shapes[SHAPE_RECORD].ends_plainly && !layout->asks_header) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "layout \"%s\": records that come by their fields' names are of one type, and have no "
                             "groups, addenda, signs in other fields, or years in the header",
                             layout->conf->name);
}

Valued *valued_new(const Layout *layout, Day arrival) {
  Valued *valued = g_new0(Valued, 1);
  valued->layout = layout;
  valued->record = &layout->shapes[SHAPE_RECORD];
  valued->facts = layout_facts_new(layout, NULL, 0, arrival);
  valued->value.room = g_byte_array_new();
  valued->value.days = &valued->facts->days;
  return valued;
}

void valued_free(Valued *valued) {
  if (!valued)
    return;
  g_byte_array_unref(valued->value.room);
  layout_facts_free(valued->facts);
  g_free(valued);
}

guint valued_fields(const Valued *valued) {
  return valued->record->n_fields;
}

int valued_field(const Valued *valued, const char *name, gsize length) {
  for (guint i = 0; i < valued->record->n_fields; i++) {
    const char *field = valued->record->fields[i].conf->name;
    if (strlen(field) == length && memcmp(field, name, length) == 0)
      return (int)i;
  }
  return -1;
}

/* What a line cannot have in it, its values cannot have either: they are printed as lines again. */
static Fault check_characters(const ValuedText *text) {
  if (!g_utf8_validate_len(text->text, text->length, NULL))
    return memchr(text->text, '\0', text->length) ? FAULT_NUL : FAULT_CHARSET;
  for (gsize i = 0; i < text->length; i++)
    if (text->text[i] == '\n' || text->text[i] == '\r')
      return FAULT_LINE_END;
  return FAULT_NONE;
}

static char *reason_of(const LayoutField *field, Fault fault, const ValuedText *text) {
  const char *name = field->conf->name;
  switch (fault) {
  case FAULT_NUL:
    return g_strdup_printf("%s: a NUL byte", name);
  case FAULT_CHARSET:
    return g_strdup_printf("%s: is not UTF-8", name);
  case FAULT_LINE_END:
    return g_strdup_printf("%s: a line end within the value", name);
  default:
    return value_reason(field, fault, (const guint8 *)text->text, text->length);
  }
}

void valued_add(Valued *valued, const ValuedText *texts, guint64 line, RecordBlock *block) {
  Value *value = &valued->value;
  record_block_begin(block, line);
  for (guint i = 0; i < valued->record->n_fields; i++) {
    const LayoutField *field = &valued->record->fields[i];
    const ValuedText *text = &texts[i];
    Fault fault = text->length > 0 ? check_characters(text) : FAULT_NONE;
    if (!fault)
      fault = value_parse(field, (const guint8 *)(text->length > 0 ? text->text : ""), text->length, value);
    if (fault) {
      char code[FAULT_CODE_LENGTH];
      fault_code(fault, code);
      record_block_end_faulty(block, (gint)field->column, code, reason_of(field, fault, text));
      return;
    }
    if (!value->is_null && block->columns[field->column].type == BLOCK_INTEGER)
      record_block_put_integer(block, field->column, value->integer);
    else if (!value->is_null)
      record_block_put_text(block, field->column, value->text, value->length);
  }
  record_block_end(block);
}
