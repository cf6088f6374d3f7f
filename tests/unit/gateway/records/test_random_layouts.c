/* Random layouts, and files of them with what they must be read as: types of lines, groups, addenda, remarks, signs,
 * dates, forms of numbers, tags at places of their own, and control totals. Nothing of the parser is used to write
 * them. A seed makes the same layout and file each time: SALLYPORT_RANDOM_LAYOUTS says how many. */
#include "tests/unit/gateway/records/random_files.h"

enum { FILES = 250 };

/* --- Texts and dates */

static char *text_cell(File *file, const ConfField *field) {
  GString *text = g_string_new(NULL);
  const ConfLayout *conf = file->conf;
  gboolean is_short = field->bytes > 0 && field->bytes < 8;
  for (guint i = is_short ? 1 : 1 + random_below(file, 2); i > 0; i--) {
    g_string_append_c(text, (char)('a' + random_below(file, 26)));
    if (!is_short && one_in(file, 3))
      g_string_append_unichar(text, 0x4e00 + random_below(file, 3000));
    if (conf->quote == CONF_QUOTE_RFC4180 && one_in(file, 4))
      g_string_append(text, one_in(file, 2) ? "\"" : conf->delimiter);
  }
  return g_string_free(text, FALSE);
}

static char *date_cell(File *file, const ConfField *field, char **told) {
  g_autoptr(GDateTime) day = g_date_time_new_utc(2026, 1 + (int)random_below(file, 12), 1 + (int)random_below(file, 28),
                                                 0, 0, 0);
  *told = g_date_time_format(day, "\"%Y-%m-%d\"");
  return g_date_time_format(day, field->format ? field->format : "%Y-%m-%d");
}

/* In the layout's character set, at its place. */
static char *placed(const File *file, const ConfField *field, char *text) {
  const char *charset = file->conf->charset;
  g_autofree char *encoded = charset ? g_convert(text, -1, charset, "UTF-8", NULL, NULL, NULL) : g_strdup(text);
  g_free(text);
  g_assert_nonnull(encoded);
  if (file->conf->kind != CONF_LAYOUT_FIXED) {
    gboolean needs = file->conf->quote == CONF_QUOTE_RFC4180 && strpbrk(encoded, "\"|;,\t");
    g_auto(GStrv) parts = g_strsplit(encoded, "\"", -1);
    g_autofree char *doubled = g_strjoinv("\"\"", parts);
    return needs ? g_strdup_printf("\"%s\"", doubled) : g_steal_pointer(&encoded);
  }
  gsize length = strlen(encoded);
  g_assert_cmpuint(length, <=, field->bytes);
  return field->align_right ? g_strdup_printf("%*s", (int)field->bytes, encoded)
                            : g_strdup_printf("%-*s", (int)field->bytes, encoded);
}

static char *random_cell(File *file, const ConfField *field, gint64 *integer, char **told) {
  if (field->optional && one_in(file, 3)) {
    *told = g_strdup("null");
    return placed(file, field, g_strdup(""));
  }
  if (field->type == CONF_DATE)
    return placed(file, field, date_cell(file, field, told));
  if (field->type == CONF_INTEGER || field->type == CONF_DECIMAL) {
    *told = g_strdup_printf("%" G_GINT64_FORMAT, *integer);
    return placed(file, field, number_cell(file, field, *integer));
  }
  char *text = field->type == CONF_ENUMERATION ? g_strdup(field->values[*integer < 0 ? 1 : 0]) : text_cell(file, field);
  *told = g_strdup_printf("\"%s\"", text);
  return placed(file, field, text);
}

/* --- Layouts */

static gboolean is_fixed(const File *file) {
  return file->conf->kind == CONF_LAYOUT_FIXED;
}

