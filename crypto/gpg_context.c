#include "crypto/gpg_context.h"
#include <pthread.h>
#include <string.h>

#define IDLE_CONTEXTS 8

/* Contexts that ended well, kept for the next run with the same home and signer. A new one costs a run of `gpg
 * --version` and, for a sealing, one of `gpg --list-keys`: 10 ms beside the 15 that a small message takes. They hold no
 * message and no secret. */
static struct {
  pthread_mutex_t lock;
  guint count;
  struct {
    gpgme_ctx_t context;
    char *key;
  } idle[IDLE_CONTEXTS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

gpgme_ctx_t gpg_context_take(const char *key) {
  gpgme_ctx_t context = NULL;
  pthread_mutex_lock(&pool.lock);
  for (guint i = 0; i < pool.count && !context; i++) {
    if (!g_str_equal(pool.idle[i].key, key))
      continue;
    context = pool.idle[i].context;
    g_free(pool.idle[i].key);
    pool.idle[i] = pool.idle[--pool.count];
  }
  pthread_mutex_unlock(&pool.lock);
  if (context)
    (void)gpgme_set_protocol(context, GPGME_PROTOCOL_OpenPGP);
  return context;
}

/* Changing the protocol makes GPGME drop its engine, and with it the command pipe that it keeps open. */
void gpg_context_give(gpgme_ctx_t context, char *key) {
  gpgme_ctx_t surplus = NULL;
  (void)gpgme_set_protocol(context, GPGME_PROTOCOL_SPAWN);
  pthread_mutex_lock(&pool.lock);
  if (pool.count == IDLE_CONTEXTS) { /* the oldest goes, so that homes no longer used do not fill the pool */
    surplus = pool.idle[0].context;
    g_free(pool.idle[0].key);
    memmove(&pool.idle[0], &pool.idle[1], sizeof pool.idle[0] * --pool.count);
  }
  pool.idle[pool.count].context = context;
  pool.idle[pool.count++].key = key;
  pthread_mutex_unlock(&pool.lock);
  if (surplus)
    gpgme_release(surplus);
}

gpgme_error_t gpg_context_make(const char *home, gpgme_ctx_t *made) {
  gpgme_ctx_t context = NULL;
  gpgme_error_t failed = gpgme_new(&context);
  if (!failed)
    failed = gpgme_set_protocol(context, GPGME_PROTOCOL_OpenPGP);
  if (!failed)
    failed = gpgme_ctx_set_engine_info(context, GPGME_PROTOCOL_OpenPGP, NULL, home);
  if (!failed)
    failed = gpgme_set_ctx_flag(context, "full-status", "1");
  if (!failed)
    failed = gpgme_set_ctx_flag(context, "trust-model", "always"); /* we pin; the web of trust has no say */
  if (!failed)
    failed = gpgme_set_ctx_flag(context, "no-symkey-cache", "1");
  if (!failed)
    failed = gpgme_set_ctx_flag(context, "auto-key-retrieve", "0");
  if (failed) {
    if (context)
      gpgme_release(context);
    return failed;
  }
  (void)gpgme_set_ctx_flag(context, "no-auto-check-trustdb", "1"); /* since 1.19; gpg.conf says it for older ones */
  gpgme_set_offline(context, 1);                                   /* --disable-dirmngr */
  gpgme_set_armor(context, 0);
  *made = context;
  return 0;
}

gpgme_error_t gpg_context_make_spawn(gpgme_ctx_t *made) {
  gpgme_error_t failed = gpgme_new(made);
  if (failed)
    return failed;
  failed = gpgme_set_protocol(*made, GPGME_PROTOCOL_SPAWN);
  if (failed)
    gpgme_release(*made);
  return failed;
}
