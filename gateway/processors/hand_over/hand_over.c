/* Process deliver: hands the verified plaintext on, as it is or encrypted anew, into a folder of an inner system. It is
 * posted when it is durable there; then all of its batches are marked at once.
 *
 * The plaintext never has a name on our disk: it is brought out of the fetched file again, into an unnamed one, and
 * must be the very bytes that were validated. What is encrypted anew is kept until it is handed on, since encrypting
 *  again
 * would make other bytes. Where it goes, under which name, and its digest are decided in the book before anything is
 * put (flow/decided.h).
 *
 *   crash before the sealed copy's rename   sealed again: nobody has seen the first
 *   crash before the decision               decided anew, perhaps by another configuration: nothing is out
 *   crash while putting, or after it        remote_put looks for these very bytes there (plain and packed ones are made
 *                                           alike again; if other settings make others, nothing is put)
 *   crash before the marks                  file and marker are found there, and only the marks are made
 *   crash after the marks                   the decision is carried out: nothing is put again */
#include "gateway/flow/processor.h"
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/remote_path.h"
#include "gateway/flow/decided.h"
#include "gateway/flow/own_number.h"
#include "gateway/flow/admission/admit.h"
#include "gateway/envelope/enclose.h"
#include "gateway/envelope/patience.h"
#include "gateway/common/remote_put.h"
#include "gateway/common/log.h"
#include "gateway/records/feedback.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* From the fetched file again. Its signer may have been revoked or have expired since, which a person has to know of;
 * but other bytes than those that were validated are never handed on. */
static gboolean bring_out(Step *step, Unwrapped *unwrapped, GError **error) {
  if (!flow_unwrap(step, unwrapped, error))
    return FALSE;
  if (!unwrapped->trusted)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "it was verified, but now it is not trusted any more: %s", unwrapped->reason);
  if (g_strcmp0(unwrapped->sha256, step->file->plain_sha256) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                               "what comes out of the file now is not what was validated: sha256 %s, not %s",
                               unwrapped->sha256, step->file->plain_sha256);
  return TRUE;
}

/* A name that does not change from try to try: its time is that of the file's arrival. Where the partner's own name
 * makes none that a file can have, it is our id: what is validated has to get there. */
static char *name_there(Step *step, GError **error) {
  g_autoptr(GError) unfit = NULL;
  const char *const templates[] = {step->feed->conf->deliver.name};
  FeedbackName facts = {.name = step->file->name, .file_id = step->file->id, .at = step->file->seen_at};
  if (!flow_own_number(step, "delivered", templates, 1, &facts.sequence, error))
    return NULL;
  char *name = feedback_name(step->feed->conf->deliver.name, &facts, &unfit);
  if (unfit && sallyport_error_code(unfit) != SALLYPORT_ERROR_FILE)
    g_propagate_error(error, g_steal_pointer(&unfit));
  else if (unfit)
    name = g_strdup(step->file->id);
  return name;
}

static gboolean enclose_into(Step *step, int plaintext, const char *name, int target, GError **error) {
  const ConfDeliver *conf = &step->feed->conf->deliver;
  g_autofree char *member = enclose_member(name);
  EncloseFile source = {.fd = plaintext};
  Enclosed enclosed;
  EncloseOptions options = {.home = step->feed->gnupg_home,
                            .keys = &step->feed->partner->openpgp,
                            .encrypt_to = (const char *const *)conf->encrypt_to,
                            .envelope = conf->envelope,
                            .packing = conf->packing,
                            .member = member,
                            .scratch = step->flow->paths->stage,
                            .lines = step->file->plain_size / GPG_LEAST_BYTES * GPG_LEAST_LINES};
  return enclose(&options, enclose_read_file, &source, target, -1, &enclosed, error);
}

/* Sealed once, durable under our own name; the descriptor of it, or -1. */
static int sealed_copy(Step *step, const char *name, GError **error) {
  g_autofree char *path = lane_path_out(step->flow->paths, step->file->id, "deliver.pgp"),
                  *part = g_strconcat(path, ".part", NULL);
  Unwrapped unwrapped;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0)
    return fd;
  fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    sallyport_error_errno(error, errno, "create %s", part);
    return -1;
  }
  gboolean ok = bring_out(step, &unwrapped, error) && enclose_into(step, unwrapped.plaintext, name, fd, error) &&
                files_sync(fd, part, error);
  unwrapped_clear(&unwrapped);
  fault_point("hand-on-before-sealed");
  if (ok && rename(part, path) != 0)
    ok = sallyport_error_errno(error, errno, "rename %s", part);
  ok = ok && files_sync_folder(step->flow->paths->out, error);
  if (!ok) {
    close(fd);
    unlink(part);
  }
  return ok ? fd : -1;
}

