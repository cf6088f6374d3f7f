/* Forms of messages that other programs and other people's settings make, opened by the real gpg: what it reads with a
 * good signature is trusted, and what is refused beyond that says why. */
#include "tests/unit/crypto/rings.h"

static OpenpgpOpened opened;
static const char *pins[3];
static guint clock_skew;
static gint64 weak_digest_until;
static char *home, *passphrase_file; /* NULL: ours; none */

static gboolean try_open(const char *name, GError **error) {
  OpenpgpOpenOptions options = {.home = home ? home : rings.us,
                                .signed_by = pins,
                                .passphrase_file = passphrase_file,
                                .deadline = 60,
                                .clock_skew = clock_skew,
                                .weak_digest_until = weak_digest_until};
  int ciphertext = open_in_folder(name, O_RDONLY), plaintext = open_in_folder("plaintext", O_RDWR | O_CREAT | O_TRUNC);
  pins[0] = rings.alice;
  gboolean ok = openpgp_open(&options, ciphertext, plaintext, &opened, error);
  close(ciphertext);
  close(plaintext);
  return ok;
}

static void open_message(const char *name) {
  g_autoptr(GError) error = NULL;
  if (!try_open(name, &error))
    fail_msg("%s: no verdict: %s", name, error->message);
}

static void assert_trusted(const char *name, const char *plain) {
  open_message(name);
  if (opened.verdict != OPENPGP_TRUSTED)
    fail_msg("%s: %s", name, opened.message);
  if (sh("cmp %s plaintext", plain) != 0)
    fail_msg("%s: another plaintext than %s", name, plain);
}

static void assert_refused(const char *name, OpenpgpReason reason, const char *words) {
  open_message(name);
  if (opened.reason != reason || opened.verdict != OPENPGP_NOT_TRUSTED || !strstr(opened.message, words))
    fail_msg("%s: %s", name, opened.message);
}

static int make(void **state) {
  make_rings(state);
  return sh("seq -f 'D|%%06g|points' 1 200 > plain; printf 'a\\r\\nb\\r\\n' > crlf; printf 'a\\rx\\nb\\n' > lone\n"
            "printf 'a\\r\\nb\\nc\\r\\n' > mixed; seq 1 3000 > large; sed 's/$/\\r/' large > large-crlf\n"
            "them -s -e -u alice@test -r us@test -o good.pgp plain\n"
            "them -a -s -e -u alice@test -r us@test -o good.asc plain");
}

/* --- Session keys */

static GByteArray *read_message(const char *name) {
  g_autofree char *path = g_build_filename(rings.folder, name, NULL);
  char *bytes = NULL;
  gsize length = 0;
  assert_true(g_file_get_contents(path, &bytes, &length, NULL));
  return g_byte_array_new_take((guint8 *)bytes, length);
}

static void write_message(const char *name, const GByteArray *message) {
  g_autofree char *path = g_build_filename(rings.folder, name, NULL);
  assert_true(g_file_set_contents(path, (const char *)message->data, (gssize)message->len, NULL));
}

/* The message's RSA number with so many zero octets in front of it, and its count of bits as given. */
static void respell(const char *into, guint zeros, int bits) {
  static const guint8 zero[8];
  g_autoptr(GByteArray) from = read_message("good.pgp"), to = g_byte_array_new();
  guint body = ((guint)from->data[1] << 8 | from->data[2]) + zeros;
  assert_int_equal(from->data[0], 0x85);
  g_byte_array_append(to, from->data, 13);
  to->data[1] = (guint8)(body >> 8);
  to->data[2] = (guint8)body;
  guint count = bits > 0 ? (guint)bits : 8 * (body - 12);
  const guint8 counted[] = {(guint8)(count >> 8), (guint8)count};
  g_byte_array_append(to, counted, 2);
  g_byte_array_append(to, zero, zeros);
  g_byte_array_append(to, from->data + 15, from->len - 15);
  write_message(into, to);
}

