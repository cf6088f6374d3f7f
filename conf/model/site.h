/* Our own side: the days that count, where alarms go, and the front. */
#pragma once
#include "conf/model/where.h"

/* Days that count: all but the weekend and the holidays, and the working ones of these. Dates are "2026-10-01". */
typedef struct {
  ConfWhere where;
  char *name;
  guint weekend; /* bits, Monday is 1 << 1 … Sunday is 1 << 7 */
  char **holidays;
  char **working;
  char *holidays_file;
} ConfCalendar;

/* alarms { … }: where alarms go besides the log and `status`. */
typedef struct {
  ConfWhere where;
  char **command; /* argv; the alarm as JSON on its standard input; never a partner's data */
  char *system;   /* the webhook, with the next two */
  char *endpoint;
  char *path;
  guint repeat;       /* seconds; 3600 */
  guint repeat_limit; /* 24 */
} ConfAlarms;

/* front { … }: the process that serves HTTPS to requesters. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char *listen;           /* address:port, [::]:8443 */
  char *certificate_file; /* PEM; may be credential:NAME */
  char *private_key_file;
  char *client_ca_file;          /* client certificates are asked for; NULL: tokens only */
  char *url;                     /* how requesters reach it: in manifests */
  guint connections;             /* 256 */
  guint connections_per_address; /* 16 */
  guint timeout;                 /* seconds; 30 */
  char **metrics_token_sha256;   /* of who may read /metrics */
  gboolean clear_text;           /* without TLS, behind a proxy of our own: asked for */
  char **proxy_addresses;        /* of such proxies, which tell the client's certificate … */
  char *certificate_header;      /* … in this header, as PEM with % escapes; NULL: none does */
} ConfFront;
