/* What the front's own files and its capabilities' folders share: the server (server.c), the routes (routes.c), who
 * asks (access.c), the lanes' books (shelf.c), the forms of answers (answers.c), and what lanes are asked (ask.c). */
#pragma once
#include "conf/conf.h"
#include "gateway/common/paths.h"
#include "store/book.h"
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>

/* A lane: its book, read-only, by readers that are kept for the next request. Nothing is opened before it is asked for.
 */
typedef struct {
  const ConfLane *lane;
  LanePaths *paths;
  pthread_mutex_t lock;
  GQueue readers;
} Shelf;

typedef struct Notes Notes;
typedef struct FrontRoute FrontRoute; /* routes.h */

typedef struct {
  const Conf *conf;
  GPtrArray *shelves; /* Shelf* */
  Notes *notes;
  gint asking; /* atomic: threads that wait for a lane's answer */
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
  const ConfPartner *requester; /* who asks, where the route wants to know; before anything else is looked at */
  const char *method, *path;
  GString *body; /* of a POST */
  guint status;
  guint64 bytes; /* of the answer: for the log */
  gint64 began;
  gboolean is_answered;
} FrontRequest;

/* Who asks, by token or certificate, becomes request->requester; FALSE: nobody that we know. */
gboolean front_is_requester(FrontRequest *request);

/* --- Answers. Each queues exactly one response. */
enum MHD_Result front_answer_json(FrontRequest *request, guint status, json_t *object); /* takes the object */
enum MHD_Result front_refuse(FrontRequest *request, guint status, const char *error);   /* {"error":…} */
/* 404, the same for what is another's, misspelt or missing. */
enum MHD_Result front_nothing(FrontRequest *request);
enum MHD_Result front_trouble(FrontRequest *request, const GError *error); /* 503; the error goes into the log alone */
enum MHD_Result front_not_ready(FrontRequest *request, const char *state, guint retry_after);
/* A file, or the range of it that is asked for. Takes the descriptor. */
typedef struct {
  int fd;
  guint64 size;
  const char *sha256, *content_type, *name;
} FrontFile;
enum MHD_Result front_answer_file(FrontRequest *request, const FrontFile *file);

/* --- Shelves. */
Shelf *shelf_new(const Conf *conf, const ConfLane *lane);
void shelf_free(Shelf *shelf);
BookReader *shelf_take(Shelf *shelf, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void shelf_return(Shelf *shelf, BookReader *reader);

/* --- What lanes are asked. Both take the question. */
typedef enum { LANE_DID, LANE_DID_NOT, LANE_BUSY } LaneAnswer;
/* Waits for the lane's answer; BUSY: so many threads wait for lanes already that the others have to serve. */
LaneAnswer front_ask(Front *front, const Shelf *shelf, json_t *question);
/* A thread that asks lanes what nobody waits for. To stop it takes as long as the one answer that it waits for. */
Notes *notes_start(GError **error) G_GNUC_WARN_UNUSED_RESULT;
void notes_stop(Notes *notes);
void notes_add(Notes *notes, const Shelf *shelf, json_t *question);

/* --- Byte ranges (RFC 9110, 14): the one range of the header, resolved against the size. */
typedef enum { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE } RangeKind;
typedef struct {
  guint64 first, last;
} ByteRange;
RangeKind range_parse(const char *header, guint64 size, ByteRange *range);
