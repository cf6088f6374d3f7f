/* What the check finds, with its place. Messages never hold a secret. */
#pragma once
#include "conf/model/where.h"

typedef struct {
  ConfWhere where;
  gboolean is_warning;
  char *message;
} ConfFinding;

typedef struct {
  GPtrArray *findings; /* ConfFinding*, in the order found */
  guint errors;
  guint warnings;
} ConfReport;

ConfReport *conf_report_new(void);
void conf_report_free(ConfReport *report);
void conf_report_error(ConfReport *report, ConfWhere where, const char *format, ...) G_GNUC_PRINTF(3, 4);
void conf_report_warning(ConfReport *report, ConfWhere where, const char *format, ...) G_GNUC_PRINTF(3, 4);
