/* Poll: one listing of a feed's source folder, and what it means for the book, in one transaction.
 *
 * A crash before the commit forgets the looks and the sightings; the next poll sees the files again. A crash after it
 * leaves files in `seen` or `admitted`, from where the lane goes on. A name that is in a live state is left alone: its
 * fetch notices when the bytes change. What was closed stays closed while the partner's copy stays as it was (after =
 * keep); where closing takes the copy away, a name that is there again was sent again.
 *
 * A mailbox lists what came behind a cursor, which is kept in memory only and moves on after the commit: a lane that
 * starts, on a new disk or with a restored book, too, asks for all that nobody has acknowledged, and so does each one
 * from hour to hour: an exchange whose disk was copied back may not know it. Where the exchange was restored, items are
 * listed that we are done with: one with the id, size and digest of a closed file is acknowledged again, before the
 * commit, and not run. */
#include "gateway/flow/admission/declarations.h"
#include "gateway/flow/flow.h"
#include "gateway/flow/admission/looks.h"
#include "gateway/base/files.h"
#include "gateway/common/log.h"
#include "gateway/flow/feed_calendar.h"
#include "gateway/flow/admission/overlooked.h"
#include "transfer/courier_mailbox.h"
#include <string.h>

/* What one poll takes at most, so that memory has a bound: the next one goes on. A folder of 200,000 files and markers
 * is listed whole; beyond that, files that are taken away make room for those behind them, and an alarm stands. */
enum { MOST_LISTED = 200000, MOST_SIGHTINGS = 10000 };
#define ANEW_EVERY (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

typedef struct {
  Flow *flow;
  Feed *feed;
  BookReader *reader;
  gint64 now;
  gint64 listed_at;  /* before the listing began */
  gint64 last_ok_at; /* of the poll before; 0: none */
  gint64 look_at;    /* monotonic: a clock that is set must not make a file look older than we have known it */
  guint generation;
  gboolean truncated; /* the listing was cut off */
  GHashTable *names;   /* all names listed */
  GPtrArray *added;    /* BookFile*: new in the book */
  GPtrArray *admitted; /* BookFile*: borrowed from added or kept in `held` */
  GPtrArray *changed;  /* seen earlier, other size or time now */
  GPtrArray *gone_ids; /* char* */
  GPtrArray *gone;
  GPtrArray *waiting; /* for something else than at the look before */
  GPtrArray *kept;    /* owns what the lists above borrow from the book */
  GPtrArray *again;   /* CourierEntry*, borrowed: items that were done with before */
  DeclarationsLook declaring;
  BookPoll poll;
} Poll;

static BookFile *new_sighting(const Poll *poll, const CourierEntry *entry) {
  gsize length;
  const char *bytes = g_bytes_get_data(entry->name, &length);
  BookFile *file = book_file_new();
  file->feed = g_strdup(poll->feed->conf->name);
  file->name = g_bytes_ref(entry->name);
  file->name_shown = files_show_bytes(bytes, length, 255);
  file->folder = g_strdup(poll->feed->conf->source.path);
  file->size = entry->size;
  file->modified = entry->modified;
  file->state = FILE_SEEN;
  file->due_at = poll->now;
  return file;
}

static Look *look_for(Poll *poll, const CourierEntry *entry) {
  Look *look = looks_make(poll->feed->looks, entry->name);
  look_update(look, entry, poll->look_at, poll->generation);
  return look;
}

/* Whether a finished file is still the same copy that its partner's folder shows now. */
static gboolean is_same_copy(const Poll *poll, const BookFile *file, const CourierEntry *entry) {
  ConfAfter after = poll->feed->conf->source.after;
  gboolean is_same_item = after == CONF_AFTER_ACKNOWLEDGE && entry->sha256 &&
                          g_strcmp0(file->cipher_sha256, entry->sha256) == 0;
  return (after == CONF_AFTER_KEEP || is_same_item) && file->size == entry->size && file->modified == entry->modified;
}

/* A file that was closed while the listing was on its way may still stand in it: what is there then is its old copy,
 * and a new one is seen at the next poll. */
