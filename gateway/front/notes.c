/* What the front tells lanes without waiting for it: that a manifest was fetched. A lane may be slow to answer (it
 * commits, it is being replaced), and no other requester is to wait for that. What is not told is lost, and harmless:
 * the acknowledgement is what counts. */
#include "gateway/common/control.h"
#include "gateway/front/front_private.h"

enum { WAITING_MOST = 1000 };

typedef struct {
  const Shelf *shelf;
  char *task, *by;
} Note;

struct Notes {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue waiting;
  gboolean is_ending;
};

static void note_free(Note *note) {
  g_free(note->task);
  g_free(note->by);
  g_free(note);
}

static void tell(const Note *note) {
  json_t *question = json_pack("{s:s, s:s, s:s}", "do", "recon-fetched", "task", note->task, "by", note->by);
  json_decref(control_ask(note->shelf->paths->control, question, NULL));
  json_decref(question);
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
    tell(note);
    note_free(note);
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
  for (Note *note; (note = g_queue_pop_head(&notes->waiting));)
    note_free(note);
  pthread_cond_destroy(&notes->changed);
  pthread_mutex_destroy(&notes->lock);
  g_free(notes);
}

void notes_add_fetched(Notes *notes, const Shelf *shelf, const char *task, const char *by) {
  pthread_mutex_lock(&notes->lock);
  if (g_queue_get_length(&notes->waiting) < WAITING_MOST) {
    Note *note = g_new(Note, 1);
    *note = (Note){shelf, g_strdup(task), g_strdup(by)};
    g_queue_push_tail(&notes->waiting, note);
    pthread_cond_signal(&notes->changed);
  }
  pthread_mutex_unlock(&notes->lock);
}
