/* What the steps have in common: moving a file on, putting it off, setting it aside. Each is one transaction with its
 * line in the log; there is no other way for a step to do one of them. */
#pragma once
#include "gateway/flow/flow.h"

/* What a part of a step has come to. */
typedef enum {
  STEP_FAILED, /* *error says why */
  STEP_ON,     /* the step goes on */
  STEP_MOVED   /* the file has another state, or waits: the step is at its end */
} StepResult;

gboolean flow_advance(Step *step, FileState to, const char *detail, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Logs the state that the file is in now, and the time since step->since, which begins anew. */
void flow_log(Step *step, const char *detail);
/* Sets why the file is where it is: both are copied; NULL: neither. */
void flow_set_reason(BookFile *file, const char *code, const char *reason);

/* Why a file waits, and what is written with that. */
typedef struct {
  FileWait what;
  const char *on, *why; /* what exactly: a name, an id; why, for people. NULL: nothing to say */
  const char *note;     /* for the history; NULL: not worth a line there */
  BookChange also;      /* in the same transaction; NULL: nothing */
  gpointer data;
} Wait;
/* Nothing is done with the file before `until` (microseconds since 1970): in the book, or the lane would take it up
 * again at once. The log has a line of its own for a wait that is not the one before. */
gboolean flow_put_off(Step *step, gint64 until, const Wait *wait, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Nothing of the file will be posted any more, or all of it has been: others may have its keys, and its room. */
void flow_release_keys(const Step *step);

/* Out of the way: held for a person, or rejected. The history has the code first. */
typedef struct {
  FileState to; /* FILE_HELD, FILE_REJECTED */
  const char *code, *reason;
  BookChange also; /* in the same transaction; NULL: nothing */
  gpointer data;
} Aside;
/* In the transaction that rejects a file: one alarm a feed, which weighs more with each; over when somebody has
 * seen it. */
gboolean flow_raise_rejected(BookTransaction *tx, const Step *step, const BookFile *file, const char *code,
                             const char *reason, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean flow_set_aside(Step *step, const Aside *aside, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean flow_hold(Step *step, const char *code, const char *reason, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean flow_reject(Step *step, const char *code, const char *reason, GError **error) G_GNUC_WARN_UNUSED_RESULT;
