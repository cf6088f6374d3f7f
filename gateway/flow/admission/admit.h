/* Admission: what evidence says that a file in a drop folder is complete. Each feed sets the least it accepts, and the
 * evidence is recorded with the file. Time here is our own clock between looks, never the partner's: a trickling upload
 * with a preserved time stamp looks old from its first byte on. */
#pragma once
#include "conf/conf.h"
#include "store/states.h"
#include "transfer/courier.h"

/* What earlier looks at one name have seen. */
typedef struct {
  guint64 size;
  gint64 modified;
  guint looks;      /* polls in a row with this size and time */
  gint64 since;     /* first of them, microseconds of the monotonic clock */
  guint generation; /* of the last look, to find names that are gone */
  /* What the book is known to say of the name as long as it looks the same, so that it need not be asked again. */
  gboolean is_done;   /* it was taken already, and its copy is kept */
  gboolean is_told;   /* what it waits for was logged */
  FileWait waits_for; /* it waits for that, NOTHING: not known */
  guint waits_on;     /* a hash of what exactly */
} Look;

/* Takes the entry into account. `now` is monotonic here and below. */
void look_update(Look *look, const CourierEntry *entry, gint64 now, guint generation);

/* Whether the name can be the feed's at all: matches, is no marker and is not marked as still being written. */
gboolean admit_is_candidate(const ConfSourceFolder *source, GBytes *name);

/* Whether the name matters to the feed at all: a candidate, or what may be a marker. The rest of a large folder is
 * passed over. */
gboolean admit_is_relevant(const ConfSourceFolder *source, const char *name);

/* Whether the name says that it is still being written (ready = rename). */
gboolean admit_is_temporary(const ConfSourceFolder *source, const char *name);

/* What stands beside a file and goes where it goes: the marker ('{name}.ok', '{stem}.ok'), the detached signature, the
 * file that declares it (of an index, which is about many, there is no name: declarations.h). NULL when the feed has
 * none. The caller unrefs. */
typedef enum { COMPANION_MARKER, COMPANION_SIGNATURE, COMPANION_DECLARATION, COMPANIONS } Companion;
GBytes *admit_companion(const ConfSourceFolder *source, Companion which, GBytes *name);

char *admit_expand(const char *template, const char *name); /* '{name}.ok' for a name; the caller frees */

/* Whether the name is an index that declares many files. */
gboolean admit_is_index(const ConfSourceFolder *source, GBytes *name);

/* What is not there yet of the evidence; FILE_WAIT_NOTHING: all of it is. *on (the caller frees): the name of what has
 * to stand beside the file, or how often, or how long, it has to be seen without a change. */
FileWait admit_missing(const ConfSourceFolder *source, GBytes *name, const Look *look, GHashTable *names, gint64 now,
                       char **on);

/* A JSON object that says why the file is held to be complete, or NULL when it is not yet. `names` is the set of all
 * names in the listing (GBytes). With ready = declared this is the evidence apart from the declaration itself. The
 * caller frees. */
char *admit_evidence(const ConfSourceFolder *source, GBytes *name, const Look *look, GHashTable *names, gint64 now);
