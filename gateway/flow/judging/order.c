#include "gateway/flow/judging/order.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/codes.h"
#include "gateway/flow/judging/repeats.h"
#include "gateway/common/policy.h"
#include "gateway/flow/feed_calendar.h"
#include <jansson.h>
#include <string.h>

/* A gap is no gap while a lower number is on its way through the lane; for this long. */
enum { SIBLING_SECONDS = 600, SIBLING_TRIES = 3, MOST_SIBLINGS = 1000 };

void order_clear(Order *order) {
  g_free(order->row.file);
  g_free(order->row.feed);
  g_free(order->row.period);
  g_free(order->row.verdict);
  g_free(order->row.outcome);
  *order = (Order){0};
}

/* --- What ends the step */

/* What was judged, written with what it leads to. */
typedef struct {
  const char *file;
  const BookSequenceFile *number;
  gint64 arrived; /* 0: not judged */
} Judged;

static gboolean judged_change(BookTransaction *tx, gpointer data, GError **error) {
  const Judged *judged = data;
  return (!judged->number || book_judge_sequence(tx, judged->number, 0, error)) &&
         (!judged->arrived || book_judge_arrival(tx, judged->file, judged->arrived, error));
}

/* What has the same content as a file before it is a duplicate, whatever else is wrong with it. */
static StepResult put_aside(Step *step, const Aside *aside, GError **error) {
  StepResult result = repeats_judge(step, error);
  if (result != STEP_ON)
    return result;
  fault_point("order-before-commit");
  return flow_set_aside(step, aside, error) ? STEP_MOVED : STEP_FAILED;
}

static StepResult put_off(Step *step, const Wait *wait, gint64 until, GError **error) {
  gint64 now = g_get_real_time(), pause = policy_line_wait(now - step->file->changed_at);
  fault_point("order-before-wait");
  return flow_put_off(step, MAX(MIN(now + pause, until), now + policy_line_wait(0)), wait, error) ? STEP_MOVED
                                                                                                  : STEP_FAILED;
}

/* --- The cut-off */

static StepResult judge_arrival(Step *step, GError **error) {
  const ConfCutOff *cut_off = &step->feed->conf->cut_off;
  gint64 arrived;
  gboolean was_judged, late;
  if (!cut_off->present || cut_off->after == CONF_CUTOFF_NEXT_DAY)
    return STEP_ON;
  if (!book_arrival(step->reader, step->file->id, &arrived, &was_judged, error))
    return STEP_FAILED;
  arrived = arrived ? arrived : step->file->seen_at;
  feed_watch_day(step->feed->watch, arrived, &late);
  if (!late || was_judged)
    return STEP_ON;
  g_autofree char *reason = g_strdup_printf("it came after the cut-off at %02u:%02u", cut_off->at / 3600,
                                            cut_off->at / 60 % 60);
  Judged judged = {.file = step->file->id, .arrived = arrived};
  Aside aside = {cut_off->after == CONF_CUTOFF_HOLD ? FILE_HELD : FILE_REJECTED, CODE_AFTER_CUT_OFF, reason,
                 judged_change, &judged};
  return put_aside(step, &aside, error);
}

/* --- The number */

/* A header's field, as it was written. The caller frees; NULL: it is not there. */
static char *header_field(const BookFile *file, const char *field) {
  json_t *header = file->header ? json_loads(file->header, 0, NULL) : NULL;
  char *text = g_strdup(json_string_value(json_object_get(header, field)));
  json_decref(header);
  return text;
}

/* The number, and the business date that it belongs to: the name's, or the file's. FALSE: it has none (or none is known
 * yet). */
static gboolean number_of(const ConfSequence *conf, const BookFile *file, guint64 *number, char **date) {
  *date = NULL;
  if (conf->name) {
    gsize length;
    const char *name = g_bytes_get_data(file->name, &length);
    SequenceName found;
    if (!sequence_match(conf->name, name, length, &found))
      return FALSE;
    *number = found.number;
    *date = found.has_date ? day_text(found.date) : g_strdup(file->business_date);
    return TRUE;
  }
  g_autofree char *text = header_field(file, conf->header_field);
  *date = g_strdup(file->business_date);
  return text && sequence_parse(text, number);
}

