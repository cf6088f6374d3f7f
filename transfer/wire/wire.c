#include "transfer/wire/wire.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIELDS_MAX 12
#define FDS_MAX 4

/* A field: where it lies in WireMessage, what it is, and the most it may be (numbers) or hold (bytes). */
typedef struct {
  gsize at;
  gboolean is_number;
  guint64 most;
} Field;
#define NUMBER(name, most) \
  { G_STRUCT_OFFSET(WireMessage, name), TRUE, most }
#define BYTES(name, most) \
  { G_STRUCT_OFFSET(WireMessage, name), FALSE, most }

typedef struct {
  guint fds;
  Field field[FIELDS_MAX];
} WireShape;

static const WireShape shapes[WIRE_TYPES] = {
    [WIRE_OPEN] = {0,
                   {NUMBER(kind, 15), BYTES(host, 255), NUMBER(port, 65535), BYTES(user, 255),
                    BYTES(folder, WIRE_PATH_LIMIT), NUMBER(connect_timeout, 86400), NUMBER(io_timeout, 86400),
                    NUMBER(avoid, 255), NUMBER(tls, 2), BYTES(zone, 64)}},
    [WIRE_TRUST] = {1, {BYTES(pins, 1024), BYTES(certificate, WIRE_KEY_LIMIT)}},
    [WIRE_CREDENTIALS] = {0,
                          {BYTES(identity, WIRE_KEY_LIMIT), BYTES(passphrase, WIRE_SECRET_LIMIT),
                           BYTES(password, WIRE_SECRET_LIMIT), BYTES(token, WIRE_SECRET_LIMIT)}},
    [WIRE_LIST] = {0,
                   {BYTES(path, WIRE_PATH_LIMIT), NUMBER(limit, G_MAXUINT32), BYTES(target, WIRE_CURSOR_LIMIT),
                    NUMBER(timeout, 86400)}},
    [WIRE_STAT] = {0, {BYTES(path, WIRE_PATH_LIMIT)}},
    [WIRE_GET] = {1, {BYTES(path, WIRE_PATH_LIMIT), NUMBER(offset, G_MAXINT64), NUMBER(size, G_MAXINT64)}},
    [WIRE_PUT] = {1,
                  {BYTES(path, WIRE_PATH_LIMIT), NUMBER(offset, G_MAXINT64), NUMBER(size, G_MAXINT64),
                   BYTES(target, 64), BYTES(name, 255), NUMBER(limit, G_MAXINT64)}},
    [WIRE_RENAME] = {0, {BYTES(path, WIRE_PATH_LIMIT), BYTES(target, WIRE_PATH_LIMIT), NUMBER(replace, 1)}},
    [WIRE_REMOVE] = {0, {BYTES(path, WIRE_PATH_LIMIT)}},
    [WIRE_MAKE_FOLDER] = {0, {BYTES(path, WIRE_PATH_LIMIT)}},
    [WIRE_ACKNOWLEDGE] = {0, {BYTES(path, WIRE_PATH_LIMIT), BYTES(target, 64), NUMBER(size, G_MAXINT64)}},
    [WIRE_SURVEY] = {0, {NUMBER(kind, 15), BYTES(host, 255), NUMBER(port, 65535), NUMBER(connect_timeout, 86400)}},
    [WIRE_PROBE] = {0,
                    {NUMBER(what, 255), BYTES(path, WIRE_PATH_LIMIT), BYTES(target, WIRE_PATH_LIMIT),
                     NUMBER(size, G_MAXINT64)}},
    [WIRE_POST] = {2,
                   {BYTES(path, WIRE_PATH_LIMIT), BYTES(headers, WIRE_HEADERS_LIMIT), NUMBER(size, G_MAXINT64),
                    NUMBER(limit, G_MAXINT64), NUMBER(timeout, 86400)}},
    [WIRE_QUERY] = {1,
                    {BYTES(path, WIRE_PATH_LIMIT), BYTES(headers, WIRE_HEADERS_LIMIT), NUMBER(limit, G_MAXINT64),
                     NUMBER(timeout, 86400)}},
    [WIRE_SOCKET] = {1, {NUMBER(port, 65535)}},
    [WIRE_NO_SOCKET] = {0, {BYTES(text, 1024)}},
    [WIRE_HOST_KEY] = {0, {BYTES(text, 255), NUMBER(key_type, 255)}},
    [WIRE_READY] = {0, {BYTES(text, 2048)}},
    [WIRE_DONE] = {0,
                   {NUMBER(exists, 1), NUMBER(is_file, 1), NUMBER(size, G_MAXUINT64), NUMBER(modified, G_MAXUINT64),
                    NUMBER(truncated, 1), NUMBER(refused, G_MAXUINT32), NUMBER(unknown, G_MAXUINT32),
                    BYTES(text, 1024), BYTES(name, WIRE_CURSOR_LIMIT)}},
    [WIRE_ENTRIES] = {0, {BYTES(entries, WIRE_LIMIT)}},
    [WIRE_PROGRESS] = {0, {NUMBER(size, G_MAXUINT64)}},
    [WIRE_FAILED] = {0, {NUMBER(code, 255), BYTES(text, 8192), NUMBER(lost, 1)}},
    [WIRE_FACT] = {0, {BYTES(name, 32), BYTES(text, 8192)}},
    [WIRE_CONNECTED] = {0, {BYTES(text, 64)}},
    [WIRE_VERIFIED] = {0, {BYTES(text, 255)}},
    [WIRE_DIAL] = {0, {NUMBER(port, 65535)}},
    [WIRE_REPLY] = {0, {NUMBER(status, 999), NUMBER(retry_after, G_MAXINT32), NUMBER(size, G_MAXINT64)}},
};

