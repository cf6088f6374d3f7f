/* query: how far the lanes' queries of other people's databases have been read; with --look, whether they can be. */
#include "gateway/cli/books.h"
#include "gateway/query/piece.h"
#include "gateway/records/layout_write.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  gboolean look;
} Given;
static const CliOption options[] = {
    CLI_FLAG(Given, look, "look", 0, "ask the databases: are they reached, and can the queries be gone on with"),
    {0},
};

/* --- What the book knows */

static json_t *progress_json(const CliOutput *out, const char *lane, const BookQuery *row, const char *position) {
  json_t *object = json_pack("{s:s, s:s, s:I, s:I}", "lane", lane, "query", row->name, "files",
                             (json_int_t)row->sequence, "records", (json_int_t)row->records);
  cli_json_text(object, "file", row->file);
  cli_json_text(object, "up_to", position);
  cli_json_time(out, object, "made_at", row->made_at);
  return object;
}

static CliExit show_progress(const Cli *cli, const StatusLane *lane, CliTable *table, json_t *list) {
  const char *wanted = cli->arguments[0];
  g_autoptr(GError) error = NULL;
  if (!lane->reader)
    return CLI_EXIT_FINE;
  g_autoptr(GPtrArray) rows = book_queries(lane->reader, wanted, &error);
  for (guint i = 0; rows && i < rows->len; i++) {
    const BookQuery *row = rows->pdata[i];
    g_autofree char *position = outside_position_show(row->position);
    cli_table_cell(table, g_strdup(lane->conf->name));
    cli_table_cell(table, g_strdup(row->name));
    cli_table_cell(table, cli_unsigned(cli->out, row->sequence));
    cli_table_cell(table, cli_unsigned(cli->out, row->records));
    cli_table_cell(table, cli_time_brief(cli->out, row->made_at));
    cli_table_cell(table, g_strdup(row->file));
    cli_table_cell(table, g_strdup(position));
    json_array_append_new(list, progress_json(cli->out, lane->conf->name, row, position));
  }
  return rows ? CLI_EXIT_FINE : cli_fail(error);
}

static CliExit show_all(Cli *cli, const GPtrArray *lanes) {
  static const CliColumn columns[] = {{"lane", CLI_LEFT, CLI_WHOLE},     {"query", CLI_LEFT, CLI_WHOLE},
                                      {"files", CLI_RIGHT, CLI_WHOLE},   {"records", CLI_RIGHT, CLI_WHOLE},
                                      {"at", CLI_LEFT, CLI_WHOLE},       {"last file", CLI_LEFT, CLI_WHOLE},
                                      {"read up to", CLI_LEFT, CLI_SHRINKS}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  json_t *list = json_array();
  CliExit exit = CLI_EXIT_FINE;
  for (guint i = 0; i < lanes->len && exit == CLI_EXIT_FINE; i++)
    exit = show_progress(cli, lanes->pdata[i], table, list);
  if (exit == CLI_EXIT_FINE && !cli->out->is_json)
    cli_table_print(table, cli->out);
  else
    cli_table_free(table);
  if (exit == CLI_EXIT_FINE && cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "queries", list));
  json_decref(list);
  return exit;
}

/* --- What the databases say */

typedef struct {
  Cli *cli;
  const ConfQuery *conf;
  json_t *list;
  guint warnings, faults;
} Looking;

static void say(Looking *looking, gboolean is_fault, const char *what) {
  *(is_fault ? &looking->faults : &looking->warnings) += 1;
  json_array_append_new(looking->list, json_pack("{s:s, s:s, s:s}", "query", looking->conf->name, "kind",
                                                 is_fault ? "fault" : "warning", "text", what));
  if (!looking->cli->out->is_json)
    fprintf(looking->cli->out->file, "%s: %s%s\n", looking->conf->name, is_fault ? "" : "warning: ", what);
}

