/* Stage: the trusted plaintext, parsed into records that can be read many times. opened → staged.
 *
 *   crash before the commit   the plaintext is gone with its process: opened and staged again, over what was staged:
 * the same ciphertext, the same result */
#include "gateway/base/faultpoint.h"
#include "gateway/flow/admission/declared.h"
#include "gateway/flow/feed_calendar.h"
#include "gateway/flow/step.h"
#include "gateway/records/stage.h"

static gboolean day_of_arrival(const Step *step, Day *day, GError **error) {
  gint64 arrived;
  gboolean late;
  if (!book_arrival(step->reader, step->file->id, &arrived, &late, error))
    return FALSE;
  *day = feed_watch_day(step->feed->watch, arrived ? arrived : step->file->seen_at, &late);
  return TRUE;
}

/* Both were compared when it was fetched. */
static gboolean is_proven_whole(const BookFile *file, gboolean *is_proven, GError **error) {
  g_autoptr(Declared) declared = NULL;
  if (!declared_from_evidence(file->evidence, &declared, error))
    return FALSE;
  *is_proven = declared && declared->has_size;
  for (guint i = 0; declared && i < DIGEST_KINDS; i++)
    *is_proven = *is_proven || declared->digests[i];
  return TRUE;
}

gboolean flow_stage(Step *step, int plaintext, GError **error) {
  BookFile *file = step->file;
  g_autofree char *path = lane_path_stage(step->flow->paths, file->id);
  StageOptions options = {
      .layout = step->feed->layout,
      .plaintext = plaintext,
      .path = path,
      .may_be_empty = step->feed->conf->source.empty == CONF_EMPTY_ACCEPT,
      .key_scope = step->feed->conf->key_scope,
      .file = file->id,
      .threads = step->flow->threads};
  Staged staged = {0};
  if (!is_proven_whole(file, &options.is_proven_whole, error) || !day_of_arrival(step, &options.arrival, error) ||
      !stage_plaintext(&options, step->feed->conf->business_date, &staged, error))
    return FALSE;
  g_free(file->header);
  g_free(file->business_date);
  file->header = g_steal_pointer(&staged.header);
  file->business_date = staged.business_date ? g_steal_pointer(&staged.business_date)
                                               : day_text(options.arrival);
  staged_clear(&staged);
  fault_point("stage-before-commit");
  g_autofree char *over = g_strdup_printf(", %" G_GUINT64_FORMAT " passed over", staged.passed_over);
  g_autofree char *detail = g_strdup_printf("%" G_GUINT64_FORMAT " lines%s", staged.lines,
                                            staged.passed_over ? over : "");
  return flow_advance(step, FILE_STAGED, detail, error);
}