/* A field of these words, "%s" in whose place of fixed lines the bytes stand. */
static void add_field(File *file, ConfLine *line, const char *words, guint bytes) {
  g_autofree char *placed_at = is_fixed(file) ? g_strdup_printf("@%u", bytes) : g_strdup("");
  g_auto(GStrv) parts = g_strsplit(words, "%", 2);
  g_autofree char *whole = g_strconcat(parts[0], placed_at, parts[1], NULL);
  ConfField *field = layouts_field(whole);
  random_form(file, field);
  if (field->type == CONF_DATE && is_fixed(file))
    field->bytes = !field->format || strchr(field->format, '.') ? 10 : strstr(field->format, "%j") ? 7
                   : strstr(field->format, "%y")                ? 6
                                                                : 8;
  g_ptr_array_add(line->fields, field);
}

/* A field of two bytes, which stands before a tag that has a place of its own. */
static void begin_line(File *file, ConfLine *line, const char *tag) {
  g_autofree char *first = g_strdup_printf("first%s:text%%", tag);
  line->present = TRUE;
  line->tag = g_strdup(tag);
  line->fields = g_ptr_array_new_with_free_func(layouts_free_field);
  if (file->conf->tag_at)
    add_field(file, line, first, 2);
}

static void add_amount(File *file, ConfLine *line, const char *name, const char *behind, guint bytes) {
  g_autofree char *words = file->amount_scale ? g_strdup_printf("%s:dec=%zu%%%s", name, file->amount_scale, behind)
                                              : g_strdup_printf("%s:int%%%s", name, behind);
  add_field(file, line, words, bytes);
}

static void make_record(File *file, ConfLine *line, const char *tag, gboolean is_first) {
  begin_line(file, line, tag);
  if (is_first)
    add_field(file, line, "key:text%", 10);
  gboolean has_kind = one_in(file, 2);
  g_autofree char *kind = g_strdup_printf("kind%s:enum=C/D%%", tag), *sign = g_strdup_printf("$kind%s=D", tag);
  if (has_kind && one_in(file, 2))
    add_field(file, line, kind, 1);
  add_amount(file, line, "amt", has_kind ? sign : "", 12);
  if (has_kind && !conf_line_field(line, "kindD") && !conf_line_field(line, "kindE"))
    add_field(file, line, kind, 1);
  if (is_first && one_in(file, 2)) {
    add_field(file, line, "n:int%", 6);
    ((ConfField *)line->fields->pdata[line->fields->len - 1])->numbers = one_in(file, 2) ? CONF_NUMBERS_LINES
                                                                                         : CONF_NUMBERS_RECORDS;
  }
  g_autofree char *day = g_strdup_printf("day%s:date%%", tag), *note = g_strdup_printf("note%s:text?%%", tag);
  if (one_in(file, 2))
    add_field(file, line, day, 10);
  add_field(file, line, note, 12);
}

/* Which total, and of what. */
static void add_totals(File *file, ConfLine *line, guint group) {
  static const char *const counts[] = {"#count", "#count/D", "#lines", "#all-lines", "#debit-count=amt",
                                       "#credit-count=amt", "#count/A"};
  static const char *const sums[] = {"#sum=amt", "#debits=amt", "#credits=amt", "#gross=amt", "#net=amt"};
  for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
    g_autofree char *words = g_strdup_printf("c%u%u:int%%%s", group, i, counts[i]);
    if (one_in(file, 3) && (i != 6 || file->conf->addenda))
      add_field(file, line, words, 8);
  }
  for (guint i = 0; i < G_N_ELEMENTS(sums); i++) {
    g_autofree char *name = g_strdup_printf("s%u%u", group, i);
    if (!one_in(file, 2))
      continue;
    add_amount(file, line, name, sums[i], 15);
    ConfField *field = line->fields->pdata[line->fields->len - 1];
    if (i == 0 && group > 0)
      field->opening = g_strdup_printf("open%u", group);
    if (i == 3)
      field->low_digits = random_below(file, 2) * 4;
  }
}

