/* One pass over a load and the version in force, both in the order of their keys. What a full load has is the next
 * version; a delta is put over the rows in force of those keys that it names. */
#include "store/reference/reference_private.h"
#include "store/reference/queries.sql.h"
#include <string.h>

typedef struct {
  const MergeSink *sink;
  ReferenceFindings *findings;
  DbStatement *of_key; /* a delta's: the rows in force of one key */
  gboolean may_miss;   /* likewise */
  Group *live, *incoming, *next, *none; /* none: without rows */
} Merge;

/* --- One key */

static gboolean enter(Merge *merge, const GroupRow *row, GError **error) {
  const MergeSink *sink = merge->sink;
  return !sink->enter ||
         sink->enter(sink->user, merge->next->key->str, row, group_content(merge->next, row), error);
}

static gboolean leave(Merge *merge, const GroupRow *row, GError **error) {
  const MergeSink *sink = merge->sink;
  return !sink->leave || sink->leave(sink->user, row->id, error);
}

static gboolean is_same(const Merge *merge, const GroupRow *live, const GroupRow *next) {
  return live->finish == next->finish &&
         strcmp(group_content(merge->live, live), group_content(merge->next, next)) == 0;
}

/* Rows of one key are told apart by their starts. */
static gboolean change(Merge *merge, GError **error) {
  ReferenceFindings *findings = merge->findings;
  guint i = 0, j = 0;
  findings->rows += merge->next->rows->len;
  while (i < merge->live->rows->len || j < merge->next->rows->len) {
    const GroupRow *live = i < merge->live->rows->len ? group_row(merge->live, i) : NULL,
                   *next = j < merge->next->rows->len ? group_row(merge->next, j) : NULL;
    gboolean goes = live && (!next || live->start <= next->start);
    gboolean comes = next && (!live || next->start <= live->start);
    i += goes ? 1 : 0;
    j += comes ? 1 : 0;
    if (goes && comes && is_same(merge, live, next))
      continue;
    findings->changed += goes && comes;
    findings->removed += goes && !comes;
    findings->added += comes && !goes;
    if ((goes && !leave(merge, live, error)) || (comes && !enter(merge, next, error)))
      return FALSE;
  }
  return TRUE;
}

static void find_fault(Merge *merge, ReferenceFault fault, const GroupRow *row, const GroupRow *other) {
  ReferenceFindings *findings = merge->findings;
  const GroupRow *own = row->id == 0 || !other ? row : other;
  const GroupRow *second = own == row ? other : row;
  findings->fault = fault;
  findings->line = own->line;
  findings->other_line = second ? second->line : 0;
  findings->other_origin = second ? second->origin : 0;
}

static void look_between(Merge *merge, const GroupRow *before, const GroupRow *row) {
  ReferenceFindings *findings = merge->findings;
  if (row->start < before->finish) {
    find_fault(merge, REFERENCE_OVERLAP, before, row);
  } else if (row->start > before->finish) {
    findings->gaps++;
    if (findings->gap_line == 0 && row->id == 0)
      findings->gap_line = row->line;
  }
}

static void examine(Merge *merge) {
  const Group *next = merge->next;
  if (next->rows->len > REFERENCE_KEY_ROWS)
    find_fault(merge, REFERENCE_CROWDED, group_row(next, 0), NULL);
  for (guint i = 1; i < next->rows->len && !merge->findings->fault; i++)
    look_between(merge, group_row(next, i - 1), group_row(next, i));
}

/* --- A delta: the rows in force, and over them what it brings and takes away. */

static void keep(Merge *merge, const Group *from, const GroupRow *row) {
  group_add(merge->next, row, group_content(from, row));
}

static void put_over(Merge *merge) {
  Group *live = merge->live, *incoming = merge->incoming;
  guint i = 0;
  group_begin(merge->next, incoming->key->str);
  for (guint j = 0; j < incoming->rows->len && !merge->findings->fault; j++) {
    const GroupRow *row = group_row(incoming, j), *last = j > 0 ? group_row(incoming, j - 1) : NULL;
    for (; i < live->rows->len && group_row(live, i)->start < row->start; i++)
      keep(merge, live, group_row(live, i));
    gboolean is_there = i < live->rows->len && group_row(live, i)->start == row->start;
    i += is_there ? 1 : 0;
    if (last && last->start == row->start)
      find_fault(merge, REFERENCE_OVERLAP, last, row);
    else if (row->takes_away && !is_there && !merge->may_miss)
      find_fault(merge, REFERENCE_NOTHING, row, NULL);
    else if (!row->takes_away)
      keep(merge, incoming, row);
  }
  for (; i < live->rows->len; i++)
    keep(merge, live, group_row(live, i));
}

