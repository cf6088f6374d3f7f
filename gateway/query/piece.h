/* One piece of a query as one file. */
#pragma once
#include "conf/conf.h"
#include "gateway/records/layout.h"
#include "store/book_query.h"
#include "store/outside_pieces.h"

typedef struct {
  const ConfQuery *conf;
  const Layout *layout;
  Book *book;
  const char *scratch; /* the lane's own folder: for unnamed files */
  BookQuery *progress; /* moves on with each file */
  const char *until;   /* a position; NULL: none */
  gboolean (*stop)(gpointer user); /* TRUE: give up with AGAIN; nothing has changed then */
  gpointer user;
} QueryReading;
typedef struct {
  gboolean is_file; /* FALSE: there was nothing new */
  gboolean more;    /* another piece stands behind it */
  guint64 bytes, records;
} QueryMade;
/* The piece behind the progress. On return with a file, this is durable under its name, and the progress with it.
 * CONFIGURATION: the query, its cursor, a value that the layout cannot express; AGAIN: the database. */
gboolean query_make_file(QueryReading *reading, QueryMade *made, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The last file gets its name, if a crash came before that. */
gboolean query_publish(const ConfQuery *conf, const BookQuery *progress, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* How many of its files lie in the folder. */
gboolean query_count_waiting(const ConfQuery *conf, guint *files, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the settings say, for store/outside_pieces.h; borrowed from them. */
OutsidePiece query_piece_of(const ConfQuery *conf);
char *query_cursor_text(const ConfQuery *conf); /* the caller frees */
