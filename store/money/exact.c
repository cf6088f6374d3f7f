#include "store/money.h"

/* Products are made of magnitudes without sign: clang's checked product of signed 128 bits wants a function that not
 * every system's libraries have. The smallest 128-bit number is not used: it has no positive twin. */
typedef unsigned __int128 Magnitude;
#define LARGEST (~(Magnitude)0 >> 1)

static Magnitude magnitude(__int128 value) {
  return value < 0 ? -(Magnitude)value : (Magnitude)value;
}

static __int128 with_sign(Magnitude value, gboolean negative) {
  return negative ? -(__int128)value : (__int128)value;
}

static gboolean multiply(__int128 a, gint64 b, __int128 *product) {
  Magnitude x = magnitude(a), y = magnitude(b);
  if (y != 0 && x > G_MAXINT64 && x > LARGEST / y)
    return FALSE;
  *product = with_sign(x * y, (a < 0) != (b < 0));
  return TRUE;
}

static gboolean add(__int128 a, __int128 b, __int128 *sum) {
  Magnitude x = magnitude(a), y = magnitude(b);
  if ((a < 0) == (b < 0) && x > LARGEST - y)
    return FALSE;
  *sum = a + b;
  return TRUE;
}

static gint64 common_divisor(Magnitude a, Magnitude b) {
  while (b) {
    Magnitude rest = a % b;
    a = b;
    b = rest;
  }
  return (gint64)a;
}

static Money reduced(Money value) {
  gint64 divisor = common_divisor(magnitude(value.numerator), (Magnitude)value.denominator);
  return (Money){value.numerator / divisor, value.denominator / divisor};
}

/* value × by ÷ over, both > 0 or by any sign. The fraction is reduced only where it would not fit otherwise: a common
 * divisor of 128 bits costs more than all else here. */
static gboolean scale_by(Money value, gint64 by, gint64 over, Money *result) {
  for (int attempt = 0; attempt < 2; attempt++) {
    Money scaled;
    if (multiply(value.numerator, by, &scaled.numerator) &&
        !__builtin_mul_overflow(value.denominator, over, &scaled.denominator)) {
      *result = scaled;
      return TRUE;
    }
    Money ratio = reduced((Money){by, over});
    by = (gint64)ratio.numerator;
    over = ratio.denominator;
    value = reduced(value);
    Money crosswise = reduced((Money){value.numerator, over});
    value.numerator = crosswise.numerator;
    over = crosswise.denominator;
    crosswise = reduced((Money){by, value.denominator});
    by = (gint64)crosswise.numerator;
    value.denominator = crosswise.denominator;
  }
  return FALSE;
}

gboolean money_price(gint64 quantity, Money rate, gint64 per, Money *price) {
  return per >= 1 && scale_by(rate, quantity, per, price);
}

gboolean money_portion(Money amount, gint64 parts, gint64 of, Money *portion) {
  return of >= 1 && scale_by(amount, parts, of, portion);
}

gboolean money_add(Money a, Money b, Money *sum) {
  Money total = {0, a.denominator};
  if (a.denominator == b.denominator) {
    if (!add(a.numerator, b.numerator, &total.numerator))
      return FALSE;
    *sum = total;
    return TRUE;
  }
  gint64 divisor = common_divisor((Magnitude)a.denominator, (Magnitude)b.denominator);
  __int128 x, y;
  if (!multiply(a.numerator, b.denominator / divisor, &x) || !multiply(b.numerator, a.denominator / divisor, &y) ||
      !add(x, y, &total.numerator) ||
      __builtin_mul_overflow(a.denominator, b.denominator / divisor, &total.denominator))
    return FALSE;
  *sum = total;
  return TRUE;
}

gboolean money_subtract(Money a, Money b, Money *difference) {
  return money_add(a, (Money){-b.numerator, b.denominator}, difference);
}

/* By whole parts first; the rests are below their denominators, so that their products fit. */
int money_compare(Money a, Money b) {
  __int128 x = a.numerator / a.denominator, y = b.numerator / b.denominator;
  if (x == y) {
    x = a.numerator % a.denominator * b.denominator;
    y = b.numerator % b.denominator * a.denominator;
  }
  return (x > y) - (x < y);
}

static gboolean goes_up(MoneyRounding rounding, Magnitude whole, Magnitude rest, Magnitude divisor) {
  Magnitude other = divisor - rest; /* how far it is to the next one */
  switch (rounding) {
  case MONEY_UP:
    return rest > 0;
  case MONEY_HALF_UP:
    return rest >= other;
  case MONEY_HALF_EVEN:
    return rest > other || (rest == other && (whole & 1));
  case MONEY_DOWN:
  case MONEY_N_ROUNDINGS:
    break;
  }
  return FALSE;
}

gboolean money_round(Money value, MoneyRounding rounding, guint dropped, gint64 *units) {
  Magnitude divisor = (Magnitude)value.denominator, of = magnitude(value.numerator);
  if (dropped > MONEY_SCALE_MAX)
    return FALSE;
  for (guint i = 0; i < dropped; i++)
    divisor *= 10; /* below 2^63 × 10^18, which is below 2^123 */
  Magnitude whole = of / divisor;
  if (goes_up(rounding, whole, of % divisor, divisor))
    whole++;
  gboolean negative = value.numerator < 0;
  if (whole > (Magnitude)G_MAXINT64 + (negative ? 1 : 0))
    return FALSE;
  *units = (gint64)with_sign(whole, negative);
  return TRUE;
}

static const char *const words[MONEY_N_ROUNDINGS] = {
#define ROUNDING_WORD(name, word) [name] = word,
    MONEY_ROUNDINGS(ROUNDING_WORD)};

const char *money_rounding_word(MoneyRounding rounding) {
  return (guint)rounding < MONEY_N_ROUNDINGS ? words[rounding] : "unknown";
}

gboolean money_rounding_parse(const char *word, MoneyRounding *rounding) {
  for (guint i = 0; i < MONEY_N_ROUNDINGS; i++)
    if (g_strcmp0(words[i], word) == 0) {
      *rounding = (MoneyRounding)i;
      return TRUE;
    }
  return FALSE;
}
