#include "conf/read/token.h"
#include <string.h>

#define ERRORS_LIMIT 100 /* of one file's text */
#define VALUE_LIMIT 8192 /* bytes; twice the longest that is of use, a rule's check */

typedef struct {
  const char *file;
  const char *at, *end;
  guint line, told;
  ConfReport *report;
  TokenList *list;
} Lexer;

static ConfWhere here(const Lexer *lexer, guint line) {
  return (ConfWhere){.file = lexer->file, .line = line};
}

G_GNUC_PRINTF(3, 4) static void complain(Lexer *lexer, guint line, const char *format, ...) {
  if (!lexer->report || lexer->told++ >= ERRORS_LIMIT)
    return;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  conf_report_error(lexer->report, here(lexer, line), "%s", message);
}

static void put(Lexer *lexer, Token token) {
  g_array_append_val(lexer->list->tokens, token);
}

static void put_text(Lexer *lexer, Token token, const GString *text) {
  if (text->len > VALUE_LIMIT) {
    complain(lexer, token.line, "a value of more than %d bytes", VALUE_LIMIT);
    token.broken = TRUE;
    token.text = "";
    put(lexer, token);
    return;
  }
  token.text = g_string_chunk_insert_len(lexer->list->texts, text->str, (gssize)text->len);
  put(lexer, token);
}

static gboolean looking_at(const Lexer *lexer, const char *what) {
  gsize length = strlen(what);
  return (gsize)(lexer->end - lexer->at) >= length && memcmp(lexer->at, what, length) == 0;
}

/* FALSE at anything but white space and comments. */
static gboolean pass_over_blank(Lexer *lexer) {
  char c = *lexer->at;
  if (c == '\n')
    lexer->line++;
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
    lexer->at++;
    return TRUE;
  }
  if (c == '#' || looking_at(lexer, "//")) {
    while (lexer->at < lexer->end && *lexer->at != '\n')
      lexer->at++;
    return TRUE;
  }
  if (!looking_at(lexer, "/*"))
    return FALSE;
  guint begin = lexer->line;
  for (lexer->at += 2; lexer->at < lexer->end; lexer->at++) {
    if (*lexer->at == '\n')
      lexer->line++;
    if (looking_at(lexer, "*/")) {
      lexer->at += 2;
      return TRUE;
    }
  }
  complain(lexer, begin, "the comment that begins here has no end (*/)");
  lexer->list->cut_short = TRUE;
  return TRUE;
}

/* The number behind \ or \x: one to three octal, one or two hexadecimal digits. */
static gboolean read_number_escape(Lexer *lexer, GString *into) {
  guint base = 8, most = 3, digits = 0, value = 0;
  if (*lexer->at == 'x') {
    base = 16, most = 2;
    lexer->at++;
  }
  for (; digits < most && lexer->at < lexer->end; digits++, lexer->at++) {
    gint digit = g_ascii_xdigit_value(*lexer->at);
    if (digit < 0 || (guint)digit >= base)
      break;
    value = value * base + (guint)digit;
  }
  if (digits == 0 || value == 0 || value > 255)
    return FALSE;
  g_string_append_c(into, (char)value);
  return TRUE;
}

/* Behind a backslash in double quotes. */
static gboolean read_escape(Lexer *lexer, GString *into) {
  static const char letters[] = "nrbfaetv", meant[] = "\n\r\b\f\a\033\t\v";
  char c = *lexer->at;
  if (g_ascii_isdigit(c) || c == 'x')
    return read_number_escape(lexer, into);
  const char *letter = strchr(letters, c);
  if (letter)
    g_string_append_c(into, meant[letter - letters]);
  else if (!g_ascii_isalpha(c))
    g_string_append_c(into, c);
  else
    return FALSE;
  lexer->at++;
  return TRUE;
}

static gboolean read_backslash(Lexer *lexer, char quote, GString *into) {
  lexer->at++;
  if (*lexer->at == '\n' || looking_at(lexer, "\r\n")) { /* goes on in the next line */
    lexer->at += *lexer->at == '\r' ? 2 : 1;
    lexer->line++;
    return TRUE;
  }
  if (quote == '"')
    return read_escape(lexer, into);
  if (*lexer->at != '\\' && *lexer->at != '\'')
    g_string_append_c(into, '\\');
  g_string_append_c(into, *lexer->at++);
  return TRUE;
}

/* The end of the string's text. A string may have several lines; but where its end is missing, it would reach to the
 * next string's beginning. So one of several lines ends only where something else can begin; else it ends with its
 * first line. */
