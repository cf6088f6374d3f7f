#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

/* Lines of characters whose second bytes are delimiters, quotes and the like, and of what stands alone. */
static GString *make_lines(GRand *random, const char *charset) {
  static const char *const pieces[] = {"|",
                                       "|",
                                       "|",
                                       "a",
                                       "7",
                                       " ",
                                       "\344\272\205",
                                       "\346\261\211",
                                       "\345\255\227",
                                       "\344\270\202",
                                       "\360\240\200\200",
                                       "\342\202\254",
                                       "\303\251"};
  GString *lines = g_string_new(NULL);
  for (int n = g_rand_int_range(random, 1, 6); n > 0; n--) {
    g_autoptr(GString) line = g_string_new("D|");
    for (int i = g_rand_int_range(random, 0, 30); i > 0; i--)
      g_string_append(line, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
    g_autofree char *expressed = g_convert(line->str, -1, charset, "UTF-8", NULL, NULL, NULL);
    if (expressed)
      g_string_append_printf(lines, "%s\n", line->str);
  }
  return lines;
}

/* Whatever way a line is cut and converted: it is read as its text is in UTF-8. */
static void a_line_is_read_as_its_text_is_in_utf8(void **state) {
  (void)state;
  static const char *const sets[] = {"GBK", "GB18030", "BIG5", "SHIFT_JIS", "EUC-JP", "EUC-KR", "ISO-8859-1"};
  g_autoptr(GRand) random = g_rand_new_with_seed(7);
  ConfLayout *plain_conf = layouts_conf("|", NULL, "D a:text? b:text=6? n:int? c:text?", NULL);
  Layout *plain = layout_new(plain_conf, NULL);
  for (guint s = 0; s < G_N_ELEMENTS(sets); s++) {
    ConfLayout *conf = layouts_conf("|", NULL, "D a:text? b:text=6? n:int? c:text?", NULL);
    conf->charset = g_strdup(sets[s]);
    Layout *layout = layout_new(conf, NULL);
    for (int round = 0; round < 2000; round++) {
      g_autoptr(GString) lines = make_lines(random, sets[s]);
      gsize length = 0;
      g_autofree char *raw = g_convert(lines->str, (gssize)lines->len, sets[s], "UTF-8", NULL, &length, NULL);
      g_autofree char *expected = layouts_tell(plain, lines->str, lines->len, 1000),
                      *told = layouts_tell(layout, raw, length, 1000);
      if (!g_str_equal(told, expected))
        fail_msg("%s:\n%s\nis read as\n%s", sets[s], lines->str, told);
    }
    layout_free(layout);
    layouts_free(conf);
  }
  layout_free(plain);
  layouts_free(plain_conf);
}

static void a_lead_before_a_delimiter_joins_it_or_is_told(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D a:text? b:text?", NULL);
  conf->charset = g_strdup("GBK");
  Layout *layout = layout_new(conf, NULL);
  static const struct {
    const char *text, *told;
  } cases[] = {{"D|\201|\201||x\n", "1 D \"\344\272\205\344\272\205\" \"x\"\n"},
               {"D|a\201|b|\377\n", "1 L001 1\n"},
               {"D|\377|b\n", "1 L001 0\n"},
               {"D|\201|\n", "1 L004 -1\n"},
               {"D|x|\201\n", "1 L001 1\n"},
               {"D|x|y|\201|z\n", "1 L004 -1\n"},
               {"\201|a|b\n", "1 L005 -1\n"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *told = layouts_tell(layout, cases[i].text, strlen(cases[i].text), 1000);
    if (!g_str_has_prefix(told, cases[i].told))
      fail_msg("%u: %s", i, told);
  }
  layout_free(layout);
  layouts_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_is_read_as_its_text_is_in_utf8),
      cmocka_unit_test(a_lead_before_a_delimiter_joins_it_or_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
