#include "store/staging/block_codec.h"
#include <string.h>
#include <xxhash.h>

/* header: magic u32 · records u32 · length of all u64 · checksum of what follows u64 · columns u32
 *   The magic's last byte ('1', '2') is the version of the form: 2 has XXH3 for its checksum, 1 had one of our own.
 * lines:  form u8 (0 consecutive: first u64 · 8: u64 each)
 * then per column: type u8 · nulls u8 (0 none · 1 all, nothing follows · 2 one byte each) and
 *   integer: form u8 (4, 8: bytes each)
 *   text:    form u8 (0 all of one length: u32 · 1, 2, 4: bytes of each length) · bytes of text u32 · lengths · text */
enum { MAGIC_1 = 0x31425350, MAGIC = 0x32425350, HEADER = 28 };
enum { CONSECUTIVE = 0, NULLS_NONE = 0, NULLS_ALL = 1, NULLS_EACH = 2 };

G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN); /* whole arrays are copied; a big-endian port would swap here */

/* --- Checksums: they find damage, not intent. */

static guint64 checksum(const guint8 *bytes, gsize length, guint32 count) {
  return XXH3_64bits_withSeed(bytes, length, count);
}

/* That of version 1, whose blocks are only read. */
static guint64 mix(guint64 sum, guint64 word) {
  sum ^= word * G_GUINT64_CONSTANT(0xC2B2AE3D27D4EB4F);
  return ((sum << 31) | (sum >> 33)) * G_GUINT64_CONSTANT(0x9E3779B185EBCA87);
}

static guint64 checksum_1(const guint8 *bytes, gsize length, guint32 count) {
  guint64 sums[4] = {1, 2, 3, 4}, words[4];
  gsize at = 0;
  for (; at + 32 <= length; at += 32) {
    memcpy(words, bytes + at, 32);
    for (int i = 0; i < 4; i++)
      sums[i] = mix(sums[i], words[i]);
  }
  guint64 sum = length;
  for (int i = 0; i < 4; i++)
    sum = mix(sum, sums[i]);
  for (; at < length; at++)
    sum = mix(sum, bytes[at]);
  return sum ^ (sum >> 29) ^ count;
}

/* --- Encoding */

static void put8(GByteArray *out, guint value) {
  guint8 byte = (guint8)value;
  g_byte_array_append(out, &byte, 1);
}

static void put32(GByteArray *out, guint32 value) {
  g_byte_array_append(out, (const guint8 *)&value, sizeof value);
}

static guint8 *put_space(GByteArray *out, gsize length) {
  guint at = out->len;
  g_assert(at + length <= G_MAXINT32);
  g_byte_array_set_size(out, at + (guint)length);
  return out->data + at;
}

static void encode_lines(const guint64 *lines, guint count, GByteArray *out) {
  gboolean consecutive = TRUE;
  for (guint i = 1; i < count && consecutive; i++)
    consecutive = lines[i] == lines[0] + i;
  put8(out, consecutive ? CONSECUTIVE : 8);
  gsize length = (consecutive ? 1 : count) * sizeof *lines;
  if (count)
    memcpy(put_space(out, length), lines, length);
}

static gboolean encode_nulls(const guint8 *nulls, guint count, GByteArray *out) {
  guint absent = 0;
  for (guint i = 0; i < count; i++)
    absent += nulls[i];
  put8(out, absent == 0 ? NULLS_NONE : absent == count ? NULLS_ALL : NULLS_EACH);
  if (absent != 0 && absent != count)
    memcpy(put_space(out, count), nulls, count);
  return absent == 0 || absent != count;
}

static void encode_integers(const gint64 *integers, guint count, GByteArray *out) {
  guint64 wide = 0;
  for (guint i = 0; i < count; i++)
    wide |= (guint64)integers[i] + 0x80000000u; /* a high bit here: some value leaves 32 bits */
  gboolean narrow = (wide >> 32) == 0;
  put8(out, narrow ? 4 : 8);
  if (!narrow) {
    memcpy(put_space(out, count * sizeof(gint64)), integers, count * sizeof(gint64));
    return;
  }
  guint8 *to = put_space(out, count * sizeof(gint32));
  for (guint i = 0; i < count; i++) {
    gint32 value = (gint32)integers[i];
    memcpy(to + i * sizeof value, &value, sizeof value);
  }
}

