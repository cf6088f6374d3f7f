#include "gateway/move/compare.h"
#include "conf/lookup.h"
#include "store/details_platforms.h"
#include <string.h>

typedef struct {
  const Conf *conf;
  const GPtrArray *held;
  GPtrArray *found;   /* Contradiction* */
  GPtrArray *orphans; /* texts: what stands in the state, in no configuration, and is not declared as closed */
} StateComparison;

static void contradiction_free(gpointer data) {
  g_free(((Contradiction *)data)->text);
  g_free(data);
}

static void G_GNUC_PRINTF(4, 5) add(StateComparison *c, const char *lane, ConfWhere where, const char *format, ...) {
  Contradiction *found = g_new0(Contradiction, 1);
  va_list arguments;
  va_start(arguments, format);
  *found = (Contradiction){.lane = lane, .where = where, .text = g_strdup_vprintf(format, arguments)};
  va_end(arguments);
  g_ptr_array_add(c->found, found);
}

static void add_orphan(StateComparison *c, char *what) {
  g_ptr_array_add(c->orphans, what);
}

static const ConfFeed *feed_in(const ConfLane *lane, const char *name) {
  for (guint i = 0; i < lane->feeds->len; i++)
    if (strcmp(((const ConfFeed *)lane->feeds->pdata[i])->name, name) == 0)
      return lane->feeds->pdata[i];
  return NULL;
}

/* The first of the lane's feeds that credits the ledger. */
static const ConfFeed *creditor(const ConfLane *lane, const char *ledger) {
  for (guint i = 0; i < lane->feeds->len; i++) {
    const ConfFeed *feed = lane->feeds->pdata[i];
    if (g_strcmp0(feed->ledger.name, ledger) == 0)
      return feed;
  }
  return NULL;
}

/* --- A feed's meaning. */

static gboolean check_named(StateComparison *c, const ConfLane *lane, const ConfFeed *feed, const char *what,
                            const char *before, const char *now) {
  const char *done = feed->process == CONF_PROCESS_RATING ? "rated" : "credited";
  if (g_strcmp0(before, now) == 0)
    return TRUE;
  add(c, lane->name, feed->where,
      "feed \"%s\": its %s was %s, and is %s in the configuration: what is %s already was %s by the "
      "first; put it back, or, if it means the same, say so: sallyport move feed %s --accept",
      feed->name, what, before ? before : "none", now ? now : "none", done, done, feed->name);
  return FALSE;
}

/* The ledger's own scale is the judge; where it does not know it, the book is. */
static void check_scale(StateComparison *c, const HeldLane *held, const ConfLane *lane, const ConfFeed *feed,
                        const BookFeed *before, const BookFeed *now) {
  const HeldLedger *ledger = now->ledger ? held_ledger(held, now->ledger) : NULL;
  gboolean has_own = ledger && ledger->facts.has_scale && ledger->facts.entries > 0;
  guint scale = has_own ? ledger->facts.scale : before->is_noted ? before->scale : now->scale;
  if (scale != now->scale && (has_own || before->is_noted))
    add(c, lane->name, feed->ledger.where,
        "feed \"%s\": ledger \"%s\" has amounts with %u decimals, and field \"%s\" has %u now: what is credited "
        "already would change its value; put the amount's type and scale back, or declare the feed as closed "
        "(sallyport move feed %s --close) and give its files a feed and a ledger of new names",
        feed->name, now->ledger, scale, now->amount, now->scale, feed->name);
}

/* Amounts of two scales would be added up as if they were of one, in full files too. */
static void check_rated_scale(StateComparison *c, const ConfLane *lane, const ConfFeed *feed, const BookFeed *before,
                              const BookFeed *now) {
  if (before->scale != now->scale)
    add(c, lane->name, feed->where,
        "feed \"%s\": %s has amounts with %u decimals, and its round says %u now: they would be added up as if they "
        "were alike; put the scale back, or give a new rating and a new feed names of their own",
        feed->name, now->ledger, before->scale, now->scale);
}

/* A book that does not say that its kinds have all words may have fewer. */
static void check_kind(StateComparison *c, const ConfLane *lane, const ConfFeed *feed, const char *what,
                       const char *before, const char *now, const char *fewer_words) {
  if (!fewer_words || g_strcmp0(before, fewer_words) != 0)
    check_named(c, lane, feed, what, before, now);
}

