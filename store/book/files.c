/* Changes of files. All run in the writer's thread, inside a change's savepoint: what they return FALSE for is undone.
 */
#include "store/book/book_private.h"
#include <string.h>

/* What the row says now, read in the transaction that changes it. */
typedef struct {
  FileState held_from;
  gboolean counted, keys_differ;
  guint attempts;
  gint64 changed_at;
} Now;

static gboolean text_differs(DbStatement *s, guint column, const char *wanted) {
  return g_strcmp0(db_text(s, column), wanted) != 0;
}

static gboolean read_now(DbStatement *s, const BookFile *file, Now *now, GError **error) {
  FileState state = FILE_SEEN;
  const char *word = db_text(s, 0);
  const char *held = db_text(s, 1);
  if (!word)
    return !db_row_whole(s, error)
               ? FALSE
               : sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "file %s has no state", file->id);
  if (!file_state_parse(word, &state) || (held && !file_state_parse(held, &now->held_from)))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "file %s is in the unknown state %s", file->id, word);
  if (state != file->state)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "file %s is %s, not %s any more", file->id, word,
                               file_state_word(file->state));
  now->counted = db_integer(s, 2) != 0;
  now->attempts = (guint)db_integer(s, 3);
  /* Short of memory a text seems to differ, which does no harm. */
  now->keys_differ = (guint64)db_integer(s, 4) != file->size || db_integer(s, 5) != file->modified ||
                     text_differs(s, 6, file->cipher_sha256) || text_differs(s, 7, file->plain_sha256) ||
                     text_differs(s, 8, file->duplicate_of);
  now->changed_at = db_integer(s, 9);
  return TRUE;
}

/* The compare of compare-and-set. */
static gboolean look_at_file(BookTransaction *tx, const BookFile *file, Now *now, GError **error) {
  gboolean row;
  DbStatement *s = book_statement(&tx->statements, BOOK_FILE_NOW, error);
  if (!s)
    return FALSE;
  *now = (Now){.held_from = FILE_SEEN};
  db_bind(s, "s", file->id);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no file %s is in the book", file->id);
  gboolean ok = read_now(s, file, now, error);
  db_reset(s);
  return ok;
}

static gboolean set_keys(BookTransaction *tx, const BookFile *file, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_SET_FILE_KEYS, error);
  return s && book_fields_bind(s, file, error) && db_done(s, error);
}

/* Everything that a transition or a note sets, with the facts in *file; `held` NULL unless `to` is held. */
typedef struct {
  const BookFile *file;
  FileState to;
  const char *held;
  gint64 at;
  guint attempts, deaths;
  const char *problem;
  gboolean counted;
  FileOutcome outcome;
  const char *released;
  FileWait waits_for;
  const char *waits_on, *waits_why;
} Setting;

static gboolean set_file(BookTransaction *tx, const Setting *setting, gboolean keys, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_SET_FILE, error);
  if (!s || !book_fields_bind(s, setting->file, error))
    return FALSE;
  book_bind_named_text(s, ":to", file_state_word(setting->to));
  book_bind_named_text(s, ":held", setting->held);
  book_bind_named(s, ":now", setting->at);
  book_bind_named(s, ":counted", setting->counted);
  book_bind_named(s, ":tries", setting->attempts);
  book_bind_named_text(s, ":trouble", setting->problem);
  book_bind_named(s, ":dead", setting->deaths);
  book_bind_named_text(s, ":became", file_outcome_word(setting->outcome));
  book_bind_named_text(s, ":freed", setting->released);
  book_bind_named_text(s, ":waits", file_wait_word(setting->waits_for));
  book_bind_named_text(s, ":on", setting->waits_on);
  book_bind_named_text(s, ":why", setting->waits_why);
  if (!db_done(s, error))
    return FALSE;
  if (db_changed(tx->statements.db) != 1)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "file %s was moved by someone else", setting->file->id);
  return !keys || set_keys(tx, setting->file, error);
}

gboolean book_add_file(BookTransaction *tx, const BookFile *file, GError **error) {
  gboolean row;
  if (file->state != FILE_SEEN)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "a file enters the book as seen, not as %s",
                               file_state_word(file->state));
  DbStatement *s = book_statement(&tx->statements, BOOK_ADD_FILE, error);
  if (!s || !book_fields_bind(s, file, error))
    return FALSE;
  book_bind_named(s, ":now", g_get_real_time());
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s of this size and time is under way already",
                               file->name_shown);
  if (!db_done(s, error))
    return FALSE;
  /* In the chain by name too: the file's row is not part of the chain's hash. */
  g_autofree char *detail = g_strdup_printf("%s: %s, %" G_GUINT64_FORMAT " bytes", file->feed, file->name_shown,
                                            file->size);
  return book_chain_add(tx, file_state_word(FILE_SEEN), file->id, detail, error);
}

static gboolean may_advance(const BookFile *file, FileState to, const Now *now, GError **error) {
  if (!file_state_may_become(file->state, to))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "file %s may not become %s from %s", file->id,
                               file_state_word(to), file_state_word(file->state));
  if (file->state == FILE_HELD && to != FILE_REJECTED && to != now->held_from)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                               "file %s was held when it was %s and cannot be released to %s", file->id,
                               file_state_word(now->held_from), file_state_word(to));
  return TRUE;
}

