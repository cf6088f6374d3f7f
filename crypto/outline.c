/* RFC 4880 §4.2 (packet headers) and §6.2 (armour), and nothing else of it. */
#include "crypto/outline.h"
#include <string.h>

enum { AT_TAG = 0, AT_LENGTH, AT_MORE_LENGTH, IN_BODY };
enum { ARMOR_BEFORE = 0, ARMOR_HEADERS, ARMOR_BASE64, ARMOR_TAIL, ARMOR_AFTER };
enum {
  TAG_PKESK = 1,
  TAG_SIGNATURE = 2,
  TAG_SKESK = 3,
  TAG_ONE_PASS = 4,
  TAG_COMPRESSED = 8,
  TAG_ENCRYPTED = 9,
  TAG_MARKER = 10,
  TAG_LITERAL = 11,
  TAG_SEIPD = 18,
  TAG_OCB = 20,
  TAG_PADDING = 21
};
enum { ALGORITHM_RSA = 1, ALGORITHM_RSA_ENCRYPT = 2, ALGORITHM_ECDH = 18 };

void outline_init(Outline *outline) {
  memset(outline, 0, sizeof *outline);
}

/* The first octet of the body, by which packets of a message are told from bytes that only look like one. */
static gboolean is_version_of(guint tag, guint8 octet) {
  switch (tag) {
  case TAG_PKESK:
    return octet == 3 || octet == 6; /* gpg takes 2 as well, but then a changed bit would go unseen */
  case TAG_SIGNATURE:
    return octet >= 2 && octet <= 6;
  case TAG_SKESK:
    return octet >= 4 && octet <= 6;
  case TAG_ONE_PASS:
    return octet == 3 || octet == 6;
  case TAG_COMPRESSED:
    return octet <= 3;
  case TAG_MARKER:
    return octet == 'P';
  case TAG_LITERAL:
    return octet != 0 && strchr("btul1m", octet) != NULL;
  case TAG_SEIPD:
    return octet == 1 || octet == 2;
  case TAG_OCB:
    return octet == 1;
  case TAG_ENCRYPTED:
  case TAG_PADDING:
    return TRUE;
  default:
    return FALSE;
  }
}

static void reject(Outline *outline) {
  if (outline->packet.packets <= 1 && outline->form == OUTLINE_BINARY)
    outline->form = OUTLINE_FOREIGN;
  outline->malformed = TRUE;
}

static void begin_body(Outline *outline, guint8 octet) {
  guint tag = outline->packet.tag;
  if (!is_version_of(tag, octet)) {
    reject(outline);
    return;
  }
  switch (tag) {
  case TAG_PKESK:
    outline->public_key_sessions++;
    break;
  case TAG_SKESK:
    outline->passphrase_sessions++;
    break;
  case TAG_ENCRYPTED:
    outline->body = OUTLINE_UNPROTECTED;
    break;
  case TAG_OCB:
    outline->body = OUTLINE_AEAD;
    break;
  case TAG_SEIPD:
    outline->body = octet == 1 ? OUTLINE_MDC : OUTLINE_AEAD_RFC9580;
    break;
  case TAG_MARKER:
  case TAG_PADDING:
    break;
  default:
    outline->body = OUTLINE_CLEAR;
  }
}

/* An encrypted session key begins with a number that has several encodings which gpg takes for the same: with a wrong
 * count of bits, and for a curve point also with no 0x40 in front, or with the top bit set that X25519 ignores. Only
 * the defined one is let through (RFC 4880 §3.2, RFC 9580 §11.2), so that no changed bit of a message goes unseen, and
 * the one of Go's old library, which counts whole octets; no single bit leads from the one to the other. Version, key
 * id (8), algorithm, bits (2), number. */
static gboolean is_strict_session_key(const guint8 *body, guint64 length) {
  guint algorithm = length >= 10 ? body[9] : 0;
  if (algorithm != ALGORITHM_RSA && algorithm != ALGORITHM_RSA_ENCRYPT && algorithm != ALGORITHM_ECDH)
    return TRUE;
  if (length < 12 + 33)
    return FALSE;
  guint bits = (guint)body[10] << 8 | body[11], octets = (bits + 7) / 8, top = body[12];
  guint bits_of_top = top ? (guint)g_bit_storage(top) : 0;
  if (octets < 33 || octets > length - 12)
    return FALSE;
  if (algorithm != ALGORITHM_ECDH)
    return bits == 8 * octets || (top && bits == 8 * (octets - 1) + bits_of_top);
  if (bits != 8 * (octets - 1) + bits_of_top)
    return FALSE;
  return top != 0x40 || octets != 33 || !(body[12 + 32] & 0x80);
}

