/* The courier's own speed against other SFTP and FTP clients: many or large files over `connections` couriers at a
 * time, as a lane uses them.
 *
 *   bench_courier get|put CONNECTIONS LOCAL_FOLDER REMOTE_FOLDER < names
 *
 * The endpoint comes from the environment: SFTP_PORT, SFTP_USER, SFTP_HOST_KEY, SFTP_IDENTITY, and SALLYPORT is the
 * program that is started as the courier. Or FTP_PORT, FTP_USER, FTP_PASSWORD (a file), and FTP_CA (a file) for
 * explicit TLS. */
#include "transfer/courier.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  gboolean is_get;
  const char *local, *remote;
  GPtrArray *names;
  gint next, failed;
} Job;

static void complain(Job *job, const char *what, const GError *error) {
  fprintf(stderr, "bench_courier: %s: %s\n", what, error->message);
  g_atomic_int_set(&job->failed, 1);
}

static gboolean get(Courier *courier, const char *from, const char *to, GError **error) {
  int fd = open(to, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "cannot make %s", to);
  guint64 end = 0;
  CourierGet request = {.path = from, .size_limit = G_MAXINT64, .fd = fd};
  gboolean ok = courier_get(courier, &request, &end, error);
  close(fd);
  return ok;
}

static gboolean put(Courier *courier, const char *from, const char *to, GError **error) {
  struct stat status;
  int fd = open(from, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "cannot read %s", from);
  CourierPut request = {.path = to, .fd = fd, .size = (guint64)status.st_size};
  gboolean ok = courier_put(courier, &request, error);
  close(fd);
  return ok;
}

static Courier *connect_ftp(GError **error) {
  CourierEndpoint endpoint = {.kind = COURIER_FTP,
                              .name = "bench",
                              .host = "127.0.0.2",
                              .port = (guint)atoi(getenv("FTP_PORT")),
                              .user = getenv("FTP_USER"),
                              .password_file = getenv("FTP_PASSWORD"),
                              .ca_file = getenv("FTP_CA"),
                              .tls = getenv("FTP_CA") ? COURIER_TLS_EXPLICIT : COURIER_TLS_NONE,
                              .program = getenv("SALLYPORT")};
  return courier_open(&endpoint, error);
}

static Courier *connect_courier(GError **error) {
  if (getenv("FTP_PORT"))
    return connect_ftp(error);
  const char *keys[] = {getenv("SFTP_HOST_KEY"), NULL};
  CourierEndpoint endpoint = {.kind = COURIER_SFTP,
                              .name = "bench",
                              .host = "127.0.0.1",
                              .user = getenv("SFTP_USER"),
                              .port = (guint)atoi(getenv("SFTP_PORT")),
                              .host_keys = keys,
                              .identity_file = getenv("SFTP_IDENTITY"),
                              .program = getenv("SALLYPORT")};
  return courier_open(&endpoint, error);
}

static void *work(void *user) {
  Job *job = user;
  g_autoptr(GError) error = NULL;
  Courier *courier = connect_courier(&error);
  if (!courier) {
    complain(job, "connect", error);
    return NULL;
  }
  for (gint at; !job->failed && (at = g_atomic_int_add(&job->next, 1)) < (gint)job->names->len;) {
    const char *name = job->names->pdata[at];
    g_autofree char *local = g_strdup_printf("%s/%s", job->local, name),
                    *remote = g_strdup_printf("%s/%s", job->remote, name);
    if (!(job->is_get ? get(courier, remote, local, &error) : put(courier, local, remote, &error)))
      complain(job, name, error);
  }
  courier_close(courier);
  return NULL;
}

int main(int argc, char **argv) {
  static const char *const ssh[] = {"SFTP_PORT", "SFTP_USER", "SFTP_HOST_KEY", "SFTP_IDENTITY"}, *const ftp[] = {
                                                                                                     "FTP_PORT",
                                                                                                     "FTP_USER",
                                                                                                     "FTP_PASSWORD",
                                                                                                     "FTP_PORT"};
  gboolean complete = argc == 5;
  for (int i = 0; i < 4; i++)
    complete = complete && getenv(getenv("FTP_PORT") ? ftp[i] : ssh[i]);
  if (!complete) {
    fprintf(stderr,
            "usage: bench_courier get|put CONNECTIONS LOCAL REMOTE < names, with SFTP_… or FTP_… and SALLYPORT set\n");
    return 2;
  }
  Job job = {.is_get = strcmp(argv[1], "get") == 0,
             .local = argv[3],
             .remote = argv[4],
             .names = g_ptr_array_new_with_free_func(g_free)};
  char line[1024];
  while (fgets(line, sizeof line, stdin))
    g_ptr_array_add(job.names, g_strdup(g_strstrip(line)));
  pthread_t threads[16];
  gsize connections = MIN(MAX((gsize)atoi(argv[2]), 1), G_N_ELEMENTS(threads));
  for (gsize i = 0; i < connections; i++)
    pthread_create(&threads[i], NULL, work, &job);
  for (gsize i = 0; i < connections; i++)
    pthread_join(threads[i], NULL);
  g_ptr_array_unref(job.names);
  return job.failed ? 1 : 0;
}
