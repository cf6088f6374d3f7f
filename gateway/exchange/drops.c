/* Rounds over the drop folders: when they begin, and what is told of them. */
#include "gateway/exchange/drops.h"
#include "store/book_watch.h"
#include <string.h>

#define DROP_ALARM "drop-folder"

/* --- A round */

typedef struct {
  DropRound *round;
  char *subject;
} Told;

static gboolean told_change(BookTransaction *tx, gpointer data, GError **error) {
  const Told *told = data;
  const DropFolder *folder = told->round->folder;
  g_autofree char *text = g_strdup_printf("drop folder of %s in mailbox %s: %s", folder->conf->name,
                                          folder->mailbox->conf->name, told->round->problem);
  AlarmCall call = {
      .kind = DROP_ALARM, .subject = told->subject, .text = text, .ways = folder->exchange->host->alarm_ways};
  return told->round->problem ? book_raise_alarm(tx, &call, error)
                              : book_clear_alarm(tx, DROP_ALARM, told->subject, call.ways, error);
}

static void tell(DropRound *round) {
  DropFolder *folder = round->folder;
  g_autoptr(GError) error = NULL;
  gint stands = round->problem != NULL;
  g_autofree char *subject = g_strdup_printf("%s/%s", folder->mailbox->conf->name, folder->conf->name);
  if (stands == folder->told)
    return;
  if (book_write(folder->exchange->host->book, told_change, &(Told){round, subject}, &error))
    folder->told = stands;
  else
    exchange_tell_trouble(folder->exchange, folder->mailbox, NULL, error);
}

/* Where more is to be moved than one round may, the next begins at once: behind what others want of the endpoint. */
static void end_round(DropFolder *folder, gint64 seconds) {
  pthread_mutex_lock(&folder->exchange->lock);
  folder->is_under_way = FALSE;
  folder->due_at = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
  pthread_mutex_unlock(&folder->exchange->lock);
}

static void run_round(Task *base, BookReader *reader, Courier *courier, const GError *failure) {
  DropFolder *folder = (DropFolder *)base;
  DropRound round = {.folder = folder, .reader = reader, .courier = courier};
  g_autoptr(GError) error = NULL;
  if (failure) {
    drop_problem(&round, NULL, failure->message);
  } else if (!drop_in(&round, &error) || !drop_out(&round, &error)) {
    drop_problem(&round, NULL, error->message);
    if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
      folder->exchange->host->storage_failed(folder->exchange->host->user);
  }
  tell(&round);
  gboolean is_more = !round.problem && round.moved >= DROPS_AT_ONCE;
  g_free(round.problem);
  end_round(folder, is_more ? 0 : (gint64)folder->conf->every);
}

static void drop_round(Task *base) {
  end_round((DropFolder *)base, 1);
}

/* --- Beginning and ending */

static void folder_free(gpointer data) {
  DropFolder *folder = data;
  looks_free(folder->looks);
  g_free(folder);
}

static gboolean add_folder(Exchange *exchange, Mailbox *mailbox, const ConfDropFolder *conf, GError **error) {
  const LaneHost *host = exchange->host;
  gboolean is_source = strcmp(conf->name, mailbox->conf->source) == 0;
  EndpointPool *pool = feeds_pool(host->feeds, conf_partner(host->conf, conf->name), conf->endpoint);
  if (!pool)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "endpoint %s of %s has no threads", conf->endpoint,
                               conf->name);
  DropFolder *folder = g_new0(DropFolder, 1);
  *folder = (DropFolder){.task = {run_round, drop_round},
                         .exchange = exchange,
                         .mailbox = mailbox,
                         .conf = conf,
                         .puts = is_source ? EXCHANGE_FORWARD : EXCHANGE_REVERSE,
                         .gets = is_source ? EXCHANGE_REVERSE : EXCHANGE_FORWARD,
                         .pool = pool,
                         .looks = looks_new(),
                         .told = -1};
  folder->source = (ConfSourceFolder){.path = conf->outgoing,
                                      .match = conf->match,
                                      .ready = conf->ready,
                                      .marker = conf->marker,
                                      .temporary = conf->temporary,
                                      .looks = conf->looks,
                                      .least_age = conf->least_age,
                                      .envelope = CONF_ENVELOPE_NONE};
  g_ptr_array_add(exchange->drops, folder);
  return TRUE;
}

gboolean exchange_drops_start(Exchange *exchange, GError **error) {
  exchange->drops = g_ptr_array_new_with_free_func(folder_free);
  for (guint i = 0; i < exchange->mailboxes->len; i++) {
    Mailbox *mailbox = exchange->mailboxes->pdata[i];
    const GPtrArray *confs = mailbox->conf->drop_folders;
    for (guint j = 0; confs && j < confs->len; j++)
      if (!add_folder(exchange, mailbox, confs->pdata[j], error))
        return FALSE;
  }
  return TRUE;
}

void exchange_drops_look(Exchange *exchange) {
  gint64 now = g_get_monotonic_time();
  for (guint i = 0; i < exchange->drops->len; i++) {
    DropFolder *folder = exchange->drops->pdata[i];
    pthread_mutex_lock(&exchange->lock);
    gboolean begins = !exchange->is_ending && !folder->is_under_way && now >= folder->due_at;
    folder->is_under_way |= begins;
    pthread_mutex_unlock(&exchange->lock);
    if (begins)
      endpoint_pool_add(folder->pool, &folder->task);
  }
}

void exchange_drops_free(Exchange *exchange) {
  g_clear_pointer(&exchange->drops, g_ptr_array_unref);
}
