/* files: a list of the books' files. */
#include "gateway/cli/file_json.h"
#include <string.h>

typedef struct {
  const CliLane *lane;
  BookFile *file;
} Row;

static void row_free(gpointer data) {
  Row *row = data;
  book_file_free(row->file);
  g_free(row);
}

static gboolean parse_states(const char *text, guint64 *states) {
  g_auto(GStrv) words = g_strsplit(text, ",", -1);
  for (char **word = words; *word; word++) {
    FileState state;
    if (strcmp(*word, "live") == 0) {
      for (guint i = 0; i < FILE_N_STATES; i++)
        *states |= file_state_is_terminal((FileState)i) ? 0 : G_GUINT64_CONSTANT(1) << i;
    } else if (file_state_parse(*word, &state)) {
      *states |= G_GUINT64_CONSTANT(1) << state;
    } else {
      GString *known = g_string_new("live");
      for (guint i = 0; i < FILE_N_STATES; i++)
        g_string_append_printf(known, ", %s", file_state_word((FileState)i));
      cli_complain("there is no state \"%s\"; there are: %s", *word, known->str);
      g_string_free(known, TRUE);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean parse_outcomes(const char *text, guint *outcomes) {
  g_auto(GStrv) words = g_strsplit(text, ",", -1);
  for (char **word = words; *word; word++) {
    FileOutcome outcome;
    if (!file_outcome_parse(*word, &outcome)) {
      cli_complain("there is no outcome \"%s\"; there are: accepted, rejected, duplicate", *word);
      return FALSE;
    }
    *outcomes |= 1u << outcome;
  }
  return TRUE;
}

static gboolean parse_time(const Cli *cli, const char *option, const char *text, gint64 *at) {
  if (!text || cli_parse_time(cli->out, text, g_get_real_time(), at))
    return TRUE;
  cli_complain(
      "--%s \"%s\" is no time: write 2026-11-20, 2026-11-20T10:00, 10:00, today, yesterday, or 90s, 30m, 12h, 7d",
      option, text);
  return FALSE;
}

static CliExit no_such_feed(const Conf *conf, const char *name) {
  GString *names = g_string_new(NULL);
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = g_ptr_array_index(conf->lanes, i);
    for (guint j = 0; j < lane->feeds->len; j++)
      g_string_append_printf(names, "%s%s", names->len ? ", " : "",
                             ((const ConfFeed *)g_ptr_array_index(lane->feeds, j))->name);
  }
  cli_complain("there is no feed \"%s\" in the configuration; there are: %s", name, names->str);
  g_string_free(names, TRUE);
  return CLI_EXIT_NOT_FOUND;
}

/* A feed that is not configured any more may still have files. */
static gboolean is_known_feed(const Cli *cli, GPtrArray *rows, const char *feed) {
  return rows->len > 0 || conf_feed(cli->conf, feed, NULL);
}

static gint newest_first(gconstpointer a, gconstpointer b) {
  const Row *left = *(Row *const *)a, *right = *(Row *const *)b;
  if (left->file->seen_at != right->file->seen_at)
    return left->file->seen_at < right->file->seen_at ? 1 : -1;
  return strcmp(right->file->id, left->file->id);
}

static GPtrArray *collect(GPtrArray *lanes, const BookFilter *filter, GError **error) {
  GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);
  for (guint i = 0; i < lanes->len; i++) {
    const CliLane *lane = g_ptr_array_index(lanes, i);
    g_autoptr(GPtrArray) files = lane->reader ? book_files(lane->reader, filter, error) : g_ptr_array_new();
    if (!files) {
      g_ptr_array_unref(rows);
      return NULL;
    }
    g_ptr_array_set_free_func(files, NULL); /* the rows take them */
    for (guint j = 0; j < files->len; j++) {
      Row *row = g_new0(Row, 1);
      *row = (Row){lane, g_ptr_array_index(files, j)};
      g_ptr_array_add(rows, row);
    }
  }
  g_ptr_array_sort(rows, newest_first);
  if (filter->limit && rows->len > filter->limit)
    g_ptr_array_set_size(rows, (gint)filter->limit);
  return rows;
}

/* One object at a time: a book has hundreds of thousands. */
static void print_json(const Cli *cli, GPtrArray *rows) {
  fputs("{\"files\":[", cli->out->file);
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = g_ptr_array_index(rows, i);
    json_t *file = cli_file_json(cli->out, cli->conf, row->lane, row->file);
    if (i > 0)
      fputc(',', cli->out->file);
    json_dumpf(file, cli->out->file, cli->out->is_terminal ? JSON_INDENT(2) : JSON_COMPACT);
    json_decref(file);
  }
  fputs("]}\n", cli->out->file);
}

/* What a person should know about it: why it waits, was refused, or is tried again. */
static char *remark(const CliOutput *out, const BookFile *file) {
  if (file->duplicate_of)
    return g_strdup_printf("of %s", file->duplicate_of);
  if (file->waits_for != FILE_WAIT_NOTHING && file->state != FILE_HELD)
    return cli_wait_words(out, file);
  if (file->reason)
    return g_strdup_printf("%s%s%s", file->reason_code ? file->reason_code : "", file->reason_code ? " " : "",
                           file->reason);
  return file->problem ? g_strdup_printf("try %u: %s", file->attempts + 1, file->problem) : NULL;
}

