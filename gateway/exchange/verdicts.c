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

char *exchange_socket_path(const LanePaths *paths) {
  g_autofree char *folder = g_path_get_dirname(paths->control), *lane = g_path_get_basename(paths->control),
                  *name = g_strconcat("@items.", lane, NULL); /* no lane's name begins so */
  return g_build_filename(folder, name, NULL);
}
