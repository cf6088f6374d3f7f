/* Keys of several fields, and keys that hold within a file or a day: a column that is composed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "gateway/records/stage.h"
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>
#include <glib/gstdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char *const TWO[] = {(char *)(gsize) "shop", (char *)(gsize) "n", NULL};

static ConfFeed feed_of(ConfKeyScope scope, const char *date) {
  return (ConfFeed){.key = (char *)(gsize)CONF_KEY_COLUMN,
                    .key_fields = (char **)(gsize)TWO,
                    .key_scope = scope,
                    .business_date = (char *)(gsize)date};
}

/* One key a line, "-" where there is none. */
static char *keys_of(ConfLayout *conf, const ConfFeed *feed, const char *text, gsize wanted, const char *scope) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Layout) layout = layout_new(conf, &error);
  assert_non_null(layout);
  assert_true(layout_set_key(layout, feed, &error));
  LayoutChunk *chunk = layout_chunk_new(layout);
  LayoutTotals *totals = layout_totals_new(layout);
  GString *keys = g_string_new(NULL);
  guint column = (guint)layout_column(layout, CONF_KEY_COLUMN);
  gsize length = strlen(text);
  for (gsize offset = 0, end; offset < length; offset = end) {
    end = layout_next_chunk(layout, (const guint8 *)text, length, offset, wanted);
    LayoutSpan span = {(const guint8 *)text, offset, end, offset == 0, end == length, FALSE, NULL};
    layout_parse(layout, &span, chunk);
    layout_totals_add(totals, chunk);
    layout_compose_keys(layout, chunk, scope);
    for (guint i = 0; i < chunk->block->count; i++) {
      gsize n;
      const char *key = record_block_text(chunk->block, column, i, &n);
      g_string_append_len(keys, record_block_is_null(chunk->block, column, i) ? "-" : key,
                          record_block_is_null(chunk->block, column, i) ? 1 : (gssize)n);
      g_string_append_c(keys, '\n');
    }
  }
  layout_totals_free(totals);
  layout_chunk_free(chunk);
  return g_string_free(keys, FALSE);
}

static void expect(ConfLayout *conf, ConfKeyScope scope, const char *date, const char *bound, const char *text,
                   const char *wanted) {
  ConfFeed feed = feed_of(scope, date);
  for (gsize at_once = 1; at_once < 500; at_once *= 4) {
    g_autofree char *keys = keys_of(conf, &feed, text, at_once, bound);
    assert_string_equal(keys, wanted);
  }
  layouts_free(conf);
}

static ConfLayout *shops(void) {
  return layouts_conf("|", NULL, "D shop:text n:int day:time?", NULL);
}

static void two_fields_make_one_key_and_no_two_lists_the_same(void **state) {
  (void)state;
  expect(shops(), CONF_KEY_EVER, NULL, NULL, "D|A|007|\nD|x|-1|\nD|a/1|2|\nD|a\\/1|2|\nD|B|x|\nD||2|\n",
         "A/7\nx/-1\na\\/1/2\na\\\\\\/1/2\n-\n-\n");
}

/* Of all the short texts of the bytes that keys are joined with: 39 * 39 pairs, and as many keys. */
static void no_two_pairs_of_texts_make_the_same_key(void **state) {
  (void)state;
  static const char bytes[] = "a/\\";
  g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
  for (guint length = 1, all = 3; length <= 3; length++, all *= 3)
    for (guint i = 0; i < all; i++) {
      char text[4] = "";
      for (guint j = 0, rest = i; j < length; j++, rest /= 3)
        text[j] = bytes[rest % 3];
      g_ptr_array_add(texts, g_strdup(text));
    }
  g_autoptr(GString) file = g_string_new(NULL);
  for (guint i = 0; i < texts->len; i++)
    for (guint j = 0; j < texts->len; j++)
      g_string_append_printf(file, "D|%s|%s\n", (char *)texts->pdata[i], (char *)texts->pdata[j]);
  ConfLayout *conf = layouts_conf("|", NULL, "D shop:text n:text", NULL);
  ConfFeed feed = feed_of(CONF_KEY_EVER, NULL);
  g_autofree char *told = keys_of(conf, &feed, file->str, file->len, NULL);
  g_auto(GStrv) keys = g_strsplit(told, "\n", -1);
  g_autoptr(GHashTable) distinct = g_hash_table_new(g_str_hash, g_str_equal);
  for (char **key = keys; **key; key++)
    g_hash_table_add(distinct, *key);
  assert_int_equal(g_hash_table_size(distinct), 39 * 39);
  assert_false(g_hash_table_contains(distinct, "-"));
  layouts_free(conf);
}

