/* The lane's side of a courier: a process that lives as long as one connection to a partner.
 *
 * courier_open() starts the process (its own program with the argument "courier", the socket on descriptor 3), hands it
 * the endpoint, and waits until it is connected and locked in (Landlock, seccomp, no new privileges, limits) and shows
 * the server's host key. The key is compared with the pins here, in the lane; only then the courier gets the
 * credentials and logs in. A pinned key of another type than the one shown first is asked for with a new process. From
 * then on each call below is one request and its answer over a SOCK_SEQPACKET socket; file content never passes through
 * it: what is got comes by a pipe that goes with the request, and the lane writes it; what is put is a descriptor for
 * reading only. So a courier that was taken over changes nothing that it has delivered. A Courier is used by one thread
 * at a time.
 * When the process dies or stays silent, the call fails with AGAIN (or UNCERTAIN for rename and remove, whose effect
 * may have happened), the courier is lost, and only courier_close() remains.
 *
 * Paths are the partner's bytes, absolute or relative to its login folder. File content that is reported by the remote
 * side (sizes, names, times) is hostile: bounded and checked here before the caller sees it.
 * The interface is the same for SFTP, local folders, FTP, FTPS, HTTP(S) and mailboxes. Of HTTP there are stat (HEAD),
 * get and post; of mailboxes list, stat, get, put and what courier_mailbox.h has; the rest is CONFIGURATION there. A
 * caged courier opens no connection itself: for FTP's data connections (and HTTP's when the server has closed one) it
 * asks the lane, which dials the endpoint's own address, whatever the server says, and passes the socket. */
#pragma once
#include "gateway/base/error.h"
#include "transfer/courier_endpoint.h"

typedef struct Courier Courier;

/* Started, connected, locked in, host key checked, logged in; NULL with LOGIN for a host key or login refused (no
 * credential has been sent when it was the host key), AGAIN for the network, CONFIGURATION for unreadable credentials.
 */
