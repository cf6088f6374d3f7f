/* Keys of SSH logins, made by ssh-keygen in each of its forms: what the check tells of them. */
#include "gateway/check/check_private.h"
#include "tests/unit/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* In a SANITIZE=1 build: libssh2 1.10 loses a number of a key that it was given and then does not use. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:ssh_identity_opens\n";
}
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "fast_unwind_on_malloc=0"; /* else the frame that is named is not found behind libssh2 */
}

static char *make(const char *folder, const char *words) {
  g_autofree char *path = g_build_filename(folder, "key", NULL);
  g_autofree char *line = g_strdup_printf("rm -f '%s'*; ssh-keygen -q %s -f '%s'", path, words, path);
  assert_int_equal(system(line), 0);
  return g_steal_pointer(&path);
}

static IdentityKind kind_of(const char *path) {
  g_autofree char *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  return identity_kind(text);
}

static void a_passphrase_is_seen_in_every_form(void **state) {
  static const struct {
    const char *words;
    IdentityKind kind;
  } rows[] = {{"-t ed25519 -N ''", IDENTITY_OPEN},
              {"-t ed25519 -N secret", IDENTITY_LOCKED},
              {"-t ed25519 -N secret -Z aes256-gcm@openssh.com", IDENTITY_LOCKED},
              {"-t rsa -b 2048 -m PEM -N ''", IDENTITY_OPEN},
              {"-t rsa -b 2048 -m PEM -N secret", IDENTITY_LOCKED},
              {"-t ecdsa -m PKCS8 -N ''", IDENTITY_OPEN},
              {"-t ecdsa -m PKCS8 -N secret", IDENTITY_LOCKED}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = make(*state, rows[i].words), *public = g_strconcat(path, ".pub", NULL);
    if (kind_of(path) != rows[i].kind)
      fail_msg("ssh-keygen %s makes kind %d", rows[i].words, (int)kind_of(path));
    assert_int_equal(kind_of(public), IDENTITY_PUBLIC);
  }
}

static void what_is_no_key_is_not_taken_for_one(void **state) {
  (void)state;
  assert_int_equal(identity_kind(""), IDENTITY_UNKNOWN);
  assert_int_equal(identity_kind("secret\n"), IDENTITY_UNKNOWN);
  assert_int_equal(identity_kind("PuTTY-User-Key-File-3: ssh-ed25519\n"), IDENTITY_PUTTY);
  assert_int_equal(identity_kind("-----BEGIN OPENSSH PRIVATE KEY-----"), IDENTITY_LOCKED);
  assert_int_equal(identity_kind("-----BEGIN OPENSSH PRIVATE KEY-----\n!!!!"), IDENTITY_LOCKED);
}

static char *write_secret(const char *folder, const char *name, const char *text) {
  char *path = g_build_filename(folder, name, NULL);
  assert_true(g_file_set_contents(path, text, -1, NULL));
  return path;
}

/* Lines of what the check says, with and without what a login needs beside the key. */
static void what_no_login_can_succeed_with_is_told(void **state) {
  static const char *const forms[] = {"-t ed25519", "-t ed25519 -m PKCS8", "-t rsa -b 2048 -m PEM", "-t ecdsa"};
  static const struct {
    const char *passphrase;
    gboolean password;
    guint errors, warnings;
    const char *said;
  } rows[] = {{NULL, FALSE, 1, 0, "has a passphrase"},
              {NULL, TRUE, 0, 1, "has a passphrase"},
              {"secret\n", FALSE, 0, 0, NULL},
              {"another\n", FALSE, 1, 0, "cannot be opened with the passphrase in"},
              {"another\n", TRUE, 0, 1, "cannot be opened with the passphrase in"}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows) * G_N_ELEMENTS(forms); i++) {
    g_autofree char *words = g_strdup_printf("%s -N secret", forms[i / G_N_ELEMENTS(rows)]);
    g_autofree char *path = make(*state, words);
    gsize row = i % G_N_ELEMENTS(rows);
    g_autofree char *secret = write_secret(*state, "secret", rows[row].passphrase ? rows[row].passphrase : "-");
    ConfReport *report = conf_report_new();
    ConfEndpoint endpoint = {.identity_file = path,
                             .passphrase_file = rows[row].passphrase ? secret : NULL,
                             .password_file = rows[row].password ? path : NULL};
    check_identity(&endpoint, report);
    if (report->errors != rows[row].errors || report->findings->len != rows[row].errors + rows[row].warnings)
      fail_msg("%s, row %zu: %u errors, %u findings: %s", words, row, report->errors, report->findings->len,
               report->findings->len ? ((ConfFinding *)report->findings->pdata[0])->message : "");
    if (rows[row].said)
      assert_non_null(strstr(((ConfFinding *)report->findings->pdata[0])->message, rows[row].said));
    conf_report_free(report);
  }
}

static void a_key_that_is_cut_off_is_told(void **state) {
  g_autofree char *path = make(*state, "-t ed25519 -N ''"), *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  text[strlen(text) / 2] = '\0';
  assert_true(g_file_set_contents(path, text, -1, NULL));
  ConfReport *report = conf_report_new();
  check_identity(&(ConfEndpoint){.identity_file = path}, report);
  assert_int_equal(report->errors, 1);
  assert_non_null(strstr(((ConfFinding *)report->findings->pdata[0])->message, "cannot be opened as a private key"));
  conf_report_free(report);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_passphrase_is_seen_in_every_form, folder_set_up, folder_tear_down),
      cmocka_unit_test(what_is_no_key_is_not_taken_for_one),
      cmocka_unit_test_setup_teardown(what_no_login_can_succeed_with_is_told, folder_set_up, folder_tear_down),
      cmocka_unit_test_setup_teardown(a_key_that_is_cut_off_is_told, folder_set_up, folder_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
