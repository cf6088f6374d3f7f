#include "gateway/records/rule_constants.h"
#include "store/rules.h"

GArray *rule_constants_of(const ConfLayout *layout) {
  GArray *constants = g_array_new(FALSE, TRUE, sizeof(RuleConstant));
  for (guint i = 0; layout->header.present && i < layout->header.fields->len; i++) {
    const ConfField *field = layout->header.fields->pdata[i];
    gboolean is_number = field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
    RuleConstant constant = {.name = g_strdup_printf("header_%s", field->name), .text = NULL, .is_text = !is_number};
    g_array_append_val(constants, constant);
  }
  return constants;
}

void rule_constants_free(GArray *constants) {
  for (guint i = 0; constants && i < constants->len; i++) {
    RuleConstant *constant = &g_array_index(constants, RuleConstant, i);
    g_free((char *)constant->name);
    g_free((char *)constant->text);
  }
  if (constants)
    g_array_unref(constants);
}

void rule_constants_fill(GArray *constants, const ConfLayout *layout, StagingReader *reader) {
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
