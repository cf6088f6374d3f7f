/* RFC 4880 §4.2 (packet headers) and §6.1, §6.2 (armour), and nothing else of it. */
#include "crypto/outline.h"
#include <string.h>

#define SUM_BEGINS 0xb704ce
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
enum { ALGORITHM_RSA = 1, ALGORITHM_RSA_ENCRYPT = 2, ALGORITHM_ECDH = 18, LEAST_NUMBER = 33 };

void outline_init(Outline *outline) {
  memset(outline, 0, sizeof *outline);
  outline->armor.sum = SUM_BEGINS;
}

/* The first octet of the body, by which packets of a message are told from bytes that only look like one. */
static gboolean is_version_of(guint tag, guint8 octet) {
  switch (tag) {
  case TAG_PKESK:
    return octet == 2 || octet == 3 || octet == 6;
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
    return octet != 0 && strchr("btul1m", octet);
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

/* Whether an encrypted session key has the parts that it must have: version, key id (8), algorithm, bits (2) and a
 * number of so many octets that lies within the packet. How the number is spelled (leading zeros, a count of whole
 * octets) is gpg's to read. Shorter numbers than any key has (a curve's point takes 33 octets) crash gpg-agent 2.2. */
static gboolean is_whole_session_key(const guint8 *body, guint64 length) {
  guint algorithm = length >= 10 ? body[9] : 0;
  if (algorithm != ALGORITHM_RSA && algorithm != ALGORITHM_RSA_ENCRYPT && algorithm != ALGORITHM_ECDH)
    return TRUE;
  if (length < 12 + LEAST_NUMBER)
    return FALSE;
  guint octets = ((guint)body[10] << 8 | body[11]) / 8 + ((body[11] & 7) > 0);
  return octets >= LEAST_NUMBER && octets <= length - 12;
}

static void end_packet(Outline *outline) {
  outline->packet.state = AT_TAG;
  if (outline->packet.tag == TAG_PKESK && !is_whole_session_key(outline->packet.start, outline->packet.size))
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

/* CRC-24 (0x864cfb), four bits at a time. */
static guint32 sum_byte(guint32 sum, guint8 octet) {
  static const guint32 steps[] = {0x000000, 0x864cfb, 0x8ad50d, 0x0c99f6, 0x93e6e1, 0x15aa1a, 0x1933ec, 0x9f7f17,
                                  0xa18139, 0x27cdc2, 0x2b5434, 0xad18cf, 0x3267d8, 0xb42b23, 0xb8b2d5, 0x3efe2e};
  sum ^= (guint32)octet << 16;
  sum = (sum << 4 ^ steps[sum >> 20]) & 0xffffff;
  return (sum << 4 ^ steps[sum >> 20]) & 0xffffff;
}

/* "=" and four letters are the checksum; other lines that begin so are padding. */
static gboolean is_wrong_sum(const Outline *outline, const char *line) {
  const char *letters = line + strspn(line, "=");
  guint32 sum = 0;
  if (*line != '=' || strlen(letters) != 4)
    return FALSE;
  for (; *letters; letters++) {
    int value = base64_value((guint8)*letters);
    if (value < 0)
      return TRUE;
    sum = sum << 6 | (guint32)value;
  }
  return sum != outline->armor.sum;
}

static void base64_byte(Outline *outline, guint8 octet);

/* The line that was kept is no header: the armour has no empty line, and this is its first line of base64 (gpg reads it
 * so, too). */
static void begin_base64(Outline *outline) {
  char line[sizeof outline->armor.line];
  memcpy(line, outline->armor.line, sizeof line);
  guint length = (guint)strlen(line);
  outline->armor.used = 0;
  memset(outline->armor.line, 0, sizeof outline->armor.line);
  outline->armor.state = ARMOR_BASE64;
  for (guint i = 0; i < length && !outline->malformed; i++)
    base64_byte(outline, (guint8)line[i]);
}

/* A line of the armour's frame has ended. What does not fit into `line` is cut: all that matters stands at its start.
 */
static void frame_line(Outline *outline) {
  gboolean is_indented = g_ascii_isspace(outline->armor.line[0]);
  char *line = g_strstrip(outline->armor.line);
  switch (outline->armor.state) {
  case ARMOR_BEFORE: /* gpg finds this line only where nothing stands before it */
    if (strcmp(line, "-----BEGIN PGP MESSAGE-----") == 0 && !is_indented)
      outline->armor.state = ARMOR_HEADERS;
    else if (strcmp(line, "-----BEGIN PGP SIGNED MESSAGE-----") == 0)
      outline->body = OUTLINE_CLEAR;
    else if (*line)
      outline->form = OUTLINE_FOREIGN;
    break;
  case ARMOR_HEADERS:
    if (!*line)
      outline->armor.state = ARMOR_BASE64;
    else if (!strchr(line, ':'))
      return begin_base64(outline);
    break;
  case ARMOR_TAIL:
    if (strcmp(line, "-----END PGP MESSAGE-----") == 0)
      outline->armor.state = ARMOR_AFTER;
    else if ((*line && *line != '=') || is_wrong_sum(outline, line)) /* only padding and checksum stand here */
      outline->malformed = TRUE;
    break;
  }
  outline->armor.used = 0;
  memset(outline->armor.line, 0, sizeof outline->armor.line);
}

static void frame_byte(Outline *outline, guint8 octet) {
  if (octet == '\n') {
    frame_line(outline);
    return;
  }
  if (outline->armor.used < sizeof outline->armor.line - 1)
    outline->armor.line[outline->armor.used++] = octet ? (char)octet : '\x01';
  /* A full line without a colon is no header. */
  else if (outline->armor.state == ARMOR_HEADERS && !strchr(outline->armor.line, ':')) {
    begin_base64(outline);
    base64_byte(outline, octet);
  }
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
  outline->armor.sum = sum_byte(outline->armor.sum, decoded);
  if (outline->armor.decoded)
    outline->armor.decoded[outline->armor.decoded_count++] = decoded;
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

gsize outline_feed_decoding(Outline *outline, const guint8 *bytes, gsize length, guint8 *decoded) {
  outline->armor.decoded = decoded;
  outline->armor.decoded_count = 0;
  outline_feed(outline, bytes, length);
  outline->armor.decoded = NULL;
  return outline->armor.decoded_count;
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
