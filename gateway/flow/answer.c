/* Answer: makes the one feedback or exception file of this file, sealed for the partner, and the intents to deliver it.
 * posted, rejected, duplicate → sealed.
 *
 *   crash before the sealed file's rename   a leftover temporary file (and a signature or digest beside it), which the
 *                                           next run writes over
 *   crash before the commit                 the answer is sealed anew (other bytes, same content): nobody has seen the
 *                                           first
 *   crash after the commit                  these very bytes are delivered, and no others ever
 *
 * A duplicate under the same name as its original gets none: its answer is there already. */
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/flow/admission/admit.h"
#include "gateway/envelope/enclose.h"
#include "gateway/flow/step.h"
#include "gateway/flow/own_number.h"
#include "gateway/flow/judging/repeats.h"
#include "gateway/records/stage.h"
#include "gateway/common/log.h"
#include "gateway/records/feedback.h"
#include "store/book_answer_name.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NAME = 255 };

typedef struct {
  char *path;     /* in the spool; what goes with it lies beside it */
  char *name;     /* on the partner's side */
  guint64 number; /* {sequence}; 0: not used */
  Enclosed sealed;
  GPtrArray *beside; /* Beside*: what is put behind it, before the marker */
} Answer;

typedef struct {
  char *path, *name;
  guint64 size;
  guint8 sha256[DIGEST_SHA256_SIZE];
} Beside;

/* *staging: NULL for a file that was not validated (it could not be opened, or a person rejected it before): its lines
 * have no results, so the answer has none. A file with a header and no records was: its answer repeats the header. */
static gboolean open_validated(const Step *step, StagingReader **staging, GError **error) {
  struct stat status;
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  *staging = NULL;
  if ((step->file->records == 0 && !step->file->header) || stat(path, &status) != 0)
    return TRUE;
  /* the accepted total is told from it */
  if (step->file->state == FILE_POSTED && !stage_check_layout(path, step->feed->layout, error))
    return FALSE;
  *staging = staging_reader_open(path, error);
  if (*staging && step->file->records == 0 && staging_count(*staging) > 0)
    g_clear_pointer(staging, staging_reader_close);
  else if (!*staging)
    return FALSE;
  return TRUE;
}

/* Of an accepted file: why that is worth a word. */
typedef struct {
  char *code, *words;
} Remark;

static FeedbackWriter *new_writer(Step *step, StagingReader *staging, GPtrArray *batches, const Remark *remark,
                                  GError **error) {
  const BookFile *file = step->file;
  gboolean is_posted = file->state == FILE_POSTED;
  const char *code = is_posted ? remark->code : file->reason_code, *message = is_posted ? remark->words : file->reason;
  const char *verdict = file->state == FILE_POSTED      ? "ACCEPTED"
                        : file->state == FILE_DUPLICATE ? "DUPLICATE"
                                                        : "REJECTED";
  FeedbackOptions options = {.layout = step->feed->layout,
                             .conf = &step->feed->conf->feedback,
                             .key_field = step->feed->conf->key,
                             .key_fields = step->feed->conf->key_fields,
                             .file_name = file->name_shown,
                             .verdict = verdict,
                             .staging = staging,
                             .batches = batches,
                             .code = code ? code : "",
                             .message = message ? message : "",
                             .amount_column = step->feed->columns ? (gint)step->feed->columns->amount : -1,
                             .records = staging ? file->records : 0,
                             .accepted = file->accepted,
                             .rejected = staging ? file->rejected : 0,
                             .duplicates = staging ? file->duplicates : 0,
                             .amount_accepted = file->amount_accepted};
  return feedback_writer_new(&options, error);
}

static const char *const kept_beside[] = {".sig", ".sum"};

static void beside_free(gpointer data) {
  Beside *beside = data;
  g_free(beside->path);
  g_free(beside->name);
  g_free(beside);
}

static Beside *add_beside(Answer *answer, const char *suffix, char *name) {
  Beside *beside = g_new0(Beside, 1);
  beside->path = g_strconcat(answer->path, suffix, NULL);
  beside->name = name;
  g_ptr_array_add(answer->beside, beside);
  return beside;
}

static int open_new(const char *path, GError **error) {
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    sallyport_error_errno(error, errno, "create %s", path);
  return fd;
}