static void compare_feed(StateComparison *c, const HeldLane *held, const ConfLane *lane, const ConfFeed *feed,
                         const BookFeed *before) {
  BookFeed *now = state_feed_facts(c->conf, feed, STATE_ALL_WORDS);
  BookFeed *fewer = state_feed_facts(c->conf, feed, STATE_FEWER_WORDS);
  gboolean has_all = held->book->kinds != NULL;
  /* A ledger that nobody credits any more is told by itself; a feed that credited nothing has no meaning to keep. */
  gboolean was_rated = before->ledger && g_str_has_prefix(before->ledger, STATE_RATING);
  gboolean is_credited = was_rated || (before->ledger && creditor(lane, before->ledger));
  if (before->is_noted && before->ledger && now->ledger) {
    if (!is_credited || check_named(c, lane, feed, "ledger", before->ledger, now->ledger)) {
      check_named(c, lane, feed, "key", before->key, now->key);
      check_kind(c, lane, feed, "key's type", before->key_type, now->key_type, has_all ? NULL : fewer->key_type);
      check_named(c, lane, feed, "account", before->account, now->account);
      check_kind(c, lane, feed, "account's type", before->account_type, now->account_type,
                 has_all ? NULL : fewer->account_type);
      check_named(c, lane, feed, was_rated ? "counter" : "amount", before->amount, now->amount);
    }
  }
  if (was_rated && g_strcmp0(before->ledger, now->ledger) == 0)
    check_rated_scale(c, lane, feed, before, now);
  else if (feed->ledger.name && (!before->is_noted || before->ledger))
    check_scale(c, held, lane, feed, before, now);
  book_feed_free(now);
  book_feed_free(fewer);
}

/* --- What a lane's book holds. */

static char *when(const BookClosing *closing) {
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(closing->at / G_USEC_PER_SEC);
  return g_date_time_format(at, "%Y-%m-%d");
}

static void add_reopen(StateComparison *c, const ConfLane *lane, ConfWhere where, const BookClosing *closing) {
  g_autofree char *day = when(closing);
  add(c, lane->name, where,
      "%s \"%s\" was declared as closed by %s on %s: if it goes on, say so: sallyport move %s %s --reopen",
      closing->kind, closing->name, closing->who, day, closing->kind, closing->name);
}

/* TRUE: it is in another lane now. What it has credited is found in its own lane alone, and closing it there would not
 * change that: such a closing counts for the name that has ended, not for one that goes on elsewhere. */
static gboolean check_moved_feed(StateComparison *c, const HeldLane *held, const BookFeed *feed) {
  const ConfLane *other = NULL;
  const ConfFeed *moved = conf_feed(c->conf, feed->feed, &other);
  if (moved)
    add(c, other->name, moved->where,
        "feed \"%s\" is in lane \"%s\" here, and its %" G_GUINT64_FORMAT
        " files and their credits are in lane \"%s\" of the state, where alone they are found again: they would be "
        "credited again; put the feed back into lane \"%s\"; if it is another feed, give it another name",
        feed->feed, other->name, feed->files, held->name, held->name);
  return moved != NULL;
}

static void check_gone_feed(StateComparison *c, const HeldLane *held, const BookFeed *feed) {
  add(c, NULL, c->conf->node.where,
      "feed \"%s\" stands in the state of lane \"%s\" (%" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT
      " of them not at their end) and in no configuration: if it has a new name, sallyport move feed %s NEW; if it "
      "has ended, sallyport move feed %s --close",
      feed->feed, held->name, feed->files, feed->live, feed->feed, feed->feed);
  add_orphan(c, g_strdup_printf("feed \"%s\" of lane \"%s\"", feed->feed, held->name));
}

static void check_feeds(StateComparison *c, const HeldLane *held, const ConfLane *lane) {
  for (guint i = 0; i < held->book->feeds->len; i++) {
    const BookFeed *feed = held->book->feeds->pdata[i];
    const ConfFeed *configured = feed_in(lane, feed->feed);
    const BookClosing *closing = book_holdings_closing(held->book, "feed", feed->feed);
    if (feed->files == 0)
      continue;
    if (configured && closing)
      add_reopen(c, lane, configured->where, closing);
    else if (configured)
      compare_feed(c, held, lane, configured, feed);
    else if (!check_moved_feed(c, held, feed) && !closing)
      check_gone_feed(c, held, feed);
  }
}