static void make_group(File *file, guint group) {
  g_autofree char *name = g_strdup_printf("g%u", group), *shop = g_strdup_printf("shop%u:text?%%", group),
                  *open = g_strdup_printf("open%u", group);
  ConfGroup *made = g_new0(ConfGroup, 1);
  made->name = g_strdup(name);
  begin_line(file, &made->header, group == 1 ? "B" : "F");
  add_field(file, &made->header, shop, 10);
  add_amount(file, &made->header, open, "", 12);
  file->conf->groups = file->conf->groups ? file->conf->groups : g_ptr_array_new();
  g_ptr_array_add(file->conf->groups, made);
  begin_line(file, &made->trailer, group == 1 ? "Y" : "Z");
  add_field(file, &made->trailer, group == 1 ? "free1:text?%" : "free2:text?%", 10);
  add_totals(file, &made->trailer, group);
}

/* All fixed lines are as long as the longest, so that they need no ends. */
static void fill_up(ConfLine *line, gsize most, const char *name) {
  gsize used = 0;
  for (guint i = 0; line->present && i < line->fields->len; i++)
    used += ((ConfField *)line->fields->pdata[i])->bytes;
  g_autofree char *words = g_strdup_printf("fill%s:text?@%zu", name, most - used);
  if (line->present && used < most)
    g_ptr_array_add(line->fields, layouts_field(words));
}

static void choose_kind(File *file) {
  static const char *const delimiters[] = {"|", ";", "\t", "||"}, *const terminators[] = {"'", "~", "@!"};
  static const ConfLineEnd ends[] = {CONF_LINE_END_ANY, CONF_LINE_END_LF, CONF_LINE_END_CRLF, CONF_LINE_END_CR};
  ConfLayout *conf = file->conf;
  conf->kind = one_in(file, 2) ? CONF_LAYOUT_FIXED : CONF_LAYOUT_DELIMITED;
  g_free(conf->delimiter);
  conf->delimiter = g_strdup(is_fixed(file) ? "" : delimiters[random_below(file, G_N_ELEMENTS(delimiters))]);
  conf->quote = !is_fixed(file) && conf->delimiter[1] == 0 && one_in(file, 3) ? CONF_QUOTE_RFC4180 : CONF_QUOTE_NONE;
  conf->charset = one_in(file, 3) ? g_strdup("GB18030") : NULL;
  if (one_in(file, 4) && conf->quote == CONF_QUOTE_NONE)
    conf->terminator = g_strdup(terminators[conf->charset ? 0 : random_below(file, 3)]);
  else
    conf->line_end = is_fixed(file) && one_in(file, 4) ? CONF_LINE_END_NONE : ends[random_below(file, 4)];
  if (one_in(file, 4))
    conf->tag_at = g_strsplit(is_fixed(file) ? "3" : "2", " ", -1);
  if (one_in(file, 3) && conf->line_end != CONF_LINE_END_NONE)
    conf->pass_over = (ConfPassOver){.present = TRUE, .beginning = g_strsplit("#", " ", -1)};
}

static void add_beside(File *file, GPtrArray **lines, const char *tag, const char *words) {
  ConfLine *line = g_new0(ConfLine, 1);
  begin_line(file, line, tag);
  add_field(file, line, words, 12);
  *lines = g_ptr_array_new();
  g_ptr_array_add(*lines, line);
}

static void even_out(ConfLayout *conf) {
  GPtrArray *const beside[] = {conf->addenda, conf->remarks};
  const gsize most = 400;
  fill_up(&conf->header, most, "H");
  fill_up(&conf->record, most, "D");
  fill_up(&conf->trailer, most, "T");
  for (guint i = 1; conf->records && i < conf->records->len; i++)
    fill_up(conf->records->pdata[i], most, "E");
  for (guint g = 0; conf->groups && g < conf->groups->len; g++) {
    ConfGroup *group = conf->groups->pdata[g];
    fill_up(&group->header, most, group->header.tag);
    fill_up(&group->trailer, most, group->trailer.tag);
  }
  for (guint b = 0; b < G_N_ELEMENTS(beside); b++)
    if (beside[b])
      fill_up(beside[b]->pdata[0], most, b ? "R" : "A");
}

