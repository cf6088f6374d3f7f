/* By which terms details were rated: what their rating knows of them (DetailPut.terms). */
#pragma once
#include "store/details.h"

typedef void (*DetailTermsVisit)(gpointer user, const char *terms);
/* Each text that is kept beside details: terms, but shapes, too. The same one may come once for each shard; one of an
 * admission that is under way may be missing. */
gboolean details_reader_terms(DetailsReader *reader, DetailTermsVisit visit, gpointer user,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
