/* Private to store/outside/pieces*.c. */
#pragma once
#include "store/outside_pieces.h"

enum { OUTSIDE_KEY_COLUMNS = 8 };

/* A key: one value for each of the cursor's columns. As a text, a position: for each value `i` or `t`, its length in
 * bytes, a colon, the value and a comma. */
typedef struct {
  char *texts[OUTSIDE_KEY_COLUMNS];
  gboolean is_integer[OUTSIDE_KEY_COLUMNS];
  guint n;
} OutsideKey;
void outside_key_clear(OutsideKey *key);
gboolean outside_key_equal(const OutsideKey *one, const OutsideKey *other);
char *outside_key_position(const OutsideKey *key);
/* FALSE: it is no position with `n` values (0: any number). Clear it in both cases. */
gboolean outside_key_read(const char *position, guint n, OutsideKey *key) G_GNUC_WARN_UNUSED_RESULT;

/* The SELECT of a piece, and what is bound to its marks, borrowed from the keys. */
typedef struct {
  GString *sql;
  GArray *values; /* OutsideValue */
} OutsideText;
OutsideText outside_text_new(void);
void outside_text_clear(OutsideText *text);
typedef enum { OUTSIDE_TEXT_PIECE, OUTSIDE_TEXT_NEWEST, OUTSIDE_TEXT_NULLS } OutsideTextKind;
/* after, until: NULL: none */
void outside_text_make(OutsideText *text, OutsideTextKind kind, const OutsidePiece *piece, const OutsideKey *after,
                       const OutsideKey *until);
