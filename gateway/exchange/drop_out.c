/* What lies in the mailbox for an end is put into its incoming folder, once, and acknowledged when the end says so:
 *
 *   row       the item and the name under which it is put: before the first byte
 *   put       temporary name, look, rename, marker last (remote_put, which finds what an earlier try has done)
 *   row       there
 *   word      moved into `done`, with the item's bytes; or NAME.ack with their digest: the acknowledgement is committed
 *   removal   of what we have put, and of the word; then the row
 *
 * A crash behind the acknowledgement leaves a row whose item is acknowledged: its file is taken away, as that of an
 * item that was acknowledged by the other face. A file that is gone without a word is not put again: it was put once.
 *
 * A request is taken for the folder, and its bytes are put under a name with its id, by which the answer names it. Its
 * lease goes on as long as the file lies there: people answer when they can. */
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/log.h"
#include "gateway/common/remote_path.h"
#include "gateway/common/remote_put.h"
#include "gateway/exchange/drops.h"
#include "store/exchange_requests.h"
#include <string.h>
#include <unistd.h>

enum { PAGE = 500, LISTED_MOST = 50000, ACK_BYTES = 4096, SHA256_DIGITS = 2 * DIGEST_SHA256_SIZE };
#define ACK_SUFFIX ".ack"

/* --- Names */

/* STEM_ID.EXT; a name that has the id already is left as it is. */
static char *with_id(const char *name, const char *id) {
  const char *dot = strrchr(name, '.');
  if (strstr(name, id))
    return g_strdup(name);
  return dot && dot != name ? g_strdup_printf("%.*s_%s%s", (int)(dot - name), name, id, dot)
                            : g_strdup_printf("%s_%s", name, id);
}

/* As who put it has called it, where a folder can hold that; else by its id. */
static const char *plain_name(const DropFolder *folder, const ExchangeItem *item) {
  g_autofree char *done = g_path_get_basename(folder->conf->done);
  gboolean fits = item->name && drop_name_is_fit(item->name) && !g_str_has_suffix(item->name, ACK_SUFFIX) &&
                  strcmp(item->name, done) != 0;
  return fits ? item->name : item->id;
}

/* The id of the request that an item is the answer of: answer-ID.TOKEN.DIGITS. NULL: of none. */
static char *answered_id(const ExchangeItem *item) {
  if (!g_str_has_prefix(item->id, EXCHANGE_ANSWER_PREFIX))
    return NULL;
  const char *id = item->id + strlen(EXCHANGE_ANSWER_PREFIX), *digits = strrchr(id, '.'),
             *token = digits ? g_strrstr_len(id, digits - id, ".") : NULL;
  return token ? g_strndup(id, (gsize)(token - id)) : NULL;
}

/* An answer is called after what was asked, unless it has a name of its own. */
static char *name_of(DropRound *round, const ExchangeItem *item, GError **error) {
  const DropFolder *folder = round->folder;
  g_autofree char *id = answered_id(item);
  if (!id)
    return g_strdup(plain_name(folder, item));
  g_autofree char *asked = g_strconcat(EXCHANGE_REQUEST_PREFIX, id, NULL);
  g_autoptr(ExchangeItem) request = item->name ? NULL
                                               : exchange_find_item(round->reader, item->mailbox, folder->puts, asked,
                                                                    error);
  const ExchangeItem *named = item->name ? item : request;
  return *error ? NULL : with_id(named && named->name ? plain_name(folder, named) : "answer", id);
}

static ExchangeDrop *row_for(const DropFolder *folder, const ExchangeItem *item, char *name) {
  ExchangeDrop *drop = g_new0(ExchangeDrop, 1);
  drop->mailbox = g_strdup(item->mailbox);
  drop->direction = folder->gets;
  drop->is_out = TRUE;
  drop->name = name;
  drop->item = g_strdup(item->id);
  drop->size = item->size;
  return drop;
}

/* --- New rows */

typedef struct {
  GPtrArray *items, *drops; /* ExchangeItem*, ExchangeDrop* of the same places */
  gint64 after;             /* up to this number all have a row */
} NewRows;

