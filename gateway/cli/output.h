/* What commands print: tables that fit the terminal, numbers, times, colours; or JSON.
 *
 * On a terminal: columns fitted to its width (long names lose their middle, ids never do), thousands separators, times
 * in the node's time zone, colour by state unless NO_COLOR is set. Elsewhere: the same columns, whole, separated by
 * spaces and never empty ("-"), spaces inside a value of any but the last column written as \x20, so that awk can split
 * them; plain numbers, RFC 3339 times. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdio.h>
#include "gateway/base/wide.h"
#include "store/states.h"

typedef struct {
  FILE *file;
  gboolean is_terminal, has_colour, is_json;
  guint width; /* of the terminal */
  GTimeZone *time_zone;
} CliOutput;

CliOutput *cli_output_new(FILE *file, gboolean is_json);
void cli_output_free(CliOutput *out);
void cli_output_zone(CliOutput *out, const char *time_zone);

typedef enum {
  CLI_PLAIN,
  CLI_BOLD,
  CLI_DIM,
  CLI_RED,
  CLI_GREEN,
  CLI_YELLOW,
  CLI_BLUE,
  CLI_MAGENTA,
  CLI_CYAN
} CliColour;
CliColour cli_colour_of_state(FileState state);

/* The caller frees. */
char *cli_number(const CliOutput *out, gint64 value);
char *cli_unsigned(const CliOutput *out, guint64 value);
char *cli_amount(const CliOutput *out, Wide value, guint scale); /* 1230 at scale 2: 12.30 */
char *cli_time(const CliOutput *out, gint64 microseconds);         /* "-" for 0 */
/* on a terminal, of today: 08:00:00; of this year: 11-20 08:00 */
char *cli_time_brief(const CliOutput *out, gint64 microseconds);
char *cli_time_json(const CliOutput *out, gint64 microseconds); /* RFC 3339 with fraction and the zone's offset */
char *cli_duration(gint64 microseconds);                        /* "35s", "2h05m", "3d04h" */
/* all but the last four characters; short ones whole */
char *cli_mask(const char *value);
guint cli_text_width(const char *text);           /* columns on a terminal */
char *cli_shorten(const char *text, guint width); /* by its middle: "POINTS_2…_0001.dat.pgp" */

/* A time that a person typed, in the node's zone: 2026-11-20, 2026-11-20T10:00[:00], 10:00, today, yesterday, or how
 * long ago: 90s, 30m, 12h, 7d. FALSE when it is none of these. */
gboolean cli_parse_time(const CliOutput *out, const char *text, gint64 now,
                        gint64 *microseconds) G_GNUC_WARN_UNUSED_RESULT;

/* How a column takes a terminal that is too narrow: it stays whole, or loses the middle of its values; and where even
 * that is not enough, CLI_DROPPED(1) is left out first, then 2, … */
enum { CLI_WHOLE = 0, CLI_SHRINKS = 1 };
#define CLI_DROPPED(order) ((order) << 1)
typedef struct {
  const char *title;
  enum { CLI_LEFT, CLI_RIGHT } align;
  guint how;
} CliColumn;
typedef struct CliTable CliTable;
CliTable *cli_table_new(const CliColumn *columns, guint n_columns);
/* The next cell of the row; a row is complete with its last cell. Takes the text; NULL or "": "-". */
void cli_table_cell(CliTable *table, char *text);
void cli_table_coloured(CliTable *table, char *text, CliColour colour);
guint cli_table_rows(const CliTable *table);
void cli_table_print(CliTable *table, const CliOutput *out); /* frees it */
void cli_table_free(CliTable *table);

/* Values come from partners' files: what would move a terminal's cursor or break a line is spelled \xHH. Tables and
 * lines do it themselves. Takes the text; the caller frees what it gets. */
char *cli_printable(char *text);

/* The rest of a line of which `used` columns are printed already: on a terminal broken at blanks, each further line
 * begun with two of them. */
void cli_wrapped(const CliOutput *out, guint used, const char *text);

/* A line that begins with a word in a colour, and is broken likewise. What would steer a terminal is spelled out. */
void cli_sentence(const CliOutput *out, CliColour colour, const char *first, const char *format,
                  ...) G_GNUC_PRINTF(4, 5);

/* "name: value" lines, values aligned. Takes the value; NULL prints nothing. */
void cli_line(const CliOutput *out, const char *name, char *value);
void cli_line_coloured(const CliOutput *out, const char *name, char *value, CliColour colour);
void cli_heading(const CliOutput *out, const char *text);
void cli_coloured(const CliOutput *out, CliColour colour, const char *text);
void cli_json(const CliOutput *out, json_t *value); /* frees it */
/* Members of a JSON object that are left out when there is nothing to say. */
void cli_json_text(json_t *object, const char *name, const char *value);
void cli_json_time(const CliOutput *out, json_t *object, const char *name, gint64 microseconds);
/* A decimal as text: a JSON number is a double to most readers. */
void cli_json_amount(json_t *object, const char *name, Wide value, guint scale);
