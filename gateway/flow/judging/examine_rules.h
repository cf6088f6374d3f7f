/* A file's rules, ready to run over blocks of its records; one thread at a time. */
#pragma once
#include "gateway/flow/judging/examine.h"
#include "store/staging.h"

typedef struct ExamineRules ExamineRules;
/* With the values that the file's header has for them. */
ExamineRules *examine_rules_new(const ExamineOptions *options, StagingReader *reader,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
void examine_rules_free(ExamineRules *rules); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExamineRules, examine_rules_free)
/* `broken` is told of each record that breaks one. */
gboolean examine_rules_run(ExamineRules *rules, const RecordBlock *block,
                           void (*broken)(gpointer user, guint record, guint64 rules), gpointer user,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
