/* process ledger { … }: credits go to a ledger of our own, and to nobody else. */
#include "conf/check/references.h"
#include "conf/table/kinds.h"
#include "conf/table/process.h"

static const ConfLayout *layout_of(const Section *section) {
  const ConfFeed *feed = section->outer->into;
  return feed->layout ? conf_layout(section->conf, feed->layout) : NULL;
}

static void check_fields(const Section *section, gpointer into) {
  const ConfLedger *ledger = into;
  const ConfLayout *layout = layout_of(section);
  reference_record_field(section, "account", ledger->account, layout, CONF_TEXT);
  reference_record_field(section, "amount", ledger->amount, layout, CONF_DECIMAL);
}

static const Row rows[] = {
    WHERE(ConfLedger),
    ROW(ConfLedger, "name", name, name, .needed = "the ledger's name"),
    ROW(ConfLedger, "account", account, text, .needed = "the field that says whose account is credited"),
    ROW(ConfLedger, "amount", amount, text, .needed = "the field that says how much"),
    ROW(ConfLedger, "shards", shards, number, .otherwise = 4, .least = 1, .most = 64),
    CHECK(check_fields),
    ROWS_END,
};
const Table table_ledger = TABLE(ConfLedger, rows);

const ProcessParts parts_ledger = {{{&table_ledger, offsetof(ConfFeed, ledger)}}};
