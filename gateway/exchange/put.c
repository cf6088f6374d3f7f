/* An item's way in. A small one comes whole and becomes a row: one commit, which it shares with all that come
 * meanwhile. A larger one:
 *
 *   open     the row, `receiving`, with size and digest, and the name of a file that no other item ever has; its space
 *            is taken from the disk before the first byte
 *   (bytes)  written by the front through the descriptor; the file's length is how far it is, so nothing else is noted
 *   finish   the digest of what is on the disk; sync of the file, sync of the folder, and then the row: `stored`
 *
 * A crash before `open` commits leaves nothing; behind it, an item that is resumed where the file ends (no file: at
 * 0). A crash between the syncs and the last commit leaves the same, with nothing missing: the next PATCH, with no
 * bytes, or the PUT again makes it stored. After a power loss the file may end earlier, or hold zeros where bytes were
 * not synced: the digest is taken of the file at `finish` and never of what was received, so that they are found, and
 * the item begins anew. What is put anew under its id gets a file of its own: who still writes into the old one,
 * writes into nothing. */
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/exchange/exchange_private.h"
#include "store/exchange_requests.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* --- What is asked */

static const char *text_of(const ExchangeCall *call, const char *name) {
  return json_string_value(json_object_get(call->request, name));
}

static ExchangeItem *announced(const ExchangeCall *call) {
  ExchangeItem *item = g_new0(ExchangeItem, 1);
  item->mailbox = g_strdup(call->mailbox->conf->name);
  item->direction = call->puts;
  item->id = g_strdup(call->id);
  item->size = (guint64)json_integer_value(json_object_get(call->request, "size"));
  item->sha256 = g_strdup(text_of(call, "sha256"));
#define TAKE(member) item->member = g_strdup(text_of(call, #member));
  EXCHANGE_DECLARED(TAKE)
  return item;
}

static gboolean is_sound(const ExchangeItem *item) {
  return item->sha256 && strlen(item->sha256) == 2 * DIGEST_SHA256_SIZE &&
         strspn(item->sha256, "0123456789abcdef") == 2 * DIGEST_SHA256_SIZE;
}

static void tell(ExchangeCall *call, const ExchangeItem *item) {
  json_t *told = exchange_item_json(item);
  json_object_update(call->answer, told);
  json_decref(told);
}

/* --- The commit */

typedef struct {
  ExchangeCall *call;
  ExchangeItem *item;
  ExchangeVerdict verdict;
  ExchangeFlow flow;
  char *replaced; /* the file that the item had before */
  gboolean is_here; /* its bytes have their space already */
  ExchangeItem *known; /* what was put before under this id, where that is told */
} Putting;

/* An honest repetition is the old result; other bytes are never a repetition. */
static ExchangeVerdict judge_known(const ExchangeItem *known, const ExchangeItem *item) {
  if (!known || known->state == EXCHANGE_RECEIVING || known->state == EXCHANGE_ABANDONED)
    return VERDICT_OPENED;
  if (known->size != item->size || strcmp(known->sha256, item->sha256) != 0)
    return VERDICT_OTHER_ITEM;
  return known->state == EXCHANGE_EXPIRED ? VERDICT_GONE : VERDICT_KNOWN;
}

static gboolean is_over_quota(const Putting *putting, const ExchangeItem *known) {
  guint64 quota = putting->call->mailbox->conf->quota,
          given_up = known && known->state == EXCHANGE_RECEIVING ? known->size : 0,
          held = putting->flow.held - MIN(given_up, putting->flow.held);
  return putting->item->size > quota || held > quota - putting->item->size;
}

/* The disk's last part is the book's: reading and acknowledging go on when it is all that is left. */
gboolean exchange_has_space(const Exchange *exchange, const Mailbox *mailbox, guint64 size) {
  struct statvfs disk;
  if (statvfs(exchange->folder, &disk) != 0)
    return TRUE;
  guint64 bytes = (guint64)disk.f_bavail * disk.f_frsize, reserve = mailbox->conf->reserve;
  return bytes >= reserve && bytes - reserve >= size;
}

/* It is whole, and waits to be made the answer of its request. */
static gboolean is_answer(const ExchangeItem *item) {
  return g_str_has_prefix(item->id, EXCHANGE_ANSWER_PREFIX);
}

