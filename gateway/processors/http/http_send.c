/* What goes over the connection, and what is made of what comes back.
 *
 *   2xx with an answer that is believed   the answer
 *   429, 503                              too much: asked again when the interface says so, or the pressure allows
 *   time-out, cut, other 5xx, 408, 409, 425, an answer that is not believed
 *                                         not known: the batch is asked again, with a back-off of its own, while others
 *                                         go on; after POLICY_CALL_TRIES the step fails (trouble.c)
 *   401, 403                              not let in: nobody calls for five minutes
 *   all else                              not understood: the operator has to change something */
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/codes.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include "gateway/processors/http/http_private.h"
#include "gateway/flow/judging/examine.h"
#include "gateway/records/exceptions.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_BYTES = 65536, ANSWER_BYTES_PER_RECORD = 1536, SHOWN = 200 };

/* --- The request */

AccrualBody accrual_body_of(const Call *call) {
  const Step *step = call->accrual->step;
  const ConfFeed *conf = step->feed->conf;
  return (AccrualBody){.columns = call->accrual->columns,
                       .is_csv = conf->http.body == CONF_BODY_CSV,
                       .key = call->key,
                       .feed = conf->name,
                       .partner = conf->partner,
                       .file = step->file->name_shown,
                       .business_date = step->file->business_date,
                       .batch = call->batch->number,
                       .block = call->scratch->block,
                       .count = (guint)(call->batch->last - call->batch->first + 1),
                       .skip = call->skip};
}

static gboolean fill_body(const Scratch *scratch, GError **error) {
  const char *at = scratch->text->str;
  if (ftruncate(scratch->body, 0) != 0 || ftruncate(scratch->answer, 0) != 0)
    return sallyport_error_errno(error, errno, "memory for a request");
  for (gsize left = scratch->text->len, offset = 0; left > 0;) {
    ssize_t n = pwrite(scratch->body, at + offset, left, (off_t)offset);
    if (n < 0 && errno != EINTR)
      return sallyport_error_errno(error, errno, "memory for a request");
    offset += (gsize)MAX(n, 0);
    left -= (gsize)MAX(n, 0);
  }
  return TRUE;
}

static void add_header(GPtrArray *headers, const char *name, const char *value) {
  g_autofree char *escaped = g_uri_escape_string(value ? value : "", " ;=,/", FALSE);
  g_ptr_array_add(headers, g_strdup_printf("%s: %s", name, escaped));
}

/* A CSV body has no place for what the batch is: it stands in the headers, of both kinds. */
static GPtrArray *headers_of(const Call *call) {
  AccrualBody body = accrual_body_of(call);
  const char *type = body.is_csv ? "text/csv" : "application/json";
  GPtrArray *headers = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *batch = g_strdup_printf("%u", body.batch);
  add_header(headers, "Content-Type", body.is_csv ? "text/csv; charset=utf-8; header=present" : type);
  add_header(headers, "Accept", type);
  add_header(headers, "Idempotency-Key", body.key);
  add_header(headers, "Sallyport-Feed", body.feed);
  add_header(headers, "Sallyport-Partner", body.partner);
  add_header(headers, "Sallyport-File", body.file);
  add_header(headers, "Sallyport-Batch", batch);
  add_header(headers, "Sallyport-Business-Date", body.business_date);
  g_ptr_array_add(headers, NULL);
  return headers;
}

/* --- What comes back */

static gboolean note_change(BookTransaction *tx, gpointer data, GError **error) {
  const Call *call = ((gpointer *)data)[0];
  return book_note_batch(tx, call->accrual->step->file->id, call->batch->number, ((gpointer *)data)[1], error);
}

/* For `show`. That it could not be noted is no reason to do anything differently. */
static void note(Call *call, const char *said) {
  gpointer data[] = {call, (gpointer)said};
  g_autoptr(GError) error = NULL;
  g_free(call->batch->reply);
  call->batch->reply = g_strdup(said);
  if (!book_write(call->accrual->step->flow->book, note_change, data, &error))
    log_event(LOG_WARNING, "not-noted", {"file", call->accrual->step->file->id}, {"error", error->message});
}

static char *read_answer(const Call *call, guint64 size, gsize *length, GError **error) {
  char *text = g_malloc(size + 1);
  *length = 0;
  while (*length < size) {
    ssize_t n = pread(call->scratch->answer, text + *length, size - *length, (off_t)*length);
    if (n == 0 || (n < 0 && errno != EINTR))
      break;
    *length += (gsize)MAX(n, 0);
  }
  text[*length] = '\0';
  if (*length == size)
    return text;
  g_free(text);
  sallyport_error_set(error, SALLYPORT_ERROR_UNCERTAIN, "the answer of batch %u could not be read back",
                      call->batch->number);
  return NULL;
}

static Outcome outcome_of(guint8 status) {
  return status == ACCRUAL_REJECTED ? OUTCOME_REJECTED : OUTCOME_DUPLICATE;
}

