#include "gateway/replay/supersede.h"
#include "gateway/base/faultpoint.h"
#include "gateway/replay/keep.h"
#include <jansson.h>
#include <string.h>

typedef struct {
  ReplayFeed *feed;
  GPtrArray *cases;   /* LibraryCase* */
  GPtrArray *strings; /* theirs */
  CasesSuperseded *counts;
} Superseding;

static const char *keep(const Superseding *superseding, const char *text) {
  char *copy = g_strdup(text);
  g_ptr_array_add(superseding->strings, copy);
  return copy;
}

static const char *member(const Superseding *superseding, const json_t *result, const char *name) {
  const char *text = json_string_value(json_object_get(result, name));
  return text ? keep(superseding, text) : CASES_NO_CHANNEL;
}

static gboolean supersede_one(gpointer user, const LibraryCase *found) {
  Superseding *superseding = user;
  const char *rules = replay_feed_rules(superseding->feed);
  if (strcmp(found->rules, rules) == 0)
    return TRUE;
  gboolean fits = replay_feed_set_header(superseding->feed, found->header, NULL);
  g_autofree char *result = fits ? case_comes_to(superseding->feed, found->fields) : NULL;
  if (!result) {
    superseding->counts->dropped++;
    return TRUE;
  }
  if (strcmp(result, found->result) != 0)
    superseding->counts->differing[result_first_difference(found->result, result)]++;
  json_t *object = json_loads(result, 0, NULL);
  LibraryCase *one = g_new(LibraryCase, 1);
  *one = (LibraryCase){.id = keep(superseding, found->id),
                       .feed = keep(superseding, found->feed),
                       .scenario = member(superseding, object, "scenario"),
                       .channel = member(superseding, object, "channel"),
                       .rules = rules,
                       .file = keep(superseding, found->file),
                       .line = found->line,
                       .collected_at = found->collected_at,
                       .header = keep(superseding, found->header),
                       .fields = keep(superseding, found->fields),
                       .result = keep(superseding, result)};
  g_ptr_array_add(superseding->cases, one);
  json_decref(object);
  superseding->counts->superseded++;
  return TRUE;
}

gboolean cases_supersede(CaseLibrary *library, ReplayFeed *feed, SupersedeTold told, gconstpointer user,
                         GError **error) {
  g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
  CasesSuperseded counts = {0};
  Superseding superseding = {feed, cases, strings, &counts};
  const CaseChange change = {replay_feed_conf(feed)->name, replay_feed_rules(feed), cases};
  if (!case_library_each(library, change.feed, NULL, supersede_one, &superseding, error))
    return FALSE;
  if (counts.superseded + counts.dropped == 0)
    return TRUE;
  fault_point("replay-told-before");
  if (!told(user, feed, &counts, error))
    return FALSE;
  fault_point("replay-told-after");
  return case_library_supersede(library, &change, error);
}
