/* FTP's control connection, by libcurl: single commands (its QUOTE) and their replies, and what runs around a transfer.
 * Shared by the files of this folder only.
 *
 * libcurl writes a command as it stands: every path goes through ftp_path(), which lets nothing pass that would end a
 * command or begin another. All paths are made absolute with the login folder, so that the server's working folder
 * never matters. */
#pragma once
#include "transfer/curl/curl_link.h"
#include "transfer/ftp/ftp_list.h"

/* code 0: none has come; text: all lines but their codes' */
typedef struct {
  char verb[8];
  char argument;
  guint code;
  GString *text;
} FtpReply;

/* Whether a server takes names with such a part as they are. */
enum { FTP_LEFT_OUT = 4 };
typedef enum { FTP_KEPT_UNKNOWN, FTP_KEPT, FTP_KEPT_NOT } FtpKept;

typedef struct {
  Driver base;
  CurlLink link;
  char *root, *home;  /* "ftp://host:port/", and the login folder, with a slash at its end */
  GPtrArray *replies; /* FtpReply*: of the run; the first is the greeting's place, before any command */
  gboolean has_mlsd, has_mlst, has_utf8, is_binary;
  gboolean no_epsv;         /* its replies to EPSV cannot be read */
  gboolean ends_connection; /* with the run that comes */
  gboolean day_first;       /* LIST's dates of numbers, once a line has shown it */
  FtpKept is_kept[FTP_LEFT_OUT];
  gboolean has_learnt_sizes, folders_have_size;
  GTimeZone *zone;
} Ftp;

void ftp_reply_free(gpointer reply);

/* The path as it goes into a command; PARTNER for a name that no command can carry, or of which this server would leave
 * something out. May ask the server, so that earlier replies are gone. The caller frees. */
char *ftp_path(Ftp *ftp, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void ftp_begin(Ftp *ftp, const char *url);
/* The URL of a file: its path as it goes into RETR or STOR. */
char *ftp_url(const Ftp *ftp, const char *checked) G_GNUC_WARN_UNUSED_RESULT;
/* Ends this connection, and uses a new one from here on. */
gboolean ftp_log_in_again(Ftp *ftp, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* TRUE, once: its reply to EPSV could not be read, and the same may be run with PASV. */
gboolean ftp_goes_on_with_pasv(Ftp *ftp, CURLcode code);
/* Runs it; the base is lost when the connection is. */
CURLcode ftp_run(Ftp *ftp) G_GNUC_WARN_UNUSED_RESULT;
/* Each of the commands (NULL-terminated) and its reply, whatever that says. FALSE: the connection did not hold; `what`
 * for the error. */
gboolean ftp_commands(Ftp *ftp, const char *what, const char *const *commands,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* TYPE I, if that is not in force: before EPSV or PASV, since Globus GridFTP 13.24 takes the type that is in force
 * then, whatever is said afterwards (libcurl says it after them), and the CR before each LF would get lost. */
gboolean ftp_make_binary(Ftp *ftp, const char *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The n-th reply to that verb in the last run, counted from 0; NULL: it has not been sent. */
const FtpReply *ftp_reply(const Ftp *ftp, const char *verb, guint n);
guint ftp_code(const Ftp *ftp, const char *verb); /* of the last reply to it; 0: none */
/* The error that a reply means; always FALSE. */
gboolean ftp_refused(const Ftp *ftp, const FtpReply *reply, const char *what, const char *path, GError **error);
gboolean ftp_failed(Ftp *ftp, CURLcode code, const char *what, const char *path, GError **error);

/* probe.c */
gboolean ftp_probe(Driver *driver, const CourierProbe *probe, gboolean *known, const DriverFacts *facts,
                   GError **error);
gboolean ftp_stat(Ftp *ftp, const char *path, CourierStat *stat, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ftp_list(Driver *driver, const char *folder, const DriverSink *sink, GError **error);
gboolean ftp_get(Driver *driver, const DriverTransfer *get, guint64 *end, GError **error);
gboolean ftp_put(Driver *driver, const DriverTransfer *put, gboolean *there, GError **error);
