/* The lanes' books and ledgers, opened for reading, whether or not the lanes run. What stands in the state and in no
 * configuration is opened like the rest and marked so. Nothing here writes, prints, or knows what a reader may see. */
#pragma once
#include "conf/conf.h"
#include "gateway/common/paths.h"
#include "store/book_holdings.h"
#include "store/book_read.h"
#include "store/ledger.h"

typedef struct {
  const ConfLane *conf;
  ConfLane *own; /* conf, of a lane that stands in the state and in no configuration: a name without feeds */
  const BookClosing *closed; /* and was declared as closed; of the holdings */
  LanePaths *paths;
  BookHoldings *holdings; /* NULL: it has no book, or it cannot be read */
  BookReader *reader;     /* NULL: the lane has never run */
  char *problem;          /* of an unconfigured lane: why it cannot be read */
  GPtrArray *ledgers;     /* StatusLedger*; those that exist, configured or not */
} StatusLane;

typedef struct {
  const StatusLane *lane;
  char *name;
  const Conf *site;
  const ConfFeed *feed; /* the first that posts there: masks are its layout's; NULL: none in the configuration */
  guint scale;          /* the ledger's own; of one that does not know it, the layout's */
  gboolean hides_account, hides_key, hides_amount; /* as soon as one of its feeds does, or none is known */
  LedgerReader *reader;
} StatusLedger;

/* StatusLane*: all lanes of the configuration, which they borrow, and behind them those that stand in the state only
 * and hold something; or the one named `only`. NULL with the error of the first configured lane that cannot be read; an
 * unconfigured one tells its own in `problem`. */
GPtrArray *status_lanes_open(const Conf *conf, const char *only, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ledger_entries and ledger_balance, by a key or account as the partner spells it, too: where there is none under the
 * given text, the form in which the ledger's feeds keep it is looked for (123 for 000123, a text's normal form). */
gboolean status_ledger_entries(const StatusLedger *ledger, const LedgerFilter *filter, LedgerEntryVisit visit,
                               gpointer user, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean status_ledger_balance(const StatusLedger *ledger, const char *account, gboolean *exists, gint64 *balance,
                               guint64 *entries, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Of a feed's amounts; 0 where the feed is NULL or has none. */
guint status_feed_scale(const Conf *conf, const ConfFeed *feed);
/* Of a file's amounts, as its feed noted it; 0 when the feed is not configured any more and noted none. */
guint status_file_scale(const Conf *conf, const StatusLane *lane, const BookFile *file);