static void encode_texts(const BlockColumn *column, guint from, guint count, GByteArray *out) {
  guint32 start = from ? column->ends[from - 1] : 0, bytes = column->ends[from + count - 1] - start;
  guint32 first = column->ends[from] - start, widest = 0, differ = 0;
  for (guint32 i = from, before = start; i < from + count; before = column->ends[i++]) {
    guint32 length = column->ends[i] - before;
    widest |= length;
    differ |= length ^ first;
  }
  guint form = !differ ? 0 : widest < 0x100 ? 1 : widest < 0x10000 ? 2 : 4;
  put8(out, form);
  put32(out, bytes);
  if (form == 0)
    put32(out, first);
  guint8 *to = put_space(out, (gsize)form * count);
  guint32 before = start;
  for (guint i = 0; form && i < count; i++) {
    guint32 length = column->ends[from + i] - before;
    before = column->ends[from + i];
    if (form == 1)
      to[i] = (guint8)length;
    else
      memcpy(to + (gsize)form * i, &length, form);
  }
  if (bytes)
    memcpy(put_space(out, bytes), column->bytes + start, bytes);
}

void block_encode(const RecordBlock *block, guint from, guint count, GByteArray *out) {
  g_assert(from + count <= block->count);
  guint begin = out->len;
  put_space(out, HEADER);
  encode_lines(block->lines + from, count, out);
  for (guint i = 0; i < block->n_columns; i++) {
    const BlockColumn *column = &block->columns[i];
    put8(out, column->type);
    if (!encode_nulls(column->nulls + from, count, out) || count == 0)
      continue;
    if (column->type == BLOCK_INTEGER)
      encode_integers(column->integers + from, count, out);
    else
      encode_texts(column, from, count, out);
  }
  guint8 *header = out->data + begin;
  guint32 magic = MAGIC;
  guint64 length = out->len - begin;
  memcpy(header, &magic, 4);
  memcpy(header + 4, &count, 4);
  memcpy(header + 8, &length, 8);
  memcpy(header + 24, &block->n_columns, 4);
  guint64 sum = checksum(header + 24, length - 24, count);
  memcpy(header + 16, &sum, 8);
}

/* --- Decoding. The checksum is verified first, but no length is believed for that: each is checked against what is
 * left. */

typedef struct {
  const guint8 *at, *end;
  gboolean bad;
} Input;

static const guint8 *take_bytes(Input *in, gsize length) {
  const guint8 *at = in->at;
  if (in->bad || (gsize)(in->end - at) < length) {
    in->bad = TRUE;
    return NULL;
  }
  in->at += length;
  return at;
}

static guint take8(Input *in) {
  const guint8 *at = take_bytes(in, 1);
  return at ? *at : 0xff;
}

static guint32 take32(Input *in) {
  guint32 value = 0;
  const guint8 *at = take_bytes(in, 4);
  if (at)
    memcpy(&value, at, 4);
  return value;
}

/* The part of an encoded block that is wanted, and where it goes. */
typedef struct {
  guint total, from, count;
  RecordBlock *into;
} CodecSlice;

static void decode_lines(Input *in, const CodecSlice *slice) {
  guint64 *to = slice->into->lines + slice->into->count, first = 0;
  guint form = take8(in);
  if (slice->total == 0)
    return;
  const guint8 *lines = take_bytes(in, (form == CONSECUTIVE ? 1 : (gsize)slice->total) * sizeof first);
  if (!lines || (form != CONSECUTIVE && form != 8)) {
    in->bad = TRUE;
    return;
  }
  if (form == 8) {
    memcpy(to, lines + slice->from * sizeof first, slice->count * sizeof first);
    return;
  }
  memcpy(&first, lines, sizeof first);
  for (guint i = 0; i < slice->count; i++)
    to[i] = first + slice->from + i;
}

static void decode_integers(Input *in, const CodecSlice *slice, BlockColumn *column) {
  guint form = take8(in);
  if (form != 4 && form != 8) {
    in->bad = TRUE;
    return;
  }
  const guint8 *from = take_bytes(in, (gsize)form * slice->total);
  if (!from)
    return;
  from += (gsize)form * slice->from;
  gint64 *to = column->integers + slice->into->count;
  if (form == 8) {
    memcpy(to, from, slice->count * sizeof *to);
    return;
  }
  for (guint i = 0; i < slice->count; i++) {
    gint32 value;
    memcpy(&value, from + i * sizeof value, sizeof value);
    to[i] = value;
  }
}

static inline guint32 length_at(const guint8 *lengths, guint form, guint32 each, guint i) {
  if (form == 1)
    return lengths[i];
  guint32 length = each;
  if (form)
    length = 0, memcpy(&length, lengths + (gsize)form * i, form);
  return length;
}

