/* One batch: taken or cut, read, its request made, durable as sent, sent, and its answer durable before anything of it
 * is posted. */
#include "gateway/base/digest.h"
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"
#include "gateway/processors/http/http_private.h"
#include "gateway/records/exceptions.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- Scratch */

static gboolean open_scratch(Scratch *scratch, const char *staging, GError **error) {
  scratch->text = g_string_new(NULL);
  scratch->body = memfd_create("request", MFD_CLOEXEC);
  scratch->answer = memfd_create("answer", MFD_CLOEXEC);
  if (scratch->body < 0 || scratch->answer < 0)
    return sallyport_error_errno(error, errno, "memory for a request");
  return (scratch->reader = staging_reader_open(staging, error)) != NULL;
}

static Scratch *take_scratch(Accrual *accrual, GError **error) {
  pthread_mutex_lock(&accrual->lock);
  Scratch *scratch = g_queue_pop_tail(&accrual->scratches);
  pthread_mutex_unlock(&accrual->lock);
  if (scratch)
    return scratch;
  scratch = g_new0(Scratch, 1);
  if (open_scratch(scratch, accrual->staging, error))
    return scratch;
  pthread_mutex_lock(&accrual->lock); /* freed with the others */
  g_queue_push_head(&accrual->scratches, scratch);
  pthread_mutex_unlock(&accrual->lock);
  return NULL;
}

static gboolean read_records(Scratch *scratch, guint64 first, guint count, GError **error) {
  if (scratch->capacity < count) {
    g_clear_pointer(&scratch->block, record_block_free);
    scratch->block = staging_block_new(scratch->reader, count);
    scratch->capacity = count;
  }
  return staging_read(scratch->reader, first, count, scratch->block, error);
}

/* --- The request */

/* Of the request, where it goes, and whose account it credits: all that must be the same when it is asked again. The
 * caller frees. */
static char *digest_of_request(const Call *call) {
  const ConfFeed *conf = call->accrual->step->feed->conf;
  g_autofree char *place = g_strjoin("\n", "", conf->http.system, conf->http.endpoint, conf->http.path,
                                     conf->ledger.account, conf->key, NULL);
  guint8 digest[DIGEST_SHA256_SIZE];
  Digest *running = digest_new_sha256();
  digest_update(running, call->scratch->text->str, call->scratch->text->len);
  digest_update(running, place, strlen(place));
  digest_finish(running, digest);
  return digest_hex(digest, sizeof digest);
}

/* Its digest; the caller frees. NULL: there is nothing to send. */
static char *make_request(Call *call) {
  g_free(call->key);
  call->key = accrual_key(call->accrual->step->file->id, call->batch);
  AccrualBody body = accrual_body_of(call);
  call->records = call->batch->accepted;
  if (call->records == 0)
    return NULL;
  g_string_truncate(call->scratch->text, 0);
  accrual_body_put(&body, call->scratch->text);
  return digest_of_request(call);
}

typedef struct {
  Call *call;
  BookBatch *rest;
  guint batches;
} Change;

static gboolean cut_change(BookTransaction *tx, gpointer data, GError **error) {
  Change *change = data;
  BookCut cut = {change->call->accrual->step->file->id, change->call->batch, change->rest, &change->batches};
  return book_cut_batch(tx, &cut, error);
}

static gboolean send_change(BookTransaction *tx, gpointer data, GError **error) {
  const Change *change = data;
  return book_send_batch(tx, change->call->accrual->step->file->id, change->call->batch, error);
}

static gboolean cut_slice(Call *call, Slice *slice, GError **error) {
  Accrual *accrual = call->accrual;
  Change change = {.call = call, .rest = slice->rest};
  call->batch = slice->batch;
  call->skip = slice->skip;
  slice->batch->digest = make_request(call);
  fault_point("accrual-before-cut");
  if (!book_write(accrual->step->flow->book, cut_change, &change, error))
    return FALSE;
  accrual->step->file->batches = change.batches;
  cutter_advance(accrual->cutter, slice);
  slice->batch = NULL; /* theirs now */
  slice->skip = NULL;
  pthread_mutex_lock(&accrual->lock);
  g_ptr_array_add(accrual->batches, call->batch);
  pthread_mutex_unlock(&accrual->lock);
  return TRUE;
}

