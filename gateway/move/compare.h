/* The configuration against the state: what is credited once is credited once, whatever a person changes. What the
 * books hold (gateway/move/held.h) must stand in the configuration under the same names and with the same meaning, or
 * be declared as closed. A new lane, feed or ledger without state is fine, as long as nothing in the state waits to be
 * told whose it is now: it could be that one under a new name, and its partner's files would be credited again. */
#pragma once
#include "gateway/move/held.h"

typedef struct {
  const char *lane; /* the configured lane that must not work; NULL: none, but the configuration is refused. Borrowed */
  ConfWhere where;
  gboolean is_warning; /* it could not be compared */
  char *text;          /* what, and the way out */
} Contradiction;
/* Contradiction*, in the order of lanes. `conf` outlives it. */
GPtrArray *state_compare(const Conf *conf, const GPtrArray *held);

/* For `check` and reload: reads the state, and adds an error per contradiction. */
void state_check(const Conf *conf, ConfReport *report);
/* For a lane at its start: CONFIGURATION with all contradictions that concern it. */
gboolean state_admits(const Conf *conf, const char *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* SHA-256, hex, of a feed's rules in a canonical form: its records' types, rules with their codes, what is credited,
 * the rating with the types of its tables, the scenarios. Comments, places in files, the order of what has none, blanks
 * in expressions, messages and examples change nothing. And of all of a lane's. The caller frees. */
char *state_feed_rules(const Conf *conf, const ConfLane *lane, const ConfFeed *feed);
char *state_rules_digest(const Conf *conf, const ConfLane *lane);

/* What the feed's credits mean by this configuration, for the book and for comparing. The caller frees. Of a feed that
 * is rated: `ledger` is STATE_RATING and the rating's name, `amount` the period of its counters. */
#define STATE_RATING "rating "
/* Kinds of keys and accounts say more than they did once: a book says with its fact "kinds" that its own say all. */
typedef enum { STATE_ALL_WORDS, STATE_FEWER_WORDS } StateWords;
BookFeed *state_feed_facts(const Conf *conf, const ConfFeed *feed, StateWords words);
/* Notes it of all of the lane's feeds, in the transaction in which it starts. */
gboolean state_note_lane(BookTransaction *tx, const Conf *conf, const ConfLane *lane,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
