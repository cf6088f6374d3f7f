#include "gateway/flow/admission/admit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const gint64 second = G_USEC_PER_SEC;

static GBytes *bytes(const char *text) {
  return g_bytes_new(text, strlen(text));
}

static GHashTable *listing(const char *first, const char *other) {
  GHashTable *names = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  g_hash_table_add(names, bytes(first));
  if (other)
    g_hash_table_add(names, bytes(other));
  return names;
}

static gboolean is_candidate(const ConfSourceFolder *source, const char *text) {
  g_autoptr(GBytes) name = bytes(text);
  return admit_is_candidate(source, name);
}

/* Looks at a file of these sizes, one look a second, and says at which look it was admitted (from 1); 0: never. */
static guint admitted_at(const ConfSourceFolder *source, const guint64 *sizes, guint n, gint64 modified) {
  g_autoptr(GBytes) name = bytes("a.pgp");
  g_autoptr(GHashTable) names = listing("a.pgp", NULL);
  Look look = {0};
  for (guint i = 0; i < n; i++) {
    CourierEntry entry = {.name = name, .size = sizes[i], .modified = modified, .is_file = TRUE};
    look_update(&look, &entry, (i + 1) * second, i);
    g_autofree char *evidence = admit_evidence(source, name, &look, names, (i + 1) * second);
    if (evidence)
      return i + 1;
  }
  return 0;
}

static void a_file_without_its_marker_is_not_admitted(void **state) {
  (void)state;
  ConfSourceFolder source = {.match = (char *)"*", .ready = CONF_READY_MARKER, .marker = (char *)"{name}.ok"};
  Look look = {.looks = 9, .size = 5, .since = 0};
  g_autoptr(GBytes) name = bytes("a.pgp");
  g_autoptr(GHashTable) alone = listing("a.pgp", "b.pgp.ok"), with_marker = listing("a.pgp", "a.pgp.ok");
  assert_null(admit_evidence(&source, name, &look, alone, 100 * second));
  g_autofree char *evidence = admit_evidence(&source, name, &look, with_marker, 100 * second);
  assert_non_null(strstr(evidence, "\"marker\":\"a.pgp.ok\""));
}

static void a_marker_by_stem_belongs_to_the_name_before_the_first_dot(void **state) {
  (void)state;
  ConfSourceFolder source = {.match = (char *)"*", .ready = CONF_READY_MARKER, .marker = (char *)"{stem}.done"};
  g_autoptr(GBytes) name = bytes("POINTS_1.dat.pgp");
  g_autoptr(GBytes) marker = admit_companion(&source, COMPANION_MARKER, name), wanted = bytes("POINTS_1.done");
  assert_true(g_bytes_equal(marker, wanted));
}

static void a_marker_is_never_taken_for_a_file(void **state) {
  (void)state;
  ConfSourceFolder source = {.match = (char *)"*", .ready = CONF_READY_MARKER, .marker = (char *)"{name}.ok"};
  assert_true(is_candidate(&source, "a.pgp"));
  assert_false(is_candidate(&source, "a.pgp.ok"));
}

static void names_still_being_written_and_hidden_names_are_passed_over(void **state) {
  (void)state;
  char *temporary[] = {(char *)"*.tmp", (char *)"*.filepart", NULL};
  ConfSourceFolder source = {.match = (char *)"*", .ready = CONF_READY_RENAME, .temporary = temporary};
  assert_false(is_candidate(&source, "a.tmp"));
  assert_false(is_candidate(&source, "a.pgp.filepart"));
  assert_false(is_candidate(&source, ".a.pgp"));
  assert_true(is_candidate(&source, "a.pgp"));
}

static void a_stable_file_is_admitted_after_the_looks_asked_for(void **state) {
  (void)state;
  ConfSourceFolder source = {.match = (char *)"*", .ready = CONF_READY_STABLE, .looks = 3};
  const guint64 sizes[] = {10, 10, 10, 10};
  assert_int_equal(admitted_at(&source, sizes, 4, 1), 3);
}

static void a_trickling_upload_with_a_preserved_time_stamp_is_not_admitted_early(void **state) {
  (void)state;
  ConfSourceFolder stable = {.match = (char *)"*", .ready = CONF_READY_STABLE, .looks = 3};
  ConfSourceFolder old = {.match = (char *)"*", .ready = CONF_READY_AGE, .least_age = 3};
  const guint64 sizes[] = {1, 2, 3, 4, 5, 6, 7, 7, 7, 7};
  assert_int_equal(admitted_at(&stable, sizes, 10, 12345), 9);
  assert_int_equal(admitted_at(&old, sizes, 10, 12345), 10);
}

