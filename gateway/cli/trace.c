/* trace: from a line of a file to what became of it, and from a key or a ledger entry back to file and line. */
#include "gateway/cli/batches.h"
#include "gateway/cli/books.h"
#include "gateway/records/exceptions.h"
#include <string.h>

/* A copy of what a visit lends. */
typedef struct {
  gint64 id, amount, posted_at;
  char *key, *account, *business_date, *file;
  guint64 line;
  guint batch;
  const StatusLedger *ledger;
} Credit;

static void credit_free(gpointer data) {
  Credit *credit = data;
  g_free(credit->key);
  g_free(credit->account);
  g_free(credit->business_date);
  g_free(credit->file);
  g_free(credit);
}

typedef struct {
  GPtrArray *credits;
  const StatusLedger *ledger;
} Collector;

static gboolean collect(gpointer user, const LedgerEntry *entry) {
  const Collector *collector = user;
  Credit *credit = g_new0(Credit, 1);
  *credit = (Credit){.id = entry->id,
                     .amount = entry->amount,
                     .posted_at = entry->posted_at,
                     .key = g_strdup(entry->key),
                     .account = g_strdup(entry->account),
                     .business_date = g_strdup(entry->business_date),
                     .file = g_strdup(entry->file),
                     .line = entry->line,
                     .batch = entry->batch,
                     .ledger = collector->ledger};
  g_ptr_array_add(collector->credits, credit);
  return TRUE;
}

static gboolean find_credits(const StatusLane *lane, const LedgerFilter *filter, GPtrArray *credits, GError **error) {
  for (guint i = 0; i < lane->ledgers->len; i++) {
    Collector collector = {credits, lane->ledgers->pdata[i]};
    if (!status_ledger_entries(collector.ledger, filter, collect, &collector, error))
      return FALSE;
  }
  return TRUE;
}

/* --- What became of one line. */
typedef enum { FATE_NOT_YET, FATE_ACCEPTED, FATE_CREDITED, FATE_REFUSED, FATE_NO_RECORD } Fate;
typedef struct {
  Fate fate;
  guint64 line, record;
  guint64 before; /* where no record begins on the line: the last one before it, as far as is known; 0: none */
  guint batch;
  char *batch_key, *batch_answer; /* of an interface that was asked */
  char *outcome, *code, *reason;
  GPtrArray *credits;
  gint64 answered_at; /* the feedback's delivery */
  char *waiting;      /* why it is not delivered yet */
} Traced;

static void traced_clear(Traced *traced) {
  g_free(traced->batch_key);
  g_free(traced->batch_answer);
  g_free(traced->outcome);
  g_free(traced->code);
  g_free(traced->reason);
  g_free(traced->waiting);
  g_ptr_array_unref(traced->credits);
}

static const BookBatch *batch_of(GPtrArray *batches, guint64 line) {
  for (guint i = 0; i < batches->len; i++) {
    const BookBatch *batch = batches->pdata[i];
    if (line >= batch->first_line && line <= batch->last_line)
      return batch;
  }
  return NULL;
}

static gboolean look_among_refused(const BookBatch *batch, Traced *traced, GError **error) {
  g_autoptr(GError) local = NULL;
  ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
  const RecordException *row;
  while ((row = exception_cursor_next(cursor, &local)) && row->line <= traced->line) {
    if (row->line != traced->line)
      continue;
    traced->fate = FATE_REFUSED;
    traced->record = row->record;
    traced->outcome = g_strdup(row->outcome == OUTCOME_DUPLICATE ? "duplicate" : "rejected");
    traced->code = g_strdup(row->code);
    traced->reason = g_strdup(row->reason);
  }
  exception_cursor_free(cursor);
  if (!local)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&local));
  return FALSE;
}

static gboolean is_refused_as_a_whole(const BookFile *file) {
  return file->outcome == FILE_OUTCOME_REJECTED || file->outcome == FILE_OUTCOME_DUPLICATE;
}

static void refuse_as_a_whole(const BookFile *file, Traced *traced) {
  traced->fate = FATE_REFUSED;
  traced->outcome = g_strdup(file->duplicate_of ? "duplicate" : "rejected");
  traced->code = g_strdup(file->reason_code);
  traced->reason = g_strdup_printf("the whole file: %s", file->reason         ? file->reason
                                                         : file->duplicate_of ? file->duplicate_of
                                                                              : "no reason told");
}

typedef struct {
  guint64 line, before;
} Before;

static gboolean note_before(gpointer user, const LedgerEntry *entry) {
  Before *before = user;
  if (entry->line < before->line)
    before->before = MAX(before->before, entry->line);
  return TRUE;
}

