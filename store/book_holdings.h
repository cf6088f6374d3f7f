/* What a book holds, beside its files: whose book it is, and of each feed what its credits mean (into which ledger, and
 * by which fields). The configuration says the same; the two are held against each other before a lane works, since a
 * changed configuration would move the meaning of money that is credited already (gateway/move/). And what a person has
 * declared as closed. Money's own scale stands in the ledger (store/ledger.h). */
#pragma once
#include "store/book.h"

typedef struct {
  char *feed;
  gboolean is_noted; /* the members down to scale are known: the feed has run under a program that notes them */
  char *layout;
  char *ledger; /* or "rating NAME"; NULL: it credits nothing; then there is no key, account or amount either */
  char *key, *key_type, *account, *account_type, *amount;
  guint scale;
  guint64 files, live; /* files without those that went away; of these, not at their end */
} BookFeed;
typedef struct {
  char *kind, *name; /* kind: lane, feed, ledger */
  gint64 at;
  char *who, *reason;
} BookClosing;
typedef struct {
  char *lane;          /* NULL: not noted yet */
  char *kinds;         /* NULL: key_type and account_type may be an older program's, which said less */
  char *moving;        /* "ledger OLD NEW": a move that has begun and not ended; NULL: none */
  GPtrArray *feeds;    /* BookFeed*, by name */
  GPtrArray *closings; /* BookClosing* */
} BookHoldings;

/* Reads also a book of an earlier schema (nothing is noted then). A book that is being made holds nothing. */
BookHoldings *book_holdings_read(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void book_holdings_free(BookHoldings *holdings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookHoldings, book_holdings_free)
void book_feed_free(BookFeed *feed);
const BookFeed *book_holdings_feed(const BookHoldings *holdings, const char *feed); /* NULL: none */
const BookClosing *book_holdings_closing(const BookHoldings *holdings, const char *kind, const char *name);

/* --- Changes, in the writer's thread. */
/* name: "lane", "kinds" or "moving"; value NULL takes the fact away. */
gboolean book_set_fact(BookTransaction *tx, const char *name, const char *value,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_note_feed(BookTransaction *tx, const BookFeed *feed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* `reason` may be NULL; audited as "closed" with the kind and name. */
gboolean book_close_holding(BookTransaction *tx, const BookClosing *closing, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_reopen_holding(BookTransaction *tx, const char *kind, const char *name,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All that is the feed's gets the new name. FILE when a feed of the new name has files. */
gboolean book_rename_feed(BookTransaction *tx, const char *from, const char *to,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_rename_ledger(BookTransaction *tx, const char *from, const char *to,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Pending intents whose files lie below the folder `from` have them below `to`. */
gboolean book_move_intents(BookTransaction *tx, const char *from, const char *to,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
