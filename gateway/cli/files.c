/* files: a list of the books' files. */
#include "gateway/cli/books.h"
#include "gateway/cli/file_words.h"
#include "gateway/status/file_json.h"
#include <stdlib.h>
#include <string.h>

/* The lanes' files as one list, newest first, whose lines are not held: each lane's next file, and its walk. */
typedef struct {
  const StatusLane *lane;
  BookWalk *walk;
  BookFile *next; /* NULL: there are no more */
} Source;
typedef struct {
  GArray *sources;
  guint64 left;
} Listing;

static void source_clear(gpointer data) {
  Source *source = data;
  book_walk_free(source->walk);
  book_file_free(source->next);
}

static gboolean listing_begin(Listing *listing, GPtrArray *lanes, const BookFilter *filter, GError **error) {
  *listing = (Listing){g_array_new(FALSE, FALSE, sizeof(Source)), filter->limit ? filter->limit : G_MAXUINT64};
  g_array_set_clear_func(listing->sources, source_clear);
  for (guint i = 0; i < lanes->len; i++) {
    Source source = {.lane = lanes->pdata[i]};
    if (!source.lane->reader)
      continue;
    source.walk = book_walk_new(source.lane->reader, filter);
    gboolean ok = book_walk_next(source.walk, &source.next, error);
    g_array_append_val(listing->sources, source);
    if (!ok)
      return FALSE;
  }
  return TRUE;
}

static Source *newest(const Listing *listing) {
  Source *found = NULL;
  for (guint i = 0; i < listing->sources->len; i++) {
    Source *source = &g_array_index(listing->sources, Source, i);
    if (source->next && (!found || source->next->seen_at > found->next->seen_at))
      found = source;
  }
  return found;
}

/* *file is the caller's; NULL: that was the last one. */
static gboolean listing_next(Listing *listing, const StatusLane **lane, BookFile **file, GError **error) {
  Source *source = listing->left > 0 ? newest(listing) : NULL;
  *file = source ? g_steal_pointer(&source->next) : NULL;
  if (!source)
    return TRUE;
  *lane = source->lane;
  listing->left--;
  return book_walk_next(source->walk, &source->next, error);
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
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; j < lane->feeds->len; j++)
      g_string_append_printf(names, "%s%s", names->len ? ", " : "",
                             ((const ConfFeed *)lane->feeds->pdata[j])->name);
  }
  cli_complain("there is no feed \"%s\" in the configuration; there are: %s", name, names->str);
  g_string_free(names, TRUE);
  return CLI_EXIT_NOT_FOUND;
}

/* A feed that is not configured any more may still have files. */
static gboolean is_known_feed(const Cli *cli, const Listing *listing, const char *feed) {
  return newest(listing) || conf_feed(cli->conf, feed, NULL);
}

enum { WRITTEN_AT_ONCE = 64 << 10 };

/* On a terminal by the library, which indents. */
static void put_json(const Cli *cli, const StatusLane *lane, const BookFile *file, GString *text) {
  if (cli->out->is_terminal) {
    json_t *object = status_file_json(cli->out->time_zone, cli->conf, lane, file);
    char *indented = json_dumps(object, JSON_INDENT(2));
    g_string_append(text, indented);
    free(indented);
    json_decref(object);
  } else {
    status_file_put(cli->out->time_zone, cli->conf, lane, file, text);
  }
}

/* What was found until an error is printed, and is no whole JSON then. */
static gboolean print_json(const Cli *cli, Listing *listing, GError **error) {
  g_autoptr(GString) text = g_string_new("{\"files\":[");
  const StatusLane *lane;
  for (gboolean is_first = TRUE;; is_first = FALSE) {
    g_autoptr(BookFile) file = NULL;
    gboolean ok = listing_next(listing, &lane, &file, error);
    if (file) {
      g_string_append(text, is_first ? "" : ",");
      put_json(cli, lane, file, text);
    } else if (ok) {
      g_string_append(text, "]}\n");
    }
    if (!ok || !file || text->len > WRITTEN_AT_ONCE) {
      fwrite(text->str, 1, text->len, cli->out->file);
      g_string_truncate(text, 0);
    }
    if (!ok || !file)
      return ok;
  }
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

/* A file's row takes little more than its words, as columns are as wide as their widest. */
static gboolean print_table(const Cli *cli, Listing *listing, guint limit, GError **error) {
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
  const StatusLane *lane;
  for (;;) {
    g_autoptr(BookFile) file = NULL;
    if (!listing_next(listing, &lane, &file, error)) {
      cli_table_free(table);
      return FALSE;
    }
    if (!file)
      break;
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
  gboolean is_cut = cli->out->is_terminal && cli_table_rows(table) == limit && cli->options.limit < 0;
  cli_table_print(table, cli->out);
  if (is_cut)
    fprintf(cli->out->file, "The newest %u; --limit 0 shows all.\n", limit);
  return TRUE;
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

/* Named states that files are in for moments only, until their answer is made. */
static void hint_at_outcomes(const Wanted *wanted) {
  static const char *const brief[] = {"rejected", "duplicate"};
  g_auto(GStrv) states = g_strsplit(wanted->state && !wanted->outcome ? wanted->state : "", ",", -1);
  for (guint i = 0; i < G_N_ELEMENTS(brief); i++)
    if (g_strv_contains((const char *const *)states, brief[i]))
      cli_complain("a file is %s until its answer has gone, then it is closed; --outcome %s shows all of them",
                   brief[i], brief[i]);
}

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
  if (!cli->out->is_json)
    hint_at_outcomes(wanted);
  Listing listing;
  gboolean ok = listing_begin(&listing, lanes, &filter, &error);
  if (ok && wanted->feed && !is_known_feed(cli, &listing, wanted->feed))
    exit = no_such_feed(cli->conf, wanted->feed);
  else if (ok && cli->out->is_json)
    ok = print_json(cli, &listing, &error);
  else if (ok && (newest(&listing) || !cli->out->is_terminal))
    ok = print_table(cli, &listing, limit, &error);
  else if (ok)
    fputs("No file.\n", cli->out->file);
  g_array_unref(listing.sources);
  return ok ? exit : cli_fail(error);
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
