/* Files of bytes that are no text, written down: hexadecimal digits, and in quotes text in ASCII; blanks between. And
 * what they are read as, however they are cut. */
#pragma once
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static inline GByteArray *mainframe_bytes(const char *words) {
  GByteArray *bytes = g_byte_array_new();
  gboolean is_text = FALSE;
  for (const char *at = words; *at; at++) {
    guint8 byte = (guint8)*at;
    if (*at == '\'') {
      is_text = !is_text;
      continue;
    }
    if (!is_text && *at == ' ')
      continue;
    if (!is_text) {
      g_assert(g_ascii_isxdigit(at[0]) && g_ascii_isxdigit(at[1]));
      byte = (guint8)(g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1]));
      at++;
    }
    g_byte_array_append(bytes, &byte, 1);
  }
  return bytes;
}

static inline ConfLayout *mainframe_conf(const char *charset, const char *header, const char *record,
                                         const char *trailer) {
  ConfLayout *conf = layouts_conf("|", header, record, trailer);
  conf->kind = CONF_LAYOUT_FIXED;
  conf->line_end = CONF_LINE_END_NONE;
  conf->charset = g_strdup(charset);
  return conf;
}

/* Frees the configuration. */
static inline void mainframe_check(ConfLayout *conf, const char *words, const char *expected) {
  g_autoptr(GByteArray) bytes = mainframe_bytes(words);
  GError *error = NULL;
  Layout *layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s", error->message);
  g_autofree guint8 *exactly = g_memdup2(bytes->data, bytes->len); /* a read beyond is seen */
  for (gsize cut = 1; cut < bytes->len + 2; cut += cut < 40 ? 1 : bytes->len) {
    g_autofree char *told = layouts_tell(layout, exactly, bytes->len, cut);
    if (!g_str_equal(told, expected))
      fail_msg("in chunks of %zu:\n%s", cut, told);
  }
  layout_free(layout);
  layouts_free(conf);
}

/* The reason of the first record, or of the file when no record is at fault. Frees the configuration. */
static inline void mainframe_reason(ConfLayout *conf, const char *words, const char *expected) {
  g_autoptr(GByteArray) bytes = mainframe_bytes(words);
  Layout *layout = layout_new(conf, NULL);
  assert_non_null(layout);
  LayoutChunk *chunk = layout_chunk_new(layout);
  layout_parse(layout, &(LayoutSpan){.text = bytes->data, .end = bytes->len, .is_first = TRUE, .is_last = TRUE}, chunk);
  const GArray *faults = chunk->block->faults;
  const char *told = faults->len > 0          ? g_array_index(faults, BlockFault, 0).reason
                     : chunk->problems->len > 0 ? ((LayoutProblem *)chunk->problems->pdata[0])->reason
                                                : "";
  assert_string_equal(told, expected);
  layout_chunk_free(chunk);
  layout_free(layout);
  layouts_free(conf);
}

static inline void mainframe_refused(ConfLayout *conf, const char *word) {
  GError *error = NULL;
  assert_null(layout_new(conf, &error));
  if (!strstr(error->message, word))
    fail_msg("not about \"%s\": %s", word, error->message);
  g_error_free(error);
  layouts_free(conf);
}
