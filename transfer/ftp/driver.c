/* FTP and FTPS by libcurl: login, and the changes of names. Transfers are in transfer.c, listings in listing.c.
 *
 * The protocol knows no rename that refuses and none that surely replaces: what servers do with an existing target
 * differs (most replace it, some refuse). So the target is looked at first, and for REPLACE moved aside: at no moment
 * is neither there. */
#include "transfer/ftp/ftp_private.h"
#include "gateway/base/files.h"
#include <poll.h>
#include <string.h>

static gboolean driver_stat(Driver *driver, const char *path, CourierStat *stat, GError **error) {
  return ftp_stat((Ftp *)driver, path, stat, error);
}

/* One command whose effect is beyond recall once it is sent: without its reply nobody knows. */
static gboolean change(Ftp *ftp, const char *const *commands, const char *verb, const char *what, GError **error) {
  if (ftp_commands(ftp, what, commands, error))
    return TRUE;
  const FtpReply *reply = ftp_reply(ftp, verb, 0);
  if (reply && reply->code == 0 && error && *error)
    (*error)->code = SALLYPORT_ERROR_UNCERTAIN;
  return FALSE;
}

static gboolean ftp_remove(Driver *driver, const char *shown, GError **error) {
  Ftp *ftp = (Ftp *)driver;
  CourierStat stat;
  g_autofree char *path = ftp_path(ftp, shown, error);
  if (!path)
    return FALSE;
  g_autofree char *command = g_strconcat("DELE ", path, NULL);
  const char *commands[] = {command, NULL};
  if (!change(ftp, commands, "DELE", "remove", error))
    return FALSE;
  const FtpReply *reply = ftp_reply(ftp, "DELE", 0);
  if (reply && reply->code / 100 == 2)
    return TRUE;
  ftp_refused(ftp, reply, "remove", shown, error);
  /* it is not told apart from one that may not be removed */
  if (!reply || reply->code / 100 != 5 || ftp->base.lost || !ftp_stat(ftp, shown, &stat, NULL) || stat.exists)
    return FALSE;
  g_clear_error(error);
  return TRUE;
}

static gboolean ftp_make_folder(Driver *driver, const char *shown, GError **error) {
  Ftp *ftp = (Ftp *)driver;
  g_autofree char *path = ftp_path(ftp, shown, error);
  if (!path)
    return FALSE;
  g_autofree char *make = g_strconcat("MKD ", path, NULL), *enter = g_strconcat("CWD ", path, NULL);
  const char *commands[] = {make, enter, NULL};
  if (!ftp_commands(ftp, "make folder", commands, error))
    return FALSE;
  return ftp_code(ftp, "CWD") / 100 == 2 || ftp_refused(ftp, ftp_reply(ftp, "MKD", 0), "make folder", shown, error);
}

/* --- Rename. */

static gboolean do_rename(Ftp *ftp, const char *from, const char *to, GError **error) {
  g_autofree char *old = ftp_path(ftp, from, error), *new = old ? ftp_path(ftp, to, error) : NULL;
  if (!new)
    return FALSE;
  g_autofree char *first = g_strconcat("RNFR ", old, NULL), *second = g_strconcat("RNTO ", new, NULL);
  const char *ask[] = {first, NULL}, *act[] = {second, NULL};
  /* not RNTO after a refused RNFR: some servers rename what was named before, some end the connection */
  if (!ftp_commands(ftp, "rename", ask, error))
    return FALSE;
  if (ftp_code(ftp, "RNFR") / 100 != 3)
    return ftp_refused(ftp, ftp_reply(ftp, "RNFR", 0), "rename", from, error);
  if (!change(ftp, act, "RNTO", "rename", error))
    return FALSE;
  return ftp_code(ftp, "RNTO") / 100 == 2 || ftp_refused(ftp, ftp_reply(ftp, "RNTO", 0), "rename", from, error);
}