static void a_number_with_leading_zeros_is_the_same_number(void **state) {
  (void)state;
  for (guint zeros = 0; zeros < 4; zeros++) {
    respell("zeros.pgp", zeros, 0);
    assert_trusted("zeros.pgp", "plain");
  }
  g_autoptr(GByteArray) good = read_message("good.pgp");
  guint octets = ((guint)good->data[1] << 8 | good->data[2]) - 12;
  respell("bits.pgp", 0, (int)(8 * octets - 7));
  assert_trusted("bits.pgp", "plain");
}

static void a_session_key_packet_of_version_2_is_read_as_gpg_reads_it(void **state) {
  g_autoptr(GByteArray) message = read_message("good.pgp");
  (void)state;
  message->data[3] = 2;
  write_message("two.pgp", message);
  assert_trusted("two.pgp", "plain");
}

/* Two keys of ours in one ring: the old one has a passphrase. */
static void make_two_keys(void) {
  assert_int_equal(
      sh("mkdir -m 700 two; echo 'the old word' > word; echo nonsense > wrong\n"
         "g='gpg --homedir two --batch --quiet --no-tty --trust-model always --pinentry-mode loopback'\n"
         "make() { $g --passphrase \"$2\" --quick-gen-key \"$1 <$1@test>\" rsa2048 sign never\n"
         " f=$($g --list-keys --with-colons $1@test | awk -F: '/^fpr/{print $10; exit}')\n"
         " $g --passphrase \"$2\" --quick-add-key $f rsa2048 encrypt never; }\n"
         "make old 'the old word'; make new ''; $g --import them.pub; $g --export > two.pub\n"
         "them --import two.pub; m='them -s -e -u alice@test'\n"
         "$m -r old@test -r new@test -o old-new.pgp plain; $m -r new@test -r old@test -o new-old.pgp plain\n"
         "$m -R old@test -R new@test -o hidden.pgp plain; $m -R new@test -o hidden-new.pgp plain\n"
         "$m -R other@test -o hidden-other.pgp plain; $m -r old@test -o old.pgp plain\n"
         "gpg --homedir them --batch --quiet --pinentry-mode loopback --trust-model always --passphrase "
         "xyz -c -e -s -u alice@test -r new@test -o and-word.pgp plain"),
      0);
  home = g_build_filename(rings.folder, "two", NULL);
}

/* An agent remembers passphrases. One that is told to forget them is there at once; the start of one takes a second. */
static void make_agent_forget(void) {
  assert_int_equal(
      sh("gpg-connect-agent --homedir two --no-autostart RELOADAGENT /bye > forgotten; grep -q ^OK forgotten"), 0);
}

static void one_key_of_ours_that_opens_it_is_enough(void **state) {
  static const char *const names[] = {"old-new.pgp", "new-old.pgp", "hidden.pgp", "hidden-new.pgp", "and-word.pgp"};
  static const char *const files[] = {NULL, "wrong", "nowhere", "word"};
  (void)state;
  make_two_keys();
  openpgp_stop_agent(home);
  for (guint f = 0; f < G_N_ELEMENTS(files); f++)
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
      if (f + i > 0)
        make_agent_forget();
      passphrase_file = files[f] ? g_build_filename(rings.folder, files[f], NULL) : NULL;
      assert_trusted(names[i], "plain");
      g_clear_pointer(&passphrase_file, g_free);
    }
}

static void a_passphrase_that_is_missing_for_the_only_key_is_ours_to_mend(void **state) {
  g_autoptr(GError) none = NULL, wrong = NULL;
  (void)state;
  openpgp_stop_agent(home);
  assert_false(try_open("old.pgp", &none));
  assert_int_equal(sallyport_error_code(none), SALLYPORT_ERROR_CONFIGURATION);
  passphrase_file = g_build_filename(rings.folder, "wrong", NULL);
  assert_false(try_open("old.pgp", &wrong));
  assert_int_equal(sallyport_error_code(wrong), SALLYPORT_ERROR_CONFIGURATION);
  g_clear_pointer(&passphrase_file, g_free);
}

static void a_hidden_recipient_who_is_not_us_is_another(void **state) {
  (void)state;
  passphrase_file = g_build_filename(rings.folder, "word", NULL);
  assert_refused("hidden-other.pgp", OPENPGP_REASON_NO_SECRET_KEY, "");
  g_clear_pointer(&passphrase_file, g_free);
  openpgp_stop_agent(home);
  g_clear_pointer(&home, g_free);
}

