/* What a layout makes of a text, the same from chunks of any size. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

/* As layouts_tell() from one chunk; chunks of 1 byte and more, each so many times as large as the one before, have to
 * give the same. The caller frees. */
static inline char *pieces_tell(ConfLayout *conf, const char *text, gsize times) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Layout) layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s", error->message);
  gsize length = strlen(text);
  g_autofree guint8 *exactly = g_memdup2(text, length); /* a read beyond is seen */
  char *told = layouts_tell(layout, exactly, length, length + 1);
  for (gsize wanted = 1; wanted < 200; wanted = wanted * times + 1) {
    g_autofree char *cut = layouts_tell(layout, exactly, length, wanted);
    if (!g_str_equal(cut, told))
      fail_msg("in one piece:\n%sin chunks of %zu:\n%s", told, wanted, cut);
  }
  return told;
}
