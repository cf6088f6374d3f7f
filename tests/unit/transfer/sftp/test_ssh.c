/* What the link offers to a server, seen from the server's side. */
#include "transfer/sftp/kexinit.h"
#include "transfer/sftp/ssh.h"
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define CHACHA20 "chacha20-poly1305@openssh.com"
#define BANNER "SSH-2.0-test\r\n"
#define STRICT "curve25519-sha256,kex-strict-s-v00@openssh.com"

static void add_list(GByteArray *to, const char *names) {
  guint32 length = GUINT32_TO_BE((guint32)strlen(names));
  g_byte_array_append(to, (const guint8 *)&length, sizeof length);
  g_byte_array_append(to, (const guint8 *)names, (guint)strlen(names));
}

/* A KEXINIT, padded to blocks of 8 bytes. */
static GByteArray *kexinit_of(const char *kex) {
  const char *const ciphers = CHACHA20 ",aes128-gcm@openssh.com,aes128-ctr";
  const char *const lists[KEXINIT_LISTS] = {kex,           "ssh-ed25519",   ciphers, ciphers, "hmac-sha2-256",
                                            "hmac-sha2-256", "none", "none",  "",      ""};
  GByteArray *packet = g_byte_array_new();
  guint8 zeroes[32] = {0};
  g_byte_array_append(packet, zeroes, 5);
  g_byte_array_append(packet, (const guint8 *)"\x14", 1);
  g_byte_array_append(packet, zeroes, 16);
  for (guint i = 0; i < KEXINIT_LISTS; i++)
    add_list(packet, lists[i]);
  g_byte_array_append(packet, zeroes, 5);
  packet->data[4] = (guint8)(12 - packet->len % 8);
  g_byte_array_append(packet, zeroes, packet->data[4]);
  guint32 length = GUINT32_TO_BE(packet->len - 4);
  memcpy(packet->data, &length, sizeof length);
  return packet;
}

static void send_all(int socket, const void *bytes, gsize length) {
  assert_int_equal(send(socket, bytes, length, MSG_NOSIGNAL), length);
}

/* The client's list of ciphers, as soon as it is there; "" when the client goes away. The caller frees. */
static char *read_ciphers(int socket) {
  guint8 bytes[KEXINIT_MOST];
  gsize length = 0, used = 0;
  for (;;) {
    char *lists[KEXINIT_LISTS] = {0};
    g_autofree char *banner = NULL;
    if (kexinit_banner(bytes, length, &banner, &used) == KEXINIT_WHOLE &&
        kexinit_parse(bytes + used, length - used, lists) == KEXINIT_WHOLE) {
      for (guint i = 0; i < KEXINIT_LISTS; i++)
        if (i != 3)
          g_free(lists[i]);
      return lists[3];
    }
    ssize_t got = recv(socket, bytes + length, sizeof bytes - length, 0);
    if (got <= 0)
      return g_strdup("");
    length += (gsize)got;
  }
}

typedef struct {
  int socket, lane;
  char *error;
} Client;

static gpointer shake_hands(gpointer user) {
  Client *client = user;
  GError *error = NULL;
  gint64 deadline = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;
  SshLink *link = ssh_handshake(&(SshPlan){client->socket, client->lane, 0, deadline}, &error);
  client->error = g_strdup(error ? error->message : "");
  g_clear_error(&error);
  ssh_end(link);
  return NULL;
}

typedef struct {
  const char *before, *kex; /* kex NULL: the server waits for the client's KEXINIT */
  gboolean in_pieces;
  const char *first; /* of the client's ciphers, with a library that knows them all */
} Server;

static void expect_first_cipher(const Server *server) {
  int pair[2], lane[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, lane), 0);
  assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
  Client client = {pair[0], lane[0], NULL};
  GThread *thread = g_thread_new("client", shake_hands, &client);
  struct pollfd there = {pair[1], POLLIN, 0};
  assert_int_equal(poll(&there, 1, 20000), 1); /* its banner comes first: ours is not waited for */
  g_autoptr(GByteArray) said = server->kex ? kexinit_of(server->kex) : g_byte_array_new();
  g_byte_array_prepend(said, (const guint8 *)server->before, (guint)strlen(server->before));
  for (guint i = 0; i < said->len; i += server->in_pieces ? 1 : said->len)
    send_all(pair[1], said->data + i, server->in_pieces ? 1 : said->len);
  assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){20, 0}, sizeof(struct timeval)), 0);
  g_autofree char *ciphers = read_ciphers(pair[1]);
  close(pair[1]);
  g_thread_join(thread);
  close(lane[0]);
  close(lane[1]);
  g_autofree char *offer = ssh_offer(SSH_OFFER_CIPHER, server->kex);
  assert_string_equal(ciphers, offer);
  if (strstr(offer, CHACHA20) && !g_str_has_prefix(ciphers, server->first))
    fail_msg("%s: %s comes first, not %s", server->kex, ciphers, server->first);
  assert_string_not_equal(client.error, "");
  g_free(client.error);
}

static void chacha20_comes_first_where_the_server_counts_strictly(void **state) {
  (void)state;
  static const Server servers[] = {
      {BANNER, STRICT, FALSE, CHACHA20},
      {BANNER, STRICT, TRUE, CHACHA20},
      {"Welcome to the exchange\r\n" BANNER, STRICT, FALSE, CHACHA20},
      {BANNER, "curve25519-sha256", FALSE, "aes128-gcm@openssh.com"},
      {BANNER, "kex-strict-s-v00@openssh.com.example,curve25519-sha256", FALSE, "aes128-gcm@openssh.com"},
      {BANNER, NULL, FALSE, "aes128-gcm@openssh.com"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(servers); i++)
    expect_first_cipher(&servers[i]);
}

static void the_order_of_ciphers_is_by_what_the_server_announces(void **state) {
  (void)state;
  assert_true(g_str_has_prefix(ssh_ciphers(STRICT), CHACHA20 ",aes128-gcm@openssh.com,"));
  assert_true(g_str_has_suffix(ssh_ciphers("curve25519-sha256"), ",aes256-ctr," CHACHA20));
  assert_string_equal(ssh_ciphers(NULL), ssh_ciphers("curve25519-sha256"));
  assert_string_equal(ssh_ciphers("kex-strict-c-v00@openssh.com"), ssh_ciphers(NULL)); /* the client's own signal */
}

int main(void) {
  GError *error = NULL;
  if (!ssh_prepare(&error))
    g_error("%s", error->message);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_order_of_ciphers_is_by_what_the_server_announces),
      cmocka_unit_test(chacha20_comes_first_where_the_server_counts_strictly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
