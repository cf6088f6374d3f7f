/* recon compare: the requester's own statement against ours. Ours is what was published for the period, or what we hold
 * now where nothing was; theirs is a file in the lines that we publish, or in a layout of the configuration. */
#include "gateway/cli/books.h"
#include "gateway/cli/recon/compare_columns.h"
#include "gateway/cli/recon/recon.h"
#include "gateway/recon/generate.h"
#include "gateway/records/differences.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN = 50 };

typedef struct {
  Cli *cli;
  const StatusLane *lane;
  const ConfReconcile *reconcile;
  const ConfFeed *feed; /* that credits the ledger: its key, its layout */
  const StatusLedger *ledger; /* which it credits: its scale, what it hides; NULL: none yet */
  ReconSource *theirs;
  CompareColumns columns;
  char *work;
  DifferenceWriter *writer; /* NULL: no --output */
  CliTable *table;          /* the first differences; NULL: JSON */
  json_t *list;
  guint64 shown, limit;
  guint scale;
  Comparison comparison;
} Comparing;

/* --- What is compared */

static const ConfReconcile *find_reconcile(GPtrArray *lanes, const char *name, const StatusLane **lane) {
  for (guint i = 0; i < lanes->len; i++) {
    *lane = lanes->pdata[i];
    const GPtrArray *reconciles = (*lane)->conf->reconciles;
    for (guint j = 0; reconciles && j < reconciles->len; j++)
      if (strcmp(((const ConfReconcile *)reconciles->pdata[j])->name, name) == 0)
        return reconciles->pdata[j];
  }
  return NULL;
}

static const ConfFeed *feed_of(const StatusLane *lane, const ConfRead *read) {
  for (guint i = 0; i < lane->conf->feeds->len; i++) {
    const ConfFeed *feed = lane->conf->feeds->pdata[i];
    gboolean is_meant = read->feeds ? g_strv_contains((const char *const *)read->feeds, feed->name)
                                    : g_strcmp0(feed->ledger.name, read->ledger) == 0;
    if (is_meant)
      return feed;
  }
  return NULL;
}

/* Our own lines as a layout: what a requester that has loaded them would give back. The strings are the reconcile
 * block's. */
static ConfLayout *own_layout(const ConfReconcile *reconcile, guint scale) {
  const char *amount = reconcile->read.amount ? reconcile->read.amount : "amount";
  ConfLayout *layout = g_new0(ConfLayout, 1);
  *layout = (ConfLayout){.name = reconcile->name,
                         .kind = CONF_LAYOUT_DELIMITED,
                         .delimiter = reconcile->delimiter,
                         .charset = reconcile->charset,
                         .quote = reconcile->quote ? CONF_QUOTE_RFC4180 : CONF_QUOTE_NONE,
                         .lines_by = CONF_LINES_BY_POSITION,
                         .line_limit = 1 << 20};
  ConfLine *lines[] = {&layout->header, &layout->record};
  for (guint l = reconcile->header_line ? 0 : 1; l < G_N_ELEMENTS(lines); l++) {
    lines[l]->present = TRUE;
    lines[l]->fields = g_ptr_array_new_with_free_func(g_free);
    for (char **column = reconcile->read.columns; *column; column++) {
      ConfField *field = g_new0(ConfField, 1);
      field->name = *column;
      field->optional = TRUE;
      gboolean is_amount = l == 1 && g_str_equal(*column, amount);
      field->type = is_amount ? CONF_DECIMAL : CONF_TEXT;
      field->scale = is_amount ? scale : 0;
      g_ptr_array_add(lines[l]->fields, field);
    }
  }
  layout->records = g_ptr_array_new();
  g_ptr_array_add(layout->records, &layout->record);
  return layout;
}

static void own_layout_free(ConfLayout *layout) {
  if (layout->header.fields)
    g_ptr_array_unref(layout->header.fields);
  g_ptr_array_unref(layout->record.fields);
  g_ptr_array_unref(layout->records);
  g_free(layout);
}

