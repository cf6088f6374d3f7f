/* What an SSH server offers, what the gateway would agree on with it, what the installed libssh2 cannot do of it, and
 * the host keys. All from the facts of the survey: no login is needed, and none is made. */
#include "gateway/cli/doctor/doctor.h"
#include <stdio.h>
#include <string.h>

/* Known to later releases only, by what they are called; from libssh2's release notes. */
static const struct {
  const char *begins, *ends, *called, *since;
} later[] = {
    {"rsa-sha2-", "", "RSA keys with SHA-2", "1.11.0"},
    {"", "-gcm@openssh.com", "AES-GCM", "1.11.0"},
    {"hmac-", "-etm@openssh.com", "encrypt-then-MAC", "1.11.0"},
    {"chacha20-poly1305@openssh.com", "", "ChaCha20-Poly1305", "1.11.1"},
    {"mlkem", "", "post-quantum key exchange", NULL}, /* no release so far */
    {"sntrup", "", "post-quantum key exchange", NULL},
};

/* What servers turn off, or have turned off by default already. */
static const char *const old_names[] = {"ssh-rsa",
                                        "ssh-dss",
                                        "hmac-sha1",
                                        "hmac-md5",
                                        "diffie-hellman-group14-sha1",
                                        "diffie-hellman-group1-sha1",
                                        "diffie-hellman-group-exchange-sha1",
                                        "3des-cbc",
                                        "aes128-cbc",
                                        "aes192-cbc",
                                        "aes256-cbc"};

typedef struct {
  const char *title, *theirs, *ours;
} Category;

static gboolean is_old(const char *name) {
  for (gsize i = 0; i < G_N_ELEMENTS(old_names); i++)
    if (strcmp(name, old_names[i]) == 0)
      return TRUE;
  return FALSE;
}

static gboolean has_own_mac(const char *cipher) {
  return g_str_has_suffix(cipher, "-gcm@openssh.com") || strcmp(cipher, "chacha20-poly1305@openssh.com") == 0;
}

/* Signals of the protocol's extensions travel in the list of key exchanges and are none. */
static gboolean is_signal(const char *name) {
  return strcmp(name, "ext-info-s") == 0 || g_str_has_prefix(name, "kex-strict-");
}

static char **names_of(const Doctor *doctor, const char *fact) {
  const char *value = courier_fact(doctor->survey, fact);
  return g_strsplit(value ? value : "", ",", -1);
}

/* Ours that they have, in our order: the first is what will be agreed on. */
static GPtrArray *common_names(const Doctor *doctor, const Category *category) {
  g_auto(GStrv) theirs = names_of(doctor, category->theirs), ours = names_of(doctor, category->ours);
  GPtrArray *common = g_ptr_array_new_with_free_func(g_free);
  for (char **name = ours; *name; name++)
    if (**name && g_strv_contains((const char *const *)theirs, *name))
      g_ptr_array_add(common, g_strdup(*name));
  return common;
}

/* Index in `later` of the first of their offers that a later library would know; -1: none. */
static int cured_by(char **theirs, char **ours) {
  for (gsize i = 0; i < G_N_ELEMENTS(later); i++)
    for (char **name = theirs; *name; name++)
      if (g_str_has_prefix(*name, later[i].begins) && g_str_has_suffix(*name, later[i].ends) &&
          !g_strv_contains((const char *const *)ours, *name))
        return (int)i;
  return -1;
}

/* "libssh2 1.11.1" has what came with 1.11.0. */
static gboolean has_release(const char *library, const char *since) {
  guint have[3] = {0, 0, 0}, want[3] = {0, 0, 0};
  const char *version = library ? strrchr(library, ' ') : NULL;
  if (!library || sscanf(version ? version + 1 : library, "%u.%u.%u", &have[0], &have[1], &have[2]) < 2 ||
      sscanf(since, "%u.%u.%u", &want[0], &want[1], &want[2]) < 2)
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (have[i] != want[i])
      return have[i] > want[i];
  return TRUE;
}