WireBytes wire_text(const char *text) {
  return (WireBytes){(const guint8 *)text, text ? strlen(text) : 0};
}

char *wire_string(WireBytes bytes) {
  char *copy = g_malloc(bytes.length + 1);
  if (bytes.length > 0)
    memcpy(copy, bytes.data, bytes.length);
  copy[bytes.length] = 0;
  return copy;
}

char *wire_string_or_null(WireBytes bytes) {
  return bytes.length > 0 ? wire_string(bytes) : NULL;
}

static gboolean shape_of(WireType type, const WireShape **shape) {
  *shape = (guint)type < WIRE_TYPES ? &shapes[type] : NULL;
  return *shape && (*shape)->field[0].most > 0;
}

gsize wire_encode(const WireMessage *message, WireBuffer *buffer) {
  const WireShape *shape;
  if (!shape_of(message->type, &shape))
    return 0;
  gsize at = 0;
  buffer->bytes[at++] = (guint8)message->type;
  for (const Field *field = shape->field; field < shape->field + FIELDS_MAX && field->most > 0; field++) {
    const void *value = G_STRUCT_MEMBER_P(message, field->at);
    if (field->is_number) {
      if (*(const guint64 *)value > field->most || WIRE_LIMIT - at < sizeof(guint64))
        return 0;
      memcpy(buffer->bytes + at, value, sizeof(guint64));
      at += sizeof(guint64);
      continue;
    }
    const WireBytes *bytes = value;
    guint32 length = (guint32)bytes->length;
    if (bytes->length > field->most || WIRE_LIMIT - at < sizeof length + bytes->length)
      return 0;
    memcpy(buffer->bytes + at, &length, sizeof length);
    at += sizeof length;
    if (length > 0)
      memcpy(buffer->bytes + at, bytes->data, length);
    at += length;
  }
  return at;
}

static gboolean decode_field(const Field *field, const guint8 **at, const guint8 *end, WireMessage *message) {
  void *value = G_STRUCT_MEMBER_P(message, field->at);
  if (field->is_number) {
    if ((gsize)(end - *at) < sizeof(guint64))
      return FALSE;
    memcpy(value, *at, sizeof(guint64));
    *at += sizeof(guint64);
    return *(guint64 *)value <= field->most;
  }
  guint32 length;
  if ((gsize)(end - *at) < sizeof length)
    return FALSE;
  memcpy(&length, *at, sizeof length);
  *at += sizeof length;
  if (length > field->most || length > (gsize)(end - *at))
    return FALSE;
  *(WireBytes *)value = (WireBytes){*at, length};
  *at += length;
  return TRUE;
}

gboolean wire_decode(const guint8 *bytes, gsize length, guint fds, WireMessage *message) {
  const WireShape *shape;
  if (length < 1 || length > WIRE_LIMIT || !shape_of((WireType)bytes[0], &shape) || fds != shape->fds)
    return FALSE;
  const guint8 *at = bytes + 1, *end = bytes + length;
  *message = (WireMessage){.type = (WireType)bytes[0], .fd = -1, .second_fd = -1};
  for (const Field *field = shape->field; field < shape->field + FIELDS_MAX && field->most > 0; field++)
    if (!decode_field(field, &at, end, message))
      return FALSE;
  return at == end;
}

static gboolean has_descriptors(const WireMessage *message, guint fds) {
  return (message->fd >= 0) == (fds > 0) && (fds < 2 || message->second_fd >= 0);
}

