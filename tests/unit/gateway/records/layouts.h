/* Layouts from a few words, for tests, the corpus and the fuzzer.
 *
 *   "D member:text=16* points:int amount:dec=2? when:date=%Y%m%d currency:enum=EUR/USD"
 *
 * is a line with tag D ("-": none). Behind the type: = width, scale, format or values; ? optional; * masked; fixed
 * lines have @BYTES and, behind it, < or > aligned to the left or right, 0 padded with zeros, ~ implied decimals, ^
 * signed overpunch, P packed, B binary, X hexadecimal, U unsigned, Z zoned ASCII; $FIELD=WORD/WORD: its sign is that
 * field's, negative where it has one of the words; #count or #sum=FIELD (debits, credits, gross) makes it a control
 * total, and /TAG behind that one of those lines only, as /TAG+TAG. */
#pragma once
#include "gateway/records/layout.h"
#include <stdlib.h>
#include <string.h>

static inline void layouts_fixed(ConfField *field, const char *words) {
  char *flags = NULL;
  field->pad = ' ';
  if (!words)
    return;
  field->bytes = (guint)strtoul(words, &flags, 10);
  for (; *flags; flags++) {
    field->align_right |= *flags == '>';
    field->implied |= *flags == '~';
    field->pad = *flags == '0' ? '0' : field->pad;
    field->sign = *flags == '^'   ? CONF_SIGN_OVERPUNCH
                  : *flags == 'Z' ? CONF_SIGN_ZONED_ASCII
                  : *flags == 'U' ? CONF_SIGN_UNSIGNED
                                  : field->sign;
    field->usage = *flags == 'P'   ? CONF_USAGE_PACKED
                   : *flags == 'B' ? CONF_USAGE_BINARY
                   : *flags == 'X' ? CONF_USAGE_HEX
                                   : field->usage;
    field->implied |= *flags == 'P' || *flags == 'B';
  }
}

/* %m%d;from=day;years=1;first=1970;zone=UTC;24 */
static inline void layouts_date(ConfField *field, const char *words) {
  g_auto(GStrv) all = g_strsplit(words, ";", -1);
  field->format = g_strdup(all[0]);
  for (char **word = all[0] ? all + 1 : all; *word; word++) {
    const char *value = strchr(*word, '=') ? strchr(*word, '=') + 1 : "";
    if (g_str_has_prefix(*word, "from="))
      field->year_from = g_strdup(value);
    else if (g_str_has_prefix(*word, "zone="))
      field->time_zone = g_strdup(value);
    else if (g_str_has_prefix(*word, "first="))
      field->first_year = (guint)atoi(value);
    else if (g_str_has_prefix(*word, "years="))
      field->years = (ConfYears)atoi(value);
    else
      field->hour_24 = TRUE;
  }
}

static inline ConfField *layouts_field(const char *word) {
  static const char *const names[] = {"text", "int", "dec", "date", "time", "enum"};
  ConfField *field = g_new0(ConfField, 1);
  g_auto(GStrv) control = g_strsplit(word, "#", 2);
  g_auto(GStrv) sign = g_strsplit(control[0], "$", 2);
  g_auto(GStrv) fixed = g_strsplit(sign[0], "@", 2);
  g_auto(GStrv) parts = g_strsplit(fixed[0], ":", 2);
  field->name = g_strdup(parts[0]);
  for (gsize end = strlen(parts[1]); end > 0 && strchr("?*", parts[1][end - 1]); parts[1][--end] = 0)
    *(parts[1][end - 1] == '?' ? &field->optional : &field->mask) = TRUE;
  g_auto(GStrv) type = g_strsplit(parts[1], "=", 2);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    if (g_str_equal(type[0], names[i]))
      field->type = (ConfFieldType)i;
  if (type[1] && field->type == CONF_DECIMAL)
    field->scale = (guint)atoi(type[1]);
  else if (type[1] && field->type == CONF_ENUMERATION)
    field->values = g_strsplit(type[1], "/", -1);
  else if (type[1] && (field->type == CONF_DATE || field->type == CONF_TIMESTAMP))
    layouts_date(field, type[1]);
  else if (type[1])
    field->width = (guint)atoi(type[1]);
  layouts_fixed(field, fixed[1]);
  if (sign[1]) {
    g_auto(GStrv) words = g_strsplit(sign[1], "=", 2);
    field->sign_from = g_strdup(words[0]);
    field->negative = g_strsplit(words[1], "/", -1);
  }
  char *tag = control[1] ? strchr(control[1], '/') : NULL;
  if (tag) {
    *tag = 0;
    field->control_lines = g_strsplit(tag + 1, "+", -1);
  }
  static const char *const controls[] = {CONF_CONTROLS(CONF_WORD)};
  for (guint i = 0; control[1] && i < G_N_ELEMENTS(controls); i++)
    if (strncmp(control[1], controls[i], MAX(strcspn(control[1], "="), strlen(controls[i]))) == 0)
      field->control = (ConfControl)i;
  if (field->control >= CONF_CONTROL_SUM)
    field->control_field = g_strdup(strchr(control[1], '=') + 1);
  return field;
}

