/* An item's way out: listed after a cursor, obtained, acknowledged. A cursor is "EPOCH.NUMBER", the number of the last
 * item that was listed. Numbers are given by the one writer in the commit that stores the item, so whoever lists sees
 * them in their order and skips none. The epoch tells cursors of this mailbox from those of a book that was lost. */
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/exchange/exchange_private.h"
#include "store/exchange_requests.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_BYTES = 190 * 1024 /* with its head in a packet */, ROWS_MOST = 500, WAIT_MOST = 60 /* seconds */,
       TOLD_LIMIT = 255 };

/* --- Cursors */

static char *cursor_text(const char *epoch, gint64 seq) {
  return g_strdup_printf("%s.%" G_GINT64_FORMAT, epoch, seq);
}

static gboolean read_cursor(const char *text, const char *epoch, gint64 *seq) {
  gsize length = strlen(epoch);
  guint64 number = 0;
  if (!text || strncmp(text, epoch, length) != 0 || text[length] != '.' ||
      !g_ascii_string_to_unsigned(text + length + 1, 10, 0, G_MAXINT64, &number, NULL))
    return FALSE;
  *seq = (gint64)number;
  return TRUE;
}

typedef struct {
  ExchangeCall *call;
  gint64 after;
  ExchangeFlow flow;
} Ahead;

/* Whoever has a cursor that this book never gave has it from a book that was lost: every cursor is asked for anew. */
static gboolean ahead_change(BookTransaction *tx, gpointer data, GError **error) {
  Ahead *ahead = data;
  const ExchangeCall *call = ahead->call;
  const char *mailbox = call->mailbox->conf->name;
  if (!exchange_flow_now(tx, mailbox, call->gets, &ahead->flow, error))
    return FALSE;
  if (ahead->after <= ahead->flow.seq)
    return TRUE;
  return exchange_new_epoch(tx, mailbox, call->gets, "a cursor was ahead of the book", error) &&
         exchange_flow_now(tx, mailbox, call->gets, &ahead->flow, error);
}

static ExchangeVerdict unknown(ExchangeCall *call, const ExchangeFlow *flow) {
  g_autofree char *restart = cursor_text(flow->epoch, 0);
  json_object_set_new(call->answer, "restart", json_string(restart));
  return VERDICT_CURSOR_UNKNOWN;
}

/* VERDICT_PAGE: *after is to be gone on from. */
static ExchangeVerdict judge_cursor(ExchangeCall *call, gint64 *after, ExchangeFlow *flow, GError **error) {
  const char *text = json_string_value(json_object_get(call->request, "after"));
  pthread_mutex_lock(&call->exchange->lock);
  *flow = call->mailbox->flows[call->gets];
  pthread_mutex_unlock(&call->exchange->lock);
  *after = 0;
  if (!text || !*text)
    return VERDICT_PAGE;
  if (!read_cursor(text, flow->epoch, after))
    return unknown(call, flow);
  if (*after <= flow->seq)
    return VERDICT_PAGE;
  Ahead ahead = {.call = call, .after = *after}; /* what is known here may be a moment older than what was listed */
  if (!book_write(call->exchange->host->book, ahead_change, &ahead, error))
    return VERDICT_TROUBLE;
  gboolean is_new = strcmp(ahead.flow.epoch, flow->epoch) != 0;
  pthread_mutex_lock(&call->exchange->lock);
  call->mailbox->flows[call->gets] = ahead.flow;
  pthread_mutex_unlock(&call->exchange->lock);
  *flow = ahead.flow;
  return is_new ? unknown(call, flow) : VERDICT_PAGE;
}

/* --- Lists */

static GPtrArray *read_page(ExchangeCall *call, const ExchangePage *page, GError **error) {
  BookReader *reader = exchange_reader_take(call->exchange, error);
  GPtrArray *items = reader ? exchange_page(reader, page, error) : NULL;
  exchange_reader_return(call->exchange, reader);
  return items;
}

/* FALSE: nothing came until then. */
static gboolean wait_for_more(ExchangeCall *call, gint64 after, gint64 until) {
  Exchange *exchange = call->exchange;
  pthread_mutex_lock(&exchange->lock);
  while (call->mailbox->flows[call->gets].seq <= after && !exchange->is_ending &&
         clock_condition_wait(&call->mailbox->arrived[call->gets], &exchange->lock, until))
    ;
  gboolean is_more = call->mailbox->flows[call->gets].seq > after && !exchange->is_ending;
  pthread_mutex_unlock(&exchange->lock);
  return is_more;
}