/* --- AEAD: GnuPG 2.3 and later make it for keys that say they read it, 2.2 opens it but does not vouch for it. */

static gboolean gpg_makes_aead(void) {
  return sh("them --force-ocb --version > version; grep -qE '^gpg .*2\\.([3-9]|[1-9][0-9])' version") == 0;
}

static void an_aead_message_is_trusted_where_gpg_vouches_for_it(void **state) {
  (void)state;
  if (gpg_makes_aead()) {
    assert_int_equal(
        sh("for f in plain large; do them --force-ocb -s -e -u alice@test -r us@test -o ocb-$f.pgp $f\n"
           " them --force-ocb -a -s -e -u alice@test -r us@test -o ocb-$f.asc $f; done\n"
           "them --force-ocb -e -r us@test -o ocb-unsigned.pgp plain; cp ocb-large.pgp ocb-changed.pgp\n"
           "printf x | dd of=ocb-changed.pgp bs=1 seek=$(($(stat -c %%s ocb-changed.pgp) / 2)) conv=notrunc"),
        0);
    assert_trusted("ocb-plain.pgp", "plain");
    assert_trusted("ocb-large.pgp", "large");
    assert_trusted("ocb-large.asc", "large");
    assert_refused("ocb-unsigned.pgp", OPENPGP_REASON_NOT_SIGNED, "");
    open_message("ocb-changed.pgp");
    assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
    return;
  }
  /* The packets of one, which is refused before gpg sees it. */
  g_autoptr(GByteArray) good = read_message("good.pgp"), ocb = g_byte_array_new();
  static const guint8 body[] = {0xd4, 0x06, 1, 9, 2, 16, 0, 0};
  g_byte_array_append(ocb, good->data, 3 + ((guint)good->data[1] << 8 | good->data[2]));
  g_byte_array_append(ocb, body, sizeof body);
  write_message("ocb.pgp", ocb);
  assert_refused("ocb.pgp", OPENPGP_REASON_AEAD, "GnuPG 2.4");
  assert_non_null(strstr(opened.message, "--rfc4880"));
}

/* --- Text */

static void text_whose_line_ends_alone_change_is_read(void **state) {
  (void)state;
  assert_int_equal(sh("for z in 0 1; do for f in plain large large-crlf; do\n"
                      " them -z $z --textmode -s -e -u alice@test -r us@test -o text-$f-$z.pgp $f; done; done\n"
                      "cat large | them --textmode -s -e -u alice@test -r us@test > text-piped.pgp"),
                   0);
  for (guint z = 0; z < 2; z++) {
    g_autofree char *one = g_strdup_printf("text-plain-%u.pgp", z), *two = g_strdup_printf("text-large-%u.pgp", z),
                    *three = g_strdup_printf("text-large-crlf-%u.pgp", z);
    assert_trusted(one, "plain");
    assert_true(opened.is_text);
    assert_trusted(two, "large");
    assert_trusted(three, "large"); /* told as text: a feed of CR LF lines, or with a packing, refuses it */
    assert_true(opened.is_text);
  }
  assert_trusted("text-piped.pgp", "large");
  assert_trusted("good.pgp", "plain");
  assert_false(opened.is_text);
}

static void text_that_loses_a_character_is_refused(void **state) {
  (void)state;
  assert_int_equal(sh("gzip -nc large > zipped; cat large lone > long-lone\n"
                      "for f in lone mixed zipped long-lone; do for z in 0 1; do\n"
                      " them -z $z --textmode -s -e -u alice@test -r us@test -o lost-$f-$z.pgp $f; done; done\n"
                      "them --compress-algo bzip2 --textmode -s -e -u alice@test -r us@test -o lost-bz.pgp long-lone"),
                   0);
  assert_refused("lost-lone-0.pgp", OPENPGP_REASON_TEXT, "sent as text");
  assert_refused("lost-lone-1.pgp", OPENPGP_REASON_TEXT, "sent as text");
  assert_refused("lost-long-lone-0.pgp", OPENPGP_REASON_TEXT, "sent as text");
  assert_refused("lost-long-lone-1.pgp", OPENPGP_REASON_TEXT, "sent as text");
  assert_refused("lost-zipped-1.pgp", OPENPGP_REASON_TEXT, "sent as text");
  assert_refused("lost-bz.pgp", OPENPGP_REASON_TEXT, "sent as text");
}

