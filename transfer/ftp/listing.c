/* Listings, and what one name is: MLSD and MLST where the server has them, else LIST, SIZE and MDTM. LIST is asked for
 * in the folder, not with its name: servers take options and patterns there. */
#include "transfer/ftp/ftp_private.h"
#include <string.h>

#define LINE_LIMIT 8192u
#define NAMES_PER_PROGRESS 16u
#define KNOWN_MOST 20000u /* names that are kept for the case that the server cuts its listing */
#define LOOKS_MOST 5000u  /* at names beyond the cut, one by one */

typedef struct {
  Ftp *ftp;
  const DriverSink *sink;
  gboolean is_mlsd, is_enough;
  const char *command; /* NULL: MLSD or LIST */
  GHashTable *known;   /* names that were handed on; NULL: not kept, or too many */
  guint looks;
  guint64 understood; /* lines, also of what is no file */
  FtpClock clock;
  guint64 names;
  gsize held;
  char line[LINE_LIMIT];
} Listing;

/* A line that is not understood is handed on without a name: it is counted, and the first is shown. */
static WireEntry unknown_line(const Listing *listing, gsize length) {
  return (WireEntry){.unknown = (const guint8 *)listing->line, .unknown_length = length};
}

/* FALSE: enough. */
static gboolean take_line(Listing *listing, gsize length) {
  WireEntry entry;
  while (length > 0 && listing->line[length - 1] == '\r')
    length--;
  FtpLine kind = listing->is_mlsd ? ftp_mlsd_line(listing->line, length, &entry)
                                  : ftp_list_line(listing->line, length, &listing->clock, &entry);
  if (kind == FTP_LINE_NOTHING)
    return TRUE;
  listing->understood += kind == FTP_LINE_ENTRY;
  if (kind == FTP_LINE_UNKNOWN)
    entry = unknown_line(listing, length);
  if (listing->known && kind == FTP_LINE_ENTRY)
    g_hash_table_add(listing->known, g_strndup((const char *)entry.name, entry.name_length));
  if (listing->known && g_hash_table_size(listing->known) > KNOWN_MOST)
    listing->known = NULL;
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
  curl_easy_setopt(ftp->link.easy, CURLOPT_CUSTOMREQUEST,
                   listing->command   ? listing->command
                   : listing->is_mlsd ? "MLSD"
                                      : "LIST");
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
  return code == 500 || code == 501 || code == 502 || code == 504;
}

/* "226-Output truncated to 10000 matches" (Pure-FTPd), and what others may say. */
static gboolean says_cut(const Ftp *ftp, const char *verb) {
  static const char *const words[] = {"truncated", "too many", "incomplete", "limit reached", "limit exceeded"};
  const FtpReply *reply = ftp_reply(ftp, verb, 0);
  g_autofree char *text = reply ? g_ascii_strdown(reply->text->str, -1) : g_strdup("");
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    if (strstr(text, words[i]))
      return TRUE;
  return FALSE;
}

/* --- What a server has cut off its listing. */

/* One of the two ends of a folder by name. */
typedef struct {
  GPtrArray *names;
  int order; /* 1: ascending, -1: descending */
  gboolean is_ordered;
} End;

static gboolean take_name(gpointer user, const WireEntry *entry) {
  End *end = user;
  if (entry->unknown)
    return TRUE;
  char *name = g_strndup((const char *)entry->name, entry->name_length);
  if (end->names->len > 0 && strcmp(end->names->pdata[end->names->len - 1], name) * end->order >= 0)
    end->is_ordered = FALSE;
  g_ptr_array_add(end->names, name);
  return end->names->len < KNOWN_MOST;
}

/* A refusal leaves it empty. */
static gboolean list_end(const Listing *whole, const char *command, End *end, const char *folder, GError **error) {
  Ftp *ftp = whole->ftp;
  const DriverSink sink = {.take = take_name, .user = end};
  g_autofree Listing *listing = g_new0(Listing, 1);
  *listing = (Listing){.ftp = ftp, .sink = &sink, .command = command, .clock = whole->clock};
  CURLcode code = run_listing(listing);
  if (code == CURLE_OK && listing->held > 0)
    (void)take_line(listing, listing->held);
  return !ftp->base.lost || ftp_failed(ftp, code, "list", folder, error);
}

