#include "transfer/ftp/ftp_private.h"
#include "gateway/base/files.h"
#include "transfer/wire/connect.h"
#include <string.h>

#define REPLY_LIMIT (64u << 10) /* bytes of one reply's lines: FEAT's are some hundred */

/* --- Paths. */

/* A word of a dash and one letter or digit. */
static gboolean has_option(const char *path) {
  for (const char *at = path; (at = strstr(at, " -")); at++)
    if ((g_ascii_isalnum(at[2]) || at[2] == '_') && (at[3] == 0 || at[3] == ' '))
      return TRUE;
  return FALSE;
}

static gboolean has_quotation_mark(const char *path) {
  return strchr(path, '"') != NULL;
}

static gboolean has_blank_at_end(const char *path) {
  return g_str_has_suffix(path, " ");
}

static gboolean has_letter_beyond_ascii(const char *path) {
  return !g_str_is_ascii(path);
}

/* What some servers leave out of a name, so that the command means another file: ftp-srv a word of one letter behind a
 * dash and quotation marks, Globus GridFTP what is not ASCII, others a blank at the end. Each with the
 * folder that is surely not there but for such a server. */
static const struct {
  gboolean (*is_in)(const char *path);
  const char *nowhere, *called;
} left_out[FTP_LEFT_OUT] = {
    {has_option, " -Z", "a word such as -2"},
    {has_quotation_mark, "\"", "a quotation mark"},
    {has_blank_at_end, " ", "a blank at the end"},
    {has_letter_beyond_ascii, "\xe7\xa7\xaf", "letters beyond ASCII"},
};

/* The login folder is entered with it: one that it leaves out is found out. Asked once for a connection. */
static gboolean is_kept(Ftp *ftp, guint which, GError **error) {
  g_autofree char *command = g_strconcat("CWD ", ftp->home, left_out[which].nowhere, NULL);
  const char *commands[] = {command, NULL};
  if (ftp->is_kept[which] != FTP_KEPT_UNKNOWN)
    return ftp->is_kept[which] == FTP_KEPT;
  if (!ftp_commands(ftp, "look", commands, error))
    return FALSE;
  ftp->is_kept[which] = ftp_code(ftp, "CWD") / 100 == 2 ? FTP_KEPT_NOT : FTP_KEPT;
  return ftp->is_kept[which] == FTP_KEPT;
}

static gboolean means_itself(Ftp *ftp, const char *path, GError **error) {
  for (guint i = 0; i < FTP_LEFT_OUT; i++) {
    GError *failed = NULL;
    if (!left_out[i].is_in(path) || is_kept(ftp, i, &failed))
      continue;
    g_autofree char *shown = files_show_bytes(path, strlen(path), 200);
    if (failed)
      g_propagate_error(error, failed);
    else
      sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                          "%s: this server leaves %s out of a name, and would take another file: nothing is done with "
                          "it; the partner has to give the file another name",
                          shown, left_out[i].called);
    return FALSE;
  }
  return TRUE;
}

/* CR, LF and NUL end a command, 0xFF is telnet's escape; of the other control bytes nothing good comes either. */
char *ftp_path(Ftp *ftp, const char *path, GError **error) {
  for (const guint8 *at = (const guint8 *)path; *at; at++)
    if (*at < 0x20 || *at == 0x7f || *at == 0xff) {
      g_autofree char *shown = files_show_bytes(path, strlen(path), 200);
      sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s: a name that no FTP command can carry", shown);
      return NULL;
    }
  if (!means_itself(ftp, path, error))
    return NULL;
  return *path == '/' ? g_strdup(path) : g_strconcat(ftp->home, path, NULL);
}

char *ftp_url(const Ftp *ftp, const char *checked) {
  g_autofree char *coded = g_uri_escape_bytes((const guint8 *)checked, strlen(checked), NULL);
  return g_strconcat(ftp->root, coded, NULL);
}

/* --- Replies. */

void ftp_reply_free(gpointer data) {
  FtpReply *reply = data;
  g_string_free(reply->text, TRUE);
  g_free(reply);
}

static void add_reply(Ftp *ftp, const char *command, gsize length) {
  FtpReply *reply = g_new0(FtpReply, 1);
  for (gsize i = 0; i < length && i < sizeof reply->verb - 1 && g_ascii_isalpha(command[i]); i++)
    reply->verb[i] = g_ascii_toupper(command[i]);
  gsize verb = strlen(reply->verb);
  reply->argument = strcmp(reply->verb, "TYPE") == 0 && length > verb + 1 ? command[verb + 1] : 0;
  reply->text = g_string_new(NULL);
  g_ptr_array_add(ftp->replies, reply);
}

