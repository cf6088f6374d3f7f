/* What a layout's groups, addenda, remarks and totals mean, read aloud. */
#include "gateway/cli/read_aloud.h"

typedef struct {
  const CliOutput *out;
  const ConfLayout *layout;
} Reading;

static char *names_of(const ConfLine *line) {
  g_autoptr(GString) names = g_string_new(NULL);
  for (guint i = 0; i < line->fields->len; i++)
    g_string_append_printf(names, "%s\"%s\"", i ? ", " : "", ((const ConfField *)line->fields->pdata[i])->name);
  return g_string_free(g_steal_pointer(&names), FALSE);
}

/* --- Totals. */

static const char *const totals[] = {[CONF_CONTROL_COUNT] = "the number of records",
                                     [CONF_CONTROL_LINES] = "the number of lines",
                                     [CONF_CONTROL_ALL_LINES] = "the number of lines and of those passed over",
                                     [CONF_CONTROL_SUM] = "the sum of",
                                     [CONF_CONTROL_DEBITS] = "the sum without sign of what is below zero of",
                                     [CONF_CONTROL_CREDITS] = "the sum of what is above zero of",
                                     [CONF_CONTROL_GROSS] = "the sum without signs of",
                                     [CONF_CONTROL_NET] = "the sum, itself without sign, of",
                                     [CONF_CONTROL_DEBIT_COUNT] = "how many are below zero of",
                                     [CONF_CONTROL_CREDIT_COUNT] = "how many are above zero of"};

static void read_total(const Reading *reading, const char *line, const char *of, const ConfField *field) {
  g_autofree char *tags = field->control_lines ? g_strjoinv("\" and \"", field->control_lines) : NULL;
  g_autoptr(GString) what = g_string_new(NULL);
  if (field->opening)
    g_string_append_printf(what, "\"%s\" and ", field->opening);
  if (field->low_digits)
    g_string_append_printf(what, "the last %u digits of ", field->low_digits);
  g_string_append(what, tags && !field->control_field ? "the number" : totals[field->control]);
  if (field->control_field)
    g_string_append_printf(what, " \"%s\"", field->control_field);
  if (tags)
    g_string_append_printf(what, " %s lines \"%s\"", field->control_field ? "in" : "of", tags);
  if (field->per_block)
    g_string_append_printf(what, " in blocks of %u", field->per_block);
  fprintf(reading->out->file, "layout %s, %s: \"%s\" must be %s, over %s\n", reading->layout->name, line, field->name,
          what->str, of);
}

static void read_totals(const Reading *reading, const char *kind, const ConfLine *line, const char *of) {
  g_autofree char *named = line->tag ? g_strdup_printf("%s \"%s\"", kind, line->tag) : g_strdup(kind);
  for (guint i = 0; line->present && i < line->fields->len; i++) {
    const ConfField *field = line->fields->pdata[i];
    if (field->control != CONF_CONTROL_NONE)
      read_total(reading, named, of, field);
  }
}

/* --- Lines. */

static void read_open(const Reading *reading, const char *kind, const ConfLine *line) {
  if (line->open)
    fprintf(reading->out->file, "layout %s: a %s%s%s%s may have %s%s%s\n", reading->layout->name, kind,
            line->tag ? " \"" : "", line->tag ? line->tag : "", line->tag ? "\"" : "",
            line->open & 1u << CONF_OPEN_FEWER ? "fewer fields, which are then absent" : "",
            line->open == (1u << CONF_OPEN_FEWER | 1u << CONF_OPEN_MORE) ? ", and " : "",
            line->open & 1u << CONF_OPEN_MORE ? "more, of which nothing is looked at" : "");
}

static void read_opens(const Reading *reading, const char *kind, const GPtrArray *lines) {
  for (guint i = 0; i < lines->len; i++) {
    const ConfLine *line = lines->pdata[i];
    read_open(reading, kind, line);
    if (!line->tag && reading->layout->untagged)
      fprintf(reading->out->file, "layout %s: a line that no other line's tag fits is a %s\n", reading->layout->name,
              kind);
  }
}

void read_aloud_lines(const CliOutput *out, const ConfLayout *layout) {
  Reading reading = {out, layout};
  g_autofree char *places = layout->tag_at ? g_strjoinv(", ", layout->tag_at) : NULL;
  g_autofree char *terminator = layout->terminator ? g_strescape(layout->terminator, NULL) : NULL;
  if (places)
    fprintf(out->file, "layout %s: a line's tag is in %s %s\n", layout->name,
            layout->kind == CONF_LAYOUT_FIXED ? "bytes" : "fields", places);
  if (terminator)
    fprintf(out->file, "layout %s: a line ends in \"%s\", and a line break behind that is no line\n", layout->name,
            terminator);
  read_open(&reading, "header", &layout->header);
  read_opens(&reading, "record", layout->records);
  read_opens(&reading, "addendum", layout->addenda);
  read_opens(&reading, "remark", layout->remarks);
  read_open(&reading, "trailer", &layout->trailer);
}

static void read_group(const Reading *reading, guint g) {
  const ConfLayout *layout = reading->layout;
  const ConfGroup *group = layout->groups->pdata[g];
  const char *within = g > 0 ? ((const ConfGroup *)layout->groups->pdata[g - 1])->name : NULL;
  g_autofree char *names = names_of(&group->header), *of = g_strdup_printf("group %s", group->name);
  fprintf(reading->out->file, "layout %s: group %s begins with a line \"%s\" and ends with %s%s%s%s%s; ", layout->name,
          group->name, group->header.tag, group->trailer.present ? "a line \"" : "what comes next",
          group->trailer.present ? group->trailer.tag : "", group->trailer.present ? "\"" : "",
          within ? ", within group " : "", within ? within : "");
  fprintf(reading->out->file, "its records have its %s, and in \"%s\" the line in which it begins\n", names,
          group->name);
  read_totals(reading, "header", &group->header, of);
  read_totals(reading, "trailer", &group->trailer, of);
}

void read_aloud_groups(const CliOutput *out, const ConfLayout *layout) {
  Reading reading = {out, layout};
  read_totals(&reading, "header", &layout->header, "the file");
  for (guint g = 0; g < layout->groups->len; g++)
    read_group(&reading, g);
  for (guint i = 0; i < layout->addenda->len; i++) {
    const ConfLine *line = layout->addenda->pdata[i];
    g_autofree char *names = names_of(line);
    fprintf(out->file, "layout %s: a line \"%s\" belongs to the record before it, which has its %s; never credited\n",
            layout->name, line->tag, names);
  }
  for (guint i = 0; i < layout->remarks->len; i++)
    fprintf(out->file, "layout %s: a line \"%s\" is checked and counted, and never credited\n", layout->name,
            ((const ConfLine *)layout->remarks->pdata[i])->tag);
  read_totals(&reading, "trailer", &layout->trailer, "the file");
}
