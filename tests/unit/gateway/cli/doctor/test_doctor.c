/* What the doctor makes of what servers offer: from facts, without any server. */
#include "gateway/cli/doctor/doctor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* What libssh2 1.10 and 1.11.1 know of our preferences. */
#define OLD_CIPHERS "aes128-ctr,aes192-ctr,aes256-ctr"
#define NEW_CIPHERS \
  "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
#define OPENSSH_CIPHERS \
  "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com"

static void add(Doctor *doctor, const char *name, const char *value) {
  CourierFact *fact = g_new(CourierFact, 1);
  *fact = (CourierFact){g_strdup(name), g_strdup(value)};
  for (guint i = 0; i < doctor->survey->len; i++)
    if (strcmp(((CourierFact *)doctor->survey->pdata[i])->name, name) == 0 && strcmp(name, "shown") != 0)
      g_ptr_array_remove_index(doctor->survey, i--);
  g_ptr_array_add(doctor->survey, fact);
}

static Doctor *ordinary(gboolean new_library) {
  Doctor *doctor = doctor_new(NULL, NULL, NULL);
  add(doctor, "library", new_library ? "libssh2 1.11.1" : "libssh2 1.10.0");
  add(doctor, "kex", "curve25519-sha256,ecdh-sha2-nistp256,ext-info-s,kex-strict-s-v00@openssh.com");
  add(doctor, "our-kex", "curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha1");
  add(doctor, "host-key", "rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519");
  add(doctor, "our-host-key",
      new_library ? "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256,ssh-rsa"
                  : "ssh-ed25519,ecdsa-sha2-nistp256,ssh-rsa");
  add(doctor, "cipher-in", OPENSSH_CIPHERS);
  add(doctor, "cipher-out", OPENSSH_CIPHERS);
  add(doctor, "our-cipher", new_library ? NEW_CIPHERS : OLD_CIPHERS);
  add(doctor, "mac-in", "hmac-sha2-256-etm@openssh.com,hmac-sha2-256,hmac-sha2-512");
  add(doctor, "mac-out", "hmac-sha2-256-etm@openssh.com,hmac-sha2-256,hmac-sha2-512");
  add(doctor, "our-mac",
      new_library ? "hmac-sha2-256-etm@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1"
                  : "hmac-sha2-256,hmac-sha2-512,hmac-sha1");
  return doctor;
}

/* The finding of that check whose text has these words; fails when there is none. */
static const DoctorFinding *found(const Doctor *doctor, const char *check, const char *words) {
  for (guint i = 0; i < doctor->findings->len; i++) {
    const DoctorFinding *finding = doctor->findings->pdata[i];
    if (strcmp(finding->check, check) == 0 && strstr(finding->text, words))
      return finding;
  }
  for (guint i = 0; i < doctor->findings->len; i++) {
    const DoctorFinding *finding = doctor->findings->pdata[i];
    print_message("%s %s: %s\n", doctor_severity_word(finding->severity), finding->check, finding->text);
  }
  fail_msg("no %s: %s", check, words);
  return NULL;
}

static void an_ordinary_server_is_well_with_any_library(void **state) {
  (void)state;
  for (int library = 0; library < 2; library++) {
    Doctor *doctor = ordinary(library == 1);
    assert_true(doctor_algorithms(doctor));
    assert_true(doctor_worst(doctor) <= DOCTOR_NOTE);
    found(doctor, "cipher", library == 1 ? "agreed on chacha20-poly1305@openssh.com" : "agreed on aes128-ctr");
    found(doctor, "key-exchange", "2 in common, it offers 2"); /* signals are no algorithms */
    doctor_free(doctor);
  }
}

static void what_the_installed_library_cannot_do_is_told_once_a_kind(void **state) {
  (void)state;
  Doctor *doctor = ordinary(FALSE);
  assert_true(doctor_algorithms(doctor));
  for (const char *const *kind =
           (const char *const[]){"RSA keys with SHA-2", "AES-GCM", "encrypt-then-MAC", "ChaCha20-Poly1305", NULL};
       *kind; kind++)
    assert_int_equal(found(doctor, "library", *kind)->severity, DOCTOR_NOTE);
  guint notes = 0;
  for (guint i = 0; i < doctor->findings->len; i++)
    notes += strcmp(((DoctorFinding *)doctor->findings->pdata[i])->check, "library") == 0;
  assert_int_equal(notes, 4);
  found(doctor, "library", "libssh2 1.10.0 cannot: it takes 1.11.1");
  doctor_free(doctor);
  doctor = ordinary(TRUE);
  assert_true(doctor_algorithms(doctor));
  for (guint i = 0; i < doctor->findings->len; i++)
    assert_string_not_equal(((DoctorFinding *)doctor->findings->pdata[i])->check, "library");
  doctor_free(doctor);
}