static gboolean is_over(const Poll *poll, const BookFile *file, const CourierEntry *entry) {
  /* not if the clock was set back */
  gboolean since_listing = file->changed_at >= poll->listed_at && file->changed_at <= g_get_real_time();
  return file_state_is_terminal(file->state) &&
         (since_listing || (file->state == FILE_CLOSED && is_same_copy(poll, file, entry)));
}

/* The book's row that this name continues: NULL when it is to be seen anew. *is_known: nothing is to be done for it;
 * *is_done: nor will be, as long as it looks the same. */
static BookFile *row_of(Poll *poll, const CourierEntry *entry, gboolean *is_known, gboolean *is_done, GError **error) {
  g_autoptr(GPtrArray) rows = book_files_named(poll->reader, poll->feed->conf->name, entry->name, error);
  *is_known = rows == NULL;
  *is_done = FALSE;
  BookFile *seen = NULL;
  for (guint i = 0; rows && i < rows->len; i++) {
    BookFile *row = rows->pdata[i];
    if (row->state == FILE_SEEN)
      seen = row;
    else if (!file_state_is_terminal(row->state) || is_over(poll, row, entry))
      *is_known = TRUE;
    *is_done |= row->state == FILE_CLOSED && is_same_copy(poll, row, entry);
  }
  if (!seen || *is_known)
    return NULL;
  g_ptr_array_set_free_func(rows, NULL);
  for (guint i = 0; i < rows->len; i++)
    if (rows->pdata[i] != seen)
      book_file_free(rows->pdata[i]);
  g_ptr_array_add(poll->kept, seen);
  return seen;
}

/* What the file waits for. */
typedef struct {
  FileWait what;
  char *on, *why;
} Missing;

static void missing_clear(Missing *missing) {
  g_free(missing->on);
  g_free(missing->why);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Missing, missing_clear)

/* Its own declaring file, or the index's name. */
static char *declaration_of(const ConfSourceFolder *source, GBytes *name) {
  g_autoptr(GBytes) companion = admit_companion(source, COMPANION_DECLARATION, name);
  gsize length;
  if (!companion)
    return g_strdup(source->declared.file);
  const char *bytes = g_bytes_get_data(companion, &length);
  return files_show_bytes(bytes, length, 0);
}

/* The evidence, into file->evidence; or, into *missing, what is waited for. With ready = declared a size that differs
 * may be one that still grows; unchanged for as long as any step is tried, it is not: fetch then tells the partner. */
static gboolean weigh(Poll *poll, const CourierEntry *entry, const Look *look, BookFile *file, Missing *missing,
                      GError **error) {
  const ConfSourceFolder *source = &poll->feed->conf->source;
  const Declared *declared = NULL;
  g_clear_pointer(&file->evidence, g_free);
  g_autofree char *evidence = admit_evidence(source, entry->name, look, poll->names, poll->look_at);
  if (!evidence) {
    missing->what = admit_missing(source, entry->name, look, poll->names, poll->look_at, &missing->on);
    return TRUE;
  }
  if (!declarations_find(poll->feed->declarations, &poll->declaring, entry->name, &declared, &missing->why, error))
    return FALSE;
  gboolean must_fit = source->ready == CONF_READY_DECLARED &&
                      poll->look_at - look->since < flow_patience(poll->feed) * G_USEC_PER_SEC;
  gboolean is_undeclared = !declared && source->ready == CONF_READY_DECLARED;
  if (declared && declared->has_size && declared->size != entry->size && must_fit && !missing->why)
    missing->why = g_strdup_printf("%" G_GUINT64_FORMAT " bytes are declared in %s, %" G_GUINT64_FORMAT " are there",
                                   declared->size, declared->file, entry->size);
  if (is_undeclared || missing->why) {
    missing->what = FILE_WAIT_DECLARATION;
    missing->on = declaration_of(source, entry->name);
    return TRUE;
  }
  const Declared listed = {.has_size = TRUE,
                           .size = entry->size,
                           .digests[DIGEST_SHA256] = entry->sha256,
                           .file = (char *)"the mailbox's list"};
  declared = entry->sha256 ? &listed : declared;
  file->evidence = declared ? declared_add_to_evidence(declared, evidence) : g_steal_pointer(&evidence);
  return TRUE;
}

