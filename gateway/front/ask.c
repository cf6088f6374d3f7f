/* What lanes are asked. A lane may be slow to answer (it commits, it is being replaced), and nobody else is to wait for
 * that: each lane is asked by a thread of its own, one question after the other, and a request that wants the answer
 * waits without a thread (waits.c). A question that is not taken is lost, and so are those that wait when the front
 * ends: only what may be asked again, or is harmless to lose, is asked. */
#include "gateway/common/control.h"
#include "gateway/front/front_private.h"

enum { QUESTIONS_MOST = 1000 };

struct FrontQuestion {
  gint references, answer; /* atomic; LaneAnswer */
  json_t *question;
};

struct Asker {
  const char *control; /* the lane's socket; borrowed */
  Waits *waits;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue questions; /* FrontQuestion*, with a reference each */
  gboolean is_running, is_ending;
};

void front_question_unref(FrontQuestion *question) {
  if (!question || !g_atomic_int_dec_and_test(&question->references))
    return;
  json_decref(question->question);
  g_free(question);
}

LaneAnswer front_question_answer(FrontQuestion *question) {
  return (LaneAnswer)g_atomic_int_get(&question->answer);
}

static void ask(const Asker *asker, FrontQuestion *question) {
  json_t *answer = control_ask(asker->control, question->question, NULL);
  gboolean ok = json_is_true(json_object_get(answer, "ok"));
  json_decref(answer);
  g_atomic_int_set(&question->answer, ok ? LANE_DID : LANE_DID_NOT);
  front_wake(asker->waits, question);
}

static void *run(void *user) {
  Asker *asker = user;
  pthread_mutex_lock(&asker->lock);
  while (!asker->is_ending) {
    FrontQuestion *question = g_queue_pop_head(&asker->questions);
    if (!question) {
      pthread_cond_wait(&asker->changed, &asker->lock);
      continue;
    }
    pthread_mutex_unlock(&asker->lock);
    ask(asker, question);
    front_question_unref(question);
    pthread_mutex_lock(&asker->lock);
  }
  pthread_mutex_unlock(&asker->lock);
  return NULL;
}

Asker *asker_new(const char *control, Waits *waits) {
  Asker *asker = g_new0(Asker, 1);
  asker->control = control;
  asker->waits = waits;
  g_queue_init(&asker->questions);
  pthread_mutex_init(&asker->lock, NULL);
  pthread_cond_init(&asker->changed, NULL);
  return asker;
}

void asker_free(Asker *asker) {
  pthread_mutex_lock(&asker->lock);
  asker->is_ending = TRUE;
  pthread_cond_signal(&asker->changed);
  pthread_mutex_unlock(&asker->lock);
  if (asker->is_running)
    pthread_join(asker->thread, NULL);
  g_queue_clear_full(&asker->questions, (GDestroyNotify)front_question_unref);
  pthread_cond_destroy(&asker->changed);
  pthread_mutex_destroy(&asker->lock);
  g_free(asker);
}

/* Under the lock. Its thread begins with the first question: most lanes are never asked. */
static gboolean may_take(Asker *asker) {
  if (!asker->is_running)
    asker->is_running = pthread_create(&asker->thread, NULL, run, asker) == 0;
  return asker->is_running && g_queue_get_length(&asker->questions) < QUESTIONS_MOST;
}

FrontQuestion *front_ask(const Shelf *shelf, json_t *question) {
  Asker *asker = shelf->asker;
  FrontQuestion *asked = g_new0(FrontQuestion, 1);
  *asked = (FrontQuestion){.references = 2, .answer = LANE_SILENT, .question = question};
  pthread_mutex_lock(&asker->lock);
  gboolean is_taken = may_take(asker);
  if (is_taken) {
    g_queue_push_tail(&asker->questions, asked);
    pthread_cond_signal(&asker->changed);
  }
  pthread_mutex_unlock(&asker->lock);
  if (is_taken)
    return asked;
  asked->references = 1;
  front_question_unref(asked);
  return NULL;
}
