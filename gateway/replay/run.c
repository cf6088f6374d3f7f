/* The caller writes cases into a pipe, some at a time, and reads as many answers before it writes the next: neither end
 * waits for the other with a full pipe. Texts have their length before them. */
#include "gateway/replay/run.h"
#include "gateway/base/files.h"
#include "gateway/replay/values.h"
#include "transfer/caged/sandbox.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CASES_AT_A_TIME = 256, TEXT_LIMIT = 64 << 20, IDLE_PRIORITY = 19 };

#define WORD(constant, word, chinese) word,
#define CHINESE(constant, word, chinese) chinese,
const char *replay_status_word(ReplayStatus status) {
  static const char *const words[] = {REPLAY_STATUSES(WORD)};
  return words[status];
}

const char *replay_status_chinese(ReplayStatus status) {
  static const char *const words[] = {REPLAY_STATUSES(CHINESE)};
  return words[status];
}

/* --- Texts in a pipe */

static void put_text(FILE *pipe, const char *text) {
  guint32 length = (guint32)strlen(text);
  fwrite(&length, sizeof length, 1, pipe);
  fwrite(text, 1, length, pipe);
}

/* FALSE: the other end is gone. */
static gboolean get_text(FILE *pipe, GString *text) {
  guint32 length;
  if (fread(&length, sizeof length, 1, pipe) != 1 || length > TEXT_LIMIT)
    return FALSE;
  g_string_set_size(text, length);
  return fread(text->str, 1, length, pipe) == length;
}

/* --- In the cage. An answer is a letter and a text: R and what the case comes to, N and why to nothing, M and what
 * does not fit. */

typedef struct {
  GHashTable *feeds;    /* name → ReplayFeed */
  GHashTable *problems; /* name → why it has none */
  GString *feed, *header, *fields;
} Caged;

static void answer(FILE *out, char letter, const char *text) {
  g_autofree char *all = g_strdup_printf("%c%s", letter, text);
  put_text(out, all);
}

static void evaluate(ReplayFeed *feed, const Caged *caged, FILE *out) {
  g_autoptr(GError) error = NULL;
  g_autoptr(RecordBlock) block = replay_feed_block(feed, 1);
  g_autoptr(GPtrArray) results = g_ptr_array_new_with_free_func(g_free);
  if (!replay_feed_set_header(feed, caged->header->str, &error) ||
      !fields_read(feed, caged->fields->str, block, &error))
    answer(out, 'M', error->message);
  else if (!replay_feed_run(feed, block, results, &error))
    answer(out, 'N', error->message);
  else
    answer(out, 'R', results->pdata[0]);
}

static gboolean answer_one(const Caged *caged, FILE *in, FILE *out) {
  if (!get_text(in, caged->feed) || !get_text(in, caged->header) || !get_text(in, caged->fields))
    return FALSE;
  if (caged->feed->len == 0) { /* these were some: now their answers are waited for */
    fflush(out);
    return TRUE;
  }
  ReplayFeed *feed = g_hash_table_lookup(caged->feeds, caged->feed->str);
  const char *problem = g_hash_table_lookup(caged->problems, caged->feed->str);
  if (feed)
    evaluate(feed, caged, out);
  else
    answer(out, 'M', problem ? problem : "the configuration has no such feed in this lane");
  return TRUE;
}

/* Everything is compiled before the cage: a character set's tables are files. */
static void compile_all(const ReplayRun *run, Caged *caged) {
  caged->feeds = g_hash_table_new(g_str_hash, g_str_equal);
  caged->problems = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < run->lane->feeds->len; i++) {
    const ConfFeed *conf = run->lane->feeds->pdata[i];
    GError *error = NULL;
    ReplayFeed *feed = replay_feed_new(run->conf, run->lane, conf, &error);
    if (feed)
      g_hash_table_insert(caged->feeds, conf->name, feed);
    else
      g_hash_table_insert(caged->problems, conf->name, error->message);
  }
}

