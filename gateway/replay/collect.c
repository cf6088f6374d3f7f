#include "gateway/replay/collect.h"
#include "gateway/base/digest.h"
#include "gateway/base/files.h"
#include "gateway/base/secret.h"
#include "gateway/common/log.h"
#include "gateway/flow/judging/examine.h"
#include "gateway/records/rule_constants.h"
#include "gateway/replay/keep.h"
#include "gateway/replay/mask.h"
#include "gateway/replay/tell.h"
#include "gateway/replay/values.h"
#include "store/cases.h"
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_WAITING = 16, RECORDS_AT_A_TIME = 1024, KEY_BYTES = 32, KEY_LIMIT = 256 };
#define KEY_NAME "cases.key"

/* A file whose staging is open: it may be removed meanwhile. */
typedef struct {
  const ConfFeed *feed;
  char *file;
  StagingReader *staging;
} CollectTask;

/* What is known of a feed, in the thread. */
typedef struct {
  ReplayFeed *feed;
  Picks *picks;
} Collected;

struct Collector {
  const Conf *conf;
  const ConfLane *lane;
  const LanePaths *paths;
  const LaneHost *host; /* set when its thread starts */
  FileSink sink;
  pthread_mutex_t lock; /* of all down to `problem` */
  pthread_cond_t changed;
  GQueue *tasks; /* CollectTask* */
  gboolean is_ending;
  guint64 cases, files, left_out, not_reproducible;
  char *problem; /* it collects no more; NULL: it does */
  /* the thread's own */
  pthread_t thread;
  gboolean is_running;
  CaseLibrary *library;
  char *key;
  GHashTable *feeds; /* name → Collected */
};

static void task_free(gpointer data) {
  CollectTask *task = data;
  g_free(task->file);
  staging_reader_close(task->staging);
  g_free(task);
}

static void collected_free(gpointer data) {
  Collected *collected = data;
  replay_feed_free(collected->feed);
  picks_free(collected->picks);
  g_free(collected);
}

/* In the flow's thread: opening the file is all that it costs. */
static void take_file(gpointer user, const ConfFeed *feed, const char *file, const char *path) {
  Collector *collector = user;
  StagingReader *staging = replay_takes(feed) ? staging_reader_open(path, NULL) : NULL;
  CollectTask *task = NULL;
  if (!staging)
    return;
  pthread_mutex_lock(&collector->lock);
  if (collector->is_ending || collector->problem || collector->tasks->length == MOST_WAITING) {
    collector->left_out++;
  } else {
    task = g_new(CollectTask, 1);
    *task = (CollectTask){feed, g_strdup(file), g_steal_pointer(&staging)};
    g_queue_push_tail(collector->tasks, task);
    pthread_cond_signal(&collector->changed);
  }
  pthread_mutex_unlock(&collector->lock);
  staging_reader_close(staging);
}

Collector *collector_new(const Conf *conf, const ConfLane *lane, const LanePaths *paths) {
  if (!lane->replay.present)
    return NULL;
  Collector *collector = g_new0(Collector, 1);
  collector->conf = conf;
  collector->lane = lane;
  collector->paths = paths;
  collector->sink = (FileSink){take_file, collector};
  collector->tasks = g_queue_new();
  collector->feeds = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, collected_free);
  pthread_mutex_init(&collector->lock, NULL);
  pthread_cond_init(&collector->changed, NULL);
  return collector;
}

void collector_free(Collector *collector) {
  if (!collector)
    return;
  g_queue_free_full(collector->tasks, task_free);
  g_hash_table_unref(collector->feeds);
  case_library_close(collector->library);
  pthread_mutex_destroy(&collector->lock);
  pthread_cond_destroy(&collector->changed);
  secret_free(collector->key);
  g_free(collector->problem);
  g_free(collector);
}

const FileSink *collector_sink(Collector *collector) {
  return collector ? &collector->sink : NULL;
}