static const char *find_end(const Lexer *lexer, char quote, gboolean *closed) {
  const char *line_end = NULL, *c = lexer->at;
  for (; c < lexer->end && *c != quote; c++) {
    if (*c == '\n' && !line_end)
      line_end = c;
    if (*c == '\\' && c + 1 < lexer->end)
      c++;
  }
  *closed = c < lexer->end && (!line_end || c + 1 == lexer->end || strchr(" \t\r\n},)#/", c[1]));
  return *closed || !line_end ? c : line_end;
}

static void read_text(Lexer *lexer, char quote, Token *token, GString *text) {
  if (*lexer->at == '\\') {
    if (read_backslash(lexer, quote, text))
      return;
    complain(lexer, lexer->line,
             "a backslash sequence that has no meaning; write \\\\ for a backslash, or use single quotes");
    token->broken = TRUE;
    return;
  }
  if (quote == '"' && looking_at(lexer, "${")) {
    complain(lexer, lexer->line,
             "environment variables are not expanded: write \\${ in double quotes, or use single quotes, to mean the "
             "characters");
    token->broken = TRUE;
  }
  if (*lexer->at == '\n')
    lexer->line++;
  if (!looking_at(lexer, "\r\n"))
    g_string_append_c(text, *lexer->at);
  lexer->at++;
}

static void read_string(Lexer *lexer) {
  char quote = *lexer->at++;
  Token token = {.kind = 's', .line = lexer->line};
  gboolean closed = FALSE;
  const char *end = find_end(lexer, quote, &closed);
  if (!closed) {
    complain(lexer, token.line, "the string that begins here has no closing %c", quote);
    lexer->at = end;
    put(lexer, (Token){.kind = 's', .line = token.line, .broken = TRUE, .text = ""});
    return;
  }
  g_autoptr(GString) text = g_string_new(NULL);
  while (lexer->at < end)
    read_text(lexer, quote, &token, text);
  lexer->at = end + 1;
  put_text(lexer, token, text);
}

static gboolean ends_word(const Lexer *lexer) {
  return strchr(" \t\r\n\"'{}=,()#", *lexer->at) || looking_at(lexer, "+=");
}

static void read_word(Lexer *lexer) {
  Token token = {.kind = 'w', .line = lexer->line};
  g_autoptr(GString) text = g_string_new(NULL);
  while (lexer->at < lexer->end && !ends_word(lexer))
    g_string_append_c(text, *lexer->at++);
  if (text->str[text->len - 1] == ';') {
    complain(lexer, token.line, "no semicolon here: a value ends by itself");
    g_string_truncate(text, text->len - 1);
    if (text->len == 0)
      return;
  }
  if (strpbrk(text->str, "*?+;$\\[]|&<>!`")) {
    complain(lexer, token.line, "a value with special characters needs quotes (single quotes for patterns)");
    token.broken = TRUE;
  }
  put_text(lexer, token, text);
}

static gboolean is_sound(Lexer *lexer, const char *text, gsize length) {
  const char *bad = NULL;
  gboolean sound = g_utf8_validate_len(text, length, &bad);
  for (const char *c = text; sound && c < text + length; c++)
    if ((guchar)*c < ' ' && !strchr("\t\n\r", *c))
      sound = FALSE, bad = c;
  if (sound)
    return TRUE;
  guint line = 1;
  for (const char *c = text; c < bad; c++)
    line += *c == '\n';
  complain(lexer, line, "the text is not UTF-8, or holds a control character");
  lexer->list->cut_short = TRUE;
  return FALSE;
}

TokenList *token_list_new(const char *file, const char *text, gsize length, ConfReport *report) {
  TokenList *list = g_new0(TokenList, 1);
  list->tokens = g_array_new(FALSE, TRUE, sizeof(Token));
  list->texts = g_string_chunk_new(4096);
  Lexer lexer = {
      .file = g_intern_string(file), .at = text, .end = text + length, .line = 1, .report = report, .list = list};
  if (!is_sound(&lexer, text, length))
    lexer.at = lexer.end;
  if (looking_at(&lexer, "\xEF\xBB\xBF"))
    lexer.at += 3; /* a byte order mark of some editors */
  while (lexer.at < lexer.end) {
    if (pass_over_blank(&lexer))
      continue;
    if (*lexer.at == '"' || *lexer.at == '\'') {
      read_string(&lexer);
    } else if (strchr("{}=,()", *lexer.at)) {
      put(&lexer, (Token){.kind = *lexer.at++, .line = lexer.line});
    } else if (looking_at(&lexer, "+=")) {
      lexer.at += 2;
      put(&lexer, (Token){.kind = '+', .line = lexer.line});
    } else {
      read_word(&lexer);
    }
  }
  put(&lexer, (Token){.kind = 'e', .line = lexer.line});
  return list;
}

void token_list_free(TokenList *list) {
  if (!list)
    return;
  g_array_free(list->tokens, TRUE);
  g_string_chunk_free(list->texts);
  g_free(list);
}
