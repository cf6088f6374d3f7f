/* Numbers in the forms that their field declares: a comma for the point, thousands set apart, a sign behind the digits.
 * Only what is declared is read; whatever else stands there is a fault. Nothing is printed in these forms: answers
 * repeat what came. */
#pragma once
#include "conf/conf.h"

#define NUMBER_LONGEST 128 /* bytes of a number as it comes, and more than those of a plain one */

gboolean number_is_formed(const ConfField *field);
typedef enum {
  NUMBER_PLAIN,
  NUMBER_ABSENT,  /* nothing but blanks, which are taken off */
  NUMBER_WRONG,   /* it is none in these forms */
  NUMBER_INEXACT, /* it has fewer or more decimals than are agreed */
} NumberForm;
/* Into the form that all other fields have, as -1234.50, of *n bytes; what its parts are is for the caller to read. */
NumberForm number_plain(const ConfField *field, gboolean may_plus, const guint8 *text, gsize length,
                        guint8 into[NUMBER_LONGEST], gsize *n);
/* How such a number is written, for people: "1.234,56-". The caller frees. */
char *number_example(const ConfField *field);

/* Zoned decimal, in characters: the last digit carries the sign, over which a card had a 12 or an 11 punched: { A … I
 * are +0 … +9, } J … R are -0 … -9, and a digit is one without a sign. (HP COBOL II/XL Reference Manual, "Overpunch
 * Characters for Rightmost Digit in ASCII Coded Decimal Numbers".) Programs of ASCII machines have p … y for -0 … -9,
 * and digits for what is not below zero (GnuCOBOL, by default). FALSE: no such digit. */
gboolean zone_read(ConfSign sign, guint8 byte, guint *digit, gboolean *negative);
char zone_print(ConfSign sign, char digit, gboolean negative);
static inline gboolean zone_is_of(const ConfField *conf) {
  return conf->sign == CONF_SIGN_OVERPUNCH || conf->sign == CONF_SIGN_ZONED_ASCII;
}