/* --- Signatures */

static void a_signature_over_a_weak_digest_is_refused_unless_it_may_pass(void **state) {
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  (void)state;
  assert_int_equal(sh("m='them --allow-weak-digest-algos -s -e -u alice@test -r us@test'\n"
                      "$m --digest-algo SHA1 -o sha1.pgp plain; $m --digest-algo MD5 -o md5.pgp plain\n"
                      "$m --digest-algo RIPEMD160 -o rmd.pgp plain"),
                   0);
  assert_refused("sha1.pgp", OPENPGP_REASON_WEAK_DIGEST, "SHA-1");
  assert_refused("md5.pgp", OPENPGP_REASON_WEAK_DIGEST, "MD5");
  assert_refused("rmd.pgp", OPENPGP_REASON_WEAK_DIGEST, "RIPEMD-160");
  weak_digest_until = now + 3600;
  assert_trusted("sha1.pgp", "plain");
  assert_true(opened.is_weak);
  assert_refused("md5.pgp", OPENPGP_REASON_WEAK_DIGEST, "MD5");
  assert_refused("rmd.pgp", OPENPGP_REASON_WEAK_DIGEST, "RIPEMD-160");
  weak_digest_until = now - 1;
  assert_refused("sha1.pgp", OPENPGP_REASON_WEAK_DIGEST, "SHA-1");
  weak_digest_until = 0;
  assert_trusted("good.pgp", "plain");
  assert_false(opened.is_weak);
}

static void a_signature_dated_ahead_of_our_clock_is_for_a_person(void **state) {
  (void)state;
  assert_int_equal(sh("t() { date -u -d \"$1\" +%%Y%%m%%dT%%H%%M%%S; }\n"
                      "for d in '400 days' '20 minutes' '2 minutes'; do\n"
                      " them --faked-system-time \"$(t \"$d\")!\" -s -e -u alice@test -r us@test "
                      "-o \"ahead-${d%%%% *}.pgp\" plain; done"),
                   0);
  assert_refused("ahead-400.pgp", OPENPGP_REASON_FROM_FUTURE, "seconds ahead of our clock");
  assert_refused("ahead-20.pgp", OPENPGP_REASON_FROM_FUTURE, "seconds ahead");
  assert_trusted("ahead-2.pgp", "plain");
  clock_skew = 1800;
  assert_trusted("ahead-20.pgp", "plain");
  clock_skew = 30;
  assert_refused("ahead-2.pgp", OPENPGP_REASON_FROM_FUTURE, "seconds ahead");
  clock_skew = 0;
}

static void a_pin_that_names_a_subkey_is_told(void **state) {
  g_autoptr(GError) error = NULL;
  (void)state;
  assert_int_equal(sh("them -s -e -u erin@test -r us@test -o erin.pgp plain\n"
                      "them --list-keys --with-colons erin@test | awk -F: '/^fpr/{print $10}' | tail -1 > fpr"),
                   0);
  g_autofree char *subkey = read_file("fpr");
  pins[1] = subkey;
  assert_refused("erin.pgp", OPENPGP_REASON_SIGNER_NOT_PINNED, rings.erin);
  assert_non_null(strstr(opened.message, "primary key"));
  pins[1] = NULL;
}

/* --- Armour */

static void armor_that_gpg_reads_is_read(void **state) {
  static const char *const names[] = {"indented.asc", "tight.asc", "no-sum.asc", "trailing.asc",
                                      "double.asc",   "crlf.asc",  "end.asc",    "headed.asc"};
  (void)state;
  assert_int_equal(sh("sed '/^-----/!s/^/  /' good.asc > indented.asc; grep -v '^$' good.asc > tight.asc\n"
                      "sed '/^=....$/d' good.asc > no-sum.asc; sed 's/$/  /' good.asc > trailing.asc\n"
                      "sed 's/$/\\n/' good.asc > double.asc; sed 's/$/\\r/' good.asc > crlf.asc\n"
                      "sed '/^-----END/s/^/  /' good.asc > end.asc\n"
                      "sed '1a Version: x\\nComment: y' good.asc > headed.asc"),
                   0);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    assert_trusted(names[i], "plain");
}

