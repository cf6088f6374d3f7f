/* What http.c (a file's calls, by several threads), http_call.c (one call) and http_feed.c (before the first) share. */
#pragma once
#include "gateway/flow/processor.h"
#include "gateway/processors/http/accrual.h"
#include "gateway/processors/http/cutter.h"
#include "gateway/processors/http/http_throttle.h"
#include "gateway/processors/poster.h"
#include <pthread.h>

/* What one call needs; used by one thread at a time, and again by the next. */
typedef struct {
  StagingReader *reader;
  RecordBlock *block;
  guint capacity;   /* of the block */
  GString *text;    /* the request */
  int body, answer; /* memfd: content that the courier sees, and no disk does */
} Scratch;

/* A batch that is to be asked, or asked again. */
typedef struct {
  BookBatch *batch;
  guint failures; /* of its calls in this run, one after the other */
  gint64 due;     /* not before; monotonic */
} WaitingBatch;

/* One file being posted. The step's parts are used by calls under way only, whose end the step waits for; helpers that
 * are still queued then find it closed. */
typedef struct {
  const Step *step;
  AccrualColumns *columns;
  Poster *poster;
  char *staging;
  pthread_mutex_t cutting; /* of the cutter: one batch is cut after the other */
  Cutter *cutter;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  GPtrArray *batches; /* BookBatch*: the book's, and those cut since; as long as the poster */
  GQueue waiting;     /* WaitingBatch*, of numbered batches */
  GQueue scratches;   /* Scratch* not in use */
  guint under_way, references;
  guint helpers; /* running or queued */
  gboolean closed;
  GError *error; /* the first: no call begins after it */
} Accrual;

typedef enum {
  CALL_MADE,    /* and there may be more */
  CALL_NOT_NOW, /* the interface is paused, or enough calls are in flight */
  CALL_NO_WORK  /* nothing is left to call with, or an error ends it */
} CallResult;
CallResult accrual_call(Accrual *accrual, Courier *courier, gint64 patience);
/* How many calls would find something to ask: what waits and is due, and what can be cut at size x. *due: when the next
 * one is; G_MAXINT64: none waits. */
guint accrual_work(Accrual *accrual, guint size, gint64 *due);
void accrual_ask_later(Accrual *accrual, BookBatch *batch, guint failures, gint64 due);

/* One batch, in hand: read, and its request made. */
typedef struct {
  Accrual *accrual;
  Scratch *scratch;
  BookBatch *batch;
  guint failures; /* as in WaitingBatch */
  gint64 due;
  guint8 *skip;
  char *key;
  guint records; /* in the request; 0: nothing to send */
} Call;
AccrualBody accrual_body_of(const Call *call);
/* Sends it and takes the answer. *end is for the interface's pressure. FALSE: an error that ends the step; TRUE with
 * *again: refused, or failed not for good: to be asked again when it is due. */
gboolean accrual_send(Call *call, Courier *courier, PressureCall *pressure, PressureEnd *end, gboolean *again,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- http_feed.c: of the row in http.c (gateway/flow/processor.h). */
void accrual_target(const ConfLane *lane, const ConfFeed *feed, ProcessorTarget *target);
gboolean accrual_check(const ConfFeed *feed, const Layout *layout, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean accrual_open_service(Feeds *feeds, Feed *feed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