static void decode_texts(Input *in, const CodecSlice *slice, BlockColumn *column) {
  guint form = take8(in);
  guint32 bytes = take32(in), each = form == 0 ? take32(in) : 0;
  if (form > 4 || form == 3) {
    in->bad = TRUE;
    return;
  }
  const guint8 *lengths = take_bytes(in, (gsize)form * slice->total), *text = take_bytes(in, bytes);
  if (in->bad)
    return;
  RecordBlock *into = slice->into;
  guint32 base = into->count ? column->ends[into->count - 1] : 0;
  guint64 skipped = 0, end = base;
  for (guint i = 0; i < slice->from; i++)
    skipped += length_at(lengths, form, each, i);
  for (guint i = 0; i < slice->count; i++) {
    end += length_at(lengths, form, each, slice->from + i);
    column->ends[into->count + i] = (guint32)end;
  }
  if (skipped + (end - base) > bytes || end > G_MAXUINT32) {
    in->bad = TRUE;
    return;
  }
  if (end > column->bytes_capacity) {
    column->bytes_capacity = MAX((gsize)end, column->bytes_capacity * 2);
    column->bytes = g_realloc(column->bytes, column->bytes_capacity);
  }
  if (end > base)
    memcpy(column->bytes + base, text + skipped, end - base);
  into->text_bytes += end - base;
}

static void decode_all_null(const CodecSlice *slice, BlockColumn *column) {
  guint at = slice->into->count;
  guint32 base = at && column->type == BLOCK_TEXT ? column->ends[at - 1] : 0;
  memset(column->nulls + at, 1, slice->count);
  for (guint i = at; i < at + slice->count; i++)
    if (column->type == BLOCK_TEXT)
      column->ends[i] = base;
    else
      column->integers[i] = 0;
}

static void decode_column(Input *in, const CodecSlice *slice, BlockColumn *column) {
  guint type = take8(in), nulls = take8(in), at = slice->into->count;
  if (type != (guint)column->type || nulls > NULLS_EACH) {
    in->bad = TRUE;
    return;
  }
  if (nulls == NULLS_ALL) {
    decode_all_null(slice, column);
    return;
  }
  const guint8 *each = nulls == NULLS_EACH ? take_bytes(in, slice->total) : NULL;
  if (slice->total == 0 || in->bad)
    return;
  if (each)
    memcpy(column->nulls + at, each + slice->from, slice->count);
  else
    memset(column->nulls + at, 0, slice->count);
  if (column->type == BLOCK_INTEGER)
    decode_integers(in, slice, column);
  else
    decode_texts(in, slice, column);
}

guint block_encoded_count(const void *bytes, gsize length) {
  guint32 magic = 0, count = 0;
  if (length < HEADER)
    return 0;
  memcpy(&magic, bytes, 4);
  memcpy(&count, (const guint8 *)bytes + 4, 4);
  return magic == MAGIC || magic == MAGIC_1 ? count : 0;
}

static const char *header_fault(const guint8 *bytes, gsize length, guint n_columns) {
  guint64 whole, sum;
  guint32 magic, columns, count;
  if (length < HEADER)
    return "too short";
  memcpy(&magic, bytes, 4);
  memcpy(&count, bytes + 4, 4);
  memcpy(&whole, bytes + 8, 8);
  memcpy(&sum, bytes + 16, 8);
  memcpy(&columns, bytes + 24, 4);
  if (magic != MAGIC && magic != MAGIC_1)
    return "not a block";
  if (whole != length)
    return "cut or lengthened";
  if (sum != (magic == MAGIC ? checksum : checksum_1)(bytes + 24, length - 24, count))
    return "the checksum does not match";
  return columns == n_columns ? NULL : "other columns than expected";
}

gboolean block_decode(const void *bytes, gsize length, guint from, guint count, RecordBlock *into, GError **error) {
  const char *fault = header_fault(bytes, length, into->n_columns);
  if (fault)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "a stored block of records is damaged: %s", fault);
  guint total = block_encoded_count(bytes, length);
  g_assert(into->count + count <= into->capacity);
  if (from > total || count > total - from)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "a stored block holds %u records, %u… were wanted",
                               total, from);
  gsize text_bytes = into->text_bytes;
  Input in = {.at = (const guint8 *)bytes + HEADER, .end = (const guint8 *)bytes + length};
  CodecSlice slice = {.total = total, .from = from, .count = count, .into = into};
  decode_lines(&in, &slice);
  for (guint i = 0; i < into->n_columns && !in.bad; i++)
    decode_column(&in, &slice, &into->columns[i]);
  if (in.bad || in.at != in.end) {
    into->text_bytes = text_bytes;
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "a stored block of records is damaged: a length is wrong");
  }
  into->count += count;
  return TRUE;
}
