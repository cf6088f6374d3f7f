#include "conf/scan.h"
#include "conf/reader.h"
#include "conf/source.h"
#include "gateway/base/files.h"
#include <string.h>

#define SECTIONS_LIMIT 20000 /* far above any real configuration; bounds the work on a hostile one */
#define ERRORS_LIMIT 200     /* of form; more of them help nobody */
#define INCLUDE_DEPTH 10
#define READS_LIMIT 5000 /* a file may be included several times, but not without end */

typedef struct {
  const ConfSource *source;
  ConfReport *report;
  Scan *scan;
  guint told, depth, files_read;
  const SourceFile *open[INCLUDE_DEPTH]; /* the file that is read and those that include it */
} Scanner;

typedef struct Level {
  const cfg_opt_t *options;
  guint index;               /* of scan->sections */
  gboolean closes;           /* by a brace, and not by the end of the file */
  const struct Level *outer; /* in this file */
} Level;

static ScanSection *section_at(const Scanner *scanner, guint index) {
  return g_ptr_array_index(scanner->scan->sections, index);
}

G_GNUC_PRINTF(3, 4) static void complain(Scanner *scanner, ConfWhere where, const char *format, ...) {
  if (scanner->told++ >= ERRORS_LIMIT) {
    if (scanner->told == ERRORS_LIMIT + 1)
      conf_report_error(scanner->report, where, "more errors than are told; mend these first");
    return;
  }
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  conf_report_error(scanner->report, where, "%s", message);
}

char *scan_section_label(const ScanSection *section) {
  if (*section->name == '\0')
    return g_strdup("the top level");
  if (section->title == NULL)
    return g_strdup(section->name);
  g_autofree char *shown = files_show_bytes(section->title, strlen(section->title), 64);
  return g_strdup_printf("%s \"%s\"", section->name, shown);
}

static guint add_section(Scanner *scanner, const char *name, const char *title, ConfWhere where) {
  ScanSection *section = g_new0(ScanSection, 1);
  *section = (ScanSection){.name = name, .title = g_strdup(title), .where = where};
  section->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_ptr_array_add(scanner->scan->sections, section);
  return scanner->scan->sections->len - 1;
}

static gboolean is_private_name(const char *name) {
  g_autofree char *lower = g_ascii_strdown(name, -1);
  return strstr(lower, "pass") != NULL || strstr(lower, "secret") != NULL || strstr(lower, "pwd") != NULL ||
         strstr(lower, "token") != NULL;
}

/* ---- writing for libconfuse ---- */

static void write_value(GString *text, const char *value) {
  g_string_append_c(text, '"');
  for (const char *c = value; *c != '\0'; c++) {
    if (strchr("\"\\$", *c) != NULL)
      g_string_append_printf(text, "\\%c", *c);
    else if ((guchar)*c < ' ' || (guchar)*c >= 0x7F)
      g_string_append_printf(text, "\\x%02x", (guchar)*c);
    else
      g_string_append_c(text, *c);
  }
  g_string_append_c(text, '"');
}

static void write_option(GString *text, const char *name, GPtrArray *values, gboolean is_list) {
  g_string_append_printf(text, is_list ? "%s = {" : "%s = ", name);
  for (guint i = 0; i < values->len; i++) {
    if (i > 0)
      g_string_append_c(text, ',');
    write_value(text, g_ptr_array_index(values, i));
  }
  g_string_append(text, is_list ? "}\n" : "\n");
}

/* ---- statements ---- */

/* FALSE, and told, when the same stood there before. */
static gboolean note_seen(Scanner *scanner, const Level *level, char *key, ConfWhere where) {
  ScanSection *section = section_at(scanner, level->index);
  const ConfWhere *first = g_hash_table_lookup(section->seen, key);
  if (first != NULL) {
    g_autofree char *label = scan_section_label(section);
    g_autofree char *bytes = files_show_bytes(key, strlen(key), 100);
    g_autofree char *shown = strchr(key, '"') == NULL ? g_strdup_printf("'%s'", bytes) : g_strdup(bytes);
    complain(scanner, where, "%s stands twice in %s (first at %s:%u)", shown, label, first->file, first->line);
    g_free(key);
    return FALSE;
  }
  ConfWhere *kept = g_new(ConfWhere, 1);
  *kept = where;
  g_hash_table_insert(section->seen, key, kept);
  return TRUE;
}

