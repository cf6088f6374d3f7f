/* What `verify` checks of a rating: its details hold, each one's steps add up to its amount, and each posted file's
 * accepted records are its details; full files and platforms' files that lie there have the bytes they had. The book is
 * read first: what is posted has all its details, and keeps them. */
#include "gateway/cli/rating_shown.h"
#include "gateway/processors/rating/cdr.h"
#include "gateway/processors/rating/pack.h"
#include <jansson.h>
#include <string.h>

enum { PAGE = 1000 };

typedef struct {
  const StatusLane *lane;
  const ConfRating *rating;
  GHashTable *accepted; /* id of a posted file → guint64: records, of which each detail takes one away */
  char *terms;          /* those that were read last, and */
  gint64 unit;          /* how many units of the scale within one of the round scale is */
} Checking;

static gboolean is_fed(const Checking *checking, const char *feed) {
  for (guint i = 0; i < checking->lane->conf->feeds->len; i++) {
    const ConfFeed *conf = checking->lane->conf->feeds->pdata[i];
    if (conf->process == CONF_PROCESS_RATING && strcmp(conf->name, feed) == 0)
      return g_strcmp0(conf->rating.name, checking->rating->name) == 0;
  }
  return FALSE;
}

static gboolean read_files(const Checking *checking, GError **error) {
  char after[BOOK_ID_BYTES] = "";
  for (guint n = PAGE; n == PAGE;) {
    g_autoptr(GArray) page = book_tallies(checking->lane->reader, after, PAGE, error);
    if (!page)
      return FALSE;
    n = page->len;
    for (guint i = 0; i < n; i++) {
      const BookTally *file = &g_array_index(page, BookTally, i);
      gboolean is_posted = file->state == FILE_POSTED || file->state == FILE_ANSWERED || file->state == FILE_SEALED ||
                           file->state == FILE_CLOSED;
      if (is_posted && is_fed(checking, file->feed))
        g_hash_table_insert(checking->accepted, g_strdup(file->id), g_memdup2(&file->accepted, sizeof(guint64)));
      g_strlcpy(after, file->id, sizeof after);
    }
  }
  return TRUE;
}

/* --- A detail */

static void read_terms(Checking *checking, const char *terms) {
  if (g_strcmp0(checking->terms, terms) == 0)
    return;
  json_t *object = json_loads(terms, 0, NULL);
  gint64 dropped = json_integer_value(json_object_get(object, "scale")) -
                   json_integer_value(json_object_get(object, "round"));
  checking->unit = 1;
  for (gint64 i = 0; i < dropped && i < WIDE_SCALE_MAX; i++)
    checking->unit *= 10;
  g_free(checking->terms);
  checking->terms = g_strdup(terms);
  json_decref(object);
}

static gboolean adds_up(const Checking *checking, const Detail *detail) {
  gsize length;
  g_auto(PackedPrice) price = {0};
  Money sum = money_of(0), amount;
  const char *bytes = record_block_text(detail->block, DETAIL_STEPS, detail->index, &length);
  if (!price_unpack(bytes, length, &price))
    return FALSE;
  for (guint i = 0; i < price.steps->len; i++) {
    const RatedStep *step = &g_array_index(price.steps, RatedStep, i);
    if (step->counts && !money_add(sum, step->change, &sum))
      return FALSE;
  }
  return money_portion(money_of(record_block_integer(detail->block, DETAIL_AMOUNT, detail->index)), checking->unit, 1,
                       &amount) &&
         money_compare(sum, amount) == 0;
}

