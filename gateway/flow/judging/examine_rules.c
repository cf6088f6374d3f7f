#include "gateway/flow/judging/examine_rules.h"
#include "gateway/records/rule_constants.h"

struct ExamineRules {
  GArray *constants;
  RuleSet *set;
};

ExamineRules *examine_rules_new(const ExamineOptions *options, StagingReader *reader, GError **error) {
  guint n_columns;
  const StagingColumn *columns = layout_columns(options->layout, &n_columns);
  ExamineRules *rules = g_new0(ExamineRules, 1);
  rules->constants = rule_constants_of(layout_conf(options->layout));
  rule_constants_fill(rules->constants, layout_conf(options->layout), reader);
  rules->set = rule_set_new(options->rules, options->n_rules, columns, n_columns,
                            (const RuleConstant *)(const void *)rules->constants->data, rules->constants->len, error);
  if (rules->set)
    return rules;
  examine_rules_free(rules);
  return NULL;
}

void examine_rules_free(ExamineRules *rules) {
  if (!rules)
    return;
  g_clear_pointer(&rules->set, rule_set_free);
  rule_constants_free(rules->constants);
  g_free(rules);
}

gboolean examine_rules_run(ExamineRules *rules, const RecordBlock *block,
                           void (*broken)(gpointer user, guint record, guint64 rules), gpointer user,
                           GError **error) {
  return rule_set_run(rules->set, block, broken, user, error);
}
