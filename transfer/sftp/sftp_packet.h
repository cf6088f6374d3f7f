/* SFTP version 3 (draft-ietf-secsh-filexfer-02) as bytes: requests are built, answers are taken apart. Pure functions;
 * the parsers are strict, bounded by the packet, and fuzzed.
 *
 * Why not libssh2's own SFTP layer: one request in flight per call (a file of 4 KiB costs five round trips; here two),
 * reads of 30 KB (the server may allow 255 KiB), no posix-rename before 1.11, and no say in how long an operation may
 * take. */
#pragma once
#include <glib.h>

enum {
  SFTP_INIT = 1,
  SFTP_VERSION = 2,
  SFTP_OPEN = 3,
  SFTP_CLOSE = 4,
  SFTP_READ = 5,
  SFTP_WRITE = 6,
  SFTP_LSTAT = 7,
  SFTP_FSTAT = 8,
  SFTP_SETSTAT = 9,
  SFTP_OPENDIR = 11,
  SFTP_READDIR = 12,
  SFTP_REMOVE = 13,
  SFTP_MKDIR = 14,
  SFTP_RMDIR = 15,
  SFTP_REALPATH = 16,
  SFTP_STAT = 17,
  SFTP_RENAME = 18,
  SFTP_STATUS = 101,
  SFTP_HANDLE = 102,
  SFTP_DATA = 103,
  SFTP_NAME = 104,
  SFTP_ATTRS = 105,
  SFTP_EXTENDED = 200,
  SFTP_EXTENDED_REPLY = 201,
};
enum { SFTP_ATTRIBUTE_TIME = 8 };
enum { SFTP_OPEN_READ = 1, SFTP_OPEN_WRITE = 2, SFTP_OPEN_CREATE = 8, SFTP_OPEN_TRUNCATE = 16 };
enum {
  SFTP_OK = 0,
  SFTP_EOF = 1,
  SFTP_NO_SUCH_FILE = 2,
  SFTP_PERMISSION_DENIED = 3,
  SFTP_FAILURE = 4,
  SFTP_BAD_MESSAGE = 5,
  SFTP_NO_CONNECTION = 6,
  SFTP_CONNECTION_LOST = 7,
  SFTP_UNSUPPORTED = 8,
  /* of later drafts, which some servers send all the same */
  SFTP_NO_SUCH_PATH = 10,
  SFTP_ALREADY_EXISTS = 11,
  SFTP_WRITE_PROTECTED = 12,
  SFTP_NO_MEDIA = 13,
  SFTP_NO_SPACE = 14,
  SFTP_QUOTA = 15,
  SFTP_LOCKED = 17,
};

/* Building: a packet is begun, filled, and its length set at the end; several may follow each other in one array. */
gsize sftp_begin(GByteArray *out, guint8 type, guint32 id);
void sftp_put_number(GByteArray *out, guint32 number);
void sftp_put_long(GByteArray *out, guint64 number);
void sftp_put_bytes(GByteArray *out, const void *bytes, gsize length);
void sftp_put_text(GByteArray *out, const char *text);
void sftp_finish(GByteArray *out, gsize begun);

/* Taking apart: each take moves the cursor on; FALSE, and nothing more is good, when the packet is too short. */
typedef struct {
  const guint8 *at, *end;
} SftpCursor;
gboolean sftp_take_byte(SftpCursor *cursor, guint8 *byte) G_GNUC_WARN_UNUSED_RESULT;
gboolean sftp_take_number(SftpCursor *cursor, guint32 *number) G_GNUC_WARN_UNUSED_RESULT;
gboolean sftp_take_long(SftpCursor *cursor, guint64 *number) G_GNUC_WARN_UNUSED_RESULT;
gboolean sftp_take_bytes(SftpCursor *cursor, const guint8 **bytes, gsize *length) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  gboolean has_size, has_mode, has_time;
  guint64 size;
  guint32 mode, modified;
} SftpAttributes;
gboolean sftp_take_attributes(SftpCursor *cursor, SftpAttributes *attributes) G_GNUC_WARN_UNUSED_RESULT;
/* Whether a regular file is meant; `longname` (an `ls -l` line, may be empty) tells where the server sends no mode. */
gboolean sftp_is_file(const SftpAttributes *attributes, const guint8 *longname, gsize length);
/* A symbolic link, by the same signs. */
gboolean sftp_is_link(const SftpAttributes *attributes, const guint8 *longname, gsize length);
gboolean sftp_is_folder(const SftpAttributes *attributes);

/* One entry of a NAME answer, whose count has been taken already. */
typedef struct {
  const guint8 *name, *longname;
  gsize name_length, longname_length;
  SftpAttributes attributes;
} SftpName;
gboolean sftp_take_name(SftpCursor *cursor, SftpName *name) G_GNUC_WARN_UNUSED_RESULT;