/* TRUE: it is another wait than the book has. The log tells of what a partner may have forgotten, from the second look
 * on: at the first, what comes after the file is not there yet. */
static gboolean is_news(const Poll *poll, const Look *look, BookFile *file, const Missing *missing) {
  gboolean is_other = file->waits_for != missing->what || g_strcmp0(file->waits_on, missing->on) != 0 ||
                      g_strcmp0(file->waits_why, missing->why) != 0;
  if (is_other)
    book_file_set_wait(file, missing->what, missing->on, missing->why);
  if (missing->what != FILE_WAIT_EVIDENCE && (look->looks == 2 || (is_other && look->looks > 2)))
    log_event(LOG_INFO, "waits", {"feed", poll->feed->conf->name}, {"file", file->id}, {"name", file->name_shown},
              {"for", file_wait_word(missing->what)}, {"on", missing->on}, {"why", missing->why});
  return is_other;
}

/* A finished file is not kept waiting by the unfinished ones that are listed before it: there are as many places again
 * for such files. */
static gboolean is_ready_at_sight(const Poll *poll, const CourierEntry *entry) {
  if (poll->added->len >= 2 * MOST_SIGHTINGS)
    return FALSE;
  Look look = {0};
  look_update(&look, entry, poll->look_at, poll->generation);
  g_autofree char *on = NULL;
  return admit_missing(&poll->feed->conf->source, entry->name, &look, poll->names, poll->look_at, &on) ==
         FILE_WAIT_NOTHING;
}

/* One poll takes no more new names than that. Whether such a name is new, the book is not asked: what it has in `seen`
 * has its look, and with its other files nothing is to be done. */
static gboolean is_left_for_later(const Poll *poll, const CourierEntry *entry) {
  return poll->added->len >= MOST_SIGHTINGS && !looks_find(poll->feed->looks, entry->name) &&
         admit_is_candidate(&poll->feed->conf->source, entry->name) && !is_ready_at_sight(poll, entry);
}

/* Whether the name looks as it did at the look before, so that there is nothing to be done and the book, which would
 * say the same again, is not asked: a poll costs what is new. What waits is logged at the second look, and named in an
 * alarm if it has waited longest: then its row is wanted. */
static gboolean is_as_before(Poll *poll, const CourierEntry *entry) {
  Look *look = looks_find(poll->feed->looks, entry->name);
  if (!look || (!look->is_done && look->waits_for == FILE_WAIT_NOTHING))
    return FALSE;
  Look now = *look;
  look_update(&now, entry, poll->look_at, poll->generation);
  if (!now.is_told && !now.is_done)
    return FALSE;
  if (!now.is_done) {
    g_autofree char *on = NULL;
    if (admit_missing(&poll->feed->conf->source, entry->name, &now, poll->names, poll->look_at, &on) != now.waits_for ||
        g_str_hash(on) != now.waits_on ||
        (now.waits_for != FILE_WAIT_EVIDENCE && !overlooked_wait_unnamed(poll->feed->overlooked, now.since)))
      return FALSE;
  }
  *look = now;
  return TRUE;
}

static void keep_in_mind(Look *look, const Missing *missing) {
  look->waits_for = missing->what == FILE_WAIT_DECLARATION ? FILE_WAIT_NOTHING : missing->what;
  look->waits_on = missing->on ? g_str_hash(missing->on) : 0;
  look->is_told = look->looks >= 2;
}

