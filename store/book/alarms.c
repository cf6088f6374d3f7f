/* Alarms: at most one stands for a kind and subject. When and how often it is told is kept with it, so that a restart
 * neither forgets nor repeats: a round of telling is committed behind it, and a crash between the two tells that round
 * once more. */
#include "store/book_watch.h"
#include "store/book/book_private.h"
#include <string.h>

enum { KEEP_DAYS = 90, KEEP_DUE_DAYS = 400, LEAST_BETWEEN = 60 /* seconds */ };

static const char *const words[] = {
    [ALARM_STANDING] = "standing", [ALARM_ACKNOWLEDGED] = "acknowledged", [ALARM_CLEARED] = "cleared"};

const char *alarm_state_word(AlarmState state) {
  return words[state];
}

void book_alarm_free(BookAlarm *alarm) {
  if (!alarm)
    return;
  g_free(alarm->id);
  g_free(alarm->kind);
  g_free(alarm->subject);
  g_free(alarm->feed);
  g_free(alarm->text);
  g_free(alarm->detail);
  g_free(alarm->acknowledged_by);
  g_free(alarm->problem);
  g_free(alarm);
}

/* What stands now of this kind and subject; id empty: nothing. */
typedef struct {
  char id[17];
  gint64 weight;
  AlarmState state;
  guint ways, told;
  gint64 next_at, told_at;
  gboolean same_words;
} Now;

static gboolean same_text(DbStatement *s, guint column, const char *text) {
  return g_strcmp0(db_text(s, column), text) == 0;
}

static gboolean look_at_alarm(BookTransaction *tx, const AlarmCall *call, Now *now, GError **error) {
  gboolean row;
  *now = (Now){0};
  DbStatement *s = book_statement(&tx->statements, BOOK_LIVE_ALARM, error);
  if (!s)
    return FALSE;
  db_bind(s, "ss", call->kind, call->subject);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return TRUE;
  g_strlcpy(now->id, db_text(s, 0), sizeof now->id);
  now->weight = db_integer(s, 1);
  now->state = same_text(s, 2, words[ALARM_ACKNOWLEDGED]) ? ALARM_ACKNOWLEDGED : ALARM_STANDING;
  now->ways = (guint)db_integer(s, 3);
  now->next_at = db_integer(s, 4);
  now->told = (guint)db_integer(s, 5);
  now->told_at = db_integer(s, 6);
  now->same_words = same_text(s, 7, call->text) && same_text(s, 8, call->detail);
  db_reset(s);
  return TRUE;
}

static gboolean audit(BookTransaction *tx, const char *event, const char *id, const char *kind, const char *subject,
                      const char *text, GError **error) {
  g_autofree char *detail = g_strdup_printf("%s %s%s%s", kind, subject, text ? ": " : "", text ? text : "");
  return book_audit(tx, event, id, detail, error);
}

static gboolean add_alarm(BookTransaction *tx, const AlarmCall *call, GError **error) {
  gint64 now = g_get_real_time();
  g_autofree char *id = book_make_id(now / 1000);
  DbStatement *s = book_statement(&tx->statements, BOOK_ADD_ALARM, error);
  if (!s)
    return FALSE;
  db_bind(s, "ssssssiiu", id, call->kind, call->subject, call->feed, call->text, call->detail, call->weight, now,
          call->ways);
  return db_done(s, error) && audit(tx, "alarm-raised", id, call->kind, call->subject, call->text, error);
}

gboolean book_raise_alarm(BookTransaction *tx, const AlarmCall *call, GError **error) {
  Now now;
  if (!look_at_alarm(tx, call, &now, error))
    return FALSE;
  if (!now.id[0])
    return add_alarm(tx, call, error);
  gboolean worse = call->weight > now.weight; /* also one that was acknowledged stands again then */
  if (now.same_words && call->weight == now.weight)
    return TRUE;
  DbStatement *s = book_statement(&tx->statements, BOOK_CHANGE_ALARM, error);
  if (!s)
    return FALSE;
  gint64 at = MAX(g_get_real_time(), now.told_at + (gint64)LEAST_BETWEEN * G_USEC_PER_SEC);
  if (worse && now.told == 0 && now.next_at > 0) /* it is being told for the first time: that is early enough */
    at = now.next_at;
  db_bind(s, "sssiuius", now.id, call->text, call->detail, call->weight, worse ? call->ways : now.ways,
          worse ? at : now.next_at, worse ? 0 : now.told, words[worse ? ALARM_STANDING : now.state]);
  return db_done(s, error);
}

static gboolean end(BookTransaction *tx, const Now *now, const char *who, guint ways, GError **error) {
  gint64 at = g_get_real_time();
  gboolean was_told = now->state == ALARM_STANDING && (now->told_at > 0 || now->ways != ways);
  DbStatement *s = book_statement(&tx->statements, BOOK_END_ALARM, error);
  if (!s)
    return FALSE;
  db_bind(s, "sisui", now->id, at, who, was_told ? ways : 0, was_told ? at : (gint64)0);
  return db_done(s, error);
}

