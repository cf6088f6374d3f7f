/* keys: every key that the configuration names. */
#include "gateway/cli/command.h"
#include "gateway/common/key_use.h"

static json_t *use_json(const CliOutput *out, const KeyUse *use) {
  json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "partner", use->partner->name, "use",
                             key_purpose_word(use->purpose), "fingerprint", use->fingerprint, "condition",
                             key_condition_word(use->condition));
  cli_json_text(object, "remark", use->remark);
  if (!use->key)
    return object;
  cli_json_text(object, "user_id", use->key->user_id);
  cli_json_text(object, "algorithm", use->key->algorithm);
  json_object_set_new(object, "secret", json_boolean(use->key->has_secret));
  cli_json_time(out, object, "created", use->key->created * G_USEC_PER_SEC);
  cli_json_time(out, object, "expires", key_use_ends(use) * G_USEC_PER_SEC);
  return object;
}

static CliColour colour_of(KeyCondition condition) {
  return condition == KEY_GOOD ? CLI_GREEN : condition <= KEY_ENDS_SOON ? CLI_YELLOW : CLI_RED;
}

static char *days_left(const KeyUse *use, gint64 now) {
  gint64 ends = key_use_ends(use);
  if (ends == 0)
    return g_strdup(use->key ? "ever" : "");
  return g_strdup_printf("%dd", (int)(MAX(ends - now, 0) / 86400));
}

static char *day_of(const CliOutput *out, gint64 seconds) {
  g_autoptr(GDateTime) utc = seconds ? g_date_time_new_from_unix_utc(seconds) : NULL;
  g_autoptr(GDateTime) at = utc ? g_date_time_to_timezone(utc, out->time_zone) : NULL;
  return at ? g_date_time_format(at, "%Y-%m-%d") : NULL;
}

static void print_table(const CliOutput *out, GPtrArray *uses, gint64 now) {
  static const CliColumn columns[] = {{"PARTNER", CLI_LEFT, CLI_SHRINKS},
                                      {"USE", CLI_LEFT, CLI_WHOLE},
                                      {"FINGERPRINT", CLI_LEFT, CLI_WHOLE},
                                      {"STATE", CLI_LEFT, CLI_WHOLE},
                                      {"ENDS", CLI_LEFT, CLI_DROPPED(2)},
                                      {"LEFT", CLI_RIGHT, CLI_WHOLE},
                                      {"OWNER", CLI_LEFT, CLI_SHRINKS | CLI_DROPPED(1)}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < uses->len; i++) {
    const KeyUse *use = uses->pdata[i];
    cli_table_cell(table, g_strdup(use->partner->name));
    cli_table_cell(table, g_strdup(key_purpose_word(use->purpose)));
    cli_table_cell(table, g_strdup(use->fingerprint));
    cli_table_coloured(table, g_strdup(key_condition_word(use->condition)), colour_of(use->condition));
    cli_table_cell(table, day_of(out, key_use_ends(use)));
    cli_table_cell(table, days_left(use, now));
    cli_table_cell(table, use->key ? g_strdup(use->key->user_id) : NULL);
  }
  cli_table_print(table, out);
}

static void print_remarks(const CliOutput *out, GPtrArray *uses) {
  for (guint i = 0; i < uses->len; i++) {
    const KeyUse *use = uses->pdata[i];
    if (!use->remark)
      continue;
    cli_coloured(out, colour_of(use->condition), use->condition <= KEY_ENDS_SOON ? "warning" : "error");
    fprintf(out->file, ": partner %s: %s key %s %s\n", use->partner->name, key_purpose_word(use->purpose),
            use->fingerprint, use->remark);
  }
}

static CliExit keys_command(Cli *cli) {
  g_autoptr(GError) error = NULL;
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  if (!cli_load(cli))
    return CLI_EXIT_CONFIGURATION;
  g_autoptr(GPtrArray) ring = !key_uses_any(cli->conf) ? g_ptr_array_new()
                              : openpgp_start(&error)  ? openpgp_keys(cli->conf->node.gnupg_home, &error)
                                                       : NULL;
  if (!ring)
    return cli_fail(error);
  g_autoptr(GPtrArray) uses = key_uses(cli->conf, ring, now);
  json_t *list = json_array();
  CliExit exit = CLI_EXIT_FINE;
  for (guint i = 0; i < uses->len; i++) {
    const KeyUse *use = uses->pdata[i];
    json_array_append_new(list, use_json(cli->out, use));
    if (use->condition > KEY_ENDS_SOON)
      exit = CLI_EXIT_CONFIGURATION;
  }
  if (cli->out->is_json) {
    cli_json(cli->out, json_pack("{s:O}", "keys", list));
  } else {
    print_table(cli->out, uses, now);
    print_remarks(cli->out, uses);
  }
  json_decref(list);
  return exit;
}

const CliCommand cli_command_keys = {
    .name = "keys",
    .summary = "the OpenPGP keys that the configuration names",
    .text = "Fingerprint, use, owner, state, and how long each is good. Ends with status 3 when one is missing or "
            "not usable.\n\n"
            "  sallyport keys\n",
    .run = keys_command,
};