static gboolean put_row(GString *page, const ExchangeItem *item) {
  json_t *object = exchange_item_json(item);
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  gboolean fits = text && page->len + strlen(text) < PAGE_BYTES;
  if (fits)
    g_string_append_printf(page, "%s%s", page->str[page->len - 1] == '[' ? "" : ",", text);
  free(text);
  return fits;
}

static void put_page(ExchangeCall *call, const GPtrArray *items, const ExchangeFlow *flow) {
  gint64 first = 0, last = 0;
  call->page = g_string_new("{\"items\":[");
  for (guint i = 0; i < items->len; i++) {
    const ExchangeItem *item = items->pdata[i];
    if (!put_row(call->page, item))
      break;
    last = item->seq;
    if (item->state != EXCHANGE_STORED)
      continue;
    first = first ? first : item->seq;
    exchange_note_lag(call, EXCHANGE_PUT_TO_SEEN, item->put_at);
  }
  g_autofree char *cursor = cursor_text(flow->epoch, last);
  g_string_append_printf(call->page, "],\"cursor\":\"%s\"}", cursor);
  if (first)
    exchange_note(call->exchange,
                  &(ExchangeNote){.mailbox = call->mailbox, .direction = call->gets, .first = first, .last = last});
}

static gint64 number_of(const ExchangeCall *call, const char *name, gint64 most) {
  gint64 number = json_integer_value(json_object_get(call->request, name));
  return CLAMP(number, 0, most);
}

ExchangeVerdict exchange_list(ExchangeCall *call, GError **error) {
  ExchangeFlow flow;
  ExchangePage page = {.mailbox = call->mailbox->conf->name, .direction = call->gets};
  ExchangeVerdict verdict = judge_cursor(call, &page.after, &flow, error);
  gint64 limit = number_of(call, "limit", ROWS_MOST),
         until = g_get_monotonic_time() + number_of(call, "wait", WAIT_MOST) * G_USEC_PER_SEC;
  page.limit = limit > 0 ? (guint)limit : ROWS_MOST;
  page.only_unacknowledged = json_is_true(json_object_get(call->request, "unacknowledged"));
  if (verdict != VERDICT_PAGE)
    return verdict;
  for (gint64 seen = page.after;; seen = MAX(seen, flow.seq)) {
    pthread_mutex_lock(&call->exchange->lock);
    flow.seq = call->mailbox->flows[call->gets].seq; /* before the look: what comes after it ends the wait */
    pthread_mutex_unlock(&call->exchange->lock);
    g_autoptr(GPtrArray) items = read_page(call, &page, error);
    if (!items)
      return VERDICT_TROUBLE;
    if (items->len > 0) {
      put_page(call, items, &flow);
      return VERDICT_PAGE;
    }
    if (!wait_for_more(call, MAX(seen, flow.seq), until))
      break;
  }
  g_autofree char *cursor = cursor_text(flow.epoch, page.after);
  json_object_set_new(call->answer, "cursor", json_string(cursor));
  return VERDICT_EMPTY;
}

/* --- Obtaining */

/* A body of a row goes out as a file does, by a descriptor. */
int exchange_open_body(const Exchange *exchange, const ExchangeItem *item, GError **error) {
  gsize length;
  int fd;
  if (item->file) {
    g_autofree char *path = exchange_path(exchange, item->file);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  } else {
    fd = memfd_create("item", MFD_CLOEXEC);
  }
  if (fd < 0) {
    sallyport_error_errno(error, errno, "open item %s", item->id);
    return -1;
  }
  const void *bytes = item->body ? g_bytes_get_data(item->body, &length) : NULL;
  if (!bytes || files_write_all(fd, bytes, length, error))
    return fd;
  close(fd);
  return -1;
}

ExchangeVerdict exchange_get(ExchangeCall *call, GError **error) {
  g_autoptr(ExchangeItem) item = exchange_item(call, call->gets, error);
  if (!item)
    return *error ? VERDICT_TROUBLE : VERDICT_NOTHING;
  if (!exchange_state_has_body(item->state))
    return item->state == EXCHANGE_REMOVED || item->state == EXCHANGE_EXPIRED ? VERDICT_GONE : VERDICT_NOTHING;
  if ((call->fd = exchange_open_body(call->exchange, item, error)) < 0)
    return VERDICT_TROUBLE;
  json_t *told = exchange_item_json(item);
  json_object_update(call->answer, told);
  json_decref(told);
  if (!item->got_at)
    exchange_note_lag(call, EXCHANGE_SEEN_TO_GOT, item->listed_at);
  if (!item->got_at)
    exchange_note(call->exchange,
                  &(ExchangeNote){.mailbox = call->mailbox, .direction = call->gets, .id = g_strdup(item->id)});
  return VERDICT_ITEM;
}

