#include "gateway/front/toy/toy_routes.h"
#include "store/toy.h"

static enum MHD_Result count_notes(FrontRequest *request, char **words) {
  gint64 all = 0;
  (void)words;
  for (guint i = 0; i < request->front->shelves->len; i++) {
    g_autoptr(GError) error = NULL;
    gint64 notes = 0;
    Shelf *shelf = request->front->shelves->pdata[i];
    BookReader *reader = shelf_take(shelf, &error);
    gboolean ok = reader && toy_count_notes(reader, &notes, &error);
    shelf_return(shelf, reader);
    if (!ok)
      return front_trouble(request, error);
    all += notes;
  }
  return front_answer_json(request, MHD_HTTP_OK, json_pack("{s:I}", "notes", (json_int_t)all));
}

const FrontRoute front_toy_routes[] = {{"GET", "/v1/toy/notes", count_notes, front_is_requester, NULL}, {0}};
