/* Values: an operator's SQL expressions that give something for each record, where rules (store/rules.h) give a yes or
 * no. The same closed room, the same functions, the same refusals.
 *
 * A value of kind money may be what price(), portion() and their like give, or an integer of the same units; it has no
 * bare * / or %, which would wrap, or cut what has to be kept. One column of money may be named, whose values are
 * handed in with each block: what the value before has given. It may stand where money may stand, and nowhere else. */
#pragma once
#include "store/money.h"
#include "store/rules.h"

typedef enum { VALUE_INTEGER, VALUE_MONEY } ValueKind;
typedef struct {
  const char *name; /* for messages */
  const char *when; /* a condition; where it is not true the record has no value. NULL: always */
  const char *value;
  ValueKind kind;
} ValueRule;

typedef struct ValueSet ValueSet; /* one per thread */
/* Checks each as rules are checked; copies what it needs. `money`: the column's name; NULL: none. CONFIGURATION names
 * the value. */
typedef struct {
  const ValueRule *rules;
  guint n_rules; /* at most RULES_MAX */
  const StagingColumn *columns;
  guint n_columns;
  const char *money;
} ValueSetOptions;
ValueSet *value_set_new(const ValueSetOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void value_set_free(ValueSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ValueSet, value_set_free)

typedef enum {
  VALUE_ABSENT, /* null: something that it needs is, or it leaves its bits; or the record has a fault */
  VALUE_UNASKED, /* `when` is not true */
  VALUE_GIVEN
} ValueOutcome;
/* One of them over a block: an outcome for each record, and its value where one is given. `amounts`: the column of
 * money, one per record; NULL: all null. Of kind integer the denominator is 1. FILE as rule_set_run. */
gboolean value_set_run(ValueSet *set, guint rule, const RecordBlock *block, const Money *amounts, Money *values,
                       guint8 *outcomes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
