#include "gateway/cli/command.h"
#include <stddef.h>

static const CliOption shared[] = {
    {"lane", 'l', G_OPTION_ARG_STRING, offsetof(CliOptions, lane), "LANE", "only this lane", CLI_VALUE_LANE, CLI_LANE},
    {"limit", 0, G_OPTION_ARG_INT, offsetof(CliOptions, limit), "N", "at most so many", CLI_VALUE_TEXT, CLI_LIMIT},
    {"unmask", 0, G_OPTION_ARG_NONE, offsetof(CliOptions, unmask), NULL, "show masked fields", CLI_VALUE_NONE,
     CLI_UNMASK},
    {"config", 'c', G_OPTION_ARG_FILENAME, offsetof(CliOptions, config), "FILE",
     "the configuration, instead of $SALLYPORT_CONFIG or /etc/sallyport/sallyport.conf", CLI_VALUE_PATH, 0},
    CLI_FLAG(CliOptions, json, "json", 0, "answer as JSON"),
    CLI_FLAG(CliOptions, help, "help", 'h', "this text"),
    {"version", 0, G_OPTION_ARG_NONE, offsetof(CliOptions, version), NULL, "the program's version", CLI_VALUE_NONE,
     CLI_PROGRAM},
    {0}};

static gboolean is_own(const CliCommand *command, const CliOption *option) {
  for (const CliOption *own = command ? command->own : NULL; own && own->name; own++)
    if (own == option)
      return TRUE;
  return FALSE;
}

GPtrArray *cli_options_of(const CliCommand *command) {
  GPtrArray *all = g_ptr_array_new();
  for (const CliOption *option = command ? command->own : NULL; option && option->name; option++)
    g_ptr_array_add(all, (gpointer)option);
  guint taken = command ? command->shared : CLI_PROGRAM;
  for (const CliOption *option = shared; option->name; option++)
    if (!option->shared || option->shared & taken)
      g_ptr_array_add(all, (gpointer)option);
  return all;
}

static GOptionContext *context_of(CliOptions *options, const CliCommand *command, gpointer own) {
  GOptionContext *context = g_option_context_new(NULL);
  g_autoptr(GArray) entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
  g_autoptr(GPtrArray) all = cli_options_of(command);
  for (guint i = 0; i < all->len; i++) {
    const CliOption *option = all->pdata[i];
    GOptionEntry entry = {.long_name = option->name,
                          .short_name = option->short_name,
                          .arg = option->kind,
                          .arg_data = (is_own(command, option) ? (char *)own : (char *)options) + option->offset,
                          .description = option->text,
                          .arg_description = option->value};
    g_array_append_val(entries, entry);
  }
  g_option_context_add_main_entries(context, (const GOptionEntry *)(const void *)entries->data, NULL);
  g_option_context_set_help_enabled(context, FALSE);
  g_option_context_set_strict_posix(context, !command);
  return context;
}

gboolean cli_options_parse(CliOptions *options, const CliCommand *command, gpointer own, char ***arguments,
                           GError **error) {
  g_autoptr(GOptionContext) context = context_of(options, command, own);
  return g_option_context_parse_strv(context, arguments, error);
}

static void clear(const CliOption *table, gpointer values) {
  for (const CliOption *option = table; option && option->name; option++) {
    gpointer at = (char *)values + option->offset;
    if (option->kind == G_OPTION_ARG_STRING || option->kind == G_OPTION_ARG_FILENAME)
      g_clear_pointer((char **)at, g_free);
    else if (option->kind == G_OPTION_ARG_STRING_ARRAY)
      g_clear_pointer((char ***)at, g_strfreev);
  }
}

void cli_options_clear(CliOptions *options) {
  clear(shared, options);
}

void cli_own_options_free(const CliCommand *command, gpointer own) {
  if (own)
    clear(command->own, own);
  g_free(own);
}

static void append_option(GString *help, const CliOption *option) {
  g_autofree char *letter = option->short_name ? g_strdup_printf("-%c,", option->short_name) : g_strdup("");
  g_autofree char *full = g_strdup_printf("--%s%s%s", option->name, option->value ? "=" : "",
                                          option->value ? option->value : "");
  guint width = cli_text_width(full), column = 24;
  g_string_append_printf(help, "  %-3s %s%*s %s\n", letter, full, (int)(width < column ? column - width : 0), "",
                         option->text);
}

char *cli_options_help(const CliCommand *command) {
  GString *help = g_string_new(NULL);
  g_autoptr(GPtrArray) all = cli_options_of(command);
  for (guint i = 0; i < all->len; i++)
    append_option(help, all->pdata[i]);
  return g_string_free(help, FALSE);
}
