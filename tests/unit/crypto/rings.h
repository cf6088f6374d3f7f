/* Real key rings for the tests of crypto/: ours and a partner's, in one temporary folder, and messages made with plain
 * gpg.
 *
 *   us      our ring: `us` (its key decrypts), the partner's public keys except the stranger's
 *   them    the partner's: alice and bob (pinned), erin (signs with a subkey; pinned), mallory (known to us, not
 *           pinned), stranger (unknown to us), carol (revoked in our ring), dave (expired), other (a recipient that is
 *           not us) */
#pragma once
#include "crypto/openpgp.h"
#include "gateway/base/files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *folder, *us, *them;
  char *us_key, *alice, *bob, *erin, *mallory, *stranger, *carol, *dave, *other;
  char *passphrase_file; /* empty keys: NULL */
} Rings;

static Rings rings;

/* Runs a shell script with $F (the folder) and functions `them`, `us` (gpg in that ring). Its noise goes to F/log. */
static int G_GNUC_PRINTF(1, 2) sh(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *body = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_autofree char *script = g_strdup_printf(
      "F='%s'; exec 2>>$F/log; set -e\n"
      "them() { gpg --homedir $F/them --batch --quiet --no-tty --yes --trust-model always --pinentry-mode loopback "
      "--passphrase '' \"$@\"; }\n"
      "us() { gpg --homedir $F/us --batch --quiet --no-tty --yes --trust-model always --pinentry-mode loopback "
      "--passphrase '' \"$@\"; }\n"
      "cd $F\n%s\n",
      rings.folder, body);
  return system(script);
}

static char *read_file(const char *name) {
  g_autofree char *path = g_build_filename(rings.folder, name, NULL);
  char *text = NULL;
  gsize length;
  return g_file_get_contents(path, &text, &length, NULL) ? g_strchomp(text) : g_strdup("");
}

static char *fingerprint_of(const char *name) {
  assert_int_equal(
      sh("them --list-keys --with-colons '=%s <%s@test>' | awk -F: '/^fpr/{print $10; exit}' > fpr", name, name), 0);
  char *fingerprint = read_file("fpr");
  assert_int_equal(strlen(fingerprint), 40);
  return fingerprint;
}

static void make_keys(void) {
  assert_int_equal(sh("mkdir -m 700 us them"), 0);
  assert_int_equal(
      sh("for n in alice bob mallory stranger carol other; do\n"
         "  them --quick-gen-key \"$n <$n@test>\" ed25519 sign never\n"
         "  f=$(them --list-keys --with-colons $n@test | awk -F: '/^fpr/{print $10; exit}')\n"
         "  them --quick-add-key $f cv25519 encrypt never; done\n"
         "them --faked-system-time 20200101T000000! --quick-gen-key 'dave <dave@test>' ed25519 sign 1d\n"
         "them --quick-gen-key 'erin <erin@test>' ed25519 cert never\n"
         "f=$(them --list-keys --with-colons erin@test | awk -F: '/^fpr/{print $10; exit}')\n"
         "them --quick-add-key $f ed25519 sign never\n"
         "us --quick-gen-key 'us <us@test>' rsa2048 sign never\n"
         "f=$(us --list-keys --with-colons us@test | awk -F: '/^fpr/{print $10; exit}')\n"
         "us --quick-add-key $f rsa2048 encrypt never\n"
         "us --export us@test > us.pub; them --import us.pub\n"
         "them --export alice@test bob@test erin@test mallory@test carol@test dave@test other@test > them.pub\n"
         "us --import them.pub"),
      0);
}

static void remove_rings(void) {
  openpgp_stop_agent(rings.us);
  openpgp_stop_agent(rings.them);
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", rings.folder);
  if (system(command) != 0)
    print_message("%s stays behind\n", rings.folder);
}

