/* Numbers that we give: {sequence} in the names of answers and of delivered files counts from 1, for each feed and
 * purpose apart. */
#pragma once
#include "gateway/flow/flow.h"

/* This file's number, once a template that is used has {sequence} (NULL ones are passed over); else 0, and nothing is
 * counted.
 *
 * The first call gives the number to the file in one transaction, every later one finds it: a crash at any point after
 * that seals the answer under the same number, and the one before it gave none. So no number is skipped, and no two
 * files have one. */
gboolean flow_own_number(Step *step, const char *purpose, const char *const *templates, gsize n, guint64 *number,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
