#include "transfer/wire/connect.h"
#include "gateway/base/secret.h"
#include "transfer/caged/sandbox.h"
#include "transfer/sftp/sftp_private.h"
#include <stdio.h>
#include <string.h>

#define IN_CAPACITY (1u << 20)
#define SFTP_PORT 22
#define EXTENSIONS_MOST 32u
#define READDIRS 4u /* listings ask ahead: OpenSSH tells 100 names a time */

/* --- One request, one status. */

/* Once the request is sent, a lost answer means that its effect may have happened. */
static gboolean effect_unknown(Sftp *sftp, GError **error) {
  if (sftp->base.lost && error && *error)
    (*error)->code = SALLYPORT_ERROR_UNCERTAIN;
  return FALSE;
}

/* FALSE: no answer. Else *status is there, and *answer for its words. */
static gboolean ask_status(Sftp *sftp, guint32 id, SftpAnswer *answer, guint32 *status, GError **error) {
  return sftp_await(sftp, id, answer, error) && sftp_status(sftp, answer, status, error);
}

static gboolean sftp_stat(Driver *driver, const char *path, CourierStat *stat, GError **error) {
  Sftp *sftp = (Sftp *)driver;
  SftpAttributes attributes;
  sftp_start_clock(sftp);
  *stat = (CourierStat){0};
  if (!sftp_look(sftp, path, &attributes, &stat->exists, error))
    return FALSE;
  if (!stat->exists)
    return TRUE;
  stat->is_file = sftp_is_file(&attributes, NULL, 0);
  stat->size = attributes.size;
  stat->modified = attributes.modified;
  g_free(sftp->looked);
  sftp->looked = g_strdup(path);
  sftp->looked_size = attributes.size;
  return TRUE;
}

static gboolean sftp_remove(Driver *driver, const char *path, GError **error) {
  Sftp *sftp = (Sftp *)driver;
  SftpAnswer answer;
  SftpAttributes attributes;
  guint32 status;
  gboolean exists;
  sftp_start_clock(sftp);
  if (!ask_status(sftp, sftp_request_text(sftp, SFTP_REMOVE, path), &answer, &status, error))
    return effect_unknown(sftp, error);
  if (status == SFTP_OK || status == SFTP_NO_SUCH_FILE || status == SFTP_NO_SUCH_PATH)
    return TRUE;
  sftp_status_error(sftp, &answer, "remove", path, error);
  /* servers that say only "failure" for what is not there */
  if (status != SFTP_FAILURE || !sftp_look(sftp, path, &attributes, &exists, NULL) || exists)
    return FALSE;
  g_clear_error(error);
  return TRUE;
}

static gboolean sftp_make_folder(Driver *driver, const char *path, GError **error) {
  Sftp *sftp = (Sftp *)driver;
  SftpAnswer answer;
  SftpAttributes attributes;
  guint32 status;
  gboolean exists;
  sftp_start_clock(sftp);
  SftpRequest request = sftp_request(sftp, SFTP_MKDIR);
  sftp_put_text(sftp->out, path);
  sftp_put_number(sftp->out, 0);
  sftp_finish(sftp->out, request.begun);
  if (!ask_status(sftp, request.id, &answer, &status, error))
    return FALSE;
  if (status == SFTP_OK)
    return TRUE;
  sftp_status_error(sftp, &answer, "make folder", path, error);
  if (!sftp_look(sftp, path, &attributes, &exists, NULL) || !exists || !sftp_is_folder(&attributes))
    return FALSE;
  g_clear_error(error);
  return TRUE;
}

/* --- Rename. */

guint32 sftp_request_rename(Sftp *sftp, gboolean posix, const char *from, const char *to) {
  SftpRequest request = sftp_request(sftp, posix ? SFTP_EXTENDED : SFTP_RENAME);
  if (posix)
    sftp_put_text(sftp->out, "posix-rename@openssh.com");
  sftp_put_text(sftp->out, from);
  sftp_put_text(sftp->out, to);
  sftp_finish(sftp->out, request.begun);
  return request.id;
}

static gboolean do_rename(Sftp *sftp, gboolean posix, const char *from, const char *to, GError **error) {
  SftpAnswer answer;
  guint32 status;
  if (!ask_status(sftp, sftp_request_rename(sftp, posix, from, to), &answer, &status, error))
    return effect_unknown(sftp, error);
  return status == SFTP_OK || sftp_status_error(sftp, &answer, "rename", from, error);
}

/* Some servers' plain rename never replaces, others' does, and no banner tells which (a subsystem of another make
 * answers below OpenSSH's). So the target is looked at first, which leaves a moment in which somebody else may make it:
 * the protocol has no better. Where the server lets nobody look, its rename decides. */