static void make_layout(File *file) {
  ConfLayout *conf = file->conf = layouts_conf("", NULL, NULL, NULL);
  choose_kind(file);
  file->n_groups = random_below(file, 1 + MOST_GROUPS);
  file->amount_scale = random_below(file, 2) * (1 + random_below(file, 3));
  make_record(file, &conf->record, "D", TRUE);
  if (one_in(file, 2)) {
    conf->records = g_ptr_array_new();
    g_ptr_array_add(conf->records, &conf->record);
    g_ptr_array_add(conf->records, g_new0(ConfLine, 1));
    make_record(file, conf->records->pdata[1], "E", FALSE);
  }
  if (one_in(file, 2))
    add_beside(file, &conf->addenda, "A", "words:text?%");
  if (one_in(file, 3))
    add_beside(file, &conf->remarks, "R", "remark:text?%");
  for (guint g = 1; g <= file->n_groups; g++)
    make_group(file, g);
  if (one_in(file, 2))
    begin_line(file, &conf->header, "H");
  if (conf->header.present)
    add_field(file, &conf->header, "of:date%", 10);
  begin_line(file, &conf->trailer, "T");
  add_field(file, &conf->trailer, "end:text?%", 10);
  add_totals(file, &conf->trailer, 0);
  if (is_fixed(file))
    even_out(conf);
}

/* --- Files */

static void end_line(File *file) {
  const ConfLayout *conf = file->conf;
  static const char *const ends[] = {"\n", "\n", "\r\n", "\r", ""};
  g_string_append(file->text, conf->terminator ? conf->terminator : ends[conf->line_end]);
  file->lines++;
}

static void maybe_pass_over(File *file, guint depth) {
  if (!file->conf->pass_over.present || !one_in(file, 5))
    return;
  g_string_append(file->text, "# a remark of nobody");
  end_line(file);
  for (guint d = 0; d <= depth; d++)
    file->scopes[d].passed_over++;
}

static gint64 low_digits(const ConfField *field, gint64 value) {
  gint64 limit = 1;
  for (guint i = 0; i < field->low_digits; i++)
    limit *= 10;
  return field->low_digits ? value % limit : value;
}

static gint64 total_of(const Scope *scope, const ConfField *field) {
  guint lines = scope->lines + 1; /* with the trailer that says it */
  switch (field->control) {
  case CONF_CONTROL_COUNT:
    return !field->control_lines                         ? scope->records
           : g_str_equal(field->control_lines[0], "A") ? scope->addenda
                                                         : scope->inner;
  case CONF_CONTROL_LINES:
    return lines;
  case CONF_CONTROL_ALL_LINES:
    return lines + scope->passed_over;
  case CONF_CONTROL_SUM:
    return scope->sum + scope->opening;
  case CONF_CONTROL_DEBITS:
    return scope->debits;
  case CONF_CONTROL_CREDITS:
    return scope->credits;
  case CONF_CONTROL_GROSS:
    return low_digits(field, scope->debits + scope->credits);
  case CONF_CONTROL_NET:
    return ABS(scope->sum);
  case CONF_CONTROL_DEBIT_COUNT:
    return scope->n_debits;
  default:
    return scope->n_credits;
  }
}

/* Its cells, with what they are told as; the amount is the line's number where it has one. */
static void put_line(File *file, const ConfLine *line, gint64 amount, const Scope *scope) {
  const ConfLayout *conf = file->conf;
  guint tag_at = conf->tag_at ? 1 : 0;
  for (guint i = 0; i <= line->fields->len; i++) {
    if (i == tag_at)
      g_string_append_printf(file->text, "%s%s", i && !is_fixed(file) ? conf->delimiter : "", line->tag);
    if (i == line->fields->len)
      break;
    const ConfField *field = line->fields->pdata[i];
    gint64 integer = field->control ? total_of(scope, field)
                     : field->numbers == CONF_NUMBERS_LINES   ? file->lines + 1
                     : field->numbers == CONF_NUMBERS_RECORDS ? file->records
                                                              : amount;
    char *told;
    g_autofree char *cell = random_cell(file, field, &integer, &told);
    if (!is_fixed(file) && (i > 0 || !tag_at))
      g_string_append(file->text, conf->delimiter);
    gsize digit = strlen(cell);
    g_string_append(file->text, cell);
    while (field->control && !g_ascii_isdigit(cell[--digit]))
      ;
    digit += file->text->len - strlen(cell);
    if (field->control)
      g_array_append_val(file->totals, digit);
    g_hash_table_insert(file->values, g_strdup(field->name), told);
  }
  end_line(file);
}