/* --- Differences */

/* What a side says: its amount, or its value of another column; starred where the ledger hides it. */
static char *shown_side(const Comparing *comparing, const Difference *difference, gboolean is_ours) {
  const Cli *cli = comparing->cli;
  const StatusLedger *ledger = comparing->ledger;
  gboolean hides = ledger && !cli->options.unmask;
  if (!(is_ours ? difference->has_ours : difference->has_theirs))
    return NULL;
  if (difference->kind == COMPARE_COLUMN) {
    gboolean is_account = g_str_equal(comparing->columns.others[difference->column].ours, "account");
    const char *text = is_ours ? difference->our_text : difference->their_text;
    return text ? cli_shown(text, hides && is_account && ledger->hides_account, FALSE) : NULL;
  }
  return hides && ledger->hides_amount
             ? g_strdup("***")
             : cli_amount(cli->out, is_ours ? difference->ours : difference->theirs, comparing->scale);
}

static void show_one(Comparing *comparing, const Difference *difference) {
  const Cli *cli = comparing->cli;
  g_autofree char *plain = g_strndup(difference->key, difference->key_length);
  char *key = cli_shown(plain, comparing->ledger && comparing->ledger->hides_key, cli->options.unmask),
       *ours = shown_side(comparing, difference, TRUE), *theirs = shown_side(comparing, difference, FALSE);
  if (comparing->table) {
    cli_table_cell(comparing->table, key);
    cli_table_cell(comparing->table, g_strdup(difference->word));
    cli_table_cell(comparing->table, ours);
    cli_table_cell(comparing->table, theirs);
    cli_table_cell(comparing->table,
                   difference->theirs_line ? cli_unsigned(cli->out, difference->theirs_line) : NULL);
    return;
  }
  json_t *object = json_pack("{s:s}", "difference", difference->word);
  cli_json_text(object, "key", key);
  if (difference->has_ours)
    cli_json_text(object, "ours", ours);
  if (difference->has_theirs)
    cli_json_text(object, "theirs", theirs);
  if (difference->theirs_line)
    json_object_set_new(object, "line", json_integer((json_int_t)difference->theirs_line));
  json_array_append_new(comparing->list, object);
  g_free(key);
  g_free(ours);
  g_free(theirs);
}

static gboolean take_difference(gpointer user, const Difference *difference, GError **error) {
  Comparing *comparing = user;
  if (comparing->limit == 0 || comparing->shown < comparing->limit) {
    show_one(comparing, difference);
    comparing->shown++;
  }
  DifferenceLine line = {.key = difference->key,
                         .key_length = difference->key_length,
                         .word = difference->word,
                         .scale = comparing->scale};
  if (difference->kind == COMPARE_COLUMN) {
    line.our_text = difference->our_text;
    line.their_text = difference->their_text;
  } else {
    line.ours = difference->has_ours ? &difference->ours : NULL;
    line.theirs = difference->has_theirs ? &difference->theirs : NULL;
  }
  return !comparing->writer || difference_writer_line(comparing->writer, &line, error);
}

static gboolean find_columns(Comparing *comparing, const ReconSource *ours, GError **error) {
  const ReconGiven *given = recon_given(comparing->cli);
  if (recon_source_column(ours, "amount") < 0 || recon_source_column(ours, "key") < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "reconcile \"%s\" does not read the ledger: there is no key to compare by",
                               comparing->reconcile->name);
  CompareColumnsAsked asked = {.ours = ours,
                               .theirs = comparing->theirs,
                               .conf = comparing->cli->conf,
                               .feed = comparing->feed,
                               .read = &comparing->reconcile->read,
                               .is_own = !given->layout,
                               .given = given->column};
  return compare_columns_find(&asked, &comparing->columns, error);
}

