/* A lane's folder and its audit tip get the new name, then its book. The tip goes first: a folder without its tip does
 * not pass for whole under either name. */
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/move/move_private.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const Move *move;
  LanePaths *from, *to;
  const HeldLane *old, *new; /* NULL: there is none */
} LaneMove;

static gboolean is_there(const char *path) {
  return access(path, F_OK) == 0;
}

static gboolean rename_if_there(const char *from, const char *to, GError **error) {
  g_autofree char *folder = g_path_get_dirname(to);
  if (is_there(from) && rename(from, to) != 0)
    return sallyport_error_errno(error, errno, "rename %s to %s", from, to);
  return files_sync_folder(folder, error);
}

static gboolean begin_move(const LaneMove *m, GError **error) {
  if (m->old->book->moving)
    return TRUE;
  Book *book = move_open_book(m->from, m->move->name, error);
  gboolean ok = book && move_begin(book, m->move, error);
  book_close(book);
  return ok;
}

static gboolean end_change(BookTransaction *tx, gpointer data, GError **error) {
  const LaneMove *m = data;
  g_autofree char *detail = move_detail(m->move), *from = g_strconcat(m->from->folder, "/", NULL),
                  *to = g_strconcat(m->to->folder, "/", NULL);
  return book_move_intents(tx, from, to, error) && book_set_fact(tx, "lane", m->move->new_name, error) &&
         book_set_fact(tx, "moving", NULL, error) && book_audit(tx, "moved", m->move->new_name, detail, error);
}

static gboolean end(const LaneMove *m, GError **error) {
  Book *book = move_open_book(m->to, m->move->new_name, error);
  gboolean ok = book && book_write(book, end_change, (gpointer)m, error);
  fault_point("move-lane-after-end");
  book_close(book);
  return ok;
}

/* The folder has its new name already, by a move that was cut short (or by hand): what is left is to say so. */
static gboolean is_half_done(const LaneMove *m) {
  g_autofree char *words = move_words(m->move);
  const BookHoldings *book = m->new ? m->new->book : NULL;
  return !m->old && book &&
         (g_strcmp0(book->moving, words) == 0 || (!book->moving && g_strcmp0(book->lane, m->move->name) == 0));
}

static gboolean may_move(const LaneMove *m, GError **error) {
  g_autofree char *words = move_words(m->move);
  if (is_half_done(m))
    return TRUE;
  if (!m->old || !m->old->book)
    return move_refuse(error, "the state has no lane \"%s\" that can be read%s%s", m->move->name, m->old ? ": " : "",
                       m->old ? m->old->problem : "");
  if (is_there(m->to->folder))
    return move_refuse(
        error, "%s is there already: two lanes cannot become one; if it is empty, move it away and run this again",
        m->to->folder);
  if (m->old->book->moving && strcmp(m->old->book->moving, words) != 0)
    return move_refuse(error, "another move has begun and not ended: sallyport move %s", m->old->book->moving);
  return TRUE;
}

static gboolean run_move(const LaneMove *m, GError **error) {
  if (!may_move(m, error) || (m->old && !begin_move(m, error)) || !rename_if_there(m->from->tip, m->to->tip, error))
    return FALSE;
  fault_point("move-lane-after-tip");
  if (!rename_if_there(m->from->folder, m->to->folder, error))
    return FALSE;
  fault_point("move-lane-after-folder");
  return end(m, error);
}

char *move_lane(const Move *move, const GPtrArray *held, GError **error) {
  LaneMove m = {.move = move,
                .from = lane_paths_new(&move->conf->node, move->name),
                .to = lane_paths_new(&move->conf->node, move->new_name),
                .old = held_lane(held, move->name),
                .new = held_lane(held, move->new_name)};
  gboolean ok = run_move(&m, error);
  lane_paths_free(m.from);
  lane_paths_free(m.to);
  return ok ? g_strdup_printf("lane %s is lane %s now, with all its books", move->name, move->new_name) : NULL;
}
