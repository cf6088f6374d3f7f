#include "transfer/process/survey_private.h"
#include "transfer/wire/connect.h"
#include "transfer/sftp/kexinit.h"
#include "transfer/caged/sandbox.h"
#include "transfer/sftp/ssh.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAPACITY (2 * KEXINIT_MOST)

typedef struct {
  const DriverHost *host;
  const DriverFacts *facts;
  int socket;
  gint64 deadline;
  gsize length;
  guint8 bytes[CAPACITY];
} Survey;

static void on_resolved(gpointer user, gint64 took) {
  driver_fact(user, "resolved", "%" G_GINT64_FORMAT, took);
}

static void on_tried(gpointer user, const char *address, gint64 took, int number) {
  driver_fact(user, "address", "%s %" G_GINT64_FORMAT " %d", address, took, number);
}

static int connect_caged(const Survey *plan, const WireMessage *wanted, GError **error) {
  g_autofree char *name = wire_string(wanted->host), *cage = NULL;
  const ConnectWatch watch = {on_resolved, on_tried, (gpointer)plan->facts};
  int socket = connect_watched(name, (guint)wanted->port, plan->deadline, &watch, error);
  if (socket < 0 || sandbox_enter(&(SandboxPlan){.folder = -1}, &cage, error))
    return socket;
  close(socket);
  return -1;
}

/* More of the server's bytes. */
static gboolean receive(Survey *survey, GError **error) {
  struct pollfd wanted[2] = {{.fd = survey->socket, .events = POLLIN}, {.fd = survey->host->lane}};
  gint64 left = (survey->deadline - g_get_monotonic_time() + 999) / 1000;
  int ready = left > 0 && survey->length < CAPACITY ? poll(wanted, 2, (int)MIN(left, G_MAXINT)) : 0;
  if (ready < 0 && errno == EINTR)
    return TRUE;
  if (ready <= 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the server is silent");
  if (wanted[1].revents)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the caller is gone");
  ssize_t got = recv(survey->socket, survey->bytes + survey->length, CAPACITY - survey->length, 0);
  if (got > 0)
    survey->length += (gsize)got;
  if (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN)))
    return TRUE;
  if (ssh_says_barred((const char *)survey->bytes, survey->length))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "%s", ssh_barred_words());
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the server closed the connection%s%s",
                             got < 0 ? ": " : " without a word", got < 0 ? g_strerror(errno) : "");
}

static gboolean no_ssh(GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "what answers there is no SSH server");
}

/* Our own banner goes first: some servers wait for it. It is the one that libssh2 sends, since servers judge by it. */
static gboolean say_banner(const Survey *survey, GError **error) {
  g_autofree char *line = g_strdup_printf("SSH-2.0-libssh2_%s\r\n", ssh_library_version());
  return send(survey->socket, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line) ||
         sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the server closed the connection at once");
}

static gboolean take_banner(Survey *survey, gsize *used, GError **error) {
  g_autofree char *banner = NULL;
  KexinitGot got;
  while ((got = kexinit_banner(survey->bytes, survey->length, &banner, used)) == KEXINIT_MORE)
    if (!receive(survey, error))
      return FALSE;
  if (got == KEXINIT_WRONG)
    return no_ssh(error);
  driver_fact(survey->facts, "banner", "%s", banner);
  return TRUE;
}

static gboolean take_lists(Survey *survey, gsize from, GError **error) {
  char *lists[KEXINIT_LISTS];
  KexinitGot got;
  while ((got = kexinit_parse(survey->bytes + from, survey->length - from, lists)) == KEXINIT_MORE)
    if (!receive(survey, error))
      return FALSE;
  if (got == KEXINIT_WRONG)
    return no_ssh(error);
  for (guint i = 0; i < SSH_OFFERS; i++) {
    g_autofree char *names = ssh_offer((SshOffer)i, lists[0]);
    driver_fact(survey->facts, ssh_offer_names[i], "%s", names);
  }
  for (guint i = 0; i < KEXINIT_LISTS; i++) {
    if (kexinit_names[i])
      driver_fact(survey->facts, kexinit_names[i], "%s", lists[i]);
    g_free(lists[i]);
  }
  return TRUE;
}

static gboolean survey_ssh(Survey *survey, GError **error) {
  gsize used;
  return say_banner(survey, error) && take_banner(survey, &used, error) && take_lists(survey, used, error);
}

gboolean survey(const DriverHost *host, const WireMessage *wanted, const DriverFacts *facts, GError **error) {
  gboolean is_ssh = wanted->kind == COURIER_SFTP;
  if (is_ssh && !ssh_prepare(error))
    return FALSE;
  driver_fact(facts, "library", "libssh2 %s", ssh_library_version());
  g_autofree Survey *made = g_new0(Survey, 1);
  *made = (Survey){.host = host, .facts = facts, .deadline = g_get_monotonic_time() + host->connect_timeout};
  made->socket = connect_caged(made, wanted, error);
  if (made->socket < 0)
    return FALSE;
  made->deadline = g_get_monotonic_time() + host->connect_timeout;
  gboolean ok = !is_ssh || survey_ssh(made, error);
  close(made->socket);
  return ok;
}