/* --- What the thread works with. */

static gboolean make_key(const char *folder, GError **error) {
  guint8 bytes[KEY_BYTES];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the machine has no random numbers");
  g_autofree char *text = digest_hex(bytes, sizeof bytes);
  return files_replace(folder, KEY_NAME, text, error);
}

static gboolean prepare(Collector *collector, GError **error) {
  const char *folder = collector->paths->folder;
  g_autofree char *path = g_strdup_printf("%s/" KEY_NAME, folder);
  return (access(path, F_OK) == 0 || make_key(folder, error)) &&
         secret_read_line(path, KEY_LIMIT, &collector->key, error) &&
         (collector->library = case_library_open(folder, error)) != NULL;
}

static gboolean note_kept(gpointer user, const LibraryCase *found) {
  Picks *picks = user;
  PickCell *cell = picks_cell(picks, found->scenario, found->channel);
  if (picks_wants(picks, cell, found->id))
    picks_take(picks, cell, found->id, NULL, found->line);
  return TRUE;
}

static Collected *collected_of(Collector *collector, const ConfFeed *conf, GError **error) {
  Collected *collected = g_hash_table_lookup(collector->feeds, conf->name);
  if (collected)
    return collected;
  collected = g_new0(Collected, 1);
  collected->picks = picks_new(collector->lane->replay.keep_per_cell);
  collected->feed = replay_feed_new(collector->conf, collector->lane, conf, error);
  if (collected->feed &&
      cases_supersede(collector->library, collected->feed, tell_changed_rules, collector->host, error) &&
      case_library_each(collector->library, conf->name, NULL, note_kept, collected->picks, error)) {
    g_hash_table_insert(collector->feeds, conf->name, collected);
    return collected;
  }
  collected_free(collected);
  return NULL;
}

/* Rules that are in force are what cases come to, before the first file. */
static gboolean open_feeds(Collector *collector, GError **error) {
  for (guint i = 0; i < collector->lane->feeds->len; i++) {
    const ConfFeed *feed = collector->lane->feeds->pdata[i];
    if (replay_takes(feed) && !collected_of(collector, feed, error))
      return FALSE;
  }
  return TRUE;
}

/* --- One file's records. */

typedef struct {
  Collector *collector;
  const CollectTask *task;
  Collected *collected;
  RecordBlock *block;
  int *places;     /* of the feed's columns in the block */
  int key;         /* the record's key; -1: it has none */
  GArray *constants;
  GString *text;   /* what is hashed */
} Reading;

static gboolean set_places(Reading *reading, GError **error) {
  guint n, n_staged;
  const StagingColumn *columns = replay_feed_columns(reading->collected->feed, &n);
  const StagingColumn *staged = staging_columns(reading->task->staging, &n_staged);
  const char *key = reading->task->feed->key;
  reading->places = g_new(int, n + 1);
  reading->key = -1;
  for (guint j = 0; key && j < n_staged; j++)
    if (g_str_equal(staged[j].name, key))
      reading->key = (int)j;
  for (guint i = 0; i < n; i++) {
    reading->places[i] = -1;
    for (guint j = 0; j < n_staged; j++)
      if (g_str_equal(staged[j].name, columns[i].name) && staged[j].type == columns[i].type)
        reading->places[i] = (int)j;
    if (reading->places[i] != (int)i) /* scenarios look into the block itself */
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "column %s stands elsewhere in staging", columns[i].name);
  }
  return TRUE;
}

