/* The process: its configuration, its signals, its heartbeats. The requests are in server.c and behind it. */
#include "gateway/front/front.h"
#include "gateway/base/files.h"
#include "gateway/common/control.h"
#include "gateway/front/front_private.h"
#include "gateway/common/log.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { HEARTBEAT_MS = 1000 };

static int open_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* before the server's threads, which inherit it */
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static Conf *load_configuration(int fd, GError **error) {
  ConfSource *source = conf_source_load(fd, error);
  if (!source)
    return NULL;
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  if (!conf)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the configuration has %u errors", report->errors);
  else if (!conf->front.present)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the configuration has no front { … }");
  conf_report_free(report);
  conf_source_free(source);
  if (conf && !conf->front.present)
    g_clear_pointer(&conf, conf_free);
  return conf;
}

/* What `sallyport status` asks. */
typedef struct {
  Front *front;
  gint64 since;
} FrontAsked;

static json_t *answer(gpointer user, const char *who, const json_t *request) {
  const FrontAsked *asked = user;
  (void)who;
  if (g_strcmp0(json_string_value(json_object_get(request, "do")), "status") != 0)
    return json_pack("{s:b, s:s, s:s}", "ok", FALSE, "code", "bug", "error", "the front is asked for its status only");
  return json_pack("{s:b, s:i, s:I, s:s, s:i}", "ok", TRUE, "pid", (int)getpid(), "since", (json_int_t)asked->since,
                   "listen", asked->front->conf->front.listen, "connections", (int)front_connections(asked->front));
}

static ControlServer *open_control(FrontAsked *asked, GError **error) {
  const ConfNode *node = &asked->front->conf->node;
  g_autofree char *path = front_path_control(node);
  if (!files_make_folder(node->runtime, error))
    return NULL;
  return control_server_start(path, answer, asked, error);
}

/* Until a signal, or the supervisor's end. */
static void live(Front *front, int signals, int supervisor) {
  struct pollfd ends[] = {{signals, POLLIN, 0}, {supervisor, POLLIN, 0}};
  for (;;) {
    if (write(supervisor, ".", 1) < 0 && errno == EPIPE)
      return;
    front_end_slow(front, g_get_monotonic_time());
    front_wake_late(front->waits, g_get_monotonic_time());
    if (poll(ends, G_N_ELEMENTS(ends), HEARTBEAT_MS) < 0 && errno != EINTR)
      return;
    char byte;
    ssize_t got = ends[1].revents ? read(supervisor, &byte, 1) : 1;
    if (ends[0].revents || got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
      return;
  }
}

int front_run(const FrontOptions *options) {
  g_autoptr(GError) error = NULL;
  log_setup(LOG_INFO, FALSE, NULL);
  int signals = open_signals();
  Conf *conf = load_configuration(options->configuration_fd, &error);
  Front *front = NULL;
  if (conf) {
    log_setup((LogLevel)conf->node.log_level, conf->node.log_format == CONF_LOG_JSON, NULL);
    front = front_open(conf, &error);
  }
  FrontAsked asked = {front, g_get_real_time()};
  ControlServer *control = front ? open_control(&asked, &error) : NULL;
  if (front && !control) {
    front_close(front);
    front = NULL;
  }
  if (front) {
    log_event(LOG_INFO, "front-ready", {"listen", conf->front.listen}, {"url", conf->front.url});
    live(front, signals, options->supervisor_fd);
    control_server_stop(control);
    front_close(front);
    log_event(LOG_INFO, "front-stopped", {"status", "0"});
  } else {
    log_event(LOG_ERROR, "front-cannot-start", {"error", error->message});
  }
  conf_free(conf);
  if (signals >= 0)
    close(signals);
  return front ? 0 : 1;
}
