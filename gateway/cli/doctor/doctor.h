/* `sallyport doctor`: what a partner's server can do, and where it will hurt. One function per check; each adds
 * findings, with what was seen and, where there is something to be done, what to set. It connects as the gateway would,
 * with a courier and the configured credentials and pins. Nothing is written but probe files in the folders that the
 * operator has named, and these are removed again whatever happens. */
#pragma once
#include "conf/conf.h"
#include "gateway/cli/command.h"
#include "transfer/courier.h"
#include "transfer/probe.h"

typedef enum { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_WARNING, DOCTOR_PROBLEM } DoctorSeverity;
const char *doctor_severity_word(DoctorSeverity severity);

typedef struct {
  DoctorSeverity severity;
  const char *check; /* static */
  char *text, *set;  /* NULL: nothing to set */
} DoctorFinding;

typedef struct {
  const Conf *conf;
  const ConfPartner *partner;
  const ConfEndpoint *settings;
  CourierEndpoint endpoint;
  char **write;                                              /* folders that may be written to; NULL: none */
  GPtrArray *survey;                                         /* facts: before the login */
  GPtrArray *connection;                                     /* facts: of the connection that is open */
  Courier *courier;                                          /* logged in, or NULL; by doctor_connect() only */
  GPtrArray *findings;                                       /* DoctorFinding* */
  void (*told)(gpointer user, const DoctorFinding *finding); /* each as it is found; may be NULL */
  gpointer user;
} Doctor;

Doctor *doctor_new(const Conf *conf, const ConfPartner *partner, const ConfEndpoint *settings);
void doctor_free(Doctor *doctor);
DoctorSeverity doctor_worst(const Doctor *doctor);
/* Runs all checks that fit the endpoint, in order; one that fails so that the next make no sense ends it. */
void doctor_examine(Doctor *doctor);

/* `set` may be NULL; copied. */
void doctor_find(Doctor *doctor, DoctorSeverity severity, const char *check, const char *set, const char *format, ...)
    G_GNUC_PRINTF(5, 6);

/* What a server may have beyond its protocol: a finding of `check` for each row, by the connection's facts. */
typedef struct {
  const char *name, *without; /* what it has; what it costs not to have it */
} DoctorExtra;
void doctor_find_extras(Doctor *doctor, const char *check, const DoctorExtra *extras, guint n);

/* A signal asks for the end: what runs is cut short (stop.c), and no further check begins. */
void doctor_watch_signals(void);
gboolean doctor_is_stopped(void);
/* Opens, or opens again, doctor->courier as the gateway would. The one that is registered here is what a signal aborts,
 * unless it is there to clean up. */
gboolean doctor_connect(Doctor *doctor, gboolean to_clean_up, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void doctor_disconnect(Doctor *doctor);

/* The checks. FALSE: what comes after makes no sense. */
gboolean doctor_reach(Doctor *doctor);      /* reach.c: name, addresses, time, banner */
gboolean doctor_algorithms(Doctor *doctor); /* ssh.c: offered, agreed, what the installed library cannot do */
gboolean doctor_host_keys(Doctor *doctor);  /* ssh.c */
gboolean doctor_login(Doctor *doctor);      /* login.c */
gboolean doctor_extensions(Doctor *doctor); /* login.c: what an SFTP server has beyond the protocol */
gboolean doctor_tls(Doctor *doctor);        /* tls.c: protocol, certificate */
/* tls.c: what an FTP server has beyond the protocol's oldest form */
gboolean doctor_ftp(Doctor *doctor);
gboolean doctor_mailboxes(Doctor *doctor); /* mailboxes.c: are they ours, and what waits; connects, as HTTP does */
gboolean doctor_local(Doctor *doctor);   /* local.c: owner, mode, file system, notices of changes */
gboolean doctor_folders(Doctor *doctor); /* folders.c: listings of what feeds read */
/* folders.c: the feed that takes files away from this folder when they are done with; NULL: none. */
const ConfFeed *doctor_taking_feed(const Doctor *doctor, const char *folder);
gboolean doctor_writes(Doctor *doctor);  /* write.c: in the folders that may be written to */

/* advice.c: what to set about an error, by its reason; `otherwise` when that tells nothing. */
const char *doctor_advice(const GError *error, const char *otherwise);

#define DOCTOR_PROBE_PREFIX ".sallyport-probe-"
/* For people: "0.35 ms", "12 ms", "3.4 s"; "12.3 MiB/s". The caller frees. */
char *doctor_time(gint64 microseconds);
char *doctor_speed(guint64 bytes, gint64 microseconds);
/* Is a time so many seconds too early only since LIST tells the minute? (Of files older than half a year, the day.) */
gboolean doctor_is_coarser(const Doctor *doctor, gint64 apart);