/* The keyed hash of what the record is: its feed, cell and key. Without a key, where it stood. */
static void put_id(const Reading *reading, const PickCell *cell, guint record, char id[2 * MASK_HASH + 1]) {
  guint8 hash[MASK_HASH];
  gsize length = 0;
  char number[EXAMINE_NUMBER];
  const char *key = reading->key < 0 ? "" : examine_text_at(reading->block, (guint)reading->key, record, number,
                                                             &length);
  g_string_printf(reading->text, "%s\n%s\n%s\n", reading->task->feed->name, cell->scenario, cell->channel);
  if (reading->key < 0)
    g_string_append_printf(reading->text, "%s:%" G_GUINT64_FORMAT, reading->task->file, reading->block->lines[record]);
  g_string_append_len(reading->text, key, (gssize)length);
  mask_hash(reading->collector->key, reading->text->str, reading->text->len, hash);
  for (guint i = 0; i < MASK_HASH; i++)
    g_snprintf(id + 2 * i, 3, "%02x", hash[i]);
}

static gboolean look_at(const Reading *reading, guint record, GError **error) {
  const ScenarioSet *scenarios = replay_feed_scenarios(reading->collected->feed);
  const ScenarioRecord one = {reading->block, record, (const RuleConstant *)(const void *)reading->constants->data};
  char id[2 * MASK_HASH + 1];
  ScenarioCell cell = {-1, -1, FALSE};
  if (scenario_set_count(scenarios) > 0 && !scenario_set_cell(scenarios, &one, &cell, error))
    return FALSE;
  const ConfScenario *scenario = cell.scenario < 0 ? NULL : scenario_set_at(scenarios, (guint)cell.scenario);
  const ConfChannel *channel = cell.channel < 0 ? NULL : scenario->channels->pdata[cell.channel];
  Picks *picks = reading->collected->picks;
  PickCell *place = picks_cell(picks, scenario ? scenario->name : "", channel ? channel->name : CASES_NO_CHANNEL);
  put_id(reading, place, record, id);
  if (!picks_wants(picks, place, id))
    return TRUE;
  const ValueRecord value = {reading->block, reading->places, record, NULL, FALSE};
  picks_take(picks, place, id, fields_write(reading->collected->feed, &value), reading->block->lines[record]);
  return TRUE;
}

static gboolean is_ending(Collector *collector) {
  pthread_mutex_lock(&collector->lock);
  gboolean is = collector->is_ending;
  pthread_mutex_unlock(&collector->lock);
  return is;
}

static gboolean read_records(const Reading *reading, GError **error) {
  guint64 count = staging_count(reading->task->staging);
  for (guint64 first = 1; first <= count && !is_ending(reading->collector); first += RECORDS_AT_A_TIME) {
    guint n = (guint)MIN(count - first + 1, RECORDS_AT_A_TIME);
    if (!staging_read(reading->task->staging, first, n, reading->block, error))
      return FALSE;
    for (guint i = 0; i < reading->block->count; i++)
      if (!record_block_fault(reading->block, i) && !look_at(reading, i, error))
        return FALSE;
  }
  return TRUE;
}

/* --- What is kept of it. */

static gboolean keep_all(const Reading *reading, GError **error) {
  Collector *collector = reading->collector;
  const ConfReplay *conf = &collector->lane->replay;
  ReplayFeed *feed = reading->collected->feed;
  g_autofree char *header = header_write(conf_layout(collector->conf, reading->task->feed->layout),
                                         reading->constants);
  const CasesToKeep keeping = {.library = collector->library,
                               .feed = feed,
                               .picks = reading->collected->picks,
                               .mask_key = collector->key,
                               .file = reading->task->file,
                               .header = header,
                               .bounds = {conf->keep_per_cell, conf->max_cases}};
  CasesKept kept = {0};
  if (!cases_keep(&keeping, &kept, error))
    return FALSE;
  pthread_mutex_lock(&collector->lock);
  collector->files++;
  collector->cases += kept.cases;
  collector->not_reproducible += kept.dropped;
  pthread_mutex_unlock(&collector->lock);
  return TRUE;
}

