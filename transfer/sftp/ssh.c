#include "transfer/sftp/ssh_private.h"
#include "gateway/base/files.h"
#include <string.h>
#include <unistd.h>

/* The channel's window bounds what an overfull answer can make us hold; large enough for a fast line with 100 ms. */
#define WINDOW (16u << 20)
#define PACKET 32768u
#define WRITE_MOST 32700u /* libssh2 takes no more at once */

gboolean ssh_prepare(GError **error) {
  int failed = libssh2_init(0);
  if (failed != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "libssh2 does not start: %d", failed);
  /* makes the crypto library load what it needs while it still may */
  LIBSSH2_SESSION *session = libssh2_session_init();
  if (!session)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "libssh2 has no memory");
  libssh2_session_free(session);
  return TRUE;
}

static gboolean read_host_key(SshLink *link, GError **error) {
  size_t length = 0;
  int type = 0;
  const char *key = libssh2_session_hostkey(link->session, &length, &type);
  const char *hash = libssh2_hostkey_hash(link->session, LIBSSH2_HOSTKEY_HASH_SHA256);
  if (!key || !hash)
    return sallyport_error_set(error, SALLYPORT_ERROR_LOGIN, "the server showed no host key");
  g_autofree char *text = g_base64_encode((const guchar *)hash, 32);
  text[strcspn(text, "=")] = 0;
  link->fingerprint = g_strconcat("SHA256:", text, NULL);
  switch (type) {
  case LIBSSH2_HOSTKEY_TYPE_ED25519:
    link->key_type = SSH_KEY_ED25519;
    break;
  case LIBSSH2_HOSTKEY_TYPE_ECDSA_256:
  case LIBSSH2_HOSTKEY_TYPE_ECDSA_384:
  case LIBSSH2_HOSTKEY_TYPE_ECDSA_521:
    link->key_type = SSH_KEY_ECDSA;
    break;
  case LIBSSH2_HOSTKEY_TYPE_RSA:
    link->key_type = SSH_KEY_RSA;
    break;
  default:
    link->key_type = SSH_KEY_OTHER;
  }
  return TRUE;
}

static gboolean handshake_failed(const SshLink *link, int failed, GError **error) {
  if (ssh_says_barred(link->first, link->first_length))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "SSH handshake: %s", ssh_barred_words());
  return ssh_error(link, failed, "SSH handshake", error);
}

SshLink *ssh_handshake(const SshPlan *plan, GError **error) {
  SshLink *link = g_new0(SshLink, 1);
  link->socket = plan->socket;
  link->lane = plan->lane;
  link->session = libssh2_session_init_ex(NULL, NULL, NULL, link);
  if (!link->session) {
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "libssh2 has no memory");
    ssh_end(link);
    return NULL;
  }
  libssh2_session_set_blocking(link->session, 0);
  ssh_receive_by(link);
  gboolean ok = ssh_prefer(link, plan->avoid, error) && ssh_prefer_ciphers(link, NULL, error);
  /* 1.11.1 was the first to know ChaCha20; any other choice needs no look at the server's lists */
  if (ok && libssh2_version(0x010b01)) {
    g_autofree char *kex = ssh_early_kex(link, plan->deadline);
    ok = ssh_prefer_ciphers(link, kex, error);
  }
  if (ok) {
    int failed;
    FINISH(link, failed, libssh2_session_handshake(link->session, link->socket), plan->deadline, error);
    ok = failed == 0 || (failed != LIBSSH2_ERROR_EAGAIN && handshake_failed(link, failed, error));
  }
  if (ok && read_host_key(link, error))
    return link;
  ssh_end(link);
  return NULL;
}

const char *ssh_fingerprint(const SshLink *link) {
  return link->fingerprint;
}
guint8 ssh_key_type(const SshLink *link) {
  return link->key_type;
}
int ssh_socket(const SshLink *link) {
  return link->socket;
}

const char *ssh_banner(const SshLink *link) {
  const char *banner = libssh2_session_banner_get(link->session);
  return banner ? banner : "";
}

const char *ssh_library_version(void) {
  return libssh2_version(0);
}
const char *ssh_login_offered(const SshLink *link) {
  return link->login_offered;
}
const char *ssh_login_by(const SshLink *link) {
  return link->login_by;
}

char *ssh_describe(const SshLink *link) {
  const char *names[SSH_OFFERS];
  for (guint i = 0; i < SSH_OFFERS; i++)
    names[i] = ssh_agreed(link, (SshOffer)i);
  g_autofree char *banner = files_show_bytes(ssh_banner(link), strlen(ssh_banner(link)), 80);
  return g_strdup_printf("%s, libssh2 %s, %s, %s, %s, %s", banner, libssh2_version(0), names[0], names[1], names[2],
                         names[3]);
}

gboolean ssh_start_sftp(SshLink *link, gint64 deadline, GError **error) {
  while (!(
      link->channel = libssh2_channel_open_ex(link->session, "session", strlen("session"), WINDOW, PACKET, NULL, 0))) {
    int failed = libssh2_session_last_errno(link->session);
    if (failed != LIBSSH2_ERROR_EAGAIN)
      return ssh_error(link, failed, "open a channel", error);
    if (!ssh_wait(link, deadline, error))
      return FALSE;
  }
  int failed;
  FINISH(link, failed, libssh2_channel_subsystem(link->channel, "sftp"), deadline, error);
  if (failed == LIBSSH2_ERROR_EAGAIN)
    return FALSE;
  return failed == 0 || ssh_error(link, failed, "the server refuses its SFTP subsystem", error);
}

gssize ssh_read(SshLink *link, void *bytes, gsize most, GError **error) {
  ssh_watch(SSH_SPIN_MOST);
  ssize_t length = libssh2_channel_read(link->channel, bytes, most);
  if (length > 0)
    return length;
  if (length == LIBSSH2_ERROR_EAGAIN)
    return 0;
  if (length == 0 && !libssh2_channel_eof(link->channel))
    return 0;
  if (length == 0)
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the server closed the connection");
  else
    ssh_error(link, (int)length, "read", error);
  return -1;
}

gboolean ssh_write(SshLink *link, const void *bytes, gsize length, gint64 deadline, GError **error) {
  const char *at = bytes;
  ssh_watch(SSH_SPIN_MOST);
  while (length > 0) {
    /* after EAGAIN libssh2 insists on the very same bytes and length, and nothing else may be sent in between */
    ssize_t written = libssh2_channel_write(link->channel, at, MIN(length, WRITE_MOST));
    if (written == LIBSSH2_ERROR_EAGAIN || written == 0) {
      if (!ssh_wait(link, deadline, error))
        return FALSE;
      continue;
    }
    if (written < 0)
      return ssh_error(link, (int)written, "write", error);
    at += written;
    length -= (gsize)written;
  }
  return TRUE;
}

void ssh_end(SshLink *link) {
  if (!link)
    return;
  if (link->session) {
    /* the socket does not block: a good-bye that does not fit is not said */
    libssh2_session_disconnect(link->session, "closing");
    close(link->socket);
    if (link->channel)
      libssh2_channel_free(link->channel);
    libssh2_session_free(link->session);
  } else {
    close(link->socket);
  }
  g_free(link->fingerprint);
  g_free(link->login_offered);
  g_free(link->login_by);
  g_free(link->early);
  g_free(link);
}
