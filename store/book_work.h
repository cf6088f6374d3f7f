/* What a lane has still to do outside of its book, and what it did: intents, polls, audit. Part of the book
 * (store/book.h includes this). */
#pragma once
#include "store/book.h"

/* --- Intents: effects outside the book, executed after the commit until they are done. */
typedef enum { INTENT_PENDING, INTENT_DONE } IntentState;
typedef struct {
  gint64 id; /* given by book_add_intent */
  char *file;
  char *kind;      /* "put", "put-marker"; "hand-on", "hand-on-marker" */
  char *endpoint;  /* "PARTNER/ENDPOINT", "system SYSTEM/ENDPOINT" */
  char *from, *to; /* a name in the spool of answers (in books of version 5 a whole path); the remote path */
  guint64 size;
  char *sha256; /* of what is put */
  IntentState state;
  guint attempts;
  gint64 due_at;
  char *problem;
  gint64 done_at;
} BookIntent;
void book_intent_free(BookIntent *intent);
gboolean book_add_intent(BookTransaction *tx, BookIntent *intent, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* No effect on one that is done. History (event: its kind) if `detail`. */
gboolean book_finish_intent(BookTransaction *tx, gint64 id, const char *detail,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Polls of a feed's source, and audit of what is not a file's transition (start, reload, an operator's command). */
typedef struct {
  char *feed;
  gint64 last_at, last_ok_at, next_at;
  guint64 listed, taken;
  guint failures;
  char *problem;
} BookPoll;
void book_poll_free(BookPoll *poll);
gboolean book_save_poll(BookTransaction *tx, const BookPoll *poll, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* BUG when `event` is a state's word: those are transitions. */
gboolean book_audit(BookTransaction *tx, const char *event, const char *subject, const char *detail,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
