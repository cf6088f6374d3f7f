/* Layouts of fixed width, and with several kinds of record. */
#include "tests/unit/conf/parse.h"

/* Lines 14 to 19 of the right one, written anew on as many lines. */
static const char old_layout[] = "layout \"points\" {\n"
                                 "  delimiter = \"|\"\n"
                                 "  header \"H\" { field \"day\" { type = date } }\n"
                                 "  record \"D\" { field \"member\" {} field \"points\" { type = integer } field "
                                 "\"money\" { type = decimal scale = 2 } field \"ref\" {} }\n"
                                 "  trailer \"T\" { field \"count\" { type = integer control = count } field \"total\" "
                                 "{ type = integer control = \"sum(points)\" } }\n"
                                 "}\n";

#define FIXED(top, member, trailer)                                                                            \
  "layout \"points\" {\n  type = fixed " top "\n  header \"H\" { field \"day\" { type = date bytes = 10 } }\n" \
  "  record \"D\" { field \"member\" { " member                                                                \
  " } field \"points\" { type = integer bytes = 6 } field \"ref\" { bytes = 8 } }\n"                           \
  "  trailer \"T\" { " trailer " }\n}\n"
#define COUNT "field \"count\" { type = integer bytes = 6 control = count }"

/* Two kinds of record: D and E. */
#define SEVERAL(top, second, trailer)                                                                                  \
  "layout \"points\" {\n  delimiter = \"|\" " top "\n  header \"H\" { field \"day\" { type = date } }\n"               \
  "  record \"D\" { field \"member\" {} field \"points\" { type = integer } field \"ref\" {} } record \"E\" { " second \
  " }\n"                                                                                                               \
  "  trailer \"T\" { " trailer " }\n}\n"
#define SECOND "field \"ref\" {} field \"note\" {} field \"points\" { type = integer } field \"member\" {}"
#define COUNTS "field \"count\" { type = integer control = count }"

