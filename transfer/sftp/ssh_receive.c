#include "transfer/sftp/ssh_private.h"
#include "transfer/sftp/kexinit.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* How long a server's KEXINIT is waited for after its banner, in microseconds. Those that we know send it after our
 * banner at the latest; one that waits for ours first is served AES, after this. */
#define LISTS_WAIT (2 * G_TIME_SPAN_SECOND)

/* What the server has sent before libssh2 may have it. */
struct SshEarly {
  guint8 bytes[2 * KEXINIT_MOST];
  gsize length, given;
  gboolean held;
};

static ssize_t take_early(SshEarly *early, void *bytes, gsize length) {
  gsize taken = MIN(length, early->length - early->given);
  memcpy(bytes, early->bytes + early->given, taken);
  early->given += taken;
  return (ssize_t)taken;
}

/* As libssh2's own; the first bytes are kept, and those that were read early come first. */
static ssize_t receive(libssh2_socket_t socket, void *bytes, size_t length, int flags, void **abstract) {
  SshLink *link = *abstract;
  if (link->early && link->early->held)
    return -EAGAIN;
  gboolean is_early = link->early && link->early->given < link->early->length;
  ssize_t got = is_early ? take_early(link->early, bytes, length) : recv(socket, bytes, length, flags);
  if (got < 0)
    return errno == EINTR || errno == ENOENT ? -EAGAIN : -errno;
  gsize kept = MIN((gsize)got, SSH_FIRST_BYTES - link->first_length);
  memcpy(link->first + link->first_length, bytes, kept);
  link->first_length += kept;
  return got;
}

/* libssh2 1.11.1 gave this call a new name and a function's type. */
void ssh_receive_by(SshLink *link) {
#if LIBSSH2_VERSION_NUM >= 0x010b01
  libssh2_session_callback_set2(link->session, LIBSSH2_CALLBACK_RECV, (libssh2_cb_generic *)receive);
#else
  libssh2_session_callback_set(link->session, LIBSSH2_CALLBACK_RECV, (void *)receive);
#endif
}

/* --- The server's lists, before ours are sent. */

/* Adds to what came. FALSE: no more will come, or none in time; libssh2 then meets the same and says what it is. */
static gboolean receive_early(SshLink *link, gint64 deadline) {
  SshEarly *early = link->early;
  GError *why = NULL;
  if (early->length == sizeof early->bytes || !ssh_wait(link, deadline, &why)) {
    g_clear_error(&why);
    return FALSE;
  }
  ssize_t got = recv(link->socket, early->bytes + early->length, sizeof early->bytes - early->length, 0);
  early->length += got > 0 ? (gsize)got : 0;
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

static KexinitGot look_at_kexinit(const SshEarly *early, gsize *banner_end, char **kex) {
  g_autofree char *banner = NULL;
  KexinitGot got = KEXINIT_WHOLE;
  if (*banner_end == 0)
    got = kexinit_banner(early->bytes, early->length, &banner, banner_end);
  if (got != KEXINIT_WHOLE) {
    *banner_end = 0;
    return got;
  }
  char *lists[KEXINIT_LISTS];
  got = kexinit_parse(early->bytes + *banner_end, early->length - *banner_end, lists);
  for (guint i = 0; i < KEXINIT_LISTS; i++)
    if (i == 0)
      *kex = lists[i];
    else
      g_free(lists[i]);
  return got;
}

char *ssh_early_kex(SshLink *link, gint64 deadline) {
  char *kex = NULL;
  gsize banner_end = 0;
  link->early = g_new0(SshEarly, 1);
  link->early->held = TRUE;
  /* sends our banner, which most servers wait for, and gets no answer yet */
  int begun = libssh2_session_handshake(link->session, link->socket);
  gint64 until = deadline;
  while (begun == LIBSSH2_ERROR_EAGAIN && look_at_kexinit(link->early, &banner_end, &kex) == KEXINIT_MORE) {
    if (banner_end > 0 && until == deadline)
      until = MIN(deadline, g_get_monotonic_time() + LISTS_WAIT);
    if (!receive_early(link, until))
      break;
  }
  link->early->held = FALSE;
  return kex;
}

/* --- A server that bars us. */

const char *ssh_barred_words(void) {
  return "the server bars this machine's address for a while (PerSourcePenalties of OpenSSH 9.8 and later): there were "
         "too many connections without a login, or failed ones; it lets in again after some seconds or minutes, and "
         "the partner may exempt this address (PerSourcePenaltyExemptList)";
}

gboolean ssh_says_barred(const char *bytes, gsize length) {
  static const char words[] = "Not allowed at this time";
  return memmem(bytes, length, words, strlen(words)) != NULL;
}
