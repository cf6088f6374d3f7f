#include "crypto/gpg.h"
#include "crypto/gpg_context.h"
#include "crypto/gpg_kill.h"
#include "crypto/home.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPES 8 /* status, command, colon lines, data in and out: GPGME registers at most six */
#define PIPE_SIZE                                                                                         \
  (1024 * 1024) /* the most that a user may ask for; gpg and we then seldom wait for each other. Only for \
                   data that do not fit the usual one: all pipes of a user share 64 MiB */
#define PIECE (256 * 1024)
#define FIRST_PIECE 512    /* an empty pipe takes it whole */
#define BULK (1024 * 1024) /* past this much data, and while gpg delivers less than … */
#define SMALL (64 * 1024)  /* … this at a time, it is let work for … */
/* … so many µs between two turns: to be woken for each 8 KiB costs both sides a fifth */
#define PAUSE 400
#define PASSPHRASE_LIMIT 1024
#define MOST_ASKED 64 /* a ring has no more keys to try than this */

typedef struct {
  gboolean used;
  gboolean is_status;
  gboolean direct; /* carries the data, which we move past GPGME */
  gboolean is_large;
  int fd, to_read;
  gpgme_io_cb_t call;
  void *data;
} Pipe;

struct GpgRun {
  gpgme_ctx_t context;
  char *home, *passphrase_file;
  gboolean goes_on_without_passphrase;
  guint asked;       /* for passphrases */
  char *context_key; /* home and signer */
  gint64 ends;       /* monotonic, µs */
  GpgSource source;
  GpgSink sink;
  GpgStatus status;
  gpointer user;
  GPtrArray *keys;
  gpgme_data_t input, output;
  guint8 *piece_in, *piece_out;
  gsize in_at, in_end; /* of piece_in: read from the source, not yet written to gpg */
  gboolean source_ended;
  guint64 moved;
  gboolean in_small_pieces;
  Pipe *current; /* the one that is being served */
  Pipe pipes[PIPES];
  ino_t inodes[PIPES]; /* of all pipes of this run, also closed ones: who holds an end of one is our gpg */
  guint inode_count;
  gboolean done, stop, ended_well;
  gpgme_error_t outcome;
  GError *error; /* of a callback of ours */
};

gboolean gpg_error_is_ours(gpgme_error_t error, SallyportErrorCode *ours) {
  switch (gpg_err_code(error)) {
  case GPG_ERR_INV_ENGINE:
  case GPG_ERR_NO_ENGINE:
  case GPG_ERR_ENGINE_TOO_OLD:
  case GPG_ERR_BAD_PASSPHRASE:
  case GPG_ERR_BAD_PIN:
  case GPG_ERR_NO_PASSPHRASE:
  case GPG_ERR_NO_PIN_ENTRY:
  case GPG_ERR_PIN_ENTRY:
  case GPG_ERR_CANCELED:
  case GPG_ERR_FULLY_CANCELED:
    *ours = SALLYPORT_ERROR_CONFIGURATION;
    return TRUE;
  case GPG_ERR_TIMEOUT:
  case GPG_ERR_AGENT:
  case GPG_ERR_NO_AGENT:
  case GPG_ERR_RESOURCE_LIMIT:
  case GPG_ERR_EOF:
  case GPG_ERR_ASS_CONNECT_FAILED:
  case GPG_ERR_ASS_READ_ERROR:
  case GPG_ERR_ASS_WRITE_ERROR:
    *ours = SALLYPORT_ERROR_AGAIN;
    return TRUE;
  default:
    *ours = SALLYPORT_ERROR_AGAIN; /* ENOMEM, EMFILE, EAGAIN from fork or a pipe */
    return (gpg_err_code(error) & GPG_ERR_SYSTEM_ERROR) != 0;
  }
}

static gpgme_error_t register_pipe(void *user, int fd, int to_read, gpgme_io_cb_t call, void *data, void **tag) {
  GpgRun *run = user;
  for (guint i = 0; i < PIPES; i++) {
    Pipe *pipe = &run->pipes[i];
    if (pipe->used)
      continue;
    struct stat status;
    *pipe = (Pipe){.used = TRUE, .is_status = i == 0, .fd = fd, .to_read = to_read, .call = call, .data = data};
    *tag = pipe;
    if (fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && run->inode_count < PIPES)
      run->inodes[run->inode_count++] = status.st_ino;
    return 0;
  }
  return gpg_error(GPG_ERR_INTERNAL);
}

static void unregister_pipe(void *tag) {
  ((Pipe *)tag)->used = FALSE;
}

