#include "gateway/recon/snapshot.h"
#include "gateway/common/json_text.h"
#include "store/ledger_scan.h"
#include <jansson.h>
#include <string.h>

char *recon_late_subject(const char *name, const char *period) {
  return g_strdup_printf("%s %s", name, period);
}

char *recon_snapshot_text(const ReconSnapshot *snapshot) {
  json_t *positions = json_array(), *without = json_array();
  for (guint i = 0; i < snapshot->shards; i++)
    json_array_append_new(positions, json_integer(snapshot->positions[i]));
  g_autoptr(GList) files = snapshot->without ? g_list_sort(g_hash_table_get_keys(snapshot->without),
                                                           (GCompareFunc)strcmp)
                                             : NULL;
  for (const GList *at = files; at; at = at->next)
    json_array_append_new(without, json_string(at->data));
  json_t *object = json_pack("{s:s, s:I, s:I, s:s, s:s, s:o, s:o}", "plan", snapshot->plan, "at",
                             (json_int_t)snapshot->at, "sequence", (json_int_t)snapshot->sequence, "from",
                             snapshot->from, "to", snapshot->to, "positions", positions, "without", without);
  if (snapshot->supplements > 0)
    json_object_set_new(object, "supplements", json_integer(snapshot->supplements));
  return json_text_take(object);
}

gboolean recon_snapshot_read(const char *text, ReconSnapshot *snapshot) {
  json_t *object = text ? json_loads(text, 0, NULL) : NULL;
  const char *plan = json_string_value(json_object_get(object, "plan"));
  const json_t *positions = json_object_get(object, "positions"), *without = json_object_get(object, "without"),
               *sequence = json_object_get(object, "sequence");
  *snapshot = (ReconSnapshot){.plan = g_strdup(plan),
                              .at = json_integer_value(json_object_get(object, "at")),
                              .sequence = json_is_integer(sequence) ? json_integer_value(sequence) : -1,
                              .from = g_strdup(json_string_value(json_object_get(object, "from"))),
                              .to = g_strdup(json_string_value(json_object_get(object, "to"))),
                              .shards = (guint)json_array_size(positions),
                              .supplements = (guint)json_integer_value(json_object_get(object, "supplements")),
                              .without = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
  snapshot->positions = g_new0(gint64, snapshot->shards + 1);
  for (guint i = 0; i < snapshot->shards; i++)
    snapshot->positions[i] = json_integer_value(json_array_get(positions, i));
  for (guint i = 0; i < json_array_size(without); i++)
    g_hash_table_add(snapshot->without, g_strdup(json_string_value(json_array_get(without, i))));
  json_decref(object);
  return plan != NULL;
}

void recon_snapshot_clear(ReconSnapshot *snapshot) {
  g_free(snapshot->plan);
  g_free(snapshot->from);
  g_free(snapshot->to);
  g_free(snapshot->positions);
  g_clear_pointer(&snapshot->without, g_hash_table_unref);
}

gboolean recon_snapshot_has(const ReconSnapshot *snapshot, const char *folder, const char *ledger, const char *file,
                            gboolean *has, GError **error) {
  g_autoptr(GHashTable) one = g_hash_table_new(g_str_hash, g_str_equal);
  g_hash_table_add(one, (gpointer)(intptr_t)file);
  if (!ledger_keep_posted(folder, ledger, snapshot->positions, snapshot->shards, one, error))
    return FALSE;
  *has = g_hash_table_size(one) > 0 && !g_hash_table_contains(snapshot->without, file);
  return TRUE;
}

gboolean recon_snapshot_before(BookReader *reader, const ReconTask *task, ReconSnapshot *snapshot, guint *version,
                               GError **error) {
  ReconFilter filter = {.name = task->name, .period = task->period, .version = task->version - 1};
  *version = 0;
  if (task->version == 1)
    return TRUE;
  g_autoptr(GPtrArray) tasks = recon_tasks(reader, &filter, error);
  if (!tasks)
    return FALSE;
  const ReconTask *before = tasks->len ? tasks->pdata[0] : NULL;
  if (before && before->state == RECON_DONE && recon_snapshot_read(before->snapshot, snapshot) && snapshot->shards > 0)
    *version = before->version;
  return TRUE;
}