static gboolean compare_with(gpointer user, ReconSource *ours, GError **error) {
  Comparing *comparing = user;
  const ReconGiven *given = recon_given(comparing->cli);
  const CompareColumns *columns = &comparing->columns;
  if (!find_columns(comparing, ours, error))
    return FALSE;
  int our_amount = recon_source_column(ours, columns->amount.ours),
      their_amount = recon_source_column(comparing->theirs, columns->amount.theirs);
  comparing->scale = MAX(ours->columns[our_amount].scale,
                         their_amount >= 0 ? comparing->theirs->columns[their_amount].scale + (guint)given->scale : 0);
  const ConfLayout *of_feed = conf_layout(comparing->cli->conf, comparing->feed->layout);
  KeyForm form = {.layout = of_feed, .feed = comparing->feed, .is_shown = !given->layout};
  gboolean is_as_kept = !of_feed || g_strcmp0(given->layout, of_feed->name) == 0 || !key_has_forms(&form);
  CompareOptions options = {.ours = ours,
                            .theirs = comparing->theirs,
                            .key = columns->key,
                            .their_key = is_as_kept ? NULL : &form,
                            .amount = columns->amount,
                            .others = columns->others,
                            .n_others = columns->n_others,
                            .negate = given->negate,
                            .scale = (guint)given->scale,
                            .work = comparing->work,
                            .visit = take_difference,
                            .user = comparing};
  return recon_compare(&options, &comparing->comparison, error);
}

/* --- The walk through it */

static gboolean open_theirs(Comparing *comparing, Conf *conf, ConfReconcile *block, GError **error) {
  const char *path = recon_given(comparing->cli)->theirs;
  *block = (ConfReconcile){.name = comparing->reconcile->name,
                           .read = {.from = CONF_READ_DELIMITED,
                                    .path = (char *)(intptr_t)path,
                                    .layout = recon_given(comparing->cli)->layout ? recon_given(comparing->cli)->layout
                                                                                  : comparing->reconcile->name}};
  ReconSourceOptions options = {.conf = conf,
                                .lane = comparing->lane->conf,
                                .reconcile = block,
                                .folder = comparing->lane->paths->folder,
                                .work = comparing->work,
                                .from = recon_given(comparing->cli)->date,
                                .to = recon_given(comparing->cli)->date,
                                .is_statement = TRUE,
                                .key_of = comparing->feed,
                                .reader = comparing->lane->reader};
  comparing->theirs = recon_source_delimited(&options, error);
  return comparing->theirs != NULL;
}

static gboolean published_task(const Comparing *comparing, ReconTask **task, GError **error) {
  ReconFilter filter = {.name = comparing->reconcile->name, .period = recon_given(comparing->cli)->date};
  g_autoptr(GPtrArray) tasks = recon_tasks(comparing->lane->reader, &filter, error);
  *task = NULL;
  for (guint i = 0; tasks && i < tasks->len && !*task; i++)
    if (((const ReconTask *)tasks->pdata[i])->state == RECON_DONE)
      *task = g_ptr_array_steal_index(tasks, i);
  return tasks != NULL;
}

static gboolean compare(Comparing *comparing, GError **error) {
  g_autoptr(ReconTask) task = NULL;
  if (!published_task(comparing, &task, error))
    return FALSE;
  ReconHost host = {.conf = comparing->cli->conf,
                    .lane = comparing->lane->conf,
                    .paths = comparing->lane->paths,
                    .reader = comparing->lane->reader,
                    .threads = 1};
  return recon_read_again(&host, comparing->reconcile, recon_given(comparing->cli)->date, task, comparing->work,
                          compare_with, comparing, error);
}

