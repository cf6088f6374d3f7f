#include "crypto/literal.h"
#include <string.h>
#include <zlib.h>

enum { TAG_COMPRESSED = 8, TAG_LITERAL = 11 };
enum { ZIP = 1, ZLIB = 2 };
enum { PIECE = 64 * 1024 };

typedef enum { AT_TAG, AT_LENGTH, AT_MORE_LENGTH, IN_BODY } State;

/* One sequence of packets: the message's, or that within its compressed packet. */
typedef struct {
  State state;
  guint tag, length_bytes;
  gboolean is_old, is_two, is_partial, is_endless;
  guint64 left;
  guint64 at; /* of the body, over its parts */
} Packets;

struct Literal {
  Packets outer, inner;
  z_stream inflating;
  gboolean is_inflating, is_inflated;
  guint literals;
  guint name_length;
  gboolean after_return;
  LiteralCounts counts;
};

Literal *literal_new(void) {
  return g_new0(Literal, 1);
}

void literal_free(Literal *literal) {
  if (literal->is_inflating)
    (void)inflateEnd(&literal->inflating);
  g_free(literal);
}

static gboolean feed(Literal *literal, Packets *packets, const guint8 *bytes, gsize length);

static void count_line_ends(Literal *literal, const guint8 *bytes, gsize length) {
  LiteralCounts *counts = &literal->counts;
  for (gsize i = 0; i < length; i++) {
    if (bytes[i] == '\n' && literal->after_return)
      counts->pairs++;
    else if (bytes[i] == '\n')
      counts->bare_feeds++;
    else if (literal->after_return)
      counts->lone_returns++;
    literal->after_return = bytes[i] == '\r';
  }
}

/* Format, length of the name, the name, four octets of time, then the data. */
static void see_literal(Literal *literal, guint64 at, const guint8 *bytes, gsize length) {
  if (at == 0)
    literal->literals++;
  if (at <= 1 && at + length > 1)
    literal->name_length = bytes[1 - at];
  guint64 begin = 2 + (guint64)literal->name_length + 4;
  if (at + length <= begin || at + length <= 2)
    return;
  gsize skipped = at < begin ? (gsize)(begin - at) : 0;
  count_line_ends(literal, bytes + skipped, length - skipped);
}

static gboolean begin_inflating(Literal *literal, guint8 algorithm) {
  if (literal->is_inflating || (algorithm != ZIP && algorithm != ZLIB))
    return FALSE;
  literal->is_inflating = inflateInit2(&literal->inflating, algorithm == ZIP ? -MAX_WBITS : MAX_WBITS) == Z_OK;
  return literal->is_inflating;
}

static gboolean see_compressed(Literal *literal, guint64 at, const guint8 *bytes, gsize length) {
  g_autofree guint8 *piece = g_malloc(PIECE);
  if (at == 0) {
    if (!begin_inflating(literal, bytes[0]))
      return FALSE;
    bytes++;
    length--;
  }
  literal->inflating.next_in = (Bytef *)bytes;
  literal->inflating.avail_in = (uInt)length;
  while (!literal->is_inflated) {
    literal->inflating.next_out = piece;
    literal->inflating.avail_out = PIECE;
    int result = inflate(&literal->inflating, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return FALSE;
    literal->is_inflated = result == Z_STREAM_END;
    if (!feed(literal, &literal->inner, piece, PIECE - literal->inflating.avail_out))
      return FALSE;
    if (literal->inflating.avail_out > 0)
      break;
  }
  return TRUE;
}

static gboolean see_body(Literal *literal, Packets *packets, const guint8 *bytes, gsize length) {
  if (packets->tag == TAG_LITERAL)
    see_literal(literal, packets->at, bytes, length);
  else if (packets->tag == TAG_COMPRESSED && packets == &literal->outer)
    return see_compressed(literal, packets->at, bytes, length);
  else if (packets->tag == TAG_COMPRESSED)
    return FALSE;
  return TRUE;
}

static void begin_body(Packets *packets, guint64 length) {
  packets->left = length;
  packets->state = length > 0 ? IN_BODY : packets->is_partial ? AT_LENGTH : AT_TAG;
}

static gboolean take_tag(Packets *packets, guint8 octet) {
  Packets fresh = {.is_old = !(octet & 0x40), .tag = octet & 0x40 ? octet & 0x3f : octet >> 2 & 0x0f};
  if (!(octet & 0x80))
    return FALSE;
  fresh.state = fresh.is_old ? AT_MORE_LENGTH : AT_LENGTH;
  fresh.length_bytes = fresh.is_old ? 1u << (octet & 3) : 0;
  fresh.is_endless = fresh.is_old && (octet & 3) == 3;
  if (fresh.is_endless)
    begin_body(&fresh, G_MAXUINT64);
  *packets = fresh;
  return TRUE;
}

static void take_length(Packets *packets, guint8 octet) {
  packets->is_partial = octet >= 224 && octet < 255;
  packets->is_two = octet >= 192 && octet < 224;
  if (octet < 192 || packets->is_partial) {
    begin_body(packets, octet < 192 ? octet : (guint64)1 << (octet & 31));
    return;
  }
  packets->left = packets->is_two ? octet - 192u : 0;
  packets->length_bytes = packets->is_two ? 1 : 4;
  packets->state = AT_MORE_LENGTH;
}

static void take_more_length(Packets *packets, guint8 octet) {
  packets->left = packets->left << 8 | octet;
  if (--packets->length_bytes == 0)
    begin_body(packets, packets->left + (packets->is_two ? 192 : 0));
}

static gboolean take_body(Literal *literal, Packets *packets, const guint8 *bytes, gsize length, gsize *taken) {
  *taken = (gsize)MIN((guint64)length, packets->left);
  if (!see_body(literal, packets, bytes, *taken))
    return FALSE;
  packets->at += *taken;
  packets->left -= packets->is_endless ? 0 : *taken;
  if (packets->left == 0)
    packets->state = packets->is_partial ? AT_LENGTH : AT_TAG;
  return TRUE;
}

static gboolean feed(Literal *literal, Packets *packets, const guint8 *bytes, gsize length) {
  while (length > 0) {
    gsize taken = 1;
    gboolean ok = TRUE;
    switch (packets->state) {
    case AT_TAG:
      ok = take_tag(packets, *bytes);
      break;
    case AT_LENGTH:
      take_length(packets, *bytes);
      break;
    case AT_MORE_LENGTH:
      take_more_length(packets, *bytes);
      break;
    case IN_BODY:
      ok = take_body(literal, packets, bytes, length, &taken);
      break;
    }
    if (!ok)
      return FALSE;
    bytes += taken;
    length -= taken;
  }
  return TRUE;
}

gboolean literal_feed(Literal *literal, const guint8 *bytes, gsize length) {
  return feed(literal, &literal->outer, bytes, length);
}

gboolean literal_counts(Literal *literal, LiteralCounts *counts) {
  if (literal->after_return)
    literal->counts.lone_returns++;
  literal->after_return = FALSE;
  *counts = literal->counts;
  return literal->literals == 1 && (!literal->is_inflating || literal->is_inflated);
}
