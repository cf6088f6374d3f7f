#include "gateway/flow/judging/examine_rules.h"
#include "gateway/records/rule_constants.h"

struct ExamineRules {
  GArray *constants;
  RuleSet *set;
};

/* Values of the header's constants for this file's rules. */
static void fill_constants(GArray *constants, const ConfLayout *layout, StagingReader *reader) {
  for (guint i = 0; i < constants->len; i++) {
    RuleConstant *constant = &g_array_index(constants, RuleConstant, i);
    const ConfField *field = layout->header.fields->pdata[i];
    g_autofree char *name = g_strdup_printf("%s.%s", constant->is_text ? "header" : "header_scaled", field->name);
    char *text = staging_get(reader, name);
    if (constant->is_text) {
      constant->text = text;
    } else {
      constant->is_null = text == NULL;
      constant->integer = text ? g_ascii_strtoll(text, NULL, 10) : 0;
      g_free(text);
    }
  }
}

ExamineRules *examine_rules_new(const ExamineOptions *options, StagingReader *reader, GError **error) {
  guint n_columns;
  const StagingColumn *columns = layout_columns(options->layout, &n_columns);
  ExamineRules *rules = g_new0(ExamineRules, 1);
  rules->constants = rule_constants_of(layout_conf(options->layout));
  fill_constants(rules->constants, layout_conf(options->layout), reader);
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
