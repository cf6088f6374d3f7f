#include "gateway/flow/admission/overlooked.h"
#include "conf/lookup.h"
#include "gateway/base/files.h"
#include "gateway/flow/admission/admit.h"
#include "gateway/flow/claim.h"
#include <fnmatch.h>
#include <string.h>

enum { MOST_KEPT = 1000 };

/* Of one listing. */
typedef struct {
  guint there, late;
  gint64 since;  /* of the one that has lain there longest */
  char *id;      /* its file; NULL: it has none */
  char *in_words; /* what it is, with the partner's words */
} Found;

struct Overlooked {
  const ConfFeed *feed;
  GPtrArray *takers;      /* ConfSourceFolder* (borrowed) of this folder; none: names are not judged here */
  GHashTable *strangers;  /* name → Look */
  gint64 began, now;      /* monotonic; the first listing, this one */
  guint generation;
  Found waiting, unknown;
};

/* --- Whose folder it is */

static const ConfEndpoint *endpoint_of(const ConfPartner *owner, const char *name) {
  return owner && name ? conf_endpoint(owner, name) : NULL;
}

/* Answers, or what is handed on. */
static gboolean is_filled_by(const Conf *conf, const ConfFeed *feed, const ConfEndpoint *endpoint, const char *path) {
  const ConfDeliver *deliver = &feed->deliver;
  const ConfPartner *system = deliver->system ? conf_system(conf, deliver->system) : NULL;
  const ConfEndpoint *answers = endpoint_of(conf_partner(conf, feed->partner), feed->feedback.endpoint);
  return conf_same_folder(answers, feed->feedback.path, endpoint, path) ||
         conf_same_folder(endpoint_of(system, deliver->endpoint), deliver->path, endpoint, path);
}

/* One feed of a folder tells of its names: the first. Where we put files ourselves nobody does. */
static void find_takers(Overlooked *overlooked, const Conf *conf) {
  const ConfSourceFolder *own = &overlooked->feed->source;
  const ConfEndpoint *endpoint = endpoint_of(conf_partner(conf, overlooked->feed->partner), own->endpoint);
  gboolean is_judged = TRUE;
  for (guint l = 0; l < conf->lanes->len; l++) {
    const ConfLane *lane = conf->lanes->pdata[l];
    for (guint f = 0; f < lane->feeds->len; f++) {
      ConfFeed *feed = lane->feeds->pdata[f];
      const ConfEndpoint *other = endpoint_of(conf_partner(conf, feed->partner), feed->source.endpoint);
      is_judged = is_judged && !is_filled_by(conf, feed, endpoint, own->path);
      if (conf_same_folder(other, feed->source.path, endpoint, own->path))
        g_ptr_array_add(overlooked->takers, &feed->source);
    }
  }
  if (!is_judged || (overlooked->takers->len > 0 && overlooked->takers->pdata[0] != own))
    g_ptr_array_set_size(overlooked->takers, 0);
}

Overlooked *overlooked_new(const Conf *conf, const ConfFeed *feed) {
  Overlooked *overlooked = g_new0(Overlooked, 1);
  overlooked->feed = feed;
  overlooked->takers = g_ptr_array_new();
  overlooked->strangers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  find_takers(overlooked, conf);
  return overlooked;
}

static void found_clear(Found *found) {
  g_free(found->id);
  g_free(found->in_words);
  *found = (Found){0};
}

void overlooked_free(Overlooked *overlooked) {
  if (!overlooked)
    return;
  found_clear(&overlooked->waiting);
  found_clear(&overlooked->unknown);
  g_ptr_array_unref(overlooked->takers);
  g_hash_table_unref(overlooked->strangers);
  g_free(overlooked);
}

/* --- One listing */

void overlooked_begin(Overlooked *overlooked, gint64 now) {
  overlooked->now = now;
  overlooked->began = overlooked->began ? overlooked->began : now;
  overlooked->generation++;
  found_clear(&overlooked->waiting);
  found_clear(&overlooked->unknown);
}

static gboolean is_late(const Overlooked *overlooked, gint64 since) {
  return overlooked->now - since >= overlooked->feed->source.tell_after * (gint64)G_USEC_PER_SEC;
}

/* TRUE: it has lain there for long, and longer than those before. */
static gboolean is_first(const Overlooked *overlooked, const Found *found, gint64 since) {
  return is_late(overlooked, since) && (found->late == 0 || since < found->since);
}

static gboolean find(const Overlooked *overlooked, Found *found, gint64 since) {
  gboolean is_told = is_first(overlooked, found, since);
  found->there++;
  found->late += is_late(overlooked, since) ? 1 : 0;
  if (!is_told)
    return FALSE;
  g_clear_pointer(&found->id, g_free);
  g_clear_pointer(&found->in_words, g_free);
  found->since = since;
  return TRUE;
}

