/* What the front serves of mailboxes: who may, what is asked of the lane, and how its verdict becomes an answer. The
 * bodies of items are in items.c; the meaning of each question and verdict is in gateway/exchange/exchange.h. */
#pragma once
#include "gateway/exchange/exchange.h"
#include "gateway/front/link.h"
#include "gateway/front/routes.h"

extern const FrontRoute front_exchange_routes[]; /* ends with a NULL method */

/* A request about a mailbox, kept in request->own from its first call to its end. */
typedef struct {
  Link *link;
  const Shelf *shelf;
  const ConfExchange *conf;
  gboolean is_source; /* who asks; else it is the consumer */
  LinkCall *call;     /* what was asked of the lane; NULL: nothing yet */
  gboolean waits;     /* it counts as a long poll */
  json_t *announced;  /* of an item that is put: size, digest, what is declared */
  Upload *upload;
  char *file;  /* of the upload; and where the item ends */
  guint64 end;
  gboolean is_without_space;
} Asked;

/* The mailbox of this name, of which the requester is an end. NULL: an answer has been queued, *result. */
Asked *exchange_asked(FrontRequest *request, const char *mailbox, enum MHD_Result *result);
/* {"do": …, "mailbox": …, "source": …, "id": …}; `id` may be NULL. */
json_t *exchange_question(const Asked *asked, const char *what, const char *id);
/* Takes the question, which a small item's body goes with. The answer is waited for: exchange_answer. */
void exchange_ask(FrontRequest *request, Asked *asked, json_t *question, guint seconds);
/* At each call of the handler: what the lane said, or that it is waited for, or that it said nothing. */
enum MHD_Result exchange_answer(FrontRequest *request, Asked *asked);
/* The verdict's answer, at once. */
enum MHD_Result exchange_tell(FrontRequest *request, LinkCall *call);
const char *exchange_header(const FrontRequest *request, const char *name);
/* {"error": word, "text": …} */
enum MHD_Result exchange_refuse(FrontRequest *request, guint status, const char *word, const char *text);

/* --- items.c */
extern const FrontBody exchange_put_body, exchange_patch_body;
enum MHD_Result exchange_route_put(FrontRequest *request, char **words);
