/* What an end has put into its outgoing folder becomes an item, a request or an answer.
 *
 *   row       the name, as it was listed, and the id of the item that it becomes: before the first byte
 *   fetch     into a file of the items' folder, which the row names; it goes on where it ended
 *   item      put, as the front would: the same id and digest again is the old result
 *   row       there: what is left is to take the file away
 *   removal   marker, then file; then the row
 *
 * A crash at any point leaves the row: what is fetched is gone on with, what is an item already is found to be it, what
 * was taken away is not listed. A file that is another one by then (size or time) gets a row of its own. */
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/log.h"
#include "gateway/common/remote_path.h"
#include "gateway/exchange/drops.h"
#include "store/exchange_requests.h"
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LISTED_MOST = 50000 };

/* --- What is there, and which rows it makes or ends */

typedef struct {
  DropRound *round;
  GPtrArray *rows, *entries; /* ExchangeDrop*, CourierEntry* */
  GHashTable *names;         /* GBytes of all that is listed */
  GHashTable *by_name;       /* char* → ExchangeDrop* of rows */
  GPtrArray *added, *ended;  /* ExchangeDrop*; `ended` borrows from rows */
  gboolean is_cut;
} Sorting;

static gboolean is_wanted(gpointer user, const char *name) {
  return admit_is_relevant(user, name);
}

static ExchangeDrop *row_for(const DropFolder *folder, const char *name, const CourierEntry *entry) {
  ExchangeDrop *drop = g_new0(ExchangeDrop, 1);
  drop->mailbox = g_strdup(folder->mailbox->conf->name);
  drop->direction = folder->puts;
  drop->name = g_strdup(name);
  drop->item = g_strdup_printf("%" G_GINT64_MODIFIER "x%08x", g_get_real_time(), g_random_int());
  drop->file = g_uuid_string_random();
  drop->size = entry->size;
  drop->modified = entry->modified;
  return drop;
}

static void sort_entry(Sorting *sorting, const CourierEntry *entry) {
  DropFolder *folder = sorting->round->folder;
  gsize length;
  const char *bytes = g_bytes_get_data(entry->name, &length);
  g_autofree char *name = g_strndup(bytes, length);
  gint64 now = g_get_monotonic_time();
  if (!entry->is_file || !admit_is_candidate(&folder->source, entry->name))
    return;
  ExchangeDrop *row = g_hash_table_lookup(sorting->by_name, name);
  if (row && row->size == entry->size && row->modified == entry->modified) {
    g_hash_table_remove(sorting->by_name, name);
    return; /* it is under way already */
  }
  Look *look = looks_make(folder->looks, entry->name);
  look_update(look, entry, now, folder->generation);
  g_autofree char *evidence = admit_evidence(&folder->source, entry->name, look, sorting->names, now);
  if (!evidence || row) /* another file of this name: the row ends with this round, and the next one sees it */
    return;
  if (!drop_name_is_fit(name))
    drop_problem(sorting->round, NULL, "a file's name is not UTF-8, begins with a dot, is longer than 200 bytes or has "
                                       "control characters: it is left alone");
  else if (sorting->rows->len + sorting->added->len < DROPS_MOST)
    g_ptr_array_add(sorting->added, row_for(folder, name, entry));
}

