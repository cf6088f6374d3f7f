/* What lanes are asked. A lane may be slow to answer (it commits, it is being replaced), and no other requester is to
 * wait for that: few threads of the server may wait for one, and what nobody waits for goes through a thread of its
 * own. A note that is not taken is lost: only what is harmless then may be one. */
#include "gateway/common/control.h"
#include "gateway/front/front_private.h"

enum { NOTES_MOST = 1000, ASKING_MOST = 2 /* half of the server's threads */ };

typedef struct {
  const Shelf *shelf;
  json_t *question;
} Note;

struct Notes {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue waiting;
  gboolean is_ending;
};

static LaneAnswer ask(const Shelf *shelf, json_t *question) {
  json_t *answer = control_ask(shelf->paths->control, question, NULL);
  gboolean ok = json_is_true(json_object_get(answer, "ok"));
  json_decref(question);
  json_decref(answer);
  return ok ? LANE_DID : LANE_DID_NOT;
}

LaneAnswer front_ask(Front *front, const Shelf *shelf, json_t *question) {
  LaneAnswer answer = LANE_BUSY;
  if (g_atomic_int_add(&front->asking, 1) < ASKING_MOST)
    answer = ask(shelf, question);
  else
    json_decref(question);
  g_atomic_int_add(&front->asking, -1);
  return answer;
}

static void *run(void *user) {
  Notes *notes = user;
  pthread_mutex_lock(&notes->lock);
  while (!notes->is_ending) {
    Note *note = g_queue_pop_head(&notes->waiting);
    if (!note) {
      pthread_cond_wait(&notes->changed, &notes->lock);
      continue;
    }
    pthread_mutex_unlock(&notes->lock);
    ask(note->shelf, note->question);
    g_free(note);
    pthread_mutex_lock(&notes->lock);
  }
  pthread_mutex_unlock(&notes->lock);
  return NULL;
}

Notes *notes_start(GError **error) {
  Notes *notes = g_new0(Notes, 1);
  g_queue_init(&notes->waiting);
  pthread_mutex_init(&notes->lock, NULL);
  pthread_cond_init(&notes->changed, NULL);
  int number = pthread_create(&notes->thread, NULL, run, notes);
  if (number == 0)
    return notes;
  sallyport_error_errno(error, number, "front: start a thread");
  g_free(notes);
  return NULL;
}

void notes_stop(Notes *notes) {
  if (!notes)
    return;
  pthread_mutex_lock(&notes->lock);
  notes->is_ending = TRUE;
  pthread_cond_signal(&notes->changed);
  pthread_mutex_unlock(&notes->lock);
  pthread_join(notes->thread, NULL);
  for (Note *note; (note = g_queue_pop_head(&notes->waiting)); g_free(note))
    json_decref(note->question);
  pthread_cond_destroy(&notes->changed);
  pthread_mutex_destroy(&notes->lock);
  g_free(notes);
}

void notes_add(Notes *notes, const Shelf *shelf, json_t *question) {
  pthread_mutex_lock(&notes->lock);
  gboolean is_taken = g_queue_get_length(&notes->waiting) < NOTES_MOST;
  if (is_taken) {
    Note *note = g_new(Note, 1);
    *note = (Note){shelf, question};
    g_queue_push_tail(&notes->waiting, note);
    pthread_cond_signal(&notes->changed);
  }
  pthread_mutex_unlock(&notes->lock);
  if (!is_taken)
    json_decref(question);
}
