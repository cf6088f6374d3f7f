#include "gateway/recon/compare.h"
#include "gateway/base/error.h"
#include "gateway/recon/compare_form.h"
#include <string.h>
#include <unistd.h>

enum { BLOCK_RECORDS = 2048 };

static const struct {
  const char *word, *text;
} kinds[COMPARE_KINDS] = {
#define COMPARE_ROW(name, word, text) [COMPARE_##name] = {word, text},
    COMPARE_DIFFERENCES(COMPARE_ROW)};

const char *compare_word(CompareKind kind) {
  return kinds[kind].word;
}

const char *compare_text(CompareKind kind) {
  return kinds[kind].text;
}

guint64 comparison_differences(const Comparison *comparison) {
  guint64 all = 0;
  for (guint i = 0; i < COMPARE_KINDS; i++)
    all += comparison->differences[i];
  return all;
}

/* --- A side: its records in the order of their keys, one after the other */

/* One record that was put by, until it is known whether it is the only one of its key that is left. */
typedef struct {
  gboolean is_held;
  Wide value;
  guint64 line;
  char *texts[COMPARE_OTHERS_MOST]; /* NULL: none */
} Left;

typedef struct {
  const char *name; /* of the sorted file */
  CompareForm form;
  Wide factor; /* to the comparison's scale */
  ReconSource *sorted;
  const ReconBatch *batch;
  guint taken; /* of the batch */
  RecordBlock *block;
  guint at;   /* in the block; block->count: the end */
  Wide value; /* of the record that it stands on */
  Left left;
  Wide total;
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

/* An amount is below 2^63 and the factor at most 10^18: a value does not leave 128 bits. */
static gboolean look_at(Side *side, GError **error) {
  if (is_at_end(side))
    return TRUE;
  side->value = record_block_integer(side->block, FORM_AMOUNT, side->at) * side->factor;
  side->records++;
  return !__builtin_add_overflow(side->total, side->value, &side->total) ||
         sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                             "%s: line %" G_GUINT64_FORMAT ": the total does not fit in 128 bits", side->form.who,
                             side->block->lines[side->at]);
}

static gboolean step(Side *side, GError **error) {
  side->at++;
  return (!is_at_end(side) || take_block(side, error)) && look_at(side, error);
}

static const char *text_of(const Side *side, guint column, gsize *length) {
  *length = 0;
  return record_block_is_null(side->block, column, side->at)
             ? NULL
             : record_block_text(side->block, column, side->at, length);
}

static int compare_texts(const char *a, gsize a_length, const char *b, gsize b_length) {
  if (!a || !b)
    return (a != NULL) - (b != NULL); /* absent ones first */
  int order = memcmp(a, b, MIN(a_length, b_length));
  return order ? order : (a_length > b_length) - (a_length < b_length);
}

static gboolean find_column(Side *side, guint at, const char *name, GError **error) {
  int column = recon_source_column(side->form.source, name);
  side->form.columns[at] = column;
  if (column >= 0)
    return TRUE;
  GString *names = g_string_new(NULL);
  for (guint i = 0; i < side->form.source->n_columns; i++)
    g_string_append_printf(names, "%s%s", i ? ", " : "", side->form.source->columns[i].name);
  sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: there is no column \"%s\"; there are: %s",
                      side->form.who, name, names->str);
  g_string_free(names, TRUE);
  return FALSE;
}

static BlockType type_of(const Side *side, guint column) {
  return side->form.source->columns[side->form.columns[column]].type;
}

/* A pair of columns, as the form's column `at`. */
static gboolean pair_columns(Side *ours, Side *theirs, const CompareColumn *pair, guint at, GError **error) {
  if (!find_column(ours, at, pair->ours, error) || !find_column(theirs, at, pair->theirs, error))
    return FALSE;
  gboolean is_number = pair->is_number || type_of(ours, at) == BLOCK_INTEGER || type_of(theirs, at) == BLOCK_INTEGER;
  ours->form.as_number[at] = theirs->form.as_number[at] = is_number;
  ours->form.n = theirs->form.n = at + 1;
  return TRUE;
}

static gboolean is_amount(const Side *side, const char *name, GError **error) {
  return type_of(side, FORM_AMOUNT) == BLOCK_INTEGER ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: the amount \"%s\" must be a number",
                             side->form.who, name);
}

static Wide power_of_ten(guint exponent) {
  Wide power = 1;
  for (guint i = 0; i < exponent; i++)
    power *= 10;
  return power;
}

static gboolean find_scale(const CompareOptions *options, Side *ours, Side *theirs, guint *scale, GError **error) {
  guint our_scale = options->ours->columns[ours->form.columns[FORM_AMOUNT]].scale,
        their_scale = options->theirs->columns[theirs->form.columns[FORM_AMOUNT]].scale + options->scale;
  *scale = MAX(our_scale, their_scale);
  if (*scale > WIDE_SCALE_MAX)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "amounts with %u decimals; at most %d are possible", *scale, WIDE_SCALE_MAX);
  ours->factor = power_of_ten(*scale - our_scale);
  theirs->factor = power_of_ten(*scale - their_scale);
  return TRUE;
}