/* The next x records. *any FALSE: there are none. */
static gboolean cut_next(Call *call, gboolean *any, GError **error) {
  Accrual *accrual = call->accrual;
  const Feed *feed = accrual->step->feed;
  guint64 first;
  guint count;
  Slice slice = {0};
  *any = cutter_next(accrual->cutter, accrual_service_size(feed->service, &feed->conf->batch), &first, &count);
  if (!*any)
    return TRUE;
  gboolean ok = read_records(call->scratch, first, count + 1, error) &&
                cutter_slice(accrual->cutter, count, call->scratch->block, feed->columns, &slice, error) &&
                cut_slice(call, &slice, error);
  if (!ok)
    call->batch = NULL, call->skip = NULL;
  slice_clear(&slice);
  return ok;
}

/* One that was sent before, or that validation cut for another process. */
static gboolean prepare_waiting(Call *call, GError **error) {
  BookBatch *batch = call->batch;
  guint count = (guint)(batch->last - batch->first + 1);
  call->skip = g_new0(guint8, count + 1);
  if (!read_records(call->scratch, batch->first, count, error) ||
      !exceptions_mark(batch->exceptions, batch->first, count, call->skip, error) ||
      !batch_is_as_validated(batch, call->scratch->block, call->skip, call->accrual->step->feed->columns->amount,
                             error))
    return FALSE;
  g_autofree char *digest = make_request(call);
  if (!digest)
    return TRUE;
  if (batch->digest && !g_str_equal(batch->digest, digest))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "batch %u was sent under another configuration (interface, columns, body or names), and "
                               "must be asked again in the same words: "
                               "put that configuration back until it is answered",
                               batch->number);
  if (!batch->digest)
    batch->digest = g_steal_pointer(&digest);
  Change change = {.call = call};
  return book_write(call->accrual->step->flow->book, send_change, &change, error);
}

/* --- Which one is next */

void accrual_ask_later(Accrual *accrual, BookBatch *batch, guint failures, gint64 due) {
  WaitingBatch *waiting = g_new(WaitingBatch, 1);
  *waiting = (WaitingBatch){batch, failures, due};
  pthread_mutex_lock(&accrual->lock);
  g_queue_push_tail(&accrual->waiting, waiting);
  pthread_mutex_unlock(&accrual->lock);
}

/* Nothing more is cut while twice as many batches wait for their turn as calls may be in flight: an interface that is
 * away would make all of a file such batches. */
static gboolean may_cut(Accrual *accrual) {
  const Feed *feed = accrual->step->feed;
  guint most = 2 * accrual_service_threads(feed->service, &feed->conf->batch);
  pthread_mutex_lock(&accrual->lock);
  gboolean may = accrual->waiting.length < most;
  pthread_mutex_unlock(&accrual->lock);
  return may;
}

guint accrual_work(Accrual *accrual, guint size, gint64 *due) {
  guint64 first;
  guint count, work = 0;
  gint64 now = g_get_monotonic_time();
  *due = G_MAXINT64;
  pthread_mutex_lock(&accrual->lock);
  for (const GList *link = accrual->waiting.head; link; link = link->next) {
    const WaitingBatch *waiting = link->data;
    work += waiting->due <= now;
    *due = MIN(*due, waiting->due);
  }
  pthread_mutex_unlock(&accrual->lock);
  if (!may_cut(accrual))
    return work;
  pthread_mutex_lock(&accrual->cutting);
  if (cutter_next(accrual->cutter, G_MAXUINT, &first, &count))
    work += (count - 1) / size + 1;
  pthread_mutex_unlock(&accrual->cutting);
  return work;
}

/* NULL: none that is due. */
static WaitingBatch *take_due(Accrual *accrual) {
  gint64 now = g_get_monotonic_time();
  WaitingBatch *due = NULL;
  pthread_mutex_lock(&accrual->lock);
  for (GList *link = accrual->waiting.head; link && !due; link = link->next)
    if (((const WaitingBatch *)link->data)->due <= now) {
      due = link->data;
      g_queue_delete_link(&accrual->waiting, link);
      break;
    }
  pthread_mutex_unlock(&accrual->lock);
  return due;
}