static gboolean place(Step *step, Order *order, gint64 *from, BookSequence *known, GError **error) {
  const ConfSequence *conf = &step->feed->conf->sequence;
  BookSequenceFile *row = &order->row;
  gboolean used = FALSE;
  *known = (BookSequence){0};
  if (step->reader && !book_sequence(step->reader, row->feed, row->period, known, error))
    return FALSE;
  row->position = sequence_position(conf, row->number, known);
  *from = sequence_from(conf, row->position);
  if (step->reader && row->position >= 0 &&
      !book_sequence_used(step->reader, row->feed, row->period, row->position, &used, error))
    return FALSE;
  order->verdict = sequence_judge(conf, row->position, known, used);
  return TRUE;
}

/* Whether this file may bring a number that is missing before ours: it is on its way, and its number (where the name
 * tells) lies there. */
static gboolean may_fill(const Step *step, const Order *order, const BookSequence *known, const BookFile *other) {
  const ConfSequence *conf = &step->feed->conf->sequence;
  g_autofree char *date = NULL;
  guint64 number;
  if (g_str_equal(other->id, step->file->id) || other->attempts >= SIBLING_TRIES)
    return FALSE;
  if (!number_of(conf, other, &number, &date))
    return !conf->name && other->state != FILE_STAGED; /* its header has not been read yet */
  g_autofree char *period = sequence_period(conf, date);
  gint64 position = sequence_position(conf, number, known);
  return (!date || g_str_equal(period, order->row.period)) && position >= 0 && position < order->row.position &&
         position > known->complete_to;
}

/* *coming: the sibling's id (the caller frees), or NULL. */
static gboolean find_sibling(Step *step, const Order *order, const BookSequence *known, char **coming, GError **error) {
  *coming = NULL;
  if (g_get_real_time() - step->file->changed_at > SIBLING_SECONDS * (gint64)G_USEC_PER_SEC)
    return TRUE;
  BookFilter filter = {.feed = step->feed->conf->name,
                       .states = 1u << FILE_ADMITTED | 1u << FILE_FETCHED | 1u << FILE_OPENED | 1u << FILE_STAGED,
                       .limit = MOST_SIBLINGS};
  g_autoptr(GPtrArray) others = book_files(step->reader, &filter, error);
  for (guint i = 0; others && i < others->len && !*coming; i++) {
    const BookFile *other = others->pdata[i];
    *coming = may_fill(step, order, known, other) ? g_strdup(other->id) : NULL;
  }
  return others != NULL;
}

static const char *code_of(SequenceVerdict verdict) {
  static const char *const codes[] = {[SEQUENCE_REUSED] = CODE_NUMBER_REUSED,
                                      [SEQUENCE_GAP] = CODE_NUMBER_GAP,
                                      [SEQUENCE_LATE] = CODE_NUMBER_LATE,
                                      [SEQUENCE_NONE] = CODE_NO_NUMBER};
  return codes[verdict];
}

static char *words_for(const ConfSequence *conf, const Order *order, const BookSequence *known) {
  const BookSequenceFile *row = &order->row;
  const char *of = *row->period ? " of " : "";
  guint64 expected = sequence_number(conf, known->known ? known->last + 1 : sequence_from(conf, row->position));
  switch (order->verdict) {
  case SEQUENCE_REUSED:
    return g_strdup_printf("sequence number %" G_GUINT64_FORMAT "%s%s was used before", row->number, of, row->period);
  case SEQUENCE_GAP:
    return g_strdup_printf("sequence number %" G_GUINT64_FORMAT "%s%s came, %" G_GUINT64_FORMAT " was expected",
                           row->number, of, row->period, expected);
  case SEQUENCE_LATE:
    return g_strdup_printf("sequence number %" G_GUINT64_FORMAT "%s%s came late, after higher ones", row->number, of,
                           row->period);
  default:
    return g_strdup_printf("%s has no sequence number of this feed", conf->name ? "its name" : "its header");
  }
}

static void set_outcome(BookSequenceFile *row, SequenceVerdict verdict, const char *outcome, gboolean used) {
  g_free(row->verdict);
  g_free(row->outcome);
  row->verdict = g_strdup(sequence_verdict_word(verdict));
  row->outcome = g_strdup(outcome);
  row->used = used;
  row->at = g_get_real_time();
}

/* The number that is to come first. */
static char *missing_number(const ConfSequence *conf, const Order *order, const BookSequence *known) {
  gint64 next = known->known ? known->complete_to + 1 : sequence_from(conf, order->row.position);
  return g_strdup_printf("%" G_GUINT64_FORMAT "%s%s", sequence_number(conf, next), *order->row.period ? " of " : "",
                         order->row.period);
}

