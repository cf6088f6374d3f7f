/* The configuration as plain data. conf/ owns the grammar (libconfuse), the checks that need nothing but the text
 * itself (missing, unknown, contradictory, out of range, dangling names), and the shipped samples. What needs other
 * rooms (does the rule compile, is the key in the ring, does the cron expression have a next time) is checked by
 * gateway/check/check.c, which reports at the positions kept here.
 *
 * A ConfSource is the text of all files as they were read at one moment, so that what was checked is what runs, also
 * when someone edits a file meanwhile. All strings are owned by the Conf; absent ones are NULL. */
#pragma once
#include "conf/conf_recon.h"

typedef struct {
  ConfWhere where;
  gboolean is_warning;
  char *message;
} ConfFinding;
typedef struct {
  GPtrArray *findings;
  guint errors, warnings;
} ConfReport; /* of ConfFinding*, in the order found */
ConfReport *conf_report_new(void);
void conf_report_free(ConfReport *report);
void conf_report_error(ConfReport *report, ConfWhere where, const char *format, ...) G_GNUC_PRINTF(3, 4);
void conf_report_warning(ConfReport *report, ConfWhere where, const char *format, ...) G_GNUC_PRINTF(3, 4);

typedef struct ConfSource ConfSource;
/* Reads FILE and, beside it, conf.d/ *.conf in the order of their names (and further include lines inside them). */
ConfSource *conf_source_read(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One text, as if it stood alone in the file of that name (tests, and a configuration from elsewhere). Copied. */
ConfSource *conf_source_from_text(const char *name, const char *text, gsize length);
/* To and from one descriptor (a memfd that a lane inherits). Loading reads from its beginning and does not move its
 * offset, so that several lanes may load from one. */
gboolean conf_source_save(const ConfSource *source, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
ConfSource *conf_source_load(int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean conf_source_equal(const ConfSource *a, const ConfSource *b);
void conf_source_free(ConfSource *source);

/* defaults filled in: STATE/gnupg, STATE/run */
typedef struct {
  ConfWhere where;
  char *name, *state, *runtime, *time_zone, *gnupg_home;
  enum { CONF_LOG_TEXT, CONF_LOG_JSON } log_format;
  enum { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG } log_level;
  guint key_warning_days; /* how long before a key's end it is told; 30 */
  guint archive_days;     /* how long closed ciphertexts are kept; 30 */
} ConfNode;

/* sign_with: default decrypt_with */
typedef struct {
  ConfWhere where;
  char **encrypt_to, **signed_by;
  char *decrypt_with, *sign_with;
  char *passphrase_file;
} ConfOpenpgp; /* fingerprints: upper-case hex, 40 (or 64) digits */

/* ftp:// is FTP with AUTH TLS (explicit FTPS), ftps:// is implicit FTPS; both in the clear only with clear-text = yes,
 * and so http://. */
typedef enum { CONF_URL_SFTP, CONF_URL_FILE, CONF_URL_FTP, CONF_URL_FTPS, CONF_URL_HTTPS, CONF_URL_HTTP } ConfScheme;
/* file://; of http(s):// the base path */
typedef struct {
  ConfWhere where;
  char *name;
  char *url;
  ConfScheme scheme;
  char *user, *host;
  guint port;
  char *folder;
  char **host_keys;
  char *identity_file, *passphrase_file, *password_file;
  guint connections;                 /* 2 */
  guint connect_timeout, io_timeout; /* seconds */
  gboolean clear_text;               /* ftp://, http://: without TLS, asked for */
  char *ca_file;                     /* PEM; NULL: the system's */
  /* pinned public keys, "sha256//…" (base64), two slots; beside the certificate's check */
  char **tls_keys;
  char *certificate_file, *private_key_file; /* ours, for TLS; PEM */
  char *token_file;                          /* HTTP: Authorization: Bearer */
  char *listing_time_zone;                   /* FTP's LIST without MLSD; NULL: UTC */
} ConfEndpoint;
/* How a requester of reconciliation files shows who it is to the front: SHA-256 of its bearer tokens and of its client
 * certificates (hex). */
typedef struct {
  ConfWhere where;
  char **token_sha256, **certificate_sha256;
} ConfAccess;
/* Also what `system "core" { endpoint … }` makes, our own inner systems: without openpgp and access. */
typedef struct {
  ConfWhere where;
  char *name;
  gboolean is_system;
  ConfOpenpgp openpgp; /* where.file NULL: none */
  ConfAccess access;
  GPtrArray *endpoints; /* ConfEndpoint* */
} ConfPartner;

typedef enum { CONF_TEXT, CONF_INTEGER, CONF_DECIMAL, CONF_DATE, CONF_TIMESTAMP, CONF_ENUMERATION } ConfFieldType;
typedef struct {
  ConfWhere where;
  char *name;
  ConfFieldType type;
  guint width; /* most characters; 0: none */
  guint scale;
  char *format; /* date, timestamp */
  char **values;
  gboolean optional, mask;
  enum { CONF_CONTROL_NONE, CONF_CONTROL_COUNT, CONF_CONTROL_SUM } control;
  char *control_field;
  char *control_record; /* a record's tag: only those lines; NULL: all */
  guint bytes;          /* type = fixed: so many bytes of the declared character set */
  gboolean align_right;
  char pad;         /* ' ' or '0' */
  gboolean implied; /* decimal without its point: 0001230 is 12.30 at scale 2 */
  enum { CONF_SIGN_PLAIN, CONF_SIGN_OVERPUNCH } sign;
} ConfField;
typedef struct {
  ConfWhere where;
  gboolean present;
  char *tag;
  GPtrArray *fields; /* ConfField* */
} ConfLine;          /* header, record or trailer */
/* `records` are the record lines as declared, one or several (told apart by tag). `record` is their union, by name, in
 * the order of first mention: the columns of what is staged. Fields of one name agree in type and scale; one that not
 * every record has is optional in it. */
/* bytes, one or several */
typedef struct {
  ConfWhere where;
  char *name;
  enum { CONF_LAYOUT_DELIMITED, CONF_LAYOUT_FIXED } kind;
  char *delimiter;
  enum { CONF_QUOTE_NONE, CONF_QUOTE_RFC4180 } quote;
  char *charset;
  enum { CONF_LINES_BY_TAG, CONF_LINES_BY_POSITION } lines_by;
  /* none: fixed lines only */
  enum { CONF_LINE_END_ANY, CONF_LINE_END_LF, CONF_LINE_END_CRLF, CONF_LINE_END_CR, CONF_LINE_END_NONE } line_end;
  guint line_limit; /* bytes; 16,384 */
  ConfLine header, record, trailer;
  GPtrArray *records; /* ConfLine* */
  guint tag_bytes;    /* fixed: the tag's place is the first bytes of a line; 0: the longest tag's length */
} ConfLayout;

typedef enum { CONF_READY_MARKER, CONF_READY_RENAME, CONF_READY_STABLE, CONF_READY_AGE, CONF_READY_DECLARED } ConfReady;
/* What protects a file: OpenPGP, a detached OpenPGP signature beside the plaintext, or nothing
 * ("unprotected-plain-text": as many words). */
typedef enum { CONF_ENVELOPE_OPENPGP, CONF_ENVELOPE_DETACHED, CONF_ENVELOPE_NONE } ConfEnvelope;
typedef enum { CONF_PACK_NONE, CONF_PACK_GZIP, CONF_PACK_ZSTD, CONF_PACK_ZIP } ConfPacking;
/* declared { … }: a file beside the data file (or one for many) that says what the data file is: evidence, and checked
 * after the fetch. */
/* template '{name}.sha256', or a glob 'INDEX_*.txt' of indexes */
typedef struct {
  ConfWhere where;
  gboolean present;
  char *file;
  /* as md5sum prints; delimited; key=value lines */
  enum { CONF_DECLARED_SUMS, CONF_DECLARED_COLUMNS, CONF_DECLARED_PAIRS } format;
  /* name size records md5 sha1 sha256 sha512 total -; in order (columns) or by their key "theirs:ours" (pairs) */
  char **columns;
  char *delimiter;
} ConfDeclared;
typedef struct {
  ConfWhere where;
  char *endpoint; /* of the feed's partner */
  char *path, *match;
  ConfReady ready;
  char *marker;     /* '{name}.ok' */
  char **temporary; /* READY_RENAME: globs of names still being written: '*.tmp', '*.filepart' */
  guint looks;      /* stable: 3 */
  guint least_age;  /* seconds, in addition to each kind of evidence; the kind of READY_AGE */
  guint every;      /* seconds; 0: cron */
  char *cron, *time_zone;
  ConfWhere schedule_where;
  enum { CONF_AFTER_ARCHIVE, CONF_AFTER_DELETE, CONF_AFTER_KEEP } after;
  char *archive;      /* remote folder; default PATH/archive */
  guint64 size_limit; /* of the ciphertext; 4 GiB */
  char *calendar;     /* polls on its days only; NULL: all */
  ConfEnvelope envelope;
  char *signature;                          /* detached: '{name}.sig' */
  ConfPacking outer_packing, inner_packing; /* around, and within, the envelope */
  ConfDeclared declared;
} ConfSourceFolder;
typedef struct {
  ConfWhere where;                     /* of the check */
  char *name, *check, *code, *message; /* default: the name */
} ConfRule;
/* x: 2,500 and 5,000; beyond 2,500–5,000 only with allow-any-size = yes */
typedef struct {
  ConfWhere where;
  guint size_min, size_max;
  gboolean allow_any_size;
  guint target_latency;           /* milliseconds; 0: no pressure block */
  guint threads_min, threads_max; /* calls in flight: 1 and 8 */
} ConfBatch;
/* Every process but deliver keeps a ledger of what was credited: it tells keys seen before, and reconciliation reads
 * it. */
typedef struct {
  ConfWhere where;
  char *name, *account, *amount;
  guint shards;
} ConfLedger; /* process ledger { … } */
/* seconds; 30 */
typedef struct {
  char *system, *endpoint, *path;
  enum { CONF_BODY_JSON, CONF_BODY_CSV } body;
  guint timeout;
  char **columns; /* sent; default: all */
} ConfHttp;       /* process http { … } */
typedef struct {
  char *system, *endpoint, *path, *name, *marker;
  ConfEnvelope envelope; /* none or openpgp */
  char **encrypt_to;     /* openpgp */
  ConfPacking packing;
  gint if_exists;
} ConfDeliver; /* process deliver { … } */
typedef enum { CONF_PROCESS_LEDGER, CONF_PROCESS_HTTP, CONF_PROCESS_DELIVER } ConfProcess;
/* Re-processing: what becomes of what was there before. Defaults in this order: duplicate, hold, duplicate, duplicate.
 */
typedef enum { CONF_AGAIN_DUPLICATE, CONF_AGAIN_HOLD, CONF_AGAIN_REJECT, CONF_AGAIN_ACCEPT } ConfAgain;
/* same name and bytes; same name, other bytes; other name, same bytes */
typedef struct {
  ConfWhere where;
  ConfAgain same_file, same_name, same_content;
  ConfAgain
      keys; /* records posted before: duplicate (each is answered so), reject (each), hold (the file); never accept */
} ConfRepeats;
/* File sequence numbers, from the name ('POINTS_{date}_{sequence}.dat.pgp') or a header field. */
typedef enum {
  CONF_SEQUENCE_ACCEPT,
  CONF_SEQUENCE_ALARM,
  CONF_SEQUENCE_HOLD,
  CONF_SEQUENCE_REJECT,
  CONF_SEQUENCE_WAIT
} ConfSequencePolicy;
typedef struct {
  ConfWhere where;
  gboolean present;
  char *name, *header_field;
  guint64 first; /* 1 */
  guint64 most;  /* wraps to first after it; 0: never */
  /* by business date */
  enum { CONF_RESET_NEVER, CONF_RESET_DAILY, CONF_RESET_MONTHLY, CONF_RESET_YEARLY } reset;
  ConfSequencePolicy on_reused, on_gap,
      on_late; /* hold, alarm, alarm; wait: only for a gap, at most wait_limit seconds */
  guint wait_limit;
} ConfSequence;
/* expect "daily" { by = "06:00" … }: files that are due. Times are of the day, in seconds, in time_zone. */
typedef struct {
  ConfWhere where;
  char *name;
  guint by;
  guint from;      /* counted from then on; 0: midnight */
  gint day_offset; /* by is so many days after the day it is for */
  guint files;     /* 1 */
  char *calendar, *time_zone;
} ConfExpect;
/* cut-off { at = "17:00" … }: what arrives later belongs to the calendar's next day, or is held, or rejected. */
typedef struct {
  ConfWhere where;
  gboolean present;
  guint at;
  char *calendar, *time_zone;
  enum { CONF_CUTOFF_NEXT_DAY, CONF_CUTOFF_HOLD, CONF_CUTOFF_REJECT } after;
} ConfCutOff;
/* record fields echoed; default: the key */
typedef struct {
  ConfWhere where;
  char *endpoint, *path, *name, *exception_name, *marker;
  char **columns;
  enum { CONF_COMPRESS_NONE, CONF_COMPRESS_FAST, CONF_COMPRESS_ZLIB } compress;
  enum { CONF_EXISTS_REFUSE, CONF_EXISTS_REPLACE } if_exists;
  ConfEnvelope envelope; /* detached: the signature's name is NAME.sig */
  ConfPacking packing, outer_packing;
  char *member;                         /* in a zip; default: the name without suffixes */
  char *charset, *delimiter, *line_end; /* NULL: the layout's; line_end "lf" or "crlf" */
  gboolean neutralise;                  /* ' before a text of = + - @ TAB CR */
  char *digest;                         /* '{name}.sha256': put beside it, before the marker */
} ConfFeedback; /* names are templates: {name} {stem} {extension} {date} {time} {id} {sequence} {sequence:6} */
/* a header or record field; NULL: day of arrival */
typedef struct {
  ConfWhere where;
  char *name, *partner, *layout, *key, *business_date;
  gboolean reject_file; /* on-reject = file (default), else record */
  guint64 plain_limit;
  guint ratio_limit;
  guint retry_limit; /* failed tries of one step before the file is held; 10 */
  ConfSourceFolder source;
  GPtrArray *rules; /* ConfRule* */
  ConfBatch batch;
  ConfProcess process;
  ConfLedger ledger;
  ConfHttp http;
  ConfDeliver deliver;
  ConfFeedback feedback;
  ConfRepeats repeats;
  ConfSequence sequence;
  GPtrArray *expects; /* ConfExpect* */
  ConfCutOff cut_off;
} ConfFeed;
typedef struct {
  ConfWhere where;
  char *name;
  guint threads;         /* 0: one per processor */
  GPtrArray *feeds;      /* ConfFeed* */
  GPtrArray *reconciles; /* ConfReconcile* */
} ConfLane;

/* Days that count: all but the weekend and the holidays, and the working ones of these. Dates are "2026-10-01". */
typedef struct {
  ConfWhere where;
  char *name;
  guint weekend; /* bits, Monday is 1 << 1 … Sunday is 1 << 7 */
  char **holidays, **working;
  char *holidays_file;
} ConfCalendar;
/* alarms { … }: where alarms go besides the log and `status`. */
typedef struct {
  ConfWhere where;
  char **command;                 /* argv; the alarm as JSON on its standard input; never a partner's data */
  char *system, *endpoint, *path; /* the webhook */
  guint repeat;                   /* seconds; 3600 */
  guint repeat_limit;             /* 24 */
} ConfAlarms;

typedef struct {
  ConfNode node;
  GPtrArray *partners, *layouts, *lanes, *calendars; /* of pointers */
  ConfAlarms alarms;
  ConfFront front;
} Conf;

/* Parses and checks; reports everything it finds. NULL when there is an error. */
Conf *conf_parse(const ConfSource *source, ConfReport *report) G_GNUC_WARN_UNUSED_RESULT;
void conf_free(Conf *conf);

/* NULL: none of that name. */
const ConfPartner *conf_partner(const Conf *conf, const char *name); /* partners only */
const ConfPartner *conf_system(const Conf *conf, const char *name);  /* systems only */
const ConfCalendar *conf_calendar(const Conf *conf, const char *name);
const ConfEndpoint *conf_endpoint(const ConfPartner *partner, const char *name);
const ConfLayout *conf_layout(const Conf *conf, const char *name);
const ConfLane *conf_lane(const Conf *conf, const char *name);
/* feed names are unique over all lanes */
const ConfFeed *conf_feed(const Conf *conf, const char *name, const ConfLane **lane);
