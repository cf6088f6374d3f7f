/* A staged file as a load of a reference table: what there is against it, and its way into the table. The file is one
 * of the book's, or a local one that an operator loads. Both functions read the staged records anew. */
#pragma once
#include "gateway/flow/processor.h"
#include "store/reference.h"

typedef struct {
  const ConfLane *lane;
  const ConfFeed *feed;
  const Layout *layout; /* that it was staged with */
  const char *folder;   /* of the lane: its tables, and the details that name their versions */
  const char *staged;   /* path of its records */
  const char *scratch;  /* path of the file beside, which is made anew and removed */
  const BookFile *file; /* NULL: a local one, */
  const char *by;       /* which this person loads; else NULL */
  gboolean anyway;      /* of a local one: what a person may allow is allowed */
} ReferenceLoading;

/* Where it is held: what is said against a full load may be allowed by a person (its file was released, or `anyway`);
 * what is missing before a delta may not. `report`: NULL, or set as far as it was looked at. Nothing is changed. */
typedef struct {
  ReferenceKind kind;
  gint64 sequence; /* REFERENCE_NO_SEQUENCE */
  gint64 now;      /* the version that it was held against; 0: there is none */
  ReferenceFindings findings;
} ReferenceReport;
gboolean reference_judge(const ReferenceLoading *of, ProcessorVerdict *verdict, ReferenceReport *report,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of one that was judged, and nothing of the table has changed since: its callers see to that (reference_gate). The
 * version is durable on return. A file of the book makes one version, however often this is called. */
gboolean reference_put(const ReferenceLoading *of, gint64 *number, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The one in force, or, with `file`, what this file has made. *version NULL: there is none. The caller frees. */
gboolean reference_version_made(const ReferenceLoading *of, const char *file, ReferenceVersion **version,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* "version 3 of rates: 5 rows, 1 added, …", with the gaps. The caller frees. */
char *reference_version_words(const char *table, const ReferenceVersion *version);
char *reference_report_words(const char *table, const ReferenceReport *report); /* of the version that it would make */
