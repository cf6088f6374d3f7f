/* What a protocol must offer to be a courier's: one table of operations per protocol (SFTP, local folder; FTP, FTPS and
 * HTTPS fit the same). Drivers run in the courier process only, blocking, one request at a time, between the lane's
 * socket and the partner's. They open nothing after they have locked themselves in, and write only to descriptors they
 * are given.
 *
 * An operation returns FALSE with an error whose code tells the lane what to do. A driver that can no longer trust its
 * connection sets `lost`: the process ends after the answer. */
#pragma once
#include "transfer/courier_mailbox.h"
#include "transfer/probe.h"
#include "transfer/wire/wire.h"

/* What the process around a driver gives it. */
typedef struct {
  int lane;                           /* the lane's socket: its end is the end of any wait */
  gint64 connect_timeout, io_timeout; /* microseconds */
  /* Bytes or entries done so far; sent to the lane when it is due. FALSE: the lane is gone. */
  gboolean (*progress)(gpointer user, guint64 done);
  gpointer user;
} DriverHost;

/* Takes one listed name as the server sent it. FALSE: no more are wanted (enough, or the lane is gone). */
typedef struct {
  gboolean (*take)(gpointer user, const WireEntry *entry);
  gpointer user;
  gboolean *is_cut; /* set: the server says that it has not listed all; may be NULL */
  /* mailboxes: CourierListing */
  const char *after;
  guint wait;
  char **cursor;
} DriverSink;

/* Takes what a probe or a survey learns. Values that are too long are cut. */
typedef struct {
  gboolean (*tell)(gpointer user, const char *name, const char *value);
  gpointer user;
} DriverFacts;
void driver_fact(const DriverFacts *facts, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);

typedef struct {
  const char *path;
  guint64 offset, size;
  int fd;
  /* a put into a mailbox: CourierPut. Other drivers put all of it */
  const char *sha256, *about;
  guint64 part;
  guint64 *reached;
} DriverTransfer; /* size: get's limit, put's size; fd: a pipe that takes a get's bytes in order; put's file */

/* headers: lines "Name: value\n"; body -1: a GET; timeout in seconds, 0: io_timeout */
typedef struct {
  const char *path, *headers;
  int body, answer;
  guint64 body_size, answer_limit;
  guint timeout;
} DriverPost;

typedef struct Driver Driver;
/* What a protocol does not have stays NULL. */
typedef struct {
  gboolean (*list)(Driver *driver, const char *folder, const DriverSink *sink, GError **error);
  gboolean (*stat)(Driver *driver, const char *path, CourierStat *stat, GError **error);
  gboolean (*get)(Driver *driver, const DriverTransfer *get, guint64 *end, GError **error);
  /* *there = FALSE: all was taken, and it is not there any more right afterwards. */
  gboolean (*put)(Driver *driver, const DriverTransfer *put, gboolean *there, GError **error);
  gboolean (*rename)(Driver *driver, const CourierRename *rename, GError **error);
  gboolean (*remove)(Driver *driver, const char *path, GError **error);
  gboolean (*acknowledge)(Driver *driver, const CourierAcknowledgement *acknowledgement, GError **error);
  gboolean (*make_folder)(Driver *driver, const char *path, GError **error);
  /* Optional. *known stays FALSE when there is no such probe. */
  gboolean (*probe)(Driver *driver, const CourierProbe *probe, gboolean *known, const DriverFacts *facts,
                    GError **error);
  /* HTTP only. */
  gboolean (*post)(Driver *driver, const DriverPost *post, CourierReply *reply, GError **error);
  /* Nothing is asked for the moment, or `descriptor` became readable meanwhile. FALSE: the connection has ended. */
  gboolean (*idle)(Driver *driver);
  void (*close)(Driver *driver);
} DriverOperations;

struct Driver {
  const DriverOperations *operations;
  const DriverHost *host;
  char *description; /* one line for people */
  int descriptor;    /* the connection's, watched while idle; -1: none */
  gboolean lost;
};

/* The credentials arrive only after the lane has approved the host key: a driver asks for them by this. `message`
 * borrows from `buffer`. FALSE: the lane refused the key or is gone. */
gboolean driver_ask_credentials(const DriverHost *host, const char *fingerprint, guint8 key_type, WireBuffer *buffer,
                                WireMessage *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* "exists", PARTNER; always FALSE. */
gboolean driver_target_exists(const char *to, GError **error);
/* The server tells one size before and after a get, and another number of bytes came: PARTNER; always FALSE. */
gboolean driver_wrong_size(const char *path, guint64 told, guint64 came, GError **error);
/* The lane's side of a transfer: all of the bytes to the pipe `fd`; *at moves on. `path` is for the error. */
gboolean driver_write(int fd, const void *bytes, gsize length, guint64 *at, const char *path,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Some of the bytes from `fd` at *at, which moves on; -1: *error, also when the file ends too early. */
gssize driver_read(int fd, void *bytes, gsize length, guint64 *at, const char *path,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

Driver *driver_sftp_open(const DriverHost *host, const WireMessage *open, GError **error) G_GNUC_WARN_UNUSED_RESULT;
Driver *driver_local_open(const DriverHost *host, const WireMessage *open, GError **error) G_GNUC_WARN_UNUSED_RESULT;
Driver *driver_http_open(const DriverHost *host, const WireMessage *open, GError **error) G_GNUC_WARN_UNUSED_RESULT;
Driver *driver_mailbox_open(const DriverHost *host, const WireMessage *open, GError **error) G_GNUC_WARN_UNUSED_RESULT;
Driver *driver_ftp_open(const DriverHost *host, const WireMessage *open, GError **error) G_GNUC_WARN_UNUSED_RESULT;
