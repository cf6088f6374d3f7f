/* What readers answer about batches, intents, polls, history and counts. */
#include "store/book/book_private.h"
#include <string.h>

static const char *const batch_words[] = {
    [BATCH_PENDING] = "pending", [BATCH_SENT] = "sent", [BATCH_REPLIED] = "answered", [BATCH_POSTED] = "posted"};

const char *batch_state_word(BatchState state) {
  return (guint)state < G_N_ELEMENTS(batch_words) ? batch_words[state] : "unknown";
}

/* The schema allows no other word; a null is a lack of memory, which book_collect tells. */
static BatchState batch_state_parse(const char *word) {
  guint i = G_N_ELEMENTS(batch_words) - 1;
  while (i > 0 && g_strcmp0(batch_words[i], word) != 0)
    i--;
  return (BatchState)i;
}

void book_batch_free(BookBatch *batch) {
  if (!batch)
    return;
  g_clear_pointer(&batch->exceptions, g_bytes_unref);
  g_free(batch->digest);
  g_free(batch->reply);
  g_free(batch);
}

static gpointer batch_row(DbStatement *s, GError **error) {
  (void)error;
  BookBatch *batch = g_new0(BookBatch, 1);
  batch->number = (guint)db_integer(s, 0);
  batch->first = (guint64)db_integer(s, 1);
  batch->last = (guint64)db_integer(s, 2);
  batch->first_line = (guint64)db_integer(s, 3);
  batch->last_line = (guint64)db_integer(s, 4);
  batch->accepted = (guint)db_integer(s, 5);
  batch->rejected = (guint)db_integer(s, 6);
  batch->duplicates = (guint)db_integer(s, 7);
  batch->amount = db_integer(s, 8);
  batch->state = batch_state_parse(db_text(s, 9));
  batch->attempts = (guint)db_integer(s, 10);
  batch->sent_at = db_integer(s, 11);
  batch->replied_at = db_integer(s, 12);
  batch->posted_at = db_integer(s, 13);
  batch->digest = db_text_copy(s, 14);
  batch->reply = db_text_copy(s, 15);
  batch->exceptions = db_bytes_copy(s, 16);
  return batch;
}

GPtrArray *book_batches(BookReader *reader, const char *file, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_BATCHES, error);
  if (!s)
    return NULL;
  db_bind(s, "s", file);
  return book_collect(reader, s, batch_row, (GDestroyNotify)book_batch_free, error);
}

static gpointer intent_row(DbStatement *s, GError **error) {
  (void)error;
  BookIntent *intent = g_new0(BookIntent, 1);
  intent->id = db_integer(s, 0);
  intent->file = db_text_copy(s, 1);
  intent->kind = db_text_copy(s, 2);
  intent->endpoint = db_text_copy(s, 3);
  intent->from = db_text_copy(s, 4);
  intent->to = db_text_copy(s, 5);
  intent->size = (guint64)db_integer(s, 6);
  intent->sha256 = db_text_copy(s, 7);
  intent->state = strcmp(db_text(s, 8), "done") == 0 ? INTENT_DONE : INTENT_PENDING;
  intent->attempts = (guint)db_integer(s, 9);
  intent->due_at = db_integer(s, 10);
  intent->problem = db_text_copy(s, 11);
  intent->done_at = db_integer(s, 12);
  return intent;
}

GPtrArray *book_intents(BookReader *reader, const char *file, GError **error) {
  DbStatement *s = book_ask(reader, file ? BOOK_INTENTS_OF_FILE : BOOK_INTENTS_PENDING, error);
  if (!s)
    return NULL;
  if (file)
    db_bind(s, "s", file);
  return book_collect(reader, s, intent_row, (GDestroyNotify)book_intent_free, error);
}

static gpointer poll_row(DbStatement *s, GError **error) {
  (void)error;
  BookPoll *poll = g_new0(BookPoll, 1);
  poll->feed = db_text_copy(s, 0);
  poll->last_at = db_integer(s, 1);
  poll->last_ok_at = db_integer(s, 2);
  poll->next_at = db_integer(s, 3);
  poll->listed = (guint64)db_integer(s, 4);
  poll->taken = (guint64)db_integer(s, 5);
  poll->failures = (guint)db_integer(s, 6);
  poll->problem = db_text_copy(s, 7);
  return poll;
}

GPtrArray *book_polls(BookReader *reader, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_POLLS, error);
  return s ? book_collect(reader, s, poll_row, (GDestroyNotify)book_poll_free, error) : NULL;
}

static void history_free(BookHistory *history) {
  g_free(history->event);
  g_free(history->detail);
  g_free(history);
}

static gpointer history_row(DbStatement *s, GError **error) {
  (void)error;
  BookHistory *history = g_new0(BookHistory, 1);
  history->at = db_integer(s, 0);
  history->event = db_text_copy(s, 1);
  history->detail = db_text_copy(s, 2);
  return history;
}

GPtrArray *book_history(BookReader *reader, const char *file, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_HISTORY, error);
  if (!s)
    return NULL;
  db_bind(s, "s", file);
  return book_collect(reader, s, history_row, (GDestroyNotify)history_free, error);
}

static void count_free(BookCount *count) {
  g_free(count->feed);
  g_free(count);
}

static gpointer count_row(DbStatement *s, GError **error) {
  BookCount *count = g_new0(BookCount, 1);
  const char *word = db_text(s, 1);
  if (!file_state_parse(word, &count->state)) {
    sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the book has files in the unknown state %s", word);
    g_free(count);
    return NULL;
  }
  count->feed = db_text_copy(s, 0);
  count->files = (guint64)db_integer(s, 2);
  count->records = (guint64)db_integer(s, 3);
  count->accepted = (guint64)db_integer(s, 4);
  count->rejected = (guint64)db_integer(s, 5);
  count->duplicates = (guint64)db_integer(s, 6);
  count->oldest_change = db_integer(s, 7);
  return count;
}

static gint by_feed_and_state(gconstpointer a, gconstpointer b) {
  const BookCount *one = *(BookCount *const *)a, *two = *(BookCount *const *)b;
  gint order = strcmp(one->feed, two->feed);
  return order ? order : (gint)one->state - (gint)two->state;
}

GPtrArray *book_counts(BookReader *reader, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_COUNTS, error);
  if (!s)
    return NULL;
  db_bind(s, "i", G_MAXINT64);
  GPtrArray *counts = book_collect(reader, s, count_row, (GDestroyNotify)count_free, error);
  if (counts)
    g_ptr_array_sort(counts, by_feed_and_state);
  return counts;
}
