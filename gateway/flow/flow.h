/* The flow of a file through a lane: one file per step, one function each.
 *
 *   poll → admit → fetch → open → stage → validate → post → answer → deliver → close
 *
 * A step takes a file's row in one state, has its effect, and moves the row to the next state in one transaction. Every
 * step may be run again from its beginning after a crash at any point of it; how, is argued at the head of its file.
 * Steps report errors; what becomes of a file after one (again later, held, rejected, the lane stops) is decided in
 * trouble.c only.
 *
 * Steps that wait for a partner run in the endpoint's own threads (gateway/threads/endpoint_pool.h), all others in the
 * lane's workers, so that a partner who does not answer delays nobody else. */
#pragma once
#include "conf/conf.h"
#include "gateway/common/remote_path.h"
#include "gateway/flow/judging/keygate.h"
#include "gateway/envelope/unwrap.h"
#include "gateway/common/paths.h"
#include "gateway/records/layout.h"
#include "gateway/time/schedule.h"
#include "store/book.h"
#include "store/ledger.h"
#include "store/rules.h"
#include "transfer/courier.h"

typedef struct EndpointPool EndpointPool;
typedef struct Declarations Declarations;     /* gateway/flow/admission/declarations.h */
typedef struct Overlooked Overlooked;         /* gateway/flow/admission/overlooked.h */
typedef struct Processor Processor;           /* gateway/flow/processor.h */
typedef struct AccrualService AccrualService; /* gateway/processors/http/http_throttle.h */

/* A feed, compiled: what does not change while the lane runs. */
typedef struct {
  const ConfFeed *conf;
  const ConfPartner *partner;
  const char *gnupg_home;
  Layout *layout;
  const Processor *processor;
  Ledger *ledger;         /* NULL: its process keeps none */
  LedgerColumns *columns; /* likewise */
  Rule *rules;
  guint n_rules;
  Schedule *schedule;
  EndpointPool *source, *feedback; /* endpoints */
  EndpointPool *process;           /* of our own system; NULL: its process needs none */
  AccrualService *service;    /* whose pressure is regulated, shared by the feeds that post to it; NULL; borrowed */
  gpointer shared;            /* its kind's: with feeds of the same kind; NULL; borrowed */
  struct FeedWatch *watch;    /* gateway/flow/feed_calendar.h: calendar, cut-off, what is owed */
  struct Looks *looks;        /* gateway/flow/admission/looks.h; touched by the feed's one poll at a time */
  Declarations *declarations; /* read so far; likewise */
  Overlooked *overlooked;     /* likewise */
  guint polls;                /* so far; likewise */
  gboolean has_remembered;    /* what the book has in `seen` has its look; likewise */
  char *cursor;               /* of a mailbox: what is behind it was not listed yet; likewise */
  gint64 anew_at;             /* monotonic: when its list is begun anew; likewise */
  gint64 next_poll;           /* microseconds since 1970; under the lane's lock */
  gboolean polling;           /* under the lane's lock */
} Feed;

/* Who wants to know of each file that is validated, while its staging is there. Any thread; returns at once. */
typedef struct {
  void (*take)(gpointer user, const ConfFeed *feed, const char *file, const char *staging);
  gpointer user;
} FileSink;

/* What the steps of one lane share. */
typedef struct {
  const Conf *conf;
  const LanePaths *paths;
  Book *book;
  KeyGate *gate;
  guint threads;    /* for work that one file can spread over processors */
  guint alarm_ways; /* of alarms { }: ALARM_BY_COMMAND, ALARM_BY_WEBHOOK */
  gint stopping;    /* atomic; what waits in a step ends its waiting */
  const struct RemotePace *pace; /* of a lane that works only while the machine is idle; NULL: none */
  const FileSink *validated;     /* NULL: nobody */
} Flow;

/* One step of one file in one thread. */
typedef struct {
  Flow *flow;
  Feed *feed;
  BookReader *reader; /* the thread's own */
  Courier *courier;   /* AT_SOURCE, AT_FEEDBACK, AT_PROCESS: connected; else NULL */
  const char *endpoint; /* what it is connected to: "PARTNER/ENDPOINT"; NULL: nothing */
  BookFile *file;
  struct Order *order; /* validate's: the file's turn (order.h) */
  gint64 since;        /* monotonic microseconds: when the step, or what it does after its last state, began */
} Step;

typedef gboolean (*StepFunction)(Step *step, GError **error);

/* Each needs the file in the states named, and on TRUE has moved it on, or put its due_at off (a key range that another
 * file holds, a file that has changed). */
gboolean flow_fetch(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* admitted */
gboolean flow_open(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;  /* fetched, opened: decrypts, verifies */
gboolean flow_stage(Step *step, int plaintext, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* opened: for flow_open */
gboolean flow_validate(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* staged: validates and splits */
gboolean flow_post(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;     /* validated, posting */
/* posted, rejected, duplicate: seals the answer */
gboolean flow_answer(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean flow_deliver(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* sealed */
gboolean flow_close(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;   /* answered */

/* Lists the source folder, notes what is new, gone or changed, and admits what is complete, all in one transaction.
 * *admitted: files that can now be fetched. */
gboolean flow_poll(Flow *flow, Feed *feed, BookReader *reader, Courier *courier, guint *admitted,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Where a file's next step runs, and which it is. NULL: none (terminal, held, or waiting for evidence). AT_PROCESS is
 * the process's pool where the feed has one, else a worker. */
typedef enum { AT_WORKER, AT_SOURCE, AT_FEEDBACK, AT_PROCESS } StepPlace;
StepFunction flow_step_of(const BookFile *file, StepPlace *place, const char **name);

/* What becomes of a file whose step failed: writes it into the book and the log. */
typedef enum {
  TROUBLE_AGAIN,
  TROUBLE_MOVED,     /* by someone else: nothing was done */
  TROUBLE_NOT_NOTED, /* the book cannot be written now: nothing more should be begun for a while */
  TROUBLE_STOP_LANE
} Trouble;
Trouble flow_trouble(Step *step, const char *step_name, const GError *error);

/* Seconds from a step's first failure to the last try that retry-limit allows: how long a partner may still be at work
 * on what is not right yet. */
gint64 flow_patience(const Feed *feed);

/* Moves an answer from the spool into `folder`, and what lies beside it there. The caller syncs. */
gboolean answer_keep(const char *path, const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of a closed file: whether its answer can be sent once more, and to which endpoint (the caller frees). FILE: not, and
 * why. */
gboolean flow_may_resend(Step *step, char **endpoint, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Sends it, connected to that endpoint: the bytes that lie in the archive, then its marker. It looks first, as a
 * delivery does. */
gboolean flow_resend(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Takes the layers off the file as it lies in the spool (gateway/envelope/unwrap.h). *unwrapped is to be cleared in
 * both cases. */
gboolean flow_unwrap(Step *step, Unwrapped *unwrapped, GError **error) G_GNUC_WARN_UNUSED_RESULT;
