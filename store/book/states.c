#include "store/states.h"

static const char *const words[FILE_N_STATES] = {
#define FILE_STATE_WORD(name, word) [FILE_##name] = word,
    FILE_STATES(FILE_STATE_WORD)};

/* One row per state, one bit per state that it may become: the diagram of states.h. */
#define TO(name) (1u << FILE_##name)
static const guint32 may_become[FILE_N_STATES] = {
    [FILE_SEEN] = TO(ADMITTED) | TO(GONE) | TO(HELD),
    [FILE_ADMITTED] = TO(FETCHED) | TO(REJECTED) | TO(HELD) | TO(SEEN) | TO(GONE),
    [FILE_FETCHED] = TO(OPENED) | TO(REJECTED) | TO(DUPLICATE) | TO(HELD),
    [FILE_OPENED] = TO(STAGED) | TO(REJECTED) | TO(DUPLICATE) | TO(HELD),
    [FILE_STAGED] = TO(VALIDATED) | TO(REJECTED) | TO(DUPLICATE) | TO(HELD),
    /* Its keys are reserved and its batches are cut: from here on there is no way out but forward. */
    [FILE_VALIDATED] = TO(POSTING),
    [FILE_POSTING] = TO(POSTED),
    [FILE_POSTED] = TO(SEALED),
    [FILE_SEALED] = TO(ANSWERED),
    [FILE_ANSWERED] = TO(CLOSED),
    [FILE_REJECTED] = TO(SEALED),
    [FILE_DUPLICATE] = TO(SEALED) | TO(ANSWERED) | TO(CLOSED),
    /* The book narrows this to the state that the file was held in, or rejected (files.c). */
    [FILE_HELD] = TO(SEEN) | TO(ADMITTED) | TO(FETCHED) | TO(OPENED) | TO(STAGED) | TO(REJECTED),
};

static gboolean is_state(FileState state) {
  return (guint)state < FILE_N_STATES;
}

const char *file_state_word(FileState state) {
  return is_state(state) ? words[state] : "unknown";
}

/* The place of the word in the list; its length when it is not there. */
static guint place_of(const char *const *list, guint n, const char *word) {
  guint i = 0;
  while (i < n && g_strcmp0(list[i], word) != 0)
    i++;
  return i;
}

gboolean file_state_parse(const char *word, FileState *state) {
  guint place = word ? place_of(words, FILE_N_STATES, word) : FILE_N_STATES;
  if (place < FILE_N_STATES)
    *state = (FileState)place;
  return place < FILE_N_STATES;
}

static const char *const outcomes[FILE_N_OUTCOMES] = {
#define FILE_OUTCOME_WORD(name, word) [FILE_OUTCOME_##name] = word,
    FILE_OUTCOMES(FILE_OUTCOME_WORD)};

const char *file_outcome_word(FileOutcome outcome) {
  return (guint)outcome < FILE_N_OUTCOMES ? outcomes[outcome] : NULL;
}

gboolean file_outcome_parse(const char *word, FileOutcome *outcome) {
  guint place = place_of(outcomes, FILE_N_OUTCOMES, word);
  if (place < FILE_N_OUTCOMES)
    *outcome = (FileOutcome)place;
  return place < FILE_N_OUTCOMES;
}

static const char *const waits[FILE_N_WAITS] = {
#define FILE_WAIT_WORD(name, word) [FILE_WAIT_##name] = word,
    FILE_WAITS(FILE_WAIT_WORD)};

const char *file_wait_word(FileWait wait) {
  return (guint)wait < FILE_N_WAITS ? waits[wait] : NULL;
}

gboolean file_wait_parse(const char *word, FileWait *wait) {
  guint place = place_of(waits, FILE_N_WAITS, word);
  if (place < FILE_N_WAITS)
    *wait = (FileWait)place;
  return place < FILE_N_WAITS;
}

gboolean file_state_is_terminal(FileState state) {
  return state == FILE_CLOSED || state == FILE_GONE;
}

gboolean file_state_may_become(FileState from, FileState to) {
  return is_state(from) && is_state(to) && (may_become[from] & (1u << to)) != 0;
}