static void tell_unknown(Scanner *scanner, const Reader *reader, const Level *level) {
  if (token_shape(reader->at) == SHAPE_SECTION)
    scanner->scan->lost = TRUE;
  if (scanner->told > ERRORS_LIMIT)
    return; /* nobody sees it; the search below has its price */
  ScanSection *section = section_at(scanner, level->index);
  const char *name = reader->at->text;
  g_autofree char *label = scan_section_label(section);
  g_autofree char *shown = reader_show(reader, reader->at);
  const char *nearest = grammar_nearest(level->options, name);
  const char *home = grammar_home(name);
  if (home != NULL) {
    complain(scanner, reader_here(reader), "%s does not stand in %s but in %s", shown, label, home);
  } else if (nearest != NULL) {
    complain(scanner, reader_here(reader), "%s is not known in %s; did you mean '%s'?", shown, label, nearest);
    if (g_hash_table_lookup(section->seen, nearest) == NULL) { /* so that it is not told as missing, too */
      ConfWhere *where = g_new(ConfWhere, 1);
      *where = reader_here(reader);
      g_hash_table_insert(section->seen, g_strdup(nearest), where);
    }
  } else if (is_private_name(name)) {
    complain(scanner, reader_here(reader),
             "%s is not known in %s: secrets stand in files of their own (password-file, passphrase-file)", shown,
             label);
  } else {
    complain(scanner, reader_here(reader), "%s is not known in %s", shown, label);
  }
}

/* The values behind '=', or NULL when something is wrong with them, which is told. */
static GPtrArray *read_values(Scanner *scanner, Reader *reader, gboolean is_list) {
  g_autoptr(GPtrArray) values = g_ptr_array_new();
  gboolean sound = TRUE;
  if (!is_list || reader->at->kind != '{') {
    sound = !reader->at->broken;
    g_ptr_array_add(values, (char *)reader->at++->text);
    return sound ? g_steal_pointer(&values) : NULL;
  }
  const Token *open = reader->at++;
  while (token_is_value(reader->at)) {
    sound = sound && !reader->at->broken;
    g_ptr_array_add(values, (char *)reader->at++->text);
    if (reader->at->kind != ',')
      break;
    reader->at++;
  }
  if (reader->at->kind == '}') {
    reader->at++;
    return sound ? g_steal_pointer(&values) : NULL;
  }
  g_autofree char *shown = reader_show(reader, reader->at);
  complain(scanner, reader_here(reader), "a list is { \"a\", \"b\" }; %s does not belong here", shown);
  reader->at = open;
  reader_skip_braces(reader);
  return NULL;
}

static void read_option(Scanner *scanner, Reader *reader, const Level *level, const cfg_opt_t *option) {
  ConfWhere where = reader_here(reader);
  gboolean is_list = (option->flags & CFGF_LIST) != 0;
  gboolean is_new = note_seen(scanner, level, g_strdup(option->name), where);
  const Token *value = reader->at + 2;
  if (reader->at[1].kind == '+') {
    complain(scanner, where, "'%s' is set by '=', with all its values in one list", option->name);
    reader_skip_statement(reader);
    return;
  }
  if (value->kind == '{' && !is_list) {
    complain(scanner, where, "'%s' takes one value, not a list", option->name);
    reader_skip_statement(reader);
    return;
  }
  if (value->kind != '{' && token_lacks_value(value)) {
    complain(scanner, where, "'%s' has no value", option->name);
    reader->at = value;
    return;
  }
  reader->at = value;
  g_autoptr(GPtrArray) values = read_values(scanner, reader, is_list);
  if (values != NULL && is_new)
    write_option(scanner->scan->text, option->name, values, is_list);
}

static void read_statements(Scanner *scanner, Reader *reader, const Level *level);