static gboolean consider(Poll *poll, const CourierEntry *entry, GError **error) {
  gboolean is_ignored = entry->size == 0 && poll->feed->conf->source.empty == CONF_EMPTY_IGNORE;
  if (!entry->is_file || is_ignored)
    return TRUE;
  if (is_as_before(poll, entry) || is_left_for_later(poll, entry)) {
    poll->poll.listed++;
    return TRUE;
  }
  if (!admit_is_candidate(&poll->feed->conf->source, entry->name))
    return TRUE;
  GError *failure = NULL;
  gboolean is_known, is_done;
  BookFile *file = row_of(poll, entry, &is_known, &is_done, &failure);
  if (failure) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  poll->poll.listed++;
  if (is_known) {
    if (is_done && entry->sha256)
      g_ptr_array_add(poll->again, (gpointer)entry);
    else if (is_done)
      look_for(poll, entry)->is_done = TRUE;
    return TRUE;
  }
  Look *look = look_for(poll, entry);
  gboolean is_new = !file, is_as_it_was = file && file->size == entry->size && file->modified == entry->modified;
  if (is_new) {
    file = new_sighting(poll, entry);
    g_ptr_array_add(poll->kept, file);
    g_ptr_array_add(poll->added, file);
  } else if (!is_as_it_was) {
    file->size = entry->size;
    file->modified = entry->modified;
    g_ptr_array_add(poll->changed, file);
  }
  g_auto(Missing) missing = {0};
  if (!weigh(poll, entry, look, file, &missing, error))
    return FALSE;
  keep_in_mind(look, &missing);
  if (missing.what != FILE_WAIT_EVIDENCE && missing.what != FILE_WAIT_NOTHING)
    overlooked_wait(poll->feed->overlooked, file, missing.on, look->since);
  if (file->evidence) {
    file->due_at = poll->now;
    g_ptr_array_add(poll->admitted, file);
    looks_drop(poll->feed->looks, entry->name);
  } else if (is_news(poll, look, file, &missing)) {
    if (!is_new || file->waits_why)
      g_ptr_array_add(poll->waiting, file);
  } else if (is_as_it_was) { /* the last that row_of() kept: a row that nothing is done with need not stay in memory */
    g_ptr_array_set_size(poll->kept, (gint)poll->kept->len - 1);
  }
  return TRUE;
}

static gboolean note_gone(gpointer user, const BookSeen *seen) {
  Poll *poll = user;
  if (!g_hash_table_contains(poll->names, seen->name))
    g_ptr_array_add(poll->gone_ids, g_strdup(seen->id));
  return poll->gone_ids->len < MOST_SIGHTINGS;
}

/* Files in `seen` whose names are no longer listed were taken away before they were complete. All of them are looked
 * at; what is more than one poll takes is left to the next one. */
static gboolean find_gone(Poll *poll, GError **error) {
  if (!book_visit_seen(poll->reader, poll->feed->conf->name, note_gone, poll, error))
    return FALSE;
  for (guint i = 0; i < poll->gone_ids->len; i++) {
    GError *why = NULL;
    BookFile *file = book_find_file(poll->reader, poll->gone_ids->pdata[i], &why);
    if (why) {
      g_propagate_error(error, why);
      return FALSE;
    }
    if (!file || file->state != FILE_SEEN) {
      book_file_free(file);
      continue;
    }
    g_ptr_array_add(poll->kept, file);
    g_ptr_array_add(poll->gone, file);
  }
  return TRUE;
}

static gboolean note_arrival(BookTransaction *tx, const Poll *poll, const BookFile *file, GError **error) {
  return !feed_watch_wants_arrivals(poll->feed->watch) ||
         book_note_arrival(tx, file->id, feed_watch_arrival(file->modified, poll->last_ok_at, poll->now), error);
}

