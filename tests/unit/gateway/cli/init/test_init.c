/* The answers to init's questions: what is taken, and what is told of the others. No server, no terminal. */
#include "gateway/cli/init/init.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

typedef struct {
  InitName name;
  const char *text, *wrong; /* NULL: good */
} Case;

static InitAnswers answered(void) {
  InitAnswers answers = {.shown = g_ptr_array_new_with_free_func(g_free)};
  answers.texts[INIT_PARTNER] = g_strdup("acme");
  answers.texts[INIT_WAY] = g_strdup("sftp");
  answers.texts[INIT_FETCH] = g_strdup("/out");
  answers.texts[INIT_LAYOUT] = g_strdup("lines");
  answers.texts[INIT_THEN] = g_strdup("ledger");
  g_ptr_array_add(answers.shown, g_strdup("ed25519 SHA256:abc"));
  return answers;
}

static void each_answer_is_checked_and_what_is_wrong_is_said(void **state) {
  static const Case cases[] = {
      {INIT_PARTNER, "acme-bank-2", NULL},
      {INIT_PARTNER, "Acme", "begins with a letter"},
      {INIT_PARTNER, "2acme", "begins with a letter"},
      {INIT_PARTNER, "", "an answer is needed"},
      {INIT_WAY, "sftp", NULL},
      {INIT_WAY, "ftp", "write one of: sftp, folder"},
      {INIT_HOST, "sftp.acme.example", NULL},
      {INIT_HOST, "10.0.0.1:2222", NULL},
      {INIT_HOST, "[::1]:22", NULL},
      {INIT_HOST, "a:0", ":PORT"},
      {INIT_HOST, "a:65536", ":PORT"},
      {INIT_HOST, ":22", ":PORT"},
      {INIT_HOST, "a/b", ":PORT"},
      {INIT_HOST, "[::1", ":PORT"},
      {INIT_USER, "gw_1", NULL},
      {INIT_USER, "gw@other", "user name"},
      {INIT_HOST_KEY, "SHA256:abc", NULL},
      {INIT_HOST_KEY, "SHA256:abd", "shows no such key"},
      {INIT_HOST_KEY, "yes", "shows no such key"},
      {INIT_IDENTITY, "make", NULL},
      {INIT_IDENTITY, "key", "begins with /"},
      {INIT_IDENTITY, "/nowhere/key", "/nowhere/key"},
      {INIT_ROOT, "/", NULL},
      {INIT_ROOT, "tmp", "begins with /"},
      {INIT_ROOT, "/nowhere", "there is no folder"},
      {INIT_FETCH, "out/of/acme", NULL},
      {INIT_FETCH, "../out", "has no .."},
      {INIT_PUT, "/in", NULL},
      {INIT_PUT, "/out", "another folder"},
      {INIT_MATCH, "P_*.dat", NULL},
      {INIT_MATCH, "out/*.dat", "without a folder"},
      {INIT_MATCH, "a' ready = stable", "cannot have"},
      {INIT_MATCH, "a\nb", "cannot have"},
      {INIT_MATCH, "a\xff", "no UTF-8"},
      {INIT_READY, "stable", NULL},
      {INIT_LAYOUT, "lines", NULL},
      {INIT_LAYOUT, "/nowhere.dat", "/nowhere.dat"},
      {INIT_LAYOUT, "/nowhere.conf", "/nowhere.conf"},
      {INIT_LAYOUT, "/dev/null", "it is no file"},
      {INIT_INTO, "in", "begins with /"},
      {INIT_FIELDS, "text text text", NULL},
      {INIT_FIELDS, "text text", "three names"},
      {INIT_FIELDS, "text text points", "no field \"points\""},
      {INIT_ZONE, "Asia/Shanghai", NULL},
      {INIT_ZONE, "Asia/Beijing", "no such time zone"},
      {INIT_STATE, "/var/lib/sally port", "begins with /"},
  };
  (void)state;
  InitAnswers answers = answered();
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *wrong = init_wrong(&answers, cases[i].name, cases[i].text);
    if (cases[i].wrong ? !wrong || !strstr(wrong, cases[i].wrong) : !!wrong)
      fail_msg("%s = %s: %s", init_questions[cases[i].name].name, cases[i].text, wrong ? wrong : "good");
  }
  init_answers_clear(&answers);
}

static void nobody_is_asked_more_than_fifteen_questions(void **state) {
  static const char *const ways[] = {"sftp", "folder"}, *const ends[] = {"folder", "ledger"};
  (void)state;
  for (guint i = 0; i < 4; i++) {
    InitAnswers answers = {.texts = {[INIT_WAY] = g_strdup(ways[i / 2]), [INIT_THEN] = g_strdup(ends[i % 2])}};
    guint asked = 0;
    for (InitName name = 0; name < INIT_QUESTIONS; name++)
      asked += init_is_asked(&answers, name) ? 1 : 0;
    assert_true(asked <= INIT_ASKED_MOST);
    init_answers_clear(&answers);
  }
}

static void a_line_of_answers_is_taken_or_told_with_its_place(void **state) {
  (void)state;
  InitAnswers answers = {0};
  g_autoptr(GError) error = NULL, second = NULL;
  assert_true(init_answers_take(answers.texts, "host = a = b ", "f:1", &error));
  assert_string_equal(answers.texts[INIT_HOST], "a = b");
  assert_false(init_answers_take(answers.texts, "hots = a", "f:2", &error));
  assert_string_equal(error->message, "f:2: there is no question \"hots\"");
  assert_false(init_answers_take(answers.texts, "host", "f:3", &second));
  assert_string_equal(second->message, "f:3: write NAME = ANSWER");
  init_answers_clear(&answers);
}

static void what_was_answered_before_is_offered_again(void **state) {
  (void)state;
  InitAnswers answers = answered();
  g_autofree char *into = init_default(&answers, INIT_INTO), *host = init_default(&answers, INIT_HOST);
  assert_string_equal(into, "/var/lib/sallyport/received/acme");
  assert_null(host);
  answers.before[INIT_INTO] = g_strdup("/srv/in");
  g_autofree char *again = init_default(&answers, INIT_INTO);
  assert_string_equal(again, "/srv/in");
  init_answers_clear(&answers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_answer_is_checked_and_what_is_wrong_is_said),
      cmocka_unit_test(nobody_is_asked_more_than_fifteen_questions),
      cmocka_unit_test(a_line_of_answers_is_taken_or_told_with_its_place),
      cmocka_unit_test(what_was_answered_before_is_offered_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
