/* What can be said of a rule from its text alone, before SQLite sees it: that it is one expression and nothing more (so
 * that it can be put into a statement), and that it names no REAL. Reads tokens as SQLite's tokenizer does. */
#pragma once
#include "gateway/base/error.h"

/* What stands for an amount of money, besides what the functions of money give. */
typedef struct {
  const char *column;  /* of the records; NULL: none */
  gboolean gives_money; /* the whole text may be money: then it has no * / or %, which would wrap or cut it */
} RuleTextMoney;

/* CONFIGURATION with what to write instead. *computes: the text has arithmetic or abs(), the only ways left to a REAL
 * value, so that the rule's value must be looked at when it runs. */
gboolean rule_text_check(const char *text, const RuleTextMoney *money, gboolean *computes,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
