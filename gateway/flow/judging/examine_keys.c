/* The first pass over a staged file: its range of keys, and the records whose key stands earlier in it. */
#include "gateway/threads/crew.h"
#include "gateway/flow/judging/examine.h"
#include "gateway/flow/judging/examine_rules.h"
#include "gateway/records/keyset.h"
#include "gateway/records/normal_form.h"
#include <pthread.h>
#include <string.h>

enum { RECORDS_AT_A_TIME = 4096, MOST_REPEATED = 1000000 };

typedef struct {
  const ExamineOptions *options;
  KeySet *set;
  pthread_mutex_t lock; /* of all below */
  guint64 next, records;
  GBytes *least, *greatest;
  gint64 moved;
  guint spelled;
  GError *error;
} Keys;

const char *examine_text_at(const RecordBlock *block, guint column, guint record, char buffer[EXAMINE_NUMBER],
                            gsize *length) {
  if (block->columns[column].type == BLOCK_TEXT)
    return record_block_text(block, column, record, length);
  *length = (gsize)g_snprintf(buffer, EXAMINE_NUMBER, "%" G_GINT64_FORMAT, record_block_integer(block, column, record));
  return buffer;
}

static char *keep_text(const RecordBlock *block, guint column, guint record, GString *into) {
  char buffer[EXAMINE_NUMBER];
  gsize length;
  if (record_block_is_null(block, column, record))
    return NULL;
  const char *text = examine_text_at(block, column, record, buffer, &length);
  g_string_truncate(into, 0);
  g_string_append_len(into, text, (gssize)length);
  return into->str;
}

void examine_keep_values(const RecordBlock *block, const LedgerColumns *columns, guint record, GString *key,
                         GString *account, RecordException *exception) {
  if (!columns)
    return;
  exception->key = keep_text(block, columns->key, record, key);
  exception->account = keep_text(block, columns->account, record, account);
  exception->has_amount = !record_block_is_null(block, columns->amount, record);
  exception->amount = record_block_integer(block, columns->amount, record);
}

/* The least and greatest key of one thread's share; GStrings, since keys mostly ascend and the greatest is replaced all
 * the time. */
typedef struct {
  GString *least, *greatest;
  gint64 moved;
  guint spelled;
} KeyRange;

static int compare(const char *a, gsize a_length, const char *b, gsize b_length) {
  int order = memcmp(a, b, MIN(a_length, b_length));
  return order != 0 ? order : a_length < b_length ? -1 : a_length > b_length;
}

static void replace(GString **kept, const char *key, gsize length) {
  if (!*kept)
    *kept = g_string_new(NULL);
  g_string_truncate(*kept, 0);
  g_string_append_len(*kept, key, (gssize)length);
}

static void widen(KeyRange *range, const char *key, gsize length) {
  if (!range->least || compare(key, length, range->least->str, range->least->len) < 0)
    replace(&range->least, key, length);
  if (!range->greatest || compare(key, length, range->greatest->str, range->greatest->len) > 0)
    replace(&range->greatest, key, length);
}

static void merge(GBytes **kept, const char *key, gsize length, int wanted) {
  gsize kept_length = 0;
  const char *bytes = *kept ? g_bytes_get_data(*kept, &kept_length) : NULL;
  if (*kept && compare(key, length, bytes, kept_length) * wanted <= 0)
    return;
  g_clear_pointer(kept, g_bytes_unref);
  *kept = g_bytes_new(key, length);
}

static void add_moved(gint64 *sum, gint64 amount) {
  if (amount == G_MININT64 || __builtin_add_overflow(*sum, ABS(amount), sum))
    *sum = G_MAXINT64;
}

static gboolean take_range(Keys *keys, guint64 *first) {
  pthread_mutex_lock(&keys->lock);
  *first = keys->next;
  gboolean is_work = !keys->error && keys->next <= keys->records;
  keys->next += RECORDS_AT_A_TIME;
  pthread_mutex_unlock(&keys->lock);
  return is_work;
}

