/* How long each kind of failure waits before it is tried again, and how often: all numbers of it are here, by scope.
 * What is done after the last try is where it is decided (flow/trouble.c for files).
 *
 *   scope      first    longest   tries                    then
 *   file       1 s      5 min     the feed's retry-limit   held, where it can be held (flow/trouble.c)
 *   bug        1 s      5 min     3                        held, or tried every 5 min
 *   deaths     at once  16 s      the feed's retry-limit   held: the lane died at work on it (lane/start.c)
 *   endpoint   1 s      60 s      for ever                 after 3 refused logins none, until somebody acts
 *   connections 10 min  10 min    for ever                 one more than a server takes (threads/endpoint_pool.c)
 *   interface  100 ms   60 s      for ever                 (processors/http/pressure.c)
 *   call       100 ms   10 s      6                        the file's step fails, and waits no longer than this
 *   statement  4 s      5 min     10                       failed, told (recon/recon.c)
 *   push       1 s      5 min     for ever                 (recon/out.c: pushing and telling)
 *   pull       200 ms   5 s       the requester's patience (recon/pull.c)
 *   alarm      10 s     10 min    for ever                 (watch/teller.c)
 *   book       5 s      5 s       for ever                 nothing is begun while it cannot be written (lane/pump.c)
 *   child      200 ms   30 s      for ever                 a lane or the front that ends (supervisor/)
 * Waits double from the first to the longest. */
#pragma once
#include <glib.h>

typedef enum {
  POLICY_FILE,
  POLICY_DEATHS,
  POLICY_ENDPOINT,
  POLICY_CONNECTIONS,
  POLICY_INTERFACE,
  POLICY_CALL,
  POLICY_STATEMENT,
  POLICY_PUSH,
  POLICY_PULL,
  POLICY_ALARM,
  POLICY_BOOK,
  POLICY_CHILD,
  POLICY_SCOPES
} PolicyScope;

enum {
  POLICY_BUG_TRIES = 3,
  POLICY_LOGINS = 3, /* refused ones, before an endpoint's breaker opens */
  POLICY_CALL_TRIES = 6,
  POLICY_STATEMENT_TRIES = 10,
  POLICY_RETRY_AFTER_MOST = 24 * 3600, /* seconds: longer than this is not waited at the word of another's server */
  POLICY_LOCKED_OUT = 300              /* seconds: of an interface that does not take our credentials */
};

/* Microseconds after that many failures (at least 1) in a row. */
gint64 policy_wait(PolicyScope scope, guint failures);
gint64 policy_longest(PolicyScope scope);
/* ± 20 %: what failed at once is not tried again at once. */
gint64 policy_spread(gint64 wait);

/* Waits for what another file does, which is usually soon: for keys, some times what it took to find out (`took`); in
 * the line of numbers, an eighth of the time waited so far. Microseconds. */
gint64 policy_keys_wait(gint64 took);
gint64 policy_line_wait(gint64 waited);
/* How soon a file is looked at again whose endpoint cannot be reached until somebody acts. */
gint64 policy_breaker_wait(void);
