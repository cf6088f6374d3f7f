/* What all headers of the model use: a place in the configuration, and how a list of words becomes an enumeration.
 *
 * The words of a choice stand once, as a list of X(CONSTANT, "word"): the enumeration is made of it here, and the words
 * that people write in conf/table/row.h. */
#pragma once
#include "gateway/base/error.h"

typedef struct {
  const char *file; /* NULL: not in the configuration */
  guint line;
} ConfWhere;

#define CONF_CONSTANT(constant, word) constant,
