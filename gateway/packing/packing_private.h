/* What the packing process's files share. Nobody else includes this. Results go to the caller as one PackingResult
 * through a pipe. */
#pragma once
#include "gateway/packing/packing.h"
#include <sys/types.h>

enum { PACKING_IN = 3, PACKING_OUT = 4, PACKING_RESULT = 5 }; /* the process's descriptors */
enum { PACKING_PIECE = 256 * 1024 };
#define PACKING_RATIO_FREE ((guint64)1 << 20) /* below it no ratio is too high */

typedef struct {
  guint32 kind; /* PACKING_DONE … */
  guint32 verdict;
  guint64 size;
  char message[256]; /* hostile: the process may have been taken over */
} PackingResult;
enum { PACKING_RESULT_DONE = 1, PACKING_RESULT_TROUBLE = 2 /* on our side: memory, output */, PACKING_RESULT_CAGE = 3 };

/* Reading of the input by pread; a position, no descriptor offset. */
typedef struct {
  int fd;
  guint64 size, at;
  gboolean failed;
  guint8 piece[PACKING_PIECE];
} PackingInput;
gboolean packing_input_init(PackingInput *input, int fd);
/* TRUE when all `length` bytes at `at` could be read. */
gboolean packing_read_at(int fd, guint64 at, void *into, gsize length);

typedef struct {
  ConfPacking packing;
  guint64 size_limit, ratio_limit, ratio_base;
} UnpackTask;
void unpack_run(const UnpackTask *task, int in, int out, PackingResult *result);
void pack_run(ConfPacking packing, const char *member, int in, int out, PackingResult *result);

/* Before libarchive sees a zip: one whole archive from the first byte to the last, with one file that is not encrypted.
 * *detail may get words for people; they are constant. */
PackingVerdict zip_outline_check(int fd, guint64 size, const char **detail);