static inline guint spelling_of(const char *key, gsize length) {
  guint spelled = 0;
  gboolean may_be_odd = length > 0 && ((guint8)key[0] <= ' ' || (guint8)key[length - 1] <= ' ');
  for (gsize i = 0; i < length; i++) {
    guint8 letter = (guint8)(key[i] | 0x20);
    may_be_odd |= (guint8)key[i] >= 0xe3;
    spelled |= letter < 'a' || letter > 'z' ? 0u : key[i] & 0x20 ? KEY_HAS_LOWER : KEY_HAS_UPPER;
  }
  if (may_be_odd && normal_form_changes(1 << CONF_NORMAL_TRIM | 1 << CONF_NORMAL_WIDTH, key, length))
    spelled |= KEY_IS_ODD;
  return spelled;
}

static gboolean add_block(Keys *keys, const RecordBlock *block, KeyAdder *adder, KeyRange *range, GError **error) {
  guint column = keys->options->columns->key;
  for (guint i = 0; i < block->count; i++) {
    if (record_block_is_null(block, column, i) || record_block_is_faulty(block, i)) /* it may be its group's */
      continue;
    char buffer[EXAMINE_NUMBER];
    gsize length;
    const char *key = examine_text_at(block, column, i, buffer, &length);
    if (!key_adder_add(adder, key, length, block->first + i, error))
      return FALSE;
    widen(range, key, length);
    add_moved(&range->moved, record_block_integer(block, keys->options->columns->amount, i));
    range->spelled |= spelling_of(key, length);
  }
  return TRUE;
}

static gboolean add_share(Keys *keys, StagingReader *reader, KeyAdder *adder, KeyRange *range, GError **error) {
  g_autoptr(RecordBlock) block = staging_block_new(reader, RECORDS_AT_A_TIME);
  for (guint64 first; take_range(keys, &first);) {
    guint count = (guint)MIN(RECORDS_AT_A_TIME, keys->records - first + 1);
    if (!staging_read(reader, first, count, block, error) || !add_block(keys, block, adder, range, error))
      return FALSE;
  }
  return TRUE;
}

static void collect(gpointer data) {
  Keys *keys = data;
  GError *error = NULL;
  KeyRange range = {0};
  KeyAdder *adder = key_adder_new(keys->set);
  StagingReader *reader = staging_reader_open(keys->options->staging, &error);
  if (reader && add_share(keys, reader, adder, &range, &error)) { /* what went wrong is in error */
  }
  g_clear_pointer(&reader, staging_reader_close);
  if (!key_adder_finish(adder, error ? NULL : &error)) { /* the same */
  }
  pthread_mutex_lock(&keys->lock);
  keys->spelled |= range.spelled;
  if (range.least)
    merge(&keys->least, range.least->str, range.least->len, -1);
  if (range.greatest)
    merge(&keys->greatest, range.greatest->str, range.greatest->len, 1);
  add_moved(&keys->moved, range.moved);
  if (error && !keys->error)
    keys->error = error;
  else
    g_clear_error(&error);
  pthread_mutex_unlock(&keys->lock);
  if (range.least)
    g_string_free(range.least, TRUE);
  if (range.greatest)
    g_string_free(range.greatest, TRUE);
}

/* --- Candidates of equal hash, compared key by key */

typedef struct {
  const ExamineOptions *options;
  StagingReader *reader;
  RecordBlock *block;
  ExamineRules *rules; /* NULL: there are none */
  GArray *repeated;
  gboolean too_many;
} Compare;

typedef struct {
  guint64 record, line;
  char *key;
  gsize length;
  char *account;
  gsize account_length;
  gint64 amount;
} First;

static void first_clear(gpointer data) {
  g_free(((First *)data)->key);
  g_free(((First *)data)->account);
}

static gboolean load_first(Compare *run, guint64 record, First *first, GError **error) {
  if (!staging_read(run->reader, record, 1, run->block, error))
    return FALSE;
  char buffer[EXAMINE_NUMBER];
  const char *key = examine_text_at(run->block, run->options->columns->key, 0, buffer, &first->length);
  first->record = record;
  first->line = run->block->lines[0];
  first->key = g_memdup2(key, first->length);
  const char *account = examine_text_at(run->block, run->options->columns->account, 0, buffer, &first->account_length);
  first->account = g_memdup2(account, first->account_length);
  first->amount = record_block_integer(run->block, run->options->columns->amount, 0);
  return TRUE;
}

