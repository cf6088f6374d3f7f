/* What a ConfSource holds, for the rest of this room. Files are in the order in which they are parsed: the main file,
 * conf.d by name, and behind each the files that it includes. */
#pragma once
#include "conf/source.h"

#define SOURCE_FILE_LIMIT (1024 * 1024) /* bytes of one file */
#define SOURCE_TOTAL_LIMIT (16 * 1024 * 1024)
#define SOURCE_FILES_LIMIT 1000

typedef struct {
  char *path;    /* as it is shown */
  char *problem; /* why it could not be read; NULL when text is there */
  char *text;    /* NUL behind it */
  gsize length;
  gboolean included; /* only where a line includes it */
} SourceFile;

struct ConfSource {
  GPtrArray *files; /* SourceFile* */
  gsize total;
};

/* The files that `include("pattern")` in the file FROM means, in the order of their names; empty when there is none.
 * Borrowed SourceFile*. */
GPtrArray *source_matching(const ConfSource *source, const char *from, const char *pattern);
