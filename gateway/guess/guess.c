#include "gateway/guess/guess.h"
#include "gateway/guess/guess_private.h"

static void free_kind(gpointer data) {
  GuessKind *kind = data;
  g_free(kind->tag);
  g_ptr_array_unref(kind->columns);
  g_free(kind);
}

static gboolean understand(Guess *guess, const char *name, GuessReport *report, GError **error) {
  if (!guess_bytes(guess, error) || !guess_shape(guess, error) || !guess_kinds(guess, error))
    return FALSE;
  guess_edges(guess);
  guess_values(guess);
  guess_totals(guess);
  guess_values(guess); /* totals may have cut columns out of others */
  guess_titles(guess);
  if (!guess_prove(guess, name, report, error))
    return FALSE;
  report->text = guess_words(guess, name);
  report->unsure = g_ptr_array_ref(guess->unsure);
  return TRUE;
}

gboolean guess_layout(const guint8 *text, gsize length, const char *name, GuessReport *report, GError **error) {
  Guess guess = {.text = text,
                 .length = length,
                 .beginnings = g_ptr_array_new_with_free_func(g_free),
                 .lines = g_array_new(FALSE, FALSE, sizeof(GuessLine)),
                 .kinds = g_ptr_array_new_with_free_func(free_kind),
                 .unsure = g_ptr_array_new_with_free_func(g_free)};
  *report = (GuessReport){0};
  guess_forms_open(&guess);
  gboolean ok = understand(&guess, name, report, error);
  guess_forms_close(&guess);
  g_ptr_array_unref(guess.beginnings);
  g_array_unref(guess.lines);
  g_ptr_array_unref(guess.kinds);
  g_ptr_array_unref(guess.unsure);
  return ok;
}

void guess_report_clear(GuessReport *report) {
  g_clear_pointer(&report->text, g_free);
  g_clear_pointer(&report->unsure, g_ptr_array_unref);
  g_clear_pointer(&report->verdict, g_free);
}
