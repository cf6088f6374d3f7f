#include "gateway/common/key_use.h"
#include <string.h>

#define DAY (24 * 3600)

const char *key_purpose_word(KeyPurpose purpose) {
  static const char *const words[] = {[KEY_ENCRYPT_TO] = "encrypt-to",
                                      [KEY_SIGNED_BY] = "signed-by",
                                      [KEY_DECRYPT_WITH] = "decrypt-with",
                                      [KEY_SIGN_WITH] = "sign-with"};
  return words[purpose];
}

const char *key_condition_word(KeyCondition condition) {
  static const char *const words[] = {[KEY_GOOD] = "good",   [KEY_WEAK] = "weak",   [KEY_ENDS_SOON] = "ends-soon",
                                      [KEY_ENDED] = "ended", [KEY_UNFIT] = "unfit", [KEY_MISSING] = "missing"};
  return words[condition];
}

static const OpenpgpKey *find_key(GPtrArray *ring, const char *fingerprint) {
  for (guint i = 0; i < ring->len; i++) {
    const OpenpgpKey *key = ring->pdata[i];
    if (g_ascii_strcasecmp(key->fingerprint, fingerprint) == 0)
      return key;
  }
  return NULL;
}

static const char *unfit_for(const OpenpgpKey *key, KeyPurpose purpose) {
  switch (purpose) {
  case KEY_ENCRYPT_TO:
    return key->can_encrypt ? NULL : "cannot be encrypted to: it has no encryption key (subkey)";
  case KEY_SIGNED_BY:
    return key->can_sign ? NULL : "cannot sign";
  case KEY_DECRYPT_WITH:
    return !key->has_secret   ? "is here without its secret part"
           : key->can_encrypt ? NULL
                              : "cannot decrypt: it has no encryption key (gpg --quick-add-key makes one)";
  case KEY_SIGN_WITH:
    return !key->has_secret ? "is here without its secret part" : key->can_sign ? NULL : "cannot sign";
  }
  return NULL;
}

gint64 key_use_ends(const KeyUse *use) {
  gboolean signs = use->purpose == KEY_SIGNED_BY || use->purpose == KEY_SIGN_WITH;
  return !use->key ? 0 : signs ? use->key->sign_ends : use->key->encrypt_ends;
}

/* In the node's zone, as `sallyport keys` shows it. */
static char *date_of(const ConfNode *node, gint64 seconds) {
  g_autoptr(GTimeZone) zone = node->time_zone ? g_time_zone_new_identifier(node->time_zone) : NULL;
  g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(seconds);
  g_autoptr(GDateTime) at = utc && zone ? g_date_time_to_timezone(utc, zone) : utc ? g_date_time_ref(utc) : NULL;
  return at ? g_date_time_format(at, "%Y-%m-%d") : g_strdup("?");
}

static void judge_time(KeyUse *use, const ConfNode *node, gint64 now) {
  const OpenpgpKey *key = use->key;
  gint64 ends = key_use_ends(use);
  g_autofree char *end = ends ? date_of(node, ends) : NULL;
  if (key->state == OPENPGP_KEY_EXPIRED || (ends && ends <= now)) {
    use->condition = KEY_ENDED;
    use->remark = g_strdup_printf(
        "expired%s%s; get a new or prolonged one from %s", end ? " on " : "", end ? end : "",
        use->purpose == KEY_ENCRYPT_TO || use->purpose == KEY_SIGNED_BY ? "the partner" : "your own key keeper");
  } else if (key->state != OPENPGP_KEY_VALID) {
    use->condition = KEY_ENDED;
    use->remark = g_strdup_printf("is %s and will not be used",
                                  key->state == OPENPGP_KEY_REVOKED ? "revoked" : "disabled");
  } else if (ends && ends - now < (gint64)node->key_warning_days * DAY) {
    use->condition = KEY_ENDS_SOON;
    use->remark = g_strdup_printf("ends on %s, in %d days; set the next one beside it in time", end,
                                  (int)((ends - now) / DAY));
  }
}