/* Where another file of this name is on its way or lies there, the item waits for that to go. */
static gboolean rows_change(BookTransaction *tx, gpointer data, GError **error) {
  NewRows *rows = data;
  gboolean all = TRUE;
  for (guint i = 0; i < rows->drops->len; i++) {
    gboolean added;
    if (!exchange_add_drop(tx, rows->drops->pdata[i], &added, error))
      return FALSE;
    all = all && added;
    if (all)
      rows->after = ((const ExchangeItem *)rows->items->pdata[i])->seq;
  }
  return TRUE;
}

static gboolean is_known(const GPtrArray *known, const char *item) {
  for (guint i = 0; i < known->len; i++)
    if (strcmp(((const ExchangeDrop *)known->pdata[i])->item, item) == 0)
      return TRUE;
  return FALSE;
}

static gboolean add_items(DropRound *round, const GPtrArray *known, GError **error) {
  DropFolder *folder = round->folder;
  ExchangePage page = {folder->mailbox->conf->name, folder->gets, folder->after, TRUE,
                       MIN(PAGE, DROPS_MOST - MIN(known->len, DROPS_MOST))};
  g_autoptr(GPtrArray) listed = page.limit ? exchange_page(round->reader, &page, error) : g_ptr_array_new(),
                       items = g_ptr_array_new(),
                       drops = g_ptr_array_new_with_free_func((GDestroyNotify)exchange_drop_free);
  NewRows rows = {.items = items, .drops = drops, .after = folder->after};
  for (guint i = 0; listed && i < listed->len; i++) {
    ExchangeItem *item = listed->pdata[i];
    if (is_known(known, item->id))
      continue;
    char *name = name_of(round, item, error);
    if (!name)
      return FALSE;
    g_ptr_array_add(items, item);
    g_ptr_array_add(drops, row_for(folder, item, name));
  }
  if (!listed || (drops->len > 0 && !book_write(folder->exchange->host->book, rows_change, &rows, error)))
    return FALSE;
  folder->after = rows.after;
  return TRUE;
}

/* What lies there already, of a take whose lease is over, goes on with the new token. */
static gboolean add_change(BookTransaction *tx, gpointer data, GError **error) {
  ExchangeDrop *drop = data;
  gboolean is_ours;
  return exchange_add_drop(tx, drop, &is_ours, error) &&
         (is_ours || exchange_take_drop_again(tx, drop, &is_ours, error)) &&
         (is_ours || sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "another file is called so"));
}

/* A crash between the take and the row leaves a request that is taken, and is taken again when its lease is over. */
static gboolean take_requests(DropRound *round, guint known, GError **error) {
  const DropFolder *folder = round->folder;
  for (guint n = 0; folder->conf->answers && known + n < DROPS_MOST && n < DROPS_AT_ONCE; n++) {
    json_t *answer = NULL;
    ExchangeVerdict verdict = drop_ask(round, exchange_take, NULL, json_object(), &answer);
    g_autofree char *name = g_strdup(json_string_value(json_object_get(answer, "item"))),
                    *id = g_strdup(json_string_value(json_object_get(answer, "id")));
    gint64 token = json_integer_value(json_object_get(answer, "token"));
    json_decref(answer);
    if (verdict != VERDICT_REQUEST)
      return TRUE;
    g_autoptr(ExchangeItem) item = exchange_find_item(round->reader, folder->mailbox->conf->name, folder->gets, name,
                                                      error);
    if (!item)
      return *error == NULL;
    const char *plain = item->name ? plain_name(folder, item) : "request";
    g_autoptr(ExchangeDrop) drop = row_for(folder, item, with_id(plain, id));
    drop->token = token;
    if (!book_write(folder->exchange->host->book, add_change, drop, error))
      return drop_failed(round, drop->name, error);
  }
  return TRUE;
}

/* --- What lies there */

typedef struct {
  GHashTable *here, *done; /* names, which are owned: in the incoming folder, and in `done` */
} Seen;

static void seen_clear(Seen *seen) {
  g_clear_pointer(&seen->here, g_hash_table_unref);
  g_clear_pointer(&seen->done, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Seen, seen_clear)

/* A folder that cannot be listed has nothing in it, as `done` of an end that has made none. */
static GHashTable *names_in(DropRound *round, const char *path, GError **error) {
  gboolean is_cut;
  guint refused;
  CourierListing listing = {.folder = path, .limit = LISTED_MOST};
  GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GPtrArray) entries = courier_list(round->courier, &listing, &is_cut, &refused, error);
  for (guint i = 0; entries && i < entries->len; i++) {
    const CourierEntry *entry = entries->pdata[i];
    gsize length;
    const char *bytes = g_bytes_get_data(entry->name, &length);
    if (entry->is_file)
      g_hash_table_add(names, g_strndup(bytes, length));
  }
  if (!entries && !courier_is_lost(round->courier) && sallyport_error_code(*error) == SALLYPORT_ERROR_PARTNER)
    g_clear_error(error);
  if (!*error)
    return names;
  g_hash_table_unref(names);
  return NULL;
}

