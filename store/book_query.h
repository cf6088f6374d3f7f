/* How far a lane's queries of other people's databases have been read: in its book, as all that must outlive a crash.
 * A file of rows is durable before the change that says that it is there, and its position moves with it, so that no
 * row is in two files and none is in no file (gateway/query/piece.c). */
#pragma once
#include "store/book.h"

typedef struct {
  char *name;
  char *position; /* store/outside_pieces.h; NULL: from the beginning */
  char *cursor;   /* whose columns they are, with commas between; "": none */
  guint64 sequence, records; /* of the last file, 0: none; of all files */
  char *file, *sha256;       /* the last file's name; of its records' lines */
  gint64 ran_at, made_at;    /* microseconds since 1970; 0: never */
} BookQuery;
void book_query_free(BookQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookQuery, book_query_free)
/* As it is now; with an audit row where `detail` is given ("query-file"). */
gboolean book_set_query(BookTransaction *tx, const BookQuery *query, const char *detail,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* BookQuery*, by name; of this one (NULL: all). */
GPtrArray *book_queries(BookReader *reader, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
