/* The rows go into an unnamed file first: the header may have their number and sums. Then NAME.part is written in the
 * folder and synced, and the book's change makes it true: position, number and name in one transaction. Then it is
 * renamed.
 *
 *   crash before the change    NAME.part is there, or a part of it: the same piece is read again, perhaps with more
 *                              rows by now, and NAME.part written anew
 *   crash behind the change    NAME.part is whole: it is renamed at the next look (query_publish), before anything else
 *   crash behind the rename    there is no NAME.part: nothing is to be done
 *
 * NAME holds the number, so that no two files have one name, and no file of another's is replaced. No feed takes
 * NAME.part (ready = rename). A result as a whole that has not changed since the last file makes none. */
#include "gateway/query/piece.h"
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/paths.h"
#include "gateway/records/feedback.h"
#include "gateway/records/layout_write.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_ROWS = 1024, COPY_BYTES = 256 * 1024 };

OutsidePiece query_piece_of(const ConfQuery *conf) {
  static const char *const words[] = {CONF_QUERY_FROMS(CONF_WORD)};
  OutsidePiece piece = {.query = {.database = conf->path,
                                  .password_file = secret_path(conf->password_file),
                                  .query = conf->query,
                                  .seconds = conf->timeout},
                        .cursor = conf->cursor,
                        .rows = conf->cursor ? conf->rows : 0};
  if (!outside_engine(words[conf->from], &piece.query.engine))
    g_error("no engine is called %s", words[conf->from]);
  return piece;
}

char *query_cursor_text(const ConfQuery *conf) {
  return conf->cursor ? g_strjoinv(",", conf->cursor) : g_strdup("");
}

/* --- Names. */

static char *name_of(const ConfQuery *conf, guint64 sequence, GError **error) {
  g_autoptr(GBytes) name = g_bytes_new(conf->name, strlen(conf->name));
  FeedbackName facts = {.name = name, .file_id = conf->name, .at = g_get_real_time(), .sequence = sequence};
  return feedback_name(conf->file_name, &facts, error);
}

static char *part_of(const ConfQuery *conf, const char *name) {
  return g_strdup_printf("%s/%s.part", conf->folder, name);
}

gboolean query_publish(const ConfQuery *conf, const BookQuery *progress, GError **error) {
  if (!progress->file)
    return TRUE;
  g_autofree char *part = part_of(conf, progress->file), *final = g_build_filename(conf->folder, progress->file, NULL);
  if (access(part, F_OK) != 0 && errno == ENOENT)
    return TRUE;
  if (renameat2(AT_FDCWD, part, AT_FDCWD, final, RENAME_NOREPLACE) != 0)
    return errno == EEXIST
               ? sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                     "%s is there already, and is not ours: take it away", final)
               : sallyport_error_errno(error, errno, "rename %s", part);
  fault_point("query-after-rename");
  return files_sync_folder(conf->folder, error);
}

/* Names are told apart by what stands around the number. */
gboolean query_count_waiting(const ConfQuery *conf, guint *files, GError **error) {
  *files = 0;
  g_autoptr(GError) why = NULL;
  g_autoptr(GDir) folder = g_dir_open(conf->folder, 0, &why);
  const char *open = strchr(conf->file_name, '{'), *close = strrchr(conf->file_name, '}'), *name;
  if (!folder)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s", why->message);
  if (!open || !close)
    return TRUE;
  g_autofree char *before = g_strndup(conf->file_name, (gsize)(open - conf->file_name));
  while ((name = g_dir_read_name(folder)))
    *files += g_str_has_prefix(name, before) && g_str_has_suffix(name, close + 1) && !g_str_has_suffix(name, ".part");
  return TRUE;
}

/* --- Rows. */

typedef struct {
  QueryReading *reading;
  OutsidePieces *pieces;
  LayoutWriter *writer;
  RecordBlock *block;
  int body, fd;
  char *name, *sha256;
} Making;

static void making_clear(Making *making) {
  outside_pieces_close(making->pieces);
  layout_writer_free(making->writer);
  record_block_free(making->block);
  if (making->body >= 0)
    close(making->body);
  if (making->fd >= 0)
    close(making->fd);
  g_free(making->name);
  g_free(making->sha256);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Making, making_clear)

static gboolean check_progress(const QueryReading *reading, GError **error) {
  g_autofree char *cursor = query_cursor_text(reading->conf);
  const BookQuery *progress = reading->progress;
  return !progress->position || strcmp(cursor, progress->cursor) == 0 ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "it was read up to a key of (%s), and its cursor is (%s) now: put it back, or give the "
                             "query another name, with which it begins anew",
                             progress->cursor, cursor);
}

