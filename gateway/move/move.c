#include "gateway/move/move_private.h"
#include "gateway/base/faultpoint.h"
#include "gateway/move/compare.h"
#include <string.h>

/* --- Where it is. */

static gboolean has_it(const HeldLane *held, const Move *move) {
  const BookFeed *feed = NULL;
  g_autofree char *prefix = g_strdup_printf("%s %s ", move->kind, move->name);
  if (!held->book)
    return FALSE;
  if (held->book->moving && g_str_has_prefix(held->book->moving, prefix))
    return TRUE;
  if (strcmp(move->kind, "feed") == 0)
    return (feed = book_holdings_feed(held->book, move->name)) && feed->files > 0;
  return held_ledger(held, move->name) != NULL;
}

static const HeldLane *find_lane(const Move *move, const GPtrArray *held, GError **error) {
  const HeldLane *found = NULL;
  for (guint i = 0; i < held->len; i++) {
    const HeldLane *lane = held->pdata[i];
    if ((move->lane && strcmp(move->lane, lane->name) != 0) || !has_it(lane, move))
      continue;
    if (found) {
      move_refuse(error, "lanes %s and %s both have a %s \"%s\": say which by --lane", found->name, lane->name,
                  move->kind, move->name);
      return NULL;
    }
    found = lane;
  }
  if (!found)
    move_refuse(error, "the state has no %s \"%s\"%s%s that has a file or a credit; `sallyport check` says what it has",
                move->kind, move->name, move->lane ? " in lane " : "", move->lane ? move->lane : "");
  return found;
}

