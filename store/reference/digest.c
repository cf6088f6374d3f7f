/* What a version's rows are, as one digest: of the rows in force, in the order of keys and starts. */
#include "gateway/base/digest.h"
#include "store/reference/queries.sql.h"
#include "store/reference/reference_private.h"

char *reference_digest(Db *db, guint64 *n_rows, GError **error) {
  g_autoptr(DbStatement) rows = db_prepare_named(db, reference_queries_sql, "rows-in-force", error);
  g_autoptr(GString) text = g_string_new(NULL);
  guint8 bytes[DIGEST_SHA256_SIZE];
  gboolean row = rows != NULL, ok = row;
  *n_rows = 0;
  Digest *digest = digest_new_sha256();
  while (ok && row) {
    ReferenceRow at;
    ok = db_step(rows, &row, error) && (!row || db_row_whole(rows, error));
    if (!ok || !row)
      continue;
    ++*n_rows;
    reference_row_of(rows, &at);
    g_string_printf(text, "%s%c%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s\n", at.key, '\0', at.start, at.finish,
                    at.content);
    digest_update(digest, text->str, text->len);
  }
  digest_finish(digest, bytes);
  return ok ? digest_hex(bytes, sizeof bytes) : NULL;
}

gboolean reference_verify(ReferenceReader *reader, ReferenceVersion **version, GError **error) {
  guint64 rows = 0;
  g_autofree char *digest = NULL;
  if (!reference_stay(reader, error) || !reference_version(reader, 0, version, error))
    return FALSE;
  if (!*version)
    return TRUE;
  if (!(digest = reference_digest(reader->db, &rows, error)))
    return FALSE;
  return ((*version)->rows == rows && (!(*version)->digest || g_str_equal((*version)->digest, digest))) ||
         sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                             "version %" G_GINT64_FORMAT " does not have the rows any more that it was made with",
                             (*version)->number);
}
