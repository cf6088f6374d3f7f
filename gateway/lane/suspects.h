/* Which files a lane's workers are at, kept where the death of the process leaves it: a file of slots beside the book,
 * one page-cache write per mark and no sync (a power failure is no file's fault). After a death these few are the
 * suspects, and not every file that happened to be waiting: so a file that kills the lane each time can be told from
 * the good ones around it. */
#pragma once
#include "gateway/base/error.h"

typedef struct Suspects Suspects;
/* *left: the set of ids (owned strings) that were marked when the last process here died; empty after a clean end. The
 * caller unrefs. */
Suspects *suspects_open(const char *path, guint slots, GHashTable **left, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Any thread. With all slots taken, or on a full disk, nothing is marked: then nothing can be told either. */
guint suspects_begin(Suspects *suspects, const char *id);
void suspects_end(Suspects *suspects, guint slot);
void suspects_close(Suspects *suspects); /* NULL is fine */
