/* `sallyport move`: a lane, feed or ledger gets a new name in the state, is declared as closed, goes on again, or a
 * feed's new meaning is accepted. Each begins where the configuration has been changed already and `check` refuses it:
 * what is done to the state must lead to what the configuration says. The lane must not run (its book's lock tells).
 *
 * All of it can be killed at any point and run again. A feed is renamed in one transaction. Ledgers and lanes are
 * files:
 *
 *   "moving" is written into the book, with an audit row → files are renamed, one after the other, each only if it
 *   still has its old name → the book takes the new name, "moving" ends, with an audit row
 *
 * While "moving" stands, the lane does not start. A ledger's shard 0 is renamed last: without it neither name is a
 * whole ledger, and nobody makes a new one in its place. */
#pragma once
#include "gateway/move/held.h"

typedef enum { MOVE_RENAME, MOVE_CLOSE, MOVE_REOPEN, MOVE_ACCEPT } MoveAct;
typedef struct {
  const Conf *conf;
  const char *kind; /* lane, feed, ledger */
  MoveAct act;
  const char *name;
  const char *new_name; /* of MOVE_RENAME */
  const char *lane;     /* where the feed or ledger is; NULL: looked for */
  const char *who;
  const char *reason; /* may be NULL */
} Move;
/* Durable on return: a sentence that says what was done; the caller frees. NULL with FILE: not like this; AGAIN: the
 * lane is running. */
char *move_do(const Move *move, GError **error) G_GNUC_WARN_UNUSED_RESULT;
