/* A few threads, each with a courier of its own, take the shards in order. What a thread writes is NAME.part, in order
 * and without gaps, so its size is where to go on, after a break, a crash, or another day.
 *   killed while a shard comes        NAME.part stays; the next run goes on behind its last byte
 *   killed after it is whole          NAME.part has the right size: it is checked, and renamed
 *   killed after the rename           NAME is checked and not fetched again */
#include "gateway/recon/pull.h"
#include "gateway/base/files.h"
#include "gateway/threads/crew.h"
#include "gateway/recon/folder.h"
#include "gateway/recon/pull_private.h"
#include "gateway/common/policy.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PARALLEL = 4,
  PATIENCE = 10,
  CORRUPT_TRIES = 3,
  REFUSALS = 2 /* what a server refuses it will refuse again */
};

typedef struct {
  const PullOptions *options;
  PullReport *report;
  const ReconManifest *manifest;
  int folder;
  pthread_mutex_t lock; /* of all below, and of the report's progress */
  PullLane *lanes;
  guint lanes_taken, next_shard;
  PullEnd end;
} Pull;

typedef struct {
  Pull *pull;
  PullLane *lane;
  Courier *courier;
  guint breaks;    /* without a byte in between */
  guint64 counted; /* up to where the running transfer's bytes are counted already */
} Worker;

/* --- Shared state */

/* A corrupt shard does not keep the others from being fetched; anything else does. */
static gboolean is_ended(Pull *pull) {
  pthread_mutex_lock(&pull->lock);
  gboolean ended = pull->end != PULL_WHOLE && pull->end != PULL_CORRUPT;
  pthread_mutex_unlock(&pull->lock);
  return ended;
}

/* The first problem is told. */
static void end_with(Pull *pull, PullEnd end, const char *name, const char *problem) {
  pthread_mutex_lock(&pull->lock);
  if (!pull->report->problem)
    pull->report->problem = g_strdup_printf("%s: %s", name, problem);
  if (pull->end == PULL_WHOLE || pull->end == PULL_CORRUPT)
    pull->end = end;
  pthread_mutex_unlock(&pull->lock);
}

static void report_progress(Pull *pull) {
  if (pull->options->progress)
    pull->options->progress(pull->options->user, &pull->report->progress);
}

static gboolean note_bytes(gpointer user, guint64 position) {
  Worker *worker = user;
  Pull *pull = worker->pull;
  pthread_mutex_lock(&pull->lock);
  guint64 more = position > worker->counted ? position - worker->counted : 0;
  worker->counted += more;
  worker->lane->done += more;
  pull->report->progress.done += more;
  pull->report->progress.transferred += more;
  report_progress(pull);
  gboolean goes_on = pull->end == PULL_WHOLE || pull->end == PULL_CORRUPT;
  pthread_mutex_unlock(&pull->lock);
  return goes_on;
}

/* Sets what the thread and the total have of this shard; `before` is what was counted of it. */
static void set_done(Worker *worker, const ReconManifestShard *shard, guint64 before, guint64 now) {
  Pull *pull = worker->pull;
  pthread_mutex_lock(&pull->lock);
  worker->lane->name = shard->name;
  worker->lane->size = shard->size;
  worker->lane->done = now;
  pull->report->progress.done += now - before;
  report_progress(pull);
  pthread_mutex_unlock(&pull->lock);
}

/* --- One shard */

static guint64 size_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? (guint64)status.st_size : 0;
}