gboolean book_clear_alarm(BookTransaction *tx, const char *kind, const char *subject, guint ways, GError **error) {
  Now now;
  const AlarmCall call = {.kind = kind, .subject = subject};
  if (!look_at_alarm(tx, &call, &now, error))
    return FALSE;
  return !now.id[0] ||
         (end(tx, &now, NULL, ways, error) && audit(tx, "alarm-cleared", now.id, kind, subject, NULL, error));
}

gboolean book_acknowledge_alarm(BookTransaction *tx, const char *id, const char *who, gboolean ends, GError **error) {
  gboolean row;
  DbStatement *s = book_statement(&tx->statements, BOOK_ACKNOWLEDGE_ALARM, error);
  if (!s)
    return FALSE;
  db_bind(s, "ss", id, who);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "no alarm %s stands", id);
  g_autofree char *kind = db_text_copy(s, 0), *subject = db_text_copy(s, 1);
  if (!db_done(s, error))
    return FALSE;
  Now now = {.state = ALARM_ACKNOWLEDGED};
  g_strlcpy(now.id, id, sizeof now.id);
  g_autofree char *by = g_strdup_printf("by %s", who);
  return audit(tx, "alarm-acknowledged", id, kind, subject, by, error) && (!ends || end(tx, &now, who, 0, error));
}

/* It has cleared while it was being told: those who heard of it hear of that, too. What was raised anew is simply told
 * again. */
static gboolean tell_end(BookTransaction *tx, const char *id, guint ways, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_TELL_END, error);
  if (!s)
    return FALSE;
  db_bind(s, "sui", id, ways, g_get_real_time());
  return db_done(s, error);
}

gboolean book_told_alarm(BookTransaction *tx, const BookAlarm *before, const BookAlarm *after, guint ways,
                         GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_TOLD_ALARM, error);
  if (!s)
    return FALSE;
  db_bind(s, "ssiuuiuius", before->id, words[before->state], before->weight, before->told, after->ways, after->next_at,
          after->told, after->told_at, after->failures, after->problem);
  if (!db_done(s, error))
    return FALSE;
  return db_changed(tx->statements.db) == 1 || tell_end(tx, before->id, ways, error);
}

static gboolean prune(BookTransaction *tx, BookStatement which, gint64 before, GError **error) {
  DbStatement *s = book_statement(&tx->statements, which, error);
  if (!s)
    return FALSE;
  db_bind(s, "i", before);
  return db_done(s, error);
}

gboolean book_prune_watch(BookTransaction *tx, gint64 now, GError **error) {
  gint64 day = (gint64)24 * 3600 * G_USEC_PER_SEC;
  return prune(tx, BOOK_PRUNE_ALARMS, now - KEEP_DAYS * day, error) &&
         prune(tx, BOOK_PRUNE_DUES, now - KEEP_DUE_DAYS * day, error);
}

/* --- Reading. The columns in the order of the table. */

static gpointer alarm_row(DbStatement *s, GError **error) {
  (void)error;
  const char *word = db_text(s, 7);
  BookAlarm *alarm = g_new0(BookAlarm, 1);
  *alarm = (BookAlarm){.id = db_text_copy(s, 0),
                       .kind = db_text_copy(s, 1),
                       .subject = db_text_copy(s, 2),
                       .feed = db_text_copy(s, 3),
                       .text = db_text_copy(s, 4),
                       .detail = db_text_copy(s, 5),
                       .weight = db_integer(s, 6),
                       .raised_at = db_integer(s, 8),
                       .cleared_at = db_integer(s, 9),
                       .acknowledged_by = db_text_copy(s, 10),
                       .ways = (guint)db_integer(s, 11),
                       .next_at = db_integer(s, 12),
                       .told = (guint)db_integer(s, 13),
                       .told_at = db_integer(s, 14),
                       .failures = (guint)db_integer(s, 15),
                       .problem = db_text_copy(s, 16)};
  for (guint i = 0; word && i < G_N_ELEMENTS(words); i++)
    if (strcmp(words[i], word) == 0)
      alarm->state = (AlarmState)i;
  return alarm;
}

static GPtrArray *collect(BookReader *reader, DbStatement *s, GError **error) {
  return s ? book_collect(reader, s, alarm_row, (GDestroyNotify)book_alarm_free, error) : NULL;
}

GPtrArray *book_live_alarms(BookReader *reader, GError **error) {
  return collect(reader, book_ask(reader, BOOK_LIVE_ALARMS, error), error);
}

GPtrArray *book_alarms(BookReader *reader, guint limit, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_ALARMS, error);
  if (s)
    db_bind(s, "u", limit);
  return collect(reader, s, error);
}

GPtrArray *book_alarms_to_tell(BookReader *reader, gint64 now, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_ALARMS_TO_TELL, error);
  if (s)
    db_bind(s, "i", now);
  return collect(reader, s, error);
}
