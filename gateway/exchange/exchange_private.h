/* What the files of the exchange share:
 *
 *   exchange.c   the service: its start and its end
 *   mailboxes.c  what all of them share
 *   desk.c       the front's questions and their answers
 *   put.c        put open resume finish head
 *   obtain.c     list get acknowledge
 *   requests.c   request request-state take lease failure answer
 *   drops.c      the drop-folder face: drops.h; drop_in.c, drop_out.c its two halves
 *   notes.c      what nobody waits for
 *   keep.c       the keeper's thread: notes that nobody waits for, retention, alarms */
#pragma once
#include "gateway/common/packet_desk.h"
#include "gateway/exchange/exchange.h"
#include "store/exchange.h"
#include <pthread.h>

/* How long an item waited to be listed, obtained, acknowledged, by our clock alone. */
typedef enum { EXCHANGE_PUT_TO_SEEN, EXCHANGE_SEEN_TO_GOT, EXCHANGE_GOT_TO_ACK, EXCHANGE_PHASES } ExchangePhase;
enum { EXCHANGE_LAG_BUCKETS = 9, EXCHANGE_OVERDUE = 2 };
typedef struct {
  guint64 counts[EXCHANGE_LAG_BUCKETS];
  gint64 sum; /* microseconds */
} ExchangeLag;

typedef struct {
  const ConfExchange *conf;
  ExchangeFlow flows[2];     /* by direction: what is committed, or a moment older; under the lock */
  pthread_cond_t arrived[2]; /* a number was given */
  ExchangeLag lags[EXCHANGE_PHASES]; /* since the lane's start; under the lock */
  gint tells[2][EXCHANGE_OVERDUE];   /* the keeper's: whether it is told that items, or requests, wait; -1: unknown */
} Mailbox;

typedef struct {
  const LaneHost *host;
  GPtrArray *mailboxes; /* Mailbox* */
  GPtrArray *drops;     /* DropFolder*: drops.h */
  char *folder;         /* of the items' files */
  char *notes_folder;   /* of what is under way to drop folders (remote_put.h) */
  PacketDesk *desk;
  pthread_t keeper;
  gboolean has_keeper;
  pthread_mutex_t lock; /* of all below, and of the mailboxes' flows */
  pthread_cond_t changed;
  gboolean is_ending;
  GQueue readers;          /* BookReader*, idle */
  GQueue notes;            /* ExchangeNote* */
} Exchange;

/* One question, while it is answered. */
typedef struct {
  Exchange *exchange;
  Mailbox *mailbox;
  ExchangeDirection puts, gets; /* the flow that who asks puts into, and the one that it obtains from */
  const char *id;               /* NULL: none */
  const json_t *request;
  const void *bytes; /* with it */
  gsize length;
  json_t *answer; /* what belongs to the verdict */
  GString *page;  /* a text instead; or NULL */
  int fd;         /* -1: none */
} ExchangeCall;

/* A verdict, or VERDICT_TROUBLE with *error. */
typedef ExchangeVerdict (*ExchangeHandler)(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_put(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_open(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_resume(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_finish(ExchangeCall *call, GError **error);
/* The request announces an item whose bytes are whole in this file of the items' folder, which becomes the item's:
 * stored known …; of one that is known it may be the item's own, or nobody's. */
ExchangeVerdict exchange_adopt(ExchangeCall *call, const char *file, GError **error);
ExchangeVerdict exchange_head(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_list(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_get(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_acknowledge(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_request(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_request_state(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_take(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_lease(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_failure(ExchangeCall *call, GError **error);
ExchangeVerdict exchange_answer_request(ExchangeCall *call, GError **error);

/* --- mailboxes.c */
Mailbox *exchange_mailbox(const Exchange *exchange, const char *name); /* NULL: none */
/* Readers of the book, kept for the next question. */
BookReader *exchange_reader_take(Exchange *exchange, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void exchange_reader_return(Exchange *exchange, BookReader *reader); /* NULL is fine */
/* The item of this flow and id; NULL without error: none. */
ExchangeItem *exchange_item(ExchangeCall *call, ExchangeDirection direction, GError **error);
/* Who waits for the flow's next item, or for a request, learns that there is one; what is told is durable. `seq` is the
 * item's number; 0: only a request. */
void exchange_tell_arrival(ExchangeCall *call, ExchangeDirection direction, gint64 seq);
/* From `since` to now; 0: it is not known, and not counted. */
void exchange_note_lag(ExchangeCall *call, ExchangePhase phase, gint64 since);
json_t *exchange_lags_json(const Mailbox *mailbox); /* under the lock */
char *exchange_path(const Exchange *exchange, const char *file);
/* Into the log; the lane stops when it is the disk that cannot be trusted. `mailbox` and `item` may be NULL. */
void exchange_tell_trouble(const Exchange *exchange, const Mailbox *mailbox, const char *item, const GError *error);
/* Beside the reserve. */
gboolean exchange_has_space(const Exchange *exchange, const Mailbox *mailbox, guint64 size);
/* The bytes of an item that has a body, to be read; -1: *error. */
int exchange_open_body(const Exchange *exchange, const ExchangeItem *item, GError **error);
/* What the answer tells of an item. */
json_t *exchange_item_json(const ExchangeItem *item);

/* --- desk.c */
gboolean exchange_desk_open(Exchange *exchange, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- notes.c */
/* An item was listed or obtained; nobody waits until it is in the book, and a crash may lose it. `id` NULL: the numbers
 * first … last were listed. */
typedef struct {
  const Mailbox *mailbox;
  ExchangeDirection direction;
  gint64 first, last;
  char *id;
} ExchangeNote;
void exchange_note(Exchange *exchange, const ExchangeNote *note); /* takes the id */
void exchange_note_free(ExchangeNote *note);
void exchange_notes_write(Exchange *exchange, GQueue *notes); /* in one transaction; and frees them */

/* --- keep.c */
gboolean exchange_keep_start(Exchange *exchange, GError **error) G_GNUC_WARN_UNUSED_RESULT;
