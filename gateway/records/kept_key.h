/* A key as a person or a partner writes it, in the form in which the ledger keeps it: of each field what value_kept_as
 * says, dates also in the layout's format; a composed key part by part, with slashes between as it is shown. */
#pragma once
#include "conf/conf.h"
#include <glib.h>

typedef struct {
  const ConfLayout *layout;
  const ConfFeed *feed;
  gboolean is_shown; /* from what we show or publish: prefixes are off already, and what looks like one is none */
} KeyForm;
/* NULL: it is no key of this feed, as one that lacks a part. Of a key that holds within a day or a file, that is its
 * first part, and stays as it is. The caller frees. */
char *key_kept_as(const KeyForm *form, const char *text);
/* Whether there is anything that key_kept_as may change. */
gboolean key_has_forms(const KeyForm *form);