static char *why_missing(const ConfNode *node, GPtrArray *ring, const KeyUse *use) {
  for (guint i = 0; i < ring->len; i++) {
    const OpenpgpKey *key = ring->pdata[i];
    for (char **subkey = key->subkeys; subkey && *subkey; subkey++)
      if (g_ascii_strcasecmp(*subkey, use->fingerprint) == 0)
        return g_strdup_printf("is a subkey: name its primary key, %s", key->fingerprint);
  }
  return g_strdup_printf("is not in the key ring %s; import it with gpg --homedir", node->gnupg_home);
}

static void add_use(GPtrArray *uses, const ConfNode *node, GPtrArray *ring, gint64 now, KeyUse use) {
  use.key = find_key(ring, use.fingerprint);
  const char *unfit = use.key ? unfit_for(use.key, use.purpose) : NULL;
  if (!use.key) {
    use.condition = KEY_MISSING;
    use.remark = why_missing(node, ring, &use);
  } else {
    judge_time(&use, node, now);
  }
  gint64 weak_until = use.purpose == KEY_SIGNED_BY ? conf_sha1_ends(&use.partner->openpgp) : 0;
  if (use.condition == KEY_GOOD && weak_until) {
    use.condition = KEY_WEAK;
    use.remark = now < weak_until
                     ? g_strdup_printf("may sign over SHA-1 to the end of %s (sha1-until); have the partner sign with "
                                       "SHA-256 before",
                                       use.partner->openpgp.sha1_until)
                     : g_strdup_printf("may no longer sign over SHA-1 since %s (sha1-until): take the setting away",
                                       use.partner->openpgp.sha1_until);
  }
  /* What has ended has lost its uses too: that it ended is then the reason. */
  if (unfit && use.condition != KEY_ENDED) {
    g_free(use.remark);
    use.condition = KEY_UNFIT;
    use.remark = g_strdup(unfit);
  }
  g_ptr_array_add(uses, g_memdup2(&use, sizeof use));
}

static void use_free(gpointer data) {
  g_free(((KeyUse *)data)->remark);
  g_free(data);
}

/* Of inner systems that files are handed on to, encrypted. */
static void add_deliveries(GPtrArray *uses, const Conf *conf, GPtrArray *ring, gint64 now) {
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; j < lane->feeds->len; j++) {
      const ConfDeliver *deliver = &((const ConfFeed *)lane->feeds->pdata[j])->deliver;
      for (char **print = deliver->encrypt_to; print && *print; print++)
        add_use(
            uses, &conf->node, ring, now,
            (KeyUse){.partner = conf_system(conf, deliver->system), .purpose = KEY_ENCRYPT_TO, .fingerprint = *print});
    }
  }
}

GPtrArray *key_uses(const Conf *conf, GPtrArray *ring, gint64 now) {
  GPtrArray *uses = g_ptr_array_new_with_free_func(use_free);
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *partner = conf->partners->pdata[i];
    const ConfOpenpgp *openpgp = &partner->openpgp;
    for (char **print = openpgp->encrypt_to; print && *print; print++)
      add_use(uses, &conf->node, ring, now,
              (KeyUse){.partner = partner, .purpose = KEY_ENCRYPT_TO, .fingerprint = *print});
    for (char **print = openpgp->signed_by; print && *print; print++)
      add_use(uses, &conf->node, ring, now,
              (KeyUse){.partner = partner, .purpose = KEY_SIGNED_BY, .fingerprint = *print});
    if (openpgp->decrypt_with)
      add_use(uses, &conf->node, ring, now,
              (KeyUse){.partner = partner, .purpose = KEY_DECRYPT_WITH, .fingerprint = openpgp->decrypt_with});
    if (openpgp->sign_with)
      add_use(uses, &conf->node, ring, now,
              (KeyUse){.partner = partner, .purpose = KEY_SIGN_WITH, .fingerprint = openpgp->sign_with});
  }
  add_deliveries(uses, conf, ring, now);
  return uses;
}

gboolean key_uses_any(const Conf *conf) {
  g_autoptr(GPtrArray) nothing = g_ptr_array_new();
  g_autoptr(GPtrArray) uses = key_uses(conf, nothing, 0);
  return uses->len > 0;
}