static gboolean send_packet(int socket, const WireMessage *message, int flags, GError **error) {
  WireBuffer buffer;
  const WireShape *shape;
  gsize length = shape_of(message->type, &shape) && has_descriptors(message, shape->fds) ? wire_encode(message, &buffer)
                                                                                         : 0;
  if (length == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "a message of type %d does not fit its limits",
                               (int)message->type);
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(2 * sizeof(int))];
  } control = {.bytes = {0}};
  struct iovec part = {buffer.bytes, length};
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
  if (shape->fds > 0) {
    const int fds[2] = {message->fd, message->second_fd};
    packet.msg_control = control.bytes;
    packet.msg_controllen = CMSG_SPACE(shape->fds * sizeof(int));
    control.header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(shape->fds * sizeof(int))};
    memcpy(CMSG_DATA(&control.header), fds, shape->fds * sizeof(int));
  }
  ssize_t sent;
  do
    sent = sendmsg(socket, &packet, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  int number = errno;
  explicit_bzero(buffer.bytes, length); /* credentials pass here */
  if (sent == (ssize_t)length)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the other end is gone: %s", g_strerror(number));
}

gboolean wire_send(int socket, const WireMessage *message, GError **error) {
  return send_packet(socket, message, MSG_DONTWAIT, error);
}

gboolean wire_send_waiting(int socket, const WireMessage *message, GError **error) {
  return send_packet(socket, message, 0, error);
}

static guint take_descriptors(struct msghdr *packet, int fds[FDS_MAX]) {
  guint count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(packet); header; header = CMSG_NXTHDR(packet, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
      continue;
    gsize here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (gsize i = 0; i < here && count < FDS_MAX; i++)
      memcpy(&fds[count++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
  }
  return count;
}

static int wait_for_packet(int socket, int milliseconds) {
  gint64 end = g_get_monotonic_time() + (gint64)milliseconds * 1000;
  struct pollfd wanted = {.fd = socket, .events = POLLIN};
  for (;;) {
    gint64 left = milliseconds < 0 ? -1 : MAX(0, (end - g_get_monotonic_time() + 999) / 1000);
    int ready = poll(&wanted, 1, (int)left);
    if (ready >= 0 || errno != EINTR)
      return ready;
  }
}

WireGot wire_receive(int socket, int milliseconds, WireBuffer *buffer, WireMessage *message) {
  int ready = wait_for_packet(socket, milliseconds);
  if (ready <= 0)
    return ready == 0 ? WIRE_GOT_NOTHING : WIRE_GOT_END;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
  } control;
  struct iovec part = {buffer->bytes, sizeof buffer->bytes};
  struct msghdr packet = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t length;
  do
    length = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (length < 0 && errno == EINTR);
  if (length <= 0)
    return length < 0 && errno == EAGAIN ? WIRE_GOT_NOTHING : WIRE_GOT_END;
  int fds[FDS_MAX];
  guint count = take_descriptors(&packet, fds);
  gboolean whole = !(packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
  if (whole && wire_decode(buffer->bytes, (gsize)length, count, message)) {
    message->fd = count > 0 ? fds[0] : -1;
    message->second_fd = count > 1 ? fds[1] : -1;
    return WIRE_GOT_MESSAGE;
  }
  while (count > 0)
    close(fds[--count]);
  return WIRE_GOT_REFUSED;
}

void wire_entry_append(GByteArray *entries, const WireEntry *entry) {
  guint8 kind = entry->is_file ? (entry->sha256 ? 3 : 1) : entry->is_link ? 2 : 0;
  guint16 length = (guint16)entry->name_length;
  g_byte_array_append(entries, (const guint8 *)&entry->size, sizeof entry->size);
  g_byte_array_append(entries, (const guint8 *)&entry->modified, sizeof entry->modified);
  g_byte_array_append(entries, &kind, 1);
  g_byte_array_append(entries, (const guint8 *)&length, sizeof length);
  g_byte_array_append(entries, entry->name, length);
  if (kind == 3)
    g_byte_array_append(entries, entry->sha256, WIRE_DIGEST_SIZE);
}

gboolean wire_entry_take(WireBytes *rest, WireEntry *entry, gboolean *bad) {
  enum { FIXED = 8 + 8 + 1 + 2 };
  guint16 length;
  *bad = FALSE;
  if (rest->length == 0)
    return FALSE;
  *bad = TRUE;
  if (rest->length < FIXED || rest->data[16] > 3)
    return FALSE;
  memcpy(&length, rest->data + 17, sizeof length);
  gsize all = FIXED + (gsize)length + (rest->data[16] == 3 ? WIRE_DIGEST_SIZE : 0);
  if (rest->length < all)
    return FALSE;
  memcpy(&entry->size, rest->data, 8);
  memcpy(&entry->modified, rest->data + 8, 8);
  entry->is_file = rest->data[16] & 1;
  entry->is_link = rest->data[16] == 2;
  entry->name = rest->data + FIXED;
  entry->name_length = length;
  entry->sha256 = rest->data[16] == 3 ? rest->data + FIXED + length : NULL;
  *rest = (WireBytes){rest->data + all, rest->length - all};
  *bad = FALSE;
  return TRUE;
}
