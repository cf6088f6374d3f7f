/* cdr: full files of what was rated, and what platforms get of them. */
#include "gateway/cli/cdr_shown.h"
#include "gateway/processors/rating/cdr.h"
#include <string.h>

typedef struct {
  char *name, *into;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, name, "name", 'n', "RATING", "of this rating, where there are several", CLI_VALUE_TEXT),
    CLI_TEXT(Given, into, "into", 0, "DIR", "split: the folder for the platforms' files", CLI_VALUE_TEXT),
    {0}};

static CliExit find_rating(GPtrArray *lanes, CdrWanted *wanted) {
  const char *name = ((const Given *)wanted->cli->own)->name;
  guint found = 0;
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    for (guint j = 0; lane->conf->ratings && j < lane->conf->ratings->len; j++) {
      const ConfRating *rating = lane->conf->ratings->pdata[j];
      if (!rating->full_file.present || (name && strcmp(rating->name, name) != 0))
        continue;
      wanted->lane = lane;
      wanted->rating = rating;
      found++;
    }
  }
  if (found == 1)
    return CLI_EXIT_FINE;
  cli_complain(found ? "there are several ratings with full files: --name or --lane says which"
                     : "there is no such rating with full files");
  return found ? CLI_EXIT_USAGE : CLI_EXIT_NOT_FOUND;
}

/* --- list */

static const CliColumn columns[] = {{"SEQUENCE", CLI_RIGHT, CLI_WHOLE}, {"PERIOD", CLI_LEFT, CLI_WHOLE},
                                    {"CLOSED", CLI_LEFT, CLI_WHOLE},    {"REASON", CLI_LEFT, CLI_WHOLE},
                                    {"RECORDS", CLI_RIGHT, CLI_WHOLE},  {"SUM", CLI_RIGHT, CLI_WHOLE},
                                    {"LATE", CLI_RIGHT, CLI_WHOLE},     {"STATE", CLI_LEFT, CLI_WHOLE},
                                    {"NAME", CLI_LEFT, CLI_SHRINKS}};

static void add_file(const CdrWanted *wanted, const DetailFile *file, CliTable *table, json_t *list) {
  const CliOutput *out = wanted->cli->out;
  g_autofree char *name = cdr_file_name(file);
  if (out->is_json) {
    json_t *object = json_pack("{s:I, s:s, s:s, s:I, s:s}", "sequence", (json_int_t)file->sequence, "period",
                               file->period, "reason", file->reason, "records", (json_int_t)file->sums.count, "name",
                               name);
    cli_json_time(out, object, "closed_at", file->closed_at);
    cli_json_amount(object, "sum", file->sums.amount, wanted->rating->round.scale);
    cli_json_text(object, "sha256", file->sha256);
    json_object_set_new(object, "state", json_string(cdr_state(file)));
    json_object_set_new(object, "late", json_integer((json_int_t)file->sums.late));
    cli_json_amount(object, "late_sum", file->sums.late_amount, wanted->rating->round.scale);
    cli_json_text(object, "held", file->held);
    json_array_append_new(list, object);
    return;
  }
  cli_table_cell(table, cli_unsigned(out, (guint64)file->sequence));
  cli_table_cell(table, g_strdup(file->period));
  cli_table_cell(table, cli_time(out, file->closed_at));
  cli_table_cell(table, g_strdup(file->reason));
  cli_table_cell(table, cli_unsigned(out, file->sums.count));
  cli_table_cell(table, cli_amount(out, file->sums.amount, wanted->rating->round.scale));
  cli_table_cell(table, cli_unsigned(out, file->sums.late));
  cli_table_cell(table, g_strdup(cdr_state(file)));
  cli_table_cell(table, g_steal_pointer(&name));
}

static CliExit list_files(const CdrWanted *wanted) {
  g_autoptr(GError) error = NULL;
  g_autoptr(DetailsReader) reader = details_reader_open(wanted->lane->paths->folder, wanted->rating->name, &error);
  g_autoptr(GPtrArray) files = reader ? details_reader_files(reader, cli_limit(wanted->cli, 100), &error) : NULL;
  if (error)
    return cli_fail(error);
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  json_t *list = json_array();
  for (guint i = 0; files && i < files->len; i++)
    add_file(wanted, files->pdata[i], table, list);
  if (wanted->cli->out->is_json) {
    cli_json(wanted->cli->out, json_pack("{s:O}", "files", list));
    cli_table_free(table);
  } else {
    cli_table_print(table, wanted->cli->out);
  }
  json_decref(list);
  return CLI_EXIT_FINE;
}

