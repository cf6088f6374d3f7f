/* Probes: what a partner's server is, offers and does, in its own words and with our clock beside them, for `sallyport
 * doctor`.
 *
 * A survey is a courier of its own that connects, locks itself in, takes what the server says before any login, and
 * ends: no credential is sent. A probe is one more request to an open courier: it asks one thing and tells what was
 * answered, judging nothing. Both answer with facts: names from the list below, values that are the server's bytes,
 * escaped and bounded here. What a finding means, and whether a probe may write, is the caller's to decide. */
#pragma once
#include "transfer/courier.h"

typedef struct {
  char *name, *value;
} CourierFact;
GPtrArray *courier_facts_new(void); /* of CourierFact*; g_ptr_array_unref() frees all */
/* The value of the first fact of that name; NULL: none. Borrowed. */
const char *courier_fact(const GPtrArray *facts, const char *name);
gint64 courier_fact_number(const GPtrArray *facts, const char *name, gint64 otherwise);

/* Adds facts, also those that were learnt before it failed:
 *   library          "libssh2 1.10.0"
 *   resolved         microseconds that it took to find the addresses
 *   address          (several) "ADDRESS MICROSECONDS ERRNO", 0: connected. All are tried, the first that connected is
 *                    used
 *   banner           the server's first line
 * and of an SSH server, lists as it sent them and (our-…) as we would:
 *   kex host-key cipher-out cipher-in mac-out mac-in compression-out compression-in   out: from us to the server
 *   our-kex our-host-key our-cipher our-mac
 *   shown-error      why the server showed no key to a further connection, when that was not for want of another one
 *   shown            (several) "TYPE SHA256:…": the host keys of all types that we can ask for, in further connections
 *                    */
gboolean courier_survey(const CourierEndpoint *endpoint, GPtrArray *facts, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum {
  COURIER_PROBE_CONNECTION = 1, /* reads nothing but what is known already, and where a login begins:
                                   agreed-kex agreed-host-key agreed-cipher agreed-mac login-offered login-by version
                                   extension (several) packet-most read-most write-most handles-most working-folder */
  COURIER_PROBE_FOLDER,         /* path: mode (octal), free (bytes) */
  /* path, a file of at least `size` bytes: read-asked, read-answered: of the largest read that came */
  COURIER_PROBE_READ,
  /* These change something. status: the server's answer in words, "ok" when it says that it was done. */
  COURIER_PROBE_SET_TIME, /* path, size: seconds since 1970 */
  /* path, target: the protocol's plain rename, whatever the server makes of an existing target */
  COURIER_PROBE_RENAME,
  COURIER_PROBE_RENAME_POSIX,  /* path, target: the one that replaces */
  COURIER_PROBE_REMOVE_FOLDER, /* path */
  COURIER_PROBES
} CourierProbeKind;
typedef struct {
  CourierProbeKind kind;
  const char *path, *target;
  guint64 size;
} CourierProbe;

/* *known = FALSE: this protocol or server has no such thing, nothing was asked. */
gboolean courier_probe(Courier *courier, const CourierProbe *probe, gboolean *known, GPtrArray *facts,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
