/* The drop-folder face: a mailbox by two folders on a server of one of its ends. What an end puts into its outgoing
 * folder becomes an item; items for it are put into its incoming one, and are acknowledged when it moves them into
 * `done`, or puts NAME.ack with their digest beside them. Everything that is done to the mailbox is what the front
 * would ask for that end (exchange_private.h), so that both faces show the same.
 *
 * A folder is looked at in rounds, one after the other, in a thread of its endpoint's pool. */
#pragma once
#include "gateway/exchange/exchange_private.h"
#include "gateway/flow/admission/looks.h"
#include "gateway/threads/endpoint_pool.h"
#include "store/exchange_drops.h"

enum { DROPS_MOST = 5000 /* files of one folder that are under way */, DROPS_AT_ONCE = 100 /* moved in one round */ };

typedef struct {
  Task task; /* of the round */
  Exchange *exchange;
  Mailbox *mailbox;
  const ConfDropFolder *conf;
  ExchangeDirection puts, gets; /* the flow that the end puts into, and the one that it obtains from */
  EndpointPool *pool;
  gboolean is_under_way; /* these two under the exchange's lock */
  gint64 due_at;         /* monotonic */
  /* The one round's that is under way: */
  ConfSourceFolder source; /* borrows from conf */
  Looks *looks;
  guint generation;
  gint64 after; /* items up to this number have a row, or need none */
  gint told;    /* whether the alarm stands; -1: unknown */
} DropFolder;

typedef struct {
  DropFolder *folder;
  BookReader *reader;
  Courier *courier;
  guint moved;
  char *problem; /* the first; NULL: none */
} DropRound;

/* --- drops.c. */
gboolean exchange_drops_start(Exchange *exchange, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void exchange_drops_look(Exchange *exchange); /* begins the rounds that are due; at once */
void exchange_drops_free(Exchange *exchange);

/* --- drop_common.c. */
/* A question as the front would ask it for this end; `request` is taken. *answer may be NULL, or is the caller's. What
 * is known to be trouble is told. */
ExchangeVerdict drop_ask(DropRound *round, ExchangeHandler handler, const char *id, json_t *request, json_t **answer);
/* Of one file: it is told, and the round goes on. */
void drop_problem(DropRound *round, const char *name, const char *problem);
/* The same of an error. FALSE: the connection is lost, or it is no problem of one file: the round ends. */
gboolean drop_failed(DropRound *round, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean drop_set(DropRound *round, ExchangeDrop *drop, ExchangeDropState state, GError **error);
gboolean drop_remove(DropRound *round, ExchangeDrop *drop, GError **error);
/* Removes NAME from a folder of the server; what is not there is removed. */
gboolean drop_unlink(DropRound *round, const char *folder, const char *name, GError **error);
/* A name that our rows, and people's terminals, can hold. */
gboolean drop_name_is_fit(const char *name);

/* --- drop_in.c, drop_out.c: their half of a round. FALSE: it ends with *error. */
gboolean drop_in(DropRound *round, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean drop_out(DropRound *round, GError **error) G_GNUC_WARN_UNUSED_RESULT;