static void a_key_is_bounded_by_its_file_or_its_day(void **state) {
  (void)state;
  expect(shops(), CONF_KEY_FILE, NULL, "F-17", "D|A|7|\nD|B|8|\n", "F-17/A/7\nF-17/B/8\n");
  expect(shops(), CONF_KEY_BUSINESS_DAY, NULL, "2026-11-20", "D|A|7|\n", "2026-11-20/A/7\n");
  expect(shops(), CONF_KEY_BUSINESS_DAY, "day", "2026-11-20",
         "D|A|7|2026-11-21T23:59:00Z\nD|A|7|\nD|A|7|2026-11-22T00:00:00Z\n", "2026-11-21/A/7\n-\n2026-11-22/A/7\n");
}

/* More is passed over before the header than is read at once. */
static void the_day_is_the_headers_however_late_it_comes(void **state) {
  (void)state;
  static const char *const beginnings[] = {"#", NULL};
  ConfLayout *conf = layouts_conf("|", "H day:date", "D shop:text n:int", NULL);
  conf->pass_over = (ConfPassOver){.present = TRUE, .beginning = (char **)(gsize)beginnings};
  ConfFeed feed = feed_of(CONF_KEY_BUSINESS_DAY, "day");
  g_autoptr(GError) error = NULL;
  g_autoptr(Layout) layout = layout_new(conf, &error);
  assert_true(layout_set_key(layout, &feed, &error));
  g_autoptr(GString) text = g_string_new(NULL);
  while (text->len < 2 * 1024 * 1024)
    g_string_append_printf(text, "# %0100d\n", 0);
  g_string_append(text, "H|2026-11-21\nD|A|7\n");
  int fd = memfd_create("plain", 0);
  assert_int_equal(write(fd, text->str, text->len), text->len);
  g_autofree char *folder = g_dir_make_tmp("test-XXXXXX", NULL), *path = g_build_filename(folder, "staging.db", NULL);
  StageOptions options = {.layout = layout,
                          .plaintext = fd,
                          .path = path,
                          .arrival = day_of(2026, 11, 25),
                          .key_scope = CONF_KEY_BUSINESS_DAY,
                          .threads = 2};
  Staged staged = {0};
  assert_true(stage_plaintext(&options, "day", &staged, &error));
  assert_string_equal(staged.business_date, "2026-11-21");
  StagingReader *reader = staging_reader_open(path, &error);
  RecordBlock *block = staging_block_new(reader, 1);
  assert_true(staging_read(reader, 1, 1, block, &error));
  gsize length;
  const char *key = record_block_text(block, (guint)layout_column(layout, CONF_KEY_COLUMN), 0, &length);
  g_autofree char *told = g_strndup(key, length);
  assert_string_equal(told, "2026-11-21/A/7");
  record_block_free(block);
  staging_reader_close(reader);
  staging_remove(path);
  staged_clear(&staged);
  g_rmdir(folder);
  close(fd);
  layouts_free(conf);
}

/* Of the group that a chunk begins in, nothing is known before the chunks before it are. */
static void a_part_of_it_may_be_said_by_the_groups_header(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D n:int text:text?", NULL);
  layouts_group(conf, "batch", "B shop:text", NULL);
  layouts_beside(&conf->addenda, "C text:text");
  expect(conf, CONF_KEY_EVER, NULL, NULL, "B|one\nD|1|\nD|2|\nC|x\nD|3|\nB|two\nD|1|\n",
         "one/1\none/2\none/3\ntwo/1\n");
}

static void of_several_kinds_of_record_each_has_it(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D shop:text n:int", NULL);
  layouts_record(conf, "E n:int other:text? shop:text");
  expect(conf, CONF_KEY_EVER, NULL, NULL, "D|A|1\nE|2||B\nX|1\n", "A/1\nB/2\n-\n");
}

static void a_field_that_is_not_there_is_refused(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  ConfLayout *conf = layouts_conf("|", NULL, "D shop:text", NULL);
  g_autoptr(Layout) layout = layout_new(conf, &error);
  ConfFeed feed = feed_of(CONF_KEY_EVER, NULL);
  assert_false(layout_set_key(layout, &feed, &error));
  assert_string_equal(error->message, "key: the record has no field \"n\"");
  layouts_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_fields_make_one_key_and_no_two_lists_the_same),
      cmocka_unit_test(no_two_pairs_of_texts_make_the_same_key),
      cmocka_unit_test(a_key_is_bounded_by_its_file_or_its_day),
      cmocka_unit_test(the_day_is_the_headers_however_late_it_comes),
      cmocka_unit_test(a_part_of_it_may_be_said_by_the_groups_header),
      cmocka_unit_test(of_several_kinds_of_record_each_has_it),
      cmocka_unit_test(a_field_that_is_not_there_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