/* The interface's refusals among those of validation, in the records' order. */
static void add_refusal(const Call *call, const AccrualAnswer *said, guint i, ExceptionPacker *packer,
                        BookReply *answer) {
  gboolean is_rejected = said->statuses[i] == ACCRUAL_REJECTED;
  const char *code = said->codes[i] ? said->codes[i] : is_rejected ? CODE_INTERFACE_REJECTS : CODE_INTERFACE_HAD_IT;
  const char *reason = said->messages[i] ? said->messages[i]
                       : is_rejected     ? "the accrual interface rejected it"
                                         : "the accrual interface had credited it before";
  const RecordBlock *block = call->scratch->block;
  RecordException exception = {.record = block->first + i,
                               .line = block->lines[i],
                               .outcome = outcome_of(said->statuses[i]),
                               .code = (char *)code,
                               .reason = (char *)reason};
  const LedgerColumns *columns = call->accrual->step->feed->columns;
  g_autoptr(GString) key = g_string_new(NULL);
  g_autoptr(GString) account = g_string_new(NULL);
  gint64 amount = record_block_integer(block, columns->amount, i);
  examine_keep_values(block, columns, i, key, account, &exception);
  exception_packer_add(packer, &exception);
  /* Parts of a sum that is known to fit without signs (examine.c). */
  *(is_rejected ? &answer->amount_rejected : &answer->amount_duplicate) += amount;
}

static gboolean merge(const Call *call, const AccrualAnswer *said, BookReply *answer, GError **error) {
  ExceptionPacker *packer = exception_packer_new();
  ExceptionCursor *cursor = exception_cursor_new(call->batch->exceptions);
  GError *damage = NULL;
  const RecordException *earlier = exception_cursor_next(cursor, &damage);
  for (guint i = 0; i < said->count && !damage; i++) {
    if (earlier && earlier->record == call->batch->first + i) {
      exception_packer_add(packer, earlier);
      earlier = exception_cursor_next(cursor, &damage);
    } else if (said->statuses[i] == ACCRUAL_REJECTED || said->statuses[i] == ACCRUAL_DUPLICATE) {
      add_refusal(call, said, i, packer, answer);
    }
  }
  exception_cursor_free(cursor);
  answer->exceptions = exception_packer_finish(packer);
  answer->rejected = said->rejected;
  answer->duplicates = said->duplicates;
  if (damage)
    g_propagate_error(error, damage);
  return damage == NULL;
}

typedef struct {
  Call *call;
  BookReply answer;
} Answering;

static gboolean answer_change(BookTransaction *tx, gpointer data, GError **error) {
  Answering *answering = data;
  return book_take_reply(tx, answering->call->accrual->step->file, answering->call->batch, &answering->answer, error);
}

static gboolean keep_answer(Call *call, const AccrualAnswer *said, guint status, GError **error) {
  g_autofree char *text = g_strdup_printf("HTTP %u: %u accepted, %u rejected, %u duplicates", status, said->accepted,
                                          said->rejected, said->duplicates);
  Answering answering = {call, {.text = text}};
  fault_point("accrual-before-answered");
  gboolean ok = merge(call, said, &answering.answer, error) &&
                book_write(call->accrual->step->flow->book, answer_change, &answering, error);
  if (!ok) {
    g_clear_pointer(&answering.answer.exceptions, g_bytes_unref);
    return FALSE;
  }
  g_clear_pointer(&call->batch->exceptions, g_bytes_unref);
  call->batch->exceptions = answering.answer.exceptions;
  g_free(call->batch->reply);
  call->batch->reply = g_steal_pointer(&text);
  fault_point("accrual-after-answered");
  return TRUE;
}

static gboolean believe(Call *call, const CourierReply *reply, GError **error) {
  gsize length;
  g_autoptr(GError) why = NULL;
  g_autofree char *text = read_answer(call, reply->size, &length, error);
  if (!text)
    return FALSE;
  AccrualBody body = accrual_body_of(call);
  g_autoptr(AccrualAnswer) said = accrual_answer_read(&body, text, length, &why);
  if (said)
    return keep_answer(call, said, reply->status, error);
  g_autofree char *shown = g_strdup_printf("HTTP %u: %s", reply->status, why->message);
  note(call, shown);
  return sallyport_error_set(error, sallyport_error_code(why), "batch %u: %s", call->batch->number, shown);
}

/* --- All else */

static char *describe_reply(const Call *call, const CourierReply *reply) {
  char head[SHOWN + 1];
  ssize_t n = pread(call->scratch->answer, head, sizeof head - 1, 0);
  g_autofree char *shown = files_show_bytes(head, (gsize)MAX(n, 0), SHOWN);
  g_autofree char *wait = reply->retry_after >= 0
                              ? g_strdup_printf(", Retry-After %" G_GINT64_FORMAT " s", reply->retry_after)
                              : g_strdup("");
  return g_strdup_printf("HTTP %u%s%s%s", reply->status, wait, *shown ? ": " : "", g_strstrip(shown));
}

