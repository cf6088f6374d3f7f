/* Sums of what a full file has, or would have. A block whose events are all of the days counts by its own sums; one
 * that has others among them is read. */
#include "store/details/filed_private.h"
#include "store/details/queries.sql.h"

typedef struct {
  const FileBase *base;
  const FiledSpan *span;
  const DetailDays *days;
  DetailSums *sums;
  GTree *left; /* day → LeftOver; NULL: it is not noted */
  DbStatement *add;
} Walk;

static gint64 day_of(const DetailDays *days, gint64 event) {
  return days->day_of ? days->day_of(days->user, event) : days->from;
}

static gboolean has_day(const DetailDays *days, gint64 day) {
  return !days->day_of || (day >= days->from && day <= days->to);
}

static void add(DetailSums *sums, const DetailSums *more) {
  if (more->count == 0)
    return;
  if (!sums->count || more->first_event < sums->first_event)
    sums->first_event = more->first_event;
  if (!sums->count || more->last_event > sums->last_event)
    sums->last_event = more->last_event;
  if (!sums->since || more->since < sums->since)
    sums->since = more->since;
  sums->count += more->count;
  sums->amount += more->amount;
  sums->late += more->late;
  sums->late_amount += more->late_amount;
}

/* --- Noting what is left over */

static int compare_days(gconstpointer a, gconstpointer b, gpointer unused) {
  const gint64 *left = a, *right = b;
  (void)unused;
  return (*left > *right) - (*left < *right);
}

static gboolean note(const Walk *walk, LeftOver *left, GError **error) {
  if (left->count == 0)
    return TRUE;
  db_bind(walk->add, "uiiiiiiiib", walk->span->shard, left->day, walk->span->left_by, left->since,
          (gint64)left->count, filed_high(left->amount), filed_low(left->amount), left->first_event, left->last_event,
          left->numbers->data, (gsize)left->numbers->len);
  if (!db_done(walk->add, error))
    return FALSE;
  left->count = 0;
  left->amount = 0;
  g_byte_array_set_size(left->numbers, 0);
  return TRUE;
}

static gboolean leave(const Walk *walk, gint64 day, gint64 number, const DetailSums *one, GError **error) {
  LeftOver *left = walk->left ? g_tree_lookup(walk->left, &day) : NULL;
  guint64 bytes = GUINT64_TO_LE((guint64)number);
  if (!walk->left)
    return TRUE;
  if (!left) {
    left = g_new0(LeftOver, 1);
    left->day = day;
    left->numbers = g_byte_array_new();
    g_tree_insert(walk->left, &left->day, left);
  }
  if (left->count == 0) {
    left->since = one->since;
    left->first_event = left->last_event = one->first_event;
  }
  left->first_event = MIN(left->first_event, one->first_event);
  left->last_event = MAX(left->last_event, one->last_event);
  left->count++;
  left->amount += one->amount;
  g_byte_array_append(left->numbers, (const guint8 *)&bytes, NUMBER_BYTES);
  return left->count < LEFT_OVER_MOST || note(walk, left, error);
}

typedef struct {
  const Walk *walk;
  GError **error;
} Noting;

static gboolean note_rest(gpointer day, gpointer left, gpointer data) {
  const Noting *noting = data;
  (void)day;
  return !note(noting->walk, left, noting->error); /* TRUE ends it */
}

/* --- Blocks */

static gboolean walk_block(const Walk *walk, gint64 first, GError **error) {
  DetailView *view = walk->base->shards[walk->span->shard].view;
  if (!detail_view_load(view, first, error))
    return FALSE;
  for (guint i = 0; i < view->count; i++) {
    if (record_block_integer(view->block, DETAIL_STATUS, i) != DETAIL_RATED)
      continue;
    gint64 event = record_block_integer(view->block, DETAIL_AT, i), day = day_of(walk->days, event);
    DetailSums one = {1, record_block_integer(view->block, DETAIL_AMOUNT, i), view->at, event, event, 0, 0};
    if (walk->days->day_of && day < walk->days->late_before) {
      one.late = 1;
      one.late_amount = one.amount;
    }
    if (has_day(walk->days, day))
      add(walk->sums, &one);
    else if (!leave(walk, day, view->first + i, &one, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean walk_row(const Walk *walk, DbStatement *row, GError **error) {
  const DetailDays *days = walk->days;
  DetailSums block = {.count = (guint64)db_integer(row, 1), .amount = db_integer(row, 2), .since = db_integer(row, 3),
                      .first_event = db_integer(row, 4), .last_event = db_integer(row, 5)};
  gint64 first = day_of(days, block.first_event), last = day_of(days, block.last_event);
  gboolean is_late = days->day_of && last < days->late_before;
  if (db_integer(row, 6) || (is_late != (days->day_of && first < days->late_before)))
    return walk_block(walk, db_integer(row, 0), error);
  if (has_day(days, first) && has_day(days, last)) {
    block.late = is_late ? block.count : 0;
    block.late_amount = is_late ? block.amount : 0;
    add(walk->sums, &block);
    return TRUE;
  }
  gboolean is_none = last < days->from || first > days->to;
  return (is_none && !walk->left) || walk_block(walk, db_integer(row, 0), error);
}

static gboolean walk_rows(const Walk *walk, GError **error) {
  g_autoptr(DbStatement) rows = db_prepare_named(walk->base->shards[walk->span->shard].details, details_queries_sql,
                                                 "sums-between", error);
  gboolean row = rows != NULL;
  if (!rows)
    return FALSE;
  db_bind(rows, "ii", walk->span->after, walk->span->last);
  while (row)
    if (!db_step(rows, &row, error) || (row && !walk_row(walk, rows, error)))
      return FALSE;
  return TRUE;
}

gboolean filed_walk(const FileBase *base, const FiledSpan *span, const DetailDays *days, DetailSums *sums,
                    GError **error) {
  Walk walk = {.base = base, .span = span, .days = days, .sums = sums};
  GError *why = NULL;
  if (span->left_by > 0) {
    if (!(walk.add = db_prepare_named(base->files, details_queries_sql, "add-left", error)))
      return FALSE;
    walk.left = g_tree_new_full(compare_days, NULL, NULL, (GDestroyNotify)left_over_free);
  }
  Noting noting = {&walk, &why};
  if (walk_rows(&walk, &why) && walk.left)
    g_tree_foreach(walk.left, note_rest, &noting);
  g_clear_pointer(&walk.left, g_tree_unref);
  db_statement_free(walk.add);
  if (why)
    g_propagate_error(error, why);
  return why == NULL;
}

gboolean filed_add_waiting(const FileBase *base, const DetailDays *days, DetailSums *sums, GError **error) {
  g_autoptr(DbStatement) rows = db_prepare_named(base->files, details_queries_sql, "left-waiting", error);
  gboolean row = rows != NULL;
  if (!rows)
    return FALSE;
  db_bind(rows, "ii", days->from, days->to);
  while (row) {
    if (!db_step(rows, &row, error))
      return FALSE;
    g_autoptr(LeftOver) left = row ? left_over_of(rows) : NULL;
    if (!left)
      break;
    gboolean is_late = days->day_of && left->day < days->late_before;
    add(sums, &(DetailSums){left->count, left->amount, left->since, left->first_event, left->last_event,
                            is_late ? left->count : 0, is_late ? left->amount : 0});
  }
  return TRUE;
}