/* What is between two rows of the key was counted with the version in force, too. */
static guint64 gaps_in(const Group *group) {
  guint64 gaps = 0;
  for (guint i = 1; i < group->rows->len; i++)
    gaps += group_row(group, i)->start > group_row(group, i - 1)->finish;
  return gaps;
}

static gboolean read_live(Merge *merge, GError **error) {
  GroupCursor cursor = {.statement = merge->of_key};
  gboolean any = FALSE;
  if (merge->of_key) {
    db_bind(merge->of_key, "s", merge->incoming->key->str);
    if (!group_next(&cursor, merge->live, &any, error))
      return FALSE;
    db_reset(merge->of_key);
  }
  if (!any)
    group_begin(merge->live, merge->incoming->key->str);
  return TRUE;
}

static gboolean merge_delta(Merge *merge, GroupCursor *incoming, GError **error) {
  ReferenceFindings *findings = merge->findings;
  gboolean any = TRUE;
  findings->rows = findings->before;
  while (!findings->fault) {
    if (!group_next(incoming, merge->incoming, &any, error))
      return FALSE;
    if (!any)
      return TRUE;
    if (!read_live(merge, error))
      return FALSE;
    put_over(merge);
    if (!findings->fault)
      examine(merge);
    findings->rows -= merge->live->rows->len;
    findings->gaps -= gaps_in(merge->live);
    if (!findings->fault && !change(merge, error))
      return FALSE;
  }
  return TRUE;
}

/* --- A full load */

static gboolean merge_full(Merge *merge, GroupCursor *incoming, GroupCursor *live, GError **error) {
  gboolean comes = FALSE, goes = FALSE;
  if (!group_next(incoming, merge->next, &comes, error) || (live && !group_next(live, merge->live, &goes, error)))
    return FALSE;
  while ((comes || goes) && !merge->findings->fault) {
    int order = !comes ? -1 : !goes ? 1 : strcmp(merge->live->key->str, merge->next->key->str);
    Group *next = merge->next, *now = merge->live;
    if (order < 0)
      merge->next = merge->none;
    else if (order > 0)
      merge->live = merge->none;
    examine(merge);
    gboolean ok = merge->findings->fault || change(merge, error);
    merge->next = next;
    merge->live = now;
    if (!ok || (order >= 0 && !group_next(incoming, next, &comes, error)) ||
        (order <= 0 && !group_next(live, now, &goes, error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean merge_with(Merge *merge, ReferenceLoad *load, ReferenceReader *live, GError **error) {
  gboolean is_delta = load->kind == REFERENCE_DELTA;
  g_autoptr(DbStatement) incoming = db_prepare_named(load->db, reference_queries_sql, "incoming", error);
  g_autoptr(DbStatement) in_force =
      incoming && live
          ? db_prepare_named(live->db, reference_queries_sql, is_delta ? "rows-of-key" : "rows-in-force", error)
          : NULL;
  if (!incoming || (live && !in_force))
    return FALSE;
  GroupCursor from_load = {.statement = incoming}, from_table = {.statement = in_force};
  if (!is_delta)
    return merge_full(merge, &from_load, live ? &from_table : NULL, error);
  merge->of_key = in_force;
  return merge_delta(merge, &from_load, error);
}

gboolean reference_merge(ReferenceLoad *load, ReferenceReader *live, const MergeSink *sink, ReferenceFindings *findings,
                         GError **error) {
  g_autoptr(ReferenceVersion) before = NULL;
  *findings = (ReferenceFindings){0};
  if (live && !reference_version(live, 0, &before, error))
    return FALSE;
  findings->before = before ? before->rows : 0;
  findings->gaps = before && load->kind == REFERENCE_DELTA ? before->gaps : 0;
  Merge merge = {sink, findings, NULL, load->may_miss, group_new(), group_new(), group_new(), group_new()};
  gboolean ok = merge_with(&merge, load, live, error);
  group_free(merge.live);
  group_free(merge.incoming);
  group_free(merge.next);
  group_free(merge.none);
  return ok;
}
