/* Records as rows of a reference table: keys, contents, and when rows begin and end in partners' zones. */
#include "gateway/processors/reference/shape.h"
#include "tests/unit/gateway/records/layouts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MEMBERS = 6 }; /* of a record */
static const char record_words[] = "D product:text rate:dec=2 from:text? until:text? what:text? note:text?";

/* A text of "code" for what is refused, and else "key content start finish", the times in UTC. */
static char *row_of(const char *zone, ConfUntil until, const char *const values[MEMBERS]) {
  ConfLayout *conf = layouts_conf("|", NULL, record_words, NULL);
  g_autoptr(GError) error = NULL;
  Layout *layout = layout_new(conf, &error);
  assert_non_null(layout);
  char *key[] = {(char[]){"product"}, NULL}, *valid[] = {(char[]){"from"}, (char[]){"until"}, NULL};
  ConfReference reference = {.name = (char[]){"rates"},
                             .key = key,
                             .valid = valid,
                             .until = until,
                             .time_zone = (char *)(gpointer)zone,
                             .operation = (char[]){"what"}};
  g_autoptr(ReferenceShape) shape = reference_shape_new(&reference, layout, &error);
  assert_non_null(shape);
  const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT, BLOCK_TEXT, BLOCK_TEXT, BLOCK_TEXT};
  RecordBlock *block = record_block_new(1, types, MEMBERS);
  record_block_begin(block, 7);
  for (guint i = 0; i < MEMBERS; i++)
    if (values[i] && types[i] == BLOCK_INTEGER)
      record_block_put_integer(block, i, g_ascii_strtoll(values[i], NULL, 10));
    else if (values[i])
      record_block_put_text(block, i, values[i], strlen(values[i]));
  record_block_end(block);
  ReferenceRow row;
  const char *code = NULL;
  g_autofree char *reason = NULL;
  char *told;
  if (reference_shape_row(shape, block, 0, &row, &code, &reason)) {
    g_autoptr(GDateTime) start = g_date_time_new_from_unix_utc(row.start / G_USEC_PER_SEC),
                         finish = g_date_time_new_from_unix_utc(row.finish / G_USEC_PER_SEC);
    g_autofree char *since = row.start == REFERENCE_SINCE_EVER ? g_strdup("ever") : g_date_time_format_iso8601(start),
                    *ends = row.finish == REFERENCE_FOR_EVER ? g_strdup("ever") : g_date_time_format_iso8601(finish);
    told = g_strdup_printf("%s %s %s %s", row.key, row.content ? row.content : "-", since, ends);
  } else {
    assert_non_null(strstr(reason, "line 7: "));
    told = g_strdup(code);
  }
  record_block_free(block);
  layout_free(layout);
  layouts_free(conf);
  return told;
}

static void a_record_is_a_row_in_the_time_of_its_zone(void **state) {
  (void)state;
  const struct {
    const char *zone;
    ConfUntil until;
    const char *values[MEMBERS], *row;
  } cases[] = {
      /* billing's own numbers: valid on 2026-11-30 in Shanghai is before 2026-12-01T00:00 there */
      {"Asia/Shanghai", CONF_UNTIL_INCLUSIVE_DAY, {"P", "25", "2026-01-01", "2026-11-30", NULL, "x"},
       "[\"P\"] [\"0.25\",\"x\"] 2025-12-31T16:00:00Z 2026-11-30T16:00:00Z"},
      {"Asia/Shanghai", CONF_UNTIL_EXCLUSIVE, {"P", "25", "2026-01-01", "2026-11-30"},
       "[\"P\"] [\"0.25\",null] 2025-12-31T16:00:00Z 2026-11-29T16:00:00Z"},
      {"Asia/Shanghai", CONF_UNTIL_EXCLUSIVE, {"P", "25", "2026-11-30T23:59:59+08:00", NULL},
       "[\"P\"] [\"0.25\",null] 2026-11-30T15:59:59Z ever"},
      {"UTC", CONF_UNTIL_INCLUSIVE_DAY, {"P", "-25", NULL, NULL}, "[\"P\"] [\"-0.25\",null] ever ever"},
      /* Berlin's days of 23 and of 25 hours */
      {"Europe/Berlin", CONF_UNTIL_INCLUSIVE_DAY, {"P", "1", "2026-03-29", "2026-03-29"},
       "[\"P\"] [\"0.01\",null] 2026-03-28T23:00:00Z 2026-03-29T22:00:00Z"},
      {"Europe/Berlin", CONF_UNTIL_INCLUSIVE_DAY, {"P", "1", "2026-10-25", "2026-10-25"},
       "[\"P\"] [\"0.01\",null] 2026-10-24T22:00:00Z 2026-10-25T23:00:00Z"},
      {"Europe/Berlin", CONF_UNTIL_EXCLUSIVE, {"P", "1", "2026-03-29T02:30:00", NULL}, "R002"}, /* never */
      {"Europe/Berlin", CONF_UNTIL_EXCLUSIVE, {"P", "1", "2026-10-25T02:30:00", NULL}, "R002"}, /* twice */
      {"Europe/Berlin", CONF_UNTIL_EXCLUSIVE, {"P", "1", "2026-10-25T02:30:00+02:00", NULL},
       "[\"P\"] [\"0.01\",null] 2026-10-25T00:30:00Z ever"},
      /* what ends before it begins, or as it begins */
      {"UTC", CONF_UNTIL_EXCLUSIVE, {"P", "1", "2026-03-02", "2026-03-02"}, "R002"},
      {"UTC", CONF_UNTIL_INCLUSIVE_DAY, {"P", "1", "2026-03-02", "2026-03-01"}, "R002"},
      {"UTC", CONF_UNTIL_EXCLUSIVE, {"P", "1", "soon", NULL}, "R002"},
      /* a removal has a key and a beginning; its end is not looked at */
      {"UTC", CONF_UNTIL_EXCLUSIVE, {"P", "1", "2026-03-02", "2026-03-01", "remove"},
       "[\"P\"] - 2026-03-02T00:00:00Z ever"},
      {"UTC", CONF_UNTIL_EXCLUSIVE, {"P", "1", NULL, NULL, "burn"}, "R009"},
      {"UTC", CONF_UNTIL_EXCLUSIVE, {"P\"|,", "1", NULL, NULL, "put"}, "[\"P\\\"|,\"] [\"0.01\",null] ever ever"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *told = row_of(cases[i].zone, cases[i].until, cases[i].values);
    if (strcmp(told, cases[i].row) != 0)
      fail_msg("case %u: %s, and not %s", i, told, cases[i].row);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_record_is_a_row_in_the_time_of_its_zone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