static const Row rows[] = {
    {old_layout, FIXED("", "bytes = 12", COUNT), ""},
    {old_layout,
     FIXED("tag-bytes = 2 line-end = none charset = \"GB18030\"", "bytes = 12 align = right pad = \"0\"", COUNT), ""},
    {old_layout, FIXED("delimiter = \"|\" quote = none", "bytes = 12", COUNT),
     "15: 'delimiter' has a meaning only with type = delimited\n"
     "15: 'quote' has a meaning only with type = delimited\n"},
    {old_layout, FIXED("", "", COUNT),
     "17: 'bytes' is missing in field \"member\": how many bytes of a line the field has\n"},
    {old_layout, FIXED("", "bytes = 0 align = middle pad = \"x\" implied = yes sign = overpunch", COUNT),
     "17: 'bytes' must be a whole number from 1 to 65536\n"
     "17: 'align' must be one of: left, right\n"
     "17: 'pad' must be \"0\" or \" \"\n"
     "17: 'implied' is for type = decimal\n"
     "17: 'sign' is for type = integer or decimal\n"},
    {old_layout, FIXED("", "bytes = 12 pad = \"0\"", COUNT),
     "17: zeros at the end of a value would go with the padding: pad = \"0\" wants align = right\n"},
    {old_layout, FIXED("", "bytes = 12 align = left pad = \"0\"", COUNT),
     "17: zeros at the end of a value would go with the padding: pad = \"0\" wants align = right\n"},
    {old_layout, FIXED("", "type = enumeration values = { \"10\", \"1\" } bytes = 12 pad = \"0\"", COUNT),
     "17: zeros at the end of a value would go with the padding: pad = \"0\" wants align = right\n"
     "32: 'account': field \"member\" must be text or integer\n"},
    {old_layout,
     FIXED("", "bytes = 12", "field \"count\" { type = integer bytes = 6 align = left pad = \"0\" control = count }"),
     "18: zeros behind a number change it: pad = \"0\" wants align = right\n"},
    {old_layout, FIXED("line-limit = 64", "bytes = 60", COUNT),
     "17: this line has 75 bytes, more than the line-limit (64)\n"},
    {old_layout, FIXED("tag-bytes = 1", "bytes = 12", COUNT " } trailer \"TT\" { " COUNT),
     "18: 'trailer' stands twice in layout \"points\" (first at test.conf:18)\n"},
    {old_layout, FIXED("lines-by = position tag-bytes = 1", "bytes = 12", COUNT),
     "15: 'tag-bytes' has a meaning only with lines-by = tag\n"
     "16: warning: the tag is not looked at with lines-by = position; where the lines do begin with it, it needs a "
     "field of its own\n"
     "17: warning: the tag is not looked at with lines-by = position; where the lines do begin with it, it needs a "
     "field of its own\n"
     "18: warning: the tag is not looked at with lines-by = position; where the lines do begin with it, it needs a "
     "field of its own\n"},
    {"delimiter = \"|\"", "delimiter = \"|\" tag-bytes = 1 line-end = none",
     "15: 'tag-bytes' has a meaning only with type = fixed\n"
     "15: 'line-end': without line ends, lines are known by their length: that is for type = fixed\n"},
    {"field \"member\" {}", "field \"member\" { bytes = 3 pad = \" \" }",
     "17: 'bytes' is for layouts of type = fixed\n"
     "17: 'pad' is for layouts of type = fixed\n"},

    {old_layout, SEVERAL("", SECOND, COUNTS), ""},
    {old_layout,
     SEVERAL("", SECOND,
             "field \"count\" { type = integer control = \"count(E)\" } field \"total\" { type = integer control = "
             "\"sum( points , D )\" }"),
     ""},
    {old_layout, SEVERAL("", "field \"ref\" {} field \"points\" { type = integer }", COUNTS),
     "32: 'account': record \"E\" of layout \"points\" has no field \"member\"; every kind of record must have it\n"},
    {old_layout, SEVERAL("", "field \"member\" {} field \"points\" { type = integer }", COUNTS),
     "24: 'key': record \"E\" of layout \"points\" has no field \"ref\"; every kind of record must have it\n"},
    {old_layout,
     SEVERAL("", "field \"ref\" {} field \"points\" { type = integer optional = yes } field \"member\" {}", COUNTS),
     "32: 'amount': field \"points\" is optional; every record must have it\n"},
    {old_layout,
     SEVERAL("", "field \"ref\" {} field \"points\" { type = decimal scale = 2 } field \"member\" {}", COUNTS),
     "17: field \"points\" of record \"E\" has another type or scale than at test.conf:17: it is one column for the "
     "rules\n"},
    {old_layout, SEVERAL("", SECOND " field \"REF\" {}", COUNTS),
     "17: field \"REF\" differs from another field of this line by upper and lower case only\n"},
    {old_layout, SEVERAL("", SECOND " field \"Points\" {}", COUNTS),
     "17: field \"Points\" differs from another field of this line by upper and lower case only\n"},
    {old_layout,
     SEVERAL("",
             "field \"ref\" {} field \"points\" { type = integer } field \"member\" {} } record \"F\" { field "
             "\"MEMBER\" {} field \"ref\" {} field \"points\" { type = integer } field \"member2\" {}",
             COUNTS),
     "17: field \"MEMBER\" differs from another field of this line by upper and lower case only\n"
     "32: 'account': record \"F\" of layout \"points\" has no field \"member\"; every kind of record must have it\n"},
    {old_layout, SEVERAL("", SECOND " field \"Record_Type\" {}", COUNTS),
     "17: \"Record_Type\" is reserved: it is the column that has each record's tag\n"},
    {old_layout, SEVERAL("", SECOND, "field \"count\" { type = integer control = \"count(X)\" }"),
     "18: field \"count\": there is no record \"X\" to be counted or summed\n"},
    {old_layout, SEVERAL("", SECOND, "field \"total\" { type = integer control = \"sum(note, D)\" }"),
     "18: field \"total\": the record has no field \"note\" to sum\n"},
    {old_layout, SEVERAL("", SECOND, "field \"total\" { type = integer control = \"sum(note, E, D)\" }"),
     "18: field \"total\": \"note\" cannot be summed, it is neither integer nor decimal\n"
     "18: field \"total\": the record has no field \"note\" to sum\n"},
    {old_layout, SEVERAL("", SECOND, "field \"total\" { type = integer control = \"sum(points, D, E, D)\" }"),
     "18: 'control' names the lines of \"D\" twice\n"},
    {old_layout, SEVERAL("", SECOND, "field \"total\" { type = integer control = \"count(D, F)\" }"),
     "18: field \"total\": there is no record \"F\" to be counted or summed\n"},
    {old_layout, SEVERAL("", SECOND, "field \"total\" { type = integer control = \"sum()\" }"),
     "18: 'control' must be count or \"sum(FIELD)\" (or debits, credits, gross, net, debit-count or credit-count of "
     "it), or of the lines of a tag, \"count(TAG, …)\" or \"sum(FIELD, TAG, …)\"\n"},
    {old_layout, SEVERAL("", SECOND, "field \"total\" { type = text control = \"count(D)\" }"),
     "18: a field with control = count must have type = integer\n"},
    {old_layout, SEVERAL("", SECOND " } record \"D\" { field \"x\" {}", COUNTS),
     "17: record \"D\" stands twice in layout \"points\" (first at test.conf:17)\n"},
    {old_layout, SEVERAL("", SECOND " } record { " SECOND, COUNTS),
     "17: lines are told apart by their tag, and this one has none: write it behind the name, as record \"D\" { … }, "
     "or set lines-by = position\n"},
    {old_layout, SEVERAL("", SECOND " } record \"H\" { " SECOND, COUNTS),
     "17: the tag \"H\" stands for two kinds of line\n"},
    {"key = \"ref\"", "key = \"ref\" business-date = \"day\" process { }",
     "24: 'process' needs a name: process \"…\" { … }\n"},
    {"  record \"D\" { field \"member\" {} field \"points\" { type = integer } field \"money\" { type = decimal scale "
     "= 2 } field \"ref\" {} }\n",
     "", "14: 'record' is missing in layout \"points\": what a line of data holds\n"},
};

