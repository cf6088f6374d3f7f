/* Listings, and what one name is: MLSD and MLST where the server has them, else LIST, SIZE and MDTM. LIST is asked for
 * in the folder, not with its name: servers take options and patterns there. */
#include "transfer/ftp/ftp_private.h"
#include <string.h>

#define LINE_LIMIT 8192u
#define NAMES_PER_PROGRESS 16u

typedef struct {
  Ftp *ftp;
  const DriverSink *sink;
  gboolean is_mlsd, is_enough;
  FtpClock clock;
  guint64 names;
  gsize held;
  char line[LINE_LIMIT];
} Listing;

/* A line that is not understood is handed on without a name: it is counted among the refused. FALSE: enough. */
static gboolean take_line(Listing *listing, gsize length) {
  WireEntry entry;
  while (length > 0 && listing->line[length - 1] == '\r')
    length--;
  FtpLine kind = listing->is_mlsd ? ftp_mlsd_line(listing->line, length, &entry)
                                  : ftp_list_line(listing->line, length, &listing->clock, &entry);
  if (kind == FTP_LINE_NOTHING)
    return TRUE;
  if (kind == FTP_LINE_UNKNOWN)
    entry = (WireEntry){0};
  if (++listing->names % NAMES_PER_PROGRESS == 0)
    curl_link_alive(&listing->ftp->link);
  return listing->sink->take(listing->sink->user, &entry);
}

static size_t take_listing(char *bytes, size_t one, size_t length, void *user) {
  Listing *listing = user;
  (void)one;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != '\n') {
      if (listing->held == LINE_LIMIT) {
        sallyport_error_set(&listing->ftp->link.failure, SALLYPORT_ERROR_PARTNER, "a line without an end");
        return 0;
      }
      listing->line[listing->held++] = bytes[i];
      continue;
    }
    gsize held = listing->held;
    listing->held = 0;
    if (!take_line(listing, held)) {
      listing->is_enough = TRUE;
      return 0;
    }
  }
  return length;
}

static CURLcode run_listing(Listing *listing) {
  Ftp *ftp = listing->ftp;
  ftp_begin(ftp, ftp->root);
  curl_easy_setopt(ftp->link.easy, CURLOPT_CUSTOMREQUEST, listing->is_mlsd ? "MLSD" : "LIST");
  curl_easy_setopt(ftp->link.easy, CURLOPT_WRITEFUNCTION, take_listing);
  curl_easy_setopt(ftp->link.easy, CURLOPT_WRITEDATA, listing);
  return ftp_run(ftp);
}

/* By a command of its own: libcurl would give the connection up when it is refused. */
static gboolean enter(Ftp *ftp, const char *path, const char *shown, GError **error) {
  g_autofree char *command = g_strconcat("CWD ", path, NULL);
  const char *commands[] = {command, NULL};
  if (!ftp_commands(ftp, "list", commands, error))
    return FALSE;
  return ftp_code(ftp, "CWD") / 100 == 2 || ftp_refused(ftp, ftp_reply(ftp, "CWD", 0), "list", shown, error);
}

/* Some servers call an empty folder an error. */
static gboolean is_empty_folder(const Ftp *ftp, const char *verb) {
  const FtpReply *reply = ftp_reply(ftp, verb, 0);
  g_autofree char *text = reply ? g_ascii_strdown(reply->text->str, -1) : g_strdup("");
  return strstr(text, "no files") != NULL;
}

static gboolean lacks(const Ftp *ftp, const char *verb) {
  guint code = ftp_code(ftp, verb);
  return code == 500 || code == 502 || code == 504;
}

gboolean ftp_list(Driver *driver, const char *folder, const DriverSink *sink, GError **error) {
  Ftp *ftp = (Ftp *)driver;
  g_autofree char *path = ftp_path(ftp, folder, error);
  if (!path || !enter(ftp, path, folder, error))
    return FALSE;
  g_autofree Listing *listing = g_new0(Listing, 1);
  *listing = (Listing){
      .ftp = ftp, .sink = sink, .is_mlsd = ftp->has_mlsd, .clock = {ftp->zone, g_get_real_time() / G_USEC_PER_SEC}};
  CURLcode code = run_listing(listing);
  if (code != CURLE_OK && listing->is_mlsd && lacks(ftp, "MLSD") && !ftp->base.lost) { /* it said that it has it */
    ftp->has_mlsd = listing->is_mlsd = FALSE;
    code = run_listing(listing);
  }
  if (listing->is_enough)
    return TRUE; /* the data connection was closed with entries in it; a control connection that did not like that is
                    lost */
  if (code == CURLE_OK && listing->held > 0)
    (void)take_line(listing, listing->held);
  const char *verb = listing->is_mlsd ? "MLSD" : "LIST";
  gboolean is_refused = ftp_code(ftp, verb) >= 400; /* 450, too, which libcurl takes for an empty folder */
  if (is_refused && !ftp->base.lost && is_empty_folder(ftp, verb))
    return TRUE;
  if (code == CURLE_OK && is_refused)
    return ftp_refused(ftp, ftp_reply(ftp, verb, 0), "list", folder, error);
  return code == CURLE_OK || ftp_failed(ftp, code, "list", folder, error);
}