static StepResult wait_in_line(Step *step, Order *order, const BookSequence *known, const BookSequenceFile *before,
                               GError **error) {
  const ConfSequence *conf = &step->feed->conf->sequence;
  gint64 until = step->file->changed_at + (gint64)conf->wait_limit * G_USEC_PER_SEC;
  set_outcome(&order->row, order->verdict, "waiting", FALSE);
  g_autofree char *words = words_for(conf, order, known), *number = missing_number(conf, order, known),
                  *note = before ? NULL : g_strdup_printf("%s: it waits", words);
  Judged judged = {.file = step->file->id, .number = before ? NULL : &order->row};
  Wait wait = {FILE_WAIT_NUMBER, number, words, note, judged_change, &judged};
  return put_off(step, &wait, until, error);
}

static StepResult wait_for_sibling(Step *step, const Order *order, const BookSequence *known, const char *sibling,
                                   GError **error) {
  g_autofree char *number = missing_number(&step->feed->conf->sequence, order, known),
                  *why = g_strdup_printf("file %s, which is on its way, may bring it", sibling);
  return put_off(step, &(Wait){.what = FILE_WAIT_NUMBER, .on = number, .why = why}, G_MAXINT64, error);
}

static StepResult act(Step *step, Order *order, const BookSequence *known, const BookSequenceFile *before,
                      GError **error) {
  const ConfSequence *conf = &step->feed->conf->sequence;
  ConfSequencePolicy policy = sequence_policy(conf, order->verdict);
  gint64 waited = g_get_real_time() - step->file->changed_at;
  order->tells = policy == CONF_SEQUENCE_ALARM || policy == CONF_SEQUENCE_WAIT;
  if (policy == CONF_SEQUENCE_WAIT && waited < (gint64)conf->wait_limit * G_USEC_PER_SEC)
    return wait_in_line(step, order, known, before, error);
  if (policy != CONF_SEQUENCE_HOLD && policy != CONF_SEQUENCE_REJECT)
    return STEP_ON;
  set_outcome(&order->row, order->verdict, policy == CONF_SEQUENCE_HOLD ? "held" : "rejected", FALSE);
  g_autofree char *words = words_for(conf, order, known);
  Judged judged = {.file = step->file->id, .number = &order->row};
  Aside aside = {policy == CONF_SEQUENCE_HOLD ? FILE_HELD : FILE_REJECTED, code_of(order->verdict), words,
                 judged_change, &judged};
  return put_aside(step, &aside, error);
}

static StepResult judge_number(Step *step, Order *order, const BookSequenceFile *before, GError **error) {
  BookSequence known;
  gint64 from;
  g_autofree char *sibling = NULL;
  if (order->is_numbered && !place(step, order, &from, &known, error))
    return STEP_FAILED;
  if (!order->is_numbered)
    order->verdict = SEQUENCE_NONE;
  order->is_released = before && g_str_equal(before->outcome, "held");
  /* That its name was used before has been decided by a person, and so has been that its number was. */
  order->is_released |= order->verdict == SEQUENCE_REUSED && book_file_was_released(step->file, CODE_SAME_NAME);
  if (order->is_released || order->verdict == SEQUENCE_NEXT)
    return STEP_ON;
  if (order->verdict == SEQUENCE_GAP && !find_sibling(step, order, &known, &sibling, error))
    return STEP_FAILED;
  return sibling ? wait_for_sibling(step, order, &known, sibling, error) : act(step, order, &known, before, error);
}

StepResult flow_judge_order(Step *step, GError **error) {
  const ConfSequence *conf = &step->feed->conf->sequence;
  g_autofree char *date = NULL;
  Order *order = step->order;
  StepResult result = judge_arrival(step, error);
  if (result != STEP_ON || !conf->present)
    return result;
  BookSequenceFile *row = &order->row;
  row->file = g_strdup(step->file->id);
  row->feed = g_strdup(step->feed->conf->name);
  order->is_numbered = number_of(conf, step->file, &row->number, &date);
  row->period = sequence_period(conf, date);
  row->position = -1;
  BookSequenceFile *before;
  if (!book_sequence_of_file(step->reader, step->file->id, &before, error))
    return STEP_FAILED;
  result = judge_number(step, order, before, error);
  book_sequence_file_free(before);
  return result;
}