/* Is it in the configuration, in this lane? */
static gboolean is_configured(const Conf *conf, const char *kind, const char *lane, const char *name) {
  const ConfLane *of = conf_lane(conf, lane);
  if (strcmp(kind, "lane") == 0)
    return conf_lane(conf, name) != NULL;
  for (guint i = 0; of && i < of->feeds->len; i++) {
    const ConfFeed *feed = of->feeds->pdata[i];
    if (g_strcmp0(strcmp(kind, "feed") == 0 ? feed->name : feed->ledger.name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* What is renamed leads to what the configuration says, or the lane would not start afterwards either. */
static gboolean leads_there(const Move *move, const char *lane, GError **error) {
  const char *where = strcmp(move->kind, "lane") == 0 ? NULL : lane;
  if (is_configured(move->conf, move->kind, lane, move->name))
    return move_refuse(error,
                       "the configuration still has %s \"%s\": change it first, `sallyport check` then says what is "
                       "to be moved",
                       move->kind, move->name);
  if (!is_configured(move->conf, move->kind, lane, move->new_name))
    return move_refuse(error, "the configuration has no %s \"%s\"%s%s: change it first", move->kind, move->new_name,
                       where ? " in lane " : "", where ? where : "");
  return TRUE;
}

/* --- A feed. */

static gboolean feed_change(BookTransaction *tx, gpointer data, GError **error) {
  const Move *move = data;
  g_autofree char *detail = move_detail(move);
  return book_rename_feed(tx, move->name, move->new_name, error) &&
         book_audit(tx, "moved", move->new_name, detail, error);
}

static char *move_feed(const Move *move, const HeldLane *held, GError **error) {
  g_autoptr(LanePaths) paths = lane_paths_new(&move->conf->node, held->name);
  Book *book = move_open_book(paths, held->name, error);
  fault_point("move-feed-before-commit");
  gboolean ok = book && book_write(book, feed_change, (gpointer)move, error);
  fault_point("move-feed-after-commit");
  book_close(book);
  return ok ? g_strdup_printf("feed %s of lane %s is feed %s now, with all its files", move->name, held->name,
                              move->new_name)
            : NULL;
}

/* --- A new meaning that is none. */

typedef struct {
  const Move *move;
  const BookFeed *before, *now;
} Accept;

static gboolean accept_change(BookTransaction *tx, gpointer data, GError **error) {
  const Accept *accept = data;
  const BookFeed *a = accept->before, *b = accept->now;
  g_autofree char *detail = g_strdup_printf("by %s%s%s: ledger %s, key %s (%s), account %s (%s), amount %s → ledger "
                                            "%s, key %s (%s), account %s (%s), amount %s",
                                            accept->move->who, accept->move->reason ? ", " : "",
                                            accept->move->reason ? accept->move->reason : "", a->ledger, a->key,
                                            a->key_type, a->account, a->account_type, a->amount, b->ledger, b->key,
                                            b->key_type, b->account, b->account_type, b->amount);
  return book_note_feed(tx, b, error) && book_audit(tx, "meaning-accepted", b->feed, detail, error);
}

static char *accept_meaning(const Move *move, const HeldLane *held, GError **error) {
  const ConfLane *lane = NULL;
  const ConfFeed *feed = conf_feed(move->conf, move->name, &lane);
  const BookFeed *before = book_holdings_feed(held->book, move->name);
  if (!feed || strcmp(lane->name, held->name) != 0 || !before->ledger) {
    move_refuse(error, "feed \"%s\" has nothing to accept: it is not configured in lane %s, or credited nothing there",
                move->name, held->name);
    return NULL;
  }
  BookFeed *now = state_feed_facts(move->conf, feed, STATE_ALL_WORDS);
  Accept accept = {move, before, now};
  g_autoptr(LanePaths) paths = lane_paths_new(&move->conf->node, held->name);
  gboolean may = (now->ledger && now->scale == before->scale) ||
                 move_refuse(error,
                             "feed \"%s\": its amounts had %u decimals and have %u now, which changes what they "
                             "are worth: put the amount's type and scale back",
                             move->name, before->scale, now->scale);
  Book *book = may ? move_open_book(paths, held->name, error) : NULL;
  gboolean ok = book && book_write(book, accept_change, &accept, error);
  book_close(book);
  book_feed_free(now);
  return ok ? g_strdup_printf("feed %s: what the configuration says of its key, account and amount is accepted",
                              move->name)
            : NULL;
}

/* --- Closed, and going on again. */

static gboolean close_change(BookTransaction *tx, gpointer data, GError **error) {
  const Move *move = data;
  BookClosing closing = {.kind = (char *)move->kind,
                         .name = (char *)move->name,
                         .at = g_get_real_time(),
                         .who = (char *)move->who,
                         .reason = (char *)move->reason};
  return book_close_holding(tx, &closing, error);
}

static gboolean reopen_change(BookTransaction *tx, gpointer data, GError **error) {
  const Move *move = data;
  g_autofree char *detail = move_detail(move);
  return book_reopen_holding(tx, move->kind, move->name, error) &&
         book_audit(tx, "reopened", move->name, detail, error);
}

/* With files under way nobody would ever answer them. */
static gboolean may_close(const Move *move, const HeldLane *held, GError **error) {
  const BookFeed *feed = strcmp(move->kind, "feed") == 0 ? book_holdings_feed(held->book, move->name) : NULL;
  guint64 live = strcmp(move->kind, "lane") == 0 ? held->live : feed ? feed->live : 0;
  if (is_configured(move->conf, move->kind, held->name, move->name))
    return move_refuse(error, "the configuration still has %s \"%s\": take it out first", move->kind, move->name);
  return live == 0 || move_refuse(error,
                                  "%s \"%s\" has %" G_GUINT64_FORMAT
                                  " files that are not at their end: nobody would finish them; put "
                                  "it back into the configuration until they are, or reject them",
                                  move->kind, move->name, live);
}

static char *close_or_reopen(const Move *move, const HeldLane *held, GError **error) {
  gboolean closes = move->act == MOVE_CLOSE;
  g_autoptr(LanePaths) paths = lane_paths_new(&move->conf->node, held->name);
  if (closes && !may_close(move, held, error))
    return NULL;
  if (!closes && !book_holdings_closing(held->book, move->kind, move->name)) {
    move_refuse(error, "%s \"%s\" is not declared as closed", move->kind, move->name);
    return NULL;
  }
  Book *book = move_open_book(paths, held->name, error);
  gboolean ok = book && book_write(book, closes ? close_change : reopen_change, (gpointer)move, error);
  book_close(book);
  return ok ? g_strdup_printf("%s %s %s", move->kind, move->name,
                              closes ? "is closed; its books stay where they are" : "goes on")
            : NULL;
}

char *move_do(const Move *move, GError **error) {
  g_autoptr(GPtrArray) held = held_lanes(&move->conf->node);
  gboolean is_lane = strcmp(move->kind, "lane") == 0, is_feed = strcmp(move->kind, "feed") == 0;
  if (is_lane && move->act == MOVE_RENAME)
    return leads_there(move, move->name, error) ? move_lane(move, held, error) : NULL;
  const HeldLane *lane = is_lane ? held_lane(held, move->name) : find_lane(move, held, error);
  if (!lane || !lane->book) {
    if (error && !*error)
      move_refuse(error, "the state has no lane \"%s\" that can be read%s%s", move->name, lane ? ": " : "",
                  lane ? lane->problem : "");
    return NULL;
  }
  if (move->act == MOVE_CLOSE || move->act == MOVE_REOPEN)
    return close_or_reopen(move, lane, error);
  if (is_feed && move->act == MOVE_ACCEPT)
    return accept_meaning(move, lane, error);
  if (!leads_there(move, lane->name, error))
    return NULL;
  return is_feed ? move_feed(move, lane, error) : move_ledger(move, lane, error);
}