/* The line may be an addendum, or one of several of a record: what was refused or credited before it, in its batch. */
static gboolean find_record_before(const CliFile *found, GPtrArray *batches, Traced *traced, GError **error) {
  g_autoptr(GError) local = NULL;
  Before before = {.line = traced->line};
  const BookBatch *batch = NULL;
  for (guint i = 0; i < batches->len; i++)
    if (((const BookBatch *)batches->pdata[i])->first_line < traced->line)
      batch = batches->pdata[i];
  if (!batch)
    return TRUE;
  ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
  for (const RecordException *row; (row = exception_cursor_next(cursor, &local)) && row->line < traced->line;)
    before.before = row->line;
  exception_cursor_free(cursor);
  if (local) {
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
  }
  LedgerFilter filter = {.file = found->file->id, .batch = batch->number};
  for (guint i = 0; i < found->lane->ledgers->len; i++)
    if (!status_ledger_entries(found->lane->ledgers->pdata[i], &filter, note_before, &before, error))
      return FALSE;
  traced->before = before.before;
  return TRUE;
}

static gboolean trace_line(const CliFile *found, Traced *traced, GError **error) {
  const BookFile *file = found->file;
  g_autoptr(GPtrArray) batches = book_batches(found->lane->reader, file->id, error);
  if (!batches)
    return FALSE;
  const BookBatch *batch = batch_of(batches, traced->line);
  if (batch) {
    traced->batch = batch->number;
    traced->batch_key = cli_batch_key(file, batch);
    traced->batch_answer = g_strdup(batch->reply);
    if (!look_among_refused(batch, traced, error))
      return FALSE;
  }
  if (traced->fate == FATE_REFUSED)
    return TRUE;
  if (is_refused_as_a_whole(file))
    return refuse_as_a_whole(file, traced), TRUE;
  if (!batch) {
    traced->fate = batches->len ? FATE_NO_RECORD : FATE_NOT_YET;
    return find_record_before(found, batches, traced, error);
  }
  LedgerFilter filter = {.file = file->id, .batch = batch->number, .line = traced->line};
  if (!find_credits(found->lane, &filter, traced->credits, error))
    return FALSE;
  traced->fate = traced->credits->len ? FATE_CREDITED : batch->state == BATCH_POSTED ? FATE_NO_RECORD : FATE_ACCEPTED;
  return traced->fate != FATE_NO_RECORD || find_record_before(found, batches, traced, error);
}

static gboolean trace_answer(const CliFile *found, Traced *traced, GError **error) {
  g_autoptr(GPtrArray) intents = book_intents(found->lane->reader, found->file->id, error);
  if (!intents)
    return FALSE;
  for (guint i = 0; i < intents->len; i++) {
    const BookIntent *intent = intents->pdata[i];
    if (strcmp(intent->kind, "put") != 0)
      continue;
    traced->answered_at = intent->state == INTENT_DONE ? intent->done_at : 0;
    g_free(traced->waiting);
    traced->waiting = intent->state == INTENT_DONE ? NULL : g_strdup(intent->problem ? intent->problem : "on its way");
  }
  return TRUE;
}

/* --- Output. */

static json_t *credit_json(const Cli *cli, const Credit *credit) {
  json_t *object = json_pack("{s:I, s:I, s:i}", "entry", (json_int_t)credit->id, "line", (json_int_t)credit->line,
                             "batch", (int)credit->batch);
  g_autofree char *key = cli_shown(credit->key, credit->ledger->hides_key, cli->options.unmask);
  g_autofree char *account = cli_shown(credit->account, credit->ledger->hides_account, cli->options.unmask);
  cli_json_text(object, "ledger", credit->ledger->name);
  cli_json_text(object, "key", key);
  cli_json_text(object, "account", account);
  cli_json_shown_amount(cli, object, credit->ledger, credit->amount);
  cli_json_text(object, "business_date", credit->business_date);
  cli_json_text(object, "file", credit->file);
  cli_json_time(cli->out, object, "posted_at", credit->posted_at);
  return object;
}

static void print_credit(const Cli *cli, const Credit *credit) {
  const CliOutput *out = cli->out;
  cli_line(out, "ledger entry",
           g_strdup_printf("%" G_GINT64_FORMAT " in %s", credit->id, credit->ledger->name));
  cli_line(out, "key", cli_shown(credit->key, credit->ledger->hides_key, cli->options.unmask));
  cli_line(out, "account", cli_shown(credit->account, credit->ledger->hides_account, cli->options.unmask));
  cli_line(out, "amount", cli_shown_amount(cli, credit->ledger, credit->amount));
  cli_line(out, "business date", g_strdup(credit->business_date));
  cli_line(out, "credited", cli_time(out, credit->posted_at));
}