/* The next batch: those that wait for an answer first. *any FALSE: there is none. */
static gboolean take_batch(Call *call, gboolean *any, GError **error) {
  Accrual *accrual = call->accrual;
  g_autofree WaitingBatch *waiting = take_due(accrual);
  *any = TRUE;
  if (waiting) {
    call->batch = waiting->batch;
    call->failures = waiting->failures;
    if (prepare_waiting(call, error))
      return TRUE;
    accrual_ask_later(accrual, waiting->batch, waiting->failures, 0);
    return FALSE;
  }
  *any = may_cut(accrual);
  if (!*any)
    return TRUE;
  pthread_mutex_lock(&accrual->cutting);
  gboolean ok = cut_next(call, any, error);
  pthread_mutex_unlock(&accrual->cutting);
  return ok;
}

/* --- A call */

/* A batch whose records were all refused at validation has nothing to send, and only its place in the order. */
static gboolean carry_out(Call *call, Courier *courier, PressureCall *pressure, PressureEnd *end, gboolean *any,
                          GError **error) {
  Accrual *accrual = call->accrual;
  gboolean again = FALSE;
  if (!take_batch(call, any, error) || !*any)
    return !*any;
  if (call->records > 0 && !accrual_send(call, courier, pressure, end, &again, error)) {
    again = TRUE;
    *any = FALSE;
  }
  if (again) {
    accrual_ask_later(accrual, call->batch, call->failures, call->due);
    return *any;
  }
  return poster_submit(accrual->poster, call->scratch->reader, call->batch, error);
}

static gboolean enter(Accrual *accrual) {
  pthread_mutex_lock(&accrual->lock);
  gboolean may = !accrual->closed && !accrual->error;
  accrual->under_way += may ? 1 : 0;
  pthread_mutex_unlock(&accrual->lock);
  return may;
}

static void leave(Accrual *accrual, Scratch *scratch, GError *error) {
  pthread_mutex_lock(&accrual->lock);
  if (scratch)
    g_queue_push_tail(&accrual->scratches, scratch);
  if (error && !accrual->error)
    accrual->error = error;
  else
    g_clear_error(&error);
  accrual->under_way--;
  pthread_cond_broadcast(&accrual->changed);
  pthread_mutex_unlock(&accrual->lock);
}

static gboolean is_finished(Accrual *accrual) {
  pthread_mutex_lock(&accrual->lock);
  gboolean finished = accrual->closed || accrual->error;
  pthread_mutex_unlock(&accrual->lock);
  return finished;
}

/* Until one of the batches that wait is due, or something else has changed. */
static void wait_for_due(Accrual *accrual, gint64 due, gint64 patience) {
  gint64 until = MIN(due, g_get_monotonic_time() + patience);
  pthread_mutex_lock(&accrual->lock);
  if (!accrual->closed && !accrual->error)
    clock_condition_wait(&accrual->changed, &accrual->lock, until);
  pthread_mutex_unlock(&accrual->lock);
}

/* The service outlives the file: it is the feed's, and lives as long as the pools. */
CallResult accrual_call(Accrual *accrual, Courier *courier, gint64 patience) {
  PressureCall pressure;
  PressureEnd end = {PRESSURE_NO_CALL, 0, -1};
  GError *error = NULL;
  if (!enter(accrual)) /* before its step is looked at */
    return CALL_NO_WORK;
  AccrualService *service = accrual->step->feed->service;
  gint64 due;
  if (accrual_work(accrual, 1, &due) == 0) {
    if (due < G_MAXINT64)
      wait_for_due(accrual, due, patience);
    leave(accrual, NULL, NULL);
    return due < G_MAXINT64 ? CALL_NOT_NOW : CALL_NO_WORK;
  }
  if (!accrual_service_begin(service, patience, &accrual->step->flow->stopping, &pressure)) {
    leave(accrual, NULL, NULL);
    return is_finished(accrual) ? CALL_NO_WORK : CALL_NOT_NOW;
  }
  gboolean any = FALSE;
  Call call = {.accrual = accrual, .scratch = is_finished(accrual) ? NULL : take_scratch(accrual, &error)};
  gboolean ok = call.scratch && carry_out(&call, courier, &pressure, &end, &any, &error);
  accrual_service_end(service, &pressure, &end);
  leave(accrual, call.scratch, g_steal_pointer(&error));
  g_free(call.skip);
  g_free(call.key);
  return ok && any ? CALL_MADE : CALL_NO_WORK;
}
