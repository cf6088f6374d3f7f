/* Mailboxes by drop folders: a row for each file of a folder that is ours to move. Of an end's outgoing folder, one
 * that is to become an item; of its incoming one, one that an item is put under.
 *
 *   in    going: being fetched, and made an item     there: it is one, and its file is to be taken away
 *   out   going: being put                            there: it lies there, and is to be acknowledged
 *         refused: it cannot become an item, as was told; it is left alone until it is another one
 *
 * A row comes before the first byte of its file and goes when the file has gone, so that after a crash at any point it
 * is known what the file there is. */
#pragma once
#include "store/exchange.h"

#define EXCHANGE_DROP_STATES(X) \
  X(DROP_GOING, "going")        \
  X(DROP_THERE, "there")        \
  X(DROP_REFUSED, "refused")
#define EXCHANGE_DROP_STATE(constant, word) constant,
typedef enum { EXCHANGE_DROP_STATES(EXCHANGE_DROP_STATE) DROP_N_STATES } ExchangeDropState;
#undef EXCHANGE_DROP_STATE

typedef struct {
  char *mailbox, *name, *item;
  ExchangeDirection direction; /* of the item */
  gboolean is_out;
  ExchangeDropState state;
  char *file;      /* NULL: none */
  guint64 size;
  gint64 modified; /* seconds since 1970 */
  gint64 token;    /* 0: it is no request */
  gint64 number;
} ExchangeDrop;
void exchange_drop_free(ExchangeDrop *drop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExchangeDrop, exchange_drop_free)

/* --- Changes. */
/* *added FALSE: there is a row of this name. It gets its number. */
gboolean exchange_add_drop(BookTransaction *tx, ExchangeDrop *drop, gboolean *added,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* State and file. */
gboolean exchange_set_drop(BookTransaction *tx, const ExchangeDrop *drop, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The token of the row of this name. *is_its FALSE: there is none, or it is another item's. */
gboolean exchange_take_drop_again(BookTransaction *tx, const ExchangeDrop *drop, gboolean *is_its,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean exchange_remove_drop(BookTransaction *tx, const ExchangeDrop *drop, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading: ExchangeDrop*, in their order. */
GPtrArray *exchange_drops(BookReader *reader, const char *mailbox, ExchangeDirection direction, gboolean is_out,
                          guint limit, GError **error) G_GNUC_WARN_UNUSED_RESULT;
