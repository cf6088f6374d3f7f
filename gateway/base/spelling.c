#include "gateway/base/spelling.h"
#include <string.h>

/* Damerau's distance without its refinement: no letter is changed twice. */
guint spelling_distance(const char *a, const char *b) {
  guint rows[3][SPELLING_LONGEST + 1] = {{0}};
  gsize n = strlen(a), m = strlen(b);
  if (n > SPELLING_LONGEST || m > SPELLING_LONGEST)
    return G_MAXUINT;
  for (guint j = 0; j <= m; j++)
    rows[0][j] = j;
  for (guint i = 1; i <= n; i++) {
    guint *here = rows[i % 3], *before = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];
    char letter = g_ascii_tolower(a[i - 1]), last = i > 1 ? g_ascii_tolower(a[i - 2]) : '\0';
    here[0] = i;
    for (guint j = 1; j <= m; j++) {
      guint change = before[j - 1] + (letter == g_ascii_tolower(b[j - 1]) ? 0 : 1);
      here[j] = MIN(MIN(before[j], here[j - 1]) + 1, change);
      if (i > 1 && j > 1 && letter == g_ascii_tolower(b[j - 2]) && last == g_ascii_tolower(b[j - 1]))
        here[j] = MIN(here[j], twice[j - 2] + 1);
    }
  }
  return rows[n % 3][m];
}
