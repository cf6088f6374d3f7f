/* A gateway's site in a temporary folder: a configuration with lanes over a local folder, for tests of the supervisor,
 * the check and the commands. */
#pragma once
#include "conf/conf.h"
#include "tests/unit/folder.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define SITE_PARTNER_KEY "0123456789ABCDEF0123456789ABCDEF01234567"
#define SITE_OWN_KEY "89ABCDEF0123456789ABCDEF0123456789ABCDEF"

typedef struct {
  char *folder, *configuration, *drop;
} Site;

static const char site_layout[] =
    "layout \"points\" {\n"
    "  delimiter = \"|\"\n"
    "  header \"H\" { field \"day\" { type = date } field \"serial\" { type = integer } }\n"
    "  record \"D\" {\n"
    "    field \"member\" { mask = yes }\n"
    "    field \"points\" { type = decimal scale = 2 }\n"
    "    field \"ref\" {}\n"
    "  }\n"
    "  trailer \"T\" { field \"count\" { type = integer control = count } }\n"
    "}\n";

/* The lane's block; `threads` is there to change something. */
static inline char *site_lane(const char *name, guint threads) {
  return g_strdup_printf("lane \"%s\" {\n"
                         "  threads = %u\n"
                         "  feed \"%s-feed\" {\n"
                         "    partner = \"bank\"  layout = \"points\"  key = \"ref\"\n"
                         "    source { endpoint = \"main\"  path = \"%s-out\"  match = 'P_*.pgp' }\n"
                         "    rule \"range\" { check = \"points > 0\"  code = \"E1\" }\n"
                         "    batch { size-min = 2500  size-max = 5000 }\n"
                         "    process ledger { name = \"%s-miles\"  account = \"member\"  amount = \"points\" }\n"
                         "    feedback { endpoint = \"main\"  path = \"%s-in\"  name = '{stem}_FB.pgp' }\n"
                         "  }\n"
                         "}\n",
                         name, threads, name, name, name, name);
}

static inline char *site_head(const Site *site) {
  return g_strdup_printf(
      "node { name = \"gw\"  state = \"%s/state\"  runtime = \"%s/run\"  gnupg-home = \"%s/gnupg\" }\n"
      "partner \"bank\" {\n"
      "  openpgp { encrypt-to = { \"" SITE_PARTNER_KEY "\" }  signed-by = { \"" SITE_PARTNER_KEY "\" }\n"
      "            decrypt-with = \"" SITE_OWN_KEY "\" }\n"
      "  endpoint \"main\" { url = \"file://%s\" }\n"
      "}\n%s",
      site->folder, site->folder, site->folder, site->drop, site_layout);
}

/* Writes the configuration: the head, and these blocks. */
static inline void site_write(const Site *site, const char *lanes) {
  g_autofree char *head = site_head(site);
  g_autofree char *text = g_strconcat(head, lanes, NULL);
  assert_true(g_file_set_contents(site->configuration, text, -1, NULL));
}

/* Names of lanes, separated by spaces; "name=3" sets its threads. */
static inline void site_configure(const Site *site, const char *names) {
  g_auto(GStrv) words = g_strsplit(names, " ", -1);
  GString *lanes = g_string_new(NULL);
  for (char **word = words; *word; word++) {
    char *threads = strchr(*word, '=');
    if (threads)
      *threads++ = '\0';
    g_autofree char *lane = site_lane(*word, threads ? (guint)g_ascii_strtoull(threads, NULL, 10) : 1);
    g_string_append(lanes, lane);
  }
  site_write(site, lanes->str);
  g_string_free(lanes, TRUE);
}

static inline Site *site_new(void) {
  Site *site = g_new0(Site, 1);
  site->folder = g_dir_make_tmp("sallyport-site-XXXXXX", NULL);
  assert_non_null(site->folder);
  site->configuration = g_build_filename(site->folder, "sallyport.conf", NULL);
  site->drop = g_build_filename(site->folder, "drop", NULL);
  assert_int_equal(g_mkdir(site->drop, 0700), 0);
  return site;
}

static inline void site_free(Site *site) {
  folder_remove(site->folder);
  g_free(site->folder);
  g_free(site->configuration);
  g_free(site->drop);
  g_free(site);
}

static inline int site_set_up(void **state) {
  *state = site_new();
  return 0;
}

static inline int site_tear_down(void **state) {
  site_free(*state);
  return 0;
}
