/* Probes of an FTP server: its own words on what it can do, and what it makes of single commands. */
#include "transfer/ftp/ftp_private.h"
#include <string.h>

#define FEATURES_MOST 64u

/* FEAT's lines between the first and the last one. */
static gboolean tell_features(Ftp *ftp, const DriverFacts *facts, GError **error) {
  const char *commands[] = {"FEAT", "SYST", NULL};
  if (!ftp_commands(ftp, "look", commands, error))
    return FALSE;
  const FtpReply *feat = ftp_reply(ftp, "FEAT", 0), *system = ftp_reply(ftp, "SYST", 0);
  g_auto(GStrv) lines = g_strsplit(feat && feat->code == 211 ? feat->text->str : "", "\n", FEATURES_MOST);
  for (char **line = lines; *line && *lines; line++)
    if (line != lines && line[1] && *g_strstrip(*line))
      driver_fact(facts, "extension", "%s", *line);
  if (system && system->code == 215)
    driver_fact(facts, "system", "%.*s", (int)strcspn(system->text->str, "\r\n"), system->text->str);
  return TRUE;
}

/* The address that the server names for its data. Nobody comes there, of which Twisted 22.4 tells later by a reply that
 * nobody has asked for: all others would be taken for the answer to the question before. So this connection ends. */
static gboolean tell_passive(Ftp *ftp, const DriverFacts *facts, GError **error) {
  const char *commands[] = {"PASV", NULL};
  guint part[4];
  if (strchr(ftp->link.address, ':'))
    return TRUE;
  if (!ftp_commands(ftp, "look", commands, error))
    return FALSE;
  const FtpReply *reply = ftp_reply(ftp, "PASV", 0);
  const char *numbers = reply && reply->code == 227 ? strchr(reply->text->str, '(') : NULL;
  g_auto(GStrv) each = g_strsplit(numbers ? numbers + 1 : "", ",", 6);
  if (g_strv_length(each) != 6)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(part); i++) {
    guint64 number;
    if (!g_ascii_string_to_unsigned(each[i], 10, 0, 255, &number, NULL))
      return TRUE;
    part[i] = (guint)number;
  }
  driver_fact(facts, "passive-address", "%u.%u.%u.%u", part[0], part[1], part[2], part[3]);
  return ftp_log_in_again(ftp, error);
}

static gboolean probe_connection(Ftp *ftp, const DriverFacts *facts, GError **error) {
  driver_fact(facts, "login-offered", "password");
  driver_fact(facts, "login-by", "password");
  driver_fact(facts, "working-folder", "%s", ftp->home);
  driver_fact(facts, "control-address", "%s", ftp->link.address);
  driver_fact(facts, "listing", "%s", ftp->has_mlsd ? "MLSD" : "LIST");
  curl_link_facts(&ftp->link, facts);
  return tell_features(ftp, facts, error) && tell_passive(ftp, facts, error);
}

static void tell_status(const FtpReply *reply, const DriverFacts *facts) {
  if (reply && reply->code / 100 == 2)
    driver_fact(facts, "status", "ok");
  else if (reply)
    driver_fact(facts, "status", "%u %.*s", reply->code, (int)strcspn(reply->text->str, "\r\n"), reply->text->str);
}

static gboolean run_probe(Ftp *ftp, const char *verb, char *command, const DriverFacts *facts, GError **error) {
  g_autofree char *owned = command;
  const char *commands[] = {owned, NULL};
  if (!ftp_commands(ftp, "probe", commands, error))
    return FALSE;
  tell_status(ftp_reply(ftp, verb, 0), facts);
  return TRUE;
}

static gboolean probe_rename(Ftp *ftp, const CourierProbe *probe, const DriverFacts *facts, GError **error) {
  g_autofree char *from = ftp_path(ftp, probe->path, error), *to = from ? ftp_path(ftp, probe->target, error) : NULL;
  if (!to)
    return FALSE;
  g_autofree char *first = g_strconcat("RNFR ", from, NULL), *second = g_strconcat("RNTO ", to, NULL);
  const char *ask[] = {first, NULL}, *act[] = {second, NULL};
  if (!ftp_commands(ftp, "probe", ask, error))
    return FALSE;
  gboolean is_ready = ftp_code(ftp, "RNFR") / 100 == 3;
  if (is_ready && !ftp_commands(ftp, "probe", act, error))
    return FALSE;
  tell_status(ftp_reply(ftp, is_ready ? "RNTO" : "RNFR", 0), facts);
  return TRUE;
}

static gboolean probe_time(Ftp *ftp, const CourierProbe *probe, gboolean *known, const DriverFacts *facts,
                           GError **error) {
  g_autofree char *path = ftp_path(ftp, probe->path, error);
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc((gint64)probe->size);
  g_autofree char *when = at ? g_date_time_format(at, "%Y%m%d%H%M%S") : NULL;
  if (!path || !when)
    return FALSE;
  const char *commands[] = {"FEAT", NULL};
  if (!ftp_commands(ftp, "probe", commands, error))
    return FALSE;
  const FtpReply *feat = ftp_reply(ftp, "FEAT", 0);
  *known = feat && strstr(feat->text->str, "MFMT");
  return !*known || run_probe(ftp, "MFMT", g_strdup_printf("MFMT %s %s", when, path), facts, error);
}

gboolean ftp_probe(Driver *driver, const CourierProbe *probe, gboolean *known, const DriverFacts *facts,
                   GError **error) {
  Ftp *ftp = (Ftp *)driver;
  g_autofree char *path = NULL;
  *known = TRUE;
  switch (probe->kind) {
  case COURIER_PROBE_CONNECTION:
    return probe_connection(ftp, facts, error);
  case COURIER_PROBE_RENAME:
    return probe_rename(ftp, probe, facts, error);
  case COURIER_PROBE_SET_TIME:
    return probe_time(ftp, probe, known, facts, error);
  case COURIER_PROBE_REMOVE_FOLDER:
    path = ftp_path(ftp, probe->path, error);
    if (!path || !run_probe(ftp, "RMD", g_strconcat("RMD ", path, NULL), facts, error))
      return FALSE;
    *known = ftp_code(ftp, "RMD") != 500 && ftp_code(ftp, "RMD") != 502; /* no such command */
    return TRUE;
  case COURIER_PROBE_FOLDER:
  case COURIER_PROBE_READ:
  case COURIER_PROBE_RENAME_POSIX:
  case COURIER_PROBES:
  default:
    break;
  }
  *known = FALSE;
  return TRUE;
}
