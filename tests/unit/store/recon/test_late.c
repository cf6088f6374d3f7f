/* What was decided since the last look, and how far was looked. */
#include "store/book_recon_late.h"
#include "tests/unit/store/book/book_fixture.h"

static char *told(BookReader *reader, gint64 after, gint64 until, guint limit) {
  GString *text = g_string_new(NULL);
  g_autoptr(GPtrArray) files = recon_decided_files(reader, after, until, limit, NULL);
  assert_non_null(files);
  for (guint i = 0; i < files->len; i++) {
    const ReconDecided *decided = files->pdata[i];
    assert_true(decided->sequence > after && decided->sequence <= until);
    g_string_append_printf(text, "%s%s:%s%s", i ? " " : "", decided->name, decided->business_date,
                           decided->is_posted ? "" : ":not");
  }
  return g_string_free(text, FALSE);
}

static void files_come_in_the_order_in_which_they_were_decided(void **state) {
  Fixture *f = *state;
  static const char *const names[] = {"a", "b", "c", "d"};
  BookFile *files[4];
  for (guint i = 0; i < 4; i++) {
    files[i] = make_file("points", names[i]);
    files[i]->seen_at = G_GINT64_CONSTANT(1732060800000000); /* 2024-11-20 */
    add_file(f->book, files[i]);
  }
  files[1]->business_date = g_strdup("2024-11-19");
  advance_to(f->book, files[2], FILE_POSTED);
  advance_to(f->book, files[1], FILE_POSTED);
  advance_to(f->book, files[0], FILE_FETCHED);
  advance(f->book, files[0], FILE_REJECTED);
  advance_to(f->book, files[3], FILE_STAGED); /* not decided */
  g_autoptr(BookReader) reader = open_reader(f);
  gint64 top;
  assert_true(recon_audit_top(reader, &top, NULL));
  g_autofree char *all = told(reader, 0, top, 100), *two = told(reader, 0, top, 2), *none = told(reader, top, top, 100);
  assert_string_equal(all, "c:2024-11-20 b:2024-11-19 a:2024-11-20:not");
  assert_string_equal(two, "c:2024-11-20 b:2024-11-19");
  assert_string_equal(none, "");
  for (guint i = 0; i < 4; i++)
    book_file_free(files[i]);
}

static gboolean set_change(BookTransaction *tx, gpointer data, GError **error) {
  return recon_set_late_seen(tx, *(gint64 *)data, error);
}
static gboolean back_change(BookTransaction *tx, gpointer data, GError **error) {
  return recon_look_again_from(tx, *(gint64 *)data, error);
}

static gint64 seen(BookReader *reader) {
  gint64 sequence;
  assert_true(recon_late_seen(reader, &sequence, NULL));
  return sequence;
}

static void how_far_was_looked_goes_back_and_never_on_by_itself(void **state) {
  Fixture *f = *state;
  g_autoptr(BookReader) reader = open_reader(f);
  static const struct {
    BookChange change;
    gint64 to, seen;
  } table[] = {{back_change, 5, -1}, {set_change, 0, 0},       {set_change, 1000, 1000}, {back_change, 2000, 1000},
               {back_change, 900, 900}, {set_change, 1001, 1001}, {back_change, 0, 0}};
  assert_int_equal(seen(reader), -1);
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    gint64 to = table[i].to;
    assert_true(book_write(f->book, table[i].change, &to, NULL));
    assert_int_equal(seen(reader), table[i].seen);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {TEST(files_come_in_the_order_in_which_they_were_decided),
                                     TEST(how_far_was_looked_goes_back_and_never_on_by_itself)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
