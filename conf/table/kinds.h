/* The kinds of rows, and how rows are written:
 *
 *   static const Row rows[] = {
 *       WHERE(ConfFront),
 *       ROW(ConfFront, "timeout", timeout, seconds, .otherwise = 30, .least = 1, .most = 3600),
 *       CHECK(check_url),
 *       ROWS_END};
 *   const Table table_front = TABLE(ConfFront, rows);
 */
#pragma once
#include "conf/read/pattern.h"
#include "conf/read/table.h"
#include <stddef.h>

#define MEMBER(type, field) \
  .member = #field, .offset = offsetof(type, field), .size = sizeof(((const type *)NULL)->field)
/* A setting: its struct, its name, its member, its kind, and what else the row says. */
#define ROW(type, option, field, of_kind, ...) \
  { .name = option, MEMBER(type, field), .kind = &kind_##of_kind, __VA_ARGS__ }
/* A member that nobody writes: code fills it. */
#define KEPT(type, field, of_kind, ...) \
  { MEMBER(type, field), .kind = &kind_kept_##of_kind, __VA_ARGS__ }
/* The section's place, and that it is there. */
#define WHERE(type) \
  { MEMBER(type, where), .kind = &kind_where }
#define PRESENT(type) \
  { MEMBER(type, present), .kind = &kind_present }
#define TITLE(type) \
  { MEMBER(type, name), .kind = &kind_title }
#define CHECK(function) \
  { .kind = &kind_check, .check = function }
/* A section that is there once, one that may stand several times, and one whose settings are members of the struct
 * around it. */
#define SECTION(type, section, field, table, ...) \
  { .name = section, MEMBER(type, field), .kind = &kind_section, .inner = &table, __VA_ARGS__ }
#define SECTIONS(type, section, field, table, ...) \
  { .name = section, MEMBER(type, field), .kind = &kind_sections, .inner = &table, .title = TITLE_REQUIRED, \
    __VA_ARGS__ }
#define WITHIN(section, table, ...) \
  { .name = section, .kind = &kind_within, .inner = &table, __VA_ARGS__ }
#define ROWS_END \
  { .kind = NULL }
#define TABLE(type, its_rows) \
  { .of = #type, .size = sizeof(type), .rows = its_rows }

/* The words of a list of X(CONSTANT, "word"), in the order of its enumeration. */
#define WORDS(list) \
  (const char *const[]) { list(CONF_WORD) NULL }

/* What stands in a template besides known placeholders: `needed`: one of these must, and `why`; NULL: none. */
typedef struct {
  TemplateKind kind;
  const char *const *needed;
  const char *why;
} TemplateRule;
extern const TemplateRule template_of_marker; /* {name} or {stem} */
extern const TemplateRule template_of_answer; /* {name}, {stem}, {id} or {sequence} */
extern const TemplateRule template_of_any;

/* Texts. */
extern const Kind kind_raw;          /* any bytes but NUL */
extern const Kind kind_text;         /* UTF-8 without control characters */
extern const Kind kind_name;         /* letters, digits or . _ - */
extern const Kind kind_path;         /* a local absolute path */
extern const Kind kind_file;         /* the same, or credential:NAME */
extern const Kind kind_connection;  /* of a database: without a password */
extern const Kind kind_remote_path;  /* no ".." */
extern const Kind kind_url_path;     /* behind a URL's host */
extern const Kind kind_template;     /* of a name; `rule` is its TemplateRule */
extern const Kind kind_glob;         /* of names */
extern const Kind kind_time_zone;    /* default: none */
extern const Kind kind_own_time_zone; /* default: the node's */
extern const Kind kind_charset;
extern const Kind kind_delimiter;
extern const Kind kind_fingerprint;
extern const Kind kind_word;               /* one of `words`, kept as text; default: `text` */
extern const char *const words_line_end[]; /* lf, crlf: of what we write */
/* Names of what else is configured. */
extern const Kind kind_partner;
extern const Kind kind_system;
extern const Kind kind_layout;
extern const Kind kind_calendar;
/* Lists. */
extern const Kind kind_list;
extern const Kind kind_globs;
extern const Kind kind_fingerprints; /* two places */
extern const Kind kind_digests;      /* two places */
/* Numbers, with `least`, `most` and `otherwise`. */
extern const Kind kind_number;
extern const Kind kind_number64;
extern const Kind kind_seconds;
extern const Kind kind_milliseconds;
extern const Kind kind_size; /* in bytes */
extern const Kind kind_size64;
extern const Kind kind_time_of_day; /* in seconds */
extern const Kind kind_yes;
extern const Kind kind_choice; /* one of `words` */
extern const Kind kind_words;  /* none or several of `words` */
/* Nothing that people write. */
extern const Kind kind_where;
extern const Kind kind_present;
extern const Kind kind_title;
extern const Kind kind_check;
extern const Kind kind_front_url; /* what is made holds the front's URL */
extern const Kind kind_kept_where;
extern const Kind kind_kept_text;
extern const Kind kind_kept_list;
extern const Kind kind_kept_uint;
extern const Kind kind_kept_uint64;
extern const Kind kind_kept_byte;
extern const Kind kind_kept_struct;
