/* The life of an inbound file, written down once: C, SQL checks, text and documents take the names from here.
 *
 *   seen → admitted → fetched → opened → staged → validated → posting → posted → sealed → answered → closed
 *     ↑       │         │         │        │
 *     │       └─────────┴────┬────┴────────┴──→ rejected → sealed → answered → closed   (an exception file)
 *     └── admitted: it changed after its evidence; seen, admitted → gone: it left the partner's folder
 *   fetched, opened, staged → duplicate → sealed, or answered (the original's answer is its own) or closed
 *   any live state before validated → held → the state it was held in (release), or rejected (a person decides)
 *
 * Who takes a file along an arrow (the book's book_advance_file alone sets a state):
 *   (new) → seen → admitted                  flow_poll
 *   seen, admitted → gone                    flow_poll; flow_fetch, when it is missing
 *   admitted → fetched, or back to seen      flow_fetch
 *   fetched → opened → staged                flow_open
 *   staged → validated                       flow_validate
 *   validated → posting → posted             flow_post
 *   posted, rejected, duplicate → sealed     flow_answer: the answer lies in the spool, its intents in the book
 *   duplicate → answered                     flow_answer, where none of its own is due
 *   sealed → answered                        flow_deliver
 *   answered → closed                        flow_close
 *   … → rejected                             flow_reject, flow_validate (all rules), flow_judge_order; an operator
 *   … → duplicate                            repeats_judge, repeats_judge_keys
 *   … → held                                 flow_trouble, flow_open, repeats_judge, flow_judge_order, lane_recover; an
 *                                            operator
 *   held → …                                 an operator (gateway/lane/control.c)
 *
 * What is durable in each stands at the head of each gateway/flow file.
 * `closed` and `gone` are terminal. A file is never removed from the book. */
#pragma once
#include <glib.h>

#define FILE_STATES(X) \
  X(SEEN, "seen") \
  X(ADMITTED, "admitted") \
  X(FETCHED, "fetched") \
  X(OPENED, "opened") \
  X(STAGED, "staged") \
  X(VALIDATED, "validated") \
  X(POSTING, "posting") \
  X(POSTED, "posted") \
  X(SEALED, "sealed") \
  X(ANSWERED, "answered") \
  X(CLOSED, "closed") \
  X(REJECTED, "rejected") \
  X(DUPLICATE, "duplicate") \
  X(HELD, "held") \
  X(GONE, "gone")
typedef enum {
#define FILE_STATE_ENUM(name, word) FILE_##name,
  FILE_STATES(FILE_STATE_ENUM) FILE_N_STATES
} FileState;

/* What became of a file, beside its state: accepted, rejected and duplicate files all end as `closed`. */
#define FILE_OUTCOMES(X) \
  X(NONE, NULL) \
  X(ACCEPTED, "accepted") \
  X(REJECTED, "rejected") \
  X(DUPLICATE, "duplicate")
typedef enum {
#define FILE_OUTCOME_ENUM(name, word) FILE_OUTCOME_##name,
  FILE_OUTCOMES(FILE_OUTCOME_ENUM) FILE_N_OUTCOMES
} FileOutcome;

/* What an unfinished file waits for before its next step. Beside it stand what exactly (a name, a file's id, an
 * endpoint) and why, for people. */
#define FILE_WAITS(X) \
  X(NOTHING, NULL) /* its turn */ \
  X(EVIDENCE, "evidence") /* more looks, or more time, without a change */ \
  X(MARKER, "marker") \
  X(SIGNATURE, "signature") \
  X(DECLARATION, "declaration") \
  X(KEYS, "keys") /* another file holds keys of this one's range */ \
  X(NUMBER, "number") /* of the sequence: a lower one has not come */ \
  X(ENDPOINT, "endpoint") \
  X(INTERFACE, "interface") /* it has asked for a pause */ \
  X(RETRY, "retry") /* a step failed */ \
  X(OPERATOR, "operator")
typedef enum {
#define FILE_WAIT_ENUM(name, word) FILE_WAIT_##name,
  FILE_WAITS(FILE_WAIT_ENUM) FILE_N_WAITS
} FileWait;

/* NULL for NONE and NOTHING, which the book stores as null. */
const char *file_outcome_word(FileOutcome outcome);
gboolean file_outcome_parse(const char *word, FileOutcome *outcome) G_GNUC_WARN_UNUSED_RESULT;
const char *file_wait_word(FileWait wait);
gboolean file_wait_parse(const char *word, FileWait *wait) G_GNUC_WARN_UNUSED_RESULT;

const char *file_state_word(FileState state);
gboolean file_state_parse(const char *word, FileState *state) G_GNUC_WARN_UNUSED_RESULT;
gboolean file_state_is_terminal(FileState state);
/* The one table of allowed transitions. */
gboolean file_state_may_become(FileState from, FileState to);
