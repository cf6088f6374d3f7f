/* Reference tables: rows by key that are valid for a time, in versions. A table is one database file in its lane's
 * folder. What was in force in a version never changes: a detail that names a version, or a row's id, is explained as
 * long as the version is kept.
 *
 * A key and a row's content are texts, which only their makers read (gateway/processors/reference/): of two keys that
 * differ the rows differ. Instants are microseconds since 1970.
 *
 * A load goes into a file beside first (ReferenceLoad), is held against the version in force in one pass over both in
 * the order of their keys, and becomes the next version in one transaction: readers see the one before or the new one,
 * and nobody waits. Memory does not grow with the table. One load of a table at a time: its callers see to that. */
#pragma once
#include "gateway/base/error.h"

#define REFERENCE_SINCE_EVER G_MININT64
#define REFERENCE_FOR_EVER G_MAXINT64

typedef enum { REFERENCE_FULL, REFERENCE_DELTA, REFERENCE_ROLLBACK } ReferenceKind;
const char *reference_kind_word(ReferenceKind kind);

typedef struct {
  const char *key;
  gint64 start, finish; /* valid in [start, finish) */
  const char *content;  /* incoming, NULL: what is in force with this key and start is taken away */
  gint64 origin;        /* the version that brought it; incoming: 0 */
  guint64 line;         /* of that version's file */
  gint64 id;            /* of the table, for ever; 0: not yet in it */
} ReferenceRow;

enum { REFERENCE_NO_SEQUENCE = -1 };
typedef struct {
  gint64 number; /* from 1 */
  ReferenceKind kind;
  gint64 sequence; /* the sender's; REFERENCE_NO_SEQUENCE */
  char *file;      /* the book's id; NULL: of a rollback */
  gint64 back_to;  /* of a rollback: the version whose rows these are */
  gint64 made_at;
  char *made_by; /* of a rollback */
  char *shape;   /* what key and content are made of; its makers' */
  guint64 rows, added, changed, removed;
  guint64 gaps;  /* between two rows of one key, */
  guint64 gap_line; /* and of the row behind the first that a row of its file makes; 0: none, or not known */
  char *digest;  /* SHA-256, hexadecimal, of its rows; NULL: of an earlier build. Equal rows have equal ones */
  gboolean kept; /* its rows are all there still */
} ReferenceVersion;
void reference_version_free(ReferenceVersion *version);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReferenceVersion, reference_version_free)

/* --- Reading: a connection of one's own, read-only; one thread at a time; also from other processes. */
typedef struct ReferenceReader ReferenceReader;
/* NULL without an error: nothing was ever loaded. */
ReferenceReader *reference_reader_open(const char *folder, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void reference_reader_close(ReferenceReader *reader); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReferenceReader, reference_reader_close)
/* From the next question on it answers from one state of the table, whatever is loaded: until it is closed. Rows of
 * versions that are forgotten meanwhile are there still. For some seconds: the log grows for as long. */
gboolean reference_stay(ReferenceReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of that number, 0: in force. *version NULL: there is none. The caller frees. */
gboolean reference_version(ReferenceReader *reader, gint64 number, ReferenceVersion **version,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ReferenceVersion*, newest first, at most `limit` (0: all) */
GPtrArray *reference_versions(ReferenceReader *reader, guint limit, GError **error);
/* Reads the version in force, in one snapshot until the reader is closed, against what it was made with: STORAGE where
 * they differ. *version as above. */
gboolean reference_verify(ReferenceReader *reader, ReferenceVersion **version,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *number 0: the file has made no version. */
gboolean reference_version_of_file(ReferenceReader *reader, const char *file, gint64 *number,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The row of that key that is valid at the instant. Its texts are borrowed until the next call. */
gboolean reference_find(ReferenceReader *reader, gint64 version, const char *key, gint64 at, ReferenceRow *row,
                        gboolean *found, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* By its id, whichever versions it belongs to; *found FALSE: of versions that are not kept. Likewise. */
gboolean reference_row(ReferenceReader *reader, gint64 id, ReferenceRow *row, gboolean *found,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* In the order of key and start, until it gives FALSE. `comes`: of a difference, what the later one has and the earlier
 * has not; else TRUE. */
typedef gboolean (*ReferenceVisit)(gpointer user, const ReferenceRow *row, gboolean comes);
/* The rows of one key (NULL: all) in a version. */
gboolean reference_visit(ReferenceReader *reader, gint64 version, const char *key, ReferenceVisit visit, gpointer user,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of all keys that begin so; `prefix` does not end with the byte 255. */
gboolean reference_visit_prefix(ReferenceReader *reader, gint64 version, const char *prefix, ReferenceVisit visit,
                                gpointer user, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean reference_visit_difference(ReferenceReader *reader, gint64 from, gint64 to, ReferenceVisit visit,
                                    gpointer user, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Loading. */
typedef struct {
  const char *folder, *name; /* of the table */
  const char *scratch;       /* path of the file beside; made anew, and gone when the load is freed */
  ReferenceKind kind;
  gboolean may_miss; /* of a delta: what it takes away need not be there */
} ReferenceLoadOptions;
typedef struct ReferenceLoad ReferenceLoad;
ReferenceLoad *reference_load_new(const ReferenceLoadOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void reference_load_free(ReferenceLoad *load); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReferenceLoad, reference_load_free)
/* In any order; start < finish, and content NULL only in a delta. */
gboolean reference_load_add(ReferenceLoad *load, const ReferenceRow *row, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What was found against it: the first, in the order of keys. */
typedef enum {
  REFERENCE_FINE,
  REFERENCE_OVERLAP, /* two rows of one key are valid at one time */
  REFERENCE_NOTHING, /* a delta takes away what is not there */
  REFERENCE_CROWDED  /* more than REFERENCE_KEY_ROWS rows of one key */
} ReferenceFault;
enum { REFERENCE_KEY_ROWS = 10000 };
typedef struct {
  ReferenceFault fault;
  guint64 line, other_line; /* of the load; the other may be of the version in force, */
  gint64 other_origin;      /* and then this is its origin; 0: of the load, too */
  guint64 before, rows, added, changed, removed;
  guint64 gaps, gap_line; /* gap_line: of the row behind the first gap that a row of the load makes; 0: none */
} ReferenceFindings;
/* Holds it against the version in force; nothing is changed. */
gboolean reference_load_compare(ReferenceLoad *load, ReferenceFindings *findings,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What is known of the new version before it is made: kind is the load's, number and counts are set here. */
typedef struct {
  gint64 sequence;
  const char *file, *by; /* file NULL: of a rollback */
  gint64 back_to;
  const char *shape;
  guint keep_versions; /* older ones lose the rows that no version has that is kept; 0: none does. But not: */
  const GArray *named; /* gint64, ascending: versions that something names still; NULL: none */
  gint64 in_hand;      /* those that were in force within so many microseconds: readers may have them still */
} ReferenceFacts;
/* Makes it the version in force, durable on return: *number. A file that has made a version already makes no other one,
 * and *number is that one's. FILE, and nothing has changed, for a fault in it. */
gboolean reference_load_commit(ReferenceLoad *load, const ReferenceFacts *facts, ReferenceFindings *findings,
                               gint64 *number, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A new version with the rows of an earlier one, which has to be kept still: FILE when it is not there. */
typedef struct {
  const char *folder, *name, *scratch;
  gint64 to;
  const char *by;
} ReferenceRollback;
gboolean reference_roll_back(const ReferenceRollback *rollback, gint64 *number,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
