/* The service: what it knows of each mailbox, its start and its end. */
#include "gateway/exchange/drops.h"
#include "gateway/base/clock.h"
#include "gateway/base/files.h"
#include "gateway/common/control.h"
#include "gateway/common/log.h"
#include <string.h>
#include <unistd.h>

static gboolean see_flows(BookTransaction *tx, gpointer data, GError **error) {
  Mailbox *mailbox = data;
  return exchange_flow_now(tx, mailbox->conf->name, EXCHANGE_FORWARD, &mailbox->flows[EXCHANGE_FORWARD], error) &&
         exchange_flow_now(tx, mailbox->conf->name, EXCHANGE_REVERSE, &mailbox->flows[EXCHANGE_REVERSE], error);
}

static gboolean add_mailbox(Exchange *exchange, const ConfExchange *conf, GError **error) {
  Mailbox *mailbox = g_new0(Mailbox, 1);
  mailbox->conf = conf;
  memset(mailbox->tells, -1, sizeof mailbox->tells);
  clock_condition_init(&mailbox->arrived[EXCHANGE_FORWARD]);
  clock_condition_init(&mailbox->arrived[EXCHANGE_REVERSE]);
  g_ptr_array_add(exchange->mailboxes, mailbox);
  return book_write(exchange->host->book, see_flows, mailbox, error);
}

static void mailbox_free(gpointer data) {
  Mailbox *mailbox = data;
  pthread_cond_destroy(&mailbox->arrived[EXCHANGE_FORWARD]);
  pthread_cond_destroy(&mailbox->arrived[EXCHANGE_REVERSE]);
  g_free(mailbox);
}

/* A crash between the removal of a row's body and that of its file, or between a file that gives way to another and its
 * removal, leaves a file that no row names. */
static gboolean sweep(Exchange *exchange, GError **error) {
  BookReader *reader = exchange_reader_take(exchange, error);
  g_autoptr(GHashTable) named = reader ? exchange_files(reader, error) : NULL;
  exchange_reader_return(exchange, reader);
  g_autoptr(GDir) folder = named ? g_dir_open(exchange->folder, 0, NULL) : NULL;
  for (const char *name; folder && (name = g_dir_read_name(folder));) {
    g_autofree char *path = exchange_path(exchange, name);
    if (g_hash_table_contains(named, name))
      continue;
    log_event(LOG_INFO, "swept", {"path", path});
    unlink(path);
  }
  return named != NULL;
}

static void exchange_free(gpointer service) {
  Exchange *exchange = service;
  g_queue_clear_full(&exchange->readers, (GDestroyNotify)book_reader_close);
  g_queue_clear_full(&exchange->notes, (GDestroyNotify)exchange_note_free);
  exchange_drops_free(exchange);
  g_ptr_array_unref(exchange->mailboxes);
  packet_desk_free(exchange->desk);
  pthread_mutex_destroy(&exchange->lock);
  pthread_cond_destroy(&exchange->changed);
  g_free(exchange->folder);
  g_free(exchange->notes_folder);
  g_free(exchange);
}

static Exchange *exchange_new(const LaneHost *host) {
  Exchange *exchange = g_new0(Exchange, 1);
  exchange->host = host;
  exchange->folder = g_build_filename(host->paths->folder, "items", NULL);
  exchange->notes_folder = g_build_filename(host->paths->folder, "drops", NULL);
  exchange->mailboxes = g_ptr_array_new_with_free_func(mailbox_free);
  g_queue_init(&exchange->readers);
  g_queue_init(&exchange->notes);
  pthread_mutex_init(&exchange->lock, NULL);
  clock_condition_init(&exchange->changed);
  return exchange;
}

/* What it was at goes on at the next start: an item that was not finished is resumed by who puts it. */
static gboolean exchange_stop(gpointer service, guint grace_seconds) {
  Exchange *exchange = service;
  pthread_mutex_lock(&exchange->lock);
  exchange->is_ending = TRUE;
  pthread_cond_broadcast(&exchange->changed);
  for (guint i = 0; i < exchange->mailboxes->len; i++) {
    Mailbox *mailbox = exchange->mailboxes->pdata[i];
    pthread_cond_broadcast(&mailbox->arrived[EXCHANGE_FORWARD]);
    pthread_cond_broadcast(&mailbox->arrived[EXCHANGE_REVERSE]);
  }
  pthread_mutex_unlock(&exchange->lock);
  if (exchange->has_keeper)
    pthread_join(exchange->keeper, NULL);
  return packet_desk_end(exchange->desk, grace_seconds);
}