static char *remedy(const Doctor *doctor, const Category *category) {
  g_auto(GStrv) theirs = names_of(doctor, category->theirs), ours = names_of(doctor, category->ours);
  int cure = cured_by(theirs, ours);
  g_autofree char *first = g_strdup(*ours ? *ours : "?");
  const char *library = courier_fact(doctor->survey, "library");
  if (cure < 0 || !later[cure].since || has_release(library, later[cure].since))
    return g_strdup_printf("ask the partner to allow one that is here, best %s", first);
  return g_strdup_printf("%s would do, and libssh2 has it from %s on (here is %s); else ask the partner to allow %s",
                         later[cure].called, later[cure].since, library ? library : "?", first);
}

static gboolean no_common(Doctor *doctor, const Category *category) {
  g_autofree char *set = remedy(doctor, category);
  doctor_find(doctor, DOCTOR_PROBLEM, category->title, set, "nothing in common: it offers %s; here there are %s",
              courier_fact(doctor->survey, category->theirs), courier_fact(doctor->survey, category->ours));
  return FALSE;
}

/* Whether something lasting is left of what both know. */
static void judge_common(Doctor *doctor, const Category *category, const GPtrArray *common) {
  const char *agreed = common->pdata[0];
  g_autofree char *set = remedy(doctor, category);
  g_auto(GStrv) theirs = names_of(doctor, category->theirs);
  guint lasting = 0, offered = 0;
  for (guint i = 0; i < common->len; i++)
    lasting += !is_old(common->pdata[i]);
  for (char **name = theirs; *name; name++)
    offered += !is_signal(*name);
  if (lasting == 0)
    doctor_find(doctor, DOCTOR_WARNING, category->title, set,
                "agreed on %s; all that is in common is being turned off everywhere", agreed);
  else if (lasting == 1 && offered > 1)
    doctor_find(doctor, DOCTOR_WARNING, category->title, set,
                "agreed on %s; nothing is left in common if the partner turns that off", agreed);
  else
    doctor_find(doctor, DOCTOR_OK, category->title, NULL, "agreed on %s; %u in common, it offers %u", agreed,
                common->len, offered);
}

static gboolean judge_category(Doctor *doctor, const Category *category) {
  if (!courier_fact(doctor->survey, category->theirs))
    return TRUE;
  g_autoptr(GPtrArray) common = common_names(doctor, category);
  if (common->len == 0)
    return no_common(doctor, category);
  judge_common(doctor, category, common);
  return TRUE;
}

static gboolean needs_no_mac(const Doctor *doctor, const char *direction) {
  const Category cipher = {"", direction, "our-cipher"};
  g_autoptr(GPtrArray) common = common_names(doctor, &cipher);
  return common->len > 0 && has_own_mac(common->pdata[0]);
}

/* What they offer and this library does not know, each kind told once. */
static void tell_unknown(Doctor *doctor) {
  static const Category categories[] = {{"", "kex", "our-kex"},
                                        {"", "host-key", "our-host-key"},
                                        {"", "cipher-in", "our-cipher"},
                                        {"", "mac-in", "our-mac"}};
  const char *library = courier_fact(doctor->survey, "library"), *told = NULL;
  for (gsize kind = 0; kind < G_N_ELEMENTS(later) && later[kind].since; kind++)
    for (gsize i = 0; i < G_N_ELEMENTS(categories); i++) {
      g_auto(GStrv) theirs = names_of(doctor, categories[i].theirs), ours = names_of(doctor, categories[i].ours);
      for (char **name = theirs; *name; name++) {
        if (!g_str_has_prefix(*name, later[kind].begins) || !g_str_has_suffix(*name, later[kind].ends) ||
            g_strv_contains((const char *const *)ours, *name) || g_strcmp0(told, later[kind].called) == 0 ||
            has_release(library, later[kind].since))
          continue;
        told = later[kind].called;
        doctor_find(doctor, DOCTOR_NOTE, "library", NULL, "the server can do %s (%s), %s cannot: it takes %s",
                    later[kind].called, *name, library ? library : "libssh2", later[kind].since);
      }
    }
}

