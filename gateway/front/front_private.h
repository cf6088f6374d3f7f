/* What the front's own files and its capabilities' folders share: the server (server.c), the routes (routes.c), who
 * asks (access.c), the lanes' books (shelf.c), the forms of answers (answers.c), what lanes are asked (ask.c), and
 * requests that wait without a thread (waits.c). */
#pragma once
#include "conf/conf.h"
#include "gateway/common/paths.h"
#include "store/book.h"
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>

typedef struct Waits Waits;
typedef struct Asker Asker;
typedef struct FrontQuestion FrontQuestion;
typedef struct FrontRoute FrontRoute; /* routes.h */
typedef struct FrontBody FrontBody;   /* likewise */

/* A lane: its book, read-only, by readers that are kept for the next request. Nothing is opened before it is asked for.
 */
typedef struct {
  const ConfLane *lane;
  LanePaths *paths;
  Asker *asker;
  pthread_mutex_t lock;
  GQueue readers;
} Shelf;

typedef struct {
  const Conf *conf;
  GPtrArray *shelves; /* Shelf* */
  Waits *waits;
  struct MHD_Daemon *daemon;
  int listening;
  char *certificate, *private_key, *client_ca;
  pthread_mutex_t lock;
  GHashTable *connections; /* Connection*: all that are open */
  GData *own;              /* what capabilities keep (front_own), by its name */
} Front;

/* Bound and listening on TRUE. The configuration outlives it. */
Front *front_open(const Conf *conf, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void front_close(Front *front);
/* Ends connections that have not sent a whole request head for front { timeout }: a byte now and then is no life. */
void front_end_slow(Front *front, gint64 now);
guint front_connections(Front *front);
/* What a capability keeps for all requests: made when it is first asked for, freed when no request is left, before who
 * waits is forgotten. `make` may return NULL with *error: it is asked again the next time. */
gpointer front_own(Front *front, const char *name, gpointer (*make)(Front *front, GError **error),
                   GDestroyNotify free, GError **error);

/* --- One request. */
typedef struct {
  Front *front;
  struct MHD_Connection *connection;
  const ConfPartner *requester; /* who asks, where the route wants to know; before anything else is looked at */
  const char *method, *path;
  GString *body; /* of a POST, or of a route that takes bodies itself and uses it */
  const FrontBody *takes; /* NULL: 64 KiB at most, a POST's */
  gboolean has_length;
  guint64 length;          /* as announced */
  guint64 received, noted; /* bytes of the body; when that was last a sign of life */
  guint status;
  guint64 bytes; /* of the answer: for the log */
  gint64 began;
  gboolean is_answered;
  gpointer own; /* what a handler keeps for its next call, freed at the request's end by own_free */
  GDestroyNotify own_free;
  FrontQuestion *question;   /* what a handler has asked a lane, kept for its next call; or NULL */
  gconstpointer waits_for;   /* this and what follows: waits.c's; NULL: the handler's first call */
  gint64 waits_until;        /* monotonic */
  gboolean is_suspended, is_woken;
  gboolean begins; /* a route that takes bodies itself waits before the first byte of this one */
} FrontRequest;

/* Who asks, by token or certificate, becomes request->requester; FALSE: nobody that we know. */
gboolean front_is_requester(FrontRequest *request);
gboolean front_is_watcher(FrontRequest *request); /* by the token of front { metrics } */
gboolean front_is_anybody(FrontRequest *request); /* TRUE: the answer tells nothing */

/* --- Answers. Each queues exactly one response. */
enum MHD_Result front_answer_json(FrontRequest *request, guint status, json_t *object); /* takes the object */
enum MHD_Result front_refuse(FrontRequest *request, guint status, const char *error);   /* {"error":…} */
/* A text, which is taken, as JSON unless a header says another Content-Type, or no body; with these headers, which end
 * with a NULL name. */
typedef struct {
  const char *name, *value; /* NULL value: left out */
} FrontHeader;
enum MHD_Result front_answer_text(FrontRequest *request, guint status, char *text, const FrontHeader *headers);
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
Shelf *shelf_new(const Conf *conf, const ConfLane *lane, Waits *waits);
void shelf_free(Shelf *shelf);
BookReader *shelf_take(Shelf *shelf, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void shelf_return(Shelf *shelf, BookReader *reader);

/* --- A request that waits, and holds no thread. Its handler:
 *
 *   1. at its first call (!request->waits_for) says what it waits for and how long: front_wait_for;
 *   2. at each call looks whether it is there, and answers;
 *   3. else: if (front_wait(request)) return MHD_YES; what is not there by then is not waited for: it answers so.
 *
 * Said before the look, so that what comes after it is not missed. It is called again, with the same words and body, by
 * front_wake or, a second late at most, when the time is over. The client's connection counts as open meanwhile. */
void front_wait_for(FrontRequest *request, gconstpointer what, guint seconds);
/* FALSE: its time is over, or the front ends: answer now. */
gboolean front_wait(FrontRequest *request) G_GNUC_WARN_UNUSED_RESULT;
/* From any thread: calls all handlers again that wait for it. `what` is compared only, never followed. */
void front_wake(Waits *waits, gconstpointer what);
void front_wake_late(Waits *waits, gint64 now); /* those whose time is over; monotonic */
void front_wait_forget(FrontRequest *request);  /* it is complete */
Waits *waits_new(void);
void waits_end(Waits *waits); /* nobody waits from now on: before the server stops */
void waits_free(Waits *waits);

/* --- What lanes are asked. */
typedef enum { LANE_SILENT, LANE_DID, LANE_DID_NOT } LaneAnswer;
/* Takes the question; never waits. Who is to be called again with the answer says front_wait_for(request, the
 * question); who does not want to know it gives the question back at once. NULL: too many questions wait for the lane,
 * and this one is lost. */
FrontQuestion *front_ask(const Shelf *shelf, json_t *question);
LaneAnswer front_question_answer(FrontQuestion *question);
void front_question_unref(FrontQuestion *question); /* NULL is fine */
/* A lane's, with a thread when there is something to ask. To free it takes as long as the one answer that it waits for.
 */
Asker *asker_new(const char *control, Waits *waits);
void asker_free(Asker *asker);

/* --- Byte ranges (RFC 9110, 14): the one range of the header, resolved against the size. */
typedef enum { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE } RangeKind;
typedef struct {
  guint64 first, last;
} ByteRange;
RangeKind range_parse(const char *header, guint64 size, ByteRange *range);