static int got(DropRound *round, const char *folder, const char *name, guint64 most, GError **error) {
  g_autofree char *path = remote_path_join(folder, name, strlen(name));
  guint64 end;
  int fd = files_open_unnamed(round->folder->exchange->folder, error);
  CourierGet get = {.path = path, .size_limit = most, .fd = fd};
  if (fd < 0 || courier_get(round->courier, &get, &end, error))
    return fd;
  close(fd);
  return -1;
}

/* The digest that the end says it has: of what it has moved, or written beside it. NULL: *error. */
static char *said_digest(DropRound *round, const ExchangeDrop *drop, const char *ack, GError **error) {
  const ConfDropFolder *conf = round->folder->conf;
  guint8 digest[DIGEST_SHA256_SIZE];
  char text[SHA256_DIGITS + 1] = "";
  int fd = ack ? got(round, conf->incoming, ack, ACK_BYTES, error)
               : got(round, conf->done, drop->name, drop->size, error);
  if (fd < 0)
    return NULL;
  gboolean ok = ack ? pread(fd, text, SHA256_DIGITS, 0) >= 0
                    : digest_file_sha256(fd, 0, G_MAXUINT64, digest, NULL, error);
  close(fd);
  if (!ok)
    return NULL;
  return ack ? g_ascii_strdown(text, -1) : digest_hex(digest, sizeof digest);
}

static char *marker_of(const DropFolder *folder, const char *name) {
  return folder->conf->incoming_marker ? admit_expand(folder->conf->incoming_marker, name) : NULL;
}

/* All that is there of it, and then its row. */
static gboolean withdraw(DropRound *round, ExchangeDrop *drop, const Seen *seen, GError **error) {
  const ConfDropFolder *conf = round->folder->conf;
  g_autofree char *marker = marker_of(round->folder, drop->name), *ack = g_strconcat(drop->name, ACK_SUFFIX, NULL);
  const char *const here[] = {marker, drop->name, ack};
  fault_point("exchange-drop-withdraw-before");
  for (guint i = 0; i < G_N_ELEMENTS(here); i++)
    if (here[i] && g_hash_table_contains(seen->here, here[i]) && !drop_unlink(round, conf->incoming, here[i], error))
      return FALSE;
  if (g_hash_table_contains(seen->done, drop->name) && !drop_unlink(round, conf->done, drop->name, error))
    return FALSE;
  remote_put_forget(round->folder->exchange->notes_folder, drop->item);
  fault_point("exchange-drop-withdraw-after");
  return drop_remove(round, drop, error);
}

static gboolean put_file(DropRound *round, ExchangeDrop *drop, const ExchangeItem *item, GError **error) {
  DropFolder *folder = round->folder;
  const char *scratch = folder->exchange->notes_folder;
  g_autofree char *to = remote_path_join(folder->conf->incoming, drop->name, strlen(drop->name)),
                  *marker = marker_of(folder, drop->name),
                  *mark = marker ? remote_path_join(folder->conf->incoming, marker, strlen(marker)) : NULL;
  int fd = exchange_open_body(folder->exchange, item, error);
  if (fd < 0)
    return FALSE;
  const RemotePut put = {.courier = round->courier,
                         .scratch = scratch,
                         .to = to,
                         .owner = item->id,
                         .fd = fd,
                         .size = item->size,
                         .sha256 = item->sha256,
                         .marker_follows = marker != NULL,
                         .before_rename = "exchange-drop-rename-before",
                         .after_rename = "exchange-drop-rename-after"};
  gboolean ok = remote_put(&put, error) && (!mark || remote_put_marker(round->courier, scratch, mark, error));
  close(fd);
  if (!ok || !drop_set(round, drop, DROP_THERE, error))
    return FALSE;
  round->moved++;
  log_event(LOG_INFO, "drop-put", {"mailbox", drop->mailbox}, {"partner", folder->conf->name}, {"name", drop->name},
            {"item", drop->item});
  if (item->state == EXCHANGE_STORED)
    exchange_note(folder->exchange, &(ExchangeNote){.mailbox = folder->mailbox, .direction = folder->gets,
                                                    .first = item->seq, .last = item->seq});
  return TRUE;
}

