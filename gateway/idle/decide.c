#include "gateway/idle/decide.h"

gboolean idle_in_window(const ConfIdle *conf, guint second) {
  guint from, until;
  if (!conf->windows || !conf->windows[0])
    return TRUE;
  for (char **window = conf->windows; *window; window++)
    if (conf_idle_window(*window, &from, &until) &&
        (from < until ? second >= from && second < until : second >= from || second < until))
      return TRUE;
  return FALSE;
}

static void change(IdleState *state, gboolean is_idle, const char *why, gint64 now) {
  *state = (IdleState){.is_idle = is_idle, .since = now, .transitions = state->transitions + 1, .why = why};
}

/* The first signal beyond its mark; NULL: none is. */
static const char *beyond(const ConfIdle *conf, const IdleSample *sample, gboolean upper) {
  const struct {
    const char *name;
    guint value, mark;
  } signals[] = {{"others use the processors", sample->cpu, upper ? conf->cpu_above : conf->cpu_below},
                 {"somebody waits for a disk", sample->io, upper ? conf->io_above : conf->io_below},
                 {"somebody waits for memory", sample->memory, conf->memory_above}};
  for (guint i = 0; i < G_N_ELEMENTS(signals); i++)
    if (signals[i].value > signals[i].mark * 10)
      return signals[i].name;
  return NULL;
}

static gint64 since(gint64 before, gboolean holds, gint64 now) {
  return !holds ? 0 : before > 0 ? before : now;
}

void idle_decide(const ConfIdle *conf, IdleState *state, const IdleSample *sample, const char *no, gint64 now) {
  const char *high = beyond(conf, sample, TRUE), *not_low = no ? no : beyond(conf, sample, FALSE);
  if (state->since == 0)
    state->since = now - (gint64)conf->cool_down * G_USEC_PER_SEC;
  state->high_since = since(state->high_since, high != NULL, now);
  state->low_since = since(state->low_since, !not_low, now);
  if (state->is_idle) {
    if (no || (high && now - state->high_since >= (gint64)conf->busy_for * G_USEC_PER_SEC))
      change(state, FALSE, no ? no : high, now);
    return;
  }
  gboolean is_long_enough = !not_low && now - state->low_since >= (gint64)conf->idle_for * G_USEC_PER_SEC,
           is_cool = now - state->since >= (gint64)conf->cool_down * G_USEC_PER_SEC;
  if (is_long_enough && is_cool)
    change(state, TRUE, NULL, now);
  else
    state->why = not_low ? not_low : !is_long_enough ? "it has not been idle for long enough" : "it cools down";
}
