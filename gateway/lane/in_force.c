/* Which configuration and rules are in force, for the audit chain: at the lane's start, and at each reload that leaves
 * the lane as it is (then the supervisor tells the new configuration's digest). */
#include "gateway/common/log.h"
#include "gateway/lane/lane_private.h"
#include "gateway/move/compare.h"
#include "store/rules.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { DIGEST_LENGTH = 64 };

gboolean lane_admit(Lane *lane, GError **error) {
  if (state_admits(lane->conf, lane->name, error))
    return TRUE;
  lane->exit_status = CHILD_EXIT_CONTRADICTED;
  return FALSE;
}

static gboolean note_start(BookTransaction *tx, gpointer data, GError **error) {
  const Lane *lane = data;
  g_autofree char *rules = state_rules_digest(lane->conf, lane->settings);
  g_autofree char *detail = g_strdup_printf("version " SALLYPORT_VERSION "; engine %s; configuration sha256 %s; "
                                            "rules sha256 %s",
                                            rules_engine(), lane->digest, rules);
  return state_note_lane(tx, lane->conf, lane->settings, error) &&
         book_audit(tx, "lane-started", lane->name, detail, error);
}

gboolean lane_note_start(Lane *lane, GError **error) {
  return book_write(lane->flow.book, note_start, lane, error);
}

static gboolean note_reload(BookTransaction *tx, gpointer data, GError **error) {
  const Lane *lane = data;
  g_autofree char *rules = state_rules_digest(lane->conf, lane->settings);
  g_autofree char *detail = g_strdup_printf("unchanged for this lane; configuration sha256 %s; rules sha256 %s",
                                            lane->digest, rules);
  return book_audit(tx, "reloaded", lane->name, detail, error);
}

/* The digest is written by one write, and comes whole. */
static void take_digest(Lane *lane, const char *text, gsize length) {
  g_autoptr(GError) error = NULL;
  if (length != DIGEST_LENGTH + 1 || text[DIGEST_LENGTH] != '\n')
    return;
  g_free(lane->digest);
  lane->digest = g_strndup(text, DIGEST_LENGTH);
  if (!book_write(lane->flow.book, note_reload, lane, &error))
    log_event(LOG_ERROR, "reload-not-noted", {"error", error->message});
}

gboolean lane_listen(Lane *lane, int supervisor) {
  char text[2 * DIGEST_LENGTH];
  ssize_t got = read(supervisor, text, DIGEST_LENGTH + 1);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
    return FALSE;
  if (got > 0)
    take_digest(lane, text, (gsize)got);
  return TRUE;
}
