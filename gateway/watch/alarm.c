#include "gateway/watch/alarm.h"
#include "gateway/common/log.h"
#include <pthread.h>
#include <string.h>

struct Alarms {
  Book *book;
  guint ways;
  pthread_mutex_t lock;
  GPtrArray *live; /* BookAlarm*, under the lock */
};

Alarms *alarms_new(Book *book, guint ways) {
  Alarms *alarms = g_new0(Alarms, 1);
  alarms->book = book;
  alarms->ways = ways;
  alarms->live = g_ptr_array_new_with_free_func((GDestroyNotify)book_alarm_free);
  pthread_mutex_init(&alarms->lock, NULL);
  return alarms;
}

void alarms_free(Alarms *alarms) {
  if (!alarms)
    return;
  g_ptr_array_unref(alarms->live);
  pthread_mutex_destroy(&alarms->lock);
  g_free(alarms);
}

/* Under the lock. */
static const BookAlarm *find(const Alarms *alarms, const char *kind, const char *subject) {
  for (guint i = 0; i < alarms->live->len; i++) {
    const BookAlarm *alarm = alarms->live->pdata[i];
    if (g_str_equal(alarm->kind, kind) && g_str_equal(alarm->subject, subject))
      return alarm;
  }
  return NULL;
}

AlarmState alarms_state(Alarms *alarms, const char *kind, const char *subject) {
  pthread_mutex_lock(&alarms->lock);
  const BookAlarm *alarm = find(alarms, kind, subject);
  AlarmState state = alarm ? alarm->state : ALARM_CLEARED;
  pthread_mutex_unlock(&alarms->lock);
  return state;
}

static gboolean raise_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_raise_alarm(tx, data, error);
}

void alarms_raise(Alarms *alarms, const AlarmCall *given) {
  AlarmCall call = *given;
  call.ways = alarms->ways;
  pthread_mutex_lock(&alarms->lock);
  const BookAlarm *alarm = find(alarms, call.kind, call.subject);
  gboolean is_known = alarm && g_strcmp0(alarm->text, call.text) == 0 && g_strcmp0(alarm->detail, call.detail) == 0 &&
                      alarm->weight == call.weight;
  pthread_mutex_unlock(&alarms->lock);
  g_autoptr(GError) error = NULL;
  if (!is_known && !book_write(alarms->book, raise_change, &call, &error))
    log_event(LOG_WARNING, "not-noted", {"alarm", call.kind}, {"subject", call.subject}, {"error", error->message});
}

typedef struct {
  const char *kind, *subject;
  guint ways;
} End;

static gboolean clear_change(BookTransaction *tx, gpointer data, GError **error) {
  const End *end = data;
  return book_clear_alarm(tx, end->kind, end->subject, end->ways, error);
}

void alarms_clear(Alarms *alarms, const char *kind, const char *subject) {
  End end = {kind, subject, alarms->ways};
  g_autoptr(GError) error = NULL;
  if (alarms_state(alarms, kind, subject) != ALARM_CLEARED && !book_write(alarms->book, clear_change, &end, &error))
    log_event(LOG_WARNING, "not-noted", {"alarm", kind}, {"subject", subject}, {"error", error->message});
}

gboolean alarms_refresh(Alarms *alarms, BookReader *reader, GError **error) {
  GPtrArray *live = book_live_alarms(reader, error);
  if (!live)
    return FALSE;
  pthread_mutex_lock(&alarms->lock);
  GPtrArray *before = alarms->live;
  alarms->live = live;
  pthread_mutex_unlock(&alarms->lock);
  g_ptr_array_unref(before);
  return TRUE;
}

void alarms_clear_others(Alarms *alarms, const char *kind, GHashTable *subjects) {
  g_autoptr(GPtrArray) over = g_ptr_array_new_with_free_func(g_free);
  pthread_mutex_lock(&alarms->lock);
  for (guint i = 0; i < alarms->live->len; i++) {
    const BookAlarm *alarm = alarms->live->pdata[i];
    if (g_str_equal(alarm->kind, kind) && !g_hash_table_contains(subjects, alarm->subject))
      g_ptr_array_add(over, g_strdup(alarm->subject));
  }
  pthread_mutex_unlock(&alarms->lock);
  for (guint i = 0; i < over->len; i++)
    alarms_clear(alarms, kind, over->pdata[i]);
}
