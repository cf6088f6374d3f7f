/* The keeper: one thread that writes what nobody waits for (items were listed, obtained), ends what has been here long
 * enough, and tells of what nobody acknowledges.
 *
 * What is acknowledged goes after keep-acknowledged, what was begun and not finished after incomplete-keep. What nobody
 * has acknowledged is never gone without a word: after keep-unacknowledged it becomes `expired`, with an alarm in the
 * same commit, and its row stays. The row goes first, then its file: a crash between the two leaves a file that the
 * next start sweeps away. */
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/exchange/drops.h"
#include "store/book_watch.h"
#include "store/exchange_requests.h"
#include <sys/stat.h>
#include <unistd.h>

enum { SWEEP_SECONDS = 1, AT_ONCE = 500, ROWS_KEPT_DAYS = 400 };
#define EXPIRED_ALARM "item-expired"

/* --- Ending items */

typedef struct {
  const Exchange *exchange;
  const Mailbox *mailbox;
  ExchangeDirection direction;
  const GPtrArray *items;
  ExchangeState to;
  gint64 now;
} Ending;

static gboolean tell_expired(BookTransaction *tx, const Ending *ending, GError **error) {
  const char *mailbox = ending->mailbox->conf->name;
  guint items = ending->items->len;
  g_autofree char *text = g_strdup_printf("mailbox %s: %u item%s (%s) that nobody acknowledged went after "
                                          "keep-unacknowledged; `sallyport exchange items %s -s expired` names them",
                                          mailbox, items, items == 1 ? "" : "s",
                                          exchange_direction_word(ending->direction), mailbox);
  AlarmCall call = {.kind = EXPIRED_ALARM,
                    .subject = mailbox,
                    .text = text,
                    .weight = ending->now,
                    .ways = ending->exchange->host->alarm_ways};
  return book_raise_alarm(tx, &call, error);
}

static gboolean end_change(BookTransaction *tx, gpointer data, GError **error) {
  const Ending *ending = data;
  for (guint i = 0; i < ending->items->len; i++) {
    const ExchangeItem *was = ending->items->pdata[i];
    g_autoptr(ExchangeItem) item = NULL; /* it may have been acknowledged meanwhile */
    if (!exchange_item_now(tx, was->mailbox, was->direction, was->id, &item, error))
      return FALSE;
    if (item && item->state == was->state && !exchange_advance_item(tx, item, ending->to, error))
      return FALSE;
  }
  return (ending->to != EXCHANGE_EXPIRED || tell_expired(tx, ending, error)) &&
         exchange_prune(tx, ending->mailbox->conf->name, ending->direction,
                        ending->now - (gint64)ROWS_KEPT_DAYS * 86400 * G_USEC_PER_SEC, error);
}

/* One that is written to is not given up, however long it takes. */
static gboolean is_in_work(const Exchange *exchange, const ExchangeItem *item, gint64 before) {
  struct stat file;
  g_autofree char *path = item->file ? exchange_path(exchange, item->file) : NULL;
  return item->state == EXCHANGE_RECEIVING && path && stat(path, &file) == 0 &&
         (gint64)file.st_mtime * G_USEC_PER_SEC > before;
}

static void leave_out_what_is_in_work(const Exchange *exchange, GPtrArray *items, gint64 before) {
  for (guint i = items->len; i-- > 0;)
    if (is_in_work(exchange, items->pdata[i], before))
      g_ptr_array_remove_index_fast(items, i);
}

static gboolean end_items(Exchange *exchange, BookReader *reader, const ExchangeSince *since, Ending *ending,
                          GError **error) {
  g_autoptr(GPtrArray) items = exchange_since(reader, since, error);
  if (!items)
    return FALSE;
  leave_out_what_is_in_work(exchange, items, since->before);
  if (items->len == 0)
    return TRUE;
  ending->items = items;
  fault_point("exchange-end-before");
  if (!book_write(exchange->host->book, end_change, ending, error))
    return FALSE;
  fault_point("exchange-end-after");
  for (guint i = 0; i < items->len; i++) {
    const ExchangeItem *item = items->pdata[i];
    g_autofree char *path = item->file ? exchange_path(exchange, item->file) : NULL;
    if (path)
      unlink(path);
  }
  log_event(ending->to == EXCHANGE_EXPIRED ? LOG_WARNING : LOG_INFO, "items-ended",
            {"mailbox", ending->mailbox->conf->name}, {"items", log_number(items->len)},
            {"state", exchange_state_word(ending->to)});
  return TRUE;
}

/* --- What nobody acknowledges, or takes */

static gboolean is_unacknowledged(const Ending *ending, BookReader *reader, gboolean *waits, GError **error) {
  ExchangeSince since = {.mailbox = ending->mailbox->conf->name, .direction = ending->direction, .limit = 1};
  since.before = ending->now - (gint64)ending->mailbox->conf->unacknowledged_after * G_USEC_PER_SEC;
  *waits = FALSE;
  for (since.state = EXCHANGE_STORED; since.state <= EXCHANGE_LISTED; since.state++) {
    g_autoptr(GPtrArray) items = exchange_since(reader, &since, error);
    if (!items)
      return FALSE;
    *waits = *waits || items->len > 0;
  }
  return TRUE;
}

static gboolean is_untaken(const Ending *ending, BookReader *reader, gboolean *waits, GError **error) {
  gint64 before = ending->now - (gint64)ending->mailbox->conf->untaken_after * G_USEC_PER_SEC;
  return exchange_has_untaken(reader, ending->mailbox->conf->name, ending->direction, before, waits, error);
}

