/* What is no file of lines is called what it is; a file of the layout that only begins so is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static char *verdict(ConfLayout *conf, const char *text, gsize length, gsize wanted, char **reason) {
  g_autoptr(Layout) layout = layout_new(conf, NULL);
  LayoutChunk *chunk = layout_chunk_new(layout);
  g_autofree char *told = layouts_tell_with(layout, chunk, text, length, wanted);
  layout_chunk_free(chunk);
  LayoutSpan span = {.text = (const guint8 *)text, .end = length, .is_first = TRUE, .is_last = TRUE};
  chunk = layout_chunk_new(layout);
  layout_parse(layout, &span, chunk);
  const LayoutProblem *first = chunk->problems->len > 0 ? chunk->problems->pdata[0] : NULL;
  *reason = first ? g_strdup(first->reason) : NULL;
  layout_chunk_free(chunk);
  g_clear_pointer(&layout, layout_free);
  layouts_free(conf);
  g_auto(GStrv) parts = g_strsplit(strstr(told, "records, "), " ", 3);
  return g_strndup(parts[1], strcspn(parts[1], " \n"));
}

static const struct {
  const char *begins, *called;
} FILES[] = {
    {"PK\3\4\24\0\6\0\10\0\0\0!\0abcdefghijklmnop[Content_Types].xml\n", "spreadsheet (xlsx)"},
    {"PK\3\4\24\0\0\0\0\0list.csv\n", "zip archive"},
    {"%PDF-1.7\n", "PDF"},
    {"\x1f\x8b\x08\n", "gzip"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\n", "old spreadsheet"},
    {"-----BEGIN PGP MESSAGE-----\n", "OpenPGP"},
    {"\x85\x02\x0c\x03\n", "OpenPGP"},
    {"\x84\x5e\x03\n", "OpenPGP"},
    {"<!DOCTYPE HTML>\n<html>\n", "HTML"},
    {"  <html lang=de>\n", "HTML"},
    {"\xef\xbb\xbf<?xml version=\"1.0\"?>\n", "XML"},
    {"{\"error\": 403}\n", "JSON"},
    {"UNA:+.? 'UNB+UNOC:3+a+b'\n", "EDIFACT"},
    {"ISA*00*~GS*HP~\n", "X12"},
    {"{1:F01BANKDEFFAXXX0000000000}{2:}{4:\n:20:1\n", "MT940"},
    {":20:STATEMENT\n:25:1\n", "MT940"},
};

static void what_came_is_named_in_every_layout(void **state) {
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(FILES); i++)
    for (guint kind = 0; kind < 4; kind++) {
      ConfLayout *conf = kind == 0   ? layouts_conf("|", "H a:text", "D key:text n:int", "T n:int#count")
                         : kind == 1 ? layouts_conf(",", "- a:text b:text", "- key:text n:int", NULL)
                                     : layouts_conf("", NULL, "D key:text@9 n:int@7", NULL);
      conf->kind = kind > 1 ? CONF_LAYOUT_FIXED : CONF_LAYOUT_DELIMITED;
      conf->lines_by = kind == 1 ? CONF_LINES_BY_POSITION : CONF_LINES_BY_TAG;
      conf->line_end = kind == 3 ? CONF_LINE_END_NONE : CONF_LINE_END_ANY;
      gsize length = i < 2 ? (gsize[]){50, 19}[i] : strlen(FILES[i].begins); /* the first two have NULs */
      g_autofree char *reason = NULL, *told = verdict(conf, FILES[i].begins, length, 1, &reason);
      if (!g_str_equal(told, "T016") || !reason || !strstr(reason, FILES[i].called))
        fail_msg("%s as layout %u: %s, %s", FILES[i].called, kind, told, reason);
    }
}

/* Where the layout's own lines begin so, whatever else is wrong with the file, it is what was declared. */
static void a_declared_file_is_not_taken_for_another(void **state) {
  (void)state;
  static const struct {
    const char *record, *text, *verdict;
  } cases[] = {{":20:X n:int", ":20:X|1\nZ|2\n", "ok"},
               {"<html> n:int", "<html>|1\n", "ok"},
               {"D n:int", "D|x\n<html>|\n", "ok"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *reason = NULL;
    ConfLayout *conf = layouts_conf("|", NULL, cases[i].record, NULL);
    g_autofree char *told = verdict(conf, cases[i].text, strlen(cases[i].text), 1, &reason);
    assert_string_equal(told, cases[i].verdict);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_came_is_named_in_every_layout),
                                     cmocka_unit_test(a_declared_file_is_not_taken_for_another)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