static gboolean work_caged(const ReplayRun *run, int from, int to) {
  g_autofree char *report = NULL;
  SandboxPlan plan = {.folder = -1};
  Caged caged = {.feed = g_string_new(NULL), .header = g_string_new(NULL), .fields = g_string_new(NULL)};
  FILE *in = fdopen(from, "rb"), *out = fdopen(to, "wb");
  static char in_buffer[1 << 16], out_buffer[1 << 16];
  if (!in || !out || setvbuf(in, in_buffer, _IOFBF, sizeof in_buffer) != 0 ||
      setvbuf(out, out_buffer, _IOFBF, sizeof out_buffer) != 0)
    return FALSE;
  compile_all(run, &caged);
  setpriority(PRIO_PROCESS, 0, IDLE_PRIORITY);
  if (!sandbox_enter(&plan, &report, NULL))
    return FALSE;
  answer(out, 'C', "");
  fflush(out);
  while (answer_one(&caged, in, out))
    continue;
  return TRUE;
}

/* --- Outside */

typedef struct {
  char *id, *feed, *scenario, *channel, *rules, *file, *header, *fields, *result;
  guint64 line;
  gint64 collected_at;
} KeptCase;

typedef struct {
  const ReplayRun *run;
  FILE *in, *out; /* from the cage, and to it */
  GPtrArray *sent; /* KeptCase*, not answered yet */
  GString *answer;
  gboolean is_lost, is_enough;
} Replay;

static void kept_free(gpointer data) {
  KeptCase *kept = data;
  char *const texts[] = {kept->id,   kept->feed,   kept->scenario, kept->channel, kept->rules,
                         kept->file, kept->header, kept->fields,   kept->result};
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
  g_free(kept);
}

static gboolean has_no_scenario(const char *result) {
  json_t *object = json_loads(result, 0, NULL);
  gboolean has = json_is_null(json_object_get(object, "scenario"));
  json_decref(object);
  return has;
}

static ReplayVerdict verdict_on(const KeptCase *kept, const char *answer) {
  const char *text = answer + 1;
  if (*answer == 'M')
    return (ReplayVerdict){REPLAY_MISCONFIGURED, NULL, NULL, text};
  if (*answer == 'N')
    return (ReplayVerdict){REPLAY_NO_RESULT, NULL, NULL, text};
  if (strcmp(text, kept->result) == 0)
    return (ReplayVerdict){REPLAY_CONSISTENT, text, NULL, NULL};
  if (has_no_scenario(text) && !has_no_scenario(kept->result))
    return (ReplayVerdict){REPLAY_NO_RESULT, NULL, NULL, "the record belongs to no scenario"};
  return (ReplayVerdict){REPLAY_INCONSISTENT, text, result_fields[result_first_difference(kept->result, text)], NULL};
}

static gboolean tell_answer(Replay *replay, const KeptCase *kept) {
  const LibraryCase one = {.id = kept->id,
                           .feed = kept->feed,
                           .scenario = kept->scenario,
                           .channel = kept->channel,
                           .rules = kept->rules,
                           .file = kept->file,
                           .line = kept->line,
                           .collected_at = kept->collected_at,
                           .header = kept->header,
                           .fields = kept->fields,
                           .result = kept->result};
  if (!get_text(replay->in, replay->answer) || replay->answer->len == 0)
    return FALSE;
  ReplayVerdict verdict = verdict_on(kept, replay->answer->str);
  replay->is_enough = !replay->run->told(replay->run->user, &one, &verdict);
  return TRUE;
}

static gboolean take_answers(Replay *replay) {
  for (guint i = 0; i < 3; i++)
    put_text(replay->out, "");
  if (fflush(replay->out) != 0)
    replay->is_lost = TRUE;
  for (guint i = 0; !replay->is_lost && !replay->is_enough && i < replay->sent->len; i++)
    replay->is_lost = !tell_answer(replay, replay->sent->pdata[i]);
  g_ptr_array_set_size(replay->sent, 0);
  return !replay->is_lost && !replay->is_enough;
}