static gboolean sorted_change(BookTransaction *tx, gpointer data, GError **error) {
  const Sorting *sorting = data;
  gboolean added;
  for (guint i = 0; i < sorting->ended->len; i++)
    if (!exchange_remove_drop(tx, sorting->ended->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < sorting->added->len; i++)
    if (!exchange_add_drop(tx, sorting->added->pdata[i], &added, error))
      return FALSE;
  return TRUE;
}

/* Rows whose files are gone, or are others by now. */
static void end_rows(Sorting *sorting) {
  GHashTableIter all;
  gpointer drop;
  g_hash_table_iter_init(&all, sorting->by_name);
  while (!sorting->is_cut && g_hash_table_iter_next(&all, NULL, &drop))
    g_ptr_array_add(sorting->ended, drop);
}

/* What they were fetched into is an item's by now, or nobody's: then it goes. */
static gboolean end_files(const Sorting *sorting, GError **error) {
  g_autoptr(GHashTable) named = NULL;
  for (guint i = 0; i < sorting->ended->len; i++) {
    const ExchangeDrop *drop = sorting->ended->pdata[i];
    if (drop->file && !named && !(named = exchange_files(sorting->round->reader, error)))
      return FALSE;
    if (!drop->file || g_hash_table_contains(named, drop->file))
      continue;
    g_autofree char *path = exchange_path(sorting->round->folder->exchange, drop->file);
    unlink(path);
  }
  return TRUE;
}

static gboolean sort_all(Sorting *sorting, GError **error) {
  DropFolder *folder = sorting->round->folder;
  folder->generation++;
  for (guint i = 0; i < sorting->rows->len; i++) {
    ExchangeDrop *drop = sorting->rows->pdata[i];
    g_hash_table_insert(sorting->by_name, drop->name, drop);
  }
  for (guint i = 0; i < sorting->entries->len; i++)
    g_hash_table_add(sorting->names, ((CourierEntry *)sorting->entries->pdata[i])->name);
  for (guint i = 0; i < sorting->entries->len; i++)
    sort_entry(sorting, sorting->entries->pdata[i]);
  if (!sorting->is_cut)
    looks_forget_others(folder->looks, folder->generation);
  end_rows(sorting);
  return sorting->added->len + sorting->ended->len == 0 ||
         (book_write(folder->exchange->host->book, sorted_change, sorting, error) && end_files(sorting, error));
}

/* Lists the folder; the rows afterwards, those whose files are still there as the rows say. */
static GPtrArray *look(DropRound *round, GError **error) {
  DropFolder *folder = round->folder;
  guint refused;
  CourierListing listing = {
      .folder = folder->conf->outgoing, .limit = LISTED_MOST, .wanted = is_wanted, .user = &folder->source};
  Sorting sorting = {.round = round};
  g_autoptr(GPtrArray) entries = courier_list(round->courier, &listing, &sorting.is_cut, &refused, error),
                       rows = entries ? exchange_drops(round->reader, folder->mailbox->conf->name, folder->puts, FALSE,
                                                       DROPS_MOST, error)
                                      : NULL;
  if (!rows)
    return NULL;
  g_autoptr(GHashTable) names = g_hash_table_new(g_bytes_hash, g_bytes_equal),
                        by_name = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GPtrArray) added = g_ptr_array_new_with_free_func((GDestroyNotify)exchange_drop_free),
                       ended = g_ptr_array_new();
  sorting.entries = entries, sorting.rows = rows, sorting.names = names, sorting.by_name = by_name;
  sorting.added = added, sorting.ended = ended;
  if (!sort_all(&sorting, error))
    return NULL;
  return exchange_drops(round->reader, folder->mailbox->conf->name, folder->puts, FALSE, DROPS_MOST, error);
}

/* --- One file */

/* The request that a name answers: "ANYTHING_ID" or "ANYTHING_ID.ext" of one that was taken for this end. NULL: none.
 */
static const ExchangeDrop *answered_by(const GPtrArray *asked, const char *name) {
  const ExchangeDrop *found = NULL;
  for (guint i = 0; i < asked->len; i++) {
    const ExchangeDrop *drop = asked->pdata[i];
    g_autofree char *ending = drop->token ? g_strconcat("_", drop->item + strlen(EXCHANGE_REQUEST_PREFIX), NULL) : NULL;
    const char *at = ending ? g_strrstr(name, ending) : NULL;
    char behind = at ? at[strlen(ending)] : 'x';
    if ((behind == '\0' || behind == '.') && (!found || strlen(drop->item) > strlen(found->item)))
      found = drop;
  }
  return found;
}

