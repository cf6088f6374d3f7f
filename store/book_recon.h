/* The reconciliation summary table (对账汇总表) in a lane's book: tasks, one per reconcile block, period and version, and their shards.
 *
 *   pending → running → done        failed → pending (tried again, or by a person); running → pending after a restart keeps its shards
 * A published version never changes: what is corrected later makes the next version, a task of its own. The bytes of shards and
 * manifest lie in files (LANE/recon/TASK/…); the book knows their sizes and digests, so a file is trusted only when it has them. */
#pragma once
#include "store/book.h"

typedef enum { RECON_PENDING, RECON_RUNNING, RECON_DONE, RECON_FAILED } ReconState;
const char *recon_state_word(ReconState state);

typedef struct {
  char *id;                 /* 16 characters, as a file's */
  char *name, *requester, *type;
  char *period;             /* "2026-11-20" or "2026-11" */
  guint version;            /* from 1 */
  ReconState state;
  char *snapshot;           /* what was read: positions of the ledger or book, a digest of an outside file; JSON. Regenerating reads the same */
  guint shards;             /* durable so far; all of them once done */
  guint64 records; gint64 total; guint scale;
  char *object;             /* the manifest's opaque id, 32 hex digits */
  guint64 manifest_size; char *manifest_sha256;
  gint64 created_at, due_at, started_at, done_at; /* microseconds since 1970; 0: not yet */
  gint64 pushed_at, told_at, fetched_at, acknowledged_at; /* pushed, status synchronised, manifest first asked for, requester's acknowledgement */
  guint attempts; char *problem;
} ReconTask;
void recon_task_free(ReconTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReconTask, recon_task_free)

typedef struct {
  guint number;             /* from 1 */
  char *object;             /* opaque id, 32 hex digits, random */
  char *name;               /* as in the manifest */
  guint64 size; char *md5, *sha256; /* of the bytes that are served */
  guint64 records; gint64 total;
  char *cursor;             /* where reading goes on behind it */
} ReconShard;
void recon_shard_free(ReconShard *shard);

/* --- In the writer. */
/* FILE when there is one for (name, period, version) already: never two for the same. */
gboolean recon_add_task(BookTransaction *tx, const ReconTask *task, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Compare-and-set from task->state to `to` with the facts in *task, and an audit row. AGAIN when somebody else moved it. */
gboolean recon_advance_task(BookTransaction *tx, ReconTask *task, ReconState to, const char *detail, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Facts without a transition (pushed_at …, attempts, problem, due_at). */
gboolean recon_note_task(BookTransaction *tx, const ReconTask *task, const char *detail, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean recon_add_shard(BookTransaction *tx, const char *task, const ReconShard *shard, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading, also from other processes. */
typedef struct { const char *name, *requester, *type, *period; guint version; /* 0: any */ gint64 due_by; /* not done and due */ gboolean outstanding; /* done, not yet told or pushed */ guint limit; } ReconFilter;
GPtrArray *recon_tasks(BookReader *reader, const ReconFilter *filter, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* ReconTask*, newest period and version first */
GPtrArray *recon_shards(BookReader *reader, const char *task, GError **error) G_GNUC_WARN_UNUSED_RESULT;          /* ReconShard*, by number */
/* What an opaque id names: the task, and the shard's number (0: the manifest). NULL without error: nothing. */
ReconTask *recon_find_object(BookReader *reader, const char *object, guint *number, GError **error) G_GNUC_WARN_UNUSED_RESULT;
