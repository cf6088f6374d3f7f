/* The book's statements, by name. book_private.h includes this; nobody else does. */
#pragma once
#include "store/db/db.h"

/* --- Statements by name, prepared when first used. */
#define BOOK_STATEMENTS(X) \
  X(ADD_FILE, "add-file") \
  X(FILE_NOW, "file-now") \
  X(SET_FILE, "set-file") \
  X(SET_FILE_KEYS, "set-file-keys") \
  X(ADD_TOTAL, "add-total") \
  X(FIND_TWIN_FILE, "twin-file") \
  X(FIND_TWIN_CONTENT, "twin-content") \
  X(FIND_TWIN_NAME, "twin-name") \
  X(ANSWER_OWNER, "answer-owner") \
  X(CLAIM_ANSWER, "claim-answer") \
  X(ADD_BATCH, "add-batch") \
  X(COUNT_BATCHES, "count-batches") \
  X(POST_BATCH, "post-batch") \
  X(BATCH_STATE, "batch-state") \
  X(COUNT_POSTED, "count-posted") \
  X(UNCUT, "uncut") \
  X(REMOVE_UNCUT, "remove-uncut") \
  X(NEXT_NUMBER, "next-number") \
  X(FILE_BATCHES, "file-batches") \
  X(SEND_BATCH, "send-batch") \
  X(NOTE_BATCH, "note-batch") \
  X(REPLY_TO_BATCH, "reply-to-batch") \
  X(REFUSE_IN_BATCH, "refuse-in-batch") \
  X(REPLY_TO_FILE, "reply-to-file") \
  X(ADD_INTENT, "add-intent") \
  X(FINISH_INTENT, "finish-intent") \
  X(INTENT_STATE, "intent-state") \
  X(SAVE_POLL, "save-poll") \
  X(ADD_AUDIT, "add-audit") \
  X(LAST_AUDIT, "last-audit") \
  X(AUDIT_HASH, "audit-hash") \
  X(AUDIT_FROM, "audit-from") \
  X(AUDIT_NEWEST, "audit-newest") \
  X(FILES_DUE, "files-due") \
  X(FILES_LIVE, "files-live") \
  X(FILES_OLDEST, "files-oldest") \
  X(FILES_NEWEST, "files-newest") \
  X(FEED_FILES_OLDEST, "feed-files-oldest") \
  X(FEED_FILES_NEWEST, "feed-files-newest") \
  X(FILE_BY_ID, "file-by-id") \
  X(FILES_BY_PREFIX, "files-by-prefix") \
  X(FILE_BY_SHOWN_NAME, "file-by-shown-name") \
  X(FILES_NAMED, "files-named") \
  X(FILES_SEEN, "files-seen") \
  X(FILE_TALLIES, "file-tallies") \
  X(FILES_WITH_DIGEST, "files-with-digest") \
  X(BATCHES, "batches") \
  X(INTENTS_OF_FILE, "intents-of-file") \
  X(INTENTS_PENDING, "intents-pending") \
  X(POLLS, "polls") \
  X(HISTORY, "history") \
  X(COUNTS, "counts") \
  X(UNSEALED_ANSWERS, "unsealed-answers") \
  X(VERIFY_SUMS, "verify-sums") \
  X(VERIFY_BATCHES, "verify-batches") \
  X(VERIFY_TOTALS, "verify-totals") \
  X(VERIFY_HISTORY, "verify-history") \
  X(VERIFY_ROWS, "verify-rows") \
  X(VERIFY_STATES, "verify-states") \
  X(SEQUENCE, "sequence") \
  X(SEQUENCE_USED, "sequence-used") \
  X(JUDGE_SEQUENCE, "judge-sequence") \
  X(SET_SEQUENCE, "set-sequence") \
  X(SEQUENCE_OF_FILE, "sequence-of-file") \
  X(COUNTER_NUMBER, "counter-number") \
  X(ADVANCE_COUNTER, "advance-counter") \
  X(KEEP_COUNTER_NUMBER, "keep-counter-number") \
  X(NOTE_ARRIVAL, "note-arrival") \
  X(JUDGE_ARRIVAL, "judge-arrival") \
  X(ARRIVAL, "arrival") \
  X(ARRIVALS, "arrivals") \
  X(ADD_DUE, "add-due") \
  X(DROP_DUES_AHEAD, "drop-dues-ahead") \
  X(SETTLE_DUE, "settle-due") \
  X(OPEN_DUES, "open-dues") \
  X(LAST_DUE, "last-due") \
  X(PRUNE_DUES, "prune-dues") \
  X(LIVE_ALARM, "live-alarm") \
  X(ADD_ALARM, "add-alarm") \
  X(CHANGE_ALARM, "change-alarm") \
  X(END_ALARM, "end-alarm") \
  X(ACKNOWLEDGE_ALARM, "acknowledge-alarm") \
  X(TOLD_ALARM, "told-alarm") \
  X(LIVE_ALARMS, "live-alarms") \
  X(ALARMS, "alarms") \
  X(ALARMS_TO_TELL, "alarms-to-tell") \
  X(ALARM_BY_ID, "alarm-by-id") \
  X(PRUNE_ALARMS, "prune-alarms") \
  X(TELL_END, "tell-end")
typedef enum {
#define BOOK_STATEMENT_ENUM(name, text) BOOK_##name,
  BOOK_STATEMENTS(BOOK_STATEMENT_ENUM) BOOK_N_STATEMENTS
} BookStatement;
typedef struct {
  Db *db;
  DbStatement *of[BOOK_N_STATEMENTS];
  GHashTable *named; /* of capabilities: the name's text → DbStatement */
} BookStatements;
/* borrowed; NULL on error */
DbStatement *book_statement(BookStatements *statements, BookStatement which, GError **error);
/* The same of a capability's .sql text. `name` is a literal that only this text has: the statement is found by where it
 * stands, without reading it. */
DbStatement *book_statement_named(BookStatements *statements, const char *sql, const char *name, GError **error);
void book_statements_clear(BookStatements *statements);
char *book_statement_text(BookStatement which); /* for the tests of query plans; the caller frees */