/* --- split, close */

static CliExit split_file(const CdrWanted *wanted) {
  const Given *given = wanted->cli->own;
  const CliOutput *out = wanted->cli->out;
  g_autoptr(GError) error = NULL;
  g_auto(CdrMatrix) matrix = {0};
  if (wanted->cli->n_arguments != 2 || !given->into) {
    cli_complain("cdr split takes a full file, and --into says where its parts go");
    return CLI_EXIT_USAGE;
  }
  CdrSplit split = {.conf = wanted->cli->conf, .rating = wanted->rating, .path = wanted->cli->arguments[1],
                    .into = given->into};
  if (!cdr_split(&split, &matrix, &error)) {
    CliExit exit = cli_fail(error);
    return sallyport_error_code(error) == SALLYPORT_ERROR_FILE ? CLI_EXIT_CORRUPT : exit;
  }
  if (out->is_json) {
    cli_json(out, json_pack("{s:I, s:I, s:I, s:b}", "records", (json_int_t)matrix.records, "unrouted",
                            (json_int_t)matrix.routed.unrouted, "several", (json_int_t)matrix.routed.several,
                            "already_split", (int)matrix.was_split));
    return CLI_EXIT_FINE;
  }
  cli_line(out, "records", cli_unsigned(out, matrix.records));
  cli_line(out, "unrouted", cli_unsigned(out, matrix.routed.unrouted));
  cli_line(out, "several", cli_unsigned(out, matrix.routed.several));
  if (matrix.was_split)
    cli_line(out, "already split", g_strdup("yes: its parts are there, with the same bytes"));
  return CLI_EXIT_FINE;
}

static CliExit close_file(const CdrWanted *wanted) {
  json_t *answer = NULL;
  CliExit exit = cli_ask(wanted->lane, json_pack("{s:s, s:s}", "do", "cdr-close", "name", wanted->rating->name),
                         &answer);
  if (exit == CLI_EXIT_FINE && wanted->cli->out->is_json)
    cli_json(wanted->cli->out, json_incref(answer));
  json_decref(answer);
  return exit;
}

static CliExit cdr_command(Cli *cli) {
  static const struct {
    const char *verb;
    CliExit (*run)(const CdrWanted *wanted);
  } verbs[] = {{"list", list_files}, {"show", cdr_show}, {"trace", cdr_trace}, {"split", split_file},
               {"close", close_file}};
  g_autoptr(GPtrArray) lanes = NULL;
  CdrWanted wanted = {.cli = cli};
  for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
    if (strcmp(cli->arguments[0], verbs[i].verb) != 0)
      continue;
    CliExit exit = cli_lanes(cli, &lanes);
    if (exit == CLI_EXIT_FINE)
      exit = find_rating(lanes, &wanted);
    return exit == CLI_EXIT_FINE ? verbs[i].run(&wanted) : exit;
  }
  cli_complain("cdr: there is no verb \"%s\"; sallyport cdr --help lists them", cli->arguments[0]);
  return CLI_EXIT_USAGE;
}

static const char *const verb_words[] = {"list", "show", "trace", "split", "close", NULL};
const CliCommand cli_command_cdr = {
    .name = "cdr",
    .arguments = "list | show NUMBER | trace KEY | split FILE | close",
    .least = 1,
    .most = 9,
    .verbs = verb_words,
    .shared = CLI_LANE | CLI_LIMIT,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "full files of what was rated",
    .text = "list shows the full files of a rating; close makes one now of all that was rated and is in none yet.\n"
            "show tells what each platform got of a full file, and whether it is there. trace finds a record by its\n"
            "key (each part an argument): its full file, the place in it, and its lines in platforms' files.\n"
            "split makes the platforms' files of a full file, from it and the configuration alone; a second time it\n"
            "finds them there.\n\n"
            "  sallyport cdr split MUSIC_2026-11-30_000007.dat --into parts/\n",
    .run = cdr_command,
};
