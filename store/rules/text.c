#include "store/rules/text_private.h"
#include <errno.h>
#include <string.h>

/* What stands between a pair of parentheses, or commas in it. */
typedef enum { HOLDS_ANYTHING, TAKES_MONEY, GIVES_MONEY /* takes it, too */ } Parentheses;
typedef enum {
  AFTER_NOTHING, /* at the beginning */
  AFTER_ANYTHING,
  AFTER_SEPARATOR, /* '(' or ',' */
  AFTER_QUOTED,
  AFTER_FUNCTION,
  AFTER_MONEY
} Before;
enum { MOST_PARENTHESES = 200 }; /* SQLite's own limit is the sandbox's: as deep */

typedef struct {
  const char *at;
  const RuleTextMoney *money;
  Before before;        /* the token before */
  Parentheses function; /* AFTER_FUNCTION */
  guint8 open[MOST_PARENTHESES];
  guint depth; /* of open parentheses */
  gboolean computes;
  gboolean after_as; /* the next word is a CAST's type */
} Lexer;

static gboolean refuse_rule(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean refuse_rule(GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *why = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s", why);
}

static gboolean is_word_byte(char c) {
  return g_ascii_isalnum(c) || c == '_' || c == '$' || (guchar)c >= 0x80;
}

static gboolean read_quoted(Lexer *lexer, char close, GError **error) {
  const char *at = lexer->at + 1;
  for (; *at; at++) {
    if (*at != close)
      continue;
    if (close != ']' && at[1] == close) {
      at++; /* a doubled quote stands for itself */
      continue;
    }
    lexer->at = at + 1;
    return TRUE;
  }
  return refuse_rule(error, "a quoted text or name is not closed: %.40s", lexer->at);
}

static gboolean read_number(Lexer *lexer, GError **error) {
  const char *start = lexer->at, *at = start;
  gboolean hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X'), real = FALSE;
  for (at += hex ? 2 : 0; *at; at++) {
    gboolean exponent = !hex && (*at == 'e' || *at == 'E');
    if (exponent && (at[1] == '+' || at[1] == '-'))
      at++;
    else if (*at != '.' && !is_word_byte(*at))
      break;
    real |= exponent || *at == '.';
  }
  lexer->at = at;
  if (real)
    return refuse_rule(
        error,
        "%.*s is a REAL number, which does not hold money exactly: write scaled('%.*s', 2) for a decimal of scale 2",
        (int)(at - start), start, (int)(at - start), start);
  errno = 0;
  if (!hex && (g_ascii_strtoull(start, NULL, 10) > G_MAXINT64 || errno))
    return refuse_rule(error, "%.*s does not fit in 64 bits", (int)(at - start), start);
  return TRUE;
}

static gboolean word_is(const char *word, gsize length, const char *keyword) {
  return strlen(keyword) == length && g_ascii_strncasecmp(word, keyword, length) == 0;
}

/* --- Money: only functions that know it may see it. To SQLite it is a blob, which it would compare as larger than
 * every number, and add as 0. */

static Parentheses money_function(const char *word, gsize length) {
  static const struct {
    const char *name;
    Parentheses what;
  } rows[] = {{"price", GIVES_MONEY},  {"portion", GIVES_MONEY}, {"plus", GIVES_MONEY},    {"minus", GIVES_MONEY},
              {"lowest", GIVES_MONEY}, {"highest", GIVES_MONEY}, {"compare", TAKES_MONEY}, {"rounded", TAKES_MONEY}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    if (word_is(word, length, rows[i].name))
      return rows[i].what;
  return HOLDS_ANYTHING;
}

static gboolean misplaced(GError **error) {
  return refuse_rule(error,
                     "what price(), portion(), plus(), minus(), lowest() or highest() gives is exact money and no "
                     "number: it may only be an argument of these, of compare(a, b), or of rounded(a, 'half-up')");
}

static gboolean may_hold_money(const Lexer *lexer) {
  if (lexer->depth == 0 && lexer->before == AFTER_NOTHING && lexer->money->gives_money)
    return TRUE;
  return lexer->before == AFTER_SEPARATOR && lexer->depth > 0 && lexer->open[lexer->depth - 1] != HOLDS_ANYTHING;
}

static gboolean open_parenthesis(Lexer *lexer, GError **error) {
  Parentheses what = lexer->before == AFTER_FUNCTION ? lexer->function : HOLDS_ANYTHING;
  if (lexer->before == AFTER_QUOTED)
    return refuse_rule(error, "a function's name stands without quotes");
  if (lexer->depth == MOST_PARENTHESES)
    return refuse_rule(error, "more than %d parentheses within each other", MOST_PARENTHESES);
  lexer->open[lexer->depth++] = (guint8)what;
  lexer->before = AFTER_SEPARATOR;
  return TRUE;
}

static gboolean close_parenthesis(Lexer *lexer, GError **error) {
  if (lexer->depth == 0)
    return refuse_rule(error, "a ')' too many");
  lexer->before = lexer->open[--lexer->depth] == GIVES_MONEY ? AFTER_MONEY : AFTER_ANYTHING;
  return TRUE;
}

static gboolean read_word(Lexer *lexer, GError **error) {
  const char *word = lexer->at;
  while (is_word_byte(*lexer->at))
    lexer->at++;
  gsize length = (gsize)(lexer->at - word);
  if (lexer->after_as && !word_is(word, length, "INTEGER") && !word_is(word, length, "TEXT"))
    return refuse_rule(error, "CAST(… AS %.*s): only INTEGER and TEXT are allowed", (int)length, word);
  lexer->after_as = word_is(word, length, "AS");
  lexer->computes |= word_is(word, length, "abs");
  if (word_is(word, length, "SELECT") || word_is(word, length, "WITH"))
    return refuse_rule(error, "sub-queries are not allowed: a rule looks at one record");
  if (word_is(word, length, "OVER"))
    return refuse_rule(error, "window functions are not allowed: a rule looks at one record");
  const char *next = lexer->at;
  while (g_ascii_isspace(*next))
    next++;
  lexer->function = *next == '(' ? money_function(word, length) : HOLDS_ANYTHING;
  gboolean is_column = *next != '(' && lexer->money->column && word_is(word, length, lexer->money->column);
  if ((lexer->function == GIVES_MONEY || is_column) && !may_hold_money(lexer))
    return misplaced(error);
  lexer->before = is_column ? AFTER_MONEY : AFTER_FUNCTION;
  return TRUE;
}

static gboolean read_sign(Lexer *lexer, GError **error) {
  char c = *lexer->at;
  if ((c == '-' && lexer->at[1] == '-') || (c == '/' && lexer->at[1] == '*'))
    return refuse_rule(error, "comments are not allowed in a rule");
  if (c == ';')
    return refuse_rule(error, "a rule is one expression: ';' is not allowed");
  if (strchr("?:@#$", c))
    return refuse_rule(error, "parameters are not allowed in a rule: %c", c);
  if (lexer->money->gives_money && strchr("*/%", c))
    return refuse_rule(error, "%c is not for amounts: say price(quantity, rate, per) or portion(amount, parts, of)", c);
  lexer->computes |= strchr("+-*/%", c) != NULL;
  lexer->at++;
  if (c == '(')
    return open_parenthesis(lexer, error);
  if (c == ')')
    return close_parenthesis(lexer, error);
  lexer->before = c == ',' ? AFTER_SEPARATOR : AFTER_ANYTHING;
  return TRUE;
}

static gboolean read_token(Lexer *lexer, GError **error) {
  char c = *lexer->at;
  if (g_ascii_isspace(c)) {
    lexer->at++;
    return TRUE;
  }
  if (lexer->before == AFTER_MONEY && c != ',' && c != ')')
    return misplaced(error);
  if (c != '"' && !is_word_byte(c) && lexer->after_as)
    return refuse_rule(error, "AS is for CAST(… AS INTEGER) and CAST(… AS TEXT) only");
  if (c == '\'' || c == '"' || c == '`' || c == '[') {
    if (lexer->after_as)
      return refuse_rule(error, "CAST to a quoted type: only INTEGER and TEXT are allowed");
    lexer->before = AFTER_QUOTED;
    return read_quoted(lexer, c == '[' ? ']' : c, error);
  }
  if (g_ascii_isdigit(c) || (c == '.' && g_ascii_isdigit(lexer->at[1]))) {
    lexer->before = AFTER_ANYTHING;
    return read_number(lexer, error);
  }
  if (is_word_byte(c) && c != '$')
    return read_word(lexer, error);
  return read_sign(lexer, error);
}

gboolean rule_text_check(const char *text, const RuleTextMoney *money, gboolean *computes, GError **error) {
  Lexer lexer = {.at = text, .money = money};
  while (*lexer.at)
    if (!read_token(&lexer, error))
      return FALSE;
  if (lexer.depth > 0)
    return refuse_rule(error, "a ')' is missing");
  if (lexer.before == AFTER_MONEY && !money->gives_money)
    return misplaced(error);
  *computes = lexer.computes;
  return TRUE;
}