static First *find_first(const GArray *firsts, const First *record) {
  for (guint i = 0; i < firsts->len; i++) {
    First *first = &g_array_index(firsts, First, i);
    if (compare(first->key, first->length, record->key, record->length) == 0)
      return first;
  }
  return NULL;
}

static void note_broken(gpointer user, guint record, guint64 rules) {
  (void)record;
  *(gboolean *)user = rules != 0;
}

/* Refused by a rule, whatever its key: what will never be credited does not occupy its key. */
static gboolean is_refused(Compare *run, guint64 record, gboolean *refused, GError **error) {
  *refused = FALSE;
  return !run->rules || (staging_read(run->reader, record, 1, run->block, error) &&
                         examine_rules_run(run->rules, run->block, note_broken, refused, error));
}

static gboolean is_same_posting(const First *a, const First *b) {
  return a->amount == b->amount && compare(a->account, a->account_length, b->account, b->account_length) == 0;
}

static gboolean compare_group(gpointer user, const guint64 *records, gsize n, GError **error) {
  Compare *run = user;
  g_autoptr(GArray) firsts = g_array_new(FALSE, FALSE, sizeof(First));
  g_array_set_clear_func(firsts, first_clear);
  for (gsize i = 0; i < n && !run->too_many; i++) {
    First record = {0};
    if (!load_first(run, records[i], &record, error))
      return FALSE;
    First *first = find_first(firsts, &record);
    gboolean refused = FALSE;
    if (first && !is_refused(run, first->record, &refused, error)) {
      first_clear(&record);
      return FALSE;
    }
    if (!first) {
      g_array_append_val(firsts, record);
      continue;
    }
    if (refused) {
      first_clear(first);
      *first = record;
      continue;
    }
    RepeatedKey repeated = {records[i], first->record, first->line, !is_same_posting(first, &record)};
    g_array_append_val(run->repeated, repeated);
    run->too_many = run->repeated->len >= MOST_REPEATED;
    first_clear(&record);
  }
  return TRUE;
}

static int by_record(gconstpointer a, gconstpointer b) {
  const RepeatedKey *x = a, *y = b;
  return x->record < y->record ? -1 : x->record > y->record;
}

static gboolean compare_candidates(const ExamineOptions *options, KeySet *set, StagingReader *reader, KeyFacts *facts,
                                   GError **error) {
  g_autoptr(RecordBlock) block = staging_block_new(reader, 1);
  g_autoptr(ExamineRules) rules = NULL;
  if (options->n_rules > 0 && !(rules = examine_rules_new(options, reader, error)))
    return FALSE;
  Compare run = {
      .options = options, .reader = reader, .block = block, .rules = rules, .repeated = facts->repeated};
  if (!keyset_visit(set, compare_group, &run, error))
    return FALSE;
  facts->too_many = run.too_many;
  g_array_sort(facts->repeated, by_record);
  return TRUE;
}

gboolean examine_keys(const ExamineOptions *options, KeyFacts *facts, GError **error) {
  if (!options->columns) {
    *facts = (KeyFacts){.repeated = g_array_new(FALSE, FALSE, sizeof(RepeatedKey))};
    return TRUE;
  }
  g_autoptr(StagingReader) reader = staging_reader_open(options->staging, error);
  if (!reader)
    return FALSE;
  g_autoptr(KeySet) set = keyset_new(options->scratch);
  Keys keys = {.options = options, .set = set, .next = 1, .records = staging_count(reader)};
  pthread_mutex_init(&keys.lock, NULL);
  crew_run((guint)MIN(options->threads, keys.records / RECORDS_AT_A_TIME + 1), collect, &keys);
  pthread_mutex_destroy(&keys.lock);
  *facts = (KeyFacts){.least = keys.least,
                      .greatest = keys.greatest,
                      .moved = keys.moved,
                      .spelled = keys.spelled,
                      .repeated = g_array_new(FALSE, FALSE, sizeof(RepeatedKey))};
  if (!keys.error)
    return compare_candidates(options, set, reader, facts, error) && examine_alike(options, facts, error);
  g_propagate_error(error, keys.error);
  return FALSE;
}

void key_facts_clear(KeyFacts *facts) {
  g_clear_pointer(&facts->least, g_bytes_unref);
  g_clear_pointer(&facts->greatest, g_bytes_unref);
  g_clear_pointer(&facts->repeated, g_array_unref);
}