/* --- One item, one request */

static gboolean acknowledge(DropRound *round, ExchangeDrop *drop, const char *ack, const Seen *seen, GError **error) {
  g_autofree char *sha256 = said_digest(round, drop, ack, error);
  if (!sha256)
    return FALSE;
  ExchangeVerdict verdict = drop_ask(round, exchange_acknowledge, drop->item,
                                     json_pack("{s:s}", "sha256", sha256), NULL);
  if (verdict == VERDICT_ACKNOWLEDGED)
    return withdraw(round, drop, seen, error);
  drop_problem(round, ack ? ack : drop->name, exchange_verdict(verdict)->text);
  return TRUE;
}

static gboolean go_on_item(DropRound *round, ExchangeDrop *drop, const ExchangeItem *item, const Seen *seen,
                           GError **error) {
  g_autofree char *ack = g_strconcat(drop->name, ACK_SUFFIX, NULL);
  if (!item || (item->state != EXCHANGE_STORED && item->state != EXCHANGE_LISTED))
    return withdraw(round, drop, seen, error); /* acknowledged by the other face, or expired */
  if (g_hash_table_contains(seen->here, ack))
    return acknowledge(round, drop, ack, seen, error);
  if (g_hash_table_contains(seen->done, drop->name)) /* also where a crash came between the putting and the row */
    return acknowledge(round, drop, NULL, seen, error);
  return drop->state != DROP_GOING || put_file(round, drop, item, error);
}

static gboolean go_on_request(DropRound *round, ExchangeDrop *drop, const ExchangeItem *item, const Seen *seen,
                              GError **error) {
  const DropFolder *folder = round->folder;
  const char *id = drop->item + strlen(EXCHANGE_REQUEST_PREFIX);
  g_autoptr(ExchangeRequest) request = exchange_find_request(round->reader, folder->mailbox->conf->name, folder->gets,
                                                             id, error);
  if (*error)
    return FALSE;
  gint64 half = (gint64)folder->mailbox->conf->request_lease * G_USEC_PER_SEC / 2;
  gboolean is_ours = request && request->state == REQUEST_TAKEN && request->token == drop->token;
  if (is_ours && request->lease_until - g_get_real_time() < half)
    is_ours = drop_ask(round, exchange_lease, id, json_pack("{s:I}", "token", (json_int_t)drop->token), NULL) ==
              VERDICT_REQUEST;
  if (!is_ours || !item || !exchange_state_has_body(item->state))
    return withdraw(round, drop, seen, error); /* answered, over, or another's by now */
  return drop->state != DROP_GOING || put_file(round, drop, item, error);
}

static gboolean go_on(DropRound *round, ExchangeDrop *drop, const Seen *seen, GError **error) {
  g_autoptr(ExchangeItem) item = exchange_find_item(round->reader, drop->mailbox, drop->direction, drop->item, error);
  if (*error)
    return FALSE;
  gboolean ok = drop->token ? go_on_request(round, drop, item, seen, error)
                            : go_on_item(round, drop, item, seen, error);
  return ok || drop_failed(round, drop->name, error);
}

gboolean drop_out(DropRound *round, GError **error) {
  DropFolder *folder = round->folder;
  const char *mailbox = folder->mailbox->conf->name;
  g_autoptr(GPtrArray) known = exchange_drops(round->reader, mailbox, folder->gets, TRUE, DROPS_MOST, error);
  if (!known || !add_items(round, known, error) || !take_requests(round, known->len, error))
    return FALSE;
  g_autoptr(GPtrArray) rows = exchange_drops(round->reader, mailbox, folder->gets, TRUE, DROPS_MOST, error);
  if (!rows || rows->len == 0)
    return rows != NULL;
  g_auto(Seen) seen = {.here = names_in(round, folder->conf->incoming, error)};
  seen.done = seen.here ? names_in(round, folder->conf->done, error) : NULL;
  for (guint i = 0; seen.done && i < rows->len && round->moved < DROPS_AT_ONCE; i++)
    if (!go_on(round, rows->pdata[i], &seen, error))
      return FALSE;
  return seen.done != NULL;
}