static gboolean rename_refusing(Sftp *sftp, const CourierRename *wanted, GError **error) {
  SftpAttributes attributes;
  gboolean exists;
  GError *failed = NULL;
  if (!sftp_look(sftp, wanted->to, &attributes, &exists, &failed)) {
    if (sftp->base.lost || failed->code != SALLYPORT_ERROR_PARTNER) {
      g_propagate_error(error, failed);
      return FALSE;
    }
    g_clear_error(&failed);
    exists = FALSE;
  }
  if (exists)
    return driver_target_exists(wanted->to, error);
  if (do_rename(sftp, FALSE, wanted->from, wanted->to, &failed))
    return TRUE;
  if (!sftp->base.lost && sftp_look(sftp, wanted->to, &attributes, &exists, NULL) && exists) {
    g_error_free(failed);
    return driver_target_exists(wanted->to, error);
  }
  g_propagate_error(error, failed);
  return FALSE;
}

/* Without posix-rename. A crash after the first step leaves the old content as ASIDE, after the second both: whoever
 * lists the folder sees the ".aside" name, and the next REPLACE of the same target removes it. */
static gboolean rename_by_aside(Sftp *sftp, const CourierRename *wanted, GError **error) {
  SftpAttributes attributes;
  gboolean exists, left;
  g_autofree char *aside = g_strconcat(wanted->to, ".aside", NULL);
  if (!sftp_look(sftp, wanted->to, &attributes, &exists, error) || !sftp_look(sftp, aside, &attributes, &left, error))
    return FALSE;
  if (exists && left && !sftp_remove(&sftp->base, aside, error))
    return FALSE;
  if (exists && !do_rename(sftp, FALSE, wanted->to, aside, error))
    return FALSE;
  if (!do_rename(sftp, FALSE, wanted->from, wanted->to, error)) {
    if (exists && !sftp->base.lost && !do_rename(sftp, FALSE, aside, wanted->to, NULL) && error && *error)
      (*error)->code = SALLYPORT_ERROR_UNCERTAIN; /* the old one stays aside: somebody must look */
    return FALSE;
  }
  return (!exists && !left) || sftp_remove(&sftp->base, aside, error);
}

static gboolean sftp_rename(Driver *driver, const CourierRename *wanted, GError **error) {
  Sftp *sftp = (Sftp *)driver;
  sftp_start_clock(sftp);
  if (wanted->if_exists == COURIER_TARGET_REFUSE)
    return rename_refusing(sftp, wanted, error);
  return sftp->has_posix_rename ? do_rename(sftp, TRUE, wanted->from, wanted->to, error)
                                : rename_by_aside(sftp, wanted, error);
}

/* --- List. */

typedef struct {
  Sftp *sftp;
  const DriverSink *sink;
  const char *folder;
  SftpHandle handle;
  guint in_flight;
  guint64 seen;
  gboolean ended, failed;
} Listing;

/* Some servers list whole paths: the folder's own is taken off, and no other. */
static void drop_folder(const char *folder, SftpName *name) {
  const guint8 *slash = memrchr(name->name, '/', name->name_length);
  gsize before = slash ? (gsize)(slash - name->name) : 0, length = strlen(folder);
  while (length > 0 && folder[length - 1] == '/')
    length--;
  if (!slash || before < length || memcmp(slash - length, folder, length) != 0 ||
      (before > length && *folder != '/' && slash[-(gssize)length - 1] != '/'))
    return;
  name->name_length -= before + 1;
  name->name = slash + 1;
}

static gboolean take_names(Listing *listing, SftpAnswer *answer, GError **error) {
  guint32 count;
  SftpName name;
  if (!sftp_take_number(&answer->body, &count))
    return sftp_violation(listing->sftp, "a malformed listing", error);
  listing->ended |= count == 0;
  for (guint32 i = 0; i < count; i++) {
    if (!sftp_take_name(&answer->body, &name))
      return sftp_violation(listing->sftp, "a malformed listing", error);
    drop_folder(listing->folder, &name);
    const WireEntry entry = {.name = name.name,
                             .name_length = name.name_length,
                             .size = name.attributes.size,
                             .modified = name.attributes.modified,
                             .is_file = sftp_is_file(&name.attributes, name.longname, name.longname_length),
                             .is_link = sftp_is_link(&name.attributes, name.longname, name.longname_length)};
    if (!listing->ended && !listing->sink->take(listing->sink->user, &entry))
      listing->ended = TRUE;
  }
  listing->seen += count;
  sftp_renew_clock(listing->sftp, listing->seen, 16);
  return TRUE;
}

