#include "gateway/common/remote_path.h"

char *remote_path_join(const char *folder, const void *name, gsize length) {
  gboolean needs_slash = folder[0] != '\0' && !g_str_has_suffix(folder, "/");
  return g_strdup_printf("%s%s%.*s", folder, needs_slash ? "/" : "", (int)length, (const char *)name);
}
