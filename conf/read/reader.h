/* Where the scan is in one file's tokens, what the next statement looks like, and how to get behind one that is not
 * understood. */
#pragma once
#include "conf/read/token.h"

/* One file's tokens, and where we are in them. */
typedef struct {
  const char *path; /* interned */
  const Token *at;
  const Token *first;
  guint private_line;      /* a line on which something secret may stand: its words are not repeated in messages, */
  const Token *private_at; /* nor is a stray word behind it */
  gint surplus;            /* opening braces of the file that have no closing one */
  gboolean cut_short;      /* the rest of the file is lost, which has been told */
} Reader;

typedef enum { SHAPE_NEITHER, SHAPE_OPTION, SHAPE_SECTION, SHAPE_CALL } TokenShape;

ConfWhere reader_here(const Reader *reader);
gboolean token_is_value(const Token *token);
/* What a statement that begins with this token would be. */
TokenShape token_shape(const Token *name);
/* `name = ` without a value: the next statement begins where the value should be. */
gboolean token_lacks_value(const Token *value);

/* A token as people see it, unless it may be a secret. The caller frees. */
char *reader_show(const Reader *reader, const Token *token);
/* Behind the closing brace of the one that stands here. */
void reader_skip_braces(Reader *reader);
/* Behind the statement that begins here; at least one token on. */
void reader_skip_statement(Reader *reader);
/* On to what looks like a statement, or to the end of the section. */
void reader_resynchronise(Reader *reader);
