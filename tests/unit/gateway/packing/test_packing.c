/* Packing with the real process and the real gzip, zstd and zip: what their files become, and what becomes of bad ones.
 */
#include "gateway/packing/packing.h"
#include "gateway/base/files.h"
#include "tests/unit/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static char *path_of(const char *name) {
  return g_build_filename(folder, name, NULL);
}

static void shell(const char *command) {
  g_autofree char *whole = g_strdup_printf("cd %s && { %s; } >/dev/null 2>&1", folder, command);
  if (system(whole) != 0)
    fail_msg("%s", command);
}

static void put(const char *name, const void *bytes, gsize length) {
  g_autofree char *path = path_of(name);
  assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
}

static int open_file(const char *name) {
  g_autofree char *path = path_of(name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

static int unnamed(void) {
  int fd = files_open_unnamed(folder, NULL);
  assert_true(fd >= 0);
  return fd;
}

static char *content(int fd, gsize *length) {
  struct stat status;
  assert_int_equal(fstat(fd, &status), 0);
  *length = (gsize)status.st_size;
  char *bytes = g_malloc(*length + 1);
  assert_int_equal(pread(fd, bytes, *length, 0), (ssize_t)*length);
  bytes[*length] = 0;
  return bytes;
}

static ConfPacking kind_of(const char *name) {
  return strstr(name, "zip") && !strstr(name, ".gz") ? CONF_PACK_ZIP
         : strstr(name, ".zst")                      ? CONF_PACK_ZSTD
                                                     : CONF_PACK_GZIP;
}

static PackingVerdict unpack_as(ConfPacking packing, const char *name, int out, UnpackOptions options) {
  g_autoptr(GError) error = NULL;
  Unpacked unpacked;
  int in = open_file(name);
  options.packing = packing;
  options.size_limit = options.size_limit ? options.size_limit : 64 << 20;
  options.ratio_limit = options.ratio_limit ? options.ratio_limit : 5000;
  if (!packing_unpack(&options, in, out, &unpacked, &error))
    fail_msg("%s: %s", name, error->message);
  close(in);
  return unpacked.verdict;
}

static void assert_verdict(const char *name, PackingVerdict wanted) {
  int out = unnamed();
  PackingVerdict verdict = unpack_as(kind_of(name), name, out, (UnpackOptions){0});
  close(out);
  if (verdict != wanted)
    fail_msg("%s: %s, not %s", name, packing_word(verdict), packing_word(wanted));
}

static void assert_unpacks_to(const char *name, const char *wanted, gsize length) {
  int out = unnamed();
  gsize got;
  PackingVerdict verdict = unpack_as(kind_of(name), name, out, (UnpackOptions){0});
  if (verdict != PACKING_GOOD)
    fail_msg("%s: %s", name, packing_word(verdict));
  g_autofree char *bytes = content(out, &got);
  close(out);
  assert_int_equal(got, length);
  assert_memory_equal(bytes, wanted, length);
}

static const char text[] = "H|ACME|2026-11-20\nD|M000000001|R-1|100\nT|1|100\n";

static int prepare(void **state) {
  (void)state;
  folder = g_dir_make_tmp("sallyport-packing-XXXXXX", NULL);
  g_autofree char *big = g_strnfill(3 << 20, 'x'), *noise = g_malloc(1 << 20);
  guint32 seed = 1;
  for (gsize i = 0; i < 1 << 20; i++)
    noise[i] = (char)((seed = seed * 1664525u + 1013904223u) >> 24);
  put("a", text, strlen(text));
  put("b", "another\n", 8);
  put("empty", "", 0);
  put("big", big, 3 << 20);
  put("noise", noise, 1 << 20);
  shell("gzip -k a; gzip -k empty; gzip -k noise; gzip -9k big; zstd -q a; zstd -q empty; zstd -q noise; zstd -q big");
  shell("zip -q a.zip a; zip -q noise.zip noise; zip -q empty.zip empty; zip -q -0 stored.zip a; zip -q big.zip big; "
        "cat noise | zip -q stream.zip -");
  shell("zip -q two.zip a b; zip -q -P secret locked.zip a; mkdir d; zip -qr folder.zip d; ln -s a link; zip -qy "
        "link.zip link");
  return 0;
}

static int clear(void **state) {
  (void)state;
  return folder_remove(folder);
}

static void what_the_real_tools_packed_is_unpacked(void **state) {
  (void)state;
  g_autofree char *noise = NULL, *path = path_of("noise");
  gsize length;
  assert_true(g_file_get_contents(path, &noise, &length, NULL));
  assert_unpacks_to("a.gz", text, strlen(text));
  assert_unpacks_to("a.zst", text, strlen(text));
  assert_unpacks_to("a.zip", text, strlen(text));
  assert_unpacks_to("stored.zip", text, strlen(text));
  assert_unpacks_to("empty.gz", "", 0);
  assert_unpacks_to("empty.zst", "", 0);
  assert_unpacks_to("empty.zip", "", 0);
  assert_unpacks_to("noise.gz", noise, length);
  assert_unpacks_to("noise.zst", noise, length);
  assert_unpacks_to("noise.zip", noise, length);
  assert_unpacks_to("stream.zip", noise, length);
}

static void a_zip_has_exactly_one_plain_file(void **state) {
  (void)state;
  assert_verdict("two.zip", PACKING_MEMBERS);
  assert_verdict("folder.zip", PACKING_MEMBERS);
  assert_verdict("link.zip", PACKING_MEMBERS);
}

/* Each of them is packed by the tool's own rules: read, and where it cannot be read the words say what it is. */
static void what_tools_make_of_one_file_is_read_or_named(void **state) {
  g_autofree char *twice = g_strconcat(text, text, NULL);
  (void)state;
  shell("cat a.gz a.gz > several.gz; (printf '\\120\\052\\115\\030\\004\\000\\000\\000abcd'; cat a.zst) > skip.zst\n"
        "(cat skip.zst skip.zst) > skips.zst; (head -c 12 skip.zst; cat skip.zst) > both.zst\n"
        "mkdir -p g/h; cp a g/h; zip -qr within.zip g; cp a.zip text.zip; printf '\\r\\n' >> text.zip\n"
        "head -c 9000 /dev/zero | cat a.zip - > block.zip; (cat block.zip; echo) > line.zip\n"
        "cp b g; zip -qr folders.zip g; (cat a.gz; head -c 20 a.gz) > half.gz\n"
        "python3 -c \"d = bytearray(open('a.zip', 'rb').read()); at = d.find(b'PK\\1\\2'); d[8] = 9; d[at + 10] = 9; "
        "open('sixty-four.zip', 'wb').write(d)\"");
  assert_unpacks_to("several.gz", twice, strlen(twice));
  assert_unpacks_to("skip.zst", text, strlen(text));
  assert_unpacks_to("skips.zst", twice, strlen(twice));
  assert_unpacks_to("both.zst", text, strlen(text));
  assert_unpacks_to("within.zip", text, strlen(text));
  assert_unpacks_to("block.zip", text, strlen(text)); /* as bsdtar fills its last block */
  assert_verdict("line.zip", PACKING_BESIDE);
  assert_verdict("folders.zip", PACKING_MEMBERS);
  assert_verdict("text.zip", PACKING_BESIDE);
  assert_verdict("half.gz", PACKING_TRUNCATED);
  assert_verdict("sixty-four.zip", PACKING_METHOD);
}

static void an_encrypted_zip_is_refused(void **state) {
  (void)state;
  assert_verdict("locked.zip", PACKING_ENCRYPTED);
}

static void a_file_that_is_not_packed_as_agreed_is_refused(void **state) {
  (void)state;
  static const char *const others[] = {"a", "a.gz", "a.zst", "a.zip", "empty"};
  for (int packing = CONF_PACK_GZIP; packing <= CONF_PACK_ZIP; packing++)
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
      if (strchr(others[i], '.') && kind_of(others[i]) == (ConfPacking)packing)
        continue;
      int out = unnamed();
      PackingVerdict verdict = unpack_as((ConfPacking)packing, others[i], out, (UnpackOptions){0});
      close(out);
      if (verdict != PACKING_FOREIGN)
        fail_msg("%s as %s: %s", others[i], packing_name((ConfPacking)packing), packing_word(verdict));
    }
}

static void bytes_behind_what_is_packed_are_refused(void **state) {
  (void)state;
  shell("cp a.gz t1.gz; printf x >> t1.gz; cp a.gz t2.gz; tail -c 8 a.gz >> t2.gz; (cat a.gz a.gz; echo) > t3.gz; "
        "cp a.gz t4.gz; head -c 512 /dev/zero >> t4.gz");
  shell("cp a.zst t1.zst; printf x >> t1.zst; cp a.zip t1.zip; printf x >> t1.zip; (cat a; cat a.zip) > t2.zip; (cat "
        "a.zip; cat a.zip) > t3.zip");
  static const char *const names[] = {"t1.gz", "t2.gz", "t3.gz", "t4.gz", "t1.zst", "t1.zip", "t2.zip", "t3.zip"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    int out = unnamed();
    PackingVerdict verdict = unpack_as(kind_of(names[i]), names[i], out, (UnpackOptions){0});
    close(out);
    if (verdict == PACKING_GOOD)
      fail_msg("%s is good", names[i]);
  }
}

/* Every prefix of a small file, and the large one cut here and there. */
static void a_truncated_file_is_refused(void **state) {
  (void)state;
  static const char *const names[] = {"a.gz", "a.zst", "a.zip"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *bytes = NULL, *path = path_of(names[i]), *cut = g_strconcat("cut-", names[i], NULL);
    gsize length;
    assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    for (gsize end = 0; end < length; end += 7) {
      int out = unnamed();
      put(cut, bytes, end);
      PackingVerdict verdict = unpack_as(kind_of(names[i]), cut, out, (UnpackOptions){0});
      close(out);
      if (verdict == PACKING_GOOD || verdict == PACKING_UNKNOWN)
        fail_msg("%s cut at %zu: %s", names[i], end, packing_word(verdict));
    }
  }
  shell("head -c 500000 noise.gz > cut.gz; head -c 500000 noise.zst > cut.zst; head -c 500000 noise.zip > cut.zip");
  assert_verdict("cut.gz", PACKING_TRUNCATED);
  assert_verdict("cut.zst", PACKING_TRUNCATED);
  assert_verdict("cut.zip", PACKING_TRUNCATED);
}

/* A changed byte gives another content (and is refused), or the same content (a name, a time), but never other content
 * as good. */
static void a_changed_byte_never_changes_what_comes_out(void **state) {
  (void)state;
  static const char *const names[] = {"a.gz", "a.zst", "a.zip"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *bytes = NULL, *path = path_of(names[i]), *changed = g_strconcat("changed-", names[i], NULL);
    gsize length;
    assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    for (gsize at = 0; at < length; at += 3) {
      gsize got;
      int out = unnamed();
      bytes[at] = (char)(bytes[at] ^ 0x10);
      put(changed, bytes, length);
      bytes[at] = (char)(bytes[at] ^ 0x10);
      if (unpack_as(kind_of(names[i]), changed, out, (UnpackOptions){0}) == PACKING_GOOD) {
        g_autofree char *unpacked = content(out, &got);
        if (got != strlen(text) || memcmp(unpacked, text, got) != 0)
          fail_msg("%s changed at %zu came out as something else", names[i], at);
      }
      close(out);
    }
  }
}

static void a_bomb_is_stopped_at_the_caps(void **state) {
  (void)state;
  static const char *const names[] = {"big.gz", "big.zst", "big.zip"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    struct stat status;
    int out = unnamed();
    assert_int_equal(
        unpack_as(kind_of(names[i]), names[i], out, (UnpackOptions){.size_limit = 2 << 20, .ratio_limit = 1000000}),
        PACKING_TOO_LARGE);
    fstat(out, &status);
    assert_true(status.st_size <= 2 << 20);
    assert_int_equal(ftruncate(out, 0), 0);
    assert_int_equal(unpack_as(kind_of(names[i]), names[i], out, (UnpackOptions){.ratio_limit = 100}),
                     PACKING_TOO_DENSE);
    close(out);
  }
}

/* tests/corpus/packed: each file with the verdict that stands in VERDICTS. */
static void every_file_of_the_corpus_has_its_verdict(void **state) {
  (void)state;
  static const char corpus[] = "tests/corpus/packed";
  g_autofree char *list = g_build_filename(corpus, "VERDICTS", NULL), *table = NULL,
                  *plain_path = g_build_filename(corpus, "plain.txt", NULL), *plain = NULL;
  gsize plain_length = 0, files = 0;
  assert_true(g_file_get_contents(list, &table, NULL, NULL) &&
              g_file_get_contents(plain_path, &plain, &plain_length, NULL));
  g_auto(GStrv) lines = g_strsplit(table, "\n", -1);
  for (char **line = lines; *line; line++) {
    char name[64], wanted[8];
    if (**line == '#' || sscanf(*line, "%63s %7s", name, wanted) != 2)
      continue;
    g_autofree char *path = g_build_filename(corpus, name, NULL);
    g_autoptr(GError) error = NULL;
    Unpacked unpacked;
    UnpackOptions options = {.packing = kind_of(name), .size_limit = 64 << 20, .ratio_limit = 100};
    int in = open(path, O_RDONLY | O_CLOEXEC), out = unnamed();
    if (in < 0 || !packing_unpack(&options, in, out, &unpacked, &error))
      fail_msg("%s: %s", name, error ? error->message : "not there");
    gsize length;
    g_autofree char *bytes = content(out, &length), *twice = g_strconcat(plain, plain, NULL);
    gboolean is_twice = length == 2 * plain_length;
    const char *told = unpacked.verdict == PACKING_GOOD ? is_twice ? "twice" : "good" : packing_code(unpacked.verdict);
    if (!g_str_equal(told, wanted))
      fail_msg("%s: %s %s, not %s", name, told, unpacked.message, wanted);
    if (unpacked.verdict == PACKING_GOOD &&
        (length != plain_length * (is_twice ? 2 : 1) || memcmp(bytes, twice, length) != 0))
      fail_msg("%s holds something else", name);
    close(in);
    close(out);
    files++;
  }
  assert_true(files >= 20);
}

static void a_process_that_dies_or_hangs_is_an_error_in_time(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Unpacked unpacked;
  int in = open_file("a.gz"), out = unnamed();
  g_autofree char *hangs = path_of("hangs");
  put("hangs", "#!/bin/sh\nexec sleep 100\n", 25);
  assert_int_equal(chmod(hangs, 0700), 0);
  UnpackOptions options = {
      .packing = CONF_PACK_GZIP, .size_limit = 1 << 20, .ratio_limit = 10, .program = "/bin/false"};
  assert_false(packing_unpack(&options, in, out, &unpacked, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_PARTNER);
  g_clear_error(&error);
  options.program = hangs;
  options.deadline = 1;
  assert_false(packing_unpack(&options, in, out, &unpacked, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_PARTNER);
  assert_non_null(strstr(error->message, "deadline"));
  close(in);
  close(out);
}

static void pack_to(ConfPacking packing, const char *from, const char *to) {
  g_autoptr(GError) error = NULL;
  g_autofree char *path = path_of(to);
  int in = open_file(from), out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  PackOptions options = {.packing = packing, .member = "answer.dat"};
  if (!packing_pack(&options, in, out, &error))
    fail_msg("%s: %s", to, error->message);
  close(in);
  close(out);
}

static void the_real_tools_read_what_is_packed_here(void **state) {
  (void)state;
  pack_to(CONF_PACK_GZIP, "noise", "ours.gz");
  pack_to(CONF_PACK_ZSTD, "noise", "ours.zst");
  pack_to(CONF_PACK_ZIP, "noise", "ours.zip");
  pack_to(CONF_PACK_ZIP, "empty", "none.zip");
  pack_to(CONF_PACK_GZIP, "empty", "none.gz");
  pack_to(CONF_PACK_ZSTD, "empty", "none.zst");
  shell("gzip -dc ours.gz | cmp - noise; zstd -qdc ours.zst | cmp - noise; unzip -tq ours.zip; unzip -p ours.zip "
        "answer.dat | cmp - noise");
  shell("gzip -dc none.gz | cmp - empty; zstd -qdc none.zst | cmp - empty; unzip -p none.zip answer.dat | cmp - empty");
  assert_verdict("ours.gz", PACKING_GOOD);
  assert_verdict("ours.zst", PACKING_GOOD);
  assert_verdict("ours.zip", PACKING_GOOD);
}

static void the_same_content_makes_the_same_bytes(void **state) {
  (void)state;
  pack_to(CONF_PACK_GZIP, "a", "one.gz");
  pack_to(CONF_PACK_ZSTD, "a", "one.zst");
  pack_to(CONF_PACK_ZIP, "a", "one.zip");
  shell("touch -d 2001-01-01 a; sleep 1.1");
  setenv("TZ", "Asia/Tokyo", 1);
  pack_to(CONF_PACK_GZIP, "a", "again.gz");
  pack_to(CONF_PACK_ZSTD, "a", "again.zst");
  pack_to(CONF_PACK_ZIP, "a", "again.zip");
  unsetenv("TZ");
  shell("cmp one.gz again.gz; cmp one.zst again.zst; cmp one.zip again.zip");
}

int main(int argc, char **argv) {
  if (argc > 1)
    return packing_main(argc, argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_the_real_tools_packed_is_unpacked),
                                     cmocka_unit_test(a_zip_has_exactly_one_plain_file),
                                     cmocka_unit_test(what_tools_make_of_one_file_is_read_or_named),
                                     cmocka_unit_test(an_encrypted_zip_is_refused),
                                     cmocka_unit_test(a_file_that_is_not_packed_as_agreed_is_refused),
                                     cmocka_unit_test(bytes_behind_what_is_packed_are_refused),
                                     cmocka_unit_test(a_truncated_file_is_refused),
                                     cmocka_unit_test(a_changed_byte_never_changes_what_comes_out),
                                     cmocka_unit_test(a_bomb_is_stopped_at_the_caps),
                                     cmocka_unit_test(every_file_of_the_corpus_has_its_verdict),
                                     cmocka_unit_test(a_process_that_dies_or_hangs_is_an_error_in_time),
                                     cmocka_unit_test(the_real_tools_read_what_is_packed_here),
                                     cmocka_unit_test(the_same_content_makes_the_same_bytes)};
  return cmocka_run_group_tests(tests, prepare, clear);
}
