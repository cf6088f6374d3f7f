#include "gateway/processors/rating/answers.h"
#include "gateway/common/codes.h"
#include <string.h>

#define CODE_NOT_PRICED "B010" /* accepted; priced when what it lacks has come */

static const struct {
  const char *code, *reason;
} reasons[] = {
    {CODE_NO_RECORDS_KEY, "the record has no key"},
    {CODE_NO_PRODUCT, "no such product is known"},
    {CODE_NO_RATE, "the product has no rate at that time"},
    {CODE_NO_MEMBER, "no such member is known"},
    {CODE_BAD_QUANTITY, "the quantity is below zero, or there is none"},
    {CODE_AMOUNT_BEYOND, "an amount leaves its bits, or needs a field that is absent"},
    {CODE_TOO_OLD, "the event is older than records are told apart"},
    {CODE_IN_THE_FUTURE, "the event is more than ten minutes later than the file"},
    {CODE_NO_EVENT_TIME, "there is no time of the event, or none that the zone's clock shows once"},
};

static const char *reason_of(const char *code) {
  for (guint i = 0; i < G_N_ELEMENTS(reasons); i++)
    if (g_strcmp0(reasons[i].code, code) == 0)
      return reasons[i].reason;
  return "the record could not be rated";
}

/* Those with a key that was there: the code, and where. */
static void describe_repeated(const UsageRecord *usage, RecordException *exception, GString *reason) {
  gboolean is_same = usage->verdict == USAGE_DUPLICATE;
  exception->outcome = is_same ? OUTCOME_DUPLICATE : OUTCOME_REJECTED;
  exception->code = (char *)(usage->of_file ? is_same ? CODE_KEY_REPEATED : CODE_KEY_CONTRADICTS
                             : is_same      ? CODE_KEY_POSTED
                                            : CODE_KEY_CONFLICT);
  if (usage->of_file)
    g_string_printf(reason, "%s, in line %" G_GUINT64_FORMAT,
                    is_same ? "this record stands in this file before"
                            : "this key stands in this file before with other content",
                    usage->line);
  else
    g_string_assign(reason, is_same ? "this record was rated before" : "this key was rated before with other content");
}

gboolean rating_describe(const Admission *admission, guint index, RecordException *exception, GString *reason) {
  const UsageRecord *usage = &admission->records[index];
  switch (usage->verdict) {
  case USAGE_SUSPENDED:
    exception->outcome = OUTCOME_ACCEPTED;
    exception->code = (char *)CODE_NOT_PRICED;
    g_string_printf(reason, "%s: %s; it is priced when that has come", usage->code, reason_of(usage->code));
    break;
  case USAGE_REJECTED:
  case USAGE_HELD:
    exception->outcome = OUTCOME_REJECTED;
    exception->code = (char *)usage->code;
    g_string_assign(reason, reason_of(usage->code));
    break;
  case USAGE_DUPLICATE:
  case USAGE_CONFLICT:
    describe_repeated(usage, exception, reason);
    break;
  case USAGE_PASSED_OVER:
  case USAGE_NEW:
  case USAGE_WAITS:
  case USAGE_RATED:
    return FALSE;
  }
  exception->reason = reason->str;
  return TRUE;
}

gboolean rating_answer(const Admission *admission, const BookBatch *batch, guint first, GBytes **answer,
                       GError **error) {
  ExceptionPacker *packer = exception_packer_new();
  ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
  g_autoptr(GString) reason = g_string_new(NULL);
  GError *damage = NULL;
  const RecordException *earlier = exception_cursor_next(cursor, &damage);
  for (guint64 record = batch->first; record <= batch->last && !damage; record++) {
    guint index = first + (guint)(record - batch->first);
    RecordException exception = {.record = record, .line = admission->block->lines[index]};
    if (earlier && earlier->record == record) {
      exception_packer_add(packer, earlier);
      earlier = exception_cursor_next(cursor, &damage);
    } else if (rating_describe(admission, index, &exception, reason)) {
      exception_packer_add(packer, &exception);
    }
  }
  exception_cursor_free(cursor);
  *answer = exception_packer_finish(packer);
  if (!damage)
    return TRUE;
  g_clear_pointer(answer, g_bytes_unref);
  g_propagate_error(error, damage);
  return FALSE;
}

gboolean rating_answer_count(GBytes *answer, AnswerCounts *counts, GError **error) {
  ExceptionCursor *cursor = exception_cursor_new(answer);
  GError *damage = NULL;
  *counts = (AnswerCounts){0};
  for (const RecordException *exception; (exception = exception_cursor_next(cursor, &damage));) {
    counts->rejected += exception->outcome == OUTCOME_REJECTED;
    counts->duplicates += exception->outcome == OUTCOME_DUPLICATE;
    counts->suspended += exception->outcome == OUTCOME_ACCEPTED;
  }
  exception_cursor_free(cursor);
  if (damage)
    g_propagate_error(error, damage);
  return !damage;
}