static const char *fate_word(const Traced *traced) {
  switch (traced->fate) {
  case FATE_CREDITED:
    return "credited";
  case FATE_ACCEPTED:
    return "accepted, not credited yet";
  case FATE_REFUSED:
    return traced->outcome;
  case FATE_NO_RECORD:
    return "no record begins on this line";
  default:
    return "not validated yet";
  }
}

static void print_traced_json(const Cli *cli, const CliFile *found, const Traced *traced) {
  static const char *const words[] = {[FATE_NOT_YET] = "not-yet",
                                      [FATE_ACCEPTED] = "accepted",
                                      [FATE_CREDITED] = "credited",
                                      [FATE_REFUSED] = NULL,
                                      [FATE_NO_RECORD] = "no-record"};
  json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "file", found->file->id, "name", found->file->name_shown, "state",
                             file_state_word(found->file->state), "line", (json_int_t)traced->line);
  cli_json_text(object, "outcome", traced->fate == FATE_REFUSED ? traced->outcome : words[traced->fate]);
  if (traced->batch)
    json_object_set_new(object, "batch", json_integer(traced->batch));
  if (traced->batch_key) {
    cli_json_text(object, "idempotency_key", traced->batch_key);
    cli_json_text(object, "interface_answer", traced->batch_answer);
  }
  if (traced->before)
    json_object_set_new(object, "record_before", json_integer((json_int_t)traced->before));
  cli_json_text(object, "code", traced->code);
  cli_json_text(object, "reason", traced->reason);
  if (traced->credits->len)
    json_object_set_new(object, "credit", credit_json(cli, traced->credits->pdata[0]));
  cli_json_text(object, "feedback_name", found->file->feedback_name);
  cli_json_time(cli->out, object, "delivered_at", traced->answered_at);
  cli_json_text(object, "not_delivered", traced->waiting);
  cli_json(cli->out, object);
}

static void print_traced(const Cli *cli, const CliFile *found, const Traced *traced) {
  const CliOutput *out = cli->out;
  CliColour colour = traced->fate == FATE_CREDITED ? CLI_GREEN : traced->fate == FATE_REFUSED ? CLI_RED : CLI_CYAN;
  fprintf(out->file, "%s line %" G_GUINT64_FORMAT "  %s\n", found->file->id, traced->line, found->file->name_shown);
  cli_line_coloured(out, "outcome", g_strdup(fate_word(traced)), colour);
  if (traced->before)
    cli_line(out, "record before", g_strdup_printf("line %" G_GUINT64_FORMAT, traced->before));
  cli_line(out, "code", g_strdup(traced->code));
  cli_line(out, "reason", g_strdup(traced->reason));
  cli_line(out, "batch", traced->batch ? cli_unsigned(out, traced->batch) : NULL);
  cli_line(out, "asked as", g_strdup(traced->batch_key));
  cli_line(out, "interface", g_strdup(traced->batch_answer));
  if (traced->credits->len)
    print_credit(cli, traced->credits->pdata[0]);
  cli_line(out, "file", g_strdup(file_state_word(found->file->state)));
  cli_line(out, "answer", g_strdup(found->file->feedback_name));
  if (traced->answered_at)
    cli_line(out, "delivered", cli_time(out, traced->answered_at));
  else
    cli_line(out, "not delivered", g_strdup(traced->waiting));
}

static CliExit trace_forward(Cli *cli, GPtrArray *lanes, const char *name, guint64 line) {
  g_autoptr(GError) error = NULL;
  CliFile found;
  CliExit exit = cli_find_file(lanes, name, &found);
  if (exit != CLI_EXIT_FINE)
    return exit;
  Traced traced = {.line = line, .credits = g_ptr_array_new_with_free_func(credit_free)};
  if (!trace_line(&found, &traced, &error) || !trace_answer(&found, &traced, &error))
    exit = cli_fail(error);
  else if (cli->out->is_json)
    print_traced_json(cli, &found, &traced);
  else
    print_traced(cli, &found, &traced);
  if (exit == CLI_EXIT_FINE && traced.fate == FATE_NO_RECORD)
    exit = CLI_EXIT_NOT_FOUND;
  traced_clear(&traced);
  cli_file_clear(&found);
  return exit;
}

/* --- Back from a credit. */

static BookFile *file_of(const Credit *credit) {
  return book_find_file(credit->ledger->lane->reader, credit->file, NULL);
}

static json_t *origin_json(const Cli *cli, const Credit *credit) {
  g_autoptr(BookFile) file = file_of(credit);
  json_t *object = credit_json(cli, credit);
  cli_json_text(object, "lane", credit->ledger->lane->conf->name);
  if (file) {
    cli_json_text(object, "name", file->name_shown);
    cli_json_text(object, "feed", file->feed);
    cli_json_text(object, "signer", file->signer);
    cli_json_text(object, "cipher_sha256", file->cipher_sha256);
    cli_json_text(object, "feedback_name", file->feedback_name);
  }
  return object;
}

