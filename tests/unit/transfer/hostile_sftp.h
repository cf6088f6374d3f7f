/* An SFTP server that lies, in a way that its argument names; run by sshd as its subsystem. */
#pragma once
#include "transfer/sftp/sftp_packet.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const char *how;
  guint stats, listings;
  guint8 in[400000];
  gsize held;
} Hostile;
static GByteArray *hostile_late; /* answers held back, each put before the others */

static gboolean is(const Hostile *server, const char *how) {
  return strcmp(server->how, how) == 0;
}

static void hostile_send(const Hostile *server, GByteArray *out) {
  if (is(server, "drip") && out->data[4] != SFTP_VERSION) {
    for (guint i = 0; i < out->len; i++) {
      if (write(1, out->data + i, 1) != 1)
        exit(1);
      g_usleep(300000);
    }
  } else if (write(1, out->data, out->len) != (ssize_t)out->len) {
    exit(1);
  }
  g_byte_array_set_size(out, 0);
}

static void hostile_status(GByteArray *out, guint32 id, guint32 status) {
  gsize begun = sftp_begin(out, SFTP_STATUS, id);
  sftp_put_number(out, status);
  sftp_put_text(out, "as you like\r\n\x1b[31m");
  sftp_put_text(out, "");
  sftp_finish(out, begun);
}

static void hostile_attributes(Hostile *server, GByteArray *out, guint32 id) {
  guint64 size = is(server, "huge")                             ? 1ull << 63
                 : is(server, "reorder") || is(server, "break") ? 400000
                 : is(server, "told-less")                      ? 300000
                                                                : 1000;
  if (is(server, "grow") && server->stats++ > 0)
    size = 2000;
  gsize begun = sftp_begin(out, SFTP_ATTRS, id);
  sftp_put_number(out, 1 | 4);
  sftp_put_long(out, size);
  sftp_put_number(out, 0100644);
  sftp_finish(out, begun);
}

static void hostile_data(Hostile *server, GByteArray *out, guint32 id, guint64 offset, guint32 length) {
  gboolean is_large = is(server, "reorder") || is(server, "break") || is(server, "told-less");
  guint64 size = is(server, "short") ? 500 : is_large ? 400000 : 1000;
  if (offset >= size && is(server, "empty-end")) {
    gsize begun = sftp_begin(out, SFTP_DATA, id);
    sftp_put_number(out, 0);
    sftp_finish(out, begun);
    return;
  }
  if (offset >= size && is(server, "fails-behind")) {
    hostile_status(out, id, SFTP_FAILURE);
    return;
  }
  if (offset >= size) {
    hostile_status(out, id, SFTP_EOF);
    return;
  }
  length = (guint32)MIN(length, size - offset);
  if (is(server, "trickle"))
    length = MIN(length, 7);
  if (is(server, "crawl")) {
    length = 1;
    g_usleep(200000);
  }
  if (is(server, "overlong"))
    length = 200000;
  gsize begun = sftp_begin(out, SFTP_DATA, is(server, "wrong-id") ? id + 77 : id);
  sftp_put_number(out, length);
  for (guint32 i = 0; i < length; i++) {
    guint8 byte = (guint8)(((offset + i) * 2654435761u) >> 13);
    g_byte_array_append(out, &byte, 1);
  }
  sftp_finish(out, begun);
}

static void hostile_name(GByteArray *out, const void *name, gsize length) {
  sftp_put_bytes(out, name, length);
  sftp_put_text(out, "-rw-r--r--    1 a b 12 Jan  1 00:00 x");
  sftp_put_number(out, 1);
  sftp_put_long(out, 12);
}

static void hostile_listing(Hostile *server, GByteArray *out, guint32 id) {
  static const char long_name[4096] = {[0 ... 4095] = 'x'};
  gboolean endless = is(server, "endless") || is(server, "endless-bad");
  if (!endless && server->listings++ > 0) {
    hostile_status(out, id, SFTP_EOF);
    return;
  }
  gsize begun = sftp_begin(out, SFTP_NAME, id);
  if (is(server, "count")) {
    sftp_put_number(out, 0xffffffffu);
  } else if (endless) {
    sftp_put_number(out, 100);
    for (int i = 0; i < 100; i++) {
      g_autofree char *name = g_strdup_printf("%s%u", is(server, "endless") ? "f" : "a/", server->listings++);
      hostile_name(out, name, strlen(name));
    }
  } else {
    sftp_put_number(out, 12);
    hostile_name(out, ".", 1);
    hostile_name(out, "..", 2);
    hostile_name(out, "../../etc/passwd", 16);
    hostile_name(out, "/etc/passwd", 11);
    hostile_name(out, "a\0b", 3);
    hostile_name(out, "", 0);
    hostile_name(out, long_name, sizeof long_name);
    hostile_name(out, long_name, 255);
    hostile_name(out, "cr\r\nlf", 6);
    hostile_name(out, "\xff\xfe", 2);
    hostile_name(out, "twice", 5);
    hostile_name(out, "twice", 5);
  }
  sftp_finish(out, begun);
}