static void end_packet(Outline *outline) {
  outline->packet.state = AT_TAG;
  if (outline->packet.tag == TAG_PKESK && !is_strict_session_key(outline->packet.start, outline->packet.size))
    outline->malformed = TRUE;
  if (outline->body != OUTLINE_NO_BODY)
    outline->complete = TRUE;
}

static void length_known(Outline *outline, guint64 length, gboolean partial) {
  outline->packet.left = length;
  outline->packet.partial = partial;
  outline->packet.state = IN_BODY;
  if (length > 0)
    return;
  if (outline->packet.first) /* a body without its version octet */
    reject(outline);
  else
    end_packet(outline); /* the closing, empty part of a body in parts */
}

static void take_tag(Outline *outline, guint8 octet) {
  outline->packet.packets++;
  outline->packet.first = TRUE;
  outline->packet.left = 0;
  outline->packet.started = 0;
  outline->packet.size = 0;
  if (!(octet & 0x80)) {
    reject(outline);
    return;
  }
  if (octet & 0x40) {
    outline->packet.tag = octet & 0x3f;
    outline->packet.state = AT_LENGTH;
    outline->packet.length_bytes = 0;
    return;
  }
  outline->packet.tag = (octet >> 2) & 0x0f;
  if ((octet & 3) == 3) { /* until the input's end */
    outline->packet.indefinite = TRUE;
    length_known(outline, G_MAXUINT64, FALSE);
    return;
  }
  outline->packet.length_bytes = 1u << (octet & 3);
  outline->packet.state = AT_MORE_LENGTH;
}

/* New-format lengths: one octet, two octets, five octets, or a power of two with more parts to come. */
static void take_length(Outline *outline, guint8 octet) {
  if (octet < 192) {
    length_known(outline, octet, FALSE);
  } else if (octet < 224) {
    outline->packet.left = octet - 192u;
    outline->packet.length_bytes = 1;
    outline->packet.old_length_type = 1;
    outline->packet.state = AT_MORE_LENGTH;
  } else if (octet < 255) {
    length_known(outline, (guint64)1 << (octet & 31), TRUE);
  } else {
    outline->packet.length_bytes = 4;
    outline->packet.state = AT_MORE_LENGTH;
  }
}

static void take_more_length(Outline *outline, guint8 octet) {
  guint64 length = outline->packet.left << 8 | octet;
  outline->packet.left = length;
  if (--outline->packet.length_bytes > 0)
    return;
  if (outline->packet.old_length_type == 1)
    length += 192;
  outline->packet.old_length_type = 0;
  length_known(outline, length, FALSE);
}

static void keep_start(Outline *outline, const guint8 *bytes, gsize length) {
  gsize room = sizeof outline->packet.start - outline->packet.started, taken = MIN(room, length);
  outline->packet.size += length;
  if (outline->packet.tag != TAG_PKESK)
    return;
  memcpy(outline->packet.start + outline->packet.started, bytes, taken);
  outline->packet.started += (guint)taken;
}

static gsize skip_body(Outline *outline, const guint8 *bytes, gsize length) {
  if (outline->packet.first) {
    outline->packet.first = FALSE;
    begin_body(outline, bytes[0]);
    if (outline->malformed)
      return 1;
  }
  gsize taken = (gsize)MIN((guint64)length, outline->packet.left);
  keep_start(outline, bytes, taken);
  if (!outline->packet.indefinite)
    outline->packet.left -= taken;
  if (outline->packet.left > 0)
    return taken;
  if (outline->packet.partial)
    outline->packet.state = AT_LENGTH;
  else
    end_packet(outline);
  return taken;
}

static void feed_packets(Outline *outline, const guint8 *bytes, gsize length) {
  while (length > 0 && !outline->malformed) {
    gsize taken = 1;
    if (outline->complete) {
      outline->beside = TRUE;
      return;
    }
    switch (outline->packet.state) {
    case AT_TAG:
      take_tag(outline, *bytes);
      break;
    case AT_LENGTH:
      take_length(outline, *bytes);
      break;
    case AT_MORE_LENGTH:
      take_more_length(outline, *bytes);
      break;
    default:
      taken = skip_body(outline, bytes, length);
    }
    bytes += taken;
    length -= taken;
  }
}

