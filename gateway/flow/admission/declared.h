/* What a file beside a data file declares of it: name, size, number of records, total, digests. As md5sum and its like
 * print (sums), delimited (columns), or as key=value (pairs). Pure: no file is read here, and nothing is decided.
 *
 * A declaration is hostile: at most 1 MiB and so many lines, names are bytes and only compared, and what cannot be read
 * wholly is not read at all: one bad line makes the whole a problem, so that nothing is ever taken from half a
 * declaration. */
#pragma once
#include "conf/conf.h"
#include "gateway/base/digest.h"

enum { DECLARED_MOST_BYTES = 1 << 20, DECLARED_MOST_LINE = 4096 };

typedef struct {
  gboolean has_size, has_records;
  guint64 size, records;
  char *total;                 /* as written */
  char *digests[DIGEST_KINDS]; /* lower-case hex; NULL: not declared */
  char *file;                  /* the declaring file's name, for people */
} Declared;
void declared_free(Declared *declared);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Declared, declared_free)

/* name (GBytes) → Declared*. What names no file (a bare digest, columns without a name, pairs) stands under the empty
 * name and is about the file that the declaration is named after. NULL: *problem says what cannot be read, or which two
 * lines contradict each other. The caller frees both. */
GHashTable *declared_parse(const ConfDeclared *conf, const char *text, gsize length,
                           char **problem) G_GNUC_WARN_UNUSED_RESULT;

gboolean declared_equal(const Declared *a, const Declared *b);

/* Kept with the file's evidence, as a member "declared" of that JSON object. *declared is NULL when there is none. */
char *declared_add_to_evidence(const Declared *declared, const char *evidence) G_GNUC_WARN_UNUSED_RESULT;
gboolean declared_from_evidence(const char *evidence, Declared **declared, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Of the fetched bytes: which digest is the first that differs, or DIGEST_KINDS. *found is its value, hex; the caller
 * frees. */
gboolean declared_check_digests(const Declared *declared, int fd, DigestKind *differs, char **found,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Of what was staged. NULL: no contradiction; else words with both values, and *code. The caller frees both. */
typedef struct {
  guint64 records;
  gboolean has_amount;
  gint64 amount;
  guint scale;
} DeclaredFacts;
char *declared_contradiction(const Declared *declared, const DeclaredFacts *facts,
                             char **code) G_GNUC_WARN_UNUSED_RESULT;
