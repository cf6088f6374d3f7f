/* What all headers of the model use: a place in the configuration, and how a list of words becomes an enumeration.
 *
 * The words of a choice stand once, as a list of X(CONSTANT, "word"): both the enumeration and the words that people
 * write, in its order, are made of it. */
#pragma once
#include "gateway/base/error.h"

typedef struct {
  const char *file; /* NULL: not in the configuration */
  guint line;
} ConfWhere;

#define CONF_CONSTANT(constant, word) constant,
#define CONF_WORD(constant, word) [constant] = word,