/* The file of differences appears when it is whole. */
static gboolean compare_into_file(Comparing *comparing, const Layout *layout, GError **error) {
  const char *output = recon_given(comparing->cli)->output;
  g_autofree char *part = g_strconcat(output, ".part", NULL),
                  *what = g_strdup_printf("%s %s", comparing->reconcile->name, recon_given(comparing->cli)->date);
  int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "make %s", part);
  comparing->writer = difference_writer_new(layout, &comparing->feed->feedback, comparing->feed->key, fd, error);
  gboolean ok = comparing->writer && difference_writer_header(comparing->writer, what, error) &&
                compare(comparing, error);
  const Comparison *found = &comparing->comparison;
  DifferenceTotals totals = {comparison_differences(found),
                             found->ours,
                             found->theirs,
                             found->total_ours,
                             found->total_theirs,
                             found->scale};
  ok = ok && difference_writer_trailer(comparing->writer, &totals, error);
  difference_writer_free(comparing->writer);
  if (close(fd) != 0 && ok)
    ok = sallyport_error_errno(error, errno, "write %s", part);
  if (ok && rename(part, output) != 0)
    ok = sallyport_error_errno(error, errno, "rename %s", part);
  if (!ok)
    unlink(part);
  return ok;
}

static gboolean compare_in(Comparing *comparing, GError **error) {
  if (!recon_given(comparing->cli)->output)
    return compare(comparing, error);
  g_autoptr(Layout) layout = layout_new(conf_layout(comparing->cli->conf, comparing->feed->layout), error);
  return layout && compare_into_file(comparing, layout, error);
}

/* --- The answer */

static gboolean is_equal(const Comparison *found) {
  return comparison_differences(found) == 0;
}

static void print_json(Comparing *comparing) {
  const Comparison *found = &comparing->comparison;
  json_t *object = json_pack("{s:b, s:I, s:I, s:I}", "equal", is_equal(found), "ours", (json_int_t)found->ours,
                             "theirs", (json_int_t)found->theirs, "matched", (json_int_t)found->matched);
  for (guint i = 0; i < COMPARE_KINDS; i++)
    json_object_set_new(object, compare_word((CompareKind)i), json_integer((json_int_t)found->differences[i]));
  json_t *columns = json_object();
  for (guint i = 0; i < comparing->columns.n_others; i++)
    json_object_set_new(columns, comparing->columns.others[i].name, json_integer((json_int_t)found->columns[i]));
  json_object_set_new(object, "columns", columns);
  cli_json_amount(object, "total_ours", found->total_ours, found->scale);
  cli_json_amount(object, "total_theirs", found->total_theirs, found->scale);
  json_object_set(object, "differences", comparing->list);
  cli_json(comparing->cli->out, object);
}

static void print_side(const CliOutput *out, const char *who, guint64 records, Wide total, guint scale) {
  g_autofree char *number = cli_unsigned(out, records), *amount = cli_amount(out, total, scale);
  cli_line(out, who, g_strdup_printf("%s records, total %s", number, amount));
}

static void print_lines(Comparing *comparing) {
  const CliOutput *out = comparing->cli->out;
  const Comparison *found = &comparing->comparison;
  guint64 all = comparison_differences(found);
  print_side(out, "ours", found->ours, found->total_ours, found->scale);
  print_side(out, "theirs", found->theirs, found->total_theirs, found->scale);
  cli_line(out, "matched", cli_unsigned(out, found->matched));
  for (CompareKind kind = 0; kind < COMPARE_COLUMN; kind++)
    cli_line(out, compare_text(kind), cli_unsigned(out, found->differences[kind]));
  for (guint i = 0; i < comparing->columns.n_others; i++) {
    g_autofree char *what = g_strdup_printf("%s that differs", comparing->columns.others[i].name);
    cli_line(out, what, cli_unsigned(out, found->columns[i]));
  }
  if (all > comparing->shown)
    fprintf(out->file,
            "the first %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT "; --limit 0 shows all, --output FILE keeps them\n",
            comparing->shown, all);
}

static void print_found(Comparing *comparing) {
  if (!comparing->table) {
    print_json(comparing);
    return;
  }
  cli_table_print(comparing->table, comparing->cli->out);
  comparing->table = NULL;
  print_lines(comparing);
}

