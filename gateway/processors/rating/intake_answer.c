/* What a batch is answered: its sums, and what has become of each record. */
#include "gateway/common/json_put.h"
#include "gateway/processors/rating/answers.h"
#include "gateway/processors/rating/intake.h"
#include <string.h>

/* Of records that validation refused, and of those that wait, there are none when the answer is made. */
static const char *const results[] = {[USAGE_PASSED_OVER] = "rejected", [USAGE_NEW] = NULL, [USAGE_WAITS] = NULL,
                                      [USAGE_RATED] = "rated",          [USAGE_SUSPENDED] = "suspended",
                                      [USAGE_REJECTED] = "rejected",    [USAGE_HELD] = "held",
                                      [USAGE_DUPLICATE] = "duplicate",  [USAGE_CONFLICT] = "conflict"};
static const struct {
  const char *name, *result; /* records in = the sum of these */
} sums[] = {{"accepted", "rated"},   {"suspended", "suspended"},   {"held", "held"},
            {"rejected", "rejected"}, {"duplicates", "duplicate"}, {"conflicts", "conflict"}};

static void put_member(GString *text, const char *name, const char *value) {
  g_string_append_printf(text, ",\"%s\":", name);
  json_put_shown(text, value);
}

static void put_record(const IntakeAnswer *answer, guint index, GString *text, GString *reason) {
  guint in = answer->first + index;
  const UsageRecord *usage = &answer->admission->records[in];
  const BlockFault *fault = record_block_fault(answer->block, index);
  RecordException told = {0};
  g_string_append_printf(text, "%s{\"record\":%u,\"result\":\"%s\"", index ? "," : "", index + 1,
                         results[usage->verdict]);
  if (usage->verdict == USAGE_RATED) {
    g_string_append(text, ",\"amount\":");
    json_put_decimal(text, usage->amount, answer->scale);
  } else if (fault) {
    put_member(text, "code", fault->code);
    put_member(text, "text", fault->reason);
  } else if (rating_describe(answer->admission, in, &told, reason)) {
    put_member(text, "code", told.code);
    put_member(text, "text", told.reason);
  }
  g_string_append_c(text, '}');
}

GString *intake_answer(const IntakeAnswer *answer) {
  GString *text = g_string_new("{");
  g_autoptr(GString) reason = g_string_new(NULL);
  if (answer->key) {
    g_string_append(text, "\"batch\":");
    json_put_shown(text, answer->key);
    g_string_append_printf(text, ",\"admission\":%" G_GINT64_FORMAT ",", answer->number);
  }
  g_string_append_printf(text, "\"records\":%u", answer->block->count);
  for (guint i = 0; i < G_N_ELEMENTS(sums); i++) {
    guint count = 0;
    for (guint j = 0; j < answer->block->count; j++)
      count += strcmp(results[answer->admission->records[answer->first + j].verdict], sums[i].result) == 0;
    g_string_append_printf(text, ",\"%s\":%u", sums[i].name, count);
  }
  g_string_append(text, ",\"results\":[");
  for (guint i = 0; i < answer->block->count; i++)
    put_record(answer, i, text, reason);
  g_string_append(text, "]}");
  return text;
}