static gboolean list_all(Listing *listing, GError **error) {
  Sftp *sftp = listing->sftp;
  SftpAnswer answer;
  guint32 status;
  guint ahead = 1; /* a small folder costs one question and the end */
  while (!listing->ended || listing->in_flight > 0) {
    for (; !listing->ended && listing->in_flight < ahead; listing->in_flight++)
      (void)sftp_request_handle(sftp, SFTP_READDIR, &listing->handle);
    if (!sftp_receive(sftp, &answer, error))
      return FALSE;
    listing->in_flight--;
    ahead = READDIRS;
    if (answer.type == SFTP_NAME) {
      if (!take_names(listing, &answer, error))
        return FALSE;
      continue;
    }
    if (!sftp_status(sftp, &answer, &status, error))
      return FALSE;
    listing->failed |= status != SFTP_EOF && !listing->ended;
    if (listing->failed && !listing->ended) /* the first refusal is told; what is still under way is only taken */
      sftp_status_error(sftp, &answer, "list", listing->folder, error);
    listing->ended = TRUE;
  }
  return !listing->failed;
}

static gboolean sftp_list(Driver *driver, const char *folder, const DriverSink *sink, GError **error) {
  Sftp *sftp = (Sftp *)driver;
  Listing listing = {.sftp = sftp, .sink = sink, .folder = folder};
  sftp_start_clock(sftp);
  if (!sftp_open_handle(sftp, sftp_request_text(sftp, SFTP_OPENDIR, folder), "list", folder, &listing.handle, error))
    return FALSE;
  gboolean ok = list_all(&listing, error);
  if (sftp->base.lost)
    return FALSE;
  sftp_ignore(sftp, sftp_request_handle(sftp, SFTP_CLOSE, &listing.handle));
  return ok;
}

/* --- The connection. */

static void sftp_close(Driver *driver) {
  Sftp *sftp = (Sftp *)driver;
  ssh_end(sftp->ssh);
  g_byte_array_unref(sftp->out);
  g_free(sftp->in);
  g_ptr_array_unref(sftp->extensions);
  g_free(sftp->looked);
  g_free(sftp->base.description);
  g_free(sftp);
}

/* Between requests only ignored answers and the transport's own messages may come. A CLOSE that waited for the next
 * request to travel with goes now. */
static gboolean sftp_idle(Driver *driver) {
  Sftp *sftp = (Sftp *)driver;
  SftpAnswer answer;
  gboolean got;
  sftp_start_clock(sftp);
  gboolean well = sftp_flush(sftp, NULL) && sftp_receive_now(sftp, &answer, &got, NULL) && !got;
  ssh_rest();
  return well;
}

static const DriverOperations sftp_operations = {
    .list = sftp_list,
    .stat = sftp_stat,
    .get = sftp_get,
    .put = sftp_put,
    .rename = sftp_rename,
    .remove = sftp_remove,
    .make_folder = sftp_make_folder,
    .probe = sftp_probe,
    .idle = sftp_idle,
    .close = sftp_close,
};

/* INIT and VERSION have no id: the number in its place is the version. */
static gboolean agree_version(Sftp *sftp, gboolean *has_limits, GError **error) {
  SftpAnswer answer;
  const guint8 *name, *value;
  gsize name_length, value_length;
  sftp->last_id = 2; /* so that the next one, taken for the version, is 3 */
  SftpRequest request = sftp_request(sftp, SFTP_INIT);
  sftp_finish(sftp->out, request.begun);
  if (!sftp_receive(sftp, &answer, error))
    return FALSE;
  if (answer.type != SFTP_VERSION || answer.id != 3)
    return sftp_violation(sftp, "it does not speak version 3", error);
  while (answer.body.at < answer.body.end) {
    if (!sftp_take_bytes(&answer.body, &name, &name_length) || !sftp_take_bytes(&answer.body, &value, &value_length))
      return sftp_violation(sftp, "malformed extensions", error);
    g_autofree char *text = g_strndup((const char *)name, name_length);
    sftp->has_posix_rename |= strcmp(text, "posix-rename@openssh.com") == 0;
    sftp->has_fsync |= strcmp(text, "fsync@openssh.com") == 0;
    sftp->has_statvfs |= strcmp(text, "statvfs@openssh.com") == 0;
    if (sftp->extensions->len < EXTENSIONS_MOST)
      g_ptr_array_add(sftp->extensions,
                      g_strdup_printf("%s %.*s", text, (int)MIN(value_length, 64), (const char *)value));
    *has_limits |= strcmp(text, "limits@openssh.com") == 0;
  }
  return TRUE;
}