static void see_event(void *user, gpgme_event_io_t type, void *type_data) {
  GpgRun *run = user;
  if (type == GPGME_EVENT_DONE) {
    const struct gpgme_io_event_done_data *done = type_data;
    run->done = TRUE;
    run->outcome = done->err ? done->err : done->op_err;
  } else if (type == GPGME_EVENT_NEXT_KEY) {
    if (run->keys)
      g_ptr_array_add(run->keys, type_data);
    else
      gpgme_key_unref(type_data);
  }
}

static gpgme_error_t see_status(void *user, const char *keyword, const char *arguments) {
  GpgRun *run = user;
  if (run->status && keyword && *keyword)
    run->status(run->user, keyword, arguments);
  return 0;
}

/* GPGME 1.18 formats a hexadecimal dump of all data for its debug log, also when there is none: half of the processor
 * time of an operation. So its data callbacks serve only to learn which pipes carry the data, by the first piece of
 * each, and to close them at their end; all in between is moved by feed_gpg() and drain_gpg(). */
static ssize_t first_input(void *user, void *into, size_t limit) {
  GpgRun *run = user;
  if (run->source_ended || !run->source)
    return 0;
  gssize got = run->source(run->user, into, MIN(limit, FIRST_PIECE));
  run->stop |= got < 0;
  run->source_ended = got <= 0;
  if (run->current && !run->current->to_read)
    run->current->direct = TRUE;
  if (got < 0)
    errno = EIO;
  return got;
}

static ssize_t first_output(void *user, const void *bytes, size_t length) {
  GpgRun *run = user;
  if (run->current && run->current->to_read)
    run->current->direct = TRUE;
  if (!run->stop && run->sink && run->sink(run->user, bytes, length))
    return (ssize_t)length;
  run->stop = TRUE;
  errno = EIO;
  return -1;
}

static struct gpgme_data_cbs input_callbacks = {.read = first_input}, output_callbacks = {.write = first_output};

/* TRUE: served. FALSE: the end, or gpg has closed its side: GPGME closes ours. */
static gboolean feed_gpg(GpgRun *run, int fd) {
  if (!run->piece_in)
    run->piece_in = g_malloc(PIECE);
  if (run->in_at == run->in_end) {
    gssize got = run->source_ended ? 0 : run->source(run->user, run->piece_in, PIECE);
    run->stop |= got < 0;
    run->source_ended = got <= 0;
    run->in_at = 0;
    run->in_end = got > 0 ? (gsize)got : 0;
    if (got <= 0)
      return got < 0;
  }
  ssize_t put = write(fd, run->piece_in + run->in_at, run->in_end - run->in_at);
  if (put > 0) {
    run->in_at += (gsize)put;
    run->moved += (guint64)put;
  }
  if (put >= 0 || errno == EAGAIN || errno == EINTR)
    return TRUE;
  run->source_ended = TRUE;
  run->in_at = run->in_end = 0;
  return FALSE;
}

static gboolean drain_gpg(GpgRun *run, int fd) {
  if (!run->piece_out)
    run->piece_out = g_malloc(PIECE);
  ssize_t got = read(fd, run->piece_out, PIECE);
  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  run->moved += (guint64)got;
  run->in_small_pieces = got < SMALL;
  if (got > 0 && !run->sink(run->user, run->piece_out, (gsize)got))
    run->stop = TRUE;
  return got > 0;
}

static void serve(GpgRun *run, Pipe *pipe) {
  if (pipe->direct && !pipe->is_large && run->moved >= SMALL) {
    (void)fcntl(pipe->fd, F_SETPIPE_SZ, PIPE_SIZE); /* refused above the user's share: slower, not wrong */
    pipe->is_large = TRUE;
  }
  if (pipe->direct && (pipe->to_read ? drain_gpg(run, pipe->fd) : feed_gpg(run, pipe->fd)))
    return;
  run->current = pipe;
  (void)pipe->call(pipe->data, pipe->fd);
  run->current = NULL;
}

/* Gives gpg a word that opens nothing, so that it fails with this key and goes on to the next: an error from here would
 * end the whole run. */
