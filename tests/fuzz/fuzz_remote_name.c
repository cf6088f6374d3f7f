/* Names as a server sends them: an SFTP NAME answer of any bytes is taken apart within its bounds, and what is accepted
 * as a name cannot leave its folder. */
#include "gateway/base/files.h"
#include "transfer/wire/names.h"
#include "transfer/sftp/sftp_packet.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void judge(const guint8 *name, gsize length) {
  NameVerdict verdict = name_judge(name, length);
  gboolean harmless = length > 0 && length <= 255 && !memchr(name, '/', length) && !memchr(name, 0, length) &&
                      !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
  if ((verdict == NAME_ACCEPTED) != harmless)
    abort();
  g_autofree char *shown = files_show_bytes(name, length, 0);
  for (const char *at = shown; *at; at++)
    if ((guchar)*at < 0x20 || *at == 0x7f)
      abort();
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size) {
  SftpCursor cursor = {data, data + size};
  guint32 count;
  SftpName name;
  judge(data, size);
  if (!sftp_take_number(&cursor, &count))
    return 0;
  for (guint32 i = 0; i < count && sftp_take_name(&cursor, &name); i++) {
    if (name.name < data || name.name + name.name_length > data + size || cursor.at > cursor.end)
      abort();
    judge(name.name, name.name_length);
    (void)sftp_is_file(&name.attributes, name.longname, name.longname_length);
  }
  return 0;
}