/* answer-ID.TOKEN.DIGITS is put for a request that was taken with this token, or it waits for a commit that never
 * comes. That another has taken it since, or that it is over, is told when it is made the answer. */
static gboolean judge_answer(BookTransaction *tx, Putting *putting, GError **error) {
  const ExchangeCall *call = putting->call;
  const char *name = putting->item->id + strlen(EXCHANGE_ANSWER_PREFIX), *digits = strrchr(name, '.');
  const char *token = digits ? g_strrstr_len(name, digits - name, ".") : NULL;
  guint64 number = token ? g_ascii_strtoull(token + 1, NULL, 10) : 0;
  g_autofree char *id = token ? g_strndup(name, (gsize)(token - name)) : g_strdup("");
  g_autoptr(ExchangeRequest) request = NULL;
  if (!exchange_request_now(tx, call->mailbox->conf->name, call->gets, id, &request, error))
    return FALSE;
  if (!request || number == 0 || number > (guint64)request->token)
    putting->verdict = VERDICT_NOT_ASKED;
  return TRUE;
}

static gboolean put_change(BookTransaction *tx, gpointer data, GError **error) {
  Putting *putting = data;
  ExchangeItem *item = putting->item;
  g_autoptr(ExchangeItem) known = NULL;
  if (!exchange_flow_now(tx, item->mailbox, item->direction, &putting->flow, error) ||
      !exchange_item_now(tx, item->mailbox, item->direction, item->id, &known, error))
    return FALSE;
  putting->verdict = judge_known(known, item);
  g_clear_pointer(&putting->known, exchange_item_free);
  if (putting->verdict != VERDICT_OPENED) {
    putting->known = g_steal_pointer(&known);
    return TRUE;
  }
  if (is_answer(item) && !judge_answer(tx, putting, error))
    return FALSE;
  if (putting->verdict == VERDICT_OPENED && is_over_quota(putting, known))
    putting->verdict = VERDICT_FULL;
  else if (putting->verdict == VERDICT_OPENED && !putting->is_here &&
           !exchange_has_space(putting->call->exchange, putting->call->mailbox, item->size))
    putting->verdict = VERDICT_NO_SPACE;
  if (putting->verdict != VERDICT_OPENED)
    return TRUE;
  g_free(putting->replaced);
  putting->replaced = known ? g_steal_pointer(&known->file) : NULL;
  return exchange_add_item(tx, item, error);
}

static gboolean store_change(BookTransaction *tx, gpointer data, GError **error) {
  Putting *putting = data;
  return is_answer(putting->item) ? exchange_note_whole(tx, putting->item, error)
                                  : exchange_advance_item(tx, putting->item, EXCHANGE_STORED, error);
}

static gboolean abandon_change(BookTransaction *tx, gpointer data, GError **error) {
  Putting *putting = data;
  return exchange_advance_item(tx, putting->item, EXCHANGE_ABANDONED, error);
}

static void remove_file(const ExchangeCall *call, const char *file) {
  g_autofree char *path = file ? exchange_path(call->exchange, file) : NULL;
  if (path)
    unlink(path);
}

/* What can be told of an announcement without the book. VERDICT_OPENED: nothing against it. */
static ExchangeVerdict judge_announced(const ExchangeCall *call, const ExchangeItem *item) {
  if (!is_sound(item))
    return VERDICT_INVALID;
  if (item->size > exchange_limit(call->mailbox->conf, item->id))
    return VERDICT_TOO_LARGE;
  return VERDICT_OPENED;
}

static ExchangeVerdict put(Putting *putting, GError **error) {
  ExchangeCall *call = putting->call;
  gboolean ok = book_write(call->exchange->host->book, put_change, putting, error);
  g_autofree char *replaced = putting->replaced;
  g_autoptr(ExchangeItem) known = putting->known;
  if (!ok)
    return VERDICT_TROUBLE;
  if (g_strcmp0(replaced, putting->item->file) != 0)
    remove_file(call, replaced);
  if (putting->verdict == VERDICT_OPENED)
    tell(call, putting->item);
  else if (known)
    tell(call, known);
  return putting->verdict;
}

/* --- A small one, whole */

