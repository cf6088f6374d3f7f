/* version (2) · number of exceptions · then each: record − the one before · line − the one before (zigzag) · outcome
 * and what follows (bits) · code · reason · key · account · amount (zigzag). Version 1 had nothing behind its
 * reason. All numbers are LEB128 varints; key and account are a length and bytes. Code and reason are indices into one
 * dictionary that grows as it is read: an index equal to its size is followed by the length and bytes of a new entry.
 */
#include "gateway/records/exceptions.h"
#include <string.h>

enum { VERSION_1 = 1, VERSION = 2 };
enum { OUTCOME_BITS = 3, HAS_KEY = 4, HAS_ACCOUNT = 8, HAS_AMOUNT = 16 };

struct ExceptionPacker {
  GByteArray *bytes;
  GHashTable *dictionary; /* text -> index + 1 */
  guint64 count, record, line;
};

static void put_varint(GByteArray *bytes, guint64 value) {
  guint8 buffer[10];
  guint n = 0;
  for (; value >= 0x80; value >>= 7)
    buffer[n++] = (guint8)(value | 0x80);
  buffer[n++] = (guint8)value;
  g_byte_array_append(bytes, buffer, n);
}

static void put_text(ExceptionPacker *packer, const char *text) {
  const char *wanted = text ? text : "";
  gpointer index = g_hash_table_lookup(packer->dictionary, wanted);
  if (index) {
    put_varint(packer->bytes, GPOINTER_TO_SIZE(index) - 1);
    return;
  }
  gsize length = strlen(wanted), size = g_hash_table_size(packer->dictionary);
  put_varint(packer->bytes, size);
  put_varint(packer->bytes, length);
  g_byte_array_append(packer->bytes, (const guint8 *)wanted, (guint)length);
  g_hash_table_insert(packer->dictionary, g_strdup(wanted), GSIZE_TO_POINTER(size + 1));
}

static void put_bytes(GByteArray *bytes, const char *text) {
  gsize length = strlen(text);
  put_varint(bytes, length);
  g_byte_array_append(bytes, (const guint8 *)text, (guint)length);
}

static guint64 zigzag(gint64 number) {
  return ((guint64)number << 1) ^ (guint64)(number >> 63);
}

ExceptionPacker *exception_packer_new(void) {
  ExceptionPacker *packer = g_new0(ExceptionPacker, 1);
  packer->bytes = g_byte_array_new();
  packer->dictionary = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return packer;
}

void exception_packer_add(ExceptionPacker *packer, const RecordException *exception) {
  g_assert(exception->record > packer->record);
  gint64 lines = (gint64)(exception->line - packer->line);
  put_varint(packer->bytes, exception->record - packer->record);
  put_varint(packer->bytes, zigzag(lines));
  put_varint(packer->bytes, exception->outcome | (exception->key ? HAS_KEY : 0u) |
                                (exception->account ? HAS_ACCOUNT : 0u) | (exception->has_amount ? HAS_AMOUNT : 0u));
  put_text(packer, exception->code);
  put_text(packer, exception->reason);
  if (exception->key)
    put_bytes(packer->bytes, exception->key);
  if (exception->account)
    put_bytes(packer->bytes, exception->account);
  if (exception->has_amount)
    put_varint(packer->bytes, zigzag(exception->amount));
  packer->record = exception->record;
  packer->line = exception->line;
  packer->count++;
}

GBytes *exception_packer_finish(ExceptionPacker *packer) {
  GByteArray *whole = g_byte_array_sized_new(packer->bytes->len + 11);
  put_varint(whole, VERSION);
  put_varint(whole, packer->count);
  g_byte_array_append(whole, packer->bytes->data, packer->bytes->len);
  gboolean is_empty = packer->count == 0;
  g_byte_array_unref(packer->bytes);
  g_hash_table_unref(packer->dictionary);
  g_free(packer);
  if (!is_empty)
    return g_byte_array_free_to_bytes(whole);
  g_byte_array_unref(whole);
  return NULL;
}

struct ExceptionCursor {
  GBytes *packed;
  const guint8 *at, *end;
  GPtrArray *dictionary;
  guint64 left, version;
  GString *key, *account; /* of the current one */
  gboolean is_damaged;
  RecordException current;
};

static gboolean get_varint(ExceptionCursor *cursor, guint64 *value) {
  *value = 0;
  for (guint shift = 0; cursor->at < cursor->end && shift < 64; shift += 7) {
    guint8 byte = *cursor->at++;
    if (shift == 63 && byte > 1)
      return FALSE;
    *value |= (guint64)(byte & 0x7f) << shift;
    if (byte < 0x80)
      return TRUE;
  }
  return FALSE;
}

