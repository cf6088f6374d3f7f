/* Cuts one file's text into tokens, each with its line.
 *
 * It tells what it does not know rather than passing over it: `POINTS_*.dat` without quotes, "${VARIABLE}", a backslash
 * without a meaning, a string without an end; and goes on behind it. */
#pragma once
#include "conf/report.h"

typedef struct {
  char kind;       /* 'w' word, 's' quoted string, '{' '}' '=' ',' '(' ')', '+' for +=, 'e' the end */
  gboolean broken; /* reported already; its text is not to be used */
  guint line;
  const char *text; /* of words and strings, unescaped; owned by the list */
} Token;

typedef struct {
  GArray *tokens; /* of Token; the last is 'e' */
  GStringChunk *texts;
  gboolean cut_short; /* what follows could not be read: not UTF-8, a string without an end */
} TokenList;

/* `report` may be NULL: then nothing is told. */
TokenList *token_list_new(const char *file, const char *text, gsize length, ConfReport *report);
void token_list_free(TokenList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TokenList, token_list_free)