static gboolean find_columns(const CompareOptions *options, Side *ours, Side *theirs, GError **error) {
  if (!pair_columns(ours, theirs, &options->key, FORM_KEY, error) ||
      !pair_columns(ours, theirs, &options->amount, FORM_AMOUNT, error) ||
      !is_amount(ours, options->amount.ours, error) || !is_amount(theirs, options->amount.theirs, error))
    return FALSE;
  for (guint i = 0; i < options->n_others; i++)
    if (!pair_columns(ours, theirs, &options->others[i], FORM_OTHERS + i, error))
      return FALSE;
  return TRUE;
}

/* Sorts it, and stands on its first record. */
static gboolean begin_side(Side *side, const CompareOptions *options, GError **error) {
  g_auto(GStrv) order = compare_form_order(&side->form);
  g_autoptr(ReconSource) form = compare_form_open(&side->form);
  ReconExtractOptions extract = {.folder = options->work, .name = side->name, .order = order, .stop = options->stop};
  g_autofree char *sha256 = NULL;
  guint64 records;
  if (!recon_extract_make(form, &extract, &sha256, &records, error) ||
      !(side->sorted = recon_extract_open(options->work, side->name, NULL, error)))
    return FALSE;
  side->block = recon_block_new(side->sorted, BLOCK_RECORDS);
  return take_block(side, error) && look_at(side, error);
}

static void left_clear(Left *left) {
  for (guint i = 0; i < COMPARE_OTHERS_MOST; i++)
    g_clear_pointer(&left->texts[i], g_free);
  left->is_held = FALSE;
}

static void end(Side *side, const char *work) {
  g_autofree char *path = g_build_filename(work, side->name, NULL);
  recon_source_close(side->sorted);
  record_block_free(side->block);
  left_clear(&side->left);
  unlink(path);
}

/* --- Telling */

typedef struct {
  const CompareOptions *options;
  Side ours, theirs;
  Comparison *found;
  GString *key; /* of the records that are looked at */
} Walk;

static gboolean tell_difference(Walk *walk, Difference *difference, GError **error) {
  const CompareOptions *options = walk->options;
  difference->word = difference->kind == COMPARE_COLUMN ? options->others[difference->column].name
                                                        : compare_word(difference->kind);
  difference->key = walk->key->str;
  difference->key_length = walk->key->len;
  walk->found->differences[difference->kind]++;
  if (difference->kind == COMPARE_COLUMN)
    walk->found->columns[difference->column]++;
  return !options->visit || options->visit(options->user, difference, error);
}

/* One side has it, the other has not, or not so often. */
static gboolean tell_one(Walk *walk, CompareKind of_ours, CompareKind of_theirs, const Side *side, Wide value,
                         guint64 line, GError **error) {
  gboolean is_ours = side == &walk->ours;
  Difference difference = {.kind = is_ours ? of_ours : of_theirs,
                           .has_ours = is_ours,
                           .has_theirs = !is_ours,
                           .ours = is_ours ? value : 0,
                           .theirs = is_ours ? 0 : value,
                           .column = -1,
                           .theirs_line = is_ours ? 0 : line};
  return tell_difference(walk, &difference, error);
}

static gboolean tell_surplus(Walk *walk, const Side *side, Wide value, guint64 line, GError **error) {
  return tell_one(walk, COMPARE_SURPLUS_OURS, COMPARE_SURPLUS_THEIRS, side, value, line, error);
}

static gboolean tell_missing(Walk *walk, const Side *side, GError **error) {
  gsize length;
  const char *key = text_of(side, FORM_KEY, &length);
  g_string_truncate(walk->key, 0);
  g_string_append_len(walk->key, key, (gssize)length);
  return tell_one(walk, COMPARE_NOT_THEIRS, COMPARE_NOT_OURS, side, side->value, side->block->lines[side->at], error);
}

/* What differs between the one record that is left on each side. */
static gboolean tell_pair(Walk *walk, GError **error) {
  const Left *ours = &walk->ours.left, *theirs = &walk->theirs.left;
  Difference difference = {.kind = COMPARE_AMOUNT,
                           .has_ours = TRUE,
                           .has_theirs = TRUE,
                           .ours = ours->value,
                           .theirs = theirs->value,
                           .column = -1,
                           .theirs_line = theirs->line};
  if (ours->value != theirs->value && !tell_difference(walk, &difference, error))
    return FALSE;
  difference.kind = COMPARE_COLUMN;
  for (guint i = 0; i < walk->options->n_others; i++) {
    difference.column = (gint)i;
    difference.our_text = ours->texts[i];
    difference.their_text = theirs->texts[i];
    if (g_strcmp0(ours->texts[i], theirs->texts[i]) != 0 && !tell_difference(walk, &difference, error))
      return FALSE;
  }
  return TRUE;
}

/* --- The walk */

