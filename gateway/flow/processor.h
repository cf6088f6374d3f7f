/* What takes a validated file's batches, as the flow knows it: one row for each kind of `process` (CONF_PROCESSES),
 * which its own folder defines as processor_WORD. */
#pragma once
#include "gateway/common/policy.h"
#include "gateway/flow/feed_set.h"

/* Where in our own systems it goes. */
typedef struct {
  const char *system, *endpoint;
  const char *folder; /* files are put there; NULL: it is not put into folders */
  guint connections;  /* it uses so many, where the endpoint is not configured with more */
} ProcessorTarget;

/* What a processor has against a file all of whose records are good. */
typedef struct {
  FileState to;     /* FILE_VALIDATED: nothing; FILE_HELD, FILE_REJECTED */
  const char *code; /* static */
  char *reason;     /* owned */
} ProcessorVerdict;

/* A local file's records, staged and found good. */
typedef struct {
  const ConfLane *lane;
  const ConfFeed *feed;
  const Layout *layout;
  const char *folder;        /* of the lane; it may not be there yet */
  const char *path, *scratch; /* of the records; a folder for what is made meanwhile */
} ProcessorStaged;

struct Processor {
  /* Batches get their numbers when they are sent; until then they are ranges without one. */
  gboolean cuts_when_sent;
  /* Codes, each with a blank behind it, of holds that a person ends with a reason, which the audit keeps. NULL: none */
  const char *needs_reason;
  /* Behind the reason of a record that stands in the file before: what is not decided yet when the file is validated.
   * NULL: nothing. */
  const char *of_repeated;
  /* NULL: it needs no endpoint, and runs in a worker; else AT_PROCESS. */
  void (*target)(const ConfLane *lane, const ConfFeed *feed, ProcessorTarget *target);
  /* What of the configuration needs the layout to be checked; NULL: nothing. */
  gboolean (*check)(const ConfFeed *feed, const Layout *layout, GError **error);
  /* At the lane's start, after the feed's ledger and endpoints: what feeds share; NULL: nothing. */
  gboolean (*open)(Feeds *feeds, Feed *feed, GError **error);
  /* What its files change together: of those for which it is the same pointer, one at a time is between judge and
   * posted (keygate.h). NULL: nothing; a ledger's files are kept apart by their keys. */
  gconstpointer (*gate)(const ConfFeed *feed);
  /* Asked when the file's records are found good, before it is validated: from then on it cannot be held or rejected.
   * verdict->to is FILE_VALIDATED. May be asked several times. NULL: it has nothing against a good file. */
  gboolean (*judge)(Step *step, ProcessorVerdict *verdict, GError **error);
  /* The same of a local file (try.h), for the lane as it lies on the disk; changes nothing. NULL likewise. */
  gboolean (*foresee)(const ProcessorStaged *staged, ProcessorVerdict *verdict, GError **error);
  /* Called with the file in `posting`, as often as it takes. On TRUE either every batch is marked posted in the book,
   * and step->file->batches_posted says so, or the file was put off (its due_at, in the book, too). May be run again
   * from its beginning after a crash at any point; how, is argued at the head of its file. What it changes of the
   * file's counts in the book it changes in step->file as well: the next transition writes these. */
  gboolean (*run)(Step *step, GError **error);
  /* Its longest wait is the longest after a run that failed, for which the file itself is not to blame. */
  PolicyScope retries;
};

/* What the gate keeps the feed's files apart by; NULL: nothing. */
static inline gconstpointer processor_gate(const Feed *feed) {
  return feed->ledger ? feed->ledger : feed->processor->gate ? feed->processor->gate(feed->conf) : NULL;
}
