/* What a task's files are called, and where they lie: LANE/recon/TASK/NAME. Of a published task the book has the names.
 */
#pragma once
#include "conf/conf.h"
#include "store/book_recon.h"

#define RECON_EXTRACT "extract" /* beside them, until they are published: what they are made from */
char *recon_folder(const char *lane_folder, const char *task_id);
/* From the templates, {type} {date} {shard} {requester} {version}; a second version whose template has no {version}
 * gets "_v2" before its first dot, so that it never takes the place of what was published. CONFIGURATION when the
 * result is no plain file name. */
char *recon_shard_name(const ConfReconcile *reconcile, const ReconTask *task, guint number,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *recon_manifest_name(const ConfReconcile *reconcile, const ReconTask *task,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What stands beside a manifest of this name, in the order of publishing; the last one is the manifest itself.
 * `with_text`: the delimited form, too. NULL-terminated; the caller frees with g_strfreev. */
char **recon_manifest_files(const char *manifest_name, gboolean with_text);