static gpgme_error_t give_nothing(GpgRun *run, int fd) {
  guint8 bytes[16];
  char word[2 * sizeof bytes + 2];
  if (!run->goes_on_without_passphrase || getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return gpg_error(GPG_ERR_CANCELED);
  for (gsize i = 0; i < sizeof bytes; i++)
    g_snprintf(word + 2 * i, 3, "%02x", bytes[i]);
  word[2 * sizeof bytes] = '\n';
  return gpgme_io_writen(fd, word, 2 * sizeof bytes + 1) ? gpgme_error_from_errno(errno) : 0;
}

/* The passphrase goes from its file to gpg and stays nowhere. A passphrase for a symmetric message is never given: only
 * our own key's passphrase is known here, and it must not be tried on what a stranger made. */
static gpgme_error_t give_passphrase(void *user, const char *uid_hint, const char *info, int was_bad, int fd) {
  GpgRun *run = user;
  char text[PASSPHRASE_LIMIT + 1];
  gboolean for_a_key = info && strlen(info) >= 16 && strspn(info, "0123456789ABCDEFabcdef") >= 16;
  (void)uid_hint;
  if (++run->asked > MOST_ASKED)
    return gpg_error(GPG_ERR_CANCELED);
  if (was_bad && !run->goes_on_without_passphrase)
    return gpg_error(GPG_ERR_BAD_PASSPHRASE);
  if (for_a_key && !run->passphrase_file && !run->error)
    sallyport_error_set(&run->error, SALLYPORT_ERROR_CONFIGURATION,
                        "a key of %s is protected by a passphrase, and no passphrase file is configured", run->home);
  if (!for_a_key || !run->passphrase_file)
    return give_nothing(run, fd);
  int file = open(run->passphrase_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  ssize_t length = file < 0 ? -1 : read(file, text, PASSPHRASE_LIMIT);
  if (length < 0 && !run->error)
    sallyport_error_set(&run->error, SALLYPORT_ERROR_CONFIGURATION, "passphrase file %s: %s", run->passphrase_file,
                        g_strerror(errno));
  if (file >= 0)
    close(file);
  if (length < 0)
    return give_nothing(run, fd);
  char *end = memchr(text, '\n', (size_t)length);
  size_t used = end ? (size_t)(end - text) : (size_t)length;
  while (used > 0 && text[used - 1] == '\r')
    used--;
  text[used++] = '\n';
  int failed = gpgme_io_writen(fd, text, used);
  explicit_bzero(text, sizeof text);
  return failed ? gpgme_error_from_errno(errno) : 0;
}

static gboolean check_home(const char *home, GError **error) {
  struct stat status;
  if (!home || !*home)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "no OpenPGP home is configured");
  if (strlen(home) >= 80)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "OpenPGP home %s: its path has 80 bytes or more, too long for gpg-agent's socket", home);
  if (stat(home, &status) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "OpenPGP home %s: %s", home, g_strerror(errno));
  if (!S_ISDIR(status.st_mode) || access(home, R_OK | X_OK) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "OpenPGP home %s: not a folder we can read", home);
  home_prepare_quietly(home);
  return TRUE;
}

GpgRun *gpg_run_new(const GpgRunOptions *options, GError **error) {
  if (!check_home(options->home, error))
    return NULL;
  g_autofree char *context_key = g_strconcat(options->home, "\n", options->signer, NULL);
  gpgme_ctx_t context = options->other_program ? NULL : gpg_context_take(context_key);
  gpgme_error_t failed = 0;
  if (!context)
    failed = options->other_program ? gpg_context_make_spawn(&context) : gpg_context_make(options->home, &context);
  if (failed) {
    SallyportErrorCode code;
    gboolean ours = gpg_error_is_ours(failed, &code);
    sallyport_error_set(error, ours ? code : SALLYPORT_ERROR_CONFIGURATION, "GPGME for %s: %s", options->home,
                        gpgme_strerror(failed));
    return NULL;
  }
  GpgRun *run = g_new0(GpgRun, 1);
  run->context = context;
  run->context_key = options->other_program ? NULL : g_steal_pointer(&context_key);
  run->home = g_strdup(options->home);
  run->passphrase_file = g_strdup(options->passphrase_file);
  run->goes_on_without_passphrase = options->goes_on_without_passphrase;
  run->ends = g_get_monotonic_time() + (gint64)(options->deadline ? options->deadline : 3600) * G_USEC_PER_SEC;
  run->source = options->source;
  run->sink = options->sink;
  run->status = options->status;
  run->user = options->user;
  run->keys = options->keys;
  struct gpgme_io_cbs loop = {
      .add = register_pipe, .add_priv = run, .remove = unregister_pipe, .event = see_event, .event_priv = run};
  gpgme_set_io_cbs(context, &loop);
  gpgme_set_status_cb(context, see_status, run);
  /* Always with the callback: GPGME then does not say --batch, in which gpg ends at the first signature that is bad or
   * has expired, before it has said whether the message was whole. */
  gpgme_set_passphrase_cb(context, give_passphrase, run);
  gpgme_set_pinentry_mode(context, GPGME_PINENTRY_MODE_LOOPBACK);
  failed = gpgme_data_new_from_cbs(&run->input, &input_callbacks, run);
  if (!failed)
    failed = gpgme_data_new_from_cbs(&run->output, &output_callbacks, run);
  if (!failed)
    return run;
  sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "GPGME for %s: %s", options->home, gpgme_strerror(failed));
  gpg_run_free(run);
  return NULL;
}