/* RFC 9580 makes no checksum; gpg 2.2 then takes the END line for base64 where no padding stands before it. */
static void armor_without_a_checksum_is_read_whatever_its_length(void **state) {
  (void)state;
  for (guint length = 20; length < 26; length++) {
    assert_int_equal(sh("head -c %u /dev/urandom > some; them -z 0 -a -s -e -u alice@test -r us@test -o sum.asc some\n"
                        "sed '/^=....$/d' sum.asc > no-sum.asc",
                        length),
                     0);
    assert_trusted("no-sum.asc", "some");
  }
}

static void armor_that_gpg_does_not_read_is_named(void **state) {
  static const struct {
    const char *name, *words;
  } cases[] = {
      {"bom.asc", "byte order mark"},
      {"u16.asc", "UTF-16"},
      {"u16be.asc", "UTF-16"},
      {"all.asc", "indented"},
      {"quoted.asc", "quoted"},
      {"before.asc", "text stands before"},
      {"one.asc", "one line"},
      {"key.asc", "a public key"},
      {"key.pgp", "a public key"},
      {"part.asc", "several parts"},
      {"zip.asc", "a zip file"},
      {"gz.asc", "a gzip file"},
      {"detached.asc", "a detached signature"},
  };
  (void)state;
  assert_int_equal(
      sh("(printf '\\357\\273\\277'; cat good.asc) > bom.asc; iconv -t UTF-16 good.asc > u16.asc\n"
         "(printf '\\376\\377'; iconv -t UTF-16BE good.asc) > u16be.asc; sed 's/^/  /' good.asc > all.asc\n"
         "sed 's/^/> /' good.asc > quoted.asc; (echo Dear all,; cat good.asc) > before.asc\n"
         "tr -d '\\n' < good.asc > one.asc; us -a --export us@test > key.asc; us --export us@test > key.pgp\n"
         "sed 's/MESSAGE/MESSAGE, PART 1/' good.asc > part.asc; printf 'PK\\003\\004x' > zip.asc\n"
         "gzip -c plain > gz.asc; them -a -b -u alice@test -o detached.asc plain\n"
         "(cat good.asc; echo Regards) > behind.asc; sed '/^-----END/d' good.asc > no-end.asc\n"
         "sed 's/^=....$/=AAAA/' good.asc > sum.asc"),
      0);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
    assert_refused(cases[i].name, OPENPGP_REASON_NOT_OPENPGP, cases[i].words);
  assert_refused("behind.asc", OPENPGP_REASON_DAMAGED, "text behind the armour");
  assert_refused("no-end.asc", OPENPGP_REASON_TRUNCATED, "END line");
  assert_refused("sum.asc", OPENPGP_REASON_DAMAGED, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_number_with_leading_zeros_is_the_same_number),
      cmocka_unit_test(a_session_key_packet_of_version_2_is_read_as_gpg_reads_it),
      cmocka_unit_test(one_key_of_ours_that_opens_it_is_enough),
      cmocka_unit_test(a_passphrase_that_is_missing_for_the_only_key_is_ours_to_mend),
      cmocka_unit_test(a_hidden_recipient_who_is_not_us_is_another),
      cmocka_unit_test(an_aead_message_is_trusted_where_gpg_vouches_for_it),
      cmocka_unit_test(text_whose_line_ends_alone_change_is_read),
      cmocka_unit_test(text_that_loses_a_character_is_refused),
      cmocka_unit_test(a_signature_over_a_weak_digest_is_refused_unless_it_may_pass),
      cmocka_unit_test(a_signature_dated_ahead_of_our_clock_is_for_a_person),
      cmocka_unit_test(a_pin_that_names_a_subkey_is_told),
      cmocka_unit_test(armor_that_gpg_reads_is_read),
      cmocka_unit_test(armor_without_a_checksum_is_read_whatever_its_length),
      cmocka_unit_test(armor_that_gpg_does_not_read_is_named),
  };
  return cmocka_run_group_tests(tests, make, drop_rings);
}
