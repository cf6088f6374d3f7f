/* Alarms of a lane: what stands is kept here as it is in the book, so that raising again what stands, and clearing
 * what does not, costs nothing. Kinds: file-missing, file-incomplete, file-misnamed, listing-cut, file-held,
 * file-rejected, sequence-reused, sequence-gap, sequence-late, login-refused, endpoint-failing, poll-failing,
 * fetch-failing, posting-failing, delivery-failing, interface-failing, disk-short, key-expiring, test; recon-late and
 * recon-failed are gateway/recon's, rates-missing the ratings', idle-deferred gateway/idle's, replay-mismatch
 * gateway/replay's; storage-failed, configuration-contradicts and book-unwritable are told without the book. What each
 * means stands in packaging/man/sallyport.1. */
#pragma once
#include "store/book_watch.h"

typedef struct Alarms Alarms;
Alarms *alarms_new(Book *book, guint ways);
void alarms_free(Alarms *alarms);
/* Any thread but the book's writer. call->ways is not looked at. What cannot be written is logged, and tried again at
 * the next call. */
void alarms_raise(Alarms *alarms, const AlarmCall *call);
void alarms_clear(Alarms *alarms, const char *kind, const char *subject);
/* What stands in the book now: transactions of the flow raise alarms, too, and people acknowledge them. */
gboolean alarms_refresh(Alarms *alarms, BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
AlarmState alarms_state(Alarms *alarms, const char *kind, const char *subject); /* ALARM_CLEARED: none stands */
/* Clears every alarm of this kind whose subject is not in the set (of strings). */
void alarms_clear_others(Alarms *alarms, const char *kind, GHashTable *subjects);
