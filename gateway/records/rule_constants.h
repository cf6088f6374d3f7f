/* The constants that a feed's rules may name beside its records' columns: header_FIELD, text or integer by the field's
 * type. */
#pragma once
#include "conf/conf.h"
#include "store/staging.h"

/* RuleConstant, as types without values: for compiling rules. Free with rule_constants_free, which frees the names. */
GArray *rule_constants_of(const ConfLayout *layout);
void rule_constants_free(GArray *constants);
/* With the values that a staged file's header has for them. */
void rule_constants_fill(GArray *constants, const ConfLayout *layout, StagingReader *reader);