gpgme_ctx_t gpg_run_context(GpgRun *run) {
  return run->context;
}

gpgme_data_t gpg_run_input(GpgRun *run) {
  return run->input;
}

gpgme_data_t gpg_run_output(GpgRun *run) {
  return run->output;
}

/* Serves the pipes that are ready. The status pipe, registered first, waits until no other has anything to read: its
 * end makes GPGME close the others, and with them what gpg wrote before it ended. */
static void serve_ready(GpgRun *run, const struct pollfd *polled, Pipe *const *of, nfds_t count) {
  gboolean any_other = FALSE;
  for (nfds_t i = count; i-- > 0 && !run->done && !run->stop;) {
    /* A handler may have closed this pipe, and even put another one in its place, during this turn. */
    if (!polled[i].revents || !of[i]->used || of[i]->fd != polled[i].fd || (of[i]->is_status && any_other))
      continue;
    any_other |= of[i]->to_read && !of[i]->is_status;
    serve(run, of[i]);
  }
}

/* Waits for a pipe. FALSE when the deadline passed or nothing is left to wait for. */
static gboolean turn(GpgRun *run) {
  struct pollfd polled[PIPES];
  Pipe *of[PIPES];
  nfds_t count = 0;
  for (guint i = 0; i < PIPES; i++) {
    if (!run->pipes[i].used)
      continue;
    of[count] = &run->pipes[i];
    polled[count++] = (struct pollfd){.fd = run->pipes[i].fd, .events = run->pipes[i].to_read ? POLLIN : POLLOUT};
  }
  gint64 left = run->ends - g_get_monotonic_time();
  if (count == 0 || left <= 0)
    return FALSE;
  if (run->in_small_pieces && run->moved > BULK)
    g_usleep(PAUSE);
  if (poll(polled, count, (int)MIN(left / 1000 + 1, 60 * 1000)) > 0)
    serve_ready(run, polled, of, count);
  return TRUE;
}

gboolean gpg_run_wait(GpgRun *run, gpgme_error_t started, gpgme_error_t *outcome, GError **error) {
  SallyportErrorCode code;
  if (started) {
    *outcome = started;
    if (!gpg_error_is_ours(started, &code))
      return TRUE;
    return sallyport_error_set(error, code, "gpg for %s: %s", run->home, gpgme_strerror(started));
  }
  while (!run->done && !run->stop && turn(run))
    ;
  gboolean late = !run->done && !run->stop;
  if (!run->done || run->stop) {
    gpg_kill(run->inodes, run->inode_count);
    if (!run->done)
      (void)gpgme_cancel(run->context);
  }
  run->ended_well = !late && !run->stop && run->outcome == 0;
  *outcome = run->outcome;
  if (late)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                               "gpg for %s did not end before its deadline and was killed", run->home);
  if (run->error && !run->goes_on_without_passphrase) {
    g_propagate_error(error, g_steal_pointer(&run->error));
    return FALSE;
  }
  return TRUE;
}

const GError *gpg_run_passphrase_trouble(const GpgRun *run) {
  return run->error;
}

char *gpg_run_diagnostics(GpgRun *run) {
  gpgme_data_t log = NULL;
  size_t length = 0;
  if (gpgme_data_new(&log) != 0)
    return NULL;
  gpgme_error_t failed = gpgme_op_getauditlog_start(run->context, log, GPGME_AUDITLOG_DIAG);
  char *text = gpgme_data_release_and_get_mem(log, &length);
  char *copy = failed || !text ? NULL : g_strndup(text, length);
  gpgme_free(text);
  return copy;
}

void gpg_run_free(GpgRun *run) {
  if (!run)
    return;
  gpgme_set_status_cb(run->context, NULL, NULL);
  gpgme_set_passphrase_cb(run->context, NULL, NULL);
  gpgme_set_io_cbs(run->context, NULL);
  if (run->ended_well && run->context_key)
    gpg_context_give(run->context, g_steal_pointer(&run->context_key));
  else
    gpgme_release(run->context);
  gpgme_data_release(run->input);
  gpgme_data_release(run->output);
  g_free(run->piece_in);
  g_free(run->piece_out);
  g_clear_error(&run->error);
  g_free(run->context_key);
  g_free(run->home);
  g_free(run->passphrase_file);
  g_free(run);
}
