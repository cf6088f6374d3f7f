/* The lanes' books and ledgers as commands read them: directly, read-only, whether or not the lanes run. What changes
 * something is asked of the lane (cli_ask). Each function tells what is wrong itself and returns the exit status. */
#pragma once
#include "gateway/cli/command.h"
#include "gateway/move/held.h"
#include "store/book.h"
#include "store/ledger.h"
#include <jansson.h>

typedef struct {
  const ConfLane *conf;
  ConfLane *own; /* conf, of a lane that stands in the state and in no configuration: a name without feeds */
  const BookClosing *closed; /* and was declared as closed; of the holdings */
  LanePaths *paths;
  BookHoldings *holdings; /* NULL: it has no book, or it cannot be read */
  BookReader *reader;     /* NULL: the lane has never run */
  char *problem;          /* of an unconfigured lane: why it cannot be read */
  GPtrArray *ledgers;     /* CliLedger*; those that exist, configured or not */
} CliLane;

typedef struct {
  const CliLane *lane;
  char *name;
  const Conf *site;
  const ConfFeed *feed; /* the first that posts there: masks are its layout's; NULL: none in the configuration */
  guint scale;          /* the ledger's own; of one that does not know it, the layout's */
  gboolean hides_account, hides_key, hides_amount; /* as soon as one of its feeds does, or none is known */
  LedgerReader *reader;
} CliLedger;

/* All lanes of the configuration and, behind them, those that stand in the state only; or the one of --lane. Loads the
 * configuration first. Array of CliLane*. */
CliExit cli_lanes(Cli *cli, GPtrArray **lanes);

/* A file by number, beginning of a number, or name, over these lanes. */
/* feed: NULL when it is not configured any more */
typedef struct {
  const CliLane *lane;
  BookFile *file;
  const ConfFeed *feed;
} CliFile;
CliExit cli_find_file(GPtrArray *lanes, const char *text, CliFile *found);
void cli_file_clear(CliFile *found);

/* What is shown stands in the state and in no configuration: one line on standard error for each lane, and each ledger.
 */
void cli_tell_unconfigured(GPtrArray *lanes);

/* ledger_entries and ledger_balance, by a key or account as the partner spells it, too: where there is none under the
 * given text, the form in which the ledger's feeds keep it is looked for (123 for 000123, a text's normal form). */
gboolean cli_ledger_entries(const CliLedger *ledger, const LedgerFilter *filter, LedgerEntryVisit visit, gpointer user,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean cli_ledger_balance(const CliLedger *ledger, const char *account, gboolean *exists, gint64 *balance,
                            guint64 *entries, GError **error) G_GNUC_WARN_UNUSED_RESULT;

guint cli_feed_scale(const Conf *conf, const ConfFeed *feed); /* of its amounts */
/* Asks the lane; the answer is an object that says ok, the caller's. */
CliExit cli_ask(const CliLane *lane, json_t *request, json_t **answer);
/* Who asks: the person behind sudo, or the user. */
const char *cli_who(void);
/* A masked value is starred unless `show`. The caller frees. */
char *cli_shown(const char *value, gboolean hides, gboolean show);
char *cli_shown_amount(const Cli *cli, const CliLedger *ledger, gint64 amount); /* likewise: of one record */
void cli_json_shown_amount(const Cli *cli, json_t *object, const CliLedger *ledger, gint64 amount);
