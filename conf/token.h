/* Cuts one file's text into tokens, each with its line.
 *
 * libconfuse 3.3 has a lexer of its own, but it passes over characters that it does not know (`POINTS_*.dat` becomes
 * two words), counts lines wrongly behind comments, expands "${VARIABLE}", cuts a string at "\0" and stops at its first
 * complaint. So this one reads what people wrote, and libconfuse is given the same again in its plainest form (scan.h).
 */
#pragma once
#include "conf/conf.h"

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
