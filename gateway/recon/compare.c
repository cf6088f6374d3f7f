#include "gateway/recon/compare.h"
#include "gateway/base/error.h"
#include <string.h>
#include <unistd.h>

enum { BLOCK_RECORDS = 2048 };

const char *compare_word(CompareKind kind) {
  static const char *const words[COMPARE_KINDS] = {
      [COMPARE_NOT_THEIRS] = "missing-theirs", [COMPARE_NOT_OURS] = "missing-ours", [COMPARE_AMOUNT] = "amount"};
  return words[kind];
}

/* --- A side: its records in the order of their keys, one after the other */

typedef struct {
  const char *who, *name; /* for messages; the sorted file's name */
  ReconSource *sorted;
  const ReconBatch *batch;
  guint taken; /* of the batch */
  RecordBlock *block;
  guint at; /* in the block; block->count: the end */
  guint key, amount;
  gint64 factor; /* to the comparison's scale */
  gint64 value, total;
  guint64 records;
} Side;

static gboolean take_block(Side *side, GError **error) {
  record_block_clear(side->block);
  side->at = 0;
  while (side->block->count == 0) {
    if (!side->batch || side->taken >= side->batch->n) {
      side->taken = 0;
      if (!side->sorted->next(side->sorted, &side->batch, error))
        return FALSE;
      if (!side->batch)
        return TRUE;
    }
    side->taken += recon_block_take(side->sorted, side->batch, side->taken, side->block);
  }
  return TRUE;
}

static gboolean is_at_end(const Side *side) {
  return side->at >= side->block->count;
}

static gboolean look_at(Side *side, GError **error) {
  const RecordBlock *block = side->block;
  if (is_at_end(side))
    return TRUE;
  guint64 line = block->lines[side->at];
  if (record_block_is_null(block, side->key, side->at) || record_block_is_null(block, side->amount, side->at))
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: line %" G_GUINT64_FORMAT " has no %s", side->who, line,
                               record_block_is_null(block, side->key, side->at) ? "key" : "amount");
  if (__builtin_mul_overflow(record_block_integer(block, side->amount, side->at), side->factor, &side->value) ||
      __builtin_add_overflow(side->total, side->value, &side->total))
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "%s: line %" G_GUINT64_FORMAT ": the total does not fit in 64 bits", side->who, line);
  side->records++;
  return TRUE;
}

static gboolean step(Side *side, GError **error) {
  side->at++;
  if (is_at_end(side) && !take_block(side, error))
    return FALSE;
  return look_at(side, error);
}

static const char *key_of(const Side *side, gsize *length) {
  return record_block_text(side->block, side->key, side->at, length);
}

static gboolean find_columns(Side *side, const CompareSide *asked, guint *scale, GError **error) {
  int key = recon_source_column(asked->source, asked->key), amount = recon_source_column(asked->source, asked->amount);
  if (key < 0 || amount < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: there is no column \"%s\"", side->who,
                               key < 0 ? asked->key : asked->amount);
  if (asked->source->columns[key].type != BLOCK_TEXT || asked->source->columns[amount].type != BLOCK_INTEGER)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s: the key \"%s\" must be text, and the amount \"%s\" a number", side->who, asked->key,
                               asked->amount);
  side->key = (guint)key;
  side->amount = (guint)amount;
  *scale = asked->source->columns[amount].scale;
  return TRUE;
}

static gint64 power_of_ten(guint exponent) {
  gint64 power = 1;
  for (guint i = 0; i < MIN(exponent, 18); i++)
    power *= 10;
  return power;
}

/* Sorts it, and stands on its first record. */
static gboolean begin(Side *side, const CompareOptions *options, const CompareSide *asked, GError **error) {
  /* so that records of one key meet by their amounts */
  char *order[] = {(char *)(intptr_t)asked->key, (char *)(intptr_t)asked->amount, NULL};
  ReconExtractOptions extract = {.folder = options->work, .name = side->name, .order = order, .stop = options->stop};
  g_autofree char *sha256 = NULL;
  guint64 records;
  if (!recon_extract_make(asked->source, &extract, &sha256, &records, error) ||
      !(side->sorted = recon_extract_open(options->work, side->name, NULL, error)))
    return FALSE;
  side->block = recon_block_new(side->sorted, BLOCK_RECORDS);
  return take_block(side, error) && look_at(side, error);
}

static void end(Side *side, const char *work) {
  g_autofree char *path = g_build_filename(work, side->name, NULL);
  recon_source_close(side->sorted);
  if (side->block)
    record_block_free(side->block);
  unlink(path);
}

/* --- The walk */

static int order_of(const Side *ours, const Side *theirs) {
  if (is_at_end(ours) || is_at_end(theirs))
    return is_at_end(ours) ? 1 : -1;
  gsize a_length, b_length;
  const char *a = key_of(ours, &a_length), *b = key_of(theirs, &b_length);
  int order = memcmp(a, b, MIN(a_length, b_length));
  return order ? order : (a_length > b_length) - (a_length < b_length);
}

static gboolean report_difference(const CompareOptions *options, CompareKind kind, const Side *ours, const Side *theirs,
                     Comparison *comparison, GError **error) {
  Difference difference = {.kind = kind,
                           .has_ours = ours != NULL,
                           .has_theirs = theirs != NULL,
                           .ours = ours ? ours->value : 0,
                           .theirs = theirs ? theirs->value : 0,
                           .theirs_line = theirs ? theirs->block->lines[theirs->at] : 0};
  difference.key = key_of(ours ? ours : theirs, &difference.key_length);
  comparison->differences[kind]++;
  return !options->visit || options->visit(options->user, &difference, error);
}

static gboolean walk(const CompareOptions *options, Side *ours, Side *theirs, Comparison *comparison, GError **error) {
  while (!is_at_end(ours) || !is_at_end(theirs)) {
    int order = order_of(ours, theirs);
    gboolean ok = TRUE;
    if (order < 0)
      ok = report_difference(options, COMPARE_NOT_THEIRS, ours, NULL, comparison, error);
    else if (order > 0)
      ok = report_difference(options, COMPARE_NOT_OURS, NULL, theirs, comparison, error);
    else if (ours->value != theirs->value)
      ok = report_difference(options, COMPARE_AMOUNT, ours, theirs, comparison, error);
    else
      comparison->matched++;
    if (!ok || (order <= 0 && !step(ours, error)) || (order >= 0 && !step(theirs, error)))
      return FALSE;
  }
  return TRUE;
}

gboolean recon_compare(const CompareOptions *options, Comparison *comparison, GError **error) {
  Side ours = {.who = "ours", .name = "ours.sorted"}, theirs = {.who = "theirs", .name = "theirs.sorted"};
  guint our_scale, their_scale;
  *comparison = (Comparison){0};
  if (!find_columns(&ours, &options->ours, &our_scale, error) ||
      !find_columns(&theirs, &options->theirs, &their_scale, error))
    return FALSE;
  comparison->scale = MAX(our_scale, their_scale);
  ours.factor = power_of_ten(comparison->scale - our_scale);
  theirs.factor = power_of_ten(comparison->scale - their_scale);
  gboolean ok = begin(&ours, options, &options->ours, error) && begin(&theirs, options, &options->theirs, error) &&
                walk(options, &ours, &theirs, comparison, error);
  comparison->ours = ours.records;
  comparison->theirs = theirs.records;
  comparison->total_ours = ours.total;
  comparison->total_theirs = theirs.total;
  end(&ours, options->work);
  end(&theirs, options->work);
  return ok;
}
