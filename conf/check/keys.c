/* Whether a partner has the OpenPGP keys that its feeds and its reconciliations need: told where they are needed. */
#include "conf/check/check.h"

typedef struct {
  ConfWhere where;  /* of what needs it */
  const char *what; /* "feed \"acme-points\"" */
  const ConfPartner *partner;
  ConfReport *report;
} Need;

static void require(const Need *need, gconstpointer there, const char *option, const char *purpose) {
  if (there)
    return;
  const ConfOpenpgp *openpgp = &need->partner->openpgp;
  if (!openpgp->where.file)
    conf_report_error(need->report, need->where, "%s needs '%s' in an openpgp { … } of partner \"%s\" (%s:%u): %s",
                      need->what, option, need->partner->name, need->partner->where.file, need->partner->where.line,
                      purpose);
  else
    conf_report_error(need->report, need->where, "%s needs '%s' in the openpgp { … } of partner \"%s\" (%s:%u): %s",
                      need->what, option, need->partner->name, openpgp->where.file, openpgp->where.line, purpose);
}

static void check_source(const ConfFeed *feed, Need need) {
  const ConfOpenpgp *openpgp = &need.partner->openpgp;
  if (!feed->source.where.file)
    return;
  need.where = feed->source.where;
  if (feed->source.envelope != CONF_ENVELOPE_NONE)
    require(&need, openpgp->signed_by, "signed-by", "the key that the partner signs with, or its current and next one");
  if (feed->source.envelope == CONF_ENVELOPE_OPENPGP)
    require(&need, openpgp->decrypt_with, "decrypt-with", "our own key");
}

static void check_answers(const ConfFeed *feed, Need need) {
  const ConfOpenpgp *openpgp = &need.partner->openpgp;
  if (!feed->feedback.where.file)
    return;
  need.where = feed->feedback.where;
  if (feed->feedback.envelope == CONF_ENVELOPE_OPENPGP)
    require(&need, openpgp->encrypt_to, "encrypt-to", "the partner's key, or its current and next one");
  /* It is decrypt-with unless it is said; that this is missing is told above. */
  if (feed->feedback.envelope != CONF_ENVELOPE_NONE &&
      (openpgp->decrypt_with || feed->source.envelope != CONF_ENVELOPE_OPENPGP))
    require(&need, openpgp->sign_with, "sign-with", "our own key, which signs what we send");
}

/* Manifests are always signed. */
static void check_reconcile(const ConfReconcile *reconcile, Need need) {
  const ConfOpenpgp *openpgp = &need.partner->openpgp;
  need.where = reconcile->where;
  require(&need, openpgp->sign_with, "sign-with", "our own key, which signs the manifests");
  if (reconcile->encrypt)
    require(&need, openpgp->encrypt_to, "encrypt-to", "the requester's key, which its shards are encrypted to");
}

static void check_lane(const Conf *conf, const ConfLane *lane, ConfReport *report) {
  for (guint i = 0; i < lane->feeds->len; i++) {
    const ConfFeed *feed = lane->feeds->pdata[i];
    g_autofree char *what = g_strdup_printf("feed \"%s\"", feed->name);
    Need need = {.what = what, .report = report, .partner = !feed->partner ? NULL : conf_partner(conf, feed->partner)};
    if (!need.partner)
      continue;
    check_source(feed, need);
    check_answers(feed, need);
  }
  for (guint i = 0; i < lane->reconciles->len; i++) {
    const ConfReconcile *reconcile = lane->reconciles->pdata[i];
    g_autofree char *what = g_strdup_printf("reconcile \"%s\"", reconcile->name);
    Need need = {.what = what,
                 .report = report,
                 .partner = !reconcile->requester ? NULL : conf_partner(conf, reconcile->requester)};
    if (need.partner)
      check_reconcile(reconcile, need);
  }
}

void check_keys(const Conf *conf, ConfReport *report) {
  for (guint i = 0; i < conf->lanes->len; i++)
    check_lane(conf, conf->lanes->pdata[i], report);
}
