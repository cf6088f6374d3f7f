/* A sample of whatever bytes: what is proposed for it is a layout, which reads as a configuration, and which the parser
 * takes. */
#include "conf/conf.h"
#include "gateway/guess/guess.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *bytes, gsize length);

int LLVMFuzzerTestOneInput(const guint8 *bytes, gsize length) {
  GuessReport report;
  g_autoptr(GError) error = NULL;
  if (guess_layout(bytes, length, "sample", &report, &error)) {
    g_autofree char *whole = g_strconcat("node { name = \"n\"  state = \"/nowhere\" }\n", report.text, NULL);
    ConfSource *source = conf_source_from_text("sample", whole, strlen(whole));
    ConfReport *findings = conf_report_new();
    Conf *conf = conf_parse(source, findings);
    g_assert(conf && conf_layout(conf, "sample"));
    conf_free(conf);
    conf_report_free(findings);
    conf_source_free(source);
  }
  guess_report_clear(&report);
  return 0;
}