static void print_table(const Cli *cli, GPtrArray *rows) {
  static const CliColumn columns[] = {{"ID", CLI_LEFT, CLI_WHOLE},
                                      {"SEEN", CLI_LEFT, CLI_DROPPED(3)},
                                      {"FEED", CLI_LEFT, CLI_SHRINKS | CLI_DROPPED(1)},
                                      {"NAME", CLI_LEFT, CLI_SHRINKS},
                                      {"STATE", CLI_LEFT, CLI_WHOLE},
                                      {"OUTCOME", CLI_LEFT, CLI_DROPPED(4)},
                                      {"RECORDS", CLI_RIGHT, CLI_DROPPED(2)},
                                      {"ACCEPTED", CLI_RIGHT, CLI_WHOLE},
                                      {"REFUSED", CLI_RIGHT, CLI_WHOLE},
                                      {"REMARK", CLI_LEFT, CLI_SHRINKS}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < rows->len; i++) {
    const BookFile *file = ((const Row *)g_ptr_array_index(rows, i))->file;
    cli_table_cell(table, g_strdup(file->id));
    cli_table_cell(table, cli_time_brief(cli->out, file->seen_at));
    cli_table_cell(table, g_strdup(file->feed));
    cli_table_cell(table, g_strdup(file->name_shown));
    cli_table_coloured(table, g_strdup(file_state_word(file->state)), cli_colour_of_state(file->state));
    cli_table_coloured(table, g_strdup(file_outcome_word(file->outcome)),
                       file->outcome == FILE_OUTCOME_REJECTED ? CLI_RED : CLI_PLAIN);
    cli_table_cell(table, cli_unsigned(cli->out, file->records));
    cli_table_cell(table, cli_unsigned(cli->out, file->accepted));
    cli_table_cell(table, cli_unsigned(cli->out, file->rejected));
    cli_table_cell(table, remark(cli->out, file));
  }
  cli_table_print(table, cli->out);
}

static void print_note_of_more(const Cli *cli, GPtrArray *rows, guint limit) {
  if (cli->out->is_terminal && rows->len == limit && cli->options.limit < 0)
    fprintf(cli->out->file, "The newest %u; --limit 0 shows all.\n", limit);
}

/* --- The command. */

typedef struct {
  char *feed, *state, *outcome, *name, *since, *until;
} Wanted;
static const CliOption options[] = {
    CLI_TEXT(Wanted, feed, "feed", 0, "FEED", "only this feed", CLI_VALUE_FEED),
    CLI_TEXT(Wanted, state, "state", 's', "STATE[,STATE…]",
             "only these states (seen, posting, held, …; live: all that are not at their end)", CLI_VALUE_STATE),
    CLI_TEXT(Wanted, outcome, "outcome", 0, "OUTCOME[,OUTCOME]", "only what became so: accepted, rejected, duplicate",
             CLI_VALUE_OUTCOME),
    CLI_TEXT(Wanted, name, "name", 'n', "GLOB", "only names like this: '*_20261120*'", CLI_VALUE_TEXT),
    CLI_TEXT(Wanted, since, "since", 0, "TIME",
             "from then on: 2026-11-20, 2026-11-20T10:00, 10:00, today, yesterday, or 90s, 30m, 12h, 7d ago",
             CLI_VALUE_TEXT),
    CLI_TEXT(Wanted, until, "until", 0, "TIME", "before then", CLI_VALUE_TEXT),
    {0}};

static CliExit files_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  g_autoptr(GError) error = NULL;
  const Wanted *wanted = cli->own;
  guint limit = cli_limit(cli, 20);
  BookFilter filter = {.feed = wanted->feed, .name_like = wanted->name, .newest_first = TRUE, .limit = limit};
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  if ((wanted->state && !parse_states(wanted->state, &filter.states)) ||
      (wanted->outcome && !parse_outcomes(wanted->outcome, &filter.outcomes)) ||
      !parse_time(cli, "since", wanted->since, &filter.since) ||
      !parse_time(cli, "until", wanted->until, &filter.until))
    return CLI_EXIT_USAGE;
  cli_tell_unconfigured(lanes);
  g_autoptr(GPtrArray) rows = collect(lanes, &filter, &error);
  if (!rows)
    return cli_fail(error);
  if (wanted->feed && !is_known_feed(cli, rows, wanted->feed))
    return no_such_feed(cli->conf, wanted->feed);
  if (cli->out->is_json) {
    print_json(cli, rows);
  } else if (rows->len > 0 || !cli->out->is_terminal) {
    print_table(cli, rows);
    print_note_of_more(cli, rows, limit);
  } else {
    fputs("No file.\n", cli->out->file);
  }
  return CLI_EXIT_FINE;
}

const CliCommand cli_command_files = {
    .name = "files",
    .shared = CLI_LANE | CLI_LIMIT,
    .own = options,
    .own_size = sizeof(Wanted),
    .summary = "the files, newest first",
    .text = "Shows the newest 20 unless --limit says otherwise (0: all); all with --json.\n\n"
            "  sallyport files --feed acme-points --outcome rejected --since yesterday\n"
            "  sallyport files --state held\n"
            "  sallyport files --json --since 1h | jq '.files[].name'\n",
    .run = files_command,
};