static gboolean send_case(gpointer user, const LibraryCase *one) {
  Replay *replay = user;
  KeptCase *kept = g_new(KeptCase, 1);
  *kept = (KeptCase){g_strdup(one->id),      g_strdup(one->feed), g_strdup(one->scenario), g_strdup(one->channel),
                     g_strdup(one->rules),   g_strdup(one->file), g_strdup(one->header),   g_strdup(one->fields),
                     g_strdup(one->result),  one->line,           one->collected_at};
  g_ptr_array_add(replay->sent, kept);
  put_text(replay->out, one->feed);
  put_text(replay->out, one->header);
  put_text(replay->out, one->fields);
  return replay->sent->len < CASES_AT_A_TIME || take_answers(replay);
}

static gboolean replay_all(Replay *replay, GError **error) {
  const ReplayRun *run = replay->run;
  if (!get_text(replay->in, replay->answer))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the process of the replay could not lock itself in");
  if (!case_library_each(run->library, run->feed, run->id, send_case, replay, error))
    return FALSE;
  if (replay->sent->len > 0 && !replay->is_lost && !replay->is_enough)
    take_answers(replay);
  return !replay->is_lost || sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                                                 "the process of the replay ended before it was done");
}

/* Neither the caller's ends of the pipes, so that each side sees the other's end, nor the library. */
static void leave_only(int from, int to) {
  guint low = (guint)MIN(from, to), high = (guint)MAX(from, to);
  if (low > 3)
    close_range(3, low - 1, 0);
  if (high > low + 1)
    close_range(low + 1, high - 1, 0);
  close_range(high + 1, G_MAXUINT, 0);
}

static gboolean start_cage(const ReplayRun *run, int to_cage[2], int from_cage[2], pid_t *pid, GError **error) {
  fflush(NULL);
  *pid = fork();
  if (*pid < 0)
    return sallyport_error_errno(error, errno, "start the process of the replay");
  if (*pid == 0) {
    leave_only(to_cage[0], from_cage[1]);
    signal(SIGPIPE, SIG_IGN);
    _exit(work_caged(run, to_cage[0], from_cage[1]) ? 0 : 1);
  }
  return TRUE;
}

static gboolean replay_with(const ReplayRun *run, int to_cage[2], int from_cage[2], GError **error) {
  pid_t pid;
  if (!start_cage(run, to_cage, from_cage, &pid, error))
    return FALSE;
  close(to_cage[0]);
  close(from_cage[1]);
  to_cage[0] = from_cage[1] = -1;
  g_autoptr(GPtrArray) sent = g_ptr_array_new_with_free_func(kept_free);
  g_autoptr(GString) text = g_string_new(NULL);
  Replay replay = {run, fdopen(from_cage[0], "rb"), fdopen(to_cage[1], "wb"), sent, text, FALSE, FALSE};
  gboolean ok = replay.in && replay.out
                    ? replay_all(&replay, error)
                    : sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "no memory for the replay's pipes");
  if (replay.out)
    fclose(replay.out);
  if (replay.in)
    fclose(replay.in);
  from_cage[0] = to_cage[1] = -1;
  waitpid(pid, NULL, 0);
  return ok;
}

gboolean replay_run(const ReplayRun *run, GError **error) {
  int to_cage[2] = {-1, -1}, from_cage[2] = {-1, -1};
  signal(SIGPIPE, SIG_IGN);
  gboolean ok = pipe(to_cage) == 0 && pipe(from_cage) == 0
                    ? replay_with(run, to_cage, from_cage, error)
                    : sallyport_error_errno(error, errno, "pipes for the replay");
  const int ends[] = {to_cage[0], to_cage[1], from_cage[0], from_cage[1]};
  for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
    if (ends[i] >= 0)
      close(ends[i]);
  return ok;
}
