/* recon compare: which of our columns is held against which of theirs. */
#pragma once
#include "gateway/recon/compare.h"

typedef struct {
  const ReconSource *ours, *theirs;
  const Conf *conf;
  const ConfFeed *feed; /* that credits the ledger */
  const ConfRead *read;
  gboolean is_own; /* theirs is in the lines that we publish; else in a layout of the configuration */
  const char *given; /* OURS[=THEIRS],…; NULL: nothing more is said */
} CompareColumnsAsked;
typedef struct {
  CompareColumn key, amount, others[COMPARE_OTHERS_MOST];
  guint n_others;
  GPtrArray *kept; /* the names that `given` has */
} CompareColumns;
/* Key and amount; account and business date where both sides have them; what is given. CONFIGURATION for a word that
 * cannot be understood. */
gboolean compare_columns_find(const CompareColumnsAsked *asked, CompareColumns *columns,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
void compare_columns_clear(CompareColumns *columns);