static void read_section(Scanner *scanner, Reader *reader, const Level *level, const cfg_opt_t *option) {
  ConfWhere where = reader_here(reader);
  const Token *title = reader->at[1].kind == '{' ? NULL : &reader->at[1];
  GrammarTitle wanted = grammar_title(option->name);
  if (title == NULL && wanted == TITLE_REQUIRED)
    complain(scanner, where, "'%s' needs a name: %s \"…\" { … }", option->name, option->name);
  if (title != NULL && wanted == TITLE_NONE)
    complain(scanner, where, "'%s' has no name: %s { … }", option->name, option->name);
  gboolean sound = (title == NULL || !title->broken) && (title != NULL) >= (wanted == TITLE_REQUIRED);
  if (scanner->scan->sections->len >= SECTIONS_LIMIT) {
    complain(scanner, where, "more than %d sections", SECTIONS_LIMIT);
    scanner->scan->lost = TRUE;
    while (reader->at->kind != 'e')
      reader->at++;
    return;
  }
  gboolean keyed = title != NULL && grammar_repeats(option->name);
  char *key = keyed ? g_strdup_printf("%s \"%s\"", option->name, title->text) : g_strdup(option->name);
  if (sound) {
    sound = note_seen(scanner, level, key, where);
  } else {
    scanner->scan->lost = TRUE; /* somebody may refer to it by the name that it should have */
    g_free(key);
  }
  /* A section that is not sound is read all the same, for the faults within, and then left out. */
  gsize before = scanner->scan->text->len;
  guint index = add_section(scanner, option->name, title == NULL ? NULL : title->text, where);
  g_string_append_printf(scanner->scan->text, "%s {\n%s = %u\n", option->name, GRAMMAR_PLACE, index);
  reader->at += title == NULL ? 2 : 3;
  read_statements(scanner, reader,
                  &(Level){.options = option->subopts, .index = index, .closes = TRUE, .outer = level});
  g_string_append(scanner->scan->text, "}\n");
  if (sound)
    return;
  g_string_truncate(scanner->scan->text, before);
  section_at(scanner, level->index)->damaged = TRUE;
}

static void read_file(Scanner *scanner, const SourceFile *file, const Level *level);

static void read_include(Scanner *scanner, Reader *reader, const Level *level) {
  ConfWhere where = reader_here(reader);
  const Token *name = reader->at + 2;
  if (reader->at[1].kind != '(' || !token_is_value(name) || name[1].kind != ')' || name->broken) {
    complain(scanner, where, "write include(\"file\"), or include('folder/*.conf')");
    scanner->scan->lost = TRUE;
    reader_skip_statement(reader);
    if (token_is_value(reader->at))
      reader->at++;
    return;
  }
  reader->at += 4;
  g_autoptr(GPtrArray) files = source_matching(scanner->source, reader->path, name->text);
  g_autofree char *shown = files_show_bytes(name->text, strlen(name->text), 200);
  if (files->len == 0 && strpbrk(name->text, "*?[") == NULL) {
    complain(scanner, where, "include(\"%s\"): there is no such file", shown);
    scanner->scan->lost = TRUE;
  }
  for (guint i = 0; i < files->len; i++) {
    const SourceFile *file = g_ptr_array_index(files, i);
    gboolean circular = FALSE;
    for (guint d = 0; d < scanner->depth; d++)
      circular = circular || scanner->open[d] == file;
    if (circular || scanner->depth == INCLUDE_DEPTH)
      complain(scanner, where, circular ? "%s includes itself" : "%s: included more than 10 levels deep", file->path);
    else
      read_file(scanner, file, level);
  }
}

/* A section's closing brace is missing, and what stands here belongs to one of those around it. */
static gboolean lacks_brace(const Reader *reader, const Level *level) {
  if (reader->surplus <= 0 || !level->closes || token_shape(reader->at) == SHAPE_NEITHER)
    return FALSE;
  if (grammar_find(level->options, reader->at->text) != NULL)
    return FALSE;
  for (const Level *outer = level->outer; outer != NULL; outer = outer->outer)
    if (grammar_find(outer->options, reader->at->text) != NULL)
      return TRUE;
  return FALSE;
}

static void read_statement(Scanner *scanner, Reader *reader, const Level *level) {
  const Token *name = reader->at;
  Shape shape = token_shape(name);
  if (name->kind == 'w' && strcmp(name->text, "include") == 0) {
    read_include(scanner, reader, level);
    return;
  }
  const cfg_opt_t *option = name->kind == 'w' ? grammar_find(level->options, name->text) : NULL;
  if (shape == SHAPE_OPTION && option != NULL && option->type != CFGT_SEC) {
    read_option(scanner, reader, level, option);
    return;
  }
  if (shape == SHAPE_SECTION && option != NULL && option->type == CFGT_SEC) {
    read_section(scanner, reader, level, option);
    return;
  }
  section_at(scanner, level->index)->damaged = TRUE;
  if (option != NULL && option->type == CFGT_SEC) {
    complain(scanner, reader_here(reader), "'%s' is a section: %s%s { … }", option->name, option->name,
             grammar_title(option->name) == TITLE_REQUIRED ? " \"…\"" : "");
    scanner->scan->lost = TRUE;
  } else if (option != NULL) {
    complain(scanner, reader_here(reader), "'%s' is an option: %s = …", option->name, option->name);
  } else if (shape != SHAPE_NEITHER && !name->broken) {
    section_at(scanner, level->index)->damaged = FALSE;
    tell_unknown(scanner, reader, level);
  } else if (!name->broken) {
    g_autofree char *shown = reader_show(reader, name);
    complain(scanner, reader_here(reader),
             "%s does not belong here: an option is name = value, a section is name { … }", shown);
  }
  reader_skip_statement(reader);
  if (shape == SHAPE_NEITHER)
    reader_resynchronise(reader);
}