/* After a failure, or when it was stopped within the file, what was picked of it is forgotten with the feed. */
static gboolean collect(Collector *collector, const CollectTask *task, GError **error) {
  g_autoptr(GString) text = g_string_new(NULL);
  Reading reading = {.collector = collector, .task = task, .text = text};
  reading.collected = collected_of(collector, task->feed, error);
  if (!reading.collected)
    return FALSE;
  const ConfLayout *layout = conf_layout(collector->conf, task->feed->layout);
  reading.constants = rule_constants_of(layout);
  rule_constants_fill(reading.constants, layout, task->staging);
  reading.block = staging_block_new(task->staging, RECORDS_AT_A_TIME);
  gboolean ok = set_places(&reading, error) && read_records(&reading, error) &&
                (is_ending(collector) || keep_all(&reading, error));
  if (!ok || is_ending(collector))
    g_hash_table_remove(collector->feeds, task->feed->name);
  record_block_free(reading.block);
  rule_constants_free(reading.constants);
  g_free(reading.places);
  return ok;
}

/* --- The thread */

static void fail(Collector *collector, const char *file, GError *error) {
  log_event(LOG_WARNING, "cases-not-collected", {"file", file}, {"error", error->message});
  pthread_mutex_lock(&collector->lock);
  collector->problem = g_strdup(error->message);
  collector->left_out += collector->tasks->length + (file ? 1 : 0);
  g_queue_clear_full(collector->tasks, task_free);
  pthread_mutex_unlock(&collector->lock);
}

static CollectTask *next_task(Collector *collector) {
  pthread_mutex_lock(&collector->lock);
  while (!collector->is_ending && collector->tasks->length == 0)
    pthread_cond_wait(&collector->changed, &collector->lock);
  CollectTask *task = collector->is_ending ? NULL : g_queue_pop_head(collector->tasks);
  pthread_mutex_unlock(&collector->lock);
  return task;
}

static void *collect_files(void *data) {
  Collector *collector = data;
  CollectTask *task;
  g_autoptr(GError) error = NULL;
  setpriority(PRIO_PROCESS, (id_t)gettid(), 19); /* this thread's own; without it, it works all the same */
  if (!prepare(collector, &error) || !open_feeds(collector, &error))
    fail(collector, NULL, error);
  while ((task = next_task(collector))) {
    g_clear_error(&error);
    if (!collect(collector, task, &error))
      fail(collector, task->file, error);
    task_free(task);
  }
  return NULL;
}

static gpointer replay_start(const LaneHost *host, GError **error) {
  Collector *collector = host->collector;
  if (collector)
    collector->host = host;
  int number = collector ? pthread_create(&collector->thread, NULL, collect_files, collector) : 0;
  if (number != 0)
    sallyport_error_errno(error, number, "start the collector's thread");
  if (collector)
    collector->is_running = number == 0;
  return number == 0 ? collector : NULL;
}

static gboolean replay_stop(gpointer service, guint grace_seconds) {
  Collector *collector = service;
  (void)grace_seconds;
  pthread_mutex_lock(&collector->lock);
  collector->is_ending = TRUE;
  pthread_cond_signal(&collector->changed);
  pthread_mutex_unlock(&collector->lock);
  if (collector->is_running)
    pthread_join(collector->thread, NULL);
  collector->is_running = FALSE;
  return TRUE;
}

static json_t *replay_status(gpointer service) {
  Collector *collector = service;
  pthread_mutex_lock(&collector->lock);
  json_t *status = json_pack("{s:I, s:I, s:I, s:I, s:s?}", "cases", (json_int_t)collector->cases, "files",
                             (json_int_t)collector->files, "left_out", (json_int_t)collector->left_out,
                             "not_reproducible", (json_int_t)collector->not_reproducible, "problem",
                             collector->problem);
  pthread_mutex_unlock(&collector->lock);
  return status;
}

static void replay_free(gpointer service) {
  (void)service; /* the lane's */
}

const LaneService replay_service = {
    .name = "replay", .start = replay_start, .stop = replay_stop, .free = replay_free, .status = replay_status};
