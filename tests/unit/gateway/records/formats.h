/* Layouts as they are written down: those of the corpus, and those that are shipped. */
#pragma once
#include "tests/unit/gateway/records/layouts.h"
#include <stdio.h>
#include <cmocka.h>

/* from the root of the tree, where make runs */
#define FORMATS "tests/corpus/formats"
#define SHIPPED "conf/samples/layouts"

/* The layout of a format: a configuration of its own but for the node. */
static inline Conf *formats_read(const char *path) {
  g_autofree char *text = NULL;
  if (!g_file_get_contents(path, &text, NULL, NULL))
    fail_msg("%s is missing", path);
  g_autofree char *whole = g_strconcat("node { name = \"n\"  state = \"/nowhere\" }\n", text, NULL);
  ConfSource *source = conf_source_from_text(path, whole, strlen(whole));
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  for (guint i = 0; !conf && i < report->findings->len; i++)
    print_error("%s:%u: %s\n", path, ((ConfFinding *)report->findings->pdata[i])->where.line - 1,
                ((ConfFinding *)report->findings->pdata[i])->message);
  assert_non_null(conf);
  conf_report_free(report);
  conf_source_free(source);
  return conf;
}
