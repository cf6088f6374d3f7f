#include "store/states.h"
#include <string.h>

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
    [FILE_POSTED] = TO(ANSWERED),
    [FILE_ANSWERED] = TO(CLOSED),
    [FILE_REJECTED] = TO(ANSWERED),
    [FILE_DUPLICATE] = TO(ANSWERED) | TO(CLOSED),
    /* The book narrows this to the state that the file was held in, or rejected (files.c). */
    [FILE_HELD] = TO(SEEN) | TO(ADMITTED) | TO(FETCHED) | TO(OPENED) | TO(STAGED) | TO(REJECTED),
};

static gboolean is_state(FileState state) {
  return (guint)state < FILE_N_STATES;
}

const char *file_state_word(FileState state) {
  return is_state(state) ? words[state] : "unknown";
}

gboolean file_state_parse(const char *word, FileState *state) {
  for (guint i = 0; word && i < FILE_N_STATES; i++)
    if (strcmp(words[i], word) == 0) {
      *state = (FileState)i;
      return TRUE;
    }
  return FALSE;
}

gboolean file_state_is_terminal(FileState state) {
  return state == FILE_CLOSED || state == FILE_GONE;
}

gboolean file_state_may_become(FileState from, FileState to) {
  return is_state(from) && is_state(to) && (may_become[from] & (1u << to)) != 0;
}