static void nothing_in_common_is_a_problem_with_its_cure(void **state) {
  (void)state;
  static const struct {
    const char *fact, *offer, *check, *cure;
  } rows[] = {
      {"cipher-in", "aes256-gcm@openssh.com", "cipher", "AES-GCM would do, and libssh2 has it from 1.11.0 on"},
      {"cipher-in", "chacha20-poly1305@openssh.com", "cipher", "from 1.11.1 on"},
      {"host-key", "rsa-sha2-512,rsa-sha2-256", "host-key", "RSA keys with SHA-2 would do"},
      {"mac-in", "hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com", "MAC", "encrypt-then-MAC would do"},
      {"kex", "sntrup761x25519-sha512@openssh.com", "key-exchange",
       "ask the partner to allow one that is here, best curve25519-sha256"},
      {"kex", "diffie-hellman-group1-sha1", "key-exchange", "best curve25519-sha256"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Doctor *doctor = ordinary(FALSE);
    add(doctor, rows[i].fact, rows[i].offer);
    assert_false(doctor_algorithms(doctor));
    const DoctorFinding *finding = found(doctor, rows[i].check, "nothing in common");
    assert_int_equal(finding->severity, DOCTOR_PROBLEM);
    if (!strstr(finding->set, rows[i].cure))
      fail_msg("%s: %s", rows[i].offer, finding->set);
    doctor_free(doctor);
  }
}

static void the_last_common_one_is_warned_about_before_it_is_turned_off(void **state) {
  (void)state;
  static const struct {
    const char *fact, *offer, *check, *words;
  } rows[] = {
      {"cipher-in", "aes128-gcm@openssh.com,aes256-ctr", "cipher",
       "nothing is left in common if the partner turns that off"},
      {"host-key", "rsa-sha2-512,ssh-rsa", "host-key", "all that is in common is being turned off everywhere"},
      {"mac-in", "hmac-sha2-256-etm@openssh.com,hmac-sha1", "MAC", "being turned off"},
      {"kex", "diffie-hellman-group14-sha1", "key-exchange", "being turned off"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Doctor *doctor = ordinary(FALSE);
    add(doctor, rows[i].fact, rows[i].offer);
    assert_true(doctor_algorithms(doctor));
    assert_int_equal(found(doctor, rows[i].check, rows[i].words)->severity, DOCTOR_WARNING);
    doctor_free(doctor);
  }
}

static void a_cipher_that_needs_no_mac_asks_for_none_in_common(void **state) {
  (void)state;
  Doctor *doctor = ordinary(TRUE);
  add(doctor, "mac-in", "umac-64@openssh.com");
  add(doctor, "mac-out", "umac-64@openssh.com");
  assert_true(doctor_algorithms(doctor));
  doctor_free(doctor);
}

static void host_keys_are_held_against_both_slots(void **state) {
  (void)state;
  const char *const both[] = {"SHA256:aaaa", "SHA256:bbbb", NULL}, *const wrong[] = {"SHA256:cccc", NULL};
  Doctor *doctor = ordinary(TRUE);
  add(doctor, "shown", "ed25519 SHA256:bbbb");
  add(doctor, "shown", "RSA SHA256:dddd");
  doctor->endpoint.host_keys = both;
  assert_true(doctor_host_keys(doctor));
  assert_int_equal(found(doctor, "host-key", "ed25519 SHA256:bbbb is pinned, slot 2")->severity, DOCTOR_OK);
  assert_int_equal(found(doctor, "host-key", "also shows RSA SHA256:dddd")->severity, DOCTOR_NOTE);
  assert_int_equal(
      found(doctor, "host-key", "SHA256:aaaa is pinned, slot 1 of host-key, and the server does not show it")->severity,
      DOCTOR_NOTE);
  doctor->endpoint.host_keys = wrong;
  assert_false(doctor_host_keys(doctor));
  assert_int_equal(found(doctor, "host-key", "no credential was sent")->severity, DOCTOR_PROBLEM);
  doctor_free(doctor);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_ordinary_server_is_well_with_any_library),
      cmocka_unit_test(what_the_installed_library_cannot_do_is_told_once_a_kind),
      cmocka_unit_test(nothing_in_common_is_a_problem_with_its_cure),
      cmocka_unit_test(the_last_common_one_is_warned_about_before_it_is_turned_off),
      cmocka_unit_test(a_cipher_that_needs_no_mac_asks_for_none_in_common),
      cmocka_unit_test(host_keys_are_held_against_both_slots),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