static gboolean settle_beside(Beside *beside, int fd, GError **error) {
  return files_sync(fd, beside->path, error) &&
         digest_file_sha256(fd, 0, G_MAXUINT64, beside->sha256, &beside->size, error);
}

static char *member_of(Step *step, const Answer *answer) {
  const FeedbackName facts = {
      .name = step->file->name, .file_id = step->file->id, .at = step->file->seen_at, .sequence = answer->number};
  const ConfFeedback *conf = &step->feed->conf->feedback;
  char *member = conf->member ? feedback_name(conf->member, &facts, NULL) : NULL;
  return member ? member : enclose_member(answer->name);
}

static gboolean seal_into(Step *step, FeedbackWriter *writer, int fd, int signature, Answer *answer, GError **error) {
  const ConfFeedback *conf = &step->feed->conf->feedback;
  static const OpenpgpCompression compression[] = {[CONF_COMPRESS_NONE] = OPENPGP_COMPRESS_NONE,
                                                   [CONF_COMPRESS_FAST] = OPENPGP_COMPRESS_FAST,
                                                   [CONF_COMPRESS_ZLIB] = OPENPGP_COMPRESS_ZLIB};
  const ConfOpenpgp *keys = &step->feed->partner->openpgp;
  g_autofree char *member = member_of(step, answer);
  EncloseOptions options = {.home = step->feed->gnupg_home,
                            .keys = keys,
                            .encrypt_to = (const char *const *)keys->encrypt_to,
                            .envelope = conf->envelope,
                            .packing = conf->packing,
                            .outer_packing = conf->outer_packing,
                            .compression = compression[conf->compress],
                            .member = member,
                            .scratch = step->flow->paths->out,
                            .lines = step->file->records};
  return enclose(&options, feedback_writer_read, writer, fd, signature, &answer->sealed, error) &&
         files_sync(fd, answer->path, error);
}

/* The kind of digest is what the name's suffix says. */
static gboolean write_digest(Step *step, Answer *answer, int sealed, GError **error) {
  const char *template = step->feed->conf->feedback.digest;
  if (!template)
    return TRUE;
  DigestKind kind = DIGEST_SHA256;
  for (DigestKind other = 0; other < DIGEST_KINDS; other++)
    if (g_str_has_suffix(template, digest_word(other)))
      kind = other;
  guint8 out[DIGEST_SIZE_MOST];
  guint64 done = 0;
  Digest *digest = digest_new(kind);
  if (!digest_update_from_file(digest, sealed, &done, answer->sealed.size, error)) {
    digest_free(digest);
    return FALSE;
  }
  digest_finish(digest, out);
  g_autofree char *hex = digest_hex(out, digest_size(kind)), *line = g_strdup_printf("%s  %s\n", hex, answer->name);
  Beside *beside = add_beside(answer, ".sum", admit_expand(template, answer->name));
  int fd = open_new(beside->path, error);
  if (fd < 0)
    return FALSE;
  gboolean ok = files_write_all(fd, line, strlen(line), error) && settle_beside(beside, fd, error);
  close(fd);
  return ok;
}

static gboolean seal_all(Step *step, FeedbackWriter *writer, int fd, Answer *answer, GError **error) {
  gboolean is_detached = step->feed->conf->feedback.envelope == CONF_ENVELOPE_DETACHED;
  Beside *beside = is_detached ? add_beside(answer, ".sig", g_strconcat(answer->name, ".sig", NULL)) : NULL;
  int signature = beside ? open_new(beside->path, error) : -1;
  if (beside && signature < 0)
    return FALSE;
  gboolean ok = seal_into(step, writer, fd, signature, answer, error) &&
                (!beside || settle_beside(beside, signature, error));
  if (signature >= 0)
    close(signature);
  return ok && write_digest(step, answer, fd, error);
}

