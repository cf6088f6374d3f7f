#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/recon/manifest.h"
#include <string.h>
#include <cmocka.h>

#define MD5 "0123456789abcdef0123456789abcdef"
#define SHA256 MD5 MD5

static void add_shard(ReconManifest *manifest, guint64 records, gint64 total) {
  ReconManifestShard *shard = g_new0(ReconManifestShard, 1);
  shard->number = manifest->shards->len + 1;
  shard->name = g_strdup_printf("points_2026-11-20_%04u.csv", shard->number);
  shard->url = g_strdup_printf("https://gw.example/v1/objects/%032u", shard->number);
  shard->size = shard->plain_size = 1000;
  shard->md5 = g_strdup(MD5);
  shard->sha256 = g_strdup(SHA256);
  shard->plain_sha256 = g_strdup(SHA256);
  shard->records = records;
  shard->total = total;
  g_ptr_array_add(manifest->shards, shard);
  manifest->records += records;
  manifest->total += total;
}

static ReconManifest *sample(void) {
  ReconManifest *manifest = recon_manifest_new();
  manifest->requester = g_strdup("acme-bank");
  manifest->type = g_strdup("points \"x\"\\");
  manifest->period = g_strdup("2026-11-20");
  manifest->version = 2;
  manifest->made_at = 1795309203;
  manifest->columns = g_strsplit("key,account,amount", ",", 0);
  manifest->amount = g_strdup("amount");
  manifest->scale = 2;
  manifest->delimiter = g_strdup("\t");
  manifest->charset = g_strdup("UTF-8");
  manifest->line_end = g_strdup("lf");
  manifest->header_line = TRUE;
  manifest->threshold = 5000;
  add_shard(manifest, 5000, 123450);
  add_shard(manifest, 5000, -5);
  add_shard(manifest, 1, 7);
  return manifest;
}

static ReconManifest *read_back(const char *text, char **why) {
  g_autoptr(GError) error = NULL;
  ReconManifest *manifest = recon_manifest_from_json(text, strlen(text), &error);
  *why = error ? g_strdup(error->message) : NULL;
  return manifest;
}

static void what_is_written_is_read_back_and_written_again_the_same(void **state) {
  (void)state;
  g_autoptr(ReconManifest) manifest = sample();
  g_autoptr(GString) first = g_string_new(NULL), second = g_string_new(NULL);
  g_autofree char *why = NULL;
  recon_manifest_to_json(manifest, first);
  g_autoptr(ReconManifest) again = read_back(first->str, &why);
  if (!again)
    fail_msg("%s in %s", why, first->str);
  recon_manifest_to_json(again, second);
  assert_string_equal(first->str, second->str);
  assert_int_equal(again->total, 123452);
  assert_string_equal(((ReconManifestShard *)again->shards->pdata[2])->name, "points_2026-11-20_0003.csv");
}

static void a_version_that_adds_to_another_says_so(void **state) {
  (void)state;
  g_autoptr(ReconManifest) manifest = sample();
  g_autoptr(GString) json = g_string_new(NULL);
  g_autofree char *why = NULL, *of_itself = NULL;
  manifest->supplements = 1;
  recon_manifest_to_json(manifest, json);
  assert_non_null(strstr(json->str, "\"version\": 2,\n  \"supplements\": 1,\n"));
  g_autoptr(ReconManifest) again = read_back(json->str, &why);
  assert_int_equal(again->supplements, 1);
  g_string_replace(json, "\"supplements\": 1", "\"supplements\": 2", 1);
  assert_null(read_back(json->str, &of_itself));
  assert_string_equal(of_itself, "manifest: it supplements no earlier version");
}

static void a_period_without_records_has_a_manifest_without_shards(void **state) {
  (void)state;
  g_autoptr(ReconManifest) manifest = sample();
  g_autoptr(GString) json = g_string_new(NULL);
  g_autofree char *why = NULL;
  g_ptr_array_set_size(manifest->shards, 0);
  manifest->records = 0;
  manifest->total = 0;
  recon_manifest_to_json(manifest, json);
  g_autoptr(ReconManifest) again = read_back(json->str, &why);
  assert_non_null(again);
  assert_int_equal(again->shards->len, 0);
}

