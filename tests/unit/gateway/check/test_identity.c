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

/* Lines of what the check says, with and without what a login needs beside the key. */
static void what_no_login_can_succeed_with_is_told(void **state) {
  g_autofree char *path = make(*state, "-t ed25519 -N secret");
  static const struct {
    gboolean passphrase, password;
    guint errors, warnings;
  } rows[] = {{FALSE, FALSE, 1, 0}, {TRUE, FALSE, 0, 0}, {FALSE, TRUE, 0, 1}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    ConfReport *report = conf_report_new();
    ConfEndpoint endpoint = {.identity_file = path,
                             .passphrase_file = rows[i].passphrase ? path : NULL,
                             .password_file = rows[i].password ? path : NULL};
    check_identity(&endpoint, report);
    assert_int_equal(report->errors, rows[i].errors);
    assert_int_equal(report->findings->len, rows[i].errors + rows[i].warnings);
    if (report->findings->len)
      assert_non_null(strstr(((ConfFinding *)report->findings->pdata[0])->message, "has a passphrase"));
    conf_report_free(report);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_passphrase_is_seen_in_every_form, folder_set_up, folder_tear_down),
      cmocka_unit_test(what_is_no_key_is_not_taken_for_one),
      cmocka_unit_test_setup_teardown(what_no_login_can_succeed_with_is_told, folder_set_up, folder_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