static gboolean has_digest(const ExchangeCall *call, const char *sha256) {
  guint8 digest[DIGEST_SHA256_SIZE];
  digest_sha256(call->bytes, call->length, digest);
  g_autofree char *hex = digest_hex(digest, sizeof digest);
  return strcmp(hex, sha256) == 0;
}

ExchangeVerdict exchange_put(ExchangeCall *call, GError **error) {
  g_autoptr(ExchangeItem) item = announced(call);
  Putting putting = {.call = call, .item = item};
  ExchangeVerdict verdict = judge_announced(call, item);
  if (verdict != VERDICT_OPENED)
    return verdict;
  if (item->size != call->length || !has_digest(call, item->sha256))
    return VERDICT_DIGEST_WRONG;
  item->state = is_answer(item) ? EXCHANGE_RECEIVING : EXCHANGE_STORED;
  item->body = g_bytes_new_static(call->bytes, call->length);
  fault_point("exchange-put-before");
  verdict = put(&putting, error);
  fault_point("exchange-put-after");
  if (verdict == VERDICT_OPENED) {
    if (item->state == EXCHANGE_STORED)
      exchange_tell_arrival(call, call->puts, item->seq);
    verdict = VERDICT_STORED;
  }
  return verdict;
}

/* --- A larger one: opened, resumed, finished */

/* Its whole space is taken now, where the file system can do so: that there is none is told before the first byte. */
static ExchangeVerdict open_file(ExchangeCall *call, const ExchangeItem *item, GError **error) {
  g_autofree char *path = exchange_path(call->exchange, item->file);
  call->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (call->fd < 0) {
    sallyport_error_errno(error, errno, "open the file of item %s", item->id);
    return VERDICT_TROUBLE;
  }
  if (item->size > 0 && fallocate(call->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)item->size) != 0 &&
      (errno == ENOSPC || errno == EDQUOT))
    return VERDICT_NO_SPACE;
  json_object_set_new(call->answer, "file", json_string(item->file));
  return VERDICT_OPENED;
}

static void abandon(ExchangeCall *call, ExchangeItem *item) {
  g_autoptr(GError) error = NULL;
  g_autofree char *file = g_strdup(item->file);
  Putting putting = {.call = call, .item = item};
  if (book_write(call->exchange->host->book, abandon_change, &putting, &error))
    remove_file(call, file);
}

ExchangeVerdict exchange_open(ExchangeCall *call, GError **error) {
  g_autoptr(ExchangeItem) item = announced(call);
  Putting putting = {.call = call, .item = item};
  ExchangeVerdict verdict = judge_announced(call, item);
  if (verdict != VERDICT_OPENED)
    return verdict;
  item->state = EXCHANGE_RECEIVING;
  item->file = g_uuid_string_random();
  fault_point("exchange-open-before");
  verdict = put(&putting, error);
  fault_point("exchange-open-after");
  if (verdict == VERDICT_OPENED)
    verdict = open_file(call, item, error);
  if (verdict == VERDICT_NO_SPACE && item->file)
    abandon(call, item);
  return verdict;
}

/* How far a file is; one that is not there has nothing yet. */
static guint64 length_of(const ExchangeCall *call, const ExchangeItem *item) {
  struct stat file;
  g_autofree char *path = item->file ? exchange_path(call->exchange, item->file) : NULL;
  if (item->state != EXCHANGE_RECEIVING)
    return item->state == EXCHANGE_ABANDONED ? 0 : item->size;
  return path && stat(path, &file) == 0 ? (guint64)file.st_size : 0;
}

static void tell_offset(ExchangeCall *call, const ExchangeItem *item) {
  tell(call, item);
  json_object_set_new(call->answer, "offset", json_integer((json_int_t)length_of(call, item)));
}

ExchangeVerdict exchange_resume(ExchangeCall *call, GError **error) {
  g_autoptr(ExchangeItem) item = exchange_item(call, call->puts, error);
  if (!item || item->state == EXCHANGE_ABANDONED)
    return *error ? VERDICT_TROUBLE : VERDICT_NOTHING;
  tell_offset(call, item);
  json_t *offset = json_object_get(call->answer, "offset");
  if (item->state != EXCHANGE_RECEIVING)
    return item->state == EXCHANGE_EXPIRED ? VERDICT_GONE : VERDICT_KNOWN;
  if (!json_equal(offset, json_object_get(call->request, "offset")))
    return VERDICT_OFFSET_WRONG;
  return open_file(call, item, error);
}