static void count_line(File *file, guint depth) {
  for (guint d = 0; d <= depth; d++)
    file->scopes[d].lines++;
}

static void tell_record(File *file, guint line, const Layout *layout) {
  guint n;
  const StagingColumn *columns = layout_columns(layout, &n);
  g_string_append_printf(file->told, "%u D", line);
  for (guint i = 0; i < n; i++) {
    const char *value = g_hash_table_lookup(file->values, columns[i].name);
    g_string_append_printf(file->told, " %s", value ? value : "null");
  }
  g_string_append_c(file->told, '\n');
}

static void forget(File *file, const ConfLine *line) {
  for (guint i = 0; i < line->fields->len; i++)
    g_hash_table_remove(file->values, ((const ConfField *)line->fields->pdata[i])->name);
}

static void put_addenda(File *file, guint depth) {
  const ConfLine *addendum = file->conf->addenda ? file->conf->addenda->pdata[0] : NULL;
  g_autoptr(GHashTable) joined = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint n = addendum ? random_below(file, 3) : 0; n > 0; n--) {
    put_line(file, addendum, 0, NULL);
    count_line(file, depth);
    for (guint d = 0; d <= depth; d++)
      file->scopes[d].addenda++;
    for (guint i = 0; i < addendum->fields->len; i++) {
      const char *name = ((const ConfField *)addendum->fields->pdata[i])->name;
      const char *before = g_hash_table_lookup(joined, name), *now = g_hash_table_lookup(file->values, name);
      if (!g_str_equal(now, "null"))
        g_hash_table_insert(joined, g_strdup(name),
                            before ? g_strdup_printf("%.*s %s", (int)strlen(before) - 1, before, now + 1)
                                   : g_strdup(now));
    }
  }
  GHashTableIter iter;
  gpointer name, value;
  if (addendum)
    forget(file, addendum);
  g_hash_table_iter_init(&iter, joined);
  while (g_hash_table_iter_next(&iter, &name, &value))
    g_hash_table_insert(file->values, g_strdup(name), g_strdup(value));
}

static void put_record(File *file, const Layout *layout, guint depth) {
  const ConfLayout *conf = file->conf;
  gboolean is_second = conf->records && one_in(file, 2);
  const ConfLine *line = is_second ? conf->records->pdata[1] : &conf->record;
  gint64 amount = (gint64)random_below(file, 200000) - 100000;
  guint at = file->lines + 1;
  file->records++;
  put_line(file, line, amount, NULL);
  count_line(file, depth);
  for (guint d = 0; d <= depth; d++) {
    Scope *scope = &file->scopes[d];
    scope->records++;
    scope->inner += is_second ? 0 : 1;
    scope->sum += amount;
    *(amount < 0 ? &scope->debits : &scope->credits) += ABS(amount);
    *(amount < 0 ? &scope->n_debits : &scope->n_credits) += amount != 0 ? 1 : 0;
  }
  put_addenda(file, depth);
  g_hash_table_insert(file->values, g_strdup("last_line"), g_strdup_printf("%u", file->lines));
  g_hash_table_insert(file->values, g_strdup("record_type"), g_strdup_printf("\"%s\"", line->tag));
  tell_record(file, at, layout);
  forget(file, line);
  maybe_pass_over(file, depth);
}

