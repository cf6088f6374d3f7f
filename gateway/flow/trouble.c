/* Failure policy: what becomes of a file whose step failed. How long and how often is in common/policy.h.
 *
 *   code           scope      what is done
 *   again,         file       the step is tried again, for ever; it looks before it repeats. A file in posting waits no
 *   uncertain                 longer than its processor's row says. One on its way in (admitted) is held after
 *                             retry-limit tries: an endpoint that cannot be reached is no such try, and a file that
 *                             never comes must not be waited for in silence
 *   partner        file       the same, but after retry-limit tries the file is held for a person, where it can be held
 *   login          endpoint   its breaker (threads/endpoint_pool.c) stops all logins after three; the file is tried
 *                             again at the longest wait
 *   file           file       rejected: the partner is told
 *   configuration  feed       tried again at the longest wait: the operator has to change something, nothing is lost
 *                             meanwhile
 *   bug            file       three tries, then held; past the point where it can be held: again at the longest wait,
 *                             loudly
 *   storage        lane       the lane stops: a disk that fails an fsync must not be written to as if nothing had been
 *
 * A file that was moved by someone else (an operator's hold) while the step ran is simply let go.
 *
 * The step's copy of the row may be ahead of the book: facts that it set for a change that then failed. Writing these
 * with the note of the failure would make them true (a size and time of which there is no evidence, counts of a
 * validation that never was). So the row is read again, and only that is written back. */
#include "gateway/common/codes.h"
#include "gateway/flow/processor.h"
#include "gateway/flow/step.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"

typedef enum { RETRY, RETRY_SLOWLY, REJECT, HOLD, STOP } Action;

static Action action_for(const Step *step, SallyportErrorCode code) {
  guint tries = step->file->attempts + 1;
  gboolean can_hold = file_state_may_become(step->file->state, FILE_HELD),
           is_used_up = tries >= MAX(step->feed->conf->retry_limit, 1);
  switch (code) {
  case SALLYPORT_ERROR_AGAIN:
  case SALLYPORT_ERROR_UNCERTAIN:
    return is_used_up && step->file->state == FILE_ADMITTED ? HOLD : RETRY;
  case SALLYPORT_ERROR_PARTNER:
    return is_used_up && can_hold ? HOLD : RETRY;
  case SALLYPORT_ERROR_LOGIN:
  case SALLYPORT_ERROR_CONFIGURATION:
    return RETRY_SLOWLY;
  case SALLYPORT_ERROR_FILE:
    return file_state_may_become(step->file->state, FILE_REJECTED) ? REJECT : RETRY_SLOWLY;
  case SALLYPORT_ERROR_STORAGE:
    return STOP;
  case SALLYPORT_ERROR_BUG:
    break;
  }
  return tries < POLICY_BUG_TRIES ? RETRY : can_hold ? HOLD : RETRY_SLOWLY;
}

static gint64 wait_time(const Step *step, Action action) {
  gint64 longest = policy_longest(POLICY_FILE);
  if (action == RETRY_SLOWLY)
    return policy_spread(longest);
  if (step->file->state == FILE_POSTING && step->feed->processor)
    longest = policy_longest(step->feed->processor->retries);
  return policy_spread(MIN(policy_wait(POLICY_FILE, step->file->attempts + 1), longest));
}

gint64 flow_patience(const Feed *feed) {
  gint64 wait = 0;
  for (guint tries = 1; tries < feed->conf->retry_limit; tries++)
    wait += policy_wait(POLICY_FILE, tries);
  return wait / G_USEC_PER_SEC;
}

static void report(const Step *step, const char *name, const GError *error, const char *outcome) {
  log_event(sallyport_error_code(error) == SALLYPORT_ERROR_AGAIN ? LOG_WARNING : LOG_ERROR, "trouble",
            {"feed", step->feed->conf->name}, {"file", step->file->id}, {"state", file_state_word(step->file->state)},
            {"step", name}, {"code", sallyport_error_word((int)sallyport_error_code(error))}, {"error", error->message},
            {"attempt", log_number(step->file->attempts)}, {"outcome", outcome},
            {"ms", log_number((g_get_monotonic_time() - step->since) / 1000)});
}

/* History gets the first, second, fourth, eighth … failure: enough to tell the tale, and bounded. */
static gboolean try_again(Step *step, const char *name, Action action, const GError *cause, GError **error) {
  BookFile *file = step->file;
  gint64 until = g_get_real_time() + wait_time(step, action);
  file->attempts++;
  g_free(file->problem);
  file->problem = g_strdup(cause->message);
  gboolean is_power_of_two = (file->attempts & (file->attempts - 1)) == 0;
  Wait wait = {
      .what = FILE_WAIT_RETRY, .on = name, .why = cause->message, .note = is_power_of_two ? cause->message : NULL};
  return flow_put_off(step, until, &wait, error);
}

static gboolean hold(Step *step, const GError *cause, GError **error) {
  g_autofree char *reason = g_strdup_printf("held after %u tries: %s", step->file->attempts + 1, cause->message);
  return flow_hold(step, CODE_TRIES_USED_UP, reason, error);
}

static Trouble not_noted(const Step *step, const char *name, const GError *error) {
  report(step, name, error, "not-noted");
  return sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE ? TROUBLE_STOP_LANE : TROUBLE_NOT_NOTED;
}

static Trouble act(Step *step, const char *name, const GError *cause) {
  g_autoptr(GError) error = NULL;
  Action action = action_for(step, sallyport_error_code(cause));
  static const char *const outcomes[] = {
      [RETRY] = "retry", [RETRY_SLOWLY] = "retry", [REJECT] = "rejected", [HOLD] = "held", [STOP] = "lane-stops"};
  report(step, name, cause, outcomes[action]);
  gboolean ok = TRUE;
  if (action == STOP)
    return TROUBLE_STOP_LANE;
  if (action == REJECT)
    ok = flow_reject(step, CODE_STEP_REFUSED, cause->message, &error);
  else if (action == HOLD)
    ok = hold(step, cause, &error);
  else
    ok = try_again(step, name, action, cause, &error);
  return ok ? TROUBLE_AGAIN : not_noted(step, name, error);
}

Trouble flow_trouble(Step *step, const char *name, const GError *cause) {
  g_autoptr(GError) error = NULL;
  if (sallyport_error_code(cause) == SALLYPORT_ERROR_STORAGE)
    return act(step, name, cause);
  g_autoptr(BookFile) row = book_find_file(step->reader, step->file->id, &error);
  if (!row) {
    report(step, name, cause, "retry");
    return not_noted(step, name, error ? error : cause);
  }
  if (row->state != step->file->state) {
    log_event(LOG_INFO, "let-go", {"feed", step->feed->conf->name}, {"file", step->file->id}, {"step", name});
    return TROUBLE_MOVED;
  }
  Step again = *step;
  again.file = row;
  return act(&again, name, cause);
}
