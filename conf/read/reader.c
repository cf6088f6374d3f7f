#include "conf/read/reader.h"
#include "gateway/base/files.h"
#include <string.h>

ConfWhere reader_here(const Reader *reader) {
  return (ConfWhere){.file = reader->path, .line = reader->at->line};
}

gboolean token_is_value(const Token *token) {
  return token->kind == 'w' || token->kind == 's';
}

TokenShape token_shape(const Token *name) {
  if (name->kind != 'w')
    return SHAPE_NEITHER;
  if (name[1].kind == '=' || name[1].kind == '+')
    return SHAPE_OPTION;
  if (name[1].kind == '{' || (token_is_value(&name[1]) && name[2].kind == '{'))
    return SHAPE_SECTION;
  return name[1].kind == '(' ? SHAPE_CALL : SHAPE_NEITHER;
}

char *reader_show(const Reader *reader, const Token *token) {
  if (token->kind == 'e')
    return g_strdup("the end of the file");
  if (token->kind == '+')
    return g_strdup("'+='");
  if (!token_is_value(token))
    return g_strdup_printf("'%c'", token->kind);
  if (token->kind == 's')
    return g_strdup("this value");
  gboolean leads = token == reader->first || token[-1].line < token->line;
  gboolean strays = token == reader->private_at && token_shape(token) == SHAPE_NEITHER;
  if (strays || (token->line == reader->private_line && !leads))
    return g_strdup("this word");
  g_autofree char *shown = files_show_bytes(token->text, strlen(token->text), 40);
  return g_strdup_printf("'%s'", shown);
}

void reader_skip_braces(Reader *reader) {
  guint open = 0;
  do {
    if (reader->at->kind == '{')
      open++;
    if (reader->at->kind == '}')
      open--;
    if (reader->at->kind == 'e')
      return;
    reader->at++;
  } while (open > 0);
}

gboolean token_lacks_value(const Token *value) {
  return !token_is_value(value) || (value->kind == 'w' && strchr("=+{", value[1].kind));
}

void reader_skip_statement(Reader *reader) {
  TokenShape shape = token_shape(reader->at);
  reader->at++;
  if (shape == SHAPE_OPTION) {
    reader->at++;
    if (reader->at->kind == '{')
      reader_skip_braces(reader);
    else if (!token_lacks_value(reader->at))
      reader->at++;
  } else if (shape == SHAPE_SECTION) {
    if (reader->at->kind != '{')
      reader->at++;
    reader_skip_braces(reader);
  } else if (shape == SHAPE_CALL) {
    while (reader->at->kind != ')' && reader->at->kind != '}' && reader->at->kind != 'e')
      reader->at++;
    if (reader->at->kind == ')')
      reader->at++;
  }
}

void reader_resynchronise(Reader *reader) {
  while (reader->at->kind != 'e' && reader->at->kind != '}' && token_shape(reader->at) == SHAPE_NEITHER) {
    if (reader->at->kind == '{')
      reader_skip_braces(reader);
    else
      reader->at++;
  }
}
