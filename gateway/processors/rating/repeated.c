/* Whether a record is the same one as another with its key: of the details, or of its own admission. */
#include "gateway/processors/rating/desk.h"
#include <string.h>

static gboolean same_value(const RecordBlock *a, guint a_column, guint i, const RecordBlock *b, guint b_column,
                           guint j) {
  gsize length, other_length;
  if (a->columns[a_column].type != b->columns[b_column].type ||
      record_block_is_null(a, a_column, i) != record_block_is_null(b, b_column, j))
    return FALSE;
  if (a->columns[a_column].type == BLOCK_INTEGER)
    return record_block_integer(a, a_column, i) == record_block_integer(b, b_column, j);
  const char *text = record_block_text(a, a_column, i, &length),
             *other = record_block_text(b, b_column, j, &other_length);
  return length == other_length && memcmp(text, other, length) == 0;
}

/* `shift`: where the other one's fields begin. */
static gboolean same_content(const Admission *admission, guint32 record, const RecordBlock *other, guint index,
                             guint shift) {
  const GArray *columns = admission->desk->compared;
  for (guint i = 0; i < columns->len; i++) {
    guint column = g_array_index(columns, guint, i);
    if (!same_value(admission->block, column, record, other, column + shift, index))
      return FALSE;
  }
  return TRUE;
}

static void settle_repeated(UsageRecord *usage, gboolean is_same, gboolean of_file, guint64 line) {
  usage->verdict = is_same ? USAGE_DUPLICATE : USAGE_CONFLICT;
  usage->of_file = of_file;
  usage->line = line;
}

/* A detail of another shape (the layout has changed since) is not compared: it is not known to be the same. */
void admission_meet(Admission *admission, guint32 record, const Detail *detail) {
  gboolean is_same = strcmp(detail->shape, admission->desk->shape) == 0 &&
                     same_content(admission, record, detail->block, detail->index, DETAIL_COLUMNS);
  UsageRecord *usage = &admission->records[record];
  settle_repeated(usage, is_same, strcmp(detail->file, admission->parts[usage->part].file) == 0,
                  detail->block->lines[detail->index]);
}

static gboolean is_repeated(const UsageRecord *usage) {
  return usage->verdict == USAGE_DUPLICATE || usage->verdict == USAGE_CONFLICT;
}

/* An earlier one that was refused does not have the key: then the next one is new. */
void admission_settle_waiting(Admission *admission, guint32 record) {
  UsageRecord *usage = &admission->records[record];
  guint32 earlier = usage->earlier;
  while (is_repeated(&admission->records[earlier]))
    earlier = admission->records[earlier].earlier;
  UsageVerdict before = admission->records[earlier].verdict;
  if (before == USAGE_RATED || before == USAGE_SUSPENDED)
    settle_repeated(usage, same_content(admission, record, admission->block, earlier, 0),
                    admission->records[earlier].part == usage->part, admission->block->lines[earlier]);
  else if (before == USAGE_REJECTED || before == USAGE_HELD)
    usage->verdict = USAGE_NEW;
}
