/* What the files of store/details/ share: a shard's two databases, and what it keeps in memory. */
#pragma once
#include "store/db/db.h"
#include "store/details.h"

/* --- runs.c: a file of keys' hashes in order, with the number of each one's detail; it never changes. */
typedef struct {
  guint64 hash;
  gint64 number;
} KeyEntry;
typedef struct {
  gint64 first, last; /* the details whose keys these are */
  guint64 count;
  const KeyEntry *entries;
  const struct RunLine *lines;
  guint bits; /* 2^bits lines */
  void *map;
  gsize size;
} KeyRun;
char *key_run_path(const char *folder, const char *name, guint shard, gint64 first, gint64 last);
/* *run NULL without an error: the file is not there. */
gboolean key_run_open(const char *path, KeyRun **run, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void key_run_close(KeyRun *run);
/* Of sources in order (a run's entries, or an array), which together have `count`; durable on return. */
typedef struct {
  const KeyEntry *entries;
  guint64 count;
} KeySource;
typedef struct {
  const char *folder, *path;
  gint64 first, last;
  KeySource *sources; /* used up */
  guint n;
} KeyRunMaking;
gboolean key_run_make(const KeyRunMaking *making, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The entries with this hash: how many, and the first. */
guint key_run_find(const KeyRun *run, guint64 hash, const KeyEntry **first);
gboolean key_run_check(const KeyRun *run, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- One connection's view of the details of a shard: the block that was read last. */
typedef struct {
  guint shard;
  Db *db; /* closed by whoever opened it */
  DbStatement *block_of;
  char *shape, *file, *terms;
  gint64 first, admission, at, amount;
  guint count, rated;
  RecordBlock *block; /* NULL: none is read */
} DetailView;
void detail_view_init(DetailView *view, Db *db, guint shard);
void detail_view_clear(DetailView *view);
/* From the row that the statement stands on. STORAGE when it is damaged. */
gboolean detail_view_take(DetailView *view, DbStatement *row, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The block with that detail. STORAGE when there is none. */
gboolean detail_view_load(DetailView *view, gint64 number, GError **error) G_GNUC_WARN_UNUSED_RESULT;
static inline gboolean detail_is_first(const DetailView *view, guint index) {
  return record_block_is_null(view->block, DETAIL_SETTLES, index);
}
Detail detail_view_detail(const DetailView *view, guint index);
gboolean detail_has_key(const DetailView *view, guint index, const char *key, gsize length);
/* What has become of the detail by the admission `through`: *by is its number, if it was not suspended; if it was, that
 * of the one that has its price, its own while it waits, and 0 when it was given up. `settled_by` is the statement. */
gboolean detail_fate(const DetailView *view, guint index, DbStatement *settled_by, gint64 through, gint64 *by,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- The newest keys, in memory. */
typedef struct {
  KeyEntry *slots; /* number 0: free */
  guint64 mask;
  guint count;
} KeyTail;
void key_tail_add(KeyTail *tail, KeyEntry entry);
void key_tail_clear(KeyTail *tail);

typedef struct {
  Db *details, *business;
  DetailView view;
  GPtrArray *runs; /* KeyRun, by first */
  KeyTail tail;
  GArray *fresh;   /* KeyEntry: of the admission under way, or not in the tail yet */
  gint64 last;     /* number of the last detail, those of the admission under way among them */
  gint64 settled;  /* of the last one that counts */
  gint64 counted;  /* up to which the table of counters goes */
  GHashTable *counters; /* text → CounterCell; what is not in it stands in the table */
  gboolean any_counter; /* the table has some */
  GByteArray *bytes;
  DbStatement *add_detail, *add_text, *text_id, *add_suspended, *settle, *give_up, *settled_by, *waiting, *add_answer,
      *answer, *counter;
  char *last_texts[2]; /* shape and terms that were put last, and their ids */
  gint64 last_ids[2];
} DetailShard;
typedef struct {
  gint64 used;
} CounterCell;

struct Details {
  char *folder, *name;
  guint n_shards;
  guint64 seed;
  gint64 admission, at; /* complete up to it; when the one under way began */
  gboolean under_way;
  DetailShard *shards;
};

/* --- facts.c */
char *details_path(const char *folder, const char *name, const char *kind, guint shard);
gboolean details_fact(Db *db, const char *name, gint64 *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean details_set_fact(Db *db, const char *name, gint64 value, GError **error) G_GNUC_WARN_UNUSED_RESULT;
guint64 details_seeded_hash(guint64 seed, const void *key, gsize length);
guint details_shard_among(guint shards, const void *account, gsize length);
/* --- files.c */
Db *details_open_reader(const char *folder, const char *name, const char *kind, guint shard,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- keys.c */
gboolean detail_shard_load_keys(Details *details, guint shard, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean detail_shard_rest_keys(Details *details, guint shard, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* --- counters.c */
gboolean detail_shard_load_counters(Details *details, guint shard, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean detail_shard_rest_counters(Details *details, guint shard, GError **error) G_GNUC_WARN_UNUSED_RESULT;