static gboolean ask_limits(Sftp *sftp, GError **error) {
  SftpAnswer answer;
  SftpRequest request = sftp_request(sftp, SFTP_EXTENDED);
  sftp_put_text(sftp->out, "limits@openssh.com");
  sftp_finish(sftp->out, request.begun);
  if (!sftp_await(sftp, request.id, &answer, error))
    return FALSE;
  if (answer.type != SFTP_EXTENDED_REPLY)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(sftp->limits); i++)
    if (!sftp_take_long(&answer.body, &sftp->limits[i]))
      return sftp_violation(sftp, "malformed limits", error);
  if (sftp->limits[1] > 0) /* never below what the protocol promises, never above what we hold */
    sftp->read_most = (guint32)CLAMP(sftp->limits[1], 32768, 261120);
  if (sftp->limits[2] > 0)
    sftp->write_most = (guint32)CLAMP(sftp->limits[2], 32768, 261120);
  return TRUE;
}

static char *describe_sftp(const Sftp *sftp, const char *cage) {
  g_autofree char *ssh = ssh_describe(sftp->ssh);
  return g_strdup_printf("%s, SFTP 3%s%s, reads of %u KiB, %s", ssh, sftp->has_posix_rename ? " posix-rename" : "",
                         sftp->has_fsync ? " fsync" : "", sftp->read_most >> 10, cage);
}

static gboolean start_sftp(Sftp *sftp, const char *cage, GError **error) {
  gboolean has_limits = FALSE;
  sftp_start_clock(sftp);
  if (!ssh_start_sftp(sftp->ssh, sftp->deadline, error) || !agree_version(sftp, &has_limits, error) ||
      (has_limits && !ask_limits(sftp, error)))
    return FALSE;
  sftp->base.description = describe_sftp(sftp, cage);
  sftp->base.descriptor = ssh_socket(sftp->ssh);
  return TRUE;
}

static gboolean log_in(const DriverHost *host, SshLink *ssh, const char *user, GError **error) {
  g_autofree WireBuffer *buffer = g_new0(WireBuffer, 1);
  WireMessage message;
  if (!driver_ask_credentials(host, ssh_fingerprint(ssh), ssh_key_type(ssh), buffer, &message, error))
    return FALSE;
  char *identity = wire_string_or_null(message.identity), *passphrase = wire_string_or_null(message.passphrase),
       *password = wire_string_or_null(message.password);
  explicit_bzero(buffer, sizeof *buffer);
  const SshCredentials credentials = {user, identity, passphrase, password};
  gboolean ok = ssh_login(ssh, &credentials, g_get_monotonic_time() + host->io_timeout, error);
  secret_clear(&identity);
  secret_clear(&passphrase);
  secret_clear(&password);
  return ok;
}

static SshLink *connect_caged(const DriverHost *host, const WireMessage *open, char **cage, GError **error) {
  g_autofree char *name = wire_string(open->host);
  guint port = open->port > 0 ? (guint)open->port : SFTP_PORT;
  if (!ssh_prepare(error))
    return NULL;
  int socket = connect_to(name, port, g_get_monotonic_time() + host->connect_timeout, error);
  if (socket < 0 || !sandbox_enter(&(SandboxPlan){.folder = -1}, cage, error))
    return NULL;
  const SshPlan plan = {.socket = socket,
                        .lane = host->lane,
                        .avoid = (guint8)open->avoid,
                        .deadline = g_get_monotonic_time() + host->connect_timeout};
  return ssh_handshake(&plan, error);
}

Driver *driver_sftp_open(const DriverHost *host, const WireMessage *open, GError **error) {
  g_autofree char *cage = NULL, *user = wire_string(open->user);
  SshLink *ssh = connect_caged(host, open, &cage, error);
  if (!ssh)
    return NULL;
  Sftp *sftp = g_new0(Sftp, 1);
  sftp->base = (Driver){.operations = &sftp_operations, .host = host, .descriptor = -1};
  sftp->ssh = ssh;
  sftp->out = g_byte_array_new();
  sftp->in = g_malloc(IN_CAPACITY);
  sftp->extensions = g_ptr_array_new_with_free_func(g_free);
  sftp->read_most = sftp->write_most = 32768;
  sftp->round_trip = G_USEC_PER_SEC;
  if (log_in(host, ssh, user, error) && start_sftp(sftp, cage, error))
    return &sftp->base;
  sftp_close(&sftp->base);
  return NULL;
}