/* What libcurl sends; of a command only its verb is kept: PASS passes here. */
static int hear_command(CURL *easy, curl_infotype type, char *bytes, size_t length, void *user) {
  Ftp *ftp = user;
  (void)easy;
  if (type == CURLINFO_TEXT)
    curl_link_hear(&ftp->link, bytes, length);
  if (type != CURLINFO_HEADER_OUT)
    return 0;
  add_reply(ftp, bytes, length);
  curl_link_awaits_reply(&ftp->link);
  const FtpReply *said = ftp->replies->pdata[ftp->replies->len - 1];
  /* the next one comes when the data connection stands */
  if (strcmp(said->verb, "EPSV") != 0 && strcmp(said->verb, "PASV") != 0)
    curl_link_connected(&ftp->link);
  return 0;
}

static size_t hear_reply(char *bytes, size_t one, size_t length, void *user) {
  Ftp *ftp = user;
  (void)one;
  FtpReply *reply = ftp->replies->pdata[ftp->replies->len - 1];
  if (reply->code / 100 == 1) { /* 150 was not the last word */
    g_string_truncate(reply->text, 0);
    reply->code = 0;
  }
  if (reply->text->len + length > REPLY_LIMIT) {
    sallyport_error_set(&ftp->link.failure, SALLYPORT_ERROR_PARTNER, "a reply without an end");
    return 0;
  }
  gboolean has_code = length > 3 && g_ascii_isdigit(bytes[0]) && g_ascii_isdigit(bytes[1]) && g_ascii_isdigit(bytes[2]);
  g_string_append_len(reply->text, has_code ? bytes + 4 : bytes, (gssize)(has_code ? length - 4 : length));
  if (has_code && bytes[3] == ' ') {
    reply->code = (guint)g_ascii_strtoull(bytes, NULL, 10);
    curl_link_heard(&ftp->link);
    /* or the next one waits for our acknowledgement, 40 ms: "150" and "226" come apart */
    connect_quick_ack(ftp->link.control);
  }
  return length;
}

const FtpReply *ftp_reply(const Ftp *ftp, const char *verb, guint n) {
  for (guint i = 0; i < ftp->replies->len; i++) {
    const FtpReply *reply = ftp->replies->pdata[i];
    if (strcmp(reply->verb, verb) == 0 && n-- == 0)
      return reply;
  }
  return NULL;
}

guint ftp_code(const Ftp *ftp, const char *verb) {
  guint code = 0;
  for (guint i = 0; i < ftp->replies->len; i++) {
    const FtpReply *reply = ftp->replies->pdata[i];
    if (strcmp(reply->verb, verb) == 0)
      code = reply->code;
  }
  return code;
}

static guint last_code(const Ftp *ftp) {
  for (guint i = ftp->replies->len; i > 0; i--) {
    const FtpReply *reply = ftp->replies->pdata[i - 1];
    if (reply->code > 0)
      return reply->code;
  }
  return 0;
}

/* --- Runs. */

void ftp_begin(Ftp *ftp, const char *url) {
  CURL *easy = ftp->link.easy;
  curl_link_prepare(&ftp->link, url);
  g_ptr_array_set_size(ftp->replies, 0);
  add_reply(ftp, "", 0); /* the greeting's */
  curl_easy_setopt(easy, CURLOPT_USERNAME, ftp->link.user);
  curl_easy_setopt(easy, CURLOPT_PASSWORD, ftp->link.password);
  curl_easy_setopt(easy, CURLOPT_FTP_FILEMETHOD, (long)CURLFTPMETHOD_NOCWD);
  curl_easy_setopt(easy, CURLOPT_FTP_SKIP_PASV_IP, 1L);
  curl_easy_setopt(easy, CURLOPT_FTP_USE_EPSV, ftp->no_epsv && !strchr(ftp->link.address, ':') ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L); /* for the next two: nothing is printed */
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, hear_command);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, ftp);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, hear_reply);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, ftp);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, ftp->ends_connection ? 1L : 0L);
  /* control and data: without AUTH it ends before USER, without PROT P before any data */
  if (ftp->link.tls != COURIER_TLS_NONE) {
    curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(easy, CURLOPT_FTPSSLAUTH, (long)CURLFTPAUTH_TLS);
  }
}

CURLcode ftp_run(Ftp *ftp) {
  CURLcode code = curl_link_run(&ftp->link, 0);
  ftp->base.lost = ftp->base.lost || ftp->link.is_closed || ftp->link.out_of_time;
  /* libcurl 8.14 closes an old connection some time after the new one stands: that has another number then */
  ftp->base.descriptor = ftp->link.control;
  for (guint i = 0; i < ftp->replies->len; i++) {
    const FtpReply *reply = ftp->replies->pdata[i];
    if (reply->argument && reply->code == 200)
      ftp->is_binary = g_ascii_toupper(reply->argument) == 'I';
  }
  return code;
}