static gboolean get_text(ExceptionCursor *cursor, char **text) {
  guint64 index, length;
  if (!get_varint(cursor, &index) || index > cursor->dictionary->len)
    return FALSE;
  if (index == cursor->dictionary->len) {
    if (!get_varint(cursor, &length) || length > (guint64)(cursor->end - cursor->at) ||
        memchr(cursor->at, 0, (gsize)length))
      return FALSE;
    g_ptr_array_add(cursor->dictionary, g_strndup((const char *)cursor->at, (gsize)length));
    cursor->at += length;
  }
  *text = cursor->dictionary->pdata[index];
  return TRUE;
}

static gboolean get_bytes(ExceptionCursor *cursor, GString *into, char **text) {
  guint64 length;
  if (!get_varint(cursor, &length) || length > (guint64)(cursor->end - cursor->at) ||
      memchr(cursor->at, 0, (gsize)length))
    return FALSE;
  g_string_truncate(into, 0);
  g_string_append_len(into, (const char *)cursor->at, (gssize)length);
  cursor->at += length;
  *text = into->str;
  return TRUE;
}

static gboolean get_values(ExceptionCursor *cursor, guint64 has) {
  RecordException *current = &cursor->current;
  guint64 amount = 0;
  current->key = current->account = NULL;
  current->has_amount = (has & HAS_AMOUNT) != 0;
  if ((has & HAS_KEY && !get_bytes(cursor, cursor->key, &current->key)) ||
      (has & HAS_ACCOUNT && !get_bytes(cursor, cursor->account, &current->account)) ||
      (current->has_amount && !get_varint(cursor, &amount)))
    return FALSE;
  current->amount = (gint64)((amount >> 1) ^ (0 - (amount & 1)));
  return TRUE;
}

static gboolean get_exception(ExceptionCursor *cursor) {
  RecordException *current = &cursor->current;
  guint64 records, lines, outcome;
  if (!get_varint(cursor, &records) || records == 0 ||
      __builtin_add_overflow(current->record, records, &current->record) || !get_varint(cursor, &lines) ||
      !get_varint(cursor, &outcome) || (outcome & OUTCOME_BITS) > OUTCOME_DUPLICATE ||
      outcome > (cursor->version == VERSION_1 ? OUTCOME_BITS : OUTCOME_BITS | HAS_KEY | HAS_ACCOUNT | HAS_AMOUNT))
    return FALSE;
  current->line += (lines >> 1) ^ (0 - (lines & 1));
  current->outcome = (Outcome)(outcome & OUTCOME_BITS);
  return get_text(cursor, &current->code) && get_text(cursor, &current->reason) && get_values(cursor, outcome);
}

ExceptionCursor *exception_cursor_new(GBytes *packed) {
  ExceptionCursor *cursor = g_new0(ExceptionCursor, 1);
  cursor->dictionary = g_ptr_array_new_with_free_func(g_free);
  cursor->key = g_string_new(NULL);
  cursor->account = g_string_new(NULL);
  if (!packed)
    return cursor;
  gsize length;
  cursor->packed = g_bytes_ref(packed);
  cursor->at = g_bytes_get_data(packed, &length);
  cursor->end = cursor->at + length;
  cursor->is_damaged = !get_varint(cursor, &cursor->version) || cursor->version < VERSION_1 ||
                       cursor->version > VERSION || !get_varint(cursor, &cursor->left);
  return cursor;
}

const RecordException *exception_cursor_next(ExceptionCursor *cursor, GError **error) {
  if (!cursor->is_damaged && cursor->left == 0 && cursor->at == cursor->end)
    return NULL;
  cursor->is_damaged = cursor->is_damaged || cursor->left == 0 || !get_exception(cursor);
  if (!cursor->is_damaged) {
    cursor->left--;
    return &cursor->current;
  }
  sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                      "the packed exceptions of a batch are damaged (behind record %" G_GUINT64_FORMAT ")",
                      cursor->current.record);
  return NULL;
}

void exception_cursor_free(ExceptionCursor *cursor) {
  if (!cursor)
    return;
  g_clear_pointer(&cursor->packed, g_bytes_unref);
  g_ptr_array_unref(cursor->dictionary);
  g_string_free(cursor->key, TRUE);
  g_string_free(cursor->account, TRUE);
  g_free(cursor);
}

gboolean exceptions_mark(GBytes *packed, guint64 first, guint count, guint8 *marks, GError **error) {
  ExceptionCursor *cursor = exception_cursor_new(packed);
  const RecordException *exception;
  GError *damage = NULL;
  while ((exception = exception_cursor_next(cursor, &damage)))
    if (exception->record >= first && exception->record - first < count)
      marks[exception->record - first] = 1;
  exception_cursor_free(cursor);
  if (damage)
    g_propagate_error(error, damage);
  return damage == NULL;
}