static void hostile_version(const Hostile *server, GByteArray *out) {
  if (is(server, "noise"))
    g_byte_array_append(out, (const guint8 *)"Welcome to the partner's file server.\n", 38);
  gsize begun = sftp_begin(out, SFTP_VERSION, is(server, "version") ? 1 : 3);
  sftp_finish(out, begun);
  if (is(server, "garbage"))
    g_byte_array_append(out, (const guint8 *)"\0\0\0\1This is not SFTP at all, it is a greeting", 44);
}

static void hostile_answer(Hostile *server, GByteArray *out, guint8 type, guint32 id, SftpCursor body) {
  const guint8 *handle;
  gsize length, begun;
  guint64 offset = 0;
  guint32 wanted = 0;
  if (type == SFTP_INIT) {
    hostile_version(server, out);
  } else if ((type == SFTP_OPEN || type == SFTP_OPENDIR) && is(server, "silent")) {
    return;
  } else if (type == SFTP_OPEN && is(server, "length")) {
    sftp_put_number(out, 0xffffffffu);
    sftp_put_long(out, 0);
  } else if (type == SFTP_OPEN || type == SFTP_OPENDIR) {
    begun = sftp_begin(out, SFTP_HANDLE, id);
    g_autofree char *long_handle = g_strnfill(5000, 'h');
    sftp_put_text(out, is(server, "handle") ? long_handle : "h");
    sftp_finish(out, begun);
  } else if (type == SFTP_LSTAT && is(server, "vague")) {
    hostile_status(out, id, SFTP_FAILURE);
  } else if (type == SFTP_LSTAT && is(server, "gone")) {
    hostile_status(out, id, SFTP_NO_SUCH_FILE);
  } else if (type == SFTP_WRITE && is(server, "small-writes") && sftp_take_bytes(&body, &handle, &length) &&
             sftp_take_long(&body, &offset) && sftp_take_number(&body, &wanted)) {
    hostile_status(out, id, wanted > 4096 ? SFTP_FAILURE : SFTP_OK);
  } else if (type == SFTP_FSTAT && is(server, "no-fstat")) {
    hostile_status(out, id, SFTP_UNSUPPORTED);
  } else if (type == SFTP_FSTAT || type == SFTP_LSTAT) {
    hostile_attributes(server, out, id);
  } else if (type == SFTP_READ && sftp_take_bytes(&body, &handle, &length) && sftp_take_long(&body, &offset) &&
             sftp_take_number(&body, &wanted)) {
    if (is(server, "break") && offset > 200000)
      exit(1);
    hostile_data(server, out, id, offset, wanted);
  } else if (type == SFTP_READDIR) {
    hostile_listing(server, out, id);
  } else if (type == SFTP_RENAME && is(server, "vanish")) {
    exit(1);
  } else {
    hostile_status(out, id, SFTP_OK);
  }
}

/* Held answers are put in front of each other, and sent once nothing more is asked. */
static void hostile_reverse(Hostile *server, GByteArray *out) {
  g_byte_array_prepend(hostile_late, out->data, out->len);
  g_byte_array_set_size(out, 0);
  struct pollfd more = {.fd = 0, .events = POLLIN};
  if (poll(&more, 1, 100) == 0) {
    g_byte_array_append(out, hostile_late->data, hostile_late->len);
    g_byte_array_set_size(hostile_late, 0);
    hostile_send(server, out);
  }
}

static inline int hostile_main(const char *how) {
  static Hostile server;
  GByteArray *out = g_byte_array_new();
  hostile_late = g_byte_array_new();
  server.how = how;
  for (;;) {
    SftpCursor cursor = {server.in, server.in + server.held};
    guint32 length, id;
    guint8 type;
    if (sftp_take_number(&cursor, &length) && (gsize)(cursor.end - cursor.at) >= length) {
      SftpCursor body = {cursor.at, cursor.at + length};
      if (!sftp_take_byte(&body, &type) || !sftp_take_number(&body, &id))
        return 1;
      hostile_answer(&server, out, type, id, body);
      server.held -= 4 + length;
      memmove(server.in, server.in + 4 + length, server.held);
      if (is(&server, "reorder") && server.held == 0)
        hostile_reverse(&server, out);
      else if (is(&server, "reorder")) {
        g_byte_array_prepend(hostile_late, out->data, out->len);
        g_byte_array_set_size(out, 0);
      } else
        hostile_send(&server, out);
      continue;
    }
    ssize_t done = read(0, server.in + server.held, sizeof server.in - server.held);
    if (done <= 0)
      return 0;
    server.held += (gsize)done;
  }
}