gboolean order_foresee(BookReader *reader, const ConfFeed *feed, const BookFile *file, OrderForeseen *foreseen,
                       GError **error) {
  Feed of = {.conf = feed};
  Step step = {.feed = &of, .reader = reader};
  const ConfSequence *conf = &feed->sequence;
  g_autofree char *date = NULL;
  Order order = {.verdict = SEQUENCE_NONE};
  BookSequence known = {0};
  gint64 from;
  order.row.feed = g_strdup(feed->name);
  order.is_numbered = number_of(conf, file, &order.row.number, &date);
  order.row.period = sequence_period(conf, date);
  gboolean ok = !order.is_numbered || place(&step, &order, &from, &known, error);
  gboolean is_next = order.verdict == SEQUENCE_NEXT;
  *foreseen = (OrderForeseen){.is_judged = TRUE, .verdict = order.verdict, .number = order.row.number};
  foreseen->policy = is_next ? CONF_SEQUENCE_ACCEPT : sequence_policy(conf, order.verdict);
  foreseen->code = is_next ? NULL : code_of(order.verdict);
  foreseen->words = is_next ? g_strdup_printf("%" G_GUINT64_FORMAT "%s%s is the next one", order.row.number,
                                              *order.row.period ? " of " : "", order.row.period)
                            : words_for(conf, &order, &known);
  order_clear(&order);
  return ok;
}

/* --- In the transaction */

static gboolean is_still_so(const Order *order, SequenceVerdict now, const char *file, GError **error) {
  return order->is_released || now == SEQUENCE_NEXT || now == order->verdict ||
         sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                             "the sequence number of file %s is %s since another file was validated", file,
                             sequence_verdict_word(now));
}

/* One alarm of a kind for a feed (and, for gaps, a period): what comes later makes it weigh more. */
static gboolean tell_order(BookTransaction *tx, const Step *step, const Order *order, const BookSequence *known,
                           const char *gap_subject, GError **error) {
  static const char *const kinds[] = {
      [SEQUENCE_REUSED] = "sequence-reused", [SEQUENCE_GAP] = "sequence-gap", [SEQUENCE_LATE] = "sequence-late"};
  const ConfFeed *conf = step->feed->conf;
  g_autofree char *words = words_for(&conf->sequence, order, known),
                  *text = g_strdup_printf("%s: %s (file %s)", conf->name, words, step->file->id);
  AlarmCall call = {.kind = kinds[order->verdict],
                    .subject = order->verdict == SEQUENCE_GAP ? gap_subject : conf->name,
                    .feed = conf->name,
                    .text = text,
                    .weight = order->verdict == SEQUENCE_GAP ? order->row.position : order->row.at,
                    .ways = step->flow->alarm_ways};
  return book_raise_alarm(tx, &call, error);
}

gboolean flow_keep_order(BookTransaction *tx, const Step *step, GError **error) {
  const ConfSequence *conf = &step->feed->conf->sequence;
  Order *order = step->order;
  BookSequenceFile *row = &order->row;
  BookSequence known;
  gboolean used;
  if (!order->is_numbered)
    return TRUE;
  if (!book_sequence_now(tx, row->feed, row->period, &known, error))
    return FALSE;
  row->position = sequence_position(conf, row->number, &known);
  if (row->position < 0)
    return TRUE; /* released: none of this sequence's */
  if (!book_sequence_used_now(tx, row->feed, row->period, row->position, &used, error))
    return FALSE;
  SequenceVerdict now = sequence_judge(conf, row->position, &known, used);
  if (!is_still_so(order, now, row->file, error))
    return FALSE;
  order->verdict = now;
  gboolean tells = order->tells && !order->is_released && now != SEQUENCE_NEXT;
  set_outcome(row, now, order->is_released ? "released" : tells ? "alarm" : "accepted", TRUE);
  g_autofree char *subject = g_strconcat(row->feed, *row->period ? " " : "", row->period, NULL);
  BookSequence after;
  if (!book_judge_sequence(tx, row, sequence_from(conf, row->position), error) ||
      (tells && !tell_order(tx, step, order, &known, subject, error)) ||
      !book_sequence_now(tx, row->feed, row->period, &after, error))
    return FALSE;
  return after.complete_to < after.last || book_clear_alarm(tx, "sequence-gap", subject, step->flow->alarm_ways, error);
}