/* Between the look and the rename somebody else may make the target: the protocol has no better. */
static gboolean rename_refusing(Ftp *ftp, const CourierRename *wanted, GError **error) {
  CourierStat stat;
  if (!ftp_stat(ftp, wanted->to, &stat, error))
    return FALSE;
  return stat.exists ? driver_target_exists(wanted->to, error) : do_rename(ftp, wanted->from, wanted->to, error);
}

/* A crash after the first step leaves the old content as ASIDE, after the second both: whoever lists the folder sees
 * the ".aside" name, and the next REPLACE of the same target removes it. */
static gboolean rename_by_aside(Ftp *ftp, const CourierRename *wanted, GError **error) {
  CourierStat target, left;
  g_autofree char *aside = g_strconcat(wanted->to, ".aside", NULL);
  if (!ftp_stat(ftp, wanted->to, &target, error) || !ftp_stat(ftp, aside, &left, error))
    return FALSE;
  if (target.exists && left.exists && !ftp_remove(&ftp->base, aside, error))
    return FALSE;
  if (target.exists && !do_rename(ftp, wanted->to, aside, error))
    return FALSE;
  if (!do_rename(ftp, wanted->from, wanted->to, error)) {
    if (target.exists && !ftp->base.lost && !do_rename(ftp, aside, wanted->to, NULL) && error && *error)
      (*error)->code = SALLYPORT_ERROR_UNCERTAIN; /* the old one stays aside: somebody must look */
    return FALSE;
  }
  return (!target.exists && !left.exists) || ftp_remove(&ftp->base, aside, error);
}

static gboolean ftp_rename(Driver *driver, const CourierRename *wanted, GError **error) {
  Ftp *ftp = (Ftp *)driver;
  return wanted->if_exists == COURIER_TARGET_REFUSE ? rename_refusing(ftp, wanted, error)
                                                    : rename_by_aside(ftp, wanted, error);
}

/* --- The connection. */

/* Between requests a server says nothing, but 421 at the end of its patience. */
static gboolean ftp_idle(Driver *driver) {
  struct pollfd wanted = {.fd = driver->descriptor, .events = POLLIN};
  return poll(&wanted, 1, 0) == 0;
}

static void ftp_close(Driver *driver) {
  Ftp *ftp = (Ftp *)driver;
  curl_link_close(&ftp->link, !ftp->base.lost && ftp_idle(driver));
  if (ftp->replies)
    g_ptr_array_unref(ftp->replies);
  g_clear_pointer(&ftp->zone, g_time_zone_unref);
  g_free(ftp->root);
  g_free(ftp->home);
  g_free(ftp->base.description);
  g_free(ftp);
}

static const DriverOperations ftp_operations = {
    .list = ftp_list,
    .stat = driver_stat,
    .get = ftp_get,
    .put = ftp_put,
    .rename = ftp_rename,
    .remove = ftp_remove,
    .make_folder = ftp_make_folder,
    .probe = ftp_probe,
    .idle = ftp_idle,
    .close = ftp_close,
};

static gboolean has_feature(const FtpReply *feat, const char *name) {
  g_auto(GStrv) lines = g_strsplit(feat && feat->code == 211 ? feat->text->str : "", "\n", 0);
  for (char **line = lines; *line; line++) {
    g_strstrip(*line);
    gsize length = strlen(name);
    if (g_ascii_strncasecmp(*line, name, length) == 0 && !g_ascii_isalnum((*line)[length]))
      return TRUE;
  }
  return FALSE;
}

static char *describe_ftp(const Ftp *ftp, const char *greeting, const char *cage) {
  static const char *const ways[] = {"FTP in the clear", "FTP with TLS", "FTP over TLS"};
  g_autofree char *shown = files_show_bytes(greeting, strcspn(greeting, "\r\n"), 100);
  return g_strdup_printf("%s (libcurl %s), \"%s\", listing by %s, in %s, at %s, %s", ways[ftp->link.tls],
                         curl_version_info(CURLVERSION_NOW)->version, shown, ftp->has_mlsd ? "MLSD" : "LIST", ftp->home,
                         ftp->link.address, cage);
}

