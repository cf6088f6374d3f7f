#include "gateway/exchange/exchange.h"
#include <string.h>

#define ROW(constant, word, status, text) {word, status, text},
static const ExchangeVerdictRow rows[] = {EXCHANGE_VERDICTS(ROW)};

const ExchangeVerdictRow *exchange_verdict(ExchangeVerdict verdict) {
  return &rows[verdict];
}

ExchangeVerdict exchange_verdict_of(const char *word) {
  guint verdict = VERDICTS;
  while (word && --verdict > VERDICT_TROUBLE && strcmp(rows[verdict].word, word) != 0)
    ;
  return word ? (ExchangeVerdict)verdict : VERDICT_TROUBLE;
}

guint64 exchange_limit(const ConfExchange *conf, const char *id) {
  return g_str_has_prefix(id, EXCHANGE_ANSWER_PREFIX) ? conf->answer_limit : conf->size_limit;
}
