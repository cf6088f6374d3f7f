/* Where a lane keeps what: the one place that knows names below the node's state folder.
 *
 *   STATE/lanes/LANE/book.db, ledger…db   durable
 *   STATE/lanes/LANE/spool/in/ID.pgp      the file as fetched (ID.part while it is being fetched; ID.sig its detached
 *                                         signature).
 *                                         Without OpenPGP (the feed says so) these bytes are the plaintext
 *   STATE/lanes/LANE/spool/stage/ID.db    live staging: plaintext, 0600, gone when the file is closed
 *   STATE/lanes/LANE/archive/DAY/ID.pgp   the ciphertext of closed files, for node { archive-days }
 *   STATE/lanes/LANE/spool/out/ID-….pgp   sealed answers until they are delivered
 *   STATE/audit/LANE.tip                  the audit chain's tip, outside the book
 *   RUNTIME/LANE.sock                     the lane's control socket (@front.sock: the front's)
 *   RUNTIME/sallyport.pid                 the supervisor's
 *
 * Names come from configuration and our own ids, never from a partner. */
#pragma once
#include "gateway/base/error.h"
#include "conf/conf.h"

typedef struct {
  char *folder, *book, *tip, *in, *stage, *out, *archive, *control;
} LanePaths;
LanePaths *lane_paths_new(const ConfNode *node, const char *lane);
void lane_paths_free(LanePaths *paths);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LanePaths, lane_paths_free)
/* Makes the folders, 0700. */
gboolean lane_paths_make(const LanePaths *paths, const ConfNode *node, GError **error) G_GNUC_WARN_UNUSED_RESULT;

char *front_path_control(const ConfNode *node);

char *lane_path_in(const LanePaths *paths, const char *id);
char *lane_path_in_part(const LanePaths *paths, const char *id);
char *lane_path_in_signature(const LanePaths *paths, const char *id);
char *lane_path_stage(const LanePaths *paths, const char *id);
char *lane_path_out(const LanePaths *paths, const char *id, const char *kind);
char *lane_path_archive(const LanePaths *paths, const char *id, gint64 seen_at); /* in a folder per day (UTC) */
char *lane_path_archive_signature(const LanePaths *paths, const char *id, gint64 seen_at);
/* What lay in the spool of answers under this name, after its file was closed. */
char *lane_path_archive_answer(const LanePaths *paths, const char *name, gint64 seen_at);

/* Where a file of secrets lies that the configuration names: "credential:NAME" is one that systemd hands to the service
 * (LoadCredential=), in $CREDENTIALS_DIRECTORY; without that folder the text stays as it is, and to open it fails with
 * a message that tells it. Interned; NULL for NULL. */
const char *secret_path(const char *configured);