/* By a look, so that it is told as MLSD would: LIST's times are others. */
static gboolean add_unlisted(Listing *listing, const char *path, const char *name, gboolean *seen,
                             GError **error) {
  CourierStat stat;
  GError *failed = NULL;
  g_autofree char *full = g_strconcat(path, g_str_has_suffix(path, "/") ? "" : "/", name, NULL);
  *seen = ftp_stat(listing->ftp, full, &stat, &failed);
  if (!*seen && !listing->ftp->base.lost) {
    g_error_free(failed);
    return TRUE;
  }
  if (!*seen) {
    g_propagate_error(error, failed);
    return FALSE;
  }
  const WireEntry entry = {.name = (const guint8 *)name,
                           .name_length = strlen(name),
                           .is_file = stat.is_file,
                           .size = stat.size,
                           .modified = stat.modified};
  if (stat.exists)
    *seen = listing->sink->take(listing->sink->user, &entry);
  return TRUE;
}

static gboolean add_end(Listing *listing, const End *end, const char *path, gboolean *all, GError **error) {
  for (guint i = 0; i < end->names->len; i++) {
    const char *name = end->names->pdata[i];
    gboolean seen = FALSE;
    if (!g_hash_table_add(listing->known, g_strdup(name)))
      continue;
    if (++listing->looks % NAMES_PER_PROGRESS == 0)
      curl_link_alive(&listing->ftp->link);
    *all = *all && listing->looks <= LOOKS_MOST;
    if (listing->looks > LOOKS_MOST)
      return TRUE;
    if (!add_unlisted(listing, path, name, &seen, error))
      return FALSE;
    *all = *all && seen;
  }
  return TRUE;
}

/* Pure-FTPd ends MLSD at its limit, in no order; but LIST tells the first ones by name, and LIST -r the last ones.
 * Where the two meet, nothing lies between them. (Its patterns are no help: beyond the limit they find nothing.) */
static gboolean list_rest(Listing *listing, const char *path, const char *folder, gboolean *all,
                          GError **error) {
  g_autoptr(GPtrArray) first = g_ptr_array_new_with_free_func(g_free), last = g_ptr_array_new_with_free_func(g_free);
  End ascending = {first, 1, TRUE}, descending = {last, -1, TRUE};
  *all = FALSE;
  if (!listing->is_mlsd || !listing->known)
    return TRUE;
  if (!list_end(listing, "LIST", &ascending, folder, error) ||
      !list_end(listing, "LIST -r", &descending, folder, error))
    return FALSE;
  gboolean they_meet = ascending.is_ordered && descending.is_ordered && first->len > 0 && last->len > 0 &&
                       strcmp(first->pdata[first->len - 1], last->pdata[last->len - 1]) >= 0;
  *all = TRUE;
  if (!add_end(listing, &ascending, path, all, error) || !add_end(listing, &descending, path, all, error))
    return FALSE;
  *all = *all && they_meet;
  return TRUE;
}

gboolean ftp_list(Driver *driver, const char *folder, const DriverSink *sink, GError **error) {
  Ftp *ftp = (Ftp *)driver;
  g_autofree char *path = ftp_path(ftp, folder, error);
  if (!path || !enter(ftp, path, folder, error))
    return FALSE;
  g_autofree Listing *listing = g_new0(Listing, 1);
  g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  *listing = (Listing){.ftp = ftp,
                       .sink = sink,
                       .known = ftp->has_mlsd && sink->is_cut ? known : NULL,
                       .is_mlsd = ftp->has_mlsd,
                       .clock = {ftp->zone, g_get_real_time() / G_USEC_PER_SEC, &ftp->day_first}};
  CURLcode code = run_listing(listing);
  if (ftp_goes_on_with_pasv(ftp, code)) { /* on a new connection, which is not in the folder */
    if (!enter(ftp, path, folder, error))
      return FALSE;
    code = run_listing(listing);
  }
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
  if (code == CURLE_OK && sink->is_cut && says_cut(ftp, verb)) {
    gboolean all;
    if (!list_rest(listing, path, folder, &all, error))
      return FALSE;
    *sink->is_cut = !all;
  }
  return code == CURLE_OK || ftp_failed(ftp, code, "list", folder, error);
}

/* --- One name. */

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

