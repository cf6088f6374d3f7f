/* The host keys that a server shows to somebody who does not log in. */
#include "gateway/base/files.h"
#include "gateway/cli/init/init.h"
#include "transfer/probe.h"
#include <string.h>

gboolean init_split_host(const char *text, char **host, guint *port) {
  const char *end = *text == '[' ? strchr(text, ']') : text + strcspn(text, ":");
  guint64 number = 0;
  if (!end || end == text)
    return FALSE;
  end += *text == '[';
  gsize length = (gsize)(end - text), known = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                           "0123456789.-[:]");
  if (known < length || (*end && *end != ':') ||
      (*end && !g_ascii_string_to_unsigned(end + 1, 10, 1, G_MAXUINT16, &number, NULL)))
    return FALSE;
  *host = g_strndup(text, length);
  *port = (guint)number;
  return TRUE;
}

const char *init_shown_fingerprint(const InitAnswers *answers, guint at) {
  const char *shown = answers->shown->pdata[at], *blank = strchr(shown, ' ');
  return blank ? blank + 1 : shown;
}

/* One that stands for years, first: a key of this type is the smallest, and every server has it today. */
static void add_shown(GPtrArray *shown, const char *value) {
  g_ptr_array_insert(shown, g_str_has_prefix(value, "ed25519 ") ? 0 : -1,
                     files_show_bytes(value, strlen(value), 0));
}

gboolean init_fetch_host_keys(InitAnswers *answers, GError **error) {
  g_autofree char *host = NULL;
  guint port;
  if (!init_split_host(answers->texts[INIT_HOST], &host, &port))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "host: it is no host");
  g_autofree char *bare = *host == '[' ? g_strndup(host + 1, strlen(host) - 2) : g_strdup(host);
  const CourierEndpoint endpoint = {.kind = COURIER_SFTP, .name = answers->texts[INIT_PARTNER], .host = bare,
                                    .port = port, .user = answers->texts[INIT_USER]};
  g_autoptr(GPtrArray) facts = courier_facts_new();
  g_clear_pointer(&answers->shown, g_ptr_array_unref);
  answers->shown = g_ptr_array_new_with_free_func(g_free);
  if (!courier_survey(&endpoint, facts, error))
    return FALSE;
  for (guint i = 0; i < facts->len; i++) {
    const CourierFact *fact = facts->pdata[i];
    if (strcmp(fact->name, "shown") == 0)
      add_shown(answers->shown, fact->value);
  }
  if (answers->shown->len > 0)
    return TRUE;
  const char *why = courier_fact(facts, "shown-error");
  return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s shows no host key that can be used here%s%s", host,
                             why ? ": " : "", why ? why : "");
}
