/* One SFTP conversation over an SshLink: requests go out, answers come back by their id. Shared by the parts of the
 * SFTP driver (driver.c: the operations; get.c and put.c: the pipelined transfers) and by nobody else.
 *
 * Rules: between two operations nothing is outstanding but ignored answers (to CLOSE, which itself may wait in `out`
 * for the next request, so that a small file costs two packets and not three). An answer to something that was not
 * asked, or of a type that does not fit, is a violation: the connection is lost, since nothing after it can be trusted.
 */
#pragma once
#include "transfer/caged/driver.h"
#include "transfer/sftp/sftp_packet.h"
#include "transfer/sftp/ssh.h"

#define SFTP_WINDOW_LEAST (1u << 20)
#define SFTP_WINDOW_MOST (16u << 20)
#define SFTP_HANDLE_MOST 256u
#define SFTP_IGNORED_MOST 32u

typedef struct {
  Driver base; /* first: a Driver* is an Sftp* */
  SshLink *ssh;
  GByteArray *out; /* requests not yet sent */
  guint8 *in;
  gsize in_from, in_to; /* bytes received and not yet taken */
  guint32 last_id;
  guint32 ignored[SFTP_IGNORED_MOST];
  guint ignored_count;
  guint32 read_most, write_most;                          /* bytes per request, as the server allows */
  gboolean has_posix_rename, has_fsync;
  GPtrArray *extensions;                                  /* char*, "name value", as the server told them */
  gboolean has_statvfs;
  guint64 limits[4];           /* packet, read, write, handles, as the server told them; 0: not told, or none */
  gint64 deadline, round_trip; /* microseconds; the shortest round trip seen */
  guint64 mark;                /* progress at which the deadline was last renewed */
  char *looked; /* the path that was looked at last, and its size: what a get will have to ask for */
  guint64 looked_size;
} Sftp;

typedef struct {
  guint8 type;
  guint32 id;
  SftpCursor body;
} SftpAnswer; /* borrows until the next receive */
typedef struct {
  guint8 bytes[SFTP_HANDLE_MOST];
  gsize length;
} SftpHandle;

/* A request: begin, put its fields into sftp->out, finish; it goes with the next flush or receive. */
typedef struct {
  guint32 id;
  gsize begun;
} SftpRequest;
SftpRequest sftp_request(Sftp *sftp, guint8 type);
guint32 sftp_request_text(Sftp *sftp, guint8 type, const char *text);
guint32 sftp_request_handle(Sftp *sftp, guint8 type, const SftpHandle *handle);
guint32 sftp_request_rename(Sftp *sftp, gboolean posix, const char *from, const char *to);
gboolean sftp_flush(Sftp *sftp, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The next answer that is not ignored. `wait` FALSE: *got says whether there was one. */
gboolean sftp_receive(Sftp *sftp, SftpAnswer *answer, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sftp_receive_now(Sftp *sftp, SftpAnswer *answer, gboolean *got, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The answer to `id`, when nothing else is outstanding. */
gboolean sftp_await(Sftp *sftp, guint32 id, SftpAnswer *answer, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The answer to `id` will come and matters to nobody. */
void sftp_ignore(Sftp *sftp, guint32 id);

void sftp_start_clock(Sftp *sftp);                                  /* an operation begins: io_timeout from now */
void sftp_renew_clock(Sftp *sftp, guint64 progress, guint64 least); /* renewed when `progress` grew by `least` */

/* FALSE and lost: the server broke the protocol. */
gboolean sftp_violation(Sftp *sftp, const char *what, GError **error);
gboolean sftp_status(Sftp *sftp, const SftpAnswer *answer, guint32 *status, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The one place where SFTP's status codes become ours; always FALSE. The answer is a STATUS. */
gboolean sftp_status_error(Sftp *sftp, const SftpAnswer *answer, const char *doing, const char *path, GError **error);
/* OPEN or OPENDIR, waited for. */
gboolean sftp_open_handle(Sftp *sftp, guint32 id, const char *doing, const char *path, SftpHandle *handle,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A STATUS code in words. Static. */
const char *sftp_status_words(guint32 status);
/* ATTRS, or *known = FALSE for a STATUS. */
gboolean sftp_attributes(Sftp *sftp, const SftpAnswer *answer, SftpAttributes *attributes, gboolean *known,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* look.c: LSTAT of a path, or what else tells. PARTNER: the server lets nobody see. */
gboolean sftp_look(Sftp *sftp, const char *path, SftpAttributes *attributes, gboolean *exists,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Bytes to keep in flight: what the line delivered so far, times twice the round trip, within the limits above. */
gsize sftp_window(const Sftp *sftp, guint64 bytes, gint64 since);

/* probe.c */
gboolean sftp_probe(Driver *driver, const CourierProbe *probe, gboolean *known, const DriverFacts *facts,
                    GError **error);
gboolean sftp_get(Driver *driver, const DriverTransfer *get, guint64 *end, GError **error);
gboolean sftp_put(Driver *driver, const DriverTransfer *put, gboolean *there, GError **error);
