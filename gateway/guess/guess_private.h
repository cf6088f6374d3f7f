/* A file as it is being understood: bytes, lines, kinds of line, columns. Nobody but gateway/guess/ includes this. */
#pragma once
#include "gateway/base/wide.h"
#include "gateway/guess/guess.h"

enum { GUESS_LINES = 20000, GUESS_TAIL = 65536, GUESS_KINDS = 24, GUESS_CELLS = 400, GUESS_LINE_MOST = 16384 };

typedef struct {
  const guint8 *at; /* without its end */
  guint length;
  guint kind;
} GuessLine;
typedef struct {
  guint offset, length;
} GuessCell; /* of its line */

typedef enum {
  ROLE_HEADER,
  ROLE_GROUP_HEADER,
  ROLE_RECORD,
  ROLE_ADDENDUM,
  ROLE_REMARK,
  ROLE_GROUP_TRAILER,
  ROLE_TRAILER,
  ROLE_NAMES
} GuessRole;

typedef struct {
  gint64 number; /* in the smallest parts */
  guint scale;
  gboolean is_comma, has_point, has_thousands, has_sign_behind, has_plus, has_minus;
} GuessNumber;

typedef struct {
  guint column; /* of the same line, from 1; 0: none */
  char above[3], below[3];
} GuessCodes;

/* What all values of a column have in common; a number is one that nobody writes in two ways. */
typedef struct {
  char *name, *title;
  guint offset, bytes;            /* fixed */
  guint64 values, absent;
  guint longest, shortest;
  gboolean is_digits, is_number, has_zero_front, has_blank_front;
  GuessNumber forms;              /* of all values together */
  guint most_scale, least_scale;
  guint32 dates;                  /* bits: the forms in which all values are dates */
  GHashTable *seen;               /* values, while none comes twice */
  gboolean repeats;
  guint implied_scale;            /* a number without its point; 0: none such */
  gboolean is_total, is_signed;   /* a number, as a total holds that is it or is of it */
  gint total_of;                  /* -1, or the kind that has the column that it is the sum of */
  guint total_column;
  GuessCodes sign;                /* of a number; is_signed: of a total that rests on it */
  char *control;                  /* NULL: none */
  gboolean is_control_sure, is_dropped; /* dropped: its values are not what they seemed to be; text */
} GuessColumn;

typedef struct {
  char *tag; /* NULL: by position */
  GuessRole role;
  guint group;
  guint64 lines; /* of those looked at closely */
  guint n_cells; /* delimited: with the tag */
  guint bytes;   /* fixed: of the line */
  GPtrArray *columns;
} GuessKind;

typedef struct {
  const guint8 *text;
  gsize length, start; /* start: behind a byte order mark */
  const char *charset, *line_end;
  guint8 plain[256]; /* what a byte is in ASCII; 0x80 for all else */
  gboolean is_ebcdic, is_fixed, is_stream, is_quoted, by_tag, has_names;
  gboolean is_proving; /* totals are written as such, however unsure they are */
  const char *delimiter;
  char end_mark, value_prefix; /* 0: none */
  gsize stride;
  guint tag_bytes;
  gboolean passes_blank, passes_ctrl_z, is_whole; /* whole: each line of the file is among `lines` */
  GPtrArray *beginnings; /* of lines to pass over */
  GArray *lines;         /* GuessLine, in the file's order; with a gap where the file is long */
  guint n_head;          /* of these, those before the gap */
  GPtrArray *kinds;      /* GuessKind* */
  guint n_groups;
  guint64 counted, passed; /* lines of the whole file */
  GPtrArray *unsure;
  struct DateFormat *forms[17]; /* values.c */
} Guess;

/* unsure.c: a sentence; what is not printable in it is escaped. The first 40 are kept. */
void guess_unsure(Guess *guess, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* --- bytes.c: the character set, and where lines end. FALSE: no file of lines. */
gboolean guess_bytes(Guess *guess, GError **error);
/* The line at *offset, which is moved behind it; FALSE at the end. */
gboolean guess_next(const Guess *guess, gsize *offset, GuessLine *line);
gboolean guess_is_passed(const Guess *guess, const GuessLine *line);

/* --- shape.c: delimited or fixed, and what is no record at all. */
gboolean guess_shape(Guess *guess, GError **error);
/* The line's cells, at most `most`; how many there are. Fixed: by the columns of its kind. */
guint guess_cells(const Guess *guess, const GuessLine *line, GuessCell *cells, guint most);
/* Between its quotes, without blanks around it and without the prefix. */
GuessCell guess_trim(const Guess *guess, const guint8 *line, GuessCell cell);

/* --- kinds.c: kinds of line by their tags, and what each is for. */
gboolean guess_kinds(Guess *guess, GError **error);
gboolean guess_tag_is_plain(const char *tag); /* letters and digits */
/* guess->kinds->len: none of them. */
guint guess_kind_of(const Guess *guess, const GuessLine *line, gboolean is_first, gboolean is_last);

/* --- edges.c: where the fields of a fixed line are. */
void guess_edges(Guess *guess);
GuessColumn *guess_column_new(guint offset, guint bytes);
/* Makes [from, to) a column of its own; those that it cuts lose it. The index. */
guint guess_cut_column(GuessKind *kind, guint from, guint to);

/* --- values.c: what the values of a column are. */
void guess_values(Guess *guess);
gboolean guess_number(const Guess *guess, const guint8 *at, guint length, GuessNumber *number);
gboolean guess_is_same_amount(Wide a, guint scale_a, Wide b, guint scale_b);

enum { GUESS_FORMS = 17 }; /* --- days.c: of dates and time stamps */
void guess_forms_open(Guess *guess);
void guess_forms_close(Guess *guess);
guint32 guess_date_forms(const Guess *guess, const char *text, guint length); /* bits */
/* "type = date  format = …" of the lowest bit. The caller frees. */
char *guess_date_words(guint32 forms);

/* --- signs.c: whether the column has two codes, which may tell what is below zero. */
gboolean guess_codes(const Guess *guess, guint kind, guint column, GuessCodes *codes);
gboolean guess_codes_are_known(const GuessCodes *codes); /* by custom */
gboolean guess_is_below(const Guess *guess, const GuessLine *line, guint column, const char *below);
void guess_settle_signs(Guess *guess); /* what sums both sides is gross */
/* A total still says so; and the number that this code is the sign of, NULL: none. */
gboolean guess_sign_holds(const Guess *guess, const GuessKind *kind, const GuessColumn *column);
const GuessColumn *guess_signed_by(const Guess *guess, const GuessKind *kind, const GuessColumn *code);

/* --- titles.c: what the line of names calls the columns. */
void guess_titles(Guess *guess);

/* --- totals.c: what is counted and summed, and stands in headers and trailers. Walks over the whole file. */
void guess_totals(Guess *guess);

/* --- words.c: the layout as text. */
char *guess_words(const Guess *guess, const char *name);
/* --- proof.c: the text, compiled and held against the whole file; what does not hold is taken back. */
gboolean guess_prove(Guess *guess, const char *name, GuessReport *report, GError **error);