static gboolean fetch(DropRound *round, const ExchangeDrop *drop, int fd, gboolean *whole, GError **error) {
  g_autofree char *from = remote_path_join(round->folder->conf->outgoing, drop->name, strlen(drop->name));
  guint64 end = 0, has = 0;
  *whole = FALSE;
  if (!files_size(fd, &has, error))
    return FALSE;
  if (has > drop->size && ftruncate(fd, 0) != 0)
    return sallyport_error_errno(error, errno, "cut %s", drop->name);
  CourierGet get = {.path = from, .offset = has > drop->size ? 0 : has, .size_limit = drop->size, .fd = fd};
  if (!courier_get(round->courier, &get, &end, error))
    return drop_failed(round, drop->name, error);
  *whole = end == drop->size; /* else it is another file by now, which the next listing shows */
  return TRUE;
}

static json_t *announcement(const ExchangeDrop *drop, int fd, char **sha256, GError **error) {
  guint8 digest[DIGEST_SHA256_SIZE];
  if (!digest_file_sha256(fd, 0, G_MAXUINT64, digest, NULL, error))
    return NULL;
  *sha256 = digest_hex(digest, sizeof digest);
  return json_pack("{s:I, s:s, s:s}", "size", (json_int_t)drop->size, "sha256", *sha256, "name", drop->name);
}

static ExchangeVerdict put_small(ExchangeCall *call, GError **error) {
  int fd = (int)json_integer_value(json_object_get(call->request, "fd"));
  g_autofree char *bytes = g_malloc(EXCHANGE_SMALL);
  ssize_t got = pread(fd, bytes, EXCHANGE_SMALL, 0);
  if (got < 0) {
    sallyport_error_errno(error, errno, "read item %s", call->id);
    return VERDICT_TROUBLE;
  }
  call->bytes = bytes;
  call->length = (gsize)got;
  return exchange_put(call, error);
}

static ExchangeVerdict put_large(ExchangeCall *call, GError **error) {
  return exchange_adopt(call, json_string_value(json_object_get(call->request, "file")), error);
}

static gboolean is_done(ExchangeVerdict verdict) {
  return verdict == VERDICT_STORED || verdict == VERDICT_KNOWN;
}

/* It may be done later, as it is. */
static gboolean may_pass(ExchangeVerdict verdict) {
  return verdict == VERDICT_TROUBLE || verdict == VERDICT_FULL || verdict == VERDICT_NO_SPACE;
}

/* The item, and what makes it a request or an answer. */
static ExchangeVerdict deliver(DropRound *round, const ExchangeDrop *drop, const ExchangeDrop *asked, int fd,
                               GError **error) {
  const char *requests = round->folder->conf->requests;
  g_autofree char *sha256 = NULL, *id = NULL;
  json_t *request = announcement(drop, fd, &sha256, error);
  gboolean asks = requests && fnmatch(requests, drop->name, FNM_PERIOD) == 0;
  if (!request)
    return VERDICT_TROUBLE;
  json_object_set_new(request, "fd", json_integer(fd));
  json_object_set_new(request, "file", json_string(drop->file));
  const char *asked_id = asked ? asked->item + strlen(EXCHANGE_REQUEST_PREFIX) : NULL;
  if (asked)
    id = g_strdup_printf("%s%s.%" G_GINT64_FORMAT ".%.16s", EXCHANGE_ANSWER_PREFIX, asked_id, asked->token, sha256);
  else
    id = g_strconcat(asks ? EXCHANGE_REQUEST_PREFIX : "", drop->item, NULL);
  ExchangeVerdict verdict = drop_ask(round, drop->size <= EXCHANGE_SMALL ? put_small : put_large, id, request, NULL);
  if (asked && is_done(verdict))
    return drop_ask(round, exchange_answer_request, asked_id,
                    json_pack("{s:I, s:s}", "token", (json_int_t)asked->token, "item", id), NULL);
  if (asks && is_done(verdict))
    return drop_ask(round, exchange_request, drop->item, json_object(), NULL);
  return verdict;
}

