/* One text through the whole of conf_parse, and to a descriptor and back. */
#include "conf/conf.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(gboolean holds) {
  if (!holds)
    abort();
}

static void round_trip(const ConfSource *source) {
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  must(fd >= 0 && conf_source_save(source, fd, NULL));
  ConfSource *loaded = conf_source_load(fd, NULL);
  must(loaded && conf_source_equal(source, loaded));
  conf_source_free(loaded);
  close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ConfSource *source = conf_source_from_text("fuzz.conf", (const char *)data, size);
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  must((conf == NULL) == (report->errors > 0));
  round_trip(source);
  conf_free(conf);
  conf_report_free(report);
  conf_source_free(source);
  return 0;
}