/* --- Acknowledging */

typedef struct {
  ExchangeCall *call;
  ExchangeVerdict verdict;
  gint64 got_at; /* of one that is acknowledged now */
} Acknowledging;

static ExchangeVerdict judge_acknowledgement(const ExchangeCall *call, const ExchangeItem *item) {
  const char *sha256 = json_string_value(json_object_get(call->request, "sha256"));
  const json_t *size = json_object_get(call->request, "size");
  if (!item || item->state == EXCHANGE_RECEIVING || item->state == EXCHANGE_ABANDONED)
    return VERDICT_NOTHING;
  if (!sha256 || g_ascii_strcasecmp(sha256, item->sha256) != 0 ||
      (size && (guint64)json_integer_value(size) != item->size))
    return VERDICT_DIGEST_DIFFERS;
  return item->state == EXCHANGE_EXPIRED ? VERDICT_GONE : VERDICT_ACKNOWLEDGED;
}

/* An answer that is acknowledged has been delivered: to who asked, who acknowledges it. */
static gboolean deliver(BookTransaction *tx, const ExchangeCall *call, GError **error) {
  g_autoptr(ExchangeRequest) request = NULL;
  if (!g_str_has_prefix(call->id, EXCHANGE_ANSWER_PREFIX))
    return TRUE;
  if (!exchange_request_of_answer(tx, call->mailbox->conf->name, call->puts, call->id, &request, error))
    return FALSE;
  return !request || request->state != REQUEST_ANSWERED ||
         exchange_set_request(tx, request, REQUEST_DELIVERED, request->token, error);
}

/* It may become a header's. */
static gboolean is_fit(const char *text) {
  gboolean is = text && strlen(text) <= TOLD_LIMIT;
  for (; is && *text; text++)
    is = (guchar)*text >= ' ' && *text != 0x7f;
  return is;
}

/* Texts that can be told, and a verdict that is one. FALSE: they are none. */
static gboolean read_told(const ExchangeCall *call, ExchangeItem *item) {
  static const struct {
    const char *member;
    gsize offset;
  } told[] = {{"records", offsetof(ExchangeItem, ack_records)},
              {"totals", offsetof(ExchangeItem, ack_totals)},
              {"verdict", offsetof(ExchangeItem, verdict)},
              {"code", offsetof(ExchangeItem, verdict_code)}};
  for (guint i = 0; i < G_N_ELEMENTS(told); i++) {
    const json_t *value = json_object_get(call->request, told[i].member);
    const char *text = json_string_value(value);
    if (value && !is_fit(text))
      return FALSE;
    char **into = (char **)((char *)item + told[i].offset);
    g_free(*into);
    *into = g_strdup(text);
  }
  return !item->verdict || strcmp(item->verdict, "accepted") == 0 || strcmp(item->verdict, "rejected") == 0;
}

static gboolean acknowledge_change(BookTransaction *tx, gpointer data, GError **error) {
  Acknowledging *it = data;
  const ExchangeCall *call = it->call;
  g_autoptr(ExchangeItem) item = NULL;
  if (!exchange_item_now(tx, call->mailbox->conf->name, call->gets, call->id, &item, error))
    return FALSE;
  it->verdict = judge_acknowledgement(call, item);
  it->got_at = item && item->acknowledged_at == 0 ? item->got_at : 0;
  if (it->verdict != VERDICT_ACKNOWLEDGED || item->state == EXCHANGE_ACKNOWLEDGED || item->state == EXCHANGE_REMOVED)
    return TRUE;
  if (!read_told(call, item)) {
    it->verdict = VERDICT_INVALID;
    return TRUE;
  }
  return exchange_advance_item(tx, item, EXCHANGE_ACKNOWLEDGED, error) && exchange_note_told(tx, item, error) &&
         deliver(tx, call, error);
}

ExchangeVerdict exchange_acknowledge(ExchangeCall *call, GError **error) {
  Acknowledging it = {.call = call};
  fault_point("exchange-acknowledge-before");
  if (!book_write(call->exchange->host->book, acknowledge_change, &it, error))
    return VERDICT_TROUBLE;
  fault_point("exchange-acknowledge-after");
  if (it.verdict == VERDICT_ACKNOWLEDGED) {
    exchange_note_lag(call, EXCHANGE_GOT_TO_ACK, it.got_at);
    json_object_set_new(call->answer, "id", json_string(call->id));
    json_object_set_new(call->answer, "state", json_string(exchange_state_word(EXCHANGE_ACKNOWLEDGED)));
  }
  return it.verdict;
}
