#include "transfer/sftp/ssh_private.h"
#include "transfer/sftp/kexinit.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <string.h>

/* Sound and fast first; the library leaves out what it does not know (1.10: AES-GCM, ChaCha20, EtM, RSA with SHA-2).
 * libssh2 1.11.1 calls AES-GCM's cipher once per 16 bytes. CPU for a get of 1 GiB, measured: 8.1 s with it and 4.7 with
 * ChaCha20-Poly1305; with OpenSSL 3.5.9 on a processor with wide AES (VAES) 2.9 and 3.4. Without strict key exchange
 * somebody on the way can cut messages off the beginning under ChaCha20 (CVE-2023-48795): then it is last. */
#define CHACHA20 "chacha20-poly1305@openssh.com"
#define AES "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"

const char *ssh_ciphers(const char *their_kex) {
  return their_kex && kexinit_has(their_kex, "kex-strict-s-v00@openssh.com") ? CHACHA20 "," AES : AES "," CHACHA20;
}

static const struct {
  int method;
  const char *names;
} preferences[] = {
    {LIBSSH2_METHOD_KEX,
     "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
     "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
     "diffie-hellman-group14-sha256,diffie-hellman-group14-sha1"},
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

static char *allowed_host_keys(guint8 avoid) {
  GString *names = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(key_types); i++)
    if (!(key_types[i].bit & avoid))
      g_string_append_printf(names, "%s%s", names->len ? "," : "", key_types[i].names);
  return g_string_free(names, FALSE);
}

static gboolean prefer(SshLink *link, int method, const char *names, GError **error) {
  int failed = libssh2_session_method_pref(link->session, method, names);
  return failed == 0 || ssh_error(link, failed, "choose algorithms", error);
}

gboolean ssh_prefer(SshLink *link, guint8 avoid, GError **error) {
  for (gsize i = 0; i < G_N_ELEMENTS(preferences); i++)
    if (!prefer(link, preferences[i].method, preferences[i].names, error))
      return FALSE;
  if (!prefer(link, LIBSSH2_METHOD_MAC_CS, preferred_macs(), error) ||
      !prefer(link, LIBSSH2_METHOD_MAC_SC, preferred_macs(), error))
    return FALSE;
  g_autofree char *keys = allowed_host_keys(avoid);
  int failed = *keys ? libssh2_session_method_pref(link->session, LIBSSH2_METHOD_HOSTKEY, keys)
                     : LIBSSH2_ERROR_METHOD_NONE;
  return failed == 0 || ssh_error(link, LIBSSH2_ERROR_METHOD_NONE, "no further type of host key to ask for", error);
}

gboolean ssh_prefer_ciphers(SshLink *link, const char *their_kex, GError **error) {
  const char *names = ssh_ciphers(their_kex);
  return prefer(link, LIBSSH2_METHOD_CRYPT_CS, names, error) && prefer(link, LIBSSH2_METHOD_CRYPT_SC, names, error);
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

char *ssh_offer(SshOffer what, const char *their_kex) {
  LIBSSH2_SESSION *session = libssh2_session_init();
  g_autofree char *keys = allowed_host_keys(0);
  const char *wanted = what == SSH_OFFER_KEX      ? preferences[0].names
                       : what == SSH_OFFER_CIPHER ? ssh_ciphers(their_kex)
                       : what == SSH_OFFER_MAC    ? preferred_macs()
                                                  : keys;
  char *names = session ? known_names(session, offer_methods[what], wanted) : g_strdup("");
  if (session)
    libssh2_session_free(session);
  return names;
}

