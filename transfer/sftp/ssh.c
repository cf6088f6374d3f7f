#include "transfer/sftp/ssh_private.h"
#include "gateway/base/files.h"
#include "transfer/wire/connect.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The channel's window bounds what an overfull answer can make us hold; large enough for a fast line with 100 ms. */
#define WINDOW (16u << 20)
#define PACKET 32768u
#define SPIN_MOST 300     /* seconds in one call */
#define WRITE_MOST 32700u /* libssh2 takes no more at once */

/* Fast and sound first; the library leaves out what it does not know (1.10: AES-GCM, ChaCha20, EtM, RSA with SHA-2). */
#define CIPHERS \
  "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,chacha20-poly1305@openssh.com"
static const struct {
  int method;
  const char *names;
} preferences[] = {
    {LIBSSH2_METHOD_KEX,
     "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
     "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
     "diffie-hellman-group14-sha256,diffie-hellman-group14-sha1"},
    {LIBSSH2_METHOD_CRYPT_CS, CIPHERS},
    {LIBSSH2_METHOD_CRYPT_SC, CIPHERS},
    {LIBSSH2_METHOD_COMP_CS, "none"},
    {LIBSSH2_METHOD_COMP_SC, "none"},
};

/* Without AES-GCM the MAC costs more than the cipher: measured here 386 MB/s for SHA-256 and 588 for SHA-512 where the
 * processor has no SHA instructions, and the other way round where it has. */
#define MACS_256 "hmac-sha2-256-etm@openssh.com,hmac-sha2-256"
#define MACS_512 "hmac-sha2-512-etm@openssh.com,hmac-sha2-512"

static const char *preferred_macs(void) {
#if defined(__x86_64__)
  unsigned a, b = 0, c, d;
  gboolean has_sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
  return has_sha ? MACS_256 "," MACS_512 ",hmac-sha1" : MACS_512 "," MACS_256 ",hmac-sha1";
#else
  return MACS_256 "," MACS_512 ",hmac-sha1";
#endif
}

static const struct {
  guint8 bit;
  const char *names;
} key_types[] = {
    {SSH_KEY_ED25519, "ssh-ed25519"},
    {SSH_KEY_ECDSA, "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521"},
    {SSH_KEY_RSA, "rsa-sha2-512,rsa-sha2-256,ssh-rsa"},
};

/* The one place where libssh2's codes become ours. */
static SallyportErrorCode code_of(int failed) {
  switch (failed) {
  case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
  case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
  case LIBSSH2_ERROR_PASSWORD_EXPIRED:
  case LIBSSH2_ERROR_HOSTKEY_INIT:
  case LIBSSH2_ERROR_HOSTKEY_SIGN:
    return SALLYPORT_ERROR_LOGIN;
  case LIBSSH2_ERROR_FILE:
  case LIBSSH2_ERROR_KEYFILE_AUTH_FAILED:
  case LIBSSH2_ERROR_PUBLICKEY_PROTOCOL:
    return SALLYPORT_ERROR_CONFIGURATION;
  case LIBSSH2_ERROR_KEX_FAILURE:
  case LIBSSH2_ERROR_METHOD_NONE:
  case LIBSSH2_ERROR_METHOD_NOT_SUPPORTED:
  case LIBSSH2_ERROR_PROTO:
  case LIBSSH2_ERROR_OUT_OF_BOUNDARY:
  case LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED:
  case LIBSSH2_ERROR_CHANNEL_FAILURE:
    return SALLYPORT_ERROR_PARTNER;
  case LIBSSH2_ERROR_BAD_USE:
  case LIBSSH2_ERROR_INVAL:
    return SALLYPORT_ERROR_BUG;
  default: /* sockets, time-outs, MACs, disconnections, memory: another connection may do */
    return SALLYPORT_ERROR_AGAIN;
  }
}

gboolean ssh_error(const SshLink *link, int failed, const char *what, GError **error) {
  char *text = NULL;
  libssh2_session_last_error(link->session, &text, NULL, 0);
  g_autofree char *shown = files_show_bytes(text ? text : "", text ? strlen(text) : 0, 200);
  return sallyport_error_set(error, code_of(failed), "%s: %s (libssh2 %s, %d)", what,
                             *shown ? shown : "no reason given", libssh2_version(0), failed);
}

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

/* libssh2 goes on inside one call as long as packets come, and a server can send empty ones for ever. While the lane
 * lives it ends such a courier; should it have died, this does. */
static void watch(gint64 seconds) {
  alarm((unsigned)CLAMP(seconds, 1, 7 * 86400));
}

void ssh_rest(void) {
  alarm(0);
}

gboolean ssh_wait(SshLink *link, gint64 deadline, GError **error) {
  int wants = libssh2_session_block_directions(link->session);
  short events = (short)((wants & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0) |
                         (wants & LIBSSH2_SESSION_BLOCK_INBOUND || wants == 0 ? POLLIN : 0));
  struct pollfd wanted[2] = {{.fd = link->socket, .events = events}, {.fd = link->lane}};
  gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;
  connect_quick_ack(link->socket);
  watch(left / 1000 + SPIN_MOST);
  int ready = left > 0 ? poll(wanted, 2, (int)MIN(left, G_MAXINT)) : 0;
  if (ready < 0 && errno == EINTR)
    return TRUE;
  if (ready > 0 && wanted[1].revents)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is gone");
  if (ready <= 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the server is silent");
  return TRUE;
}

static char *allowed_host_keys(guint8 avoid) {
  GString *names = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(key_types); i++)
    if (!(key_types[i].bit & avoid))
      g_string_append_printf(names, "%s%s", names->len ? "," : "", key_types[i].names);
  return g_string_free(names, FALSE);
}

