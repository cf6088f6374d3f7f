/* The configuration as plain data. conf/ owns the grammar (libconfuse), the checks that need nothing but the text itself
 * (missing, unknown, contradictory, out of range, dangling names), and the shipped samples. What needs other rooms (does the
 * rule compile, is the key in the ring, does the cron expression have a next time) is checked by gateway/check.c, which
 * reports at the positions kept here.
 *
 * A ConfSource is the text of all files as they were read at one moment, so that what was checked is what runs, also when
 * someone edits a file meanwhile. All strings are owned by the Conf; absent ones are NULL. */
#pragma once
#include "gateway/base/error.h"

typedef struct { const char *file; guint line; } ConfWhere;

typedef struct { ConfWhere where; gboolean is_warning; char *message; } ConfFinding;
typedef struct { GPtrArray *findings; guint errors, warnings; } ConfReport; /* of ConfFinding*, in the order found */
ConfReport *conf_report_new(void);
void conf_report_free(ConfReport *report);
void conf_report_error(ConfReport *report, ConfWhere where, const char *format, ...) G_GNUC_PRINTF(3, 4);
void conf_report_warning(ConfReport *report, ConfWhere where, const char *format, ...) G_GNUC_PRINTF(3, 4);

typedef struct ConfSource ConfSource;
/* Reads FILE and, beside it, conf.d/ *.conf in the order of their names (and further include lines inside them). */
ConfSource *conf_source_read(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One text, as if it stood alone in the file of that name (tests, and a configuration from elsewhere). Copied. */
ConfSource *conf_source_from_text(const char *name, const char *text, gsize length);
/* To and from one descriptor (a memfd that a lane inherits). Loading reads from its beginning and does not move its offset,
 * so that several lanes may load from one. */
gboolean conf_source_save(const ConfSource *source, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
ConfSource *conf_source_load(int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean conf_source_equal(const ConfSource *a, const ConfSource *b);
void conf_source_free(ConfSource *source);

typedef struct { ConfWhere where; char *name, *state, *runtime, *time_zone, *gnupg_home; /* defaults filled in: STATE/gnupg, STATE/run */
                 enum { CONF_LOG_TEXT, CONF_LOG_JSON } log_format; enum { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG } log_level;
                 guint key_warning_days; /* how long before a key's end it is told; 30 */ guint archive_days; /* how long closed ciphertexts are kept; 30 */ } ConfNode;

typedef struct { ConfWhere where; char **encrypt_to, **signed_by; char *decrypt_with, *sign_with; /* sign_with: default decrypt_with */
                 char *passphrase_file; } ConfOpenpgp; /* fingerprints: upper-case hex, 40 (or 64) digits */

typedef enum { CONF_URL_SFTP, CONF_URL_FILE } ConfScheme;
typedef struct { ConfWhere where; char *name; char *url; ConfScheme scheme; char *user, *host; guint port; char *folder; /* file:// */
                 char **host_keys; char *identity_file, *passphrase_file, *password_file;
                 guint connections; /* 2 */ guint connect_timeout, io_timeout; /* seconds */ } ConfEndpoint;
typedef struct { ConfWhere where; char *name; ConfOpenpgp openpgp; GPtrArray *endpoints; /* ConfEndpoint* */ } ConfPartner;

typedef enum { CONF_TEXT, CONF_INTEGER, CONF_DECIMAL, CONF_DATE, CONF_TIMESTAMP, CONF_ENUMERATION } ConfFieldType;
typedef struct { ConfWhere where; char *name; ConfFieldType type; guint width; /* most characters; 0: none */ guint scale; char *format; /* date, timestamp */
                 char **values; gboolean optional, mask; enum { CONF_CONTROL_NONE, CONF_CONTROL_COUNT, CONF_CONTROL_SUM } control;
                 char *control_field; } ConfField;
typedef struct { ConfWhere where; gboolean present; char *tag; GPtrArray *fields; /* ConfField* */ } ConfLine; /* header, record or trailer */
typedef struct { ConfWhere where; char *name; char *delimiter; /* bytes, one or several */
                 enum { CONF_QUOTE_NONE, CONF_QUOTE_RFC4180 } quote; char *charset; enum { CONF_LINES_BY_TAG, CONF_LINES_BY_POSITION } lines_by;
                 enum { CONF_LINE_END_ANY, CONF_LINE_END_LF, CONF_LINE_END_CRLF, CONF_LINE_END_CR } line_end;
                 guint line_limit; /* bytes; 16,384 */ ConfLine header, record, trailer; } ConfLayout;

typedef enum { CONF_READY_MARKER, CONF_READY_RENAME, CONF_READY_STABLE, CONF_READY_AGE } ConfReady;
typedef struct { ConfWhere where; char *endpoint; /* of the feed's partner */ char *path, *match; ConfReady ready; char *marker; /* '{name}.ok' */
                 char **temporary; /* READY_RENAME: globs of names still being written: '*.tmp', '*.filepart' */ guint looks; /* stable: 3 */
                 guint least_age; /* seconds, in addition to each kind of evidence; the kind of READY_AGE */
                 guint every; /* seconds; 0: cron */ char *cron, *time_zone; ConfWhere schedule_where; enum { CONF_AFTER_ARCHIVE, CONF_AFTER_DELETE, CONF_AFTER_KEEP } after;
                 char *archive; /* remote folder; default PATH/archive */ guint64 size_limit; /* of the ciphertext; 4 GiB */ } ConfSourceFolder;
typedef struct { ConfWhere where; /* of the check */ char *name, *check, *code, *message; /* default: the name */ } ConfRule;
typedef struct { ConfWhere where; guint size_min, size_max; /* x: 2,500 and 5,000; beyond 2,500–5,000 only with allow-any-size = yes */
                 gboolean allow_any_size; guint target_latency; /* milliseconds; 0: no pressure block */ } ConfBatch;
typedef struct { ConfWhere where; char *name, *account, *amount; guint shards; } ConfLedger; /* process ledger { … } */
typedef struct { ConfWhere where; char *endpoint, *path, *name, *exception_name, *marker; char **columns; /* record fields echoed; default: the key */
                 enum { CONF_COMPRESS_NONE, CONF_COMPRESS_FAST, CONF_COMPRESS_ZLIB } compress; enum { CONF_EXISTS_REFUSE, CONF_EXISTS_REPLACE } if_exists;
                 } ConfFeedback; /* names are templates: {name} {stem} {extension} {date} {time} {id} */
typedef struct { ConfWhere where; char *name, *partner, *layout, *key, *business_date; /* a header or record field; NULL: day of arrival */
                 gboolean reject_file; /* on-reject = file (default), else record */ guint64 plain_limit; guint ratio_limit;
                 guint retry_limit; /* failed tries of one step before the file is held; 10 */
                 ConfSourceFolder source; GPtrArray *rules; /* ConfRule* */ ConfBatch batch; ConfLedger ledger; ConfFeedback feedback; } ConfFeed;
typedef struct { ConfWhere where; char *name; guint threads; /* 0: one per processor */ GPtrArray *feeds; /* ConfFeed* */ } ConfLane;

typedef struct { ConfNode node; GPtrArray *partners, *layouts, *lanes; } Conf; /* of pointers */

/* Parses and checks; reports everything it finds. NULL when there is an error. */
Conf *conf_parse(const ConfSource *source, ConfReport *report) G_GNUC_WARN_UNUSED_RESULT;
void conf_free(Conf *conf);

/* NULL: none of that name. */
const ConfPartner *conf_partner(const Conf *conf, const char *name);
const ConfEndpoint *conf_endpoint(const ConfPartner *partner, const char *name);
const ConfLayout *conf_layout(const Conf *conf, const char *name);
const ConfLane *conf_lane(const Conf *conf, const char *name);
const ConfFeed *conf_feed(const Conf *conf, const char *name, const ConfLane **lane); /* feed names are unique over all lanes */