static void check_ledgers(StateComparison *c, const HeldLane *held, const ConfLane *lane) {
  for (guint i = 0; i < held->ledgers->len; i++) {
    const HeldLedger *ledger = held->ledgers->pdata[i];
    const ConfFeed *feed = creditor(lane, ledger->name);
    const BookClosing *closing = book_holdings_closing(held->book, "ledger", ledger->name);
    if (feed && closing) {
      add_reopen(c, lane, feed->ledger.where, closing);
    } else if (feed && ledger->facts.shards && feed->ledger.shards != ledger->facts.shards) {
      add(c, lane->name, feed->ledger.where,
          "ledger \"%s\" has %u shards, and the configuration says %u: the number is fixed when a ledger is made; put "
          "shards = %u back",
          ledger->name, ledger->facts.shards, feed->ledger.shards, ledger->facts.shards);
    } else if (!feed && !closing && ledger->facts.entries > 0) {
      add(c, lane->name, lane->where,
          "ledger \"%s\" of lane \"%s\" has %" G_GUINT64_FORMAT
          " credits, and no feed of the configuration credits it: "
          "if it has a new name, sallyport move ledger %s NEW; if it has ended, sallyport move ledger %s --close",
          ledger->name, held->name, ledger->facts.entries, ledger->name, ledger->name);
      add_orphan(c, g_strdup_printf("ledger \"%s\" of lane \"%s\"", ledger->name, held->name));
    }
  }
}

/* --- Ratings. */

/* Its files would wait for ever, and nobody would be told. */
static void check_platforms(StateComparison *c, DetailsReader *reader, const ConfLane *lane, const ConfRating *rating,
                            GError **error) {
  g_autoptr(GPtrArray) waiting = details_reader_unpushed(reader, error);
  for (guint i = 0; waiting && i < waiting->len; i++) {
    const PlatformFile *file = waiting->pdata[i];
    const ConfPlatform *platform = named_find(rating->platforms, file->platform);
    if (!platform || !platform->push_endpoint)
      add(c, lane->name, platform ? platform->where : rating->where,
          "rating \"%s\": %s waits to be pushed to platform \"%s\", %s: put it back until nothing waits for it "
          "(sallyport cdr show %" G_GINT64_FORMAT "); if it is never to come, push to a folder of this machine",
          rating->name, file->name, file->platform,
          platform ? "which has no push any more" : "which stands in the configuration no more", file->sequence);
  }
}

static void check_ratings(StateComparison *c, const HeldLane *held, const ConfLane *lane) {
  for (guint i = 0; i < lane->ratings->len; i++) {
    const ConfRating *rating = lane->ratings->pdata[i];
    g_autoptr(GError) why = NULL;
    g_autoptr(DetailsReader) reader = details_reader_open(held->folder, rating->name, &why);
    if (reader)
      check_platforms(c, reader, lane, rating, &why);
    guint shards = reader ? details_reader_shards(reader) : 0, wanted = details_shards_wanted((guint)rating->shards);
    if (why) {
      add(c, lane->name, rating->where, "rating \"%s\" is not held against the configuration: %s", rating->name,
          why->message);
      ((Contradiction *)c->found->pdata[c->found->len - 1])->is_warning = TRUE;
    } else if (reader && shards != wanted) {
      add(c, lane->name, rating->where,
          "rating \"%s\" has %u shards, and the configuration says %u: the number is fixed when the first file is "
          "rated; put shards = %u back",
          rating->name, shards, wanted, shards);
    }
  }
}

static void check_gone_lane(StateComparison *c, const HeldLane *held, const BookClosing *closing) {
  if (!closing) {
    add(c, NULL, c->conf->node.where,
        "lane \"%s\" stands in the state (%" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT
        " credits) and in no configuration: if it has a new name, sallyport move lane %s NEW; if it has ended, "
        "sallyport move lane %s --close",
        held->name, held->files, held->credits, held->name, held->name);
    add_orphan(c, g_strdup_printf("lane \"%s\"", held->name));
  }
  for (guint i = 0; i < held->book->feeds->len; i++)
    if (((const BookFeed *)held->book->feeds->pdata[i])->files > 0)
      (void)check_moved_feed(c, held, held->book->feeds->pdata[i]);
}

static void check_feeds_and_ledgers(StateComparison *c, const HeldLane *held, const ConfLane *lane) {
  check_feeds(c, held, lane);
  check_ledgers(c, held, lane);
  check_ratings(c, held, lane);
}

