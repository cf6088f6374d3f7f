#include "gateway/front/front_private.h"

enum { READERS_KEPT = 4 };

Shelf *shelf_new(const Conf *conf, const ConfLane *lane, Waits *waits) {
  Shelf *shelf = g_new0(Shelf, 1);
  shelf->lane = lane;
  shelf->paths = lane_paths_new(&conf->node, lane->name);
  shelf->asker = asker_new(shelf->paths->control, waits);
  pthread_mutex_init(&shelf->lock, NULL);
  g_queue_init(&shelf->readers);
  return shelf;
}

void shelf_free(Shelf *shelf) {
  asker_free(shelf->asker);
  for (BookReader *reader; (reader = g_queue_pop_head(&shelf->readers));)
    book_reader_close(reader);
  pthread_mutex_destroy(&shelf->lock);
  lane_paths_free(shelf->paths);
  g_free(shelf);
}

BookReader *shelf_take(Shelf *shelf, GError **error) {
  pthread_mutex_lock(&shelf->lock);
  BookReader *reader = g_queue_pop_head(&shelf->readers);
  pthread_mutex_unlock(&shelf->lock);
  return reader ? reader : book_reader_open(shelf->paths->book, error);
}

void shelf_return(Shelf *shelf, BookReader *reader) {
  pthread_mutex_lock(&shelf->lock);
  gboolean is_kept = reader && g_queue_get_length(&shelf->readers) < READERS_KEPT;
  if (is_kept)
    g_queue_push_head(&shelf->readers, reader);
  pthread_mutex_unlock(&shelf->lock);
  if (!is_kept)
    book_reader_close(reader);
}