/* What is still being written, what is hidden and what closing has claimed is nobody's mistake. */
static gboolean is_expected(const Overlooked *overlooked, const char *name) {
  gboolean is_known = name[0] == '.' || claim_is_one(name);
  for (guint i = 0; i < overlooked->takers->len && !is_known; i++) {
    const ConfSourceFolder *taker = overlooked->takers->pdata[i];
    is_known = admit_is_relevant(taker, name) || admit_is_temporary(taker, name);
    for (char **glob = taker->ignore; glob && *glob && !is_known; glob++)
      is_known = fnmatch(*glob, name, 0) == 0;
  }
  return is_known;
}

void overlooked_pass(Overlooked *overlooked, const char *name, guint64 size, gint64 modified) {
  if (overlooked->takers->len == 0 || overlooked->feed->source.tell_after == 0)
    return;
  Look *look = g_hash_table_lookup(overlooked->strangers, name);
  if (!look) {
    if (g_hash_table_size(overlooked->strangers) >= MOST_KEPT || is_expected(overlooked, name))
      return;
    look = g_new0(Look, 1);
    g_hash_table_insert(overlooked->strangers, g_strdup(name), look);
  }
  const CourierEntry entry = {.size = size, .modified = modified};
  look_update(look, &entry, overlooked->now, overlooked->generation);
  if (find(overlooked, &overlooked->unknown, look->since))
    overlooked->unknown.in_words = files_show_bytes(name, strlen(name), 255);
}

gboolean overlooked_wait_unnamed(Overlooked *overlooked, gint64 since) {
  if (overlooked->feed->source.tell_after == 0)
    return TRUE;
  if (is_first(overlooked, &overlooked->waiting, since))
    return FALSE;
  find(overlooked, &overlooked->waiting, since);
  return TRUE;
}

void overlooked_wait(Overlooked *overlooked, const BookFile *file, const char *on, gint64 since) {
  if (overlooked->feed->source.tell_after == 0 || !find(overlooked, &overlooked->waiting, since))
    return;
  overlooked->waiting.id = g_strdup(file->id);
  overlooked->waiting.in_words = g_strdup_printf("%s waits for %s", file->name_shown, on);
}

/* --- Alarms */

static gboolean is_of_before(gpointer key, gpointer value, gpointer user) {
  (void)key;
  return ((const Look *)value)->generation != *(const guint *)user;
}

static gboolean tell_overlooked(BookTransaction *tx, const Overlooked *overlooked, const Found *found, AlarmCall *call,
                                GError **error) {
  call->subject = call->feed = overlooked->feed->name;
  call->detail = found->in_words;
  call->weight = found->late;
  if (found->late > 0)
    return book_raise_alarm(tx, call, error);
  gint64 watched = overlooked->now - overlooked->began;
  gboolean is_over = found->there == 0 || watched >= overlooked->feed->source.tell_after * (gint64)G_USEC_PER_SEC;
  return !is_over || book_clear_alarm(tx, call->kind, call->subject, call->ways, error);
}

/* What lies behind the cut is not seen, and nobody else would say so. */
static gboolean tell_cut(BookTransaction *tx, const char *feed, gboolean is_whole, guint ways, GError **error) {
  g_autofree char *text = g_strdup_printf(
      "%s: its folder is not listed whole: it holds more than 200,000 names that the feed looks at, or its server says "
      "that it leaves some out; files behind that are not seen. Have what is done with taken out of the folder, or "
      "files put into several",
      feed);
  const AlarmCall call = {
      .kind = "listing-cut", .subject = feed, .feed = feed, .text = text, .weight = 1, .ways = ways};
  return is_whole ? book_clear_alarm(tx, call.kind, feed, ways, error) : book_raise_alarm(tx, &call, error);
}

gboolean overlooked_tell(BookTransaction *tx, Overlooked *overlooked, gboolean is_whole, guint ways, GError **error) {
  const char *feed = overlooked->feed->name;
  if (!tell_cut(tx, feed, is_whole, ways, error))
    return FALSE;
  if (!is_whole)
    return TRUE;
  g_hash_table_foreach_remove(overlooked->strangers, is_of_before, &overlooked->generation);
  const Found *waiting = &overlooked->waiting, *unknown = &overlooked->unknown;
  g_autofree char *incomplete = g_strdup_printf(
                      "%s: %u file%s without a marker, signature or declaration for longer than the feed's tell-after, "
                      "the first of them %s; ask the partner for what is missing",
                      feed, waiting->late, waiting->late == 1 ? " lies" : "s lie", waiting->id ? waiting->id : "-"),
                  *misnamed = g_strdup_printf(
                      "%s: its folder has %u file%s whose name no feed takes, for longer than tell-after; ask the "
                      "partner for the right name, or say in the source's ignore that they are not for us",
                      feed, unknown->late, unknown->late == 1 ? "" : "s");
  AlarmCall calls[] = {{.kind = "file-incomplete", .text = incomplete, .ways = ways},
                       {.kind = "file-misnamed", .text = misnamed, .ways = ways}};
  return tell_overlooked(tx, overlooked, waiting, &calls[0], error) &&
         tell_overlooked(tx, overlooked, unknown, &calls[1], error);
}