static void check_lane(StateComparison *c, const HeldLane *held) {
  const ConfLane *lane = conf_lane(c->conf, held->name);
  const BookClosing *closing = held->book ? book_holdings_closing(held->book, "lane", held->name) : NULL;
  ConfWhere where = lane ? lane->where : c->conf->node.where;
  const char *name = lane ? lane->name : NULL;
  if (held->problem) {
    add(c, name, where, "lane \"%s\" is not held against the configuration, since its state cannot be read: %s",
        held->name, held->problem);
    ((Contradiction *)c->found->pdata[c->found->len - 1])->is_warning = TRUE;
  }
  if (!held_has_something(held)) {
    if (lane)
      check_ratings(c, held, lane); /* what came over HTTP alone is no file of the book's */
    return;
  }
  if (held->book->moving)
    add(c, name, where, "a move has begun in lane \"%s\" and has not ended: run it again: sallyport move %s",
        held->name, held->book->moving);
  else if (held->book->lane && strcmp(held->book->lane, held->name) != 0)
    add(c, name, where,
        "the folder of lane \"%s\" has the book of lane \"%s\": a lane is moved by sallyport move lane %s %s",
        held->name, held->book->lane, held->book->lane, held->name);
  else if (lane && closing)
    add_reopen(c, lane, where, closing);
  else if (lane)
    check_feeds_and_ledgers(c, held, lane);
  else
    check_gone_lane(c, held, closing);
}

/* --- What is new while something waits to be told whose it is. */

static gboolean is_new(const StateComparison *c, const ConfLane *lane, const ConfFeed *feed) {
  const HeldLane *held = held_lane(c->held, lane->name);
  const BookFeed *known = held && held->book ? book_holdings_feed(held->book, feed->name) : NULL;
  return !known || (known->files == 0 && !known->is_noted);
}

static void check_newcomers(StateComparison *c) {
  g_ptr_array_add(c->orphans, NULL);
  g_autofree char *orphans = g_strjoinv(", ", (char **)c->orphans->pdata);
  for (guint i = 0; c->orphans->len > 1 && i < c->conf->lanes->len; i++) {
    const ConfLane *lane = c->conf->lanes->pdata[i];
    for (guint j = 0; j < lane->feeds->len; j++) {
      const ConfFeed *feed = lane->feeds->pdata[j];
      if (is_new(c, lane, feed))
        add(c, lane->name, feed->where,
            "feed \"%s\" of lane \"%s\" is new, and may be what stands in no configuration any more (%s): say first "
            "what became of that, or its files would be credited again",
            feed->name, lane->name, orphans);
    }
  }
}

GPtrArray *state_compare(const Conf *conf, const GPtrArray *held) {
  StateComparison c = {.conf = conf,
                       .held = held,
                       .found = g_ptr_array_new_with_free_func(contradiction_free),
                       .orphans = g_ptr_array_new_with_free_func(g_free)};
  for (guint i = 0; i < held->len; i++)
    check_lane(&c, held->pdata[i]);
  check_newcomers(&c);
  g_ptr_array_unref(c.orphans);
  return c.found;
}

/* --- For those who ask. */

void state_check(const Conf *conf, ConfReport *report) {
  g_autoptr(GPtrArray) held = held_lanes(&conf->node);
  g_autoptr(GPtrArray) found = state_compare(conf, held);
  for (guint i = 0; i < found->len; i++) {
    const Contradiction *one = found->pdata[i];
    (one->is_warning ? conf_report_warning : conf_report_error)(report, one->where, "%s", one->text);
  }
}

gboolean state_admits(const Conf *conf, const char *lane, GError **error) {
  g_autoptr(GPtrArray) held = held_lanes(&conf->node);
  g_autoptr(GPtrArray) found = state_compare(conf, held);
  GString *all = g_string_new(NULL);
  for (guint i = 0; i < found->len; i++) {
    const Contradiction *one = found->pdata[i];
    if (!one->is_warning && g_strcmp0(one->lane, lane) == 0)
      g_string_append_printf(all, "%s%s", all->len ? "; " : "", one->text);
  }
  gboolean admits = all->len == 0;
  if (!admits)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the configuration contradicts the state: %s", all->str);
  g_string_free(all, TRUE);
  return admits;
}
