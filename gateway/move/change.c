/* What each kind of move does first: the book is opened to be changed, and told what is begun. */
#include "gateway/move/move_private.h"
#include "gateway/base/faultpoint.h"
#include <sys/stat.h>
#include <unistd.h>

gboolean move_refuse(GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s", text);
}

/* Files that root made here could not be opened by the service any more. */
static gboolean is_ours(const LanePaths *paths, GError **error) {
  struct stat folder;
  if (stat(paths->folder, &folder) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "there is no %s", paths->folder);
  return folder.st_uid == geteuid() ||
         move_refuse(error, "%s belongs to user %u: run this as that user, the service's (sudo -u)", paths->folder,
                     (guint)folder.st_uid);
}

Book *move_open_book(const LanePaths *paths, const char *lane, GError **error) {
  g_autoptr(GError) why = NULL;
  Book *book = is_ours(paths, &why) ? book_open(paths->book, paths->tip, &why) : NULL;
  if (book)
    return book;
  if (sallyport_error_code(why) == SALLYPORT_ERROR_AGAIN)
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                        "lane %s is running, and its state cannot change under it: stop the service, run this again, "
                        "and start the service (%s)",
                        lane, why->message);
  else
    g_propagate_error(error, g_steal_pointer(&why));
  return NULL;
}

char *move_words(const Move *move) {
  return g_strdup_printf("%s %s %s", move->kind, move->name, move->new_name);
}

char *move_detail(const Move *move) {
  return g_strdup_printf("%s %s%s%s by %s%s%s", move->kind, move->name, move->new_name ? " → " : "",
                         move->new_name ? move->new_name : "", move->who, move->reason ? ": " : "",
                         move->reason ? move->reason : "");
}

static gboolean begin_change(BookTransaction *tx, gpointer data, GError **error) {
  const Move *move = data;
  g_autofree char *words = move_words(move), *detail = move_detail(move);
  return book_set_fact(tx, "moving", words, error) && book_audit(tx, "move-begun", move->name, detail, error);
}

gboolean move_begin(Book *book, const Move *move, GError **error) {
  fault_point("move-before-begin");
  if (!book_write(book, begin_change, (gpointer)move, error))
    return FALSE;
  fault_point("move-after-begin");
  return TRUE;
}