static void every_member_must_be_there_once_and_no_other(void **state) {
  (void)state;
  static const char *const edits[][2] = {
      {"\"version\": 2", "\"version\": 2, \"version\": 2"},
      {"\"version\": 2", "\"verzion\": 2"},
      {"\"version\": 2", "\"version\": 0"},
      {"\"version\": 2", "\"version\": \"2\""},
      {"\"version\": 2", "\"version\": 2, \"more\": 1"},
      {"manifest-1", "manifest-2"},
      {"\"header_line\": true", "\"header_line\": 1"},
      {"\"period\": \"2026-11-20\"", "\"period\": \"2026-11-2\""},
      {"\"period\": \"2026-11-20\"", "\"period\": \"../../etc/\""},
      {"\"scale\": 2", "\"scale\": 19"},
      {"\"scale\": 2", "\"scale\": 1"},
      {"\"total\": \"1234.52\"", "\"total\": \"1234.53\""},
      {"\"total\": \"1234.52\"", "\"total\": \"01234.52\""},
      {"\"total\": \"1234.52\"", "\"total\": 1234.52"},
      {"\"total\": \"1234.52\"", "\"total\": null"},
      {"\"records\": 10001", "\"records\": 10002"},
      {"\"records\": 10001", "\"records\": -1"},
      {"\"number\": 2", "\"number\": 3"},
      {"\"of\": 3", "\"of\": 4"},
      {"20_0002.csv", "20_0001.csv"},
      {"points_2026-11-20_0002.csv", "../0002.csv"},
      {"points_2026-11-20_0002.csv", ".0002.csv"},
      {"points_2026-11-20_0002.csv", "a\\u0000b"},
      {"\"md5\": \"01", "\"md5\": \"0G"},
      {"\"sha256\": \"01", "\"sha256\": \"0"},
      {"\"plain_size\": 1000", "\"plain_size\": 1001"},
      {"\"amount\": \"amount\"", "\"amount\": \"key2\""},
      {"\"compression\": \"none\"", "\"compression\": \"rar\""},
      {"\"threshold\": 5000", "\"threshold\": 4999"},
      {"\"threshold\": 5000", "\"threshold\": 5001"},
      {"https://gw.example/v1/objects/00000000000000000000000000000002", "file:///etc/passwd"},
      {"\"made_at\": \"2026", "\"made_at\": \"x026"},
      {"\"columns\": [\"key\"", "\"columns\": [7"}};
  g_autoptr(ReconManifest) manifest = sample();
  g_autoptr(GString) json = g_string_new(NULL);
  recon_manifest_to_json(manifest, json);
  for (guint i = 0; i < G_N_ELEMENTS(edits); i++) {
    const char *at = strstr(json->str, edits[i][0]);
    if (!at)
      fail_msg("%s is not in %s", edits[i][0], json->str);
    g_autofree char *edited = g_strdup_printf("%.*s%s%s", (int)(at - json->str), json->str, edits[i][1],
                                              at + strlen(edits[i][0]));
    g_autofree char *why = NULL;
    g_autoptr(ReconManifest) read = read_back(edited, &why);
    if (read)
      fail_msg("accepted with %s", edits[i][1]);
    assert_true(g_str_has_prefix(why, "manifest: "));
  }
}

static void a_manifest_cut_anywhere_is_refused(void **state) {
  (void)state;
  g_autoptr(ReconManifest) manifest = sample();
  g_autoptr(GString) json = g_string_new(NULL);
  recon_manifest_to_json(manifest, json);
  for (gsize length = 0; length + 2 < json->len; length += 7) {
    g_autoptr(GError) error = NULL;
    assert_null(recon_manifest_from_json(json->str, length, &error));
    assert_non_null(error);
  }
}

static void decimals_have_one_spelling(void **state) {
  (void)state;
  static const struct {
    gint64 value;
    guint scale;
    const char *text;
  } good[] = {{0, 0, "0"},
              {0, 2, "0.00"},
              {-5, 2, "-0.05"},
              {123450, 2, "1234.50"},
              {G_MAXINT64, 0, "9223372036854775807"},
              {G_MININT64, 0, "-9223372036854775808"},
              {G_MININT64, 18, "-9.223372036854775808"},
              {1, 18, "0.000000000000000001"}};
  static const char *const bad[] = {"",      "-",     "-0.00", "0.0",  "00.00", "+1.00",
                                    "1",     "1.000", ".50",   "1,50", "1e2",   "92233720368547758.08",
                                    "1.2.3", " 1.00"};
  gint64 value;
  for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autofree char *text = recon_decimal(good[i].value, good[i].scale);
    assert_string_equal(text, good[i].text);
    assert_true(recon_decimal_parse(text, good[i].scale, &value));
    assert_true(value == good[i].value);
  }
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
    if (recon_decimal_parse(bad[i], 2, &value))
      fail_msg("\"%s\" is taken", bad[i]);
}

static void the_delimited_form_has_a_line_per_shard(void **state) {
  (void)state;
  g_autoptr(ReconManifest) manifest = sample();
  g_autoptr(GString) text = g_string_new(NULL);
  recon_manifest_text_begin(manifest, 3, text);
  recon_manifest_text_add(manifest, manifest->shards->pdata[2], 3, text);
  recon_manifest_text_end(manifest, 3, text);
  assert_string_equal(
      text->str,
      "H|sallyport-manifest-1|acme-bank|points \"x\"\\|2026-11-20|2|2026-11-22T01:00:03Z|3|10001|1234.52\n"
      "D|3|3|points_2026-11-20_0003.csv|https://gw.example/v1/objects/00000000000000000000000000000003|1000|" MD5
      "|" SHA256 "|1|0.07|1000|" SHA256 "\n"
      "T|3|10001|1234.52\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read_back_and_written_again_the_same),
      cmocka_unit_test(a_version_that_adds_to_another_says_so),
      cmocka_unit_test(a_period_without_records_has_a_manifest_without_shards),
      cmocka_unit_test(every_member_must_be_there_once_and_no_other),
      cmocka_unit_test(a_manifest_cut_anywhere_is_refused),
      cmocka_unit_test(decimals_have_one_spelling),
      cmocka_unit_test(the_delimited_form_has_a_line_per_shard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