/* The first piece as it would be read, into nothing: columns, the layout's fields, keys that repeat. */
static gboolean look_at_rows(const Looking *looking, guint64 *rows, GError **error) {
  const Conf *conf = looking->cli->conf;
  OutsidePiece piece = query_piece_of(looking->conf);
  piece.rows = looking->conf->rows;
  g_autoptr(Layout) layout = layout_new(conf_layout(conf, looking->conf->layout), error);
  g_autoptr(OutsidePieces) pieces = layout ? outside_pieces_open(&piece, error) : NULL;
  guint n;
  *rows = 0;
  if (!pieces)
    return FALSE;
  const StagingColumn *columns = outside_pieces_columns(pieces, &n);
  g_autoptr(LayoutWriter) writer = layout_writer_new(layout, columns, n, error);
  g_autofree BlockType *types = g_new0(BlockType, n);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  g_autoptr(RecordBlock) block = record_block_new(1024, types, n);
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  gboolean ok = writer && (nowhere >= 0 || sallyport_error_errno(error, errno, "open /dev/null"));
  while (ok && (ok = outside_pieces_fill(pieces, block, error)) && block->count > 0) {
    ok = layout_writer_records(writer, block, nowhere, error);
    *rows += block->count;
    record_block_clear(block);
  }
  if (nowhere >= 0)
    close(nowhere);
  return ok;
}

static void look_at(Looking *looking) {
  OutsidePiece piece = query_piece_of(looking->conf);
  g_autoptr(GError) error = NULL;
  gboolean has_nulls = FALSE, sorts = FALSE;
  guint64 rows;
  if (!look_at_rows(looking, &rows, &error) || !outside_pieces_nulls(&piece, &has_nulls, &error) ||
      !outside_pieces_sorts(&piece, &sorts, &error)) {
    say(looking, TRUE, error->message);
    return;
  }
  if (!looking->cli->out->is_json)
    fprintf(looking->cli->out->file, "%s: %" G_GUINT64_FORMAT " rows in its first piece\n", looking->conf->name, rows);
  if (has_nulls)
    say(looking, TRUE, "rows have a null in the cursor, and are never read: leave them out (WHERE … IS NOT NULL), or "
                       "give them a value");
  if (sorts)
    say(looking, FALSE, "the database sorts all rows for each piece: an index on the cursor's columns, in their order, "
                        "spares it that");
  if (!looking->conf->cursor)
    say(looking, FALSE, "it has no cursor: each time the whole result is read");
}

static CliExit look(Cli *cli, const GPtrArray *lanes) {
  Looking looking = {.cli = cli, .list = json_array()};
  guint found = 0;
  for (guint i = 0; i < lanes->len; i++) {
    const GPtrArray *queries = ((const StatusLane *)lanes->pdata[i])->conf->queries;
    for (guint j = 0; queries && j < queries->len; j++) {
      looking.conf = queries->pdata[j];
      if (cli->arguments[0] && strcmp(cli->arguments[0], looking.conf->name) != 0)
        continue;
      found++;
      look_at(&looking);
    }
  }
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "found", looking.list));
  json_decref(looking.list);
  if (found > 0)
    return looking.faults ? CLI_EXIT_FAILED : looking.warnings ? CLI_EXIT_WARNINGS : CLI_EXIT_FINE;
  cli_complain("there is no such query");
  return CLI_EXIT_NOT_FOUND;
}

static CliExit query_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  return ((const Given *)cli->own)->look ? look(cli, lanes) : show_all(cli, lanes);
}

const CliCommand cli_command_query = {
    .name = "query",
    .arguments = "[NAME]",
    .most = 1,
    .shared = CLI_LANE,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "how far queries of other people's databases have been read",
    .text = "With --look the databases are asked: whether they are reached, whether the query can be read and its\n"
            "columns fill the layout, whether keys repeat in the first piece or are null, and whether an index is\n"
            "missing. Nothing is written there or here. With warnings alone it ends with 12, with faults with 1.\n\n"
            "  sallyport query claims --look\n",
    .run = query_command,
};