static gpointer exchange_start(const LaneHost *host, GError **error) {
  const GPtrArray *confs = host->lane->exchanges;
  if (!confs || confs->len == 0)
    return NULL;
  Exchange *exchange = exchange_new(host);
  gboolean ok = files_make_folder(exchange->folder, error) && files_make_folder(exchange->notes_folder, error);
  for (guint i = 0; ok && i < confs->len; i++)
    ok = add_mailbox(exchange, confs->pdata[i], error);
  if (ok && sweep(exchange, error) && exchange_drops_start(exchange, error) && exchange_keep_start(exchange, error) &&
      exchange_desk_open(exchange, error))
    return exchange;
  if (exchange_stop(exchange, 0))
    exchange_free(exchange);
  return NULL;
}

static json_t *exchange_status(gpointer service) {
  Exchange *exchange = service;
  json_t *list = json_array();
  pthread_mutex_lock(&exchange->lock);
  for (guint i = 0; i < exchange->mailboxes->len; i++) {
    const Mailbox *mailbox = exchange->mailboxes->pdata[i];
    const ExchangeFlow *forward = &mailbox->flows[EXCHANGE_FORWARD], *reverse = &mailbox->flows[EXCHANGE_REVERSE];
    json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:o}", "mailbox", mailbox->conf->name, "forward",
                                          (json_int_t)forward->seq, "reverse", (json_int_t)reverse->seq, "lag",
                                          exchange_lags_json(mailbox)));
  }
  pthread_mutex_unlock(&exchange->lock);
  guint connections = packet_desk_connections(exchange->desk);
  return json_pack("{s:i, s:o}", "connections", (int)connections, "mailboxes", list);
}

/* --- What an operator asks */

typedef struct {
  const Mailbox *mailbox;
  const char *who;
  ExchangeFlow flows[2];
} Anew;

static gboolean anew_change(BookTransaction *tx, gpointer data, GError **error) {
  Anew *anew = data;
  g_autofree char *why = g_strdup_printf("asked for by %s", anew->who);
  for (guint direction = 0; direction < 2; direction++)
    if (!exchange_new_epoch(tx, anew->mailbox->conf->name, (ExchangeDirection)direction, why, error) ||
        !exchange_flow_now(tx, anew->mailbox->conf->name, (ExchangeDirection)direction, &anew->flows[direction], error))
      return FALSE;
  return TRUE;
}

/* After a restore, where nobody can know which cursors were given since the backup: all are void, and each end begins
 * anew, with what it knows already. */
static json_t *answer_new_epoch(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  Exchange *exchange = service;
  const char *name = json_string_value(json_object_get(request, "mailbox"));
  Mailbox *mailbox = exchange ? exchange_mailbox(exchange, name) : NULL;
  Anew anew = {.mailbox = mailbox, .who = who};
  g_autoptr(GError) error = NULL;
  if (!mailbox)
    return control_refusal(SALLYPORT_ERROR_FILE, "this lane has no mailbox \"%s\"", name ? name : "");
  if (!book_write(host->book, anew_change, &anew, &error))
    return control_failure(error);
  pthread_mutex_lock(&exchange->lock);
  for (guint direction = 0; direction < 2; direction++) {
    anew.flows[direction].seq = MAX(anew.flows[direction].seq, mailbox->flows[direction].seq);
    mailbox->flows[direction] = anew.flows[direction];
  }
  pthread_mutex_unlock(&exchange->lock);
  log_event(LOG_INFO, "operator", {"event", "exchange-epoch"}, {"by", who}, {"mailbox", name});
  return json_pack("{s:b, s:s}", "ok", 1, "mailbox", name);
}

static const LaneRequest lane_requests[] = {{"exchange-new-epoch", answer_new_epoch}, {0}};

const LaneService exchange_service = {
    .name = "exchange",
    .start = exchange_start,
    .stop = exchange_stop,
    .free = exchange_free,
    .requests = lane_requests,
    .status = exchange_status,
};