/* The plaintext itself, or packed, in an unnamed file; or -1. */
static int plain_copy(Step *step, const char *name, GError **error) {
  Unwrapped unwrapped;
  int fd = files_open_unnamed(step->flow->paths->stage, error);
  if (fd < 0)
    return -1;
  gboolean ok = bring_out(step, &unwrapped, error) && enclose_into(step, unwrapped.plaintext, name, fd, error);
  unwrapped_clear(&unwrapped);
  if (!ok)
    close(fd);
  return ok ? fd : -1;
}

/* --- The decision */

#define HAND_ON "hand-on"
#define HAND_ON_MARKER "hand-on-marker"

/* Of the intents, what this step has to carry out; NULL: nothing is decided, or no marker is wanted. Borrowed. */
typedef struct {
  GPtrArray *intents;
  const BookIntent *put, *marker;
} Decision;

static void decision_clear(Decision *decision) {
  g_clear_pointer(&decision->intents, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Decision, decision_clear)

static gboolean read_decision(Step *step, Decision *decision, GError **error) {
  decision_clear(decision);
  *decision = (Decision){.intents = book_intents(step->reader, step->file->id, error)};
  for (guint i = 0; decision->intents && i < decision->intents->len; i++) {
    const BookIntent *intent = decision->intents->pdata[i];
    if (g_str_equal(intent->kind, HAND_ON))
      decision->put = intent;
    else if (g_str_equal(intent->kind, HAND_ON_MARKER))
      decision->marker = intent;
  }
  return decision->intents != NULL;
}

typedef struct {
  const Step *step;
  const char *name, *marker;
  guint64 size;
  const char *sha256;
} Deciding;

static gboolean add_intent(BookTransaction *tx, const Deciding *deciding, const char *kind, const char *name,
                           GError **error) {
  const Step *step = deciding->step;
  g_autofree char *to = remote_path_join(step->feed->conf->deliver.path, name, strlen(name));
  BookIntent intent = {.file = step->file->id,
                       .kind = (char *)kind,
                       .endpoint = (char *)step->endpoint,
                       .to = to,
                       .size = g_str_equal(kind, HAND_ON) ? deciding->size : 0,
                       .sha256 = g_str_equal(kind, HAND_ON) ? (char *)deciding->sha256 : NULL,
                       .due_at = g_get_real_time()};
  return book_add_intent(tx, &intent, error);
}

static gboolean decide_change(BookTransaction *tx, gpointer data, GError **error) {
  const Deciding *deciding = data;
  return add_intent(tx, deciding, HAND_ON, deciding->name, error) &&
         (!deciding->marker || add_intent(tx, deciding, HAND_ON_MARKER, deciding->marker, error));
}

static gboolean decide(Step *step, const Deciding *deciding, Decision *decision, GError **error) {
  fault_point("hand-on-before-decision");
  if (!book_write(step->flow->book, decide_change, (gpointer)deciding, error))
    return FALSE;
  fault_point("hand-on-after-decision");
  return read_decision(step, decision, error);
}

/* What was decided before is held against what would be put now. */
static gboolean is_as_decided(const Step *step, const BookIntent *put, guint64 size, const char *sha256,
                              GError **error) {
  return (put->size == size && g_strcmp0(put->sha256, sha256) == 0) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "%s was decided to have %" G_GUINT64_FORMAT " bytes, sha256 %s, and may be there already; "
                             "deliver { } of feed %s makes other bytes of it now: put its envelope and packing back as "
                             "they were, at least until this file is closed",
                             put->to, put->size, put->sha256, step->feed->conf->name);
}

/* *decision: the one from before, or a new one. */
static gboolean settle_decision(Step *step, int fd, const char *name, Decision *decision, GError **error) {
  const ConfDeliver *conf = &step->feed->conf->deliver;
  guint8 digest[DIGEST_SHA256_SIZE];
  guint64 size = 0;
  if (!digest_file_sha256(fd, 0, G_MAXUINT64, digest, &size, error))
    return FALSE;
  g_autofree char *sha256 = digest_hex(digest, sizeof digest),
                  *marker = conf->marker ? admit_expand(conf->marker, name) : NULL;
  if (decision->put)
    return is_as_decided(step, decision->put, size, sha256, error);
  return decide(step, &(Deciding){step, name, marker, size, sha256}, decision, error);
}