static inline void layouts_free_field(gpointer data) {
  ConfField *field = data;
  g_free(field->name);
  g_free(field->title);
  g_free(field->format);
  g_free(field->year_from);
  g_free(field->time_zone);
  g_free(field->decimal_point);
  g_free(field->thousands);
  g_free(field->control_field);
  g_strfreev(field->control_lines);
  g_free(field->sign_from);
  g_free(field->opening);
  g_strfreev(field->negative);
  g_strfreev(field->values);
  g_free(field);
}

static inline void layouts_line(ConfLine *line, const char *words) {
  if (!words)
    return;
  g_auto(GStrv) all = g_strsplit(words, " ", -1);
  line->present = TRUE;
  line->tag = g_str_equal(all[0], "-") ? NULL : g_strdup(all[0]);
  line->fields = g_ptr_array_new_with_free_func(layouts_free_field);
  for (char **word = all + 1; *word; word++)
    if (**word)
      g_ptr_array_add(line->fields, layouts_field(*word));
}

/* Change what else is wanted before layout_new. */
static inline ConfLayout *layouts_conf(const char *delimiter, const char *header, const char *record,
                                       const char *trailer) {
  ConfLayout *conf = g_new0(ConfLayout, 1);
  conf->name = g_strdup("test");
  conf->delimiter = g_strdup(delimiter);
  conf->line_limit = 16384;
  layouts_line(&conf->header, header);
  layouts_line(&conf->record, record);
  layouts_line(&conf->trailer, trailer);
  return conf;
}

/* One more type of records: from then on the layout tells them apart by `records`, and `record` is the first of them.
 */
static inline void layouts_record(ConfLayout *conf, const char *words) {
  if (!conf->records) {
    conf->records = g_ptr_array_new();
    g_ptr_array_add(conf->records, &conf->record);
  }
  ConfLine *line = g_new0(ConfLine, 1);
  layouts_line(line, words);
  g_ptr_array_add(conf->records, line);
}

/* Another group, within the one before it; its trailer may be NULL. */
static inline void layouts_group(ConfLayout *conf, const char *name, const char *header, const char *trailer) {
  ConfGroup *group = g_new0(ConfGroup, 1);
  group->name = g_strdup(name);
  layouts_line(&group->header, header);
  layouts_line(&group->trailer, trailer);
  conf->groups = conf->groups ? conf->groups : g_ptr_array_new();
  g_ptr_array_add(conf->groups, group);
}

static inline void layouts_beside(GPtrArray **lines, const char *words) {
  ConfLine *line = g_new0(ConfLine, 1);
  layouts_line(line, words);
  *lines = *lines ? *lines : g_ptr_array_new();
  g_ptr_array_add(*lines, line);
}

static inline void layouts_clear_line(ConfLine *line) {
  g_free(line->tag);
  if (line->fields)
    g_ptr_array_unref(line->fields);
}

static inline void layouts_free(ConfLayout *conf) {
  layouts_clear_line(&conf->header);
  layouts_clear_line(&conf->record);
  layouts_clear_line(&conf->trailer);
  for (guint i = 1; conf->records && i < conf->records->len; i++) {
    layouts_clear_line(conf->records->pdata[i]);
    g_free(conf->records->pdata[i]);
  }
  if (conf->records)
    g_ptr_array_unref(conf->records);
  for (guint i = 0; conf->groups && i < conf->groups->len; i++) {
    ConfGroup *group = conf->groups->pdata[i];
    layouts_clear_line(&group->header);
    layouts_clear_line(&group->trailer);
    g_free(group->name);
    g_free(group);
  }
  GPtrArray *const beside[] = {conf->addenda, conf->remarks};
  for (guint b = 0; b < G_N_ELEMENTS(beside); b++)
    for (guint i = 0; beside[b] && i < beside[b]->len; i++) {
      layouts_clear_line(beside[b]->pdata[i]);
      g_free(beside[b]->pdata[i]);
    }
  g_clear_pointer(&conf->groups, g_ptr_array_unref);
  g_clear_pointer(&conf->addenda, g_ptr_array_unref);
  g_clear_pointer(&conf->remarks, g_ptr_array_unref);
  g_free(conf->name);
  g_free(conf->delimiter);
  g_free(conf->charset);
  g_free(conf);
}