static gboolean check_detail(gpointer user, const Detail *detail, GError **error) {
  Checking *checking = user;
  gboolean is_first = record_block_is_null(detail->block, DETAIL_SETTLES, detail->index);
  guint64 *left = is_first ? g_hash_table_lookup(checking->accepted, detail->file) : NULL;
  if (left && (*left)-- == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "file %s has more details than accepted records",
                               detail->file);
  if (record_block_integer(detail->block, DETAIL_STATUS, detail->index) != DETAIL_RATED)
    return TRUE;
  read_terms(checking, detail->terms);
  return adds_up(checking, detail) ||
         sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                             "file %s, line %" G_GUINT64_FORMAT ": the steps of its price do not add up to it",
                             detail->file, detail->block->lines[detail->index]);
}

static gboolean check_rest(const Checking *checking, GError **error) {
  GHashTableIter iter;
  gpointer file, left;
  g_hash_table_iter_init(&iter, checking->accepted);
  while (g_hash_table_iter_next(&iter, &file, &left))
    if (*(guint64 *)left > 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                 "file %s has %" G_GUINT64_FORMAT " accepted records without a detail", (char *)file,
                                 *(guint64 *)left);
  return TRUE;
}

/* --- Files on the disk: they may have been taken away, but not changed. */

static gboolean check_bytes(const char *folder, const char *name, const char *sha256, GError **error) {
  g_autofree char *path = g_build_filename(folder, name, NULL), *is = NULL;
  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    return TRUE;
  return (is = cdr_digest_of(path, error)) &&
         (strcmp(is, sha256) == 0 ||
          sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "%s is not as it was written: its digest is another one",
                              path));
}

static gboolean check_parts(const Checking *checking, DetailsReader *reader, gint64 sequence, GError **error) {
  g_autofree char *folder = cdr_platforms(checking->lane->paths->folder, checking->rating->name);
  g_autoptr(GPtrArray) parts = details_reader_platforms(reader, sequence, error);
  for (guint i = 0; parts && i < parts->len; i++) {
    const PlatformFile *part = parts->pdata[i];
    if (!check_bytes(folder, part->name, part->sha256, error))
      return FALSE;
  }
  return parts != NULL;
}

static gboolean check_full_files(const Checking *checking, DetailsReader *reader, GError **error) {
  const ConfFullFile *conf = &checking->rating->full_file;
  g_autofree char *folder = cdr_folder(checking->lane->paths->folder, checking->rating->name);
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, error);
  for (guint i = 0; files && i < files->len; i++) {
    const DetailFile *file = files->pdata[i];
    g_autofree char *name = cdr_file_name(file);
    if (file->sha256 && (!check_bytes(folder, name, file->sha256, error) ||
                         (conf->archive && !check_bytes(conf->archive, name, file->sha256, error)) ||
                         !check_parts(checking, reader, file->sequence, error)))
      return FALSE;
  }
  return files != NULL;
}

static char *words_of(const CliOutput *out, const ConfRating *rating, const DetailTotals *totals) {
  g_autofree char *rated = cli_unsigned(out, totals->rated), *suspended = cli_unsigned(out, totals->suspended),
                  *amount = cli_amount(out, totals->amount, rating->round.scale);
  return g_strdup_printf("whole; keys are unique, steps add up; %s rated over %s, %s suspended", rated, amount,
                         suspended);
}

char *rating_check(const CliOutput *out, const StatusLane *lane, const ConfRating *rating, GError **error) {
  GError *why = NULL;
  DetailTotals totals;
  g_autoptr(DetailsReader) reader = details_reader_open(lane->paths->folder, rating->name, &why);
  if (why)
    g_propagate_error(error, why);
  if (!reader)
    return why ? NULL : g_strdup("nothing was rated yet");
  g_autoptr(GHashTable) accepted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  Checking checking = {lane, rating, accepted, NULL, 1};
  gboolean ok = read_files(&checking, error) && details_verify(reader, &totals, error) &&
                details_verify_files(reader, error) && check_full_files(&checking, reader, error) &&
                details_reader_visit(reader, NULL, check_detail, &checking, error) && check_rest(&checking, error);
  g_free(checking.terms);
  return ok ? words_of(out, rating, &totals) : NULL;
}