/* *known = FALSE: this server has no MLST, whatever its list of features says; it is not asked again. */
static gboolean stat_by_facts(Ftp *ftp, const char *path, const char *shown, CourierStat *stat, gboolean *known,
                              GError **error) {
  *known = TRUE;
  g_autofree char *command = g_strconcat("MLST ", path, NULL);
  const char *commands[] = {command, NULL};
  if (!ftp_commands(ftp, "stat", commands, error))
    return FALSE;
  const FtpReply *reply = ftp_reply(ftp, "MLST", 0);
  if (reply && reply->code == 250 && facts_of(reply, stat))
    return TRUE;
  if (reply && is_missing(reply->code))
    return TRUE;
  if (!reply || (reply->code / 100 != 5 && reply->code != 250))
    return ftp_refused(ftp, reply, "stat", shown, error);
  *known = ftp->has_mlst = FALSE;
  return TRUE;
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

/* What is in a folder that is not there is not there either. */
static gboolean stat_by_listing(Ftp *ftp, const char *path, CourierStat *stat, GError **error) {
  g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
  Search search = {name, stat};
  GError *failed = NULL;
  if (ftp_list(&ftp->base, folder, &(DriverSink){.take = is_it, .user = &search}, &failed))
    return TRUE;
  gboolean is_gone = !ftp->base.lost && is_missing(ftp_code(ftp, "CWD")) && !ftp_reply(ftp, "LIST", 0);
  if (is_gone)
    g_error_free(failed);
  else
    g_propagate_error(error, failed);
  return is_gone;
}

/* Some servers tell a SIZE of a folder. The login folder, which is one, shows it; asked once. */
static gboolean learn_folder_sizes(Ftp *ftp, GError **error) {
  g_autofree char *command = g_strconcat("SIZE ", ftp->home, NULL);
  const char *commands[] = {"TYPE I", command, NULL};
  if (ftp->has_learnt_sizes)
    return TRUE;
  if (!ftp_commands(ftp, "stat", commands, error))
    return FALSE;
  ftp->has_learnt_sizes = TRUE;
  ftp->folders_have_size = ftp_code(ftp, "SIZE") == 213;
  return TRUE;
}

static gboolean size_in(const FtpReply *answer, guint64 *size) {
  g_autofree char *text = g_strstrip(g_strdup(answer->text->str));
  return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, size, NULL);
}

gboolean ftp_stat(Ftp *ftp, const char *shown, CourierStat *stat, GError **error) {
  gboolean folder = FALSE, known = FALSE;
  *stat = (CourierStat){0};
  g_autofree char *path = ftp_path(ftp, shown, error);
  if (!path)
    return FALSE;
  if (ftp->has_mlst && (!stat_by_facts(ftp, path, shown, stat, &known, error) || known))
    return known;
  if (!learn_folder_sizes(ftp, error))
    return FALSE;
  g_autofree char *size = g_strconcat("SIZE ", path, NULL), *time = g_strconcat("MDTM ", path, NULL);
  /* the size of a text is not that of its bytes */
  const char *commands[] = {size, time, NULL}, *binary[] = {"TYPE I", size, time, NULL};
  if (!ftp_commands(ftp, "stat", ftp->is_binary ? commands : binary, error))
    return FALSE;
  const FtpReply *answer = ftp_reply(ftp, "SIZE", 0), *at = ftp_reply(ftp, "MDTM", 0);
  if (answer && answer->code == 213 && size_in(answer, &stat->size)) {
    g_autofree char *when = at && at->code == 213 ? g_strstrip(g_strdup(at->text->str)) : g_strdup("");
    stat->exists = TRUE;
    if (!ftp_time(when, strlen(when), &stat->modified))
      stat->modified = 0;
    if (ftp->folders_have_size && !is_folder(ftp, path, &folder, error))
      return FALSE;
    stat->is_file = !folder;
    return TRUE;
  }
  /* "213 File status": there is something, and its size is not said */
  if (answer && (answer->code == 213 || lacks(ftp, "SIZE")))
    return stat_by_listing(ftp, path, stat, error);
  if (!answer || !is_missing(answer->code))
    return ftp_refused(ftp, answer, "stat", shown, error);
  if (!is_folder(ftp, path, &folder, error))
    return FALSE;
  stat->exists = folder;
  return TRUE;
}