/* What a file was parsed to, as text, one fact a line: the same for every way of cutting it into chunks.
 *   3 D "M1" 12 null          a record: its line and values        3 L012 1     a fault: its line, code and column;
 * with several
 *                                                                               types of records, also its type
 *   H 1 "ACME" "2026-11-20"   header or trailer, after all records
 *   = 7 lines, 5 records, T003 in 7                                the end, with the verdict on the file: ok, or code
 *                                                                  and line */
static inline void layouts_tell_line(GString *told, const char *name, const LayoutLine *line) {
  if (!line)
    return;
  g_string_append_printf(told, "%s %" G_GUINT64_FORMAT, name, line->line);
  for (guint i = 0; i < line->values->len; i++) {
    const LayoutValue *value = line->values->pdata[i];
    g_string_append_printf(told, value->text ? " \"%s\"" : " null", value->text);
  }
  g_string_append_c(told, '\n');
}

static inline void layouts_tell_record(GString *told, const RecordBlock *block, guint record) {
  const BlockFault *fault = record_block_fault(block, record);
  g_string_append_printf(told, "%" G_GUINT64_FORMAT " ", block->lines[record]);
  if (fault) {
    g_string_append_printf(told, "%s %d", fault->code, fault->field);
    for (guint i = 0; i < block->n_columns; i++) { /* of several types of records, a faulty one's is kept */
      gsize length;
      const char *text = block->columns[i].type == BLOCK_TEXT ? record_block_text(block, i, record, &length) : NULL;
      if (text && !record_block_is_null(block, i, record))
        g_string_append_printf(told, " \"%.*s\"", (int)length, text);
    }
    g_string_append_c(told, '\n');
    return;
  }
  g_string_append_c(told, 'D');
  for (guint i = 0; i < block->n_columns; i++) {
    gsize length = 0;
    const char *text = block->columns[i].type == BLOCK_TEXT ? record_block_text(block, i, record, &length) : "";
    if (record_block_is_null(block, i, record))
      g_string_append(told, " null");
    else if (block->columns[i].type == BLOCK_INTEGER)
      g_string_append_printf(told, " %" G_GINT64_FORMAT, record_block_integer(block, i, record));
    else
      g_string_append_printf(told, " \"%.*s\"", (int)length, text);
  }
  g_string_append_c(told, '\n');
}

static inline char *layouts_tell_with(const Layout *layout, LayoutChunk *chunk, const void *text, gsize length,
                                      gsize wanted) {
  GString *told = g_string_new(NULL), *header = g_string_new(NULL), *trailer = g_string_new(NULL);
  LayoutTotals *totals = layout_totals_new(layout);
  guint64 lines = 0, records = 0;
  LayoutFacts *facts = layout_facts_new(layout, text, length, day_of(2026, 11, 20));
  for (gsize offset = 0; offset < length;) {
    gsize end = layout_next_chunk(layout, text, length, offset, wanted);
    g_assert(end > offset && end <= length);
    LayoutSpan span = {.text = text,
                       .offset = offset,
                       .end = end,
                       .is_first = offset == 0,
                       .is_last = end == length,
                       .facts = facts};
    layout_parse(layout, &span, chunk);
    layout_chunk_rebase(chunk, lines);
    lines += chunk->lines;
    records += chunk->block->count;
    layout_totals_add(totals, chunk);
    layout_compose_keys(layout, chunk, NULL);
    if (header->len == 0)
      layouts_tell_line(header, "H", chunk->header);
    for (guint i = 0; i < chunk->block->count; i++)
      layouts_tell_record(told, chunk->block, i);
    if (trailer->len == 0)
      layouts_tell_line(trailer, "T", chunk->trailer);
    offset = end;
  }
  const LayoutProblem *problem = layout_totals_check(totals);
  g_string_append_printf(told, "%s%s= %" G_GUINT64_FORMAT " lines, %" G_GUINT64_FORMAT " records, %s", header->str,
                         trailer->str, lines, records, problem ? problem->code : "ok");
  if (problem)
    g_string_append_printf(told, " in %" G_GUINT64_FORMAT, problem->line);
  g_string_append_c(told, '\n');
  g_string_free(header, TRUE);
  g_string_free(trailer, TRUE);
  layout_totals_free(totals);
  layout_facts_free(facts);
  return g_string_free(told, FALSE);
}

static inline char *layouts_tell(const Layout *layout, const void *text, gsize length, gsize wanted) {
  LayoutChunk *chunk = layout_chunk_new(layout);
  char *told = layouts_tell_with(layout, chunk, text, length, wanted);
  layout_chunk_free(chunk);
  return told;
}
