/* The messages between a lane and its courier: one per SOCK_SEQPACKET packet, each with a fixed list of fields, at most
 * two descriptors (SCM_RIGHTS), at most WIRE_LIMIT bytes. A message is its type (one byte) and then its fields in the
 * order of the table in wire.c: a number is 8 bytes in the machine's order (both ends are this machine), bytes are a
 * 32-bit length and so many bytes. The decoder is strict: an unknown type, a field beyond its limit, a byte too many or
 * too few, a descriptor too many or too few, and the message is refused. Whoever receives a refused message gives the
 * other end up.
 *
 * The courier parses what a hostile server sends, so the lane trusts these messages no more than it would trust the
 * server. */
#pragma once
#include "gateway/base/error.h"

#define WIRE_LIMIT 65536u
#define WIRE_PATH_LIMIT 4096u
#define WIRE_KEY_LIMIT 32768u
#define WIRE_SECRET_LIMIT 4096u
#define WIRE_HEADERS_LIMIT 16384u
#define WIRE_CURSOR_LIMIT 255u
#define WIRE_DIGEST_SIZE 32u /* of an entry: SHA-256 */

typedef enum {
  /* lane to courier */
  WIRE_OPEN = 1, /* kind host port user folder connect_timeout io_timeout avoid tls zone */
  /* pins certificate, and the descriptor of the PEM file of those that we believe; after OPEN where there is TLS */
  WIRE_TRUST,
  WIRE_CREDENTIALS, /* identity passphrase password token: sent only after the lane has approved the host key (SSH) */
  /* path limit, and of mailboxes target (a cursor) timeout (how long it may wait for a first item); answered by
   * ENTRIES… and DONE (truncated, refused, name: the cursor to go on with) */
  WIRE_LIST,
  WIRE_STAT,        /* path; DONE (exists, is_file, size, modified) */
  WIRE_GET,         /* path offset size (the limit), and the descriptor; PROGRESS… DONE (size: the end) */
  /* path offset size, and of mailboxes target (SHA-256 of the whole, hex) name (what it is about) limit (bytes of this
   * part); the descriptor; PROGRESS… DONE (size: how far it is) */
  WIRE_PUT,
  WIRE_RENAME,      /* path target replace; DONE */
  WIRE_REMOVE,      /* path; DONE */
  WIRE_MAKE_FOLDER, /* path; DONE */
  WIRE_ACKNOWLEDGE, /* path target (SHA-256, hex) size; DONE */
  WIRE_SURVEY,      /* instead of OPEN: kind host port connect_timeout; FACT… DONE, and the process ends */
  WIRE_PROBE,       /* what path target size; FACT… DONE (exists: there is such a probe) */
  /* path headers size limit timeout, and two descriptors: the body's, the answer's; PROGRESS… REPLY */
  WIRE_POST,
  WIRE_QUERY,     /* path headers limit timeout, and the descriptor of the answer; PROGRESS… REPLY */
  WIRE_SOCKET,    /* port: the answer to DIAL, and the descriptor of the connection */
  WIRE_NO_SOCKET, /* text: the answer to DIAL, why there is none */
  /* courier to lane */
  WIRE_HOST_KEY,  /* text ("SHA256:…") key_type (one bit, as in avoid) */
  WIRE_READY,     /* text: the description for people */
  WIRE_DONE,      /* exists is_file size modified truncated refused unknown, text: of the first unknown line */
  WIRE_ENTRIES,   /* entries: packed by wire_entry_append() */
  WIRE_PROGRESS,  /* size: bytes (or entries) so far */
  WIRE_FAILED,    /* code text lost (the connection is of no more use) */
  WIRE_FACT,      /* name text: transfer/probe.h */
  WIRE_CONNECTED, /* text: the numeric address; said before the first byte from there was read */
  WIRE_VERIFIED,  /* text: the server is who it should be; answered by CREDENTIALS. In the middle of a request */
  WIRE_DIAL,      /* port: one more connection to that address, please. In the middle of a request */
  WIRE_REPLY,     /* status retry_after (and 1; 0: not said) size */
  WIRE_TYPES
} WireType;

typedef struct {
  const guint8 *data;
  gsize length;
} WireBytes;

typedef struct {
  WireType type;
  int fd;        /* -1: none. A received one is the receiver's to close */
  int second_fd; /* only of a type that has two */
  guint64 kind, port, connect_timeout, io_timeout, avoid;
  guint64 limit, offset, size, replace, what;
  guint64 tls, timeout, status, retry_after;
  guint64 key_type, exists, is_file, modified, truncated, refused, unknown, code, lost;
  WireBytes host, user, folder, identity, passphrase, password, token, zone, pins, certificate, headers;
  WireBytes path, target, name, text, entries;
} WireMessage;

/* A message's bytes fields borrow from `buffer`. */
typedef struct {
  guint8 bytes[WIRE_LIMIT];
} WireBuffer;

WireBytes wire_text(const char *text); /* NULL: empty */
/* a copy with a NUL behind it; secrets: secret_clear() it */
char *wire_string(WireBytes bytes) G_GNUC_WARN_UNUSED_RESULT;
/* the same, or NULL for none */
char *wire_string_or_null(WireBytes bytes) G_GNUC_WARN_UNUSED_RESULT;

/* The encoded length, or 0 when a field is over its limit or the message over WIRE_LIMIT. */
gsize wire_encode(const WireMessage *message, WireBuffer *buffer) G_GNUC_WARN_UNUSED_RESULT;
/* `fds` descriptors came along; the decoder only counts them. FALSE: refused, `message` is of no use. */
gboolean wire_decode(const guint8 *bytes, gsize length, guint fds, WireMessage *message) G_GNUC_WARN_UNUSED_RESULT;

/* Never blocks: a full socket is an error, because the other end has then stopped reading. */
gboolean wire_send(int socket, const WireMessage *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same, but waits for room: for the courier, whose lane it trusts to read. */
gboolean wire_send_waiting(int socket, const WireMessage *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum { WIRE_GOT_MESSAGE, WIRE_GOT_END, WIRE_GOT_NOTHING, WIRE_GOT_REFUSED } WireGot;
/* One packet, waiting for it at most `milliseconds` (-1: for ever). NOTHING is the time-out, END a closed or broken
 * socket. */
WireGot wire_receive(int socket, int milliseconds, WireBuffer *buffer, WireMessage *message) G_GNUC_WARN_UNUSED_RESULT;

/* Entries of a listing, packed: size, modified (8 bytes each), kind (1: file 1, link 2, file with a digest 3, other 0),
 * length of the name (2), the name, the digest. */
typedef struct {
  guint64 size;
  gint64 modified;
  gboolean is_file, is_link;
  const guint8 *name;
  gsize name_length;
  const guint8 *sha256; /* 32 bytes; NULL: not told */
  /* within the courier only: a line that was not understood, instead of a name */
  const guint8 *unknown;
  gsize unknown_length;
} WireEntry;
void wire_entry_append(GByteArray *entries, const WireEntry *entry);
/* Takes the first entry off `rest`. FALSE at its end or (*bad) when it is malformed. */
gboolean wire_entry_take(WireBytes *rest, WireEntry *entry, gboolean *bad) G_GNUC_WARN_UNUSED_RESULT;
