/* The fields of a layout's lines. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

static void refuse_unless(const Section *section, const char *option, gboolean fits, const char *fitting) {
  if (!fits && section_has(section, option))
    section_error(section, option, "'%s' is for %s", option, fitting);
}

static void build_field_values(const Section *section, ConfField *field) {
  refuse_unless(section, "values", field->type == CONF_ENUMERATION, "type = enumeration");
  if (field->type != CONF_ENUMERATION)
    return;
  section_require(section, "values", "what the field may hold");
  field->values = section_list(section, "values", 1000);
}

static void build_scale(const Section *section, ConfField *field) {
  refuse_unless(section, "scale", field->type == CONF_DECIMAL, "type = decimal");
  if (field->type != CONF_DECIMAL)
    return;
  section_require(section, "scale", "how many digits stand behind the point");
  field->scale = section_number(section, "scale", (Range){.otherwise = 0, .least = 0, .most = 18});
}

/* `count`, `count(TAG)`, `sum(FIELD)` or `sum(FIELD, TAG)`; FALSE: none of these. */
static gboolean read_control(const char *text, ConfField *field) {
  gsize length = strlen(text);
  if (strcmp(text, "count") == 0) {
    field->control = CONF_CONTROL_COUNT;
    return TRUE;
  }
  gboolean counts = g_str_has_prefix(text, "count("), sums = g_str_has_prefix(text, "sum(");
  if ((!counts && !sums) || text[length - 1] != ')')
    return FALSE;
  const char *open = strchr(text, '(') + 1;
  g_autofree char *inner = g_strndup(open, (gsize)(text + length - 1 - open));
  g_auto(GStrv) parts = g_strsplit(inner, ",", 2);
  for (char **part = parts; *part != NULL; part++)
    g_strstrip(*part);
  guint wanted = counts ? 1 : 2;
  if (parts[0] == NULL || *parts[0] == '\0' ||
      (parts[1] != NULL && (*parts[1] == '\0' || g_strv_length(parts) > wanted)))
    return FALSE;
  field->control = counts ? CONF_CONTROL_COUNT : CONF_CONTROL_SUM;
  if (sums)
    field->control_field = g_strdup(parts[0]);
  field->control_record = g_strdup(counts ? parts[0] : parts[1]);
  return TRUE;
}

static void build_control(const Section *section, ConfField *field, gboolean may_control) {
  g_autofree char *text = section_text(section, "control");
  if (text == NULL)
    return;
  if (!may_control)
    section_error(section, "control",
                  "'control' is for fields of the trailer or header: a record does not count itself");
  else if (!read_control(text, field))
    section_error(section, "control",
                  "'control' must be count or \"sum(FIELD)\", or of the records of one tag, \"count(TAG)\" or "
                  "\"sum(FIELD, TAG)\"");
  else if (field->control == CONF_CONTROL_COUNT && field->type != CONF_INTEGER)
    section_error(section, "control", "a field with control = count must have type = integer");
}

/* ---- fixed width ---- */

static gboolean is_number(const ConfField *field) {
  return field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
}

/* Numbers are at the right behind zeros, all else at the left before spaces, unless it is said. */
static void build_place(const Section *section, ConfField *field, gboolean is_fixed) {
  static const char *const options[] = {"bytes", "align", "pad", "implied", "sign"};
  static const char *const alignments[] = {"left", "right", NULL};
  static const char *const signs[] = {"plain", "overpunch", NULL};
  field->pad = ' ';
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    refuse_unless(section, options[i], is_fixed, "layouts of type = fixed");
  if (!is_fixed)
    return;
  section_require(section, "bytes", "how many bytes of a line the field has");
  field->bytes = section_number(section, "bytes", (Range){.otherwise = 0, .least = 1, .most = 65536});
  field->align_right = section_choice(section, "align", alignments, is_number(field) ? 1 : 0) == 1;
  g_autofree char *pad = section_raw(section, "pad");
  field->pad = is_number(field) && field->align_right ? '0' : ' ';
  if (pad != NULL && strcmp(pad, "0") != 0 && strcmp(pad, " ") != 0)
    section_error(section, "pad", "'pad' must be \"0\" or \" \"");
  else if (pad != NULL)
    field->pad = *pad;
  refuse_unless(section, "implied", field->type == CONF_DECIMAL, "type = decimal");
  refuse_unless(section, "sign", is_number(field), "type = integer or decimal");
  field->implied = section_yes(section, "implied", FALSE);
  field->sign = section_choice(section, "sign", signs, CONF_SIGN_PLAIN);
  if (is_number(field) && field->pad == '0' && !field->align_right)
    section_error(section, section_has(section, "align") ? "align" : "pad",
                  "zeros behind a number change it: pad = \"0\" wants align = right");
}

ConfField *build_field(const Section *section, ConfLayout *layout, gboolean may_control) {
  static const char *const types[] = {"text", "integer", "decimal", "date", "timestamp", "enumeration", NULL};
  ConfField *field = g_new0(ConfField, 1);
  field->where = section_where(section, NULL);
  field->name = g_strdup(section->scanned->title);
  if (!value_is_field(field->name))
    section_error(
        section, NULL,
        "a field's name must be 1 to 64 letters, digits or _, not beginning with a digit: rules use it as a column");
  field->type = section_choice(section, "type", types, CONF_TEXT);
  field->width = section_number(section, "width", (Range){.otherwise = 0, .least = 1, .most = 65536});
  refuse_unless(section, "format", field->type == CONF_DATE || field->type == CONF_TIMESTAMP,
                "type = date or timestamp");
  field->format = section_text(section, "format");
  build_scale(section, field);
  build_field_values(section, field);
  field->optional = section_yes(section, "optional", FALSE);
  field->mask = section_yes(section, "mask", FALSE);
  build_control(section, field, may_control);
  build_place(section, field, layout->kind == CONF_LAYOUT_FIXED);
  return field;
}
