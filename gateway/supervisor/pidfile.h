/* RUNTIME/sallyport.pid: who supervises here. The lock on it is what counts; its text is for people and scripts. It is
 * never removed: a removed file that someone has open could be locked by two. */
#pragma once
#include "gateway/base/error.h"
#include <sys/types.h>

/* A descriptor that holds the lock until it is closed. -1: AGAIN with the other's number when one runs already. */
int pidfile_take(const char *runtime, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pidfile_leave(int fd);
/* 0: nobody holds it. */
pid_t pidfile_holder(const char *runtime);
