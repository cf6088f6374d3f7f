/* Tables: kept until they are printed, since a column's width is known only then. */
#include "gateway/cli/output.h"
#include <string.h>

enum { GAP = 2, LEAST_WIDTH = 8, EASY_WIDTH = 20 };

typedef struct {
  char *text;
  CliColour colour;
} TableCell;
struct CliTable {
  const CliColumn *columns;
  guint n_columns;
  GArray *cells; /* TableCell, row by row */
};

static void clear_cell(gpointer data) {
  g_free(((TableCell *)data)->text);
}

CliTable *cli_table_new(const CliColumn *columns, guint n_columns) {
  CliTable *table = g_new0(CliTable, 1);
  table->columns = columns;
  table->n_columns = n_columns;
  table->cells = g_array_new(FALSE, TRUE, sizeof(TableCell));
  g_array_set_clear_func(table->cells, clear_cell);
  return table;
}

void cli_table_coloured(CliTable *table, char *text, CliColour colour) {
  g_autofree char *shown = cli_printable(text);
  TableCell cell = {shown && *shown ? g_steal_pointer(&shown) : g_strdup("-"), colour};
  g_array_append_val(table->cells, cell);
}

void cli_table_cell(CliTable *table, char *text) {
  cli_table_coloured(table, text, CLI_PLAIN);
}

guint cli_table_rows(const CliTable *table) {
  return table->cells->len / table->n_columns;
}

static guint width_of_character(gunichar character) {
  if (g_unichar_iszerowidth(character))
    return 0;
  return g_unichar_iswide(character) ? 2 : 1;
}

guint cli_text_width(const char *text) {
  guint width = 0;
  for (; *text; text = g_utf8_next_char(text))
    width += width_of_character(g_utf8_get_char(text));
  return width;
}

/* Appends characters from the front, or (for the tail) finds where the last ones begin, within a width. */
static const char *front_end(const char *text, guint width) {
  for (; *text; text = g_utf8_next_char(text)) {
    guint here = width_of_character(g_utf8_get_char(text));
    if (here > width)
      break;
    width -= here;
  }
  return text;
}

static const char *back_start(const char *text, guint width) {
  const char *at = text + strlen(text);
  while (at > text) {
    const char *before = g_utf8_prev_char(at);
    guint here = width_of_character(g_utf8_get_char(before));
    if (here > width)
      break;
    width -= here;
    at = before;
  }
  return at;
}

char *cli_shorten(const char *text, guint width) {
  if (cli_text_width(text) <= width || width < 3)
    return g_strdup(text);
  guint back = (width - 1) / 2, front = width - 1 - back;
  g_autofree char *head = g_strndup(text, (gsize)(front_end(text, front) - text));
  return g_strconcat(head, "…", back_start(text, back), NULL);
}

static char *without_spaces(const char *text) {
  GString *whole = g_string_new(NULL);
  for (; *text; text++) {
    if (*text == ' ' || *text == '\t')
      g_string_append_printf(whole, "\\x%02x", (guint)*text);
    else
      g_string_append_c(whole, *text);
  }
  return g_string_free(whole, FALSE);
}

/* A column of width 0 is not printed. */
static guint total_width(const guint *widths, guint n, const CliColumn *shrunk) {
  guint total = 0;
  for (guint i = 0; i < n; i++)
    if (widths[i])
      total += (total ? (guint)GAP : 0) +
               (shrunk && (shrunk[i].how & CLI_SHRINKS) ? MIN(widths[i], (guint)EASY_WIDTH) : widths[i]);
  return total;
}

/* Drops columns, in the order that they say, while the others would have to shrink below what is easily read. */
static void drop(const CliTable *table, guint *widths, guint available) {
  for (guint order = 1; order <= table->n_columns; order++)
    for (guint i = 0; i < table->n_columns; i++)
      if (table->columns[i].how >> 1 == order && total_width(widths, table->n_columns, table->columns) > available)
        widths[i] = 0;
}

/* Takes columns from the widest that may shrink until the table fits, or none can give more. */
static void fit(const CliTable *table, guint *widths, guint available) {
  drop(table, widths, available);
  while (total_width(widths, table->n_columns, NULL) > available) {
    guint widest = G_MAXUINT;
    for (guint i = 0; i < table->n_columns; i++)
      if ((table->columns[i].how & CLI_SHRINKS) && widths[i] > LEAST_WIDTH &&
          (widest == G_MAXUINT || widths[i] > widths[widest]))
        widest = i;
    if (widest == G_MAXUINT)
      return;
    widths[widest]--;
  }
}

static void print_cell(const CliTable *table, const CliOutput *out, guint column, const guint *widths,
                       const TableCell *cell) {
  guint width = widths[column];
  gboolean is_last = total_width(widths + column + 1, table->n_columns - column - 1, NULL) == 0;
  if (width == 0)
    return;
  g_autofree char *text = (table->columns[column].how & CLI_SHRINKS) && out->is_terminal
                              ? cli_shorten(cell->text, width)
                              : g_strdup(cell->text);
  guint used = cli_text_width(text);
  guint pad = width > used ? width - used : 0;
  if (table->columns[column].align == CLI_RIGHT)
    fprintf(out->file, "%*s", (int)pad, "");
  cli_coloured(out, cell->colour, text);
  if (table->columns[column].align == CLI_LEFT && !is_last)
    fprintf(out->file, "%*s", (int)pad, "");
  fputs(is_last ? "\n" : "  ", out->file);
}

void cli_table_free(CliTable *table) {
  if (!table)
    return;
  g_array_unref(table->cells);
  g_free(table);
}

void cli_table_print(CliTable *table, const CliOutput *out) {
  guint rows = cli_table_rows(table);
  g_autofree guint *widths = g_new0(guint, table->n_columns);
  for (guint i = 0; i < table->n_columns; i++)
    widths[i] = cli_text_width(table->columns[i].title);
  for (guint i = 0; i < rows * table->n_columns; i++) {
    TableCell *cell = &g_array_index(table->cells, TableCell, i);
    gboolean is_last = i % table->n_columns == table->n_columns - 1; /* free text may stand there */
    char *text = out->is_terminal || is_last ? g_strdup(cell->text) : without_spaces(cell->text);
    g_free(cell->text);
    cell->text = text;
    widths[i % table->n_columns] = MAX(widths[i % table->n_columns], cli_text_width(text));
  }
  if (out->is_terminal)
    fit(table, widths, out->width);
  for (guint i = 0; i < table->n_columns; i++)
    print_cell(table, out, i, widths, &(TableCell){(char *)(gsize)table->columns[i].title, CLI_BOLD});
  for (guint i = 0; i < rows * table->n_columns; i++)
    print_cell(table, out, i % table->n_columns, widths, &g_array_index(table->cells, TableCell, i));
  cli_table_free(table);
}

void cli_wrapped(const CliOutput *out, guint used, const char *text) {
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  for (char **word = words; *word; word++) {
    g_autofree char *shown = out->is_terminal ? cli_shorten(*word, MAX(out->width, 3) - 2) : g_strdup(*word);
    guint width = cli_text_width(shown);
    gboolean breaks = out->is_terminal && used + 1 + width > out->width;
    fprintf(out->file, "%s%s", breaks ? "\n  " : " ", shown);
    used = (breaks ? 2 : used + 1) + width;
  }
  fputc('\n', out->file);
}

void cli_sentence(const CliOutput *out, CliColour colour, const char *first, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *rest = cli_printable(g_strdup_vprintf(format, arguments));
  va_end(arguments);
  cli_coloured(out, colour, first);
  cli_wrapped(out, cli_text_width(first), rest);
}