static CliExit run_comparison(Comparing *comparing) {
  static const CliColumn columns[] = {{"KEY", CLI_LEFT, CLI_SHRINKS},
                                      {"DIFFERENCE", CLI_LEFT, CLI_WHOLE},
                                      {"OURS", CLI_RIGHT, CLI_WHOLE},
                                      {"THEIRS", CLI_RIGHT, CLI_WHOLE},
                                      {"LINE", CLI_RIGHT, CLI_WHOLE}};
  g_autoptr(GError) error = NULL;
  Cli *cli = comparing->cli;
  Conf conf = *cli->conf; /* with our own lines as one more layout */
  ConfReconcile block;
  ConfLayout *own = own_layout(comparing->reconcile, comparing->ledger ? comparing->ledger->scale
                                                                       : status_feed_scale(cli->conf, comparing->feed));
  g_autoptr(GPtrArray) layouts = g_ptr_array_new();
  for (guint i = 0; i < cli->conf->layouts->len; i++)
    g_ptr_array_add(layouts, cli->conf->layouts->pdata[i]);
  if (!recon_given(cli)->layout)
    g_ptr_array_insert(layouts, 0, own);
  conf.layouts = layouts;
  comparing->table = cli->out->is_json ? NULL : cli_table_new(columns, G_N_ELEMENTS(columns));
  comparing->list = json_array();
  gboolean ok = open_theirs(comparing, &conf, &block, &error) && compare_in(comparing, &error);
  recon_source_close(comparing->theirs);
  own_layout_free(own);
  if (ok)
    print_found(comparing);
  cli_table_free(comparing->table);
  json_decref(comparing->list);
  compare_columns_clear(&comparing->columns);
  return !ok ? cli_fail(error) : is_equal(&comparing->comparison) ? CLI_EXIT_FINE : CLI_EXIT_CORRUPT;
}

static CliExit check_use(const Cli *cli) {
  const ReconGiven *given = recon_given(cli);
  if (!given->date || !given->theirs)
    cli_complain("recon compare needs --date DATE and --theirs FILE; sallyport recon --help shows an example");
  else if (given->scale < 0 || given->scale > WIDE_SCALE_MAX)
    cli_complain("recon compare: --scale is 0 to %d, not %d", WIDE_SCALE_MAX, given->scale);
  else
    return CLI_EXIT_FINE;
  return CLI_EXIT_USAGE;
}

static const StatusLedger *ledger_of(const StatusLane *lane, const ConfFeed *feed) {
  for (guint i = 0; i < lane->ledgers->len; i++) {
    const StatusLedger *ledger = lane->ledgers->pdata[i];
    if (g_strcmp0(ledger->name, feed->ledger.name) == 0)
      return ledger;
  }
  return NULL;
}

CliExit recon_cli_compare(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = check_use(cli);
  if (exit == CLI_EXIT_FINE)
    exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  Comparing comparing = {.cli = cli, .limit = cli_limit(cli, SHOWN)};
  comparing.reconcile = find_reconcile(lanes, cli->arguments[1], &comparing.lane);
  comparing.feed = comparing.reconcile ? feed_of(comparing.lane, &comparing.reconcile->read) : NULL;
  if (!comparing.feed || !comparing.lane->reader) {
    cli_complain("there is no reconcile \"%s\" of a lane that has run", cli->arguments[1]);
    return CLI_EXIT_NOT_FOUND;
  }
  if (recon_given(cli)->layout && !conf_layout(cli->conf, recon_given(cli)->layout)) {
    cli_complain("there is no layout \"%s\"", recon_given(cli)->layout);
    return CLI_EXIT_NOT_FOUND;
  }
  comparing.ledger = ledger_of(comparing.lane, comparing.feed);
  comparing.work = g_build_filename(g_get_tmp_dir(), "sallyport-compare-XXXXXX", NULL);
  if (!g_mkdtemp(comparing.work)) {
    cli_complain("%s: %s", comparing.work, g_strerror(errno));
    g_free(comparing.work);
    return CLI_EXIT_FAILED;
  }
  exit = run_comparison(&comparing);
  rmdir(comparing.work);
  g_free(comparing.work);
  return exit;
}
