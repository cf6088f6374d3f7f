/* What the verbs of `rating` share. */
#pragma once
#include "gateway/cli/books.h"
#include "store/money.h"

/* An exact amount, as far as a decimal with three digits more than `scale` shows it; "…" where there is more. The
 * caller frees. */
char *rating_exact(const CliOutput *out, Money value, guint scale);

/* explain KEY…: a record's price, from its detail alone, and the rows that were in force. The key as it is kept. */
CliExit rating_explain(const Cli *cli, const StatusLane *lane, const ConfRating *rating, char **key);

/* What waits for its price, `limit` records at most (0: all), and how many there are; and that the lane looks for all
 * their prices again. */
CliExit rating_suspended(const Cli *cli, const StatusLane *lane, const ConfRating *rating, guint limit);
CliExit rating_retry(const StatusLane *lane, const ConfRating *rating);

/* What the account's records whose events are of these days of the rating's zone (NULL: of any) would cost if they were
 * rated anew; `limit` of those that would change (0: all), and the sums. Nothing is changed. */
typedef struct {
  const char *account, *from, *to;
  guint limit;
} RatingRerate;
CliExit rating_rerate(const Cli *cli, const StatusLane *lane, const ConfRating *rating, const RatingRerate *asked);

/* For verify: what was found in order, in words; NULL: *error names the first fault. The caller frees. */
char *rating_check(const CliOutput *out, const StatusLane *lane, const ConfRating *rating,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
