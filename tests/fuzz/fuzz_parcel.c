/* What stands around a partner's records, before anything is verified: files that declare others, and packed files. The
 * first byte says which reader gets the rest. */
#include "gateway/flow/admission/declared.h"
#include "gateway/packing/packing_private.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

enum { SIZE_LIMIT = 1 << 16 };

static void must(gboolean holds) {
  if (!holds)
    abort();
}

static void declare(ConfDeclared conf, const char *text, gsize length) {
  static char *columns[] = {(char *)"name", (char *)"size", (char *)"total", (char *)"sha256", (char *)"-", NULL};
  static char *keys[] = {(char *)"f:name", (char *)"s:size", (char *)"r:records", NULL};
  char *problem = NULL;
  conf.present = TRUE;
  conf.columns = conf.format == CONF_DECLARED_PAIRS ? keys : columns;
  conf.delimiter = (char *)(conf.format == CONF_DECLARED_PAIRS ? "=" : "|");
  GHashTable *entries = declared_parse(&conf, text, length, &problem);
  must((entries == NULL) == (problem != NULL));
  GHashTableIter iterator;
  gpointer entry;
  if (entries)
    g_hash_table_iter_init(&iterator, entries);
  while (entries && g_hash_table_iter_next(&iterator, NULL, &entry)) {
    Declared *again = NULL;
    char *evidence = declared_add_to_evidence(entry, "{}");
    must(declared_from_evidence(evidence, &again, NULL) && again && declared_equal(entry, again));
    declared_free(again);
    g_free(evidence);
  }
  g_clear_pointer(&entries, g_hash_table_unref);
  g_free(problem);
}

static void unpack(ConfPacking packing, const guint8 *bytes, gsize length) {
  struct stat status;
  int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
  must(in >= 0 && out >= 0 && write(in, bytes, length) == (ssize_t)length);
  UnpackTask task = {.packing = packing, .size_limit = SIZE_LIMIT, .ratio_limit = 100, .ratio_base = length};
  PackingResult result = {0};
  unpack_run(&task, in, out, &result);
  must(fstat(out, &status) == 0 && status.st_size <= SIZE_LIMIT);
  must(result.kind == PACKING_RESULT_DONE || result.kind == PACKING_RESULT_TROUBLE);
  must(result.verdict != PACKING_GOOD || result.size == (guint64)status.st_size);
  close(in);
  close(out);
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size) {
  if (size == 0)
    return 0;
  guint which = data[0] % 6;
  if (which < 3)
    declare((ConfDeclared){.format = which == 0   ? CONF_DECLARED_SUMS
                                     : which == 1 ? CONF_DECLARED_COLUMNS
                                                  : CONF_DECLARED_PAIRS},
            (const char *)data + 1, size - 1);
  else
    unpack((ConfPacking)(CONF_PACK_GZIP + (which - 3)), data + 1, size - 1);
  return 0;
}
