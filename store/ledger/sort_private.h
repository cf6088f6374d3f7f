/* Sorting a slice of entries by account, for a fold. Private to store/ledger/. */
#pragma once
#include <glib.h>

typedef struct {
  guint32 text, length; /* the account, in `texts` */
  gint64 amount;
} FoldItem;

/* The items' indexes in the order of their accounts (as memcmp, the shorter first), and of the indexes where accounts
 * are equal. The caller frees. */
guint32 *ledger_sort_items(const FoldItem *items, guint n, const guint8 *texts);
