#include "gateway/rating/counters.h"
#include "gateway/time/calendar.h"
#include <string.h>

typedef struct {
  gint64 *used, before;
} Taken;

struct RatingMemory {
  const RatingPlan *plan;
  GHashTable *used; /* account and period → gint64 */
  GArray *taken;    /* Taken: of this block, in its order */
  GString *key;
  int account;
  RatingCounters counters;
};

void rating_period(const RatingPlan *plan, gint64 at, GString *key) {
  int year;
  guint month, day;
  day_parts(day_at(rating_plan_zone(plan), at), &year, &month, &day);
  switch (rating_plan_conf(plan)->tiers.counter) {
  case CONF_COUNTER_DAY:
    g_string_append_printf(key, "%04d-%02u-%02u", year, month, day);
    break;
  case CONF_COUNTER_MONTH:
    g_string_append_printf(key, "%04d-%02u", year, month);
    break;
  case CONF_COUNTER_YEAR:
    g_string_append_printf(key, "%04d", year);
    break;
  case CONF_COUNTER_EVER:
    break;
  }
}

static void put_account(const RatingMemory *memory, const RecordBlock *block, guint index) {
  guint column = (guint)memory->account;
  gsize length;
  if (block->columns[column].type == BLOCK_INTEGER) {
    g_string_append_printf(memory->key, "%" G_GINT64_FORMAT, record_block_integer(block, column, index));
  } else {
    const char *text = record_block_text(block, column, index, &length);
    g_string_append_len(memory->key, text, (gssize)length);
  }
}

/* An account has no line end in it. */
static gint64 take(gpointer user, const RecordBlock *block, guint index, const RatedRecord *record) {
  RatingMemory *memory = user;
  g_string_truncate(memory->key, 0);
  rating_period(memory->plan, record->at, memory->key);
  g_string_append_c(memory->key, '\n');
  put_account(memory, block, index);
  gint64 *used = g_hash_table_lookup(memory->used, memory->key->str);
  if (!used)
    g_hash_table_insert(memory->used, g_strdup(memory->key->str), used = g_new0(gint64, 1));
  Taken taken = {used, *used};
  g_array_append_val(memory->taken, taken);
  if (__builtin_add_overflow(*used, record->billed, used))
    *used = G_MAXINT64; /* no tier reaches it: the next one is refused */
  return taken.before;
}

static void give_back(gpointer user, guint n) {
  RatingMemory *memory = user;
  for (; n > 0 && memory->taken->len > 0; n--) {
    const Taken *last = &g_array_index(memory->taken, Taken, memory->taken->len - 1);
    *last->used = last->before;
    g_array_set_size(memory->taken, memory->taken->len - 1);
  }
}

RatingMemory *rating_memory_new(const RatingPlan *plan) {
  RatingMemory *memory = g_new(RatingMemory, 1);
  *memory = (RatingMemory){.plan = plan,
                           .used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                           .taken = g_array_new(FALSE, FALSE, sizeof(Taken)),
                           .key = g_string_new(NULL),
                           .account = rating_plan_column(plan, rating_plan_conf(plan)->account)};
  memory->counters = (RatingCounters){take, give_back, memory};
  return memory;
}

void rating_memory_free(RatingMemory *memory) {
  if (!memory)
    return;
  g_hash_table_unref(memory->used);
  g_array_unref(memory->taken);
  g_string_free(memory->key, TRUE);
  g_free(memory);
}

const RatingCounters *rating_memory_begin(RatingMemory *memory) {
  g_array_set_size(memory->taken, 0);
  return &memory->counters;
}