/* Up to the brace that closes the section, or to the end of the file at the top level and in an included file. */
static void read_statements(Scanner *scanner, Reader *reader, const Level *level) {
  for (;;) {
    if (reader->at->kind == 'e') {
      if (!level->closes)
        return;
      ScanSection *section = section_at(scanner, level->index);
      g_autofree char *label = scan_section_label(section);
      if (!reader->cut_short)
        complain(scanner, section->where, "%s has no closing brace", label);
      scanner->scan->lost = section->damaged = TRUE;
      return;
    }
    if (lacks_brace(reader, level)) {
      const ScanSection *section = section_at(scanner, level->index);
      g_autofree char *label = scan_section_label(section);
      complain(scanner, reader_here(reader), "before this, the closing brace of %s (%s:%u) is missing", label,
               section->where.file, section->where.line);
      reader->surplus--;
      return;
    }
    if (reader->at->kind == '}') {
      if (level->closes) {
        reader->at++;
        return;
      }
      complain(scanner, reader_here(reader), "a closing brace without its opening one");
      scanner->scan->lost = TRUE;
      reader->at++;
      continue;
    }
    gboolean is_private = reader->at->kind == 'w' && is_private_name(reader->at->text);
    if (is_private)
      reader->private_line = reader->at->line;
    read_statement(scanner, reader, level);
    if (!is_private)
      continue;
    reader->private_line = reader->at[-1].line;
    reader->private_at = reader->at;
  }
}

static void read_file(Scanner *scanner, const SourceFile *file, const Level *level) {
  if (++scanner->files_read > READS_LIMIT) {
    scanner->scan->lost = TRUE;
    complain(scanner, (ConfWhere){.file = g_intern_string(file->path)},
             "the include lines together read more than %d files", READS_LIMIT);
    return;
  }
  if (file->problem != NULL) {
    complain(scanner, (ConfWhere){.file = g_intern_string(file->path)}, "cannot be read: %s", file->problem);
    scanner->scan->lost = TRUE;
    return;
  }
  g_autoptr(TokenList) list = token_list_new(file->path, file->text, file->length, scanner->report);
  if (list->cut_short)
    scanner->scan->lost = TRUE;
  Reader reader = {
      .path = g_intern_string(file->path), .at = &g_array_index(list->tokens, Token, 0), .cut_short = list->cut_short};
  reader.first = reader.at;
  for (guint i = 0; i < list->tokens->len; i++) {
    char kind = reader.first[i].kind;
    reader.surplus += kind == '{' ? 1 : kind == '}' ? -1 : 0;
  }
  scanner->open[scanner->depth++] = file;
  Level inner = {.options = level->options, .index = level->index, .closes = FALSE};
  read_statements(scanner, &reader, &inner);
  scanner->depth--;
}

static void section_free(gpointer data) {
  ScanSection *section = data;
  g_free(section->title);
  g_hash_table_unref(section->seen);
  g_free(section);
}

Scan *scan_new(const ConfSource *source, ConfReport *report) {
  Scan *scan = g_new0(Scan, 1);
  scan->text = g_string_new(NULL);
  scan->sections = g_ptr_array_new_with_free_func(section_free);
  Scanner scanner = {.source = source, .report = report, .scan = scan};
  const SourceFile *main_file = g_ptr_array_index(source->files, 0);
  guint root = add_section(&scanner, "", NULL, (ConfWhere){.file = g_intern_string(main_file->path), .line = 0});
  for (guint i = 0; i < source->files->len; i++) {
    const SourceFile *file = g_ptr_array_index(source->files, i);
    if (!file->included)
      read_file(&scanner, file, &(Level){.options = grammar_root(), .index = root});
  }
  return scan;
}

void scan_free(Scan *scan) {
  if (scan == NULL)
    return;
  g_string_free(scan->text, TRUE);
  g_ptr_array_free(scan->sections, TRUE);
  g_free(scan);
}
