/* Answer: makes the one feedback or exception file of this file, sealed for the partner. posted, rejected, duplicate stay what
 * they are; the intents to deliver it are what is new.
 *
 *   crash before the sealed file's rename   a leftover temporary file, overwritten by the next run
 *   crash before the commit                 the answer is sealed anew (other bytes, same content): nobody has seen the first
 *   crash after the commit                  these very bytes are delivered, and no others ever
 * A duplicate under the same name as its original gets none: its answer is there already. */
#include "crypto/digest.h"
#include "crypto/openpgp.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/flow/admit.h"
#include "gateway/flow/flow.h"
#include "gateway/log.h"
#include "gateway/records/feedback.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NAME = 255 };

typedef struct {
  char *path;  /* in the spool */
  char *name;  /* on the partner's side */
  OpenpgpSealed sealed;
} Answer;

/* *staging: NULL for a file that was not validated (it could not be opened, or a person rejected it before): its lines have no
 * results, so the answer has none. A file with a header and no records was: its answer repeats the header. */
static gboolean open_validated(const Step *step, StagingReader **staging, GError **error) {
  struct stat status;
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  *staging = NULL;
  if ((step->file->records == 0 && !step->file->header) || stat(path, &status) != 0)
    return TRUE;
  *staging = staging_reader_open(path, error);
  if (*staging && step->file->records == 0 && staging_count(*staging) > 0)
    g_clear_pointer(staging, staging_reader_close);
  else if (!*staging)
    return FALSE;
  return TRUE;
}

static FeedbackWriter *new_writer(Step *step, StagingReader *staging, GPtrArray *batches, GError **error) {
  const BookFile *file = step->file;
  const char *verdict = file->state == FILE_POSTED ? "ACCEPTED" : file->state == FILE_DUPLICATE ? "DUPLICATE" : "REJECTED";
  FeedbackOptions options = {
      .layout = step->feed->layout, .conf = &step->feed->conf->feedback, .key_field = step->feed->conf->key,
      .file_name = file->name_shown, .verdict = verdict, .staging = staging, .batches = batches,
      .code = file->state == FILE_POSTED || !file->reason_code ? "" : file->reason_code,
      .message = file->state == FILE_POSTED || !file->reason ? "" : file->reason,
      .amount_column = layout_column(step->feed->layout, step->feed->conf->ledger.amount),
      .records = staging ? file->records : 0, .accepted = file->accepted, .rejected = staging ? file->rejected : 0,
      .duplicates = staging ? file->duplicates : 0, .amount_accepted = file->amount_accepted};
  return feedback_writer_new(&options, error);
}

static gboolean seal_into(Step *step, FeedbackWriter *writer, int fd, Answer *answer, GError **error) {
  const ConfOpenpgp *conf = &step->feed->partner->openpgp;
  static const OpenpgpCompression compression[] = {[CONF_COMPRESS_NONE] = OPENPGP_COMPRESS_NONE, [CONF_COMPRESS_FAST] = OPENPGP_COMPRESS_FAST,
                                                   [CONF_COMPRESS_ZLIB] = OPENPGP_COMPRESS_ZLIB};
  OpenpgpSealOptions options = {.home = step->feed->gnupg_home, .encrypt_to = (const char *const *)conf->encrypt_to, .sign_with = conf->sign_with,
                                .passphrase_file = conf->passphrase_file, .compression = compression[step->feed->conf->feedback.compress],
                                .deadline = GPG_PATIENCE + (guint)MIN(step->file->records / GPG_LEAST_LINES, 86400)};
  return openpgp_seal(&options, feedback_writer_read, writer, fd, &answer->sealed, error) && files_sync(fd, answer->path, error);
}

static gboolean seal(Step *step, FeedbackWriter *writer, Answer *answer, GError **error) {
  g_autofree char *temporary = g_strdup_printf("%s.part", answer->path);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "create %s", temporary);
  gboolean ok = seal_into(step, writer, fd, answer, error);
  close(fd);
  if (!ok) {
    unlink(temporary);
    return FALSE;
  }
  fault_point("answer-before-rename");
  if (rename(temporary, answer->path) != 0)
    return sallyport_error_errno(error, errno, "rename %s", temporary);
  return files_sync_folder(step->flow->paths->out, error);
}

static gboolean write_answer(Step *step, Answer *answer, GError **error) {
  g_autoptr(StagingReader) staging = NULL;
  g_autoptr(GPtrArray) batches = NULL;
  if (!open_validated(step, &staging, error) || (staging && !(batches = book_batches(step->reader, step->file->id, error))))
    return FALSE;
  FeedbackWriter *writer = new_writer(step, staging, batches, error);
  if (!writer)
    return FALSE;
  gboolean ok = seal(step, writer, answer, error);
  feedback_writer_free(writer);
  return ok;
}

/* Another file's answer may have this name already (the same name sent twice, a template without {name}): then the file's
 * own id is put before the extension, so that no answer ever replaces another. */
static char *unused_name(Step *step, char *name, GError **error) {
  if (step->feed->conf->feedback.if_exists == CONF_EXISTS_REPLACE)
    return name;
  g_autoptr(GPtrArray) named = book_files_named(step->reader, step->file->feed, step->file->name, error);
  if (!named) {
    g_free(name);
    return NULL;
  }
  for (guint i = 0; i < named->len; i++) {
    const BookFile *other = named->pdata[i];
    if (g_str_equal(other->id, step->file->id) || g_strcmp0(other->feedback_name, name) != 0)
      continue;
    const char *dot = strchr(name + (name[0] == '.'), '.');
    gsize stem = dot ? (gsize)(dot - name) : strlen(name);
    char *unique = g_strdup_printf("%.*s_%s%s", (int)stem, name, step->file->id, dot ? dot : "");
    g_free(name);
    return unique;
  }
  return name;
}

