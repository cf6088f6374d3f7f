/* Finds, and suggests for, all structs that begin with `where` and `name`. What is looked up in a whole Conf is in
 * conf.h. */
#pragma once
#include "conf/conf.h"

gconstpointer named_find(const GPtrArray *array, const char *name);
char *named_suggest(const GPtrArray *array, const char *name); /* "; did you mean "x"?" or "", the caller frees */