static void put_remark(File *file, guint depth) {
  if (!file->conf->remarks || !one_in(file, 3))
    return;
  put_line(file, file->conf->remarks->pdata[0], 0, NULL);
  count_line(file, depth);
}

static void put_group(File *file, const Layout *layout, guint depth) {
  if (depth > file->n_groups) {
    for (guint n = random_below(file, 5); n > 0; n--)
      put_record(file, layout, depth - 1);
    put_remark(file, depth - 1);
    return;
  }
  for (guint n = random_below(file, 4); n > 0; n--) {
    const ConfGroup *group = file->conf->groups->pdata[depth - 1];
    file->scopes[depth] = (Scope){.opening = (gint64)random_below(file, 2000) - 1000};
    g_hash_table_insert(file->values, g_strdup(group->name), g_strdup_printf("%u", file->lines + 1));
    put_line(file, &group->header, file->scopes[depth].opening, NULL);
    count_line(file, depth);
    put_group(file, layout, depth + 1);
    put_line(file, &group->trailer, 0, &file->scopes[depth]);
    count_line(file, depth);
    maybe_pass_over(file, depth - 1);
  }
}

static void make_file(File *file, guint seed) {
  GError *error = NULL;
  *file = (File){.text = g_string_new(NULL),
                 .told = g_string_new(NULL),
                 .totals = g_array_new(FALSE, FALSE, sizeof(gsize)),
                 .state = seed,
                 .values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
  make_layout(file);
  g_autoptr(Layout) layout = layout_new(file->conf, &error);
  if (!layout)
    fail_msg("seed %u: %s", seed, error->message);
  if (file->conf->header.present) {
    put_line(file, &file->conf->header, 0, NULL);
    count_line(file, 0);
  }
  put_group(file, layout, 1);
  put_line(file, &file->conf->trailer, 0, &file->scopes[0]);
}

static void clear_file(File *file) {
  g_free(file->conf->terminator);
  g_strfreev(file->conf->tag_at);
  g_strfreev(file->conf->pass_over.beginning);
  layouts_free(file->conf);
  g_string_free(file->text, TRUE);
  g_string_free(file->told, TRUE);
  g_array_unref(file->totals);
  g_hash_table_unref(file->values);
}

/* --- What must hold */

static guint how_many(void) {
  const char *asked = g_getenv("SALLYPORT_RANDOM_LAYOUTS");
  return asked ? (guint)atoi(asked) : FILES;
}

static void any_file_of_any_layout_is_read_as_what_it_was_made_of(void **state) {
  (void)state;
  for (guint seed = 1; seed <= how_many(); seed++) {
    File file;
    make_file(&file, seed);
    g_autofree char *told = pieces_tell(file.conf, file.text->str, 5);
    g_autofree char *end = g_strdup_printf("= %u lines, %u records, ok\n", file.lines, file.records);
    if (!g_str_has_prefix(told, file.told->str) || !g_str_has_suffix(told, end))
      fail_msg("seed %u:\n%s\nis told as\n%sand not as\n%s%s", seed, file.text->str, told, file.told->str, end);
    clear_file(&file);
  }
}

static void one_changed_digit_of_any_total_is_caught(void **state) {
  (void)state;
  for (guint seed = 1; seed <= how_many() / 4; seed++) {
    File file;
    make_file(&file, seed);
    for (guint i = 0; i < file.totals->len; i++) {
      char *digit = &file.text->str[g_array_index(file.totals, gsize, i)], right = *digit;
      *digit = (char)('0' + (right - '0' + 1 + (int)random_below(&file, 9)) % 10);
      g_autofree char *told = pieces_tell(file.conf, file.text->str, 300);
      if (g_str_has_suffix(told, ", ok\n"))
        fail_msg("seed %u, total %u:\n%s", seed, i, file.text->str);
      *digit = right;
    }
    clear_file(&file);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(any_file_of_any_layout_is_read_as_what_it_was_made_of),
                                     cmocka_unit_test(one_changed_digit_of_any_total_is_caught)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
