#include "gateway/cli/lane_check.h"
#include "gateway/cli/rating_shown.h"
#include "gateway/cli/refdata_change.h"
#include "gateway/status/archive.h"
#include "gateway/status/conservation.h"
#include "gateway/threads/crew.h"
#include <pthread.h>

enum { THREADS_MOST = 4, AUDIT_PARTS = 8, AUDIT_WORTH = 10000 /* rows that are worth a part */ };

typedef struct LaneCheck LaneCheck;
typedef struct {
  gboolean (*run)(const LaneCheck *check, guint part, guint64 *verified, GError **error);
  guint group, part;
  guint64 verified;
  GError *problem;
} Piece;
struct LaneCheck {
  const LaneCheckOrder *order;
  const CliOutput *out;
  const StatusLane *lane;
  GPtrArray *days; /* of the archive */
  gint64 rows;      /* of the audit */
  guint audit_parts;
  char *conserved;  /* what was found in order */
  char **rated;     /* likewise, of each rating, … */
  char *loaded;     /* … and of the reference tables; NULL: there are none */
  GArray *pieces;   /* Piece, the longest first */
  pthread_mutex_t lock;
  guint next; /* under the lock */
};
/* groups; one a rating, a ledger */
enum { AUDIT, BOOK, CONSERVATION, ARCHIVE, TABLES, RATINGS, LEDGERS = RATINGS + 256 };

/* --- One piece each */

static gboolean check_audit(const LaneCheck *check, guint part, guint64 *verified, GError **error) {
  g_autoptr(BookReader) reader = book_reader_open(check->lane->paths->book, error);
  gint64 each = check->rows / check->audit_parts;
  gboolean is_last = part + 1 == check->audit_parts;
  return reader && book_audit_verify_rows(reader, check->lane->paths->tip, part * each + 1,
                                          is_last ? G_MAXINT64 : (part + 1) * each, verified, error);
}

static gboolean check_book(const LaneCheck *check, guint part, guint64 *verified, GError **error) {
  (void)verified;
  g_autoptr(BookReader) reader = book_reader_open(check->lane->paths->book, error);
  return reader && book_verify_part(reader, part, error);
}

/* Of the n-th ledger: part is n * 256 and the ledger's own part. */
enum { OF_LEDGER = 256 };
static gboolean check_ledger(const LaneCheck *check, guint part, guint64 *verified, GError **error) {
  (void)verified;
  const StatusLedger *ledger = check->lane->ledgers->pdata[part / OF_LEDGER];
  LedgerReader *reader = ledger_reader_open(check->lane->paths->folder, ledger->name, error);
  gboolean ok = reader && ledger_verify_part(reader, part % OF_LEDGER, error);
  ledger_reader_close(reader);
  return ok;
}

static char *conserved_words(const LaneCheck *check, const Conservation *found) {
  g_autofree char *files = cli_unsigned(check->out, found->files);
  g_autofree char *records = cli_unsigned(check->out, found->records);
  GString *words = g_string_new(NULL);
  g_string_append_printf(words, "%s files, %s records", files, records);
  for (guint i = 0; i < found->credits->len; i++) {
    const LedgerTotals *of = &g_array_index(found->credits, LedgerTotals, i);
    const StatusLedger *ledger = check->lane->ledgers->pdata[i];
    g_autofree char *credits = cli_unsigned(check->out, of->entries);
    g_autofree char *amount = cli_amount(check->out, of->amount, ledger->scale);
    g_string_append_printf(words, ", %s credits of %s in %s", credits, amount, ledger->name);
  }
  return g_string_free(words, FALSE);
}

static gboolean check_conservation(const LaneCheck *check, guint part, guint64 *verified, GError **error) {
  (void)part, (void)verified;
  Conservation found;
  if (!conservation_check(check->lane, &found, error))
    return FALSE;
  *(char **)(intptr_t)&check->conserved = conserved_words(check, &found); /* nobody else looks at it meanwhile */
  g_array_unref(found.credits);
  return TRUE;
}

static gboolean check_archive(const LaneCheck *check, guint part, guint64 *verified, GError **error) {
  g_autoptr(BookReader) reader = book_reader_open(check->lane->paths->book, error);
  const ArchiveDay day = {check->lane->paths, reader, check->days->pdata[part], check->order->archive_days};
  return reader && archive_check_day(&day, verified, error);
}

static gboolean check_rating(const LaneCheck *check, guint part, guint64 *verified, GError **error) {
  (void)verified;
  StatusLane lane = *check->lane;
  g_autoptr(BookReader) reader = lane.reader = book_reader_open(lane.paths->book, error);
  if (reader)
    check->rated[part] = rating_check(check->out, &lane, lane.conf->ratings->pdata[part], error);
  return check->rated[part] != NULL;
}

static gboolean check_tables(const LaneCheck *check, guint part, guint64 *verified, GError **error) {
  GError *why = NULL;
  (void)part, (void)verified;
  ((LaneCheck *)(gpointer)check)->loaded = refdata_check(check->lane, &why);
  if (!why)
    return TRUE;
  g_propagate_error(error, why);
  return FALSE;
}

/* --- All of them */

static void add_piece(LaneCheck *check, guint group, guint part,
                      gboolean (*run)(const LaneCheck *, guint, guint64 *, GError **)) {
  Piece piece = {.run = run, .group = group, .part = part};
  g_array_append_val(check->pieces, piece);
}