/* What waits too long, each with an alarm of its own while it does. */
static const struct {
  const char *alarm, *text; /* the text's words: mailbox, direction, mailbox */
  gboolean (*is)(const Ending *ending, BookReader *reader, gboolean *waits, GError **error);
} overdue[EXCHANGE_OVERDUE] = {
    {"item-unacknowledged",
     "mailbox %s: items (%s) have waited longer than unacknowledged-after; `sallyport exchange items %s` names them",
     is_unacknowledged},
    {"request-untaken",
     "mailbox %s: requests (%s) have waited longer than untaken-after and nobody takes them; "
     "`sallyport exchange requests %s` names them",
     is_untaken},
};

typedef struct {
  const Ending *ending;
  guint what;
  gboolean waits;
} Waiting;

static gboolean waiting_change(BookTransaction *tx, gpointer data, GError **error) {
  const Waiting *waiting = data;
  const Ending *ending = waiting->ending;
  const char *mailbox = ending->mailbox->conf->name, *direction = exchange_direction_word(ending->direction);
  g_autofree char *subject = g_strdup_printf("%s/%s", mailbox, direction), *text = NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  text = g_strdup_printf(overdue[waiting->what].text, mailbox, direction, mailbox);
#pragma GCC diagnostic pop
  AlarmCall call = {.kind = overdue[waiting->what].alarm,
                    .subject = subject,
                    .text = text,
                    .ways = ending->exchange->host->alarm_ways};
  return waiting->waits ? book_raise_alarm(tx, &call, error)
                        : book_clear_alarm(tx, call.kind, subject, call.ways, error);
}

static gboolean tell_waiting(Exchange *exchange, BookReader *reader, const Ending *ending, Mailbox *mailbox,
                             GError **error) {
  for (guint i = 0; i < G_N_ELEMENTS(overdue); i++) {
    Waiting waiting = {.ending = ending, .what = i};
    gint *told = &mailbox->tells[ending->direction][i];
    if (!overdue[i].is(ending, reader, &waiting.waits, error))
      return FALSE;
    if (waiting.waits == *told)
      continue;
    *told = waiting.waits;
    if (!book_write(exchange->host->book, waiting_change, &waiting, error))
      return FALSE;
  }
  return TRUE;
}

/* --- The thread */

static gboolean sweep_flow(Exchange *exchange, Mailbox *mailbox, ExchangeDirection direction, GError **error) {
  const ConfExchange *conf = mailbox->conf;
  const struct {
    ExchangeState from, to;
    guint seconds;
  } rules[] = {{EXCHANGE_RECEIVING, EXCHANGE_ABANDONED, conf->incomplete_keep},
               {EXCHANGE_ACKNOWLEDGED, EXCHANGE_REMOVED, conf->keep_acknowledged},
               {EXCHANGE_STORED, EXCHANGE_EXPIRED, conf->keep_unacknowledged},
               {EXCHANGE_LISTED, EXCHANGE_EXPIRED, conf->keep_unacknowledged}};
  Ending ending = {.exchange = exchange, .mailbox = mailbox, .direction = direction, .now = g_get_real_time()};
  BookReader *reader = exchange_reader_take(exchange, error);
  gboolean ok = reader != NULL;
  for (guint i = 0; ok && i < G_N_ELEMENTS(rules); i++) {
    ExchangeSince since = {conf->name, direction, rules[i].from,
                           ending.now - (gint64)rules[i].seconds * G_USEC_PER_SEC, AT_ONCE};
    ending.to = rules[i].to;
    ok = end_items(exchange, reader, &since, &ending, error);
  }
  ok = ok && tell_waiting(exchange, reader, &ending, mailbox, error);
  exchange_reader_return(exchange, reader);
  return ok;
}

static void sweep(Exchange *exchange) {
  for (guint i = 0; i < exchange->mailboxes->len; i++)
    for (guint direction = 0; direction < 2; direction++) {
      g_autoptr(GError) error = NULL;
      if (!sweep_flow(exchange, exchange->mailboxes->pdata[i], (ExchangeDirection)direction, &error))
        exchange_tell_trouble(exchange, exchange->mailboxes->pdata[i], NULL, error);
    }
}

static void *keep(void *user) {
  Exchange *exchange = user;
  gint64 sweep_at = 0;
  pthread_mutex_lock(&exchange->lock);
  while (!exchange->is_ending) {
    GQueue notes = exchange->notes;
    g_queue_init(&exchange->notes);
    pthread_mutex_unlock(&exchange->lock);
    exchange_notes_write(exchange, &notes);
    if (g_get_monotonic_time() >= sweep_at) {
      sweep(exchange);
      exchange_drops_look(exchange);
      sweep_at = g_get_monotonic_time() + SWEEP_SECONDS * G_USEC_PER_SEC;
    }
    pthread_mutex_lock(&exchange->lock);
    if (!exchange->is_ending && g_queue_is_empty(&exchange->notes))
      clock_condition_wait(&exchange->changed, &exchange->lock, sweep_at);
  }
  pthread_mutex_unlock(&exchange->lock);
  return NULL;
}

gboolean exchange_keep_start(Exchange *exchange, GError **error) {
  int number = pthread_create(&exchange->keeper, NULL, keep, exchange);
  exchange->has_keeper = number == 0;
  return number == 0 || sallyport_error_errno(error, number, "start the exchange's keeper");
}
