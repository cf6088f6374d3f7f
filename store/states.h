/* The life of an inbound file, written down once: C, SQL checks, text and documents take the names from here.
 *
 *   seen → admitted → fetched → opened → staged → validated → posting → posted → answered → closed
 *     ↑       │         │         │        │
 *     │       └─────────┴────┬────┴────────┴──→ rejected → answered → closed   (an exception file)
 *     └── admitted: it changed after its evidence; seen, admitted → gone: it left the partner's folder
 *   fetched, opened, staged → duplicate → answered or closed
 *   any live state before validated → held → the state it was held in (release), or rejected (a person decides)
 *
 * What is durable in each: DESIGN.md, "The life of an inbound file", and the head of each gateway/flow file.
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

const char *file_state_word(FileState state);
gboolean file_state_parse(const char *word, FileState *state) G_GNUC_WARN_UNUSED_RESULT;
gboolean file_state_is_terminal(FileState state);
/* The one table of allowed transitions. */
gboolean file_state_may_become(FileState from, FileState to);