static gboolean open_rows(Making *making, GError **error) {
  QueryReading *reading = making->reading;
  OutsidePiece piece = query_piece_of(reading->conf);
  guint n;
  piece.after = reading->progress->position;
  piece.until = reading->until;
  piece.query.stop = reading->stop;
  piece.query.user = reading->user;
  if (!check_progress(reading, error) || !(making->pieces = outside_pieces_open(&piece, error)))
    return FALSE;
  const StagingColumn *columns = outside_pieces_columns(making->pieces, &n);
  g_autofree BlockType *types = g_new0(BlockType, n);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  making->block = record_block_new(BLOCK_ROWS, types, n);
  return (making->writer = layout_writer_new(reading->layout, columns, n, error)) != NULL;
}

static gboolean write_rows(Making *making, GError **error) {
  if ((making->body = files_open_unnamed(making->reading->scratch, error)) < 0)
    return FALSE;
  for (;;) {
    record_block_clear(making->block);
    if (!outside_pieces_fill(making->pieces, making->block, error))
      return FALSE;
    if (making->block->count == 0)
      return TRUE;
    if (!layout_writer_records(making->writer, making->block, making->body, error))
      return FALSE;
  }
}

/* --- The file. */

static gboolean copy_body(const Making *making, GError **error) {
  g_autofree guint8 *bytes = g_malloc(COPY_BYTES);
  for (off_t at = 0;;) {
    ssize_t got = pread(making->body, bytes, COPY_BYTES, at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return sallyport_error_errno(error, errno, "read the rows of query %s again", making->reading->conf->name);
    if (got == 0)
      return TRUE;
    if (!files_write_all(making->fd, bytes, (gsize)got, error))
      return FALSE;
    at += got;
  }
}

static gboolean write_file(Making *making, guint64 sequence, guint64 *bytes, GError **error) {
  const ConfQuery *conf = making->reading->conf;
  g_autofree char *part = part_of(conf, making->name);
  making->fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (making->fd < 0)
    return sallyport_error_errno(error, errno, "make %s", part);
  return layout_writer_header(making->writer, sequence, making->fd, error) && copy_body(making, error) &&
         layout_writer_trailer(making->writer, sequence, making->fd, error) && files_size(making->fd, bytes, error) &&
         files_sync(making->fd, part, error) && files_sync_folder(conf->folder, error);
}

typedef struct {
  const BookQuery *next;
  const char *detail;
} Change;

static gboolean change_progress(BookTransaction *tx, gpointer data, GError **error) {
  const Change *change = data;
  return book_set_query(tx, change->next, change->detail, error);
}

/* The progress in memory moves on when the book's has. */
static gboolean commit(Making *making, guint64 sequence, GError **error) {
  QueryReading *reading = making->reading;
  BookQuery *progress = reading->progress;
  const char *position = outside_pieces_position(making->pieces);
  guint64 count = layout_writer_count(making->writer);
  g_autofree char *cursor = query_cursor_text(reading->conf), *shown = outside_position_show(position);
  g_autofree char *detail = g_strdup_printf("%s: %" G_GUINT64_FORMAT " records%s%s", making->name, count,
                                            shown ? " up to " : "", shown ? shown : "");
  gint64 now = g_get_real_time();
  BookQuery next = {.name = progress->name,
                    .position = (char *)(intptr_t)position,
                    .cursor = cursor,
                    .sequence = sequence,
                    .file = making->name,
                    .sha256 = making->sha256,
                    .records = progress->records + count,
                    .ran_at = now,
                    .made_at = now};
  fault_point("query-before-commit");
  if (!book_write(reading->book, change_progress, &(Change){&next, detail}, error))
    return FALSE;
  fault_point("query-after-commit");
  g_free(progress->position);
  g_free(progress->cursor);
  g_free(progress->file);
  g_free(progress->sha256);
  next.position = g_strdup(position);
  next.cursor = g_steal_pointer(&cursor);
  next.file = g_steal_pointer(&making->name);
  next.sha256 = g_steal_pointer(&making->sha256);
  *progress = next;
  return TRUE;
}

gboolean query_make_file(QueryReading *reading, QueryMade *made, GError **error) {
  g_auto(Making) making = {.reading = reading, .body = -1, .fd = -1};
  BookQuery *progress = reading->progress;
  guint8 digest[DIGEST_SHA256_SIZE];
  *made = (QueryMade){0};
  if (!query_publish(reading->conf, progress, error) || !open_rows(&making, error) || !write_rows(&making, error))
    return FALSE;
  made->records = layout_writer_count(making.writer);
  if (made->records == 0)
    return TRUE;
  if (!digest_file_sha256(making.body, 0, G_MAXUINT64, digest, NULL, error))
    return FALSE;
  making.sha256 = digest_hex(digest, sizeof digest);
  if (!reading->conf->cursor && g_strcmp0(making.sha256, progress->sha256) == 0)
    return TRUE;
  made->more = outside_pieces_has_more(making.pieces);
  guint64 sequence = progress->sequence + 1;
  if (!(making.name = name_of(reading->conf, sequence, error)) ||
      !write_file(&making, sequence, &made->bytes, error) || !commit(&making, sequence, error) ||
      !query_publish(reading->conf, progress, error))
    return FALSE;
  made->is_file = TRUE;
  return TRUE;
}