static SallyportErrorCode code_of(guint status) {
  if (status == 401 || status == 403)
    return SALLYPORT_ERROR_LOGIN;
  if (status >= 500 || status == 408 || status == 409 || status == 425)
    return SALLYPORT_ERROR_UNCERTAIN;
  return SALLYPORT_ERROR_CONFIGURATION;
}

static gboolean no_answer(Call *call, const CourierReply *reply, GError **error) {
  SallyportErrorCode code = code_of(reply->status);
  const Feed *feed = call->accrual->step->feed;
  g_autofree char *said = describe_reply(call, reply);
  note(call, said);
  if (code == SALLYPORT_ERROR_LOGIN)
    accrual_service_pause(feed->service, POLICY_LOCKED_OUT);
  return sallyport_error_set(error, code, "batch %u, %s: %s", call->batch->number, accrual_service_name(feed->service),
                             said);
}

static void log_answer(const Call *call, guint status, gint64 ms) {
  const Step *step = call->accrual->step;
  const BookBatch *batch = call->batch;
  gboolean is_answered = batch->state == BATCH_REPLIED;
  log_event(is_answered ? LOG_INFO : LOG_WARNING, is_answered ? "batch-answered" : "batch-not-answered",
            {"feed", step->feed->conf->name}, {"file", step->file->id}, {"batch", log_number(batch->number)},
            {"key", call->key}, {"records", log_number(call->records)}, {"attempt", log_number(batch->attempts)},
            {"status", log_number(status)}, {"answer", batch->reply ? batch->reply : ""}, {"call_ms", log_number(ms)});
}

static gboolean is_passing(const GError *error) {
  SallyportErrorCode code = sallyport_error_code(error);
  return code == SALLYPORT_ERROR_AGAIN || code == SALLYPORT_ERROR_UNCERTAIN;
}

static gboolean judge_reply(Call *call, const CourierReply *reply, PressureEnd *end, gboolean *again, GError **error) {
  if (reply->status >= 200 && reply->status < 300) {
    gboolean is_believed = believe(call, reply, error);
    end->outcome = is_believed ? PRESSURE_GOOD : is_passing(*error) ? PRESSURE_FAILED : PRESSURE_NO_CALL;
    return is_believed;
  }
  *again = reply->status == 429 || reply->status == 503;
  if (!*again) {
    end->outcome = reply->status >= 500 || reply->status == 408 ? PRESSURE_FAILED : PRESSURE_NO_CALL;
    return no_answer(call, reply, error);
  }
  end->outcome = reply->status == 503 && reply->retry_after < 0 ? PRESSURE_UNAVAILABLE : PRESSURE_REFUSED;
  end->retry_after = reply->retry_after < 0 ? -1 : MIN(reply->retry_after, 3600) * G_USEC_PER_SEC;
  g_autofree char *said = describe_reply(call, reply);
  note(call, said);
  return TRUE;
}

/* FALSE: it goes up, and ends the step. */
static gboolean may_ask_again(Call *call, const Courier *courier, const GError *failure) {
  return is_passing(failure) && !courier_is_lost(courier) && call->failures < POLICY_CALL_TRIES;
}

gboolean accrual_send(Call *call, Courier *courier, PressureCall *pressure, PressureEnd *end, gboolean *again,
                      GError **error) {
  const ConfHttp *conf = &call->accrual->step->feed->conf->http;
  g_autoptr(GPtrArray) headers = headers_of(call);
  g_autoptr(GError) failure = NULL;
  CourierReply reply = {0};
  CourierPost post = {.path = conf->path,
                      .headers = (const char *const *)headers->pdata,
                      .body = call->scratch->body,
                      .body_size = call->scratch->text->len,
                      .answer = call->scratch->answer,
                      .timeout = conf->timeout,
                      .answer_limit = ANSWER_BYTES + (guint64)ANSWER_BYTES_PER_RECORD * call->records};
  if (!fill_body(call->scratch, error))
    return FALSE;
  fault_point("accrual-before-send");
  accrual_service_sent(call->accrual->step->feed->service, pressure);
  gint64 began = g_get_monotonic_time();
  gboolean ok = courier_post(courier, &post, &reply, &failure);
  gint64 ms = (g_get_monotonic_time() - began) / 1000;
  fault_point("accrual-after-send");
  *end = (PressureEnd){PRESSURE_FAILED, call->records, -1};
  if (ok)
    ok = judge_reply(call, &reply, end, again, &failure);
  else {
    note(call, failure->message);
    g_prefix_error(&failure, "batch %u: ", call->batch->number);
  }
  log_answer(call, reply.status, ms);
  if (end->outcome == PRESSURE_FAILED || end->outcome == PRESSURE_UNAVAILABLE)
    call->due = g_get_monotonic_time() + policy_spread(policy_wait(POLICY_CALL, ++call->failures));
  if (ok || (*again = may_ask_again(call, courier, failure)))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}