/* The kernel writes while the digest is taken; what is read is in its memory, most often. */
static gboolean is_as_announced(int fd, const ExchangeItem *item, gboolean *is, GError **error) {
  guint8 digest[DIGEST_SHA256_SIZE];
  guint64 size;
  sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
  if (!digest_file_sha256(fd, 0, G_MAXUINT64, digest, &size, error))
    return FALSE;
  g_autofree char *hex = digest_hex(digest, sizeof digest);
  *is = size == item->size && strcmp(hex, item->sha256) == 0;
  return TRUE;
}

static ExchangeVerdict store(ExchangeCall *call, ExchangeItem *item, int fd, GError **error) {
  gboolean is_right;
  Putting putting = {.call = call, .item = item};
  if (!is_as_announced(fd, item, &is_right, error))
    return VERDICT_TROUBLE;
  if (!is_right) {
    abandon(call, item);
    return VERDICT_DIGEST_WRONG;
  }
  fault_point("exchange-sync-before");
  if (!files_sync(fd, "an item", error) || !files_sync_folder(call->exchange->folder, error))
    return VERDICT_TROUBLE;
  fault_point("exchange-store-before");
  if (!book_write(call->exchange->host->book, store_change, &putting, error))
    return VERDICT_TROUBLE;
  fault_point("exchange-store-after");
  if (item->state == EXCHANGE_STORED)
    exchange_tell_arrival(call, call->puts, item->seq);
  tell(call, item);
  return VERDICT_STORED;
}

static ExchangeVerdict store_file(ExchangeCall *call, ExchangeItem *item, GError **error) {
  g_autofree char *path = exchange_path(call->exchange, item->file);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    sallyport_error_errno(error, errno, "open the file of item %s", item->id);
    return VERDICT_TROUBLE;
  }
  ExchangeVerdict verdict = store(call, item, fd, error);
  close(fd);
  return verdict;
}

ExchangeVerdict exchange_finish(ExchangeCall *call, GError **error) {
  g_autoptr(ExchangeItem) item = exchange_item(call, call->puts, error);
  if (!item)
    return *error ? VERDICT_TROUBLE : VERDICT_NOTHING;
  tell_offset(call, item);
  if (exchange_state_has_body(item->state))
    return VERDICT_KNOWN; /* two that finish at once */
  if (item->state != EXCHANGE_RECEIVING || g_strcmp0(item->file, text_of(call, "file")) != 0)
    return VERDICT_OFFSET_WRONG; /* it was put anew meanwhile */
  return length_of(call, item) < item->size ? VERDICT_RECEIVING : store_file(call, item, error);
}

/* As open and finish in one. A crash between the two leaves an item that is `receiving`, and takes this file's place at
 * the next try: it is the same file. */
ExchangeVerdict exchange_adopt(ExchangeCall *call, const char *file, GError **error) {
  g_autoptr(ExchangeItem) item = announced(call);
  Putting putting = {.call = call, .item = item, .is_here = TRUE};
  ExchangeVerdict verdict = judge_announced(call, item);
  if (verdict != VERDICT_OPENED)
    return verdict;
  item->state = EXCHANGE_RECEIVING;
  item->file = g_strdup(file);
  verdict = put(&putting, error);
  return verdict == VERDICT_OPENED ? store_file(call, item, error) : verdict;
}

/* Who puts asks how far its own item is; who has none of that id asks for one that it may obtain. */
ExchangeVerdict exchange_head(ExchangeCall *call, GError **error) {
  g_autoptr(ExchangeItem) item = exchange_item(call, call->puts, error);
  if (!item && !*error)
    item = exchange_item(call, call->gets, error);
  if (!item || item->state == EXCHANGE_ABANDONED)
    return *error ? VERDICT_TROUBLE : VERDICT_NOTHING;
  tell_offset(call, item);
  if (item->verdict)
    json_object_set_new(call->answer, "judged", json_sprintf("%s%s%s", item->verdict, item->verdict_code ? " " : "",
                                                             item->verdict_code ? item->verdict_code : ""));
  return VERDICT_ITEM;
}