gboolean ftp_log_in_again(Ftp *ftp, GError **error) {
  static const char *const names[] = {"OPTS UTF8 ON", NULL}, *const nothing[] = {"NOOP", NULL};
  ftp->ends_connection = TRUE;
  if (!ftp_commands(ftp, "log out", nothing, NULL))
    ftp->base.lost = TRUE;
  ftp->link.may_redial = TRUE;
  ftp->ends_connection = ftp->base.lost = ftp->is_binary = FALSE;
  return ftp_commands(ftp, "login", ftp->has_utf8 ? names : nothing, error);
}

gboolean ftp_goes_on_with_pasv(Ftp *ftp, CURLcode code) {
  if (code != CURLE_FTP_WEIRD_PASV_REPLY || ftp->no_epsv || ftp_code(ftp, "EPSV") != 229)
    return FALSE;
  ftp->no_epsv = TRUE; /* libcurl decides about EPSV when it connects */
  return ftp_log_in_again(ftp, NULL);
}

gboolean ftp_commands(Ftp *ftp, const char *what, const char *const *commands, GError **error) {
  struct curl_slist *list = NULL;
  ftp_begin(ftp, ftp->root);
  for (; *commands; commands++) {
    /* a refusal ends nothing here: the caller looks at it */
    g_autofree char *tolerated = g_strconcat("*", *commands, NULL);
    list = curl_slist_append(list, tolerated);
  }
  curl_easy_setopt(ftp->link.easy, CURLOPT_QUOTE, list);
  curl_easy_setopt(ftp->link.easy, CURLOPT_NOBODY, 1L);
  CURLcode code = ftp_run(ftp);
  curl_easy_setopt(ftp->link.easy, CURLOPT_QUOTE, NULL);
  curl_slist_free_all(list);
  return code == CURLE_OK || curl_link_failed(&ftp->link, code, last_code(ftp), what, error);
}

gboolean ftp_make_binary(Ftp *ftp, const char *what, GError **error) {
  static const char *const commands[] = {"TYPE I", NULL};
  return ftp->is_binary || ftp_commands(ftp, what, commands, error);
}

gboolean ftp_refused(const Ftp *ftp, const FtpReply *reply, const char *what, const char *path, GError **error) {
  (void)ftp;
  g_autofree char *text = reply ? g_strstrip(g_strdup(reply->text->str)) : g_strdup("it was not asked"),
                  *words = files_show_bytes(text, strlen(text), 200),
                  *shown = files_show_bytes(path, strlen(path), 200);
  guint code = reply ? reply->code : 0;
  return sallyport_error_set(error, curl_code(CURLE_QUOTE_ERROR, code), "%s %s: the server answers %u %s", what, shown,
                             code, words);
}

/* A server of TLS 1.3 alone that wants the control connection's session for data says 425 or 522, or just hangs up. */
static const char *tls13_hint(const Ftp *ftp, CURLcode code, guint refusal) {
  gboolean may_be = refusal == 425 || refusal == 522 || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
                    code == CURLE_SSL_CONNECT_ERROR;
  return ftp->link.with_tls13 && may_be && !ftp->link.failure
             ? "; it has TLS 1.3 only, of which a session is good for one data connection: where it wants one for "
               "each, transfers fail"
             : "";
}

/* A 5yz or 4yz of the server says it better than libcurl's summary. */
gboolean ftp_failed(Ftp *ftp, CURLcode code, const char *what, const char *path, GError **error) {
  g_autofree char *shown = files_show_bytes(path, strlen(path), 200), *doing = g_strdup_printf("%s %s", what, shown);
  guint refusal = last_code(ftp);
  const char *hint = tls13_hint(ftp, code, refusal);
  /* a data connection without this control connection's TLS session: a new one has a session to offer */
  ftp->base.lost = ftp->base.lost || (ftp->link.tls != COURIER_TLS_NONE && (refusal == 522 || refusal == 425));
  const FtpReply *last = ftp->replies->pdata[ftp->replies->len - 1];
  if (!ftp->link.failure && last->code >= 400 && code != CURLE_LOGIN_DENIED && code != CURLE_USE_SSL_FAILED) {
    g_autofree char *words = files_show_bytes(last->text->str, strcspn(last->text->str, "\r\n"), 200);
    return sallyport_error_set(error, curl_code(code, last->code), "%s: the server answers %u %s (libcurl %d)%s", doing,
                               last->code, words, (int)code, hint);
  }
  GError *failed = NULL;
  curl_link_failed(&ftp->link, code, refusal, doing, &failed);
  sallyport_error_set(error, failed->code, "%s%s", failed->message, hint);
  g_error_free(failed);
  return FALSE;
}
