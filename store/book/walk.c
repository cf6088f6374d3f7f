/* All files of a filter, a page at a time. seen_at never changes and new files are the newest, so that where a page
 * ended the next one goes on. Files of the page's last moment come again and are passed over. */
#include "store/book/book_private.h"

struct BookWalk {
  BookReader *reader;
  BookFilter filter; /* of the next page */
  guint64 left;
  GPtrArray *page;
  guint next;        /* of the page */
  guint fresh;       /* of the page: how many were given */
  gint64 moment;     /* seen_at of the last file that was given */
  GHashTable *given; /* the ids of that moment */
  gboolean is_last_page;
};
/* A page of live files costs a look at all live files, which are sorted for it. */
enum { PAGE = 1000, LIVE_PAGE = 20000 };

BookWalk *book_walk_new(BookReader *reader, const BookFilter *filter) {
  BookWalk *walk = g_new0(BookWalk, 1);
  walk->reader = reader;
  walk->filter = *filter;
  walk->left = filter->limit ? filter->limit : G_MAXINT64;
  walk->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return walk;
}

void book_walk_free(BookWalk *walk) {
  if (!walk)
    return;
  g_clear_pointer(&walk->page, g_ptr_array_unref);
  g_hash_table_unref(walk->given);
  g_free(walk);
}

static gboolean turn_page(BookWalk *walk, GError **error) {
  BookFilter *filter = &walk->filter;
  guint given = g_hash_table_size(walk->given);
  if (walk->page && walk->fresh == 0)
    filter->limit *= 2; /* more files of one moment than a page holds: a larger page gets past it */
  else
    filter->limit = (guint)MIN(walk->left + given, book_filter_is_live(filter) ? LIVE_PAGE : PAGE);
  if (given > 0)
    *(filter->newest_first ? &filter->until : &filter->since) = walk->moment;
  g_clear_pointer(&walk->page, g_ptr_array_unref);
  walk->next = walk->fresh = 0;
  walk->page = book_files(walk->reader, filter, error);
  walk->is_last_page = walk->page && walk->page->len < filter->limit;
  return walk->page != NULL;
}

static void note_given(BookWalk *walk, const BookFile *file) {
  if (file->seen_at != walk->moment)
    g_hash_table_remove_all(walk->given);
  walk->moment = file->seen_at;
  g_hash_table_add(walk->given, g_strdup(file->id));
  walk->left--;
  walk->fresh++;
}

gboolean book_walk_next(BookWalk *walk, BookFile **file, GError **error) {
  for (*file = NULL; walk->left > 0;) {
    if (!walk->page || walk->next == walk->page->len) {
      if (walk->is_last_page)
        return TRUE;
      if (!turn_page(walk, error))
        return FALSE;
      continue;
    }
    BookFile **at = (BookFile **)&walk->page->pdata[walk->next++];
    if (g_hash_table_contains(walk->given, (*at)->id))
      continue;
    note_given(walk, *at);
    *file = g_steal_pointer(at);
    return TRUE;
  }
  return TRUE;
}
