/* Mailboxes in a lane's book: two ends put items there for each other, list what came after a cursor, obtain it and
 * acknowledge it.
 *
 *   receiving ─→ stored ─→ listed ─→ acknowledged ─→ removed
 *       │           └─────────┴─────────↗
 *       ↓           └─────────┴─→ expired
 *   abandoned ─→ receiving
 *
 * An item has a number (seq) from the commit that makes it `stored` on; numbers of one flow (a direction of a mailbox)
 * have no gap. Small bodies lie in the row, others in a file whose name the row has; the file's bytes are the caller's
 * matter, and have to be durable before the item is stored. As everywhere in the book, what takes a BookTransaction
 * belongs to a change, and what takes a BookReader only reads. */
#pragma once
#include "store/book.h"

typedef enum { EXCHANGE_FORWARD, EXCHANGE_REVERSE } ExchangeDirection; /* from the source; from the consumer */
const char *exchange_direction_word(ExchangeDirection direction);

#define EXCHANGE_STATES(X)              \
  X(EXCHANGE_RECEIVING, "receiving")       \
  X(EXCHANGE_STORED, "stored")             \
  X(EXCHANGE_LISTED, "listed")             \
  X(EXCHANGE_ACKNOWLEDGED, "acknowledged") \
  X(EXCHANGE_REMOVED, "removed")           \
  X(EXCHANGE_ABANDONED, "abandoned")       \
  X(EXCHANGE_EXPIRED, "expired")
#define EXCHANGE_STATE(constant, word) constant,
typedef enum { EXCHANGE_STATES(EXCHANGE_STATE) EXCHANGE_N_STATES } ExchangeState;
#undef EXCHANGE_STATE
const char *exchange_state_word(ExchangeState state);
/* Its bytes are whole and here. */
gboolean exchange_state_has_body(ExchangeState state);

/* What who puts an item says of it, besides size and digest; all texts, or NULL. */
#define EXCHANGE_DECLARED(X) X(name) X(type) X(business_date) X(records) X(totals) X(correlation)
/* What who acknowledges it says of it; likewise. */
#define EXCHANGE_TOLD(X) X(ack_records) X(ack_totals) X(verdict) X(verdict_code)
#define EXCHANGE_MEMBER(member) char *member;
typedef struct {
  char *mailbox, *id;
  ExchangeDirection direction;
  gint64 seq; /* 0: not stored */
  ExchangeState state;
  guint64 size;
  char *sha256; /* hex */
  EXCHANGE_DECLARED(EXCHANGE_MEMBER)
  EXCHANGE_TOLD(EXCHANGE_MEMBER)
  char *file;   /* its name in the folder of items; NULL: the body lies in the row, or is gone */
  GBytes *body; /* only of exchange_find_item(), and of an item to be added */
  gint64 began_at, put_at, listed_at, got_at, acknowledged_at, changed_at;
} ExchangeItem;
#undef EXCHANGE_MEMBER
void exchange_item_free(ExchangeItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExchangeItem, exchange_item_free)

typedef struct {
  char epoch[17];
  gint64 seq;   /* the last that was given; 0: none */
  guint64 held; /* bytes */
} ExchangeFlow;

/* --- Changes. */
/* The flow as it is in this transaction; made, with an epoch of its own, when there is none. */
gboolean exchange_flow_now(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, ExchangeFlow *flow,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All cursors that were given are void from now on. Audit row. */
gboolean exchange_new_epoch(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *why,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *item NULL: there is none of this id. Without its body. */
gboolean exchange_item_now(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *id,
                           ExchangeItem **item, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* In item->state, which is `receiving`, or `stored` for one whose body goes into the row (item->seq is its number
 * then). It takes the place of one of this id that is receiving or abandoned; its flow is there. */
gboolean exchange_add_item(BookTransaction *tx, ExchangeItem *item, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Compare-and-set of the state and the file from those of *item; with its time, its number (stored), without the body
 * (removed, abandoned, expired), and with an audit row for all but `listed`. BUG for a transition that is none, AGAIN
 * when the row is not as *item any more. */
gboolean exchange_advance_item(BookTransaction *tx, ExchangeItem *item, ExchangeState to,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Those of the numbers first … last that are `stored` become `listed`. */
gboolean exchange_note_listed(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, gint64 first,
                              gint64 last, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* It was obtained; only the first time counts. */
gboolean exchange_note_got(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *id,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What the item has of EXCHANGE_TOLD. */
gboolean exchange_note_told(BookTransaction *tx, const ExchangeItem *item, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Forgets rows of removed, abandoned and expired items that have been so since before `before`, and requests that were
 * made before. */
gboolean exchange_prune(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, gint64 before,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading, also from other processes. */
typedef struct {
  const char *mailbox;
  ExchangeDirection direction;
  gint64 after;                 /* numbers behind it, in their order */
  gboolean only_unacknowledged; /* stored and listed */
  guint limit;
} ExchangePage;
/* ExchangeItem*, those whose bytes are here, without their bodies. */
GPtrArray *exchange_page(BookReader *reader, const ExchangePage *page, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* With its body. NULL without error: there is none. */
ExchangeItem *exchange_find_item(BookReader *reader, const char *mailbox, ExchangeDirection direction, const char *id,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ExchangeItem*, in this state since before `before`; oldest first. */
typedef struct {
  const char *mailbox;
  ExchangeDirection direction;
  ExchangeState state;
  gint64 before;
  guint limit;
} ExchangeSince;
GPtrArray *exchange_since(BookReader *reader, const ExchangeSince *since, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ExchangeItem* of the numbers behind `after`, in whatever state, that were put in [from, to). */
typedef struct {
  const char *mailbox;
  ExchangeDirection direction;
  gint64 after, from, to;
  guint limit;
} ExchangeBetween;
GPtrArray *exchange_put_between(BookReader *reader, const ExchangeBetween *between,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* counts[state], and oldest[state]: since when one is so; 0: none is. */
typedef struct {
  gint64 counts[EXCHANGE_N_STATES], oldest[EXCHANGE_N_STATES];
} ExchangeTally;
gboolean exchange_tally(BookReader *reader, const char *mailbox, ExchangeDirection direction, ExchangeTally *tally,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Names of the files that rows have: a set that owns its keys. */
GHashTable *exchange_files(BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