/* --- Putting it there */

static gboolean put_there(Step *step, int fd, const Decision *decision, GError **error) {
  const BookIntent *intent = decision->put;
  RemotePut put = {.courier = step->courier,
                   .scratch = step->flow->paths->stage,
                   .to = intent->to,
                   .owner = step->file->id,
                   .fd = fd,
                   .size = intent->size,
                   .sha256 = intent->sha256,
                   .pace = step->flow->pace,
                   .replace = step->feed->conf->deliver.if_exists == CONF_EXISTS_REPLACE,
                   .marker_follows = decision->marker != NULL,
                   .direct = step->feed->conf->deliver.write == CONF_WRITE_DIRECT,
                   .vanishes = step->feed->conf->deliver.vanishes == CONF_VANISHES_DELIVERED};
  if (!remote_put(&put, error))
    return FALSE;
  fault_point("hand-on-before-marker");
  if (decision->marker &&
      !remote_put_marker(step->courier, step->flow->paths->stage, decision->marker->to, error))
    return FALSE;
  log_event(LOG_INFO, "handed-on", {"feed", step->feed->conf->name}, {"file", step->file->id}, {"to", intent->to},
            {"bytes", log_number((gint64)intent->size)}, {"sha256", intent->sha256});
  return TRUE;
}

typedef struct {
  const BookFile *file;
  const GPtrArray *batches;
  const Decision *decision;
  const char *detail;
} Marks;

static gboolean marks_change(BookTransaction *tx, gpointer data, GError **error) {
  const Marks *marks = data;
  const BookIntent *const done[] = {marks->decision->put, marks->decision->marker};
  for (guint i = 0; i < marks->batches->len; i++) {
    const BookBatch *batch = marks->batches->pdata[i];
    if (batch->state != BATCH_POSTED && !book_post_batch(tx, marks->file->id, batch->number, error))
      return FALSE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS(done); i++)
    if (done[i] && !book_finish_intent(tx, done[i]->id, NULL, error))
      return FALSE;
  return book_note_file(tx, marks->file, marks->detail, error);
}

static gboolean mark(Step *step, const Decision *decision, GError **error) {
  g_autoptr(GPtrArray) batches = book_batches(step->reader, step->file->id, error);
  g_autofree char *name = g_path_get_basename(decision->put->to),
                  *detail = g_strdup_printf("handed on to %s as %s", step->feed->conf->deliver.system, name);
  if (!batches)
    return FALSE;
  Marks marks = {step->file, batches, decision, detail};
  fault_point("hand-on-before-marks");
  if (!book_write(step->flow->book, marks_change, &marks, error))
    return FALSE;
  step->file->batches_posted = step->file->batches;
  return TRUE;
}

/* What is packed or sealed has the name inside, too. */
static char *name_of(Step *step, const Decision *decision, GError **error) {
  return decision->put ? g_path_get_basename(decision->put->to) : name_there(step, error);
}

static gboolean hand_over(Step *step, GError **error) {
  g_auto(Decision) decision = {0};
  if (!read_decision(step, &decision, error))
    return FALSE;
  if (decision.put && decision.put->state == INTENT_DONE) { /* its receiver may have taken it away since */
    step->file->batches_posted = step->file->batches;
    return TRUE;
  }
  if (decision.put && !decided_is_here(step, decision.put, error))
    return FALSE;
  g_autofree char *name = name_of(step, &decision, error);
  if (!name)
    return FALSE;
  int fd = step->feed->conf->deliver.envelope == CONF_ENVELOPE_OPENPGP ? sealed_copy(step, name, error)
                                                                       : plain_copy(step, name, error);
  if (fd < 0)
    return FALSE;
  gboolean ok = settle_decision(step, fd, name, &decision, error) && put_there(step, fd, &decision, error);
  close(fd);
  return ok && mark(step, &decision, error);
}

static void hand_over_target(const ConfLane *lane, const ConfFeed *feed, ProcessorTarget *target) {
  (void)lane;
  *target = (ProcessorTarget){.system = feed->deliver.system,
                              .endpoint = feed->deliver.endpoint,
                              .folder = feed->deliver.path,
                              .connections = 1};
}

const Processor processor_deliver = {.target = hand_over_target, .run = hand_over};
