/* process http { … }: an interface of our own systems credits; the ledger here keeps what it has credited. */
#include "conf/check/references.h"
#include "conf/table/kinds.h"
#include "conf/table/process.h"

static void check_endpoint(const Section *section, gpointer into) {
  const ConfHttp *http = into;
  reference_system_endpoint(section, http->system, ENDPOINT_WEB, http->endpoint);
}

static void check_columns(const Section *section, gpointer into) {
  const ConfFeed *feed = section->outer->into;
  reference_record_columns(section, ((ConfHttp *)into)->columns,
                           feed->layout ? conf_layout(section->conf, feed->layout) : NULL);
}

static const Row rows[] = {
    ROW(ConfHttp, "system", system, system, .needed = "the inner system that credits the records"),
    ROW(ConfHttp, "endpoint", endpoint, name, .needed = "one of the system's endpoints"),
    CHECK(check_endpoint),
    ROW(ConfHttp, "path", path, url_path, .needed = "the path of its interface"),
    ROW(ConfHttp, "body", body, choice, .words = WORDS(CONF_BODIES), .otherwise = CONF_BODY_JSON),
    ROW(ConfHttp, "timeout", timeout, seconds, .otherwise = 30, .least = 1, .most = 3600),
    ROW(ConfHttp, "columns", columns, list, .most = 500),
    CHECK(check_columns),
    ROWS_END,
};
const Table table_http = TABLE(ConfHttp, rows);

const ProcessParts parts_http = {
    {{&table_ledger, offsetof(ConfFeed, ledger)}, {&table_http, offsetof(ConfFeed, http)}}};
