/* The teller: a thread that brings alarms to the people and programs that alarms { } names: to the log, to a command,
 * to a webhook. It reads from the book what has to be told and writes back what was, so that a restart neither forgets
 * nor repeats at once. A crash between the two tells once more; id, event and times in the message say which telling it
 * is.
 *
 *   {"event":"raised","id":"0k3x…","node":"gw-01","lane":"points","kind":"file-missing",
 *    "subject":"acme-points daily 2026-11-20","feed":"acme-points","text":"…","raised_at":"2026-11-20T06:00:00Z",
 *    "times":1}
 *
 * event: raised, repeated, cleared, test. The text is ours: no name, message or byte of a partner's is in it
 * (`sallyport alarms` has them). */
#pragma once
#include "conf/conf.h"
#include "store/book_watch.h"

typedef struct Teller Teller;
/* all outlive it */
typedef struct {
  const Conf *conf;
  const char *lane;
  Book *book;
  const char *book_path;
} TellerOptions;
Teller *teller_start(const TellerOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void teller_wake(Teller *teller);
/* FALSE: it is connecting to a server that does not answer, which cannot be cut short; it and the configuration have to
 * be left until the process ends. */
gboolean teller_stop(Teller *teller, guint grace_seconds);

guint teller_ways(const ConfAlarms *alarms); /* ALARM_BY_… that are configured */
/* What cannot be put into the book, because that is what is wrong: told once by each way, by the calling thread, within
 * some seconds. */
void teller_tell_unsaved(const Conf *conf, const char *lane, const char *kind, const char *text);