Courier *courier_open(const CourierEndpoint *endpoint, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void courier_close(Courier *courier); /* ends the process, at most 2 seconds; NULL is fine */
gboolean courier_is_lost(const Courier *courier);
pid_t courier_pid(const Courier *courier);
/* What the server is and what was agreed, one line for people: banner, key exchange, cipher, extensions. Borrowed. */
const char *courier_describe(const Courier *courier);
/* Aborts a call that runs in another thread: kills the process, the call returns AGAIN or UNCERTAIN. */
void courier_abort(Courier *courier);

typedef struct {
  GBytes *name; /* the entry's bytes in its folder: no '/', no NUL, not "." or ".." */
  guint64 size;
  gint64 modified;  /* seconds since 1970; 0 when the server does not say */
  gboolean is_file; /* a regular file; links and others are reported as not */
  gboolean is_link; /* a symbolic one, where the server tells: it is not followed */
  char *sha256;     /* hex; mailboxes: as it was put. NULL: not told */
} CourierEntry;

typedef struct {
  const char *folder; /* remote folder */
  guint limit;        /* most entries kept; 0: 50,000. More: *truncated, and the next listing begins anew */
  /* entries it does not want are not kept; then 16 times as many are read */
  gboolean (*wanted)(gpointer user, const char *name);
  /* of each of those that is a file; may be NULL */
  void (*passed)(gpointer user, const char *name, guint64 size, gint64 modified);
  gpointer user;
  char **unknown; /* may be NULL: a line that was not understood, shown, or NULL; the caller frees */
  /* Mailboxes: only what came behind this cursor; NULL: all that nobody has acknowledged, from the oldest. What has
   * been acknowledged is never listed. A cursor that the mailbox does not know any more counts as none. */
  const char *after;
  guint wait;    /* mailboxes: seconds to wait for a first item behind `after` */
  char **cursor; /* mailboxes: where to go on, once these are kept; the caller frees. May be NULL */
} CourierListing;
/* GPtrArray of CourierEntry*, sorted by name bytes, "." and ".." left out, names that cannot be a file's (slash, NUL,
 * empty, over 255 bytes) and lines that are not understood counted in *refused and left out. The caller frees the
 * array. *truncated: more than the limit, or the server says that it has not listed all. PARTNER: no line is
 * understood. */
GPtrArray *courier_list(Courier *courier, const CourierListing *listing, gboolean *truncated, guint *refused,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  gboolean exists;
  gboolean is_file;
  guint64 size;
  gint64 modified;
} CourierStat;
/* Of the path itself (links are not followed). A missing one is TRUE with exists = FALSE. */
gboolean courier_stat(Courier *courier, const char *path, CourierStat *stat, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Called now and then from the calling thread with the bytes moved so far; FALSE aborts the transfer. May be NULL. */
typedef gboolean (*CourierProgress)(gpointer user, guint64 bytes);

typedef struct {
  const char *path;
  guint64 offset;     /* where to go on; fd is written from this offset on, in the calling thread */
  guint64 size_limit; /* more bytes than this in total: PARTNER, stop */
  int fd;
  CourierProgress progress;
  gpointer user;
} CourierGet;
/* Reads the file from `offset` to its end; *end is the offset after the last byte written. The size reported by the
 * server at opening and at the end must equal *end, else AGAIN ("changed while it was read"). Not synced. The
 * descriptor is written in order and without gaps: after any failure its size is where a resumed get may start. */
gboolean courier_get(Courier *courier, const CourierGet *get, guint64 *end, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  const char *path;     /* written under this name as it stands: the caller chooses a temporary one and renames */
  int fd;               /* read by pread from `offset` to `size`; it may be open for writing, the courier's is not */
  guint64 offset, size; /* offset > 0 goes on with a partial upload; 0 truncates what is there */
  CourierProgress progress;
  gpointer user;
  gboolean *vanished; /* may be NULL, then PARTNER: it was taken, and is not there (or nobody may see it) afterwards */
  /* Mailboxes say where an item goes on: `offset` is not looked at. Other bytes under a known name are PARTNER. */
  const char *sha256; /* hex, of all of it */
  const char *about;  /* the item that this one belongs to; NULL: none */
  guint64 part;       /* at most so many bytes in this call; 0: all */
  guint64 *reached;   /* how far it is: `size` when it is put, and durable there. May be NULL if part is 0 */
} CourierPut;
/* On return the remote size has been read back and equals `size`, and fsync@openssh.com was asked for where the server
 * has it. */
gboolean courier_put(Courier *courier, const CourierPut *put, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum { COURIER_TARGET_REFUSE, COURIER_TARGET_REPLACE } CourierTarget;
typedef struct {
  const char *from, *to;
  CourierTarget if_exists;
} CourierRename;
/* REFUSE: an existing target is PARTNER ("exists"). REPLACE: posix-rename@openssh.com (or rename(2)) where there is
 * one; else the target is moved aside, the rename done, and the aside one removed: at no moment is neither there.
 * Whether it happened is looked up after a lost answer only by the caller: the error is UNCERTAIN then. */
gboolean courier_rename(Courier *courier, const CourierRename *rename, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removing what is not there is TRUE. */
gboolean courier_remove(Courier *courier, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Making what is there (as a folder) is TRUE. One level. */
gboolean courier_make_folder(Courier *courier, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- HTTP. A body of ours is sent, the answer's body is kept in a descriptor. */
typedef struct {
  const char *path;           /* below the endpoint's base path; percent-encoded already */
  const char *const *headers; /* NULL-terminated "Name: value", no CR or LF; NULL: none */
  int body;
  guint64 body_size; /* read by pread from 0; -1 and 0: a GET instead of a POST */
  int answer;
  guint64 answer_limit; /* the answer's body is written here from 0; more than the limit: PARTNER */
  guint timeout;        /* seconds for the whole call; 0: the endpoint's io_timeout */
} CourierPost;
typedef struct {
  guint status;
  gint64 retry_after; /* seconds from now, -1: not said */
  guint64 size;       /* of the answer's body */
} CourierReply;
/* TRUE: there is an answer, whatever its status (redirects are not followed). AGAIN: nothing of the request can have
 * been taken (no connection, refused by TLS); LOGIN: the server's certificate, name or key is not the right one,
 * nothing was sent, no credential either; UNCERTAIN: it may have been taken (time-out or cut after the first byte of
 * the request was handed to the connection; AGAIN for a GET, which decides nothing). The courier goes on with a new
 * connection after any of these, unless it is lost. */
gboolean courier_post(Courier *courier, const CourierPost *post, CourierReply *reply,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The courier process itself: `sallyport courier`, descriptor 3. Returns the exit status. */
int courier_main(void);