static void print_origin(const Cli *cli, const Credit *credit) {
  g_autoptr(BookFile) file = file_of(credit);
  fprintf(cli->out->file, "%s line %" G_GUINT64_FORMAT "  %s\n", credit->file, credit->line,
          file ? file->name_shown : "(not in the book)");
  print_credit(cli, credit);
  cli_line(cli->out, "batch", cli_unsigned(cli->out, credit->batch));
  if (!file)
    return;
  cli_line(cli->out, "lane, feed", g_strdup_printf("%s, %s", credit->ledger->lane->conf->name, file->feed));
  cli_line(cli->out, "ciphertext", g_strdup(file->cipher_sha256));
  cli_line(cli->out, "signer", g_strdup(file->signer));
  cli_line(cli->out, "answer", g_strdup(file->feedback_name));
}

static CliExit trace_back(Cli *cli, GPtrArray *lanes, const LedgerFilter *filter, const char *what) {
  g_autoptr(GPtrArray) credits = g_ptr_array_new_with_free_func(credit_free);
  g_autoptr(GError) error = NULL;
  for (guint i = 0; i < lanes->len; i++)
    if (!find_credits(lanes->pdata[i], filter, credits, &error))
      return cli_fail(error);
  if (credits->len == 0) {
    cli_complain("there is no credit with %s; a refused or duplicate record has none: trace it as FILE:LINE", what);
    return CLI_EXIT_NOT_FOUND;
  }
  json_t *list = json_array();
  for (guint i = 0; i < credits->len; i++) {
    if (cli->out->is_json)
      json_array_append_new(list, origin_json(cli, credits->pdata[i]));
    else
      print_origin(cli, credits->pdata[i]);
  }
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "credits", list));
  json_decref(list);
  return CLI_EXIT_FINE;
}

/* "…:1234" */
static gboolean split_line(const char *text, char **name, guint64 *line) {
  const char *colon = strrchr(text, ':');
  if (!colon || colon == text || !g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT64, line, NULL))
    return FALSE;
  *name = g_strndup(text, (gsize)(colon - text));
  return TRUE;
}

static CliExit wrong_use(void) {
  cli_complain("trace takes one of: FILE:LINE, a record's key, --key KEY, --entry ID");
  return CLI_EXIT_USAGE;
}

typedef struct {
  char *key, *entry;
} Wanted;
static const CliOption options[] = {
    CLI_TEXT(Wanted, key, "key", 0, "KEY", "the record with this key", CLI_VALUE_TEXT),
    CLI_TEXT(Wanted, entry, "entry", 0, "ID", "the ledger entry of this number", CLI_VALUE_TEXT),
    {0}};

static CliExit trace_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  const Wanted *wanted = cli->own;
  g_autofree char *name = NULL, *what = NULL;
  LedgerFilter filter = {.key = wanted->key};
  guint64 line;
  if (cli->n_arguments + (wanted->key ? 1 : 0) + (wanted->entry ? 1 : 0) != 1)
    return wrong_use();
  if (wanted->entry && !g_ascii_string_to_signed(wanted->entry, 10, 1, G_MAXINT64, &filter.id, NULL)) {
    cli_complain("--entry \"%s\" is no entry's number; `sallyport entries` shows them", wanted->entry);
    return CLI_EXIT_USAGE;
  }
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  if (cli->n_arguments && split_line(cli->arguments[0], &name, &line))
    return trace_forward(cli, lanes, name, line);
  if (cli->n_arguments)
    filter.key = cli->arguments[0];
  what = filter.key ? g_strdup_printf("the key \"%s\"", filter.key) : g_strdup_printf("the number %s", wanted->entry);
  return trace_back(cli, lanes, &filter, what);
}

const CliCommand cli_command_trace = {
    .name = "trace",
    .arguments = "[FILE:LINE|KEY]",
    .most = 1,
    .shared = CLI_LANE | CLI_UNMASK,
    .own = options,
    .own_size = sizeof(Wanted),
    .summary = "what became of one line; or where a key or credit came from",
    .text = "FILE:LINE → its batch, whether it was credited (and the ledger entry), refused (and why) or a "
            "duplicate, and the\n"
            "feedback that said so. A record's key (also --key) or a\n"
            "credit's number (--entry) lead back to file and line.\n\n"
            "  sallyport trace 0k3x9:1234\n"
            "  sallyport trace --key TX-2026-000017\n"
            "  sallyport trace --entry 72057594037927937\n",
    .run = trace_command,
};
