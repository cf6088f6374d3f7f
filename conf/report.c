#include "conf/report.h"

ConfReport *conf_report_new(void) {
  ConfReport *report = g_new0(ConfReport, 1);
  report->findings = g_ptr_array_new();
  return report;
}

void conf_report_free(ConfReport *report) {
  if (!report)
    return;
  for (guint i = 0; i < report->findings->len; i++) {
    ConfFinding *finding = report->findings->pdata[i];
    g_free(finding->message);
    g_free(finding);
  }
  g_ptr_array_free(report->findings, TRUE);
  g_free(report);
}

static void add(ConfReport *report, ConfWhere where, gboolean is_warning, char *message) {
  ConfFinding *finding = g_new0(ConfFinding, 1);
  *finding = (ConfFinding){.where = where, .is_warning = is_warning, .message = message};
  g_ptr_array_add(report->findings, finding);
  if (is_warning)
    report->warnings++;
  else
    report->errors++;
}

void conf_report_error(ConfReport *report, ConfWhere where, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  add(report, where, FALSE, g_strdup_vprintf(format, arguments));
  va_end(arguments);
}

void conf_report_warning(ConfReport *report, ConfWhere where, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  add(report, where, TRUE, g_strdup_vprintf(format, arguments));
  va_end(arguments);
}