static gboolean seal(Step *step, FeedbackWriter *writer, Answer *answer, GError **error) {
  g_autofree char *temporary = g_strdup_printf("%s.part", answer->path);
  int fd = open_new(temporary, error);
  if (fd < 0)
    return FALSE;
  gboolean ok = seal_all(step, writer, fd, answer, error);
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

static gboolean keep(const char *path, const char *suffix, const char *folder, GError **error) {
  g_autofree char *from = g_strconcat(path, suffix, NULL), *name = g_path_get_basename(from),
                  *to = g_build_filename(folder, name, NULL);
  return rename(from, to) == 0 || errno == ENOENT || sallyport_error_errno(error, errno, "archive %s", from);
}

gboolean answer_keep(const char *path, const char *folder, GError **error) {
  for (gsize i = 0; i < G_N_ELEMENTS(kept_beside); i++)
    if (!keep(path, kept_beside[i], folder, error))
      return FALSE;
  return keep(path, "", folder, error);
}

static gboolean write_answer(Step *step, Answer *answer, GError **error) {
  g_autoptr(StagingReader) staging = NULL;
  g_autoptr(GPtrArray) batches = NULL;
  if (!open_validated(step, &staging, error) ||
      (staging && !(batches = book_batches(step->reader, step->file->id, error))))
    return FALSE;
  Remark remark = {0};
  if (step->file->state == FILE_POSTED && !repeats_remark(step, &remark.code, &remark.words, error))
    return FALSE;
  FeedbackWriter *writer = new_writer(step, staging, batches, &remark, error);
  gboolean ok = writer && seal(step, writer, answer, error);
  if (writer)
    feedback_writer_free(writer);
  g_free(remark.code);
  g_free(remark.words);
  return ok;
}

/* Another file's answer may have this name already (the same name sent twice, two names of one stem, a template without
 * {name}): then the file's own id is put before the extension, so that no answer ever replaces another, and none waits
 * for ever for another's place. */
static char *unused_name(Step *step, char *name, GError **error) {
  g_autoptr(GError) failure = NULL;
  if (step->feed->conf->feedback.if_exists == CONF_EXISTS_REPLACE)
    return name;
  g_autofree char *owner = book_answer_owner(step->reader, step->file->feed, name, &failure);
  if (!failure && (!owner || g_str_equal(owner, step->file->id)))
    return name;
  const char *dot = strchr(name + (name[0] == '.'), '.');
  gsize stem = dot ? (gsize)(dot - name) : strlen(name);
  char *unique = failure ? NULL : g_strdup_printf("%.*s_%s%s", (int)stem, name, step->file->id, dot ? dot : "");
  g_free(name);
  if (failure)
    g_propagate_error(error, g_steal_pointer(&failure));
  return unique;
}

static char *marker_of(const ConfFeedback *conf, const char *name) {
  return conf->marker ? admit_expand(conf->marker, name) : NULL;
}

/* The name itself, and those that are made from it. */
static gboolean is_too_long(const ConfFeedback *conf, const char *name) {
  g_autofree char *marker = marker_of(conf, name), *digest = conf->digest ? admit_expand(conf->digest, name) : NULL;
  gsize signature = conf->envelope == CONF_ENVELOPE_DETACHED ? strlen(".sig") : 0;
  return strlen(name) + signature > MOST_NAME || (marker && strlen(marker) > MOST_NAME) ||
         (digest && strlen(digest) > MOST_NAME);
}

/* The partner's own name may be so long that the one made from it, or that one's marker, is no file name any more. What
 * is posted must be answered all the same: then our id is the name. */
static char *answer_name(Step *step, const char *template, guint64 *number, GError **error) {
  const BookFile *file = step->file;
  g_autoptr(GError) unfit = NULL;
  const char *const templates[] = {template, step->feed->conf->feedback.member};
  if (!flow_own_number(step, "answers", templates, G_N_ELEMENTS(templates), number, error))
    return NULL;
  const FeedbackName facts = {.name = file->name, .file_id = file->id, .at = g_get_real_time(), .sequence = *number};
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

typedef struct {
  Step *step;
  const Answer *answer;
  const char *marker;
} Intents;

static gboolean add_intent(BookTransaction *tx, const Intents *intents, const BookIntent *what, const char *name,
                           GError **error) {
  const ConfFeed *conf = intents->step->feed->conf;
  g_autofree char *endpoint = g_strdup_printf("%s/%s", conf->partner, conf->feedback.endpoint);
  g_autofree char *to = remote_path_join(conf->feedback.path, name, strlen(name));
  BookIntent intent = *what;
  intent.file = intents->step->file->id;
  intent.endpoint = endpoint;
  intent.to = to;
  intent.due_at = g_get_real_time();
  return book_add_intent(tx, &intent, error);
}

static gboolean add_put(BookTransaction *tx, const Intents *intents, const Beside *what, GError **error) {
  g_autofree char *sha256 = digest_hex(what->sha256, sizeof what->sha256);
  g_autofree char *from = g_path_get_basename(what->path); /* a state may be moved */
  BookIntent intent = {.kind = (char *)"put", .from = from, .size = what->size, .sha256 = sha256};
  return add_intent(tx, intents, &intent, what->name, error);
}

/* In the order in which they are carried out: the answer, what goes with it, the marker last. */
static gboolean add_intents(BookTransaction *tx, const Intents *intents, GError **error) {
  const Answer *answer = intents->answer;
  Beside itself = {.path = answer->path, .name = answer->name, .size = answer->sealed.size};
  memcpy(itself.sha256, answer->sealed.sha256, sizeof itself.sha256);
  if (!add_put(tx, intents, &itself, error))
    return FALSE;
  for (guint i = 0; i < answer->beside->len; i++)
    if (!add_put(tx, intents, answer->beside->pdata[i], error))
      return FALSE;
  const BookIntent marker = {.kind = (char *)"put-marker"};
  return !intents->marker || add_intent(tx, intents, &marker, intents->marker, error);
}

static gboolean intents_change(BookTransaction *tx, gpointer data, GError **error) {
  const Intents *intents = data;
  const BookFile *file = intents->step->file;
  gboolean is_replaced = intents->step->feed->conf->feedback.if_exists == CONF_EXISTS_REPLACE;
  g_autofree char *detail = g_strdup_printf("answer %s, %" G_GUINT64_FORMAT " bytes", file->feedback_name,
                                            intents->answer->sealed.size);
  return (is_replaced || book_claim_answer(tx, file->feed, file->feedback_name, file->id, error)) &&
         add_intents(tx, intents, error) && book_advance_file(tx, intents->step->file, FILE_SEALED, detail, error);
}

static gboolean commit_intents(Step *step, const Answer *answer, GError **error) {
  g_autofree char *marker = marker_of(&step->feed->conf->feedback, answer->name);
  Intents intents = {step, answer, marker};
  FileState from = step->file->state;
  step->file->feedback_name = g_strdup(answer->name);
  step->file->due_at = g_get_real_time();
  if (book_write(step->flow->book, intents_change, &intents, error)) {
    log_event(LOG_INFO, "answer-sealed", {"feed", step->feed->conf->name}, {"file", step->file->id},
              {"name", answer->name}, {"bytes", log_number((gint64)answer->sealed.size)},
              {"ms", log_number((g_get_monotonic_time() - step->since) / 1000)});
    flow_log(step, answer->name);
    return TRUE;
  }
  step->file->state = from;
  g_clear_pointer(&step->file->feedback_name, g_free);
  return FALSE;
}

static gboolean needs_no_answer(Step *step, gboolean *none, GError **error) {
  *none = FALSE;
  if (step->file->state != FILE_DUPLICATE || !step->file->duplicate_of)
    return TRUE;
  g_autoptr(BookFile) original = book_find_file(step->reader, step->file->duplicate_of, error);
  /* Of another content it has to be told, whatever its name. */
  *none = original && g_bytes_equal(original->name, step->file->name) &&
          g_strcmp0(original->plain_sha256, step->file->plain_sha256) == 0;
  return original != NULL;
}

gboolean flow_answer(Step *step, GError **error) {
  gboolean none;
  flow_release_keys(step);
  if (!needs_no_answer(step, &none, error))
    return FALSE;
  if (none)
    return flow_advance(step, FILE_ANSWERED, "no answer of its own: the original under the same name has it", error);
  const ConfFeedback *conf = &step->feed->conf->feedback;
  gboolean is_feedback = step->file->state == FILE_POSTED;
  const char *template = is_feedback || !conf->exception_name ? conf->name : conf->exception_name;
  Answer answer = {0};
  answer.name = answer_name(step, template, &answer.number, error);
  if (!answer.name)
    return FALSE;
  answer.beside = g_ptr_array_new_with_free_func(beside_free);
  answer.path = lane_path_out(step->flow->paths, step->file->id, is_feedback ? "feedback.pgp" : "exception.pgp");
  gboolean ok = write_answer(step, &answer, error) && commit_intents(step, &answer, error);
  g_ptr_array_unref(answer.beside);
  g_free(answer.path);
  g_free(answer.name);
  return ok;
}
