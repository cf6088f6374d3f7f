/* A ledger's files get the new name. Their logs are copied into them before "moving" is written, so that a file is all
 * that there is of its shard. */
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/move/move_private.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_SHARDS = 64 };

static char *shard_path(const HeldLane *held, const char *name, guint shard, const char *suffix) {
  return g_strdup_printf("%s/%s.ledger-%u.db%s", held->folder, name, shard, suffix);
}

/* Opening copies each log into its file. */
static gboolean settle_logs(const Move *move, const HeldLane *held, GError **error) {
  const HeldLedger *kept = held_ledger(held, move->name);
  LedgerOptions options = {
      .folder = held->folder, .name = move->name, .shards = kept->facts.shards, .scale = kept->facts.scale};
  Ledger *ledger = ledger_open(&options, error);
  if (!ledger)
    return FALSE;
  ledger_close(ledger);
  for (guint i = 0; i < kept->facts.shards; i++) {
    g_autofree char *log = shard_path(held, move->name, i, "-wal");
    struct stat there;
    if (stat(log, &there) == 0 && there.st_size > 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                                 "%s could not be copied into its ledger, since something reads it: run this again",
                                 log);
  }
  return TRUE;
}

/* From the last to the first, each only if it still has its old name. What SQLite keeps beside a file is made anew. */
static gboolean rename_files(const Move *move, const HeldLane *held, GError **error) {
  for (guint i = MOST_SHARDS; i-- > 0;) {
    g_autofree char *from = shard_path(held, move->name, i, ""), *to = shard_path(held, move->new_name, i, "");
    g_autofree char *log = shard_path(held, move->name, i, "-wal"), *index = shard_path(held, move->name, i, "-shm");
    if (access(from, F_OK) == 0) {
      if (access(to, F_OK) == 0)
        return move_refuse(error, "%s and %s are both there: one of them has to be looked at by a person", from, to);
      if (rename(from, to) != 0)
        return sallyport_error_errno(error, errno, "rename %s", from);
      fault_point("move-ledger-after-rename");
    }
    unlink(log);
    unlink(index);
  }
  g_autofree char *lock = g_strdup_printf("%s/%s.ledger.lock", held->folder, move->name);
  unlink(lock);
  return files_sync_folder(held->folder, error);
}

static gboolean end_change(BookTransaction *tx, gpointer data, GError **error) {
  const Move *move = data;
  g_autofree char *detail = move_detail(move);
  return book_rename_ledger(tx, move->name, move->new_name, error) && book_set_fact(tx, "moving", NULL, error) &&
         book_audit(tx, "moved", move->new_name, detail, error);
}

static gboolean move_in(Book *book, const Move *move, const HeldLane *held, GError **error) {
  g_autofree char *words = move_words(move), *target = shard_path(held, move->new_name, 0, "");
  if (!held->book->moving && access(target, F_OK) == 0)
    return move_refuse(error, "ledger \"%s\" is there already: two ledgers cannot become one", move->new_name);
  if (held->book->moving && strcmp(held->book->moving, words) != 0)
    return move_refuse(error, "another move has begun and not ended: sallyport move %s", held->book->moving);
  if (!held->book->moving && (!settle_logs(move, held, error) || !move_begin(book, move, error)))
    return FALSE;
  if (!rename_files(move, held, error))
    return FALSE;
  fault_point("move-ledger-before-end");
  return book_write(book, end_change, (gpointer)move, error);
}

char *move_ledger(const Move *move, const HeldLane *held, GError **error) {
  g_autoptr(LanePaths) paths = lane_paths_new(&move->conf->node, held->name);
  Book *book = move_open_book(paths, held->name, error);
  gboolean ok = book && move_in(book, move, held, error);
  fault_point("move-ledger-after-end");
  book_close(book);
  return ok ? g_strdup_printf("ledger %s of lane %s is ledger %s now", move->name, held->name, move->new_name) : NULL;
}