/* Of a lane that is not configured any more they are not known. */
static guint n_ratings(const StatusLane *lane) {
  return lane->conf->ratings ? MIN(lane->conf->ratings->len, LEDGERS - RATINGS) : 0;
}

static void list_pieces(LaneCheck *check) {
  const GPtrArray *ledgers = check->lane->ledgers;
  gboolean only_audit = check->order->only_audit;
  for (guint i = 0; i < BOOK_VERIFY_PARTS && !only_audit; i++)
    add_piece(check, BOOK, i, check_book);
  for (guint i = 0; i < ledgers->len && !only_audit; i++)
    for (guint part = 0; part < ledger_verify_parts(((StatusLedger *)ledgers->pdata[i])->reader); part++)
      add_piece(check, LEDGERS + i, i * OF_LEDGER + part, check_ledger);
  if (!only_audit)
    add_piece(check, TABLES, 0, check_tables);
  for (guint i = 0; i < n_ratings(check->lane) && !only_audit; i++)
    add_piece(check, RATINGS + i, i, check_rating);
  for (guint i = 0; i < check->audit_parts; i++)
    add_piece(check, AUDIT, i, check_audit);
  if (!only_audit)
    add_piece(check, CONSERVATION, 0, check_conservation);
  for (guint i = 0; i < check->days->len; i++)
    add_piece(check, ARCHIVE, i, check_archive);
}

static Piece *take_piece(LaneCheck *check) {
  pthread_mutex_lock(&check->lock);
  Piece *piece = check->next < check->pieces->len ? &g_array_index(check->pieces, Piece, check->next++) : NULL;
  pthread_mutex_unlock(&check->lock);
  return piece;
}

static void work(gpointer data) {
  LaneCheck *check = data;
  for (Piece *piece; (piece = take_piece(check));)
    if (piece->run(check, piece->part, &piece->verified, &piece->problem))
      g_clear_error(&piece->problem);
}

/* Of a group's pieces the first that found a fault; the others' are let go. */
static GError *problem_of(LaneCheck *check, guint group, guint64 *verified) {
  GError *first = NULL;
  *verified = 0;
  for (guint i = 0; i < check->pieces->len; i++) {
    Piece *piece = &g_array_index(check->pieces, Piece, i);
    if (piece->group != group)
      continue;
    *verified += first ? 0 : piece->verified;
    if (!first)
      first = g_steal_pointer(&piece->problem);
    g_clear_error(&piece->problem);
  }
  return first;
}

static void tell_archive(LaneCheck *check) {
  guint64 verified;
  GError *problem = problem_of(check, ARCHIVE, &verified);
  g_autofree char *number = cli_unsigned(check->out, verified);
  check->order->told(check->order->user, "archive", g_strdup_printf("%s files are as they came", number), problem);
}

static void tell_checks(LaneCheck *check) {
  LaneCheckTold told = check->order->told;
  gpointer user = check->order->user;
  guint64 verified;
  GError *problem = problem_of(check, AUDIT, &verified);
  g_autofree char *number = cli_unsigned(check->out, verified);
  told(user, "audit chain", g_strdup_printf("%s records, whole up to its tip", number), problem);
  if (check->order->only_audit)
    return;
  told(user, "book", g_strdup("whole; histories allowed, counts add up"), problem_of(check, BOOK, &verified));
  for (guint i = 0; i < check->lane->ledgers->len; i++) {
    const StatusLedger *ledger = check->lane->ledgers->pdata[i];
    g_autofree char *what = g_strdup_printf("ledger %s", ledger->name);
    told(user, what, g_strdup("whole; balances are their entries, keys are unique"),
         problem_of(check, LEDGERS + i, &verified));
  }
  for (guint i = 0; i < n_ratings(check->lane); i++) {
    g_autofree char *what =
        g_strdup_printf("rating %s", ((const ConfRating *)check->lane->conf->ratings->pdata[i])->name);
    told(user, what, check->rated[i], problem_of(check, RATINGS + i, &verified));
  }
  GError *of_tables = problem_of(check, TABLES, &verified);
  if (of_tables || check->loaded)
    told(user, "reference tables", check->loaded, of_tables);
  told(user, "conservation", check->conserved, problem_of(check, CONSERVATION, &verified));
  if (!check->order->without_archive)
    tell_archive(check);
}

void lane_check(const LaneCheckOrder *order) {
  LaneCheck check = {
      .order = order, .out = order->out, .lane = order->lane, .lock = PTHREAD_MUTEX_INITIALIZER};
  g_autoptr(GError) none = NULL;
  if (!book_audit_rows(check.lane->reader, &check.rows, &none))
    check.rows = 0; /* the one part finds out why */
  check.audit_parts = (guint)CLAMP(check.rows / AUDIT_WORTH, 1, AUDIT_PARTS);
  check.pieces = g_array_new(FALSE, TRUE, sizeof(Piece));
  check.days = order->only_audit || order->without_archive ? g_ptr_array_new() : archive_days(check.lane->paths);
  check.rated = g_new0(char *, n_ratings(check.lane) + 1);
  list_pieces(&check);
  crew_run(MIN(MIN(g_get_num_processors(), THREADS_MOST), check.pieces->len), work, &check);
  tell_checks(&check);
  g_array_unref(check.pieces);
  g_ptr_array_unref(check.days);
  g_free(check.rated);
}
