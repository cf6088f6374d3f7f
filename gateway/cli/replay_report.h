/* What a lane's replay has found: counts, and differences in groups. */
#pragma once
#include "gateway/cli/command.h"
#include "gateway/replay/run.h"

enum { REPLAY_DIFFERENCES_SHOWN = 50 };

typedef struct ReplayReport ReplayReport;
ReplayReport *replay_report_new(void);
void replay_report_free(ReplayReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReplayReport, replay_report_free)
gboolean replay_report_add(gpointer report, const LibraryCase *one, const ReplayVerdict *verdict); /* a ReplayTold */

guint64 replay_report_count(const ReplayReport *report, ReplayStatus status);
guint64 replay_report_cases(const ReplayReport *report);
gboolean replay_report_has_feed(const ReplayReport *report, const char *feed); /* some of its cases were replayed */
json_t *replay_report_json(const ReplayReport *report);
void replay_report_print(const ReplayReport *report, const CliOutput *out);
