/* What is not certain, said as a line of a comment. */
#include "gateway/base/files.h"
#include "gateway/guess/guess_private.h"
#include <string.h>

void guess_unsure(Guess *guess, const char *format, ...) {
  enum { MOST = 40, LONGEST = 400 };
  va_list arguments;
  if (guess->unsure->len >= MOST)
    return;
  va_start(arguments, format);
  g_autofree char *said = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_ptr_array_add(guess->unsure, files_show_bytes(said, strlen(said), LONGEST));
}