/* The first command, and before it libcurl's login. A server that has only TLS 1.3 gets a second connection. */
static gboolean greet(Ftp *ftp, const char *const *commands, GError **error) {
  GError *failed = NULL;
  if (ftp_commands(ftp, "login", commands, &failed))
    return TRUE;
  if (ftp->link.tls == COURIER_TLS_NONE || ftp->link.result != CURLE_SSL_CONNECT_ERROR) {
    g_propagate_error(error, failed);
    return FALSE;
  }
  g_error_free(failed);
  ftp->link.with_tls13 = ftp->link.may_redial = TRUE;
  ftp->base.lost = FALSE;
  return ftp_commands(ftp, "login", commands, error);
}

/* libcurl logs in with the first command, and asks for the login folder. */
static gboolean log_in(Ftp *ftp, const char *cage, GError **error) {
  const char *first[] = {"FEAT", NULL}, *second[] = {"OPTS UTF8 ON", NULL};
  const char *entry = NULL;
  if (!greet(ftp, first, error))
    return FALSE;
  const FtpReply *feat = ftp_reply(ftp, "FEAT", 0);
  ftp->has_mlst = ftp->has_mlsd = has_feature(feat, "MLST") || has_feature(feat, "MLSD");
  ftp->has_utf8 = has_feature(feat, "UTF8");
  curl_easy_getinfo(ftp->link.easy, CURLINFO_FTP_ENTRY_PATH, &entry);
  gboolean is_sound = entry && *entry == '/' && strlen(entry) < WIRE_PATH_LIMIT;
  g_free(ftp->home);
  ftp->home = g_strconcat(is_sound ? entry : "/", is_sound && entry[strlen(entry) - 1] != '/' ? "/" : "", NULL);
  g_autofree char *checked = ftp_path(ftp, ftp->home, error);
  if (!checked)
    return FALSE;
  ftp->base.description = describe_ftp(ftp, ftp_reply(ftp, "", 0)->text->str, cage);
  /* names are bytes to us: most servers need no telling */
  return !ftp->has_utf8 || ftp_commands(ftp, "login", second, error);
}

static char *root_of(const CurlLink *link) {
  gboolean is_ipv6 = strchr(link->name, ':') != NULL;
  return g_strdup_printf("%s://%s%s%s:%u/", link->tls == COURIER_TLS_IMPLICIT ? "ftps" : "ftp", is_ipv6 ? "[" : "",
                         link->name, is_ipv6 ? "]" : "", link->port);
}

/* Zones are files: before the cage. */
static gboolean load_zone(Ftp *ftp, const WireMessage *open, GError **error) {
  g_autofree char *name = wire_string(open->zone);
  ftp->zone = *name ? g_time_zone_new_identifier(name) : g_time_zone_new_utc();
  return ftp->zone ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "listing-time-zone: there is no time zone %s", name);
}

Driver *driver_ftp_open(const DriverHost *host, const WireMessage *open, GError **error) {
  g_autofree char *cage = NULL;
  Ftp *ftp = g_new0(Ftp, 1);
  ftp->base = (Driver){.operations = &ftp_operations, .host = host, .descriptor = -1};
  ftp->replies = g_ptr_array_new_with_free_func(ftp_reply_free);
  if (load_zone(ftp, open, error) && curl_link_open(&ftp->link, host, open, &cage, error)) {
    ftp->root = root_of(&ftp->link);
    ftp->home = g_strdup("/");
    if (log_in(ftp, cage, error))
      return &ftp->base;
  }
  ftp->base.lost = TRUE; /* no good-bye */
  ftp_close(&ftp->base);
  return NULL;
}
