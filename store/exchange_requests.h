/* Requests in a mailbox, each with at most one answer: who asks puts the item request-ID and adds the request, who
 * answers takes it for a time, with a token that no earlier take had, and gives an item back.
 *
 *   new ─→ taken ─→ answered ─→ delivered        taken ─→ taken, with a higher token, once its lease is over
 *    └───────┴─→ expired, failed
 *
 * A lease that is over changes nothing by itself: until another takes the request, the last token may still answer. */
#pragma once
#include "store/exchange.h"

#define EXCHANGE_REQUEST_STATES(X)    \
  X(REQUEST_NEW, "new")               \
  X(REQUEST_TAKEN, "taken")           \
  X(REQUEST_ANSWERED, "answered")     \
  X(REQUEST_DELIVERED, "delivered")   \
  X(REQUEST_EXPIRED, "expired")       \
  X(REQUEST_FAILED, "failed")
#define EXCHANGE_REQUEST_STATE(constant, word) constant,
typedef enum { EXCHANGE_REQUEST_STATES(EXCHANGE_REQUEST_STATE) REQUEST_N_STATES } RequestState;
#undef EXCHANGE_REQUEST_STATE
const char *request_state_word(RequestState state);

typedef struct {
  char *mailbox, *id;
  ExchangeDirection direction; /* of the asker */
  RequestState state;
  gint64 token, lease_until, attempts; /* of the last take */
  char *answer, *answer_sha256;        /* the item, and its digest */
  gint64 answer_token;
  char *reason; /* of a failure */
  gint64 created_at, changed_at;
  gint64 deferred_since; /* who took it waits for idleness since then; 0: it does not */
} ExchangeRequest;
void exchange_request_free(ExchangeRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExchangeRequest, exchange_request_free)

/* --- Changes. */
/* *request NULL: there is none. */
gboolean exchange_request_now(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *id,
                              ExchangeRequest **request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean exchange_add_request(BookTransaction *tx, ExchangeRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The oldest that may be taken now: new, or taken with a lease that is over. *request NULL: none. */
gboolean exchange_next_request(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, gint64 now,
                               ExchangeRequest **request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All of *request, with the state `to`; compare-and-set of its state and token. Audit row when the state is another
 * one. BUG for a transition that is none, AGAIN when the row is not as *request was read. */
gboolean exchange_set_request(BookTransaction *tx, ExchangeRequest *request, RequestState to, gint64 token,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whose answer is this item? *request NULL: of none. */
gboolean exchange_request_of_answer(BookTransaction *tx, const char *mailbox, ExchangeDirection direction,
                                    const char *answer, ExchangeRequest **request,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The bytes of an item that waits for an answer's commit are whole and durable. */
gboolean exchange_note_whole(BookTransaction *tx, const ExchangeItem *item, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ExchangeItem*, receiving, whose ids begin so. */
gboolean exchange_receiving(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *prefix,
                            GPtrArray **items, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading. */
ExchangeRequest *exchange_find_request(BookReader *reader, const char *mailbox, ExchangeDirection direction,
                                       const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Is there one that nobody has taken, and that was asked before `before`? */
gboolean exchange_has_untaken(BookReader *reader, const char *mailbox, ExchangeDirection direction, gint64 before,
                              gboolean *has, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Is there one that may be taken? */
gboolean exchange_has_request(BookReader *reader, const char *mailbox, ExchangeDirection direction, gint64 now,
                              gboolean *has, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ExchangeRequest* in this state, oldest first. */
GPtrArray *exchange_requests(BookReader *reader, const char *mailbox, ExchangeDirection direction, RequestState state,
                             guint limit, GError **error) G_GNUC_WARN_UNUSED_RESULT;
