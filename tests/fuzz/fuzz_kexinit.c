/* What an SSH server says first, taken apart before anything is agreed: the doctor's survey. */
#include "transfer/sftp/kexinit.h"

int LLVMFuzzerTestOneInput(const guint8 *bytes, gsize length);

int LLVMFuzzerTestOneInput(const guint8 *bytes, gsize length) {
  g_autofree char *banner = NULL;
  char *lists[KEXINIT_LISTS];
  gsize used;
  if (kexinit_banner(bytes, length, &banner, &used) == KEXINIT_WHOLE)
    g_assert(banner && used <= length);
  if (kexinit_parse(bytes, length, lists) == KEXINIT_WHOLE)
    for (guint i = 0; i < KEXINIT_LISTS; i++)
      g_free(lists[i]);
  return 0;
}