/* --- one name
 * ------------------------------------------------------------------------------------------------------------ */

/* "250-begin\r\n Type=file;Size=3;… /path\r\n250 end": the one line that begins with a blank. */
static gboolean facts_of(const FtpReply *reply, CourierStat *stat) {
  g_auto(GStrv) lines = g_strsplit(reply->text->str, "\n", 0);
  for (char **line = lines; *line; line++) {
    WireEntry entry;
    g_strchomp(*line);
    const char *begun = **line == ' ' ? *line + 1 : *line;
    if (!strchr(begun, ';') || ftp_mlsd_line(begun, strlen(begun), &entry) == FTP_LINE_UNKNOWN)
      continue;
    *stat = (CourierStat){TRUE, entry.is_file, entry.size, entry.modified};
    return TRUE;
  }
  return FALSE;
}

/* Not 450: a file that is busy is there. */
static gboolean is_missing(guint code) {
  return code == 550 || code == 553;
}

static gboolean stat_by_facts(Ftp *ftp, const char *path, const char *shown, CourierStat *stat, GError **error) {
  g_autofree char *command = g_strconcat("MLST ", path, NULL);
  const char *commands[] = {command, NULL};
  if (!ftp_commands(ftp, "stat", commands, error))
    return FALSE;
  const FtpReply *reply = ftp_reply(ftp, "MLST", 0);
  if (reply && reply->code == 250 && facts_of(reply, stat))
    return TRUE;
  return (reply && is_missing(reply->code)) || ftp_refused(ftp, reply, "stat", shown, error);
}

static gboolean is_folder(Ftp *ftp, const char *path, gboolean *folder, GError **error) {
  g_autofree char *command = g_strconcat("CWD ", path, NULL);
  const char *commands[] = {command, NULL};
  if (!ftp_commands(ftp, "stat", commands, error))
    return FALSE;
  *folder = ftp_code(ftp, "CWD") / 100 == 2;
  return TRUE;
}

/* For a server without SIZE: the folder is listed, and the name looked for. */
typedef struct {
  const char *name;
  CourierStat *stat;
} Search;

static gboolean is_it(gpointer user, const WireEntry *entry) {
  Search *search = user;
  if (entry->name_length != strlen(search->name) || memcmp(entry->name, search->name, entry->name_length) != 0)
    return TRUE;
  *search->stat = (CourierStat){TRUE, entry->is_file, entry->size, entry->modified};
  return TRUE; /* to the end, so that the connection stays in step */
}

static gboolean stat_by_listing(Ftp *ftp, const char *path, CourierStat *stat, GError **error) {
  g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
  Search search = {name, stat};
  return ftp_list(&ftp->base, folder, &(DriverSink){is_it, &search}, error);
}

gboolean ftp_stat(Ftp *ftp, const char *shown, CourierStat *stat, GError **error) {
  gboolean folder;
  *stat = (CourierStat){0};
  g_autofree char *path = ftp_path(ftp, shown, error);
  if (!path)
    return FALSE;
  if (ftp->has_mlst)
    return stat_by_facts(ftp, path, shown, stat, error);
  g_autofree char *size = g_strconcat("SIZE ", path, NULL), *time = g_strconcat("MDTM ", path, NULL);
  /* the size of a text is not that of its bytes */
  const char *commands[] = {size, time, NULL}, *binary[] = {"TYPE I", size, time, NULL};
  if (!ftp_commands(ftp, "stat", ftp->is_binary ? commands : binary, error))
    return FALSE;
  const FtpReply *answer = ftp_reply(ftp, "SIZE", 0), *at = ftp_reply(ftp, "MDTM", 0);
  if (answer && answer->code == 213) {
    g_autofree char *text = g_strstrip(g_strdup(answer->text->str)),
                    *when = at && at->code == 213 ? g_strstrip(g_strdup(at->text->str)) : g_strdup("");
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &stat->size, NULL))
      return ftp_refused(ftp, answer, "stat", shown, error);
    stat->exists = stat->is_file = TRUE;
    if (!ftp_time(when, strlen(when), &stat->modified))
      stat->modified = 0;
    return TRUE;
  }
  if (answer && lacks(ftp, "SIZE"))
    return stat_by_listing(ftp, path, stat, error);
  if (!answer || !is_missing(answer->code))
    return ftp_refused(ftp, answer, "stat", shown, error);
  if (!is_folder(ftp, path, &folder, error))
    return FALSE;
  stat->exists = folder;
  return TRUE;
}