static int make_rings(void **state) {
  (void)state;
  char folder[] = "/tmp/sp-pgp-XXXXXX";
  g_autoptr(GError) error = NULL;
  assert_true(openpgp_start(&error));
  assert_non_null(mkdtemp(folder));
  rings.folder = g_strdup(folder);
  rings.us = g_build_filename(folder, "us", NULL);
  rings.them = g_build_filename(folder, "them", NULL);
  make_keys();
  rings.us_key = fingerprint_of("us");
  rings.alice = fingerprint_of("alice");
  rings.bob = fingerprint_of("bob");
  rings.erin = fingerprint_of("erin");
  rings.mallory = fingerprint_of("mallory");
  rings.stranger = fingerprint_of("stranger");
  rings.carol = fingerprint_of("carol");
  rings.dave = fingerprint_of("dave");
  rings.other = fingerprint_of("other");
  return 0;
}

static int drop_rings(void **state) {
  (void)state;
  remove_rings();
  char **all[] = {&rings.folder, &rings.us,      &rings.them,     &rings.us_key, &rings.alice, &rings.bob,
                  &rings.erin,   &rings.mallory, &rings.stranger, &rings.carol,  &rings.dave,  &rings.other};
  for (guint i = 0; i < G_N_ELEMENTS(all); i++)
    g_clear_pointer(all[i], g_free);
  return 0;
}

static inline int open_in_folder(const char *name, int flags) {
  g_autofree char *path = g_build_filename(rings.folder, name, NULL);
  int fd = open(path, flags | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  return fd;
}

/* A source that yields what a descriptor holds. */
static inline gssize from_descriptor(gpointer user, void *into, gsize limit, GError **error) {
  ssize_t got = read(*(int *)user, into, limit);
  if (got < 0)
    sallyport_error_errno(error, errno, "read");
  return got;
}

static inline guint open_descriptors(void) {
  guint count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (readdir(folder))
    count++;
  closedir(folder);
  return count;
}

/* Processes whose parent is this one, zombies too. */
static inline guint children(void) {
  guint count = 0;
  DIR *processes = opendir("/proc");
  struct dirent *entry;
  while ((entry = readdir(processes))) {
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", entry->d_name);
    g_autofree char *text = NULL;
    int parent = 0;
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !g_file_get_contents(path, &text, NULL, NULL))
      continue;
    const char *after_name = strrchr(text, ')');
    if (after_name && sscanf(after_name, ") %*c %d", &parent) == 1)
      count += parent == (int)getpid();
  }
  closedir(processes);
  return count;
}

/* Sends the signal to each process of that program that has `home` as an argument; returns how many there are, and how
 * many of them are stopped. */
static inline guint signal_all(const char *program, const char *home, int number, guint *stopped) {
  guint found = 0;
  DIR *processes = opendir("/proc");
  struct dirent *entry;
  while ((entry = readdir(processes))) {
    g_autofree char *path = g_strdup_printf("/proc/%s/cmdline", entry->d_name);
    g_autofree char *text = NULL;
    gsize length = 0;
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !g_file_get_contents(path, &text, &length, NULL))
      continue;
    g_autofree char *name = g_path_get_basename(text);
    if (!g_str_equal(name, program) || length == 0 || !memmem(text, length, home, strlen(home) + 1))
      continue;
    g_autofree char *stat_path = g_strdup_printf("/proc/%s/stat", entry->d_name), *line = NULL;
    const char *after_name = g_file_get_contents(stat_path, &line, NULL, NULL) ? strrchr(line, ')') : NULL;
    found++;
    if (stopped)
      *stopped += after_name && after_name[2] == 'T';
    kill(atoi(entry->d_name), number);
  }
  closedir(processes);
  return found;
}

/* How many run. */
static inline guint running(const char *program, const char *home) {
  return signal_all(program, home, 0, NULL);
}

/* Whoever needs this agent now waits for ever. A stop can get lost while one of the agent's threads is just ending. */
static inline void stop_agent(const char *home) {
  guint stopped = 0;
  for (int i = 0, seen = 0; i < 200 && seen < 5; i++) {
    stopped = 0;
    assert_true(signal_all("gpg-agent", home, SIGSTOP, &stopped) > 0);
    seen = stopped ? seen + 1 : 0;
    g_usleep(5 * 1000);
  }
  assert_true(stopped > 0);
}

static inline void continue_agent(const char *home) {
  signal_all("gpg-agent", home, SIGCONT, NULL);
}