static void what_a_layout_says_wrongly_is_told(void **state) {
  (void)state;
  check_rows(rows, G_N_ELEMENTS(rows));
}

static const ConfField *field_of(const ConfLine *line, const char *name) {
  for (guint i = 0; i < line->fields->len; i++) {
    const ConfField *field = line->fields->pdata[i];
    if (strcmp(field->name, name) == 0)
      return field;
  }
  fail_msg("no field %s", name);
  return NULL;
}

static void fields_of_fixed_width_are_placed_by_their_type(void **state) {
  (void)state;
  Conf *conf = build_with(old_layout, FIXED("", "bytes = 12",
                                            COUNT " field \"sum\" { type = decimal scale = 2 bytes = 9 implied = yes "
                                                  "sign = overpunch align = right pad = \" \" }"));
  const ConfLayout *layout = conf_layout(conf, "points");
  assert_int_equal(layout->kind, CONF_LAYOUT_FIXED);
  assert_null(layout->delimiter);
  assert_int_equal(layout->tag_bytes, 0);
  const ConfField *member = field_of(&layout->record, "member"), *points = field_of(&layout->record, "points"),
                  *sum = field_of(&layout->trailer, "sum");
  assert_int_equal(member->bytes, 12);
  assert_true(!member->align_right && member->pad == ' ');
  assert_true(points->align_right && points->pad == '0' && !points->implied && points->sign == CONF_SIGN_PLAIN);
  assert_true(sum->align_right && sum->pad == ' ' && sum->implied && sum->sign == CONF_SIGN_OVERPUNCH);
  conf_free(conf);
}

static void several_kinds_of_record_are_one_table(void **state) {
  (void)state;
  Conf *conf = build_with(old_layout, SEVERAL("",
                                              "field \"kind\" { type = enumeration values = { \"x\" } } " SECOND
                                              " } record \"F\" { field \"kind\" { type = enumeration values = { \"y\", "
                                              "\"x\" } optional = yes mask = yes } " SECOND,
                                              "field \"count\" { type = integer control = \"count(E)\" } field "
                                              "\"total\" { type = integer control = \"sum( points , D )\" }"));
  const ConfLayout *layout = conf_layout(conf, "points");
  assert_int_equal(layout->records->len, 3);
  const ConfLine *second = layout->records->pdata[1];
  assert_string_equal(second->tag, "E");
  assert_int_equal(second->fields->len, 5);
  static const char *const names[] = {"member", "points", "ref", "kind", "note"};
  assert_int_equal(layout->record.fields->len, G_N_ELEMENTS(names));
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    assert_string_equal(((const ConfField *)layout->record.fields->pdata[i])->name, names[i]);
  assert_false(field_of(&layout->record, "ref")->optional);
  assert_true(field_of(&layout->record, "note")->optional);
  assert_false(field_of(second, "note")->optional);
  const ConfField *kind = field_of(&layout->record, "kind");
  assert_true(kind->optional && kind->mask);
  assert_string_equal(kind->values[0], "x");
  assert_string_equal(kind->values[1], "y");
  assert_null(kind->values[2]);
  assert_string_equal(field_of(&layout->trailer, "count")->control_lines[0], "E");
  assert_string_equal(field_of(&layout->trailer, "total")->control_field, "points");
  assert_string_equal(field_of(&layout->trailer, "total")->control_lines[0], "D");
  conf_free(conf);
}

static void one_kind_of_record_is_the_same_in_both_places(void **state) {
  (void)state;
  Conf *conf = build_with("", "");
  const ConfLayout *layout = conf_layout(conf, "points");
  assert_int_equal(layout->records->len, 1);
  const ConfLine *only = layout->records->pdata[0];
  assert_string_equal(only->tag, layout->record.tag);
  assert_int_equal(only->fields->len, layout->record.fields->len);
  /* each frees its own */
  assert_true(only->fields->pdata[0] != layout->record.fields->pdata[0]);
  conf_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_layout_says_wrongly_is_told),
      cmocka_unit_test(fields_of_fixed_width_are_placed_by_their_type),
      cmocka_unit_test(several_kinds_of_record_are_one_table),
      cmocka_unit_test(one_kind_of_record_is_the_same_in_both_places),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
