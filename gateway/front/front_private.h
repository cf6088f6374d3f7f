/* What the front's own files share: the server (server.c), who asks (access.c), what lies where (shelf.c), and the
 * answers (manifests.c, objects.c, acknowledge.c), and what lanes are told (notes.c). */
#pragma once
#include "conf/conf.h"
#include "gateway/common/paths.h"
#include "store/book_recon.h"
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>

/* A lane that has reconcile blocks: its book, read-only, by readers that are kept for the next request. */
typedef struct {
  const ConfLane *lane;
  LanePaths *paths;
  pthread_mutex_t lock;
  GQueue readers;
} Shelf;

typedef struct Notes Notes;

typedef struct {
  const Conf *conf;
  GPtrArray *shelves; /* Shelf* */
  Notes *notes;
  gint acknowledging; /* atomic: threads that wait for a lane's answer */
  struct MHD_Daemon *daemon;
  int listening;
  char *certificate, *private_key, *client_ca;
  pthread_mutex_t lock;
  GHashTable *connections; /* Connection*: all that are open */
} Front;

/* Bound and listening on TRUE. The configuration outlives it. */
Front *front_open(const Conf *conf, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void front_close(Front *front);
/* Ends connections that have not sent a whole request head for front { timeout }: a byte now and then is no life. */
void front_end_slow(Front *front, gint64 now);
guint front_connections(Front *front);

/* --- One request. */
typedef struct {
  Front *front;
  struct MHD_Connection *connection;
  const ConfPartner *requester; /* who asks; known before anything else is looked at */
  const char *method, *path;
  GString *body; /* of a POST */
  guint status;
  guint64 bytes; /* of the answer: for the log */
  gint64 began;
  gboolean is_answered;
} Request;

/* Who asks, by token or certificate; NULL: nobody that we know. */
const ConfPartner *front_requester(const Front *front, struct MHD_Connection *connection);

/* --- Answers. Each queues exactly one response. */
enum MHD_Result front_answer_json(Request *request, guint status, json_t *object); /* takes the object */
enum MHD_Result front_refuse(Request *request, guint status, const char *error);   /* {"error":…} */
enum MHD_Result front_not_ready(Request *request, const char *state, guint retry_after);
/* A file, or the range of it that is asked for. Takes the descriptor. */
typedef struct {
  int fd;
  guint64 size;
  const char *sha256, *content_type, *name;
} FrontFile;
enum MHD_Result front_answer_file(Request *request, const FrontFile *file);

enum MHD_Result front_list(Request *request);
enum MHD_Result front_manifest(Request *request, const char *type, const char *period, const char *form);
enum MHD_Result front_object(Request *request, const char *object);
enum MHD_Result front_acknowledge(Request *request, const char *type, const char *period);

/* --- Shelves. */
Shelf *shelf_new(const Conf *conf, const ConfLane *lane);
void shelf_free(Shelf *shelf);
BookReader *shelf_take(Shelf *shelf, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void shelf_return(Shelf *shelf, BookReader *reader);
/* The requester's reconcile block of that type; NULL: none. */
const ConfReconcile *front_find_reconcile(const Front *front, const ConfPartner *requester, const char *type,
                                          Shelf **shelf);

/* --- Notes: a thread that tells lanes what nobody waits for. To stop it takes as long as the one answer that it waits
 * for. */
Notes *notes_start(GError **error) G_GNUC_WARN_UNUSED_RESULT;
void notes_stop(Notes *notes);
void notes_add_fetched(Notes *notes, const Shelf *shelf, const char *task, const char *by);

/* --- Byte ranges (RFC 9110, 14): the one range of the header, resolved against the size. */
typedef enum { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE } RangeKind;
typedef struct {
  guint64 first, last;
} ByteRange;
RangeKind range_parse(const char *header, guint64 size, ByteRange *range);
