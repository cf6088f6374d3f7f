/* The caller's side of probes and surveys: facts are gathered as they come, bounded and escaped. */
#include "transfer/probe.h"
#include "gateway/base/files.h"
#include "transfer/courier/call_private.h"
#include "transfer/courier/open_private.h"
#include <string.h>

#define FACTS_LIMIT 500u
#define VALUE_LIMIT 4000u
#define PENALTY (1200 * G_TIME_SPAN_MILLISECOND)

static void free_fact(gpointer fact) {
  g_free(((CourierFact *)fact)->name);
  g_free(((CourierFact *)fact)->value);
  g_free(fact);
}

GPtrArray *courier_facts_new(void) {
  return g_ptr_array_new_with_free_func(free_fact);
}

const char *courier_fact(const GPtrArray *facts, const char *name) {
  for (guint i = 0; i < facts->len; i++)
    if (strcmp(((const CourierFact *)facts->pdata[i])->name, name) == 0)
      return ((const CourierFact *)facts->pdata[i])->value;
  return NULL;
}

gint64 courier_fact_number(const GPtrArray *facts, const char *name, gint64 otherwise) {
  const char *value = courier_fact(facts, name);
  gint64 number;
  return value && g_ascii_string_to_signed(value, 10, G_MININT64, G_MAXINT64, &number, NULL) ? number : otherwise;
}

static void add_fact(GPtrArray *facts, char *name, char *value) {
  CourierFact *fact = g_new(CourierFact, 1);
  *fact = (CourierFact){name, value};
  g_ptr_array_add(facts, fact);
}

static gboolean gather_fact(Call *call, const WireMessage *message) {
  if (call->told++ >= FACTS_LIMIT)
    return FALSE;
  add_fact(call->facts, files_show_bytes(message->name.data, message->name.length, 32),
           files_show_bytes(message->text.data, message->text.length, VALUE_LIMIT));
  return TRUE;
}

gboolean courier_probe(Courier *courier, const CourierProbe *probe, gboolean *known, GPtrArray *facts, GError **error) {
  const WireMessage request = {.type = WIRE_PROBE,
                               .fd = -1,
                               .what = probe->kind,
                               .path = wire_text(probe->path),
                               .target = wire_text(probe->target),
                               .size = probe->size};
  Call call = {.doing = "probe",
               .facts = facts,
               .fact = gather_fact,
               .if_lost = probe->kind < COURIER_PROBE_SET_TIME ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_UNCERTAIN};
  WireMessage answer;
  *known = FALSE;
  if (!courier_call(courier, &request, &call, &answer, error))
    return FALSE;
  *known = answer.exists != 0;
  return TRUE;
}

static gboolean ask_survey(Courier *courier, const CourierEndpoint *endpoint, GPtrArray *facts, GError **error) {
  const WireMessage request = {.type = WIRE_SURVEY,
                               .fd = -1,
                               .kind = (guint64)endpoint->kind,
                               .host = wire_text(endpoint->host),
                               .port = endpoint->port > 0 ? endpoint->port : 22,
                               .connect_timeout = courier->connect_timeout};
  Call call = {.doing = "survey", .if_lost = SALLYPORT_ERROR_AGAIN, .facts = facts, .fact = gather_fact};
  WireMessage answer;
  courier->io_timeout = courier->connect_timeout * 2;
  return courier_call(courier, &request, &call, &answer, error);
}

/* The host keys, type after type: each connection is told to avoid the types that were shown before, until none is
 * left. No credential is sent in any of them. */
static void add_host_keys(const CourierEndpoint *endpoint, GPtrArray *facts) {
  guint8 avoid = 0;
  /* a connection without a login costs a second of penalty there, and a second pays it off */
  const char *banner = courier_fact(facts, "banner");
  const char *version = banner ? strstr(banner, "OpenSSH_") : NULL;
  gboolean bars_the_eager = version && g_ascii_strtod(version + strlen("OpenSSH_"), NULL) > 9.75;
  for (guint i = 0; i < COURIER_KEY_TYPES; i++) {
    g_autofree char *fingerprint = NULL;
    g_autoptr(GError) error = NULL;
    if (bars_the_eager)
      g_usleep(PENALTY);
    guint8 type = courier_show_key(endpoint, avoid, &fingerprint, &error);
    if (sallyport_error_code(error) == SALLYPORT_ERROR_AGAIN)
      add_fact(facts, g_strdup("shown-error"), g_strdup(error->message));
    if (type == 0 || type & avoid)
      return;
    add_fact(facts, g_strdup("shown"), g_strdup_printf("%s %s", courier_key_name(type), fingerprint));
    avoid |= type;
  }
}

gboolean courier_survey(const CourierEndpoint *endpoint, GPtrArray *facts, GError **error) {
  Courier *courier = courier_new(endpoint, error);
  if (!courier)
    return FALSE;
  gboolean ok = ask_survey(courier, endpoint, facts, error);
  courier_close(courier);
  if (ok && endpoint->kind == COURIER_SFTP)
    add_host_keys(endpoint, facts);
  return ok;
}
