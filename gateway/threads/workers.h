/* A lane's workers: threads for what waits for nobody outside. */
#pragma once
#include "gateway/threads/queue.h"

typedef struct Workers Workers;
Workers *workers_start(guint threads, const char *book_path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void workers_add(Workers *workers, Task *task);
void workers_stop(Workers *workers); /* lets each finish the task it is at, drops the rest, joins */