static gboolean take_away(DropRound *round, ExchangeDrop *drop, GError **error) {
  DropFolder *folder = round->folder;
  g_autofree char *path = remote_path_join(folder->conf->outgoing, drop->name, strlen(drop->name));
  CourierStat now;
  fault_point("exchange-drop-remove-before");
  if (!courier_stat(round->courier, path, &now, error))
    return FALSE;
  gboolean is_same = now.exists && now.size == drop->size;
  g_autoptr(GBytes) name = g_bytes_new(drop->name, strlen(drop->name)),
                    marker = admit_companion(&folder->source, COMPANION_MARKER, name);
  if (is_same && marker) {
    gsize length;
    const char *bytes = g_bytes_get_data(marker, &length);
    g_autofree char *text = g_strndup(bytes, length);
    if (!drop_unlink(round, folder->conf->outgoing, text, error))
      return FALSE;
  }
  if (is_same && !courier_remove(round->courier, path, error))
    return FALSE;
  fault_point("exchange-drop-remove-after");
  return drop_remove(round, drop, error);
}

static gboolean settle(DropRound *round, ExchangeDrop *drop, ExchangeVerdict verdict, GError **error) {
  if (!is_done(verdict)) {
    const ExchangeVerdictRow *row = exchange_verdict(verdict);
    drop_problem(round, drop->name, row->text ? row->text : row->word);
  }
  if (may_pass(verdict))
    return TRUE;
  g_autofree char *path = exchange_path(round->folder->exchange, drop->file);
  if (drop->size <= EXCHANGE_SMALL || !is_done(verdict))
    unlink(path);
  g_clear_pointer(&drop->file, g_free);
  round->moved++;
  log_event(LOG_INFO, "drop-taken", {"mailbox", drop->mailbox}, {"partner", round->folder->conf->name},
            {"name", drop->name}, {"item", drop->item}, {"verdict", exchange_verdict(verdict)->word});
  return drop_set(round, drop, is_done(verdict) ? DROP_THERE : DROP_REFUSED, error);
}

static gboolean take(DropRound *round, ExchangeDrop *drop, const GPtrArray *asked, GError **error) {
  Exchange *exchange = round->folder->exchange;
  g_autofree char *path = exchange_path(exchange, drop->file);
  gboolean whole;
  if (!exchange_has_space(exchange, round->folder->mailbox, drop->size)) {
    drop_problem(round, drop->name, exchange_verdict(VERDICT_NO_SPACE)->text);
    return TRUE;
  }
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "open %s", path);
  gboolean ok = fetch(round, drop, fd, &whole, error);
  fault_point("exchange-drop-fetched");
  if (ok && whole) {
    ExchangeVerdict verdict = deliver(round, drop, answered_by(asked, drop->name), fd, error);
    ok = *error == NULL;
    fault_point("exchange-drop-delivered");
    ok = ok && settle(round, drop, verdict, error);
  }
  close(fd);
  return ok;
}

/* Of a file that is larger than the mailbox takes, not a byte is fetched. */
static gboolean go_on(DropRound *round, ExchangeDrop *drop, const GPtrArray *asked, GError **error) {
  const ConfExchange *conf = round->folder->mailbox->conf;
  if (drop->state == DROP_REFUSED) {
    drop_problem(round, drop->name, "it was refused before, and is left where it is until it is taken away");
    return TRUE;
  }
  if (drop->state == DROP_GOING && drop->size > MAX(conf->size_limit, conf->answer_limit))
    return settle(round, drop, VERDICT_TOO_LARGE, error);
  if (drop->state == DROP_GOING && !take(round, drop, asked, error))
    return FALSE;
  return drop->state != DROP_THERE || take_away(round, drop, error) || drop_failed(round, drop->name, error);
}

gboolean drop_in(DropRound *round, GError **error) {
  const DropFolder *folder = round->folder;
  g_autoptr(GPtrArray) rows = look(round, error),
                       asked = rows ? exchange_drops(round->reader, folder->mailbox->conf->name, folder->gets, TRUE,
                                                     DROPS_MOST, error)
                                    : NULL;
  for (guint i = 0; asked && i < rows->len && round->moved < DROPS_AT_ONCE; i++)
    if (!go_on(round, rows->pdata[i], asked, error))
      return FALSE;
  return asked != NULL;
}