static gboolean poll_change(BookTransaction *tx, gpointer data, GError **error) {
  Poll *poll = data;
  for (guint i = 0; i < poll->added->len; i++)
    if (!book_add_file(tx, poll->added->pdata[i], error) || !note_arrival(tx, poll, poll->added->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < poll->changed->len; i++)
    if (!book_note_file(tx, poll->changed->pdata[i], NULL, error))
      return FALSE;
  for (guint i = 0; i < poll->waiting->len; i++) {
    const BookFile *file = poll->waiting->pdata[i];
    g_autofree char *note = file->waits_why ? g_strdup_printf("waits: %s", file->waits_why) : NULL;
    if (!book_note_file(tx, file, note, error))
      return FALSE;
  }
  for (guint i = 0; i < poll->admitted->len; i++) {
    BookFile *file = poll->admitted->pdata[i];
    if (!book_advance_file(tx, file, FILE_ADMITTED, file->evidence, error))
      return FALSE;
  }
  for (guint i = 0; i < poll->gone->len; i++)
    if (!book_advance_file(tx, poll->gone->pdata[i], FILE_GONE, "no longer in the partner's folder", error))
      return FALSE;
  return overlooked_tell(tx, poll->feed->overlooked, !poll->truncated, poll->flow->alarm_ways, error) &&
         book_save_poll(tx, &poll->poll, error);
}

static void log_poll(const Poll *poll, gboolean truncated, guint refused) {
  for (guint i = 0; i < poll->added->len; i++) {
    const BookFile *file = poll->added->pdata[i];
    log_event(LOG_INFO, "file", {"feed", file->feed}, {"file", file->id}, {"state", "seen"}, {"name", file->name_shown},
              {"size", log_number((gint64)file->size)});
  }
  for (guint i = 0; i < poll->admitted->len; i++) {
    const BookFile *file = poll->admitted->pdata[i];
    log_event(LOG_INFO, "file", {"feed", file->feed}, {"file", file->id}, {"state", "admitted"},
              {"name", file->name_shown}, {"evidence", file->evidence});
  }
  if (truncated || refused)
    log_event(LOG_WARNING, "listing-incomplete", {"feed", poll->feed->conf->name},
              {"refused_names", log_number(refused)}, {"cut_off", truncated ? "yes" : "no"});
  log_event(LOG_DEBUG, "poll", {"feed", poll->feed->conf->name}, {"listed", log_number((gint64)poll->poll.listed)},
            {"admitted", log_number((gint64)poll->admitted->len)});
}

static gboolean is_wanted(gpointer user, const char *name) {
  const Feed *feed = user;
  return admit_is_relevant(&feed->conf->source, name);
}

static void pass_over(gpointer user, const char *name, guint64 size, gint64 modified) {
  const Feed *feed = user;
  overlooked_pass(feed->overlooked, name, size, modified);
}

static gboolean last_good_poll(Poll *poll, GError **error) {
  g_autoptr(GPtrArray) polls = book_polls(poll->reader, error);
  for (guint i = 0; polls && i < polls->len; i++) {
    const BookPoll *last = polls->pdata[i];
    if (!g_str_equal(last->feed, poll->feed->conf->name))
      continue;
    poll->last_ok_at = last->last_ok_at;
    if (last->failures > 0)
      log_event(LOG_INFO, "poll-good-again", {"feed", last->feed}, {"failures", log_number(last->failures)});
  }
  return polls != NULL;
}

/* How it was seen is not known any more, so that evidence begins anew; what the book says of it is. */
static gboolean remember(gpointer user, const BookSeen *seen) {
  Poll *poll = user;
  if (!g_hash_table_contains(poll->names, seen->name))
    return TRUE;
  Look *look = looks_make(poll->feed->looks, seen->name);
  if (seen->waits_for == FILE_WAIT_DECLARATION || !seen->waits_on)
    return TRUE;
  *look = (Look){.size = seen->size,
                 .modified = seen->modified,
                 .is_told = TRUE,
                 .waits_for = seen->waits_for,
                 .waits_on = g_str_hash(seen->waits_on)};
  return TRUE;
}

static gboolean look_through(Poll *poll, const GPtrArray *entries, GError **error) {
  if (!poll->feed->has_remembered && !book_visit_seen(poll->reader, poll->feed->conf->name, remember, poll, error))
    return FALSE;
  poll->feed->has_remembered = TRUE;
  for (guint i = 0; i < entries->len; i++)
    if (!consider(poll, entries->pdata[i], error))
      return FALSE;
  gboolean is_whole = !poll->truncated && poll->feed->conf->source.ready != CONF_READY_LISTED;
  if (is_whole && !find_gone(poll, error))
    return FALSE;
  looks_forget_others(poll->feed->looks, poll->generation);
  poll->poll.taken = poll->admitted->len;
  return TRUE;
}

static gboolean acknowledge_again(const Poll *poll, Courier *courier, GError **error) {
  for (guint i = 0; i < poll->again->len; i++) {
    const CourierEntry *entry = poll->again->pdata[i];
    gsize length;
    const char *name = g_bytes_get_data(entry->name, &length);
    g_autofree char *path = remote_path_join(poll->feed->conf->source.path, name, length);
    const CourierAcknowledgement said = {.path = path, .sha256 = entry->sha256, .size = entry->size};
    if (!courier_acknowledge(courier, &said, error))
      return FALSE;
    log_event(LOG_INFO, "acknowledged-again", {"feed", poll->feed->conf->name}, {"item", path});
  }
  return TRUE;
}

/* Of a mailbox nothing is told of names that this feed does not take: they are other feeds' items, most often. */
static CourierListing listing_of(Feed *feed, char **cursor) {
  const ConfSourceFolder *source = &feed->conf->source;
  gboolean is_mailbox = source->ready == CONF_READY_LISTED;
  return (CourierListing){.folder = source->path,
                          .limit = MOST_LISTED,
                          .wanted = is_wanted,
                          .passed = is_mailbox ? NULL : pass_over,
                          .user = feed,
                          .after = g_get_monotonic_time() < feed->anew_at ? feed->cursor : NULL,
                          .wait = is_mailbox ? source->wait : 0,
                          .cursor = cursor};
}

gboolean flow_poll(Flow *flow, Feed *feed, BookReader *reader, Courier *courier, guint *admitted, GError **error) {
  gint64 listed_at = g_get_real_time();
  g_autofree char *cursor = NULL;
  CourierListing listing = listing_of(feed, &cursor);
  gboolean truncated = FALSE;
  guint refused = 0;
  overlooked_begin(feed->overlooked, g_get_monotonic_time());
  g_autoptr(GPtrArray) entries = courier_list(courier, &listing, &truncated, &refused, error);
  if (!entries)
    return FALSE;
  gint64 now = g_get_real_time();
  g_autoptr(GHashTable) names = g_hash_table_new(g_bytes_hash, g_bytes_equal);
  g_autoptr(GPtrArray) added = g_ptr_array_new(), ready = g_ptr_array_new(), changed = g_ptr_array_new(),
                       gone = g_ptr_array_new(), waiting = g_ptr_array_new(),
                       gone_ids = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) again = g_ptr_array_new();
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func((GDestroyNotify)book_file_free);
  Poll poll = {
      .flow = flow,
      .feed = feed,
      .reader = reader,
      .now = now,
      .listed_at = listed_at,
      .look_at = g_get_monotonic_time(),
      .generation = feed->polls++,
      .names = names,
      .added = added,
      .admitted = ready,
      .changed = changed,
      .gone_ids = gone_ids,
      .gone = gone,
      .waiting = waiting,
      .kept = kept,
      .again = again,
      .truncated = truncated,
      .declaring = {.courier = courier, .scratch = flow->paths->in, .entries = entries, .feed = feed->conf->name},
      .poll = {
          .feed = feed->conf->name, .last_at = now, .last_ok_at = now, .next_at = schedule_next(feed->schedule, now)}};
  if (!last_good_poll(&poll, error))
    return FALSE;
  for (guint i = 0; i < entries->len; i++)
    g_hash_table_add(names, ((CourierEntry *)entries->pdata[i])->name);
  if (!declarations_look(feed->declarations, &poll.declaring, error))
    return FALSE;
  if (!look_through(&poll, entries, error) || !acknowledge_again(&poll, courier, error) ||
      !book_write(flow->book, poll_change, &poll, error)) {
    looks_ask_again(feed->looks);
    return FALSE;
  }
  feed->anew_at = listing.after ? feed->anew_at : g_get_monotonic_time() + ANEW_EVERY;
  g_free(feed->cursor);
  feed->cursor = g_steal_pointer(&cursor);
  log_poll(&poll, truncated, refused);
  *admitted = ready->len;
  return TRUE;
}