static void the_least_age_is_asked_in_addition(void **state) {
  (void)state;
  ConfSourceFolder source = {.match = (char *)"*", .ready = CONF_READY_RENAME, .least_age = 2};
  const guint64 sizes[] = {4, 4, 4, 4};
  assert_int_equal(admitted_at(&source, sizes, 4, 1), 3);
}

static void what_cannot_matter_to_a_feed_is_passed_over(void **state) {
  (void)state;
  ConfSourceFolder source = {
      .match = (char *)"POINTS_*.pgp", .ready = CONF_READY_MARKER, .marker = (char *)"{stem}.ok"};
  assert_true(admit_is_relevant(&source, "POINTS_1.pgp"));
  assert_true(admit_is_relevant(&source, "POINTS_1.ok"));
  assert_false(admit_is_relevant(&source, "MILES_1.pgp"));
  source.ready = CONF_READY_RENAME;
  assert_false(admit_is_relevant(&source, "POINTS_1.ok"));
}

static void a_file_with_a_detached_signature_waits_for_it_and_neither_is_taken_for_the_other(void **state) {
  (void)state;
  ConfSourceFolder source = {.match = (char *)"*",
                             .ready = CONF_READY_AGE,
                             .envelope = CONF_ENVELOPE_DETACHED,
                             .signature = (char *)"{name}.sig"};
  Look look = {.looks = 9, .size = 5};
  g_autoptr(GBytes) name = bytes("a.pgp");
  g_autoptr(GHashTable) alone = listing("a.pgp", "b.pgp.sig"), signed_too = listing("a.pgp", "a.pgp.sig");
  assert_null(admit_evidence(&source, name, &look, alone, 100 * second));
  g_autofree char *missing = NULL, *none = NULL;
  assert_int_equal(admit_missing(&source, name, &look, alone, 100 * second, &missing), FILE_WAIT_SIGNATURE);
  assert_int_equal(admit_missing(&source, name, &look, signed_too, 100 * second, &none), FILE_WAIT_NOTHING);
  assert_string_equal(missing, "a.pgp.sig");
  assert_null(none);
  g_autofree char *evidence = admit_evidence(&source, name, &look, signed_too, 100 * second);
  assert_non_null(evidence);
  assert_false(is_candidate(&source, "a.pgp.sig"));
  assert_true(admit_is_relevant(&source, "a.pgp.sig"));
}

static void a_declaration_is_beside_its_file_or_an_index_of_many(void **state) {
  (void)state;
  ConfSourceFolder source = {
      .match = (char *)"*", .ready = CONF_READY_DECLARED, .declared = {.present = TRUE, .file = (char *)"{stem}.md5"}};
  g_autoptr(GBytes) name = bytes("a.b.pgp"), index = bytes("INDEX_1.txt"), other = bytes("A.txt");
  g_autoptr(GBytes) beside = admit_companion(&source, COMPANION_DECLARATION, name), wanted = bytes("a.md5");
  assert_true(g_bytes_equal(beside, wanted));
  assert_false(admit_is_index(&source, index));
  assert_false(is_candidate(&source, "x.md5"));
  source.declared.file = (char *)"INDEX_*";
  assert_null(admit_companion(&source, COMPANION_DECLARATION, name));
  assert_true(admit_is_index(&source, index));
  assert_false(admit_is_index(&source, other));
  assert_false(is_candidate(&source, "INDEX_1.txt"));
  assert_true(admit_is_relevant(&source, "INDEX_1.txt"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_without_its_marker_is_not_admitted),
      cmocka_unit_test(a_marker_by_stem_belongs_to_the_name_before_the_first_dot),
      cmocka_unit_test(a_marker_is_never_taken_for_a_file),
      cmocka_unit_test(names_still_being_written_and_hidden_names_are_passed_over),
      cmocka_unit_test(a_stable_file_is_admitted_after_the_looks_asked_for),
      cmocka_unit_test(a_trickling_upload_with_a_preserved_time_stamp_is_not_admitted_early),
      cmocka_unit_test(the_least_age_is_asked_in_addition),
      cmocka_unit_test(what_cannot_matter_to_a_feed_is_passed_over),
      cmocka_unit_test(a_file_with_a_detached_signature_waits_for_it_and_neither_is_taken_for_the_other),
      cmocka_unit_test(a_declaration_is_beside_its_file_or_an_index_of_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