static char *marker_of(const ConfFeedback *conf, const char *name) {
  if (!conf->marker)
    return NULL;
  const ConfSourceFolder as_source = {.ready = CONF_READY_MARKER, .marker = conf->marker};
  g_autoptr(GBytes) bytes = g_bytes_new(name, strlen(name));
  g_autoptr(GBytes) marker = admit_marker_name(&as_source, bytes);
  return g_strndup(g_bytes_get_data(marker, NULL), g_bytes_get_size(marker));
}

static gboolean is_too_long(const ConfFeedback *conf, const char *name) {
  g_autofree char *marker = marker_of(conf, name);
  return strlen(name) > MOST_NAME || (marker && strlen(marker) > MOST_NAME);
}

/* The partner's own name may be so long that the one made from it, or that one's marker, is no file name any more. What is posted
 * must be answered all the same: then our id is the name. */
static char *answer_name(Step *step, const char *template, GError **error) {
  const BookFile *file = step->file;
  g_autoptr(GError) unfit = NULL;
  const FeedbackName facts = {.name = file->name, .file_id = file->id, .at = g_get_real_time()};
  char *name = feedback_name(template, &facts, &unfit);
  if (unfit && sallyport_error_code(unfit) != SALLYPORT_ERROR_FILE) {
    g_propagate_error(error, g_steal_pointer(&unfit));
    return NULL;
  }
  name = name ? unused_name(step, name, error) : g_strdup(file->id);
  if (name && is_too_long(&step->feed->conf->feedback, name)) {
    g_free(name);
    name = g_strdup(file->id);
  }
  return name;
}

typedef struct { Step *step; const Answer *answer; const char *marker; } Intents;

static gboolean add_intent(BookTransaction *tx, const Intents *intents, const char *kind, const char *name, GError **error) {
  const ConfFeed *conf = intents->step->feed->conf;
  const Answer *answer = intents->answer;
  gboolean is_marker = g_str_equal(kind, "put-marker");
  g_autofree char *endpoint = g_strdup_printf("%s/%s", conf->partner, conf->feedback.endpoint);
  g_autofree char *to = flow_remote_path(conf->feedback.path, name, strlen(name));
  g_autofree char *sha256 = is_marker ? NULL : digest_hex(answer->sealed.sha256, sizeof answer->sealed.sha256);
  BookIntent intent = {.file = intents->step->file->id, .kind = (char *)kind, .endpoint = endpoint, .from = is_marker ? NULL : answer->path,
                       .to = to, .size = is_marker ? 0 : answer->sealed.size, .sha256 = sha256, .due_at = g_get_real_time()};
  return book_add_intent(tx, &intent, error);
}

static gboolean intents_change(BookTransaction *tx, gpointer data, GError **error) {
  const Intents *intents = data;
  const BookFile *file = intents->step->file;
  g_autofree char *detail = g_strdup_printf("answer %s, %" G_GUINT64_FORMAT " bytes", file->feedback_name, intents->answer->sealed.size);
  return add_intent(tx, intents, "put", intents->answer->name, error) &&
         (!intents->marker || add_intent(tx, intents, "put-marker", intents->marker, error)) && book_note_file(tx, file, detail, error);
}

static gboolean commit_intents(Step *step, const Answer *answer, GError **error) {
  g_autofree char *marker = marker_of(&step->feed->conf->feedback, answer->name);
  Intents intents = {step, answer, marker};
  step->file->feedback_name = g_strdup(answer->name);
  step->file->due_at = g_get_real_time();
  if (book_write(step->flow->book, intents_change, &intents, error)) {
    log_event(LOG_INFO, "answer-sealed", {"feed", step->feed->conf->name}, {"file", step->file->id}, {"name", answer->name},
              {"bytes", log_number((gint64)answer->sealed.size)}, {"ms", log_number((g_get_monotonic_time() - step->since) / 1000)});
    return TRUE;
  }
  g_clear_pointer(&step->file->feedback_name, g_free);
  return FALSE;
}

static gboolean needs_no_answer(Step *step, gboolean *none, GError **error) {
  *none = FALSE;
  if (step->file->state != FILE_DUPLICATE || !step->file->duplicate_of)
    return TRUE;
  g_autoptr(BookFile) original = book_find_file(step->reader, step->file->duplicate_of, error);
  *none = original && g_bytes_equal(original->name, step->file->name);
  return original != NULL;
}

gboolean flow_answer(Step *step, GError **error) {
  gboolean none;
  keygate_release(step->flow->gate, step->file->id);
  if (!needs_no_answer(step, &none, error))
    return FALSE;
  if (none)
    return flow_advance(step, FILE_ANSWERED, "no answer of its own: the original under the same name has it", error);
  const ConfFeedback *conf = &step->feed->conf->feedback;
  gboolean is_feedback = step->file->state == FILE_POSTED;
  const char *template = is_feedback || !conf->exception_name ? conf->name : conf->exception_name;
  Answer answer = {.name = answer_name(step, template, error)};
  if (!answer.name)
    return FALSE;
  answer.path = lane_path_out(step->flow->paths, step->file->id, is_feedback ? "feedback.pgp" : "exception.pgp");
  gboolean ok = write_answer(step, &answer, error) && commit_intents(step, &answer, error);
  g_free(answer.path);
  g_free(answer.name);
  return ok;
}