static gboolean add_total(BookTransaction *tx, const char *id, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_ADD_TOTAL, error);
  if (!s)
    return FALSE;
  db_bind(s, "s", id);
  return db_done(s, error);
}

static FileOutcome outcome_after(FileOutcome before, FileState to) {
  return to == FILE_POSTED      ? FILE_OUTCOME_ACCEPTED
         : to == FILE_REJECTED  ? FILE_OUTCOME_REJECTED
         : to == FILE_DUPLICATE ? FILE_OUTCOME_DUPLICATE
                                : before;
}

/* The codes of the holds that a person has ended, after this move. The caller frees. */
static char *released_after(const BookFile *file, FileState to) {
  gboolean is_release = file->state == FILE_HELD && to != FILE_REJECTED && file->reason_code;
  if (!is_release || book_file_was_released(file, file->reason_code))
    return g_strdup(file->released);
  return file->released ? g_strdup_printf("%s %s", file->released, file->reason_code) : g_strdup(file->reason_code);
}

/* What the row says by now. */
static void settle(BookFile *file, const Setting *setting, char *released) {
  if (setting->to == FILE_HELD)
    file->held_from = file->state;
  file->state = setting->to;
  file->changed_at = setting->at;
  file->attempts = file->deaths = 0;
  file->counted = setting->counted ? 1 : 0;
  file->outcome = setting->outcome;
  g_clear_pointer(&file->problem, g_free);
  g_free(file->released);
  file->released = released;
  book_file_set_wait(file, setting->waits_for, setting->waits_on, NULL);
}

gboolean book_advance_file(BookTransaction *tx, BookFile *file, FileState to, const char *detail, GError **error) {
  Now now;
  if (!look_at_file(tx, file, &now, error) || !may_advance(file, to, &now, error))
    return FALSE;
  g_autofree char *released = released_after(file, to);
  gboolean is_held = to == FILE_HELD;
  Setting setting = {
      .file = file,
      .to = to,
      .held = is_held ? file_state_word(file->state) : NULL,
      .at = g_get_real_time(),
      .counted = now.counted || to == FILE_VALIDATED,
      .outcome = outcome_after(file->outcome, to),
      .released = released,
      .waits_for = is_held ? FILE_WAIT_OPERATOR : FILE_WAIT_NOTHING,
      .waits_on = is_held ? file->reason_code : NULL,
  };
  if (!set_file(tx, &setting, now.keys_differ, error) ||
      !book_chain_add(tx, file_state_word(to), file->id, detail, error) ||
      (file_state_is_terminal(to) && !add_total(tx, file->id, error)))
    return FALSE;
  settle(file, &setting, g_steal_pointer(&released));
  return TRUE;
}

/* A step may fail for months: history keeps attempts 1, 2, 4, 8, … of it, so that it grows with the logarithm. */
static gboolean is_power_of_two(guint n) {
  return n != 0 && (n & (n - 1)) == 0;
}

gboolean book_note_file(BookTransaction *tx, const BookFile *file, const char *detail, GError **error) {
  Now now;
  if (!look_at_file(tx, file, &now, error))
    return FALSE;
  if (file_state_is_terminal(file->state))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "file %s is %s: its facts do not change any more", file->id,
                               file_state_word(file->state));
  Setting setting = {
      .file = file,
      .to = file->state,
      .held = file->state == FILE_HELD ? file_state_word(now.held_from) : NULL,
      .at = now.changed_at,
      .attempts = file->attempts,
      .deaths = file->deaths,
      .problem = file->problem,
      .counted = now.counted,
      .outcome = file->outcome,
      .released = file->released,
      .waits_for = file->waits_for,
      .waits_on = file->waits_on,
      .waits_why = file->waits_why,
  };
  if (!set_file(tx, &setting, now.keys_differ, error))
    return FALSE;
  if (detail)
    return book_chain_add(tx, "note", file->id, detail, error);
  if (!file->problem || file->attempts == now.attempts || !is_power_of_two(file->attempts))
    return TRUE;
  g_autofree char *retry = g_strdup_printf("attempt %u: %s", file->attempts, file->problem);
  return book_chain_add(tx, "retry", file->id, retry, error);
}

gboolean book_find_twin(BookTransaction *tx, const BookFile *file, BookTwin kind, char **twin, GError **error) {
  static const BookStatement statements[] = {[BOOK_TWIN_FILE] = BOOK_FIND_TWIN_FILE,
                                             [BOOK_TWIN_CONTENT] = BOOK_FIND_TWIN_CONTENT,
                                             [BOOK_TWIN_NAME] = BOOK_FIND_TWIN_NAME};
  gboolean row;
  gsize length;
  const void *name = g_bytes_get_data(file->name, &length);
  *twin = NULL;
  DbStatement *s = file->plain_sha256 ? book_statement(&tx->statements, statements[kind], error) : NULL;
  if (!s)
    return !file->plain_sha256;
  db_bind(s, "sssb", file->feed, file->plain_sha256, file->id, name, length);
  if (!db_step(s, &row, error))
    return FALSE;
  if (row)
    *twin = db_text_copy(s, 0);
  db_reset(s);
  return TRUE;
}