static gboolean set_preferences(SshLink *link, guint8 avoid, GError **error) {
  for (gsize i = 0; i < G_N_ELEMENTS(preferences); i++) {
    int failed = libssh2_session_method_pref(link->session, preferences[i].method, preferences[i].names);
    if (failed != 0)
      return ssh_error(link, failed, "choose algorithms", error);
  }
  int macs = libssh2_session_method_pref(link->session, LIBSSH2_METHOD_MAC_CS, preferred_macs());
  if (macs == 0)
    macs = libssh2_session_method_pref(link->session, LIBSSH2_METHOD_MAC_SC, preferred_macs());
  if (macs != 0)
    return ssh_error(link, macs, "choose algorithms", error);
  g_autofree char *keys = allowed_host_keys(avoid);
  int failed = *keys ? libssh2_session_method_pref(link->session, LIBSSH2_METHOD_HOSTKEY, keys)
                     : LIBSSH2_ERROR_METHOD_NONE;
  return failed == 0 || ssh_error(link, LIBSSH2_ERROR_METHOD_NONE, "no further type of host key to ask for", error);
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

/* As libssh2's own, and the first bytes are kept. */
static ssize_t receive(libssh2_socket_t socket, void *bytes, size_t length, int flags, void **abstract) {
  SshLink *link = *abstract;
  ssize_t got = recv(socket, bytes, length, flags);
  if (got < 0)
    return errno == EINTR || errno == ENOENT ? -EAGAIN : -errno;
  gsize kept = MIN((gsize)got, SSH_FIRST_BYTES - link->first_length);
  memcpy(link->first + link->first_length, bytes, kept);
  link->first_length += kept;
  return got;
}

const char *ssh_barred_words(void) {
  return "the server bars this machine's address for a while (PerSourcePenalties of OpenSSH 9.8 and later): there were "
         "too many connections without a login, or failed ones; it lets in again after some seconds or minutes, and "
         "the partner may exempt this address (PerSourcePenaltyExemptList)";
}

gboolean ssh_says_barred(const char *bytes, gsize length) {
  static const char words[] = "Not allowed at this time";
  return memmem(bytes, length, words, strlen(words)) != NULL;
}

static gboolean handshake_failed(const SshLink *link, int failed, GError **error) {
  if (ssh_says_barred(link->first, link->first_length))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "SSH handshake: %s", ssh_barred_words());
  return ssh_error(link, failed, "SSH handshake", error);
}

/* libssh2 1.11.1 gave this call a new name and a function's type. */
static void receive_by(SshLink *link) {
#if LIBSSH2_VERSION_NUM >= 0x010b01
  libssh2_session_callback_set2(link->session, LIBSSH2_CALLBACK_RECV, (libssh2_cb_generic *)receive);
#else
  libssh2_session_callback_set(link->session, LIBSSH2_CALLBACK_RECV, (void *)receive);
#endif
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
  receive_by(link);
  gboolean ok = set_preferences(link, plan->avoid, error);
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

const char *const ssh_offer_names[SSH_OFFERS] = {"our-kex", "our-host-key", "our-cipher", "our-mac"};
static const int offer_methods[SSH_OFFERS] = {LIBSSH2_METHOD_KEX, LIBSSH2_METHOD_HOSTKEY, LIBSSH2_METHOD_CRYPT_SC,
                                              LIBSSH2_METHOD_MAC_SC};

const char *ssh_agreed(const SshLink *link, SshOffer what) {
  const char *name = libssh2_session_methods(link->session, offer_methods[what]);
  return name ? name : "?";
}

/* Those of `wanted` that the library knows, in that order. */
static char *known_names(LIBSSH2_SESSION *session, int method, const char *wanted) {
  g_auto(GStrv) each = g_strsplit(wanted, ",", -1);
  const char **known = NULL;
  int count = libssh2_session_supported_algs(session, method, &known);
  GString *names = g_string_new(NULL);
  for (char **name = each; *name; name++)
    for (int i = 0; i < count; i++)
      if (strcmp(known[i], *name) == 0)
        g_string_append_printf(names, "%s%s", names->len ? "," : "", *name);
  if (count > 0)
    libssh2_free(session, known);
  return g_string_free(names, FALSE);
}

char *ssh_offer(SshOffer what) {
  LIBSSH2_SESSION *session = libssh2_session_init();
  g_autofree char *keys = allowed_host_keys(0);
  const char *wanted = what == SSH_OFFER_KEX      ? preferences[0].names
                       : what == SSH_OFFER_CIPHER ? CIPHERS
                       : what == SSH_OFFER_MAC    ? preferred_macs()
                                                  : keys;
  char *names = session ? known_names(session, offer_methods[what], wanted) : g_strdup("");
  if (session)
    libssh2_session_free(session);
  return names;
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
  watch(SPIN_MOST);
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
  watch(SPIN_MOST);
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
  g_free(link);
}