static int order_of_keys(const Side *ours, const Side *theirs) {
  if (is_at_end(ours) || is_at_end(theirs))
    return is_at_end(ours) ? 1 : -1;
  gsize a_length, b_length;
  const char *a = text_of(ours, FORM_KEY, &a_length), *b = text_of(theirs, FORM_KEY, &b_length);
  return compare_texts(a, a_length, b, b_length);
}

/* By the columns behind the key, in the order in which both sides are sorted. */
static int order_of_rest(const Side *ours, const Side *theirs) {
  int order = (ours->value > theirs->value) - (ours->value < theirs->value);
  for (guint i = FORM_OTHERS; order == 0 && i < ours->form.n; i++) {
    gsize a_length, b_length;
    const char *a = text_of(ours, i, &a_length), *b = text_of(theirs, i, &b_length);
    order = compare_texts(a, a_length, b, b_length);
  }
  return order;
}

static gboolean has_key(const Side *side, const GString *key) {
  gsize length;
  const char *text = is_at_end(side) ? NULL : text_of(side, FORM_KEY, &length);
  return text && length == key->len && memcmp(text, key->str, length) == 0;
}

static void put_by(Side *side) {
  side->left.is_held = TRUE;
  side->left.value = side->value;
  side->left.line = side->block->lines[side->at];
  for (guint i = FORM_OTHERS; i < side->form.n; i++) {
    gsize length;
    const char *text = text_of(side, i, &length);
    side->left.texts[i - FORM_OTHERS] = text ? g_strndup(text, length) : NULL;
  }
}

static gboolean tell_left(Walk *walk, Side *side, GError **error) {
  gboolean ok = !side->left.is_held || tell_surplus(walk, side, side->left.value, side->left.line, error);
  left_clear(&side->left);
  return ok;
}

/* The record that the side stands on has none like it on the other. From the second one of a side on there is no saying
 * which belong together. */
static gboolean leave(Walk *walk, Side *side, gboolean *is_open, GError **error) {
  if (!*is_open)
    return tell_surplus(walk, side, side->value, side->block->lines[side->at], error);
  if (!side->left.is_held) {
    put_by(side);
    return TRUE;
  }
  *is_open = FALSE;
  return tell_left(walk, &walk->ours, error) && tell_left(walk, &walk->theirs, error) &&
         leave(walk, side, is_open, error);
}

/* All records of a key that both sides have. */
static gboolean walk_key(Walk *walk, GError **error) {
  Side *ours = &walk->ours, *theirs = &walk->theirs;
  gboolean is_open = TRUE;
  gsize length;
  const char *key = text_of(ours, FORM_KEY, &length);
  g_string_truncate(walk->key, 0);
  g_string_append_len(walk->key, key, (gssize)length);
  for (;;) {
    gboolean in_ours = has_key(ours, walk->key), in_theirs = has_key(theirs, walk->key);
    if (!in_ours && !in_theirs)
      break;
    int order = !in_ours ? 1 : !in_theirs ? -1 : order_of_rest(ours, theirs);
    walk->found->matched += order == 0 ? 1 : 0;
    if ((order < 0 && !leave(walk, ours, &is_open, error)) || (order > 0 && !leave(walk, theirs, &is_open, error)) ||
        (order <= 0 && !step(ours, error)) || (order >= 0 && !step(theirs, error)))
      return FALSE;
  }
  if (!ours->left.is_held || !theirs->left.is_held)
    return tell_left(walk, ours, error) && tell_left(walk, theirs, error);
  gboolean ok = tell_pair(walk, error);
  left_clear(&ours->left);
  left_clear(&theirs->left);
  return ok;
}

static gboolean walk_all(Walk *walk, GError **error) {
  Side *ours = &walk->ours, *theirs = &walk->theirs;
  while (!is_at_end(ours) || !is_at_end(theirs)) {
    int order = order_of_keys(ours, theirs);
    Side *side = order < 0 ? ours : theirs;
    if (order == 0 ? !walk_key(walk, error) : !tell_missing(walk, side, error) || !step(side, error))
      return FALSE;
  }
  return TRUE;
}

gboolean recon_compare(const CompareOptions *options, Comparison *comparison, GError **error) {
  Walk walk = {.options = options, .found = comparison, .key = g_string_new(NULL)};
  walk.ours = (Side){.name = "ours.sorted", .form = {.who = "ours", .source = options->ours}};
  walk.theirs = (Side){
      .name = "theirs.sorted",
      .form = {
          .who = "theirs", .source = options->theirs, .negate = options->negate, .key = options->their_key}};
  *comparison = (Comparison){0};
  gboolean ok = find_columns(options, &walk.ours, &walk.theirs, error) &&
                find_scale(options, &walk.ours, &walk.theirs, &comparison->scale, error) &&
                begin_side(&walk.ours, options, error) && begin_side(&walk.theirs, options, error) &&
                walk_all(&walk, error);
  comparison->ours = walk.ours.records;
  comparison->theirs = walk.theirs.records;
  comparison->total_ours = walk.ours.total;
  comparison->total_theirs = walk.theirs.total;
  end(&walk.ours, options->work);
  end(&walk.theirs, options->work);
  g_string_free(walk.key, TRUE);
  return ok;
}
