/* What to do about an error, by its reason and not by the step that it came in. */
#include "gateway/cli/doctor/doctor.h"
#include <string.h>

/* The words of servers and of our own drivers, the more telling first. */
static const struct {
  const char *words, *set;
} reasons[] = {
    {"bars this machine's address", "nothing: it passes by itself; the partner may exempt this machine's address"},
    {"host key is not a pinned one", "host-key, but only after the partner has confirmed its key by another way"},
    {"no private key that", "identity-file, passphrase-file"},
    {"prints it", "the partner has to silence the login script of this user"},
    {"unknown form of listing", "ask the partner to let its server list as Unix does, or by MLSD"},
    {"has TLS 1.3 only",
     "ask the partner to allow TLS 1.2 as well, or data connections without the control connection's session (ProFTPD: "
     "TLSOptions NoSessionReuseRequired; vsftpd: require_ssl_reuse=NO)"},
    {"session reuse", "ask the partner to let data connections come without TLS session reuse, or to allow TLS 1.2"},
    {"answers 425",
     "ask the partner: its server makes no data connection; with TLS, whether it wants session reuse or TLS "
     "1.3 only, and whether its passive ports are open to this machine"},
    {"answers 522", "ask the partner: its server wants the TLS session of the control connection on data connections"},
    {"Overwrite permission denied",
     "ask the partner for AllowOverwrite on in that folder; without it, a part that an upload "
     "has left there is removed first"},
    {"verwrite", "ask the partner to let this user write over its own files"},
    {"no space", "tell the partner: its disk is full"},
    {"over quota", "tell the partner: this user's quota is used up"},
    {"uota", "tell the partner: this user's quota is used up"},
    {"o such file", "the path in the configuration; or the partner has to make the folder"},
    {"o such folder", "the path in the configuration; or the partner has to make the folder"},
    {"ermission denied", "ask the partner to give this user the right to do that there"},
    {"nobody see whether",
     "names that are used once only ({id}, {sequence}): the server lets nobody look whether one is there"},
    {"no progress", "connect-timeout, io-timeout, if it only takes long"},
    {"silent", "connect-timeout, io-timeout, if it only takes long"},
    {"too many connections", "connections: fewer at a time"},
    {"answers 421", "connections: fewer at a time; or the partner allows more of them"},
};

const char *doctor_advice(const GError *error, const char *otherwise) {
  for (gsize i = 0; error && i < G_N_ELEMENTS(reasons); i++)
    if (strstr(error->message, reasons[i].words))
      return reasons[i].set;
  return otherwise;
}
