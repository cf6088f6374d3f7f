/* number of legs, then each: quantity, row, amount; then the steps: 2 * step + counts, change. Integers are varints, of
 * signed ones twice their size, less one if below zero; an exact amount is its numerator and its denominator. */
#include "gateway/processors/rating/pack.h"
#include "store/money.h"

void usage_key_add(GString *key, guint n_parts, const char *part, gsize length) {
  if (n_parts > 1)
    g_string_append_printf(key, "%" G_GSIZE_FORMAT ":", length);
  g_string_append_len(key, part, (gssize)length);
}

static void put(GString *bytes, unsigned __int128 value) {
  for (; value > 127; value >>= 7)
    g_string_append_c(bytes, (char)((value & 127) | 128));
  g_string_append_c(bytes, (char)value);
}

static void put_signed(GString *bytes, __int128 value) {
  put(bytes, value < 0 ? ((unsigned __int128)~value << 1) | 1 : (unsigned __int128)value << 1);
}

static void put_money(GString *bytes, Money money) {
  put_signed(bytes, money.numerator);
  put(bytes, (unsigned __int128)money.denominator);
}

void price_pack_row(gint64 row, GString *bytes) {
  put_signed(bytes, row);
}

void price_pack(const Rated *rated, guint index, GString *bytes) {
  const RatedRecord *record = &rated->records[index];
  const RatedStep *steps = rated_steps(rated, index);
  put(bytes, record->n_legs);
  for (guint i = 0; i < record->n_legs; i++) {
    const RatedLeg *leg = rated_legs(rated, record) + i;
    put_signed(bytes, leg->quantity);
    put_signed(bytes, leg->row);
    put_money(bytes, leg->amount);
  }
  for (guint i = 0; i < record->n_steps; i++) {
    put(bytes, 2 * (guint64)steps[i].step + (steps[i].counts ? 1 : 0));
    put_money(bytes, steps[i].change);
  }
}

/* --- And back */

typedef struct {
  const guint8 *at, *end;
  gboolean damaged;
} Cursor;

static unsigned __int128 get(Cursor *cursor) {
  unsigned __int128 value = 0;
  for (guint shift = 0; shift < 128 && cursor->at < cursor->end; shift += 7) {
    guint8 byte = *cursor->at++;
    value |= (unsigned __int128)(byte & 127) << shift;
    if (!(byte & 128))
      return value;
  }
  cursor->damaged = TRUE;
  return 0;
}

static __int128 get_signed(Cursor *cursor) {
  unsigned __int128 value = get(cursor);
  return value & 1 ? ~(__int128)(value >> 1) : (__int128)(value >> 1);
}

static Money get_money(Cursor *cursor) {
  Money money = {.numerator = get_signed(cursor)};
  money.denominator = (gint64)get(cursor);
  cursor->damaged |= money.denominator <= 0;
  return money;
}

void packed_price_clear(PackedPrice *price) {
  g_clear_pointer(&price->legs, g_array_unref);
  g_clear_pointer(&price->steps, g_array_unref);
}

gboolean price_unpack(const char *bytes, gsize length, PackedPrice *price) {
  Cursor cursor = {(const guint8 *)bytes, (const guint8 *)bytes + length, FALSE};
  Money amount = {0, 1};
  price->legs = g_array_new(FALSE, FALSE, sizeof(RatedLeg));
  price->steps = g_array_new(FALSE, FALSE, sizeof(RatedStep));
  for (guint64 n = (guint64)get(&cursor); n > 0 && !cursor.damaged; n--) {
    RatedLeg leg = {.quantity = (gint64)get_signed(&cursor)};
    leg.row = (gint64)get_signed(&cursor);
    leg.amount = get_money(&cursor);
    g_array_append_val(price->legs, leg);
  }
  while (!cursor.damaged && cursor.at < cursor.end) {
    guint64 word = (guint64)get(&cursor);
    RatedStep step = {.step = (guint)(word / 2), .counts = word & 1, .change = get_money(&cursor)};
    if (cursor.damaged || !money_add(amount, step.change, &step.amount))
      return FALSE;
    if (step.counts)
      amount = step.amount;
    g_array_append_val(price->steps, step);
  }
  return !cursor.damaged;
}

GArray *price_unpack_rows(const char *bytes, gsize length) {
  Cursor cursor = {(const guint8 *)bytes, (const guint8 *)bytes + length, FALSE};
  GArray *rows = g_array_new(FALSE, FALSE, sizeof(gint64));
  while (!cursor.damaged && cursor.at < cursor.end) {
    gint64 row = (gint64)get_signed(&cursor);
    g_array_append_val(rows, row);
  }
  if (!cursor.damaged)
    return rows;
  g_array_unref(rows);
  return NULL;
}
