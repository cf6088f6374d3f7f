#include "gateway/flow/judging/repeats.h"
#include "gateway/common/codes.h"
#include "gateway/common/log.h"
#include <string.h>

typedef enum { REPEAT_NONE, REPEAT_FILE, REPEAT_CONTENT, REPEAT_NAME } RepeatKind;

typedef struct {
  RepeatKind kind;
  char *original, *name; /* the newest such file's id, and its name */
} Repeat;

static void repeat_clear(Repeat *repeat) {
  g_free(repeat->original);
  g_free(repeat->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Repeat, repeat_clear)

/* Ids sort by the time at which they were made. What came after the file is not before it. */
static gboolean is_earlier(const BookFile *other, const BookFile *file) {
  return strcmp(other->id, file->id) < 0;
}

static void take_repeat(Repeat *repeat, RepeatKind kind, const BookFile *original) {
  if (repeat->kind != REPEAT_NONE && repeat->kind <= kind)
    return;
  repeat->kind = kind;
  repeat_clear(repeat);
  repeat->original = g_strdup(original->id);
  repeat->name = g_strdup(original->name_shown);
}

/* Of an empty file that is accepted, others of no byte are no repeats. */
static gboolean has_content(const BookFile *file) {
  return file->plain_size > 0;
}

/* Of several kinds the one that says most: the same file, then the same content, then the same name. */
static gboolean find(Step *step, gboolean only_earlier, Repeat *repeat, GError **error) {
  const BookFile *file = step->file;
  *repeat = (Repeat){0};
  g_autoptr(GPtrArray) same = book_files_with_digest(step->reader, file->feed, file->plain_sha256, file->id, error);
  g_autoptr(GPtrArray) named = same ? book_files_named(step->reader, file->feed, file->name, error) : NULL;
  if (!named)
    return FALSE;
  for (guint i = 0; i < same->len; i++) {
    const BookFile *other = same->pdata[i];
    gboolean is_same_name = g_bytes_equal(other->name, file->name);
    if ((is_same_name || has_content(file)) && (!only_earlier || is_earlier(other, file)))
      take_repeat(repeat, is_same_name ? REPEAT_FILE : REPEAT_CONTENT, other);
  }
  for (guint i = 0; i < named->len; i++) {
    const BookFile *other = named->pdata[i];
    if (!g_str_equal(other->id, file->id) && other->counted && (!only_earlier || is_earlier(other, file)))
      take_repeat(repeat, REPEAT_NAME, other);
  }
  return TRUE;
}

static const char *code_of(RepeatKind kind) {
  return kind == REPEAT_NAME ? CODE_SAME_NAME : CODE_DUPLICATE_FILE;
}

static ConfAgain policy_of(const Step *step, RepeatKind kind) {
  const ConfRepeats *repeats = &step->feed->conf->repeats;
  return kind == REPEAT_FILE ? repeats->same_file : kind == REPEAT_CONTENT ? repeats->same_content : repeats->same_name;
}

/* The partner knows his own names; the number in brackets is what he may tell us. */
static char *describe_repeat(const Repeat *repeat) {
  if (repeat->kind == REPEAT_NAME)
    return g_strdup_printf("a file of this name with other content was accepted before (our number %s)",
                           repeat->original);
  return g_strdup_printf("the same content as file %s (our number %s)%s", repeat->name, repeat->original,
                         repeat->kind == REPEAT_FILE ? ", under the same name" : "");
}

static gboolean make_duplicate(Step *step, const Repeat *repeat, const char *reason, GError **error) {
  g_free(step->file->duplicate_of);
  step->file->duplicate_of = g_strdup(repeat->original);
  flow_set_reason(step->file, code_of(repeat->kind), reason);
  return flow_advance(step, FILE_DUPLICATE, reason, error);
}

static gboolean note_change(BookTransaction *tx, gpointer data, GError **error) {
  gpointer *both = data;
  return book_note_file(tx, both[0], both[1], error);
}

/* Once, before it is staged: the second look, before it is validated, only looks for what came meanwhile. */
static gboolean accept(Step *step, const char *reason, GError **error) {
  if (step->file->state == FILE_STAGED)
    return TRUE;
  g_autofree char *detail = g_strdup_printf("accepted again: %s", reason);
  gpointer both[] = {step->file, detail};
  log_event(LOG_WARNING, "accepted-again", {"feed", step->feed->conf->name}, {"file", step->file->id},
            {"reason", reason});
  return book_write(step->flow->book, note_change, both, error);
}

static StepResult moved_if(gboolean ok) {
  return ok ? STEP_MOVED : STEP_FAILED;
}

static StepResult apply(Step *step, const Repeat *repeat, GError **error) {
  g_autofree char *reason = describe_repeat(repeat);
  const char *code = code_of(repeat->kind);
  switch (policy_of(step, repeat->kind)) {
  case CONF_AGAIN_DUPLICATE:
    return moved_if(make_duplicate(step, repeat, reason, error));
  case CONF_AGAIN_REJECT:
    return moved_if(flow_reject(step, code, reason, error));
  case CONF_AGAIN_HOLD:
    if (!book_file_was_released(step->file, code))
      return moved_if(flow_hold(step, code, reason, error));
    break;
  case CONF_AGAIN_ACCEPT:
    break;
  }
  return accept(step, reason, error) ? STEP_ON : STEP_FAILED;
}

StepResult repeats_judge(Step *step, GError **error) {
  g_auto(Repeat) repeat = {0};
  StepResult result = find(step, FALSE, &repeat, error) ? STEP_ON : STEP_FAILED;
  if (result == STEP_ON && repeat.kind != REPEAT_NONE)
    result = apply(step, &repeat, error);
  return result;
}

StepResult repeats_judge_keys(Step *step, const Examination *found, GError **error) {
  if (step->feed->conf->repeats.keys != CONF_AGAIN_HOLD || found->seen_before == 0 || found->code ||
      book_file_was_released(step->file, CODE_KEYS_SEEN))
    return STEP_ON;
  g_autofree char *reason = g_strdup_printf("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " records were posted before",
                                            found->seen_before, found->records);
  return moved_if(flow_hold(step, CODE_KEYS_SEEN, reason, error));
}

void repeats_allowed(const Step *step, RepeatsAllowed *allowed) {
  static const RepeatKind kinds[] = {
      [BOOK_TWIN_FILE] = REPEAT_FILE, [BOOK_TWIN_CONTENT] = REPEAT_CONTENT, [BOOK_TWIN_NAME] = REPEAT_NAME};
  for (BookTwin twin = 0; twin < BOOK_TWINS; twin++) {
    ConfAgain policy = policy_of(step, kinds[twin]);
    allowed->allows[twin] = policy == CONF_AGAIN_ACCEPT ||
                            (policy == CONF_AGAIN_HOLD && book_file_was_released(step->file, code_of(kinds[twin])));
  }
}

/* The kind that says most decides, as in find(). */
gboolean repeats_are_settled(BookTransaction *tx, const BookFile *file, const RepeatsAllowed *allowed, GError **error) {
  for (BookTwin kind = 0; kind < BOOK_TWINS; kind++) {
    g_autofree char *twin = NULL;
    if (kind == BOOK_TWIN_CONTENT && !has_content(file))
      continue;
    if (!book_find_twin(tx, file, kind, &twin, error))
      return FALSE;
    if (twin)
      return allowed->allows[kind] ||
             sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "file %s of the same %s was accepted meanwhile", twin,
                                 kind == BOOK_TWIN_NAME ? "name" : "content");
  }
  return TRUE;
}

gboolean repeats_remark(Step *step, char **code, char **remark, GError **error) {
  g_auto(Repeat) repeat = {0};
  *code = *remark = NULL;
  if (!find(step, TRUE, &repeat, error))
    return FALSE;
  if (repeat.kind != REPEAT_NONE) {
    g_autofree char *reason = describe_repeat(&repeat);
    *code = g_strdup(code_of(repeat.kind));
    *remark = g_strdup_printf("accepted again: %s", reason);
  }
  return TRUE;
}