static int open_part(Pull *pull, const ReconManifestShard *shard) {
  g_autofree char *part = g_strconcat(shard->name, ".part", NULL);
  int fd = openat(pull->folder, part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0 && size_of(fd) > shard->size && ftruncate(fd, 0) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/* Waits a little longer each time. FALSE: patience is at its end, or what is wrong does not pass. */
static gboolean may_go_on(Worker *worker, const ReconManifestShard *shard, const GError *cause) {
  Pull *pull = worker->pull;
  guint patience = pull->options->patience ? pull->options->patience : PATIENCE;
  pthread_mutex_lock(&pull->lock);
  pull->report->progress.breaks++;
  pthread_mutex_unlock(&pull->lock);
  SallyportErrorCode code = sallyport_error_code(cause);
  if (code == SALLYPORT_ERROR_LOGIN || code == SALLYPORT_ERROR_CONFIGURATION || code == SALLYPORT_ERROR_STORAGE) {
    end_with(pull, PULL_FAILED, shard->name, cause->message);
    return FALSE;
  }
  if (++worker->breaks > (code == SALLYPORT_ERROR_PARTNER ? MIN(patience, REFUSALS) : patience)) {
    end_with(pull, PULL_INCOMPLETE, shard->name, cause->message);
    return FALSE;
  }
  g_usleep((gulong)policy_wait(POLICY_PULL, worker->breaks));
  return !is_ended(pull);
}

/* Up to the shard's size, over as many connections as it takes. */
static gboolean bring(Worker *worker, const ReconManifestShard *shard, int fd) {
  g_autofree char *path = pull_shard_path(worker->pull->options, shard);
  for (guint64 have = size_of(fd); have < shard->size; have = size_of(fd)) {
    g_autoptr(GError) error = NULL;
    guint64 end = have;
    if (worker->courier && courier_is_lost(worker->courier))
      g_clear_pointer(&worker->courier, courier_close);
    if (!worker->courier)
      worker->courier = courier_open(worker->pull->options->endpoint, &error);
    worker->counted = have;
    CourierGet get = {
        .path = path, .offset = have, .size_limit = shard->size, .fd = fd, .progress = note_bytes, .user = worker};
    gboolean ok = worker->courier && courier_get(worker->courier, &get, &end, &error);
    guint64 now = size_of(fd);
    worker->breaks = now > have ? 0 : worker->breaks;
    note_bytes(worker, now);
    if (ok && now < shard->size) { /* the server says that this was all of it: only beginning anew can tell */
      sallyport_error_set(&error, SALLYPORT_ERROR_PARTNER, "the server has only %" G_GUINT64_FORMAT " bytes of it",
                          now);
      ok = FALSE;
    }
    if (!ok && !may_go_on(worker, shard, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean publish(Pull *pull, const ReconManifestShard *shard, int fd) {
  g_autoptr(GError) error = NULL;
  g_autofree char *part = g_strconcat(shard->name, ".part", NULL);
  if (files_sync(fd, shard->name, &error) && renameat(pull->folder, part, pull->folder, shard->name) != 0)
    sallyport_error_errno(&error, errno, "rename %s", part);
  if (!error)
    return TRUE;
  end_with(pull, PULL_FAILED, shard->name, error->message);
  return FALSE;
}

/* Of bytes that are right; other bytes would not make wrong records right, so they are not fetched again. Sealed
 * records that are to be joined are opened for that, and looked at then: once, not twice. */
static gboolean check_records(Pull *pull, const ReconManifestShard *shard, int fd) {
  g_autoptr(GError) error = NULL;
  const ReconManifest *manifest = pull->manifest;
  gboolean is_open = !manifest->encrypted && manifest->compression == RECON_COMPRESS_NONE;
  int plain;
  if (pull->options->keep_encrypted || (pull->options->join && !is_open))
    return TRUE;
  gboolean ok = recon_contents_open(manifest, shard, &pull->options->keys, fd, &plain, &error);
  if (ok) {
    ok = recon_contents_check(manifest, shard, plain, &error);
    if (plain != fd)
      close(plain);
  }
  if (!ok)
    end_with(pull, sallyport_error_code(error) == SALLYPORT_ERROR_FILE ? PULL_CORRUPT : PULL_FAILED, shard->name,
             error->message);
  return ok;
}

static gboolean fetch_shard(Worker *worker, const ReconManifestShard *shard) {
  Pull *pull = worker->pull;
  for (guint tries = 0; tries < CORRUPT_TRIES; tries++) {
    g_autofree char *problem = NULL;
    int fd = open_part(pull, shard);
    if (fd < 0) {
      end_with(pull, PULL_FAILED, shard->name, g_strerror(errno));
      return FALSE;
    }
    set_done(worker, shard, 0, size_of(fd));
    gboolean ok = bring(worker, shard, fd);
    if (ok && recon_folder_is_right(fd, shard, LOOK_SHA256, &problem)) {
      ok = publish(pull, shard, fd) && check_records(pull, shard, fd);
      close(fd);
      return ok;
    }
    guint64 had = size_of(fd);
    if (ok && ftruncate(fd, 0) != 0)
      ok = FALSE;
    close(fd);
    if (!ok)
      return FALSE;
    set_done(worker, shard, had, 0); /* all of it once more: which of its bytes are wrong, nobody can tell */
    pthread_mutex_lock(&pull->lock);
    pull->report->progress.refetched++;
    pthread_mutex_unlock(&pull->lock);
  }
  end_with(pull, PULL_CORRUPT, shard->name, "it is not what the manifest says, three times");
  return FALSE;
}

static gboolean take_shard(Worker *worker, const ReconManifestShard *shard) {
  g_autofree char *problem = NULL;
  int fd;
  ShardState state = recon_folder_look(worker->pull->folder, shard, LOOK_SHA256, &fd, &problem);
  if (state != SHARD_WHOLE) /* a corrupt NAME is replaced by the rename */
    return fetch_shard(worker, shard);
  set_done(worker, shard, 0, shard->size);
  gboolean ok = check_records(worker->pull, shard, fd);
  close(fd);
  return ok;
}

static void work(gpointer data) {
  Pull *pull = data;
  Worker worker = {.pull = pull};
  pthread_mutex_lock(&pull->lock);
  worker.lane = &pull->lanes[pull->lanes_taken++];
  pthread_mutex_unlock(&pull->lock);
  for (;;) {
    pthread_mutex_lock(&pull->lock);
    gboolean goes_on = (pull->end == PULL_WHOLE || pull->end == PULL_CORRUPT) &&
                       pull->next_shard < pull->manifest->shards->len;
    const ReconManifestShard *shard = goes_on ? pull->manifest->shards->pdata[pull->next_shard++] : NULL;
    worker.lane->name = NULL;
    pthread_mutex_unlock(&pull->lock);
    if (!shard)
      break;
    if (take_shard(&worker, shard)) {
      pthread_mutex_lock(&pull->lock);
      pull->report->progress.whole++;
      report_progress(pull);
      pthread_mutex_unlock(&pull->lock);
    }
  }
  courier_close(worker.courier);
}

static PullEnd fetch_shards(Pull *pull) {
  guint threads = MIN(pull->options->parallel ? pull->options->parallel : PARALLEL,
                      MAX(pull->manifest->shards->len, 1));
  pthread_mutex_init(&pull->lock, NULL);
  pull->lanes = g_new0(PullLane, threads);
  PullProgress *progress = &pull->report->progress;
  *progress = (PullProgress){.shards = pull->manifest->shards->len, .n_lanes = threads, .lanes = pull->lanes};
  for (guint i = 0; i < pull->manifest->shards->len; i++)
    progress->bytes += ((const ReconManifestShard *)pull->manifest->shards->pdata[i])->size;
  crew_run(threads, work, pull);
  progress->n_lanes = 0;
  progress->lanes = NULL;
  g_free(pull->lanes);
  pthread_mutex_destroy(&pull->lock);
  return pull->end;
}

/* --- All of it */

static PullEnd join(Pull *pull) {
  g_autoptr(GError) error = NULL;
  guint missing, corrupt;
  ReconFolderCheck check = {.keys = pull->options->keys, .is_known = TRUE, .join = pull->options->join};
  if (!pull->options->join || recon_folder_check(pull->manifest, pull->folder, &check, &missing, &corrupt, &error))
    return PULL_WHOLE;
  pull->report->problem = g_strdup(error->message);
  return sallyport_error_code(error) == SALLYPORT_ERROR_FILE ? PULL_CORRUPT : PULL_FAILED;
}

static PullEnd pull_into(Pull *pull) {
  g_autoptr(GError) error = NULL;
  PullEnd end = pull_manifest(pull->options, pull->folder, pull->report);
  pull->manifest = pull->report->manifest;
  if (end == PULL_WHOLE)
    end = fetch_shards(pull);
  if (end == PULL_WHOLE && !files_sync_folder(pull->options->folder, &error)) {
    pull->report->problem = g_strdup(error->message);
    return PULL_FAILED;
  }
  if (end == PULL_WHOLE)
    end = join(pull);
  return end == PULL_WHOLE && pull->options->acknowledge ? pull_acknowledge(pull->options, pull->report) : end;
}

PullEnd recon_pull(const PullOptions *options, PullReport *report) {
  g_autoptr(GError) error = NULL;
  *report = (PullReport){0};
  Pull pull = {.options = options, .report = report, .folder = -1};
  if (files_make_folder(options->folder, &error))
    pull.folder = open(options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (pull.folder < 0) {
    report->problem = error ? g_strdup(error->message) : g_strdup_printf("%s: %s", options->folder, g_strerror(errno));
    return PULL_FAILED;
  }
  PullEnd end = pull_into(&pull);
  close(pull.folder);
  return end;
}

void pull_report_clear(PullReport *report) {
  g_free(report->problem);
  recon_manifest_free(report->manifest);
  g_free(report->manifest_sha256);
  g_free(report->manifest_name);
  *report = (PullReport){0};
}
