/* The reconciliation summary table (对账汇总表) in a lane's book: tasks, one per reconcile block, period and version,
 * and their shards.
 *
 *   pending → running → done
 *   failed → pending       tried again, or by a person
 *   running → pending      after a restart; keeps its shards
 *
 * A published version never changes: what is corrected later makes the next version, a task of its own. The bytes of
 * shards and manifest lie in files (LANE/recon/TASK/…); the book knows their sizes and digests, so a file is trusted
 * only when it has them. */
#pragma once
#include "store/book.h"

typedef enum { RECON_PENDING, RECON_RUNNING, RECON_DONE, RECON_FAILED } ReconState;
const char *recon_state_word(ReconState state);

typedef struct {
  char *id; /* 16 characters, as a file's */
  char *name, *requester, *type;
  char *period;  /* "2026-11-20" or "2026-11" */
  guint version; /* from 1 */
  ReconState state;
  /* what was read: positions of the ledger or book, a digest of an outside file; JSON. Regenerating reads the same */
  char *snapshot;
  guint shards; /* durable so far; all of them once done */
  guint64 records;
  gint64 total;
  guint scale;
  char *object; /* the manifest's opaque id, 32 hex digits */
  /* name: once done, whatever the configuration says later */
  char *manifest_name;
  guint64 manifest_size;
  char *manifest_sha256;
  gint64 created_at, due_at, started_at, done_at; /* microseconds since 1970; 0: not yet */
  /* pushed, status synchronised, manifest first asked for, requester's acknowledgement; -1: not wanted */
  gint64 pushed_at, told_at, fetched_at, acknowledged_at;
  gint64 removed_at; /* its files were taken away after keep-days: nothing is served any more */
  guint attempts;
  char *problem;
} ReconTask;
ReconTask *recon_task_new(void); /* with a fresh id and object, created and due now, version 1 */
void recon_task_free(ReconTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReconTask, recon_task_free)

typedef struct {
  guint number; /* from 1 */
  char *object; /* opaque id, 32 hex digits, random */
  char *name;   /* as in the manifest */
  guint64 size;
  char *md5, *sha256; /* of the bytes that are served */
  /* of the lines, before compression and encryption: these are the same whenever they are made */
  guint64 plain_size;
  char *plain_sha256;
  guint64 records;
  gint64 total;
  char *cursor;    /* where reading goes on behind it */
  gboolean pushed; /* it lies on the requester's side */
} ReconShard;
ReconShard *recon_shard_new(guint number); /* with a fresh object */
void recon_shard_free(ReconShard *shard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReconShard, recon_shard_free)

/* --- In the writer. */
/* FILE when there is one for (name, period, version) already: never two for the same. */
gboolean recon_add_task(BookTransaction *tx, const ReconTask *task, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Compare-and-set from task->state to `to` with the facts in *task, and an audit row. AGAIN when somebody else moved
 * it. */
gboolean recon_advance_task(BookTransaction *tx, ReconTask *task, ReconState to, const char *detail,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Facts without a transition (pushed_at …, attempts, problem, due_at), but what the requester did. */
gboolean recon_note_task(BookTransaction *tx, const ReconTask *task, const char *detail,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of a published version: that its manifest was fetched, or all of it acknowledged, now. The first time counts; again:
 * no effect. */
typedef enum { RECON_REQUESTER_FETCHED, RECON_REQUESTER_ACKNOWLEDGED } ReconRequesterDid;
gboolean recon_note_requester(BookTransaction *tx, const ReconTask *task, ReconRequesterDid what,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What became of a published version on our side; likewise. Each way out runs in a thread of its own, so none writes
 * the whole row. */
typedef enum { RECON_WAS_PUSHED, RECON_WAS_TOLD, RECON_WAS_REMOVED } ReconWay;
gboolean recon_note_way(BookTransaction *tx, const ReconTask *task, ReconWay what,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* attempts and problem of a published one */
gboolean recon_note_problem(BookTransaction *tx, const ReconTask *task, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The next shard of a running task; BUG when it is not the next, or the task not running. */
gboolean recon_add_shard(BookTransaction *tx, const char *task, const ReconShard *shard,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The shards up to this one lie on the requester's side: a push that is taken up again does not look at them any more.
 */
gboolean recon_note_pushed_shards(BookTransaction *tx, const char *task, guint number,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* it goes to another place now */
gboolean recon_forget_pushed_shards(BookTransaction *tx, const char *task, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of a task that was never published: its shards, to begin anew (its settings have changed); and with the task itself
 * (its data are those of the version before). BUG for a published one. Both leave an audit row. */
gboolean recon_clear_shards(BookTransaction *tx, ReconTask *task, const char *detail,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean recon_drop_task(BookTransaction *tx, const ReconTask *task, const char *detail,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* When a reconcile block was first seen: now, if never before. */
gboolean recon_see_block(BookTransaction *tx, const char *name, gint64 *seen_at,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading, also from other processes. */
typedef struct {
  const char *name, *requester, *type, *period;
  guint version; /* 0: any */
  guint limit;   /* 0: 1,000 */
  /* At most one of these, and then nothing above but the limit; the oldest first. */
  gint64 due_by;        /* pending or running, and due by then */
  gboolean failed;      /* failed */
  gboolean open;        /* not finished with */
  gboolean outstanding; /* done, and not yet told or pushed */
  gint64 kept_from;     /* done before that, and their files are still there */
} ReconFilter;
/* ReconTask*, newest period and version first */
GPtrArray *recon_tasks(BookReader *reader, const ReconFilter *filter, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ReconShard*, by number */
GPtrArray *recon_shards(BookReader *reader, const char *task, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* a page of them */
GPtrArray *recon_shards_after(BookReader *reader, const char *task, guint number, guint limit,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The one with the highest number, which is how many there are; *shard is NULL when there is none. */
gboolean recon_last_shard(BookReader *reader, const char *task, ReconShard **shard,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* By id or the unique beginning of one. NULL without error: none; FILE: ambiguous. */
ReconTask *recon_find_task(BookReader *reader, const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What an opaque id names: the task, and the shard's number (0: the manifest). NULL without error: nothing. */
ReconTask *recon_find_object(BookReader *reader, const char *object, guint *number,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- What a snapshot needs to know of files. */
/* Adds the ids of files that are not credited as a whole now, and of all that were first seen behind the row *since
 * (-1: none of these), to the set, which owns its keys; *since becomes the last row. Called before and after the
 * ledger's positions are taken, the set holds every file of which those positions may cover a part only. */
gboolean recon_files_not_posted(BookReader *reader, GHashTable *ids, gint64 *since,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Files that will certainly be credited (validated, posting) and may belong to these business dates. */
gboolean recon_files_in_posting(BookReader *reader, const char *from, const char *to, guint *files,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A page of the files of these business dates, by id: BookFile*. `after` NULL: from the first. */
GPtrArray *recon_files_of_period(BookReader *reader, const char *after, const char *from, const char *to, guint limit,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