static int base64_value(guint8 octet) {
  if (octet >= 'A' && octet <= 'Z')
    return octet - 'A';
  if (octet >= 'a' && octet <= 'z')
    return octet - 'a' + 26;
  if (octet >= '0' && octet <= '9')
    return octet - '0' + 52;
  return octet == '+' ? 62 : octet == '/' ? 63 : -1;
}

/* A line of the armour's frame has ended. What does not fit into `line` is cut: all that matters stands at its start.
 */
static void frame_line(Outline *outline) {
  char *line = g_strchomp(outline->armor.line);
  outline->armor.used = 0;
  switch (outline->armor.state) {
  case ARMOR_BEFORE:
    if (strcmp(line, "-----BEGIN PGP MESSAGE-----") == 0)
      outline->armor.state = ARMOR_HEADERS;
    else if (strcmp(line, "-----BEGIN PGP SIGNED MESSAGE-----") == 0)
      outline->body = OUTLINE_CLEAR;
    else if (*line)
      outline->form = OUTLINE_FOREIGN;
    break;
  case ARMOR_HEADERS:
    if (!*line)
      outline->armor.state = ARMOR_BASE64;
    break;
  case ARMOR_TAIL:
    if (strcmp(line, "-----END PGP MESSAGE-----") == 0)
      outline->armor.state = ARMOR_AFTER;
    else if (*line && *line != '=') /* only padding and checksum stand here */
      outline->malformed = TRUE;
    break;
  }
  memset(outline->armor.line, 0, sizeof outline->armor.line);
}

static void frame_byte(Outline *outline, guint8 octet) {
  if (octet == '\n') {
    frame_line(outline);
    return;
  }
  if (outline->armor.used < sizeof outline->armor.line - 1)
    outline->armor.line[outline->armor.used++] = octet ? (char)octet : '\x01';
}

static void base64_byte(Outline *outline, guint8 octet) {
  if (g_ascii_isspace(octet))
    return;
  int value = base64_value(octet);
  if (value < 0) {
    outline->malformed = octet != '=' && octet != '-';
    outline->armor.state = ARMOR_TAIL;
    frame_byte(outline, octet);
    return;
  }
  outline->armor.bits = (outline->armor.bits << 6 | (guint)value) & 0xffffff;
  if (++outline->armor.count % 4 == 1)
    return;
  static const guint shift[] = {0, 0, 4, 2};
  guint8 decoded = (guint8)(outline->armor.bits >> shift[outline->armor.count % 4]);
  outline->armor.count %= 4;
  feed_packets(outline, &decoded, 1);
}

static void feed_armor(Outline *outline, const guint8 *bytes, gsize length) {
  for (gsize i = 0; i < length && outline->form == OUTLINE_ARMOR && outline->body != OUTLINE_CLEAR; i++) {
    switch (outline->armor.state) {
    case ARMOR_BASE64:
      base64_byte(outline, bytes[i]);
      break;
    case ARMOR_AFTER:
      outline->beside |= !g_ascii_isspace(bytes[i]);
      break;
    default:
      frame_byte(outline, bytes[i]);
    }
  }
}

void outline_feed(Outline *outline, const guint8 *bytes, gsize length) {
  if (length == 0)
    return;
  if (outline->form == OUTLINE_EMPTY)
    outline->form = bytes[0] & 0x80 ? OUTLINE_BINARY : OUTLINE_ARMOR;
  if (outline->form == OUTLINE_BINARY)
    feed_packets(outline, bytes, length);
  else if (outline->form == OUTLINE_ARMOR)
    feed_armor(outline, bytes, length);
}

void outline_end(Outline *outline) {
  if (outline->form == OUTLINE_ARMOR) {
    frame_line(outline);
    if (outline->form == OUTLINE_ARMOR && outline->armor.state == ARMOR_BEFORE && outline->body == OUTLINE_NO_BODY)
      outline->form = OUTLINE_FOREIGN;
    outline->complete &= outline->armor.state == ARMOR_AFTER;
  } else if (outline->packet.indefinite && outline->body != OUTLINE_NO_BODY) {
    outline->complete = TRUE;
  }
}