gboolean doctor_algorithms(Doctor *doctor) {
  gboolean ok = judge_category(doctor, &(Category){"key-exchange", "kex", "our-kex"});
  ok &= judge_category(doctor, &(Category){"host-key", "host-key", "our-host-key"});
  ok &= judge_category(doctor, &(Category){"cipher", "cipher-in", "our-cipher"});
  if (g_strcmp0(courier_fact(doctor->survey, "cipher-out"), courier_fact(doctor->survey, "cipher-in")) != 0)
    ok &= judge_category(doctor, &(Category){"cipher-to-it", "cipher-out", "our-cipher"});
  if (!needs_no_mac(doctor, "cipher-in"))
    ok &= judge_category(doctor, &(Category){"MAC", "mac-in", "our-mac"});
  if (!needs_no_mac(doctor, "cipher-out") &&
      g_strcmp0(courier_fact(doctor->survey, "mac-out"), courier_fact(doctor->survey, "mac-in")) != 0)
    ok &= judge_category(doctor, &(Category){"MAC-to-it", "mac-out", "our-mac"});
  tell_unknown(doctor);
  return ok;
}

/* --- Host keys. */

static gboolean is_pin(const char *pin, const char *fingerprint) {
  gsize length = strcspn(pin, "=");
  return length == strlen(fingerprint) && memcmp(pin, fingerprint, length) == 0;
}

/* The slot, from 1; 0: not pinned. */
static guint slot_of(const Doctor *doctor, const char *fingerprint) {
  guint slot = 0;
  for (const char *const *pin = doctor->endpoint.host_keys; pin && *pin; pin++) {
    slot++;
    if (is_pin(*pin, fingerprint))
      return slot;
  }
  return 0;
}

static gboolean is_shown(const Doctor *doctor, const char *pin) {
  for (guint i = 0; i < doctor->survey->len; i++) {
    const CourierFact *fact = doctor->survey->pdata[i];
    const char *fingerprint = strcmp(fact->name, "shown") == 0 ? strchr(fact->value, ' ') : NULL;
    if (fingerprint && is_pin(pin, fingerprint + 1))
      return TRUE;
  }
  return FALSE;
}

static guint tell_shown_keys(Doctor *doctor) {
  guint pinned = 0;
  for (guint i = 0; i < doctor->survey->len; i++) {
    const CourierFact *fact = doctor->survey->pdata[i];
    const char *fingerprint = strcmp(fact->name, "shown") == 0 ? strchr(fact->value, ' ') : NULL;
    if (!fingerprint)
      continue;
    guint slot = slot_of(doctor, fingerprint + 1);
    pinned += slot > 0;
    if (slot > 0)
      doctor_find(doctor, DOCTOR_OK, "host-key", NULL, "%s is pinned, slot %u of host-key", fact->value, slot);
    else
      doctor_find(doctor, DOCTOR_NOTE, "host-key", NULL, "it also shows %s, which is not pinned", fact->value);
  }
  return pinned;
}

gboolean doctor_host_keys(Doctor *doctor) {
  guint pinned = tell_shown_keys(doctor), slot = 0;
  for (const char *const *pin = doctor->endpoint.host_keys; pin && *pin; pin++) {
    slot++;
    if (!is_shown(doctor, *pin))
      doctor_find(doctor, pinned > 0 ? DOCTOR_NOTE : DOCTOR_WARNING, "host-key",
                  pinned > 0 ? "nothing, if it is the partner's next key; an old one can go" : NULL,
                  "%s is pinned, slot %u of host-key, and the server does not show it", *pin, slot);
  }
  if (pinned > 0)
    return TRUE;
  const char *why = courier_fact(doctor->survey, "shown-error");
  if (why) {
    doctor_find(
        doctor, DOCTOR_WARNING, "host-key",
        "nothing: wait some minutes, and examine it again; the login below shows whether the pinned key is there",
        "whether the pinned key is among those that it shows was not seen: %s", why);
    return TRUE;
  }
  doctor_find(doctor, DOCTOR_PROBLEM, "host-key",
              "host-key, but only after the partner has confirmed by another way (not by e-mail alone) that this is "
              "its key; until then it may be "
              "somebody else's server",
              "none of the keys that it shows is pinned: no credential was sent, and none will be");
  return FALSE;
}
