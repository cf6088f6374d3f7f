#include "gateway/toy/toy.h"
#include "gateway/common/control.h"
#include "store/toy.h"

typedef struct {
  const LaneHost *host;
  gint taken; /* atomic: since the lane's start */
} Toy;

static gpointer toy_start(const LaneHost *host, GError **error) {
  (void)error;
  Toy *toy = g_new0(Toy, 1);
  toy->host = host;
  return toy;
}

static gboolean toy_stop(gpointer service, guint grace_seconds) {
  (void)service, (void)grace_seconds;
  return TRUE;
}

static gboolean add_change(BookTransaction *tx, gpointer data, GError **error) {
  return toy_add_note(tx, data, error);
}

static json_t *note_request(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  Toy *toy = service;
  (void)who;
  const char *text = json_string_value(json_object_get(request, "text"));
  g_autoptr(GError) error = NULL;
  if (!text || !*text)
    return control_refusal(SALLYPORT_ERROR_FILE, "a note needs a text");
  if ((guint)g_atomic_int_get(&toy->taken) >= host->lane->toy_notes.most)
    return control_refusal(SALLYPORT_ERROR_FILE, "no more notes are taken");
  if (!book_write(host->book, add_change, (gpointer)text, &error))
    return control_failure(error);
  return json_pack("{s:b, s:i}", "ok", 1, "notes", g_atomic_int_add(&toy->taken, 1) + 1);
}

static json_t *toy_status(gpointer service) {
  return json_pack("{s:i}", "taken", g_atomic_int_get(&((Toy *)service)->taken));
}

static const LaneRequest requests[] = {{"toy-note", note_request}, {0}};
const LaneService toy_service = {
    .name = "toy",
    .start = toy_start,
    .stop = toy_stop,
    .free = g_free,
    .requests = requests,
    .status = toy_status,
};
