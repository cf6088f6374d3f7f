#include "conf/read/tree.h"
#include "conf/read/reader.h"
#include "conf/read/source.h"
#include "gateway/base/files.h"
#include <string.h>

#define SECTIONS_LIMIT 20000 /* far above any real configuration; bounds the work on a hostile one */
#define ERRORS_LIMIT 200     /* of form; more of them help nobody */
#define INCLUDE_DEPTH 10
#define READS_LIMIT 5000 /* a file may be included several times, but not without end */

typedef struct {
  const ConfSource *source;
  ConfReport *report;
  Tree *tree;
  const Table *root;
  guint told;
  guint depth;
  guint files_read;
  const SourceFile *open[INCLUDE_DEPTH]; /* the file that is read and those that include it */
} Scanner;

typedef struct TreeLevel {
  const Table *table;
  Node *node;
  gboolean closes;           /* by a brace, and not by the end of the file */
  const struct TreeLevel *outer; /* in this file */
} TreeLevel;

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

char *node_label(const Node *node) {
  if (*node->name == '\0')
    return g_strdup("the top level");
  if (!node->title)
    return g_strdup(node->name);
  g_autofree char *shown = files_show_bytes(node->title, strlen(node->title), 64);
  return g_strdup_printf("%s \"%s\"", node->name, shown);
}

static void free_values(gpointer values) {
  g_strfreev(values);
}

static void free_array(gpointer array) {
  g_ptr_array_unref(array);
}

static Node *add_node(Scanner *scanner, const char *name, const char *title, ConfWhere where) {
  Node *node = g_new0(Node, 1);
  *node = (Node){.name = name, .title = g_strdup(title), .where = where};
  node->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  node->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_values);
  node->inner = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_array);
  g_ptr_array_add(scanner->tree->nodes, node);
  return node;
}

static void put_inner(Node *outer, const char *name, Node *inner) {
  GPtrArray *array = g_hash_table_lookup(outer->inner, name);
  if (!array) {
    array = g_ptr_array_new();
    g_hash_table_insert(outer->inner, (char *)name, array);
  }
  g_ptr_array_add(array, inner);
}

static gboolean is_private_name(const char *name) {
  g_autofree char *lower = g_ascii_strdown(name, -1);
  return strstr(lower, "pass") || strstr(lower, "secret") || strstr(lower, "pwd") || strstr(lower, "token");
}

/* --- Statements. */

/* FALSE, and told, when the same stood there before. */
static gboolean note_seen(Scanner *scanner, const TreeLevel *level, char *key, ConfWhere where) {
  const ConfWhere *first = g_hash_table_lookup(level->node->seen, key);
  if (first) {
    g_autofree char *label = node_label(level->node);
    g_autofree char *bytes = files_show_bytes(key, strlen(key), 100);
    g_autofree char *shown = !strchr(key, '"') ? g_strdup_printf("'%s'", bytes) : g_strdup(bytes);
    complain(scanner, where, "%s stands twice in %s (first at %s:%u)", shown, label, first->file, first->line);
    g_free(key);
    return FALSE;
  }
  ConfWhere *kept = g_new(ConfWhere, 1);
  *kept = where;
  g_hash_table_insert(level->node->seen, key, kept);
  return TRUE;
}

static void tell_unknown(Scanner *scanner, const Reader *reader, const TreeLevel *level) {
  if (token_shape(reader->at) == SHAPE_SECTION)
    scanner->tree->lost = TRUE;
  if (scanner->told > ERRORS_LIMIT)
    return; /* nobody sees it; the search below has its price */
  const char *name = reader->at->text;
  g_autofree char *label = node_label(level->node);
  g_autofree char *shown = reader_show(reader, reader->at);
  const char *nearest = grammar_nearest(level->table, name);
  const char *home = grammar_home(scanner->root, name);
  if (home) {
    complain(scanner, reader_here(reader), "%s does not stand in %s but in %s", shown, label, home);
  } else if (nearest) {
    complain(scanner, reader_here(reader), "%s is not known in %s; did you mean '%s'?", shown, label, nearest);
    if (!g_hash_table_lookup(level->node->seen, nearest)) { /* so that it is not told as missing, too */
      ConfWhere *where = g_new(ConfWhere, 1);
      *where = reader_here(reader);
      g_hash_table_insert(level->node->seen, g_strdup(nearest), where);
    }
  } else if (is_private_name(name)) {
    complain(scanner, reader_here(reader),
             "%s is not known in %s: secrets stand in files of their own (password-file, passphrase-file)", shown,
             label);
  } else {
    complain(scanner, reader_here(reader), "%s is not known in %s", shown, label);
  }
}

/* Gives the values behind '=', or NULL when something is wrong with them, which is told. */
static char **read_values(Scanner *scanner, Reader *reader, gboolean is_list) {
  g_autoptr(GStrvBuilder) values = g_strv_builder_new();
  gboolean sound = TRUE;
  if (!is_list || reader->at->kind != '{') {
    sound = !reader->at->broken;
    g_strv_builder_add(values, reader->at++->text);
    return sound ? g_strv_builder_end(values) : NULL;
  }
  const Token *open = reader->at++;
  while (token_is_value(reader->at)) {
    sound = sound && !reader->at->broken;
    g_strv_builder_add(values, reader->at++->text);
    if (reader->at->kind != ',')
      break;
    reader->at++;
  }
  if (reader->at->kind == '}') {
    reader->at++;
    return sound ? g_strv_builder_end(values) : NULL;
  }
  g_autofree char *shown = reader_show(reader, reader->at);
  complain(scanner, reader_here(reader), "a list is { \"a\", \"b\" }; %s does not belong here", shown);
  reader->at = open;
  reader_skip_braces(reader);
  return NULL;
}

static void read_option(Scanner *scanner, Reader *reader, const TreeLevel *level, const Row *row) {
  ConfWhere where = reader_here(reader);
  gboolean is_new = note_seen(scanner, level, g_strdup(row->name), where);
  const Token *value = reader->at + 2;
  if (reader->at[1].kind == '+') {
    complain(scanner, where, "'%s' is set by '=', with all its values in one list", row->name);
    reader_skip_statement(reader);
    return;
  }
  if (value->kind == '{' && !row->kind->is_list) {
    complain(scanner, where, "'%s' takes one value, not a list", row->name);
    reader_skip_statement(reader);
    return;
  }
  if (value->kind != '{' && token_lacks_value(value)) {
    complain(scanner, where, "'%s' has no value", row->name);
    reader->at = value;
    return;
  }
  reader->at = value;
  g_auto(GStrv) values = read_values(scanner, reader, row->kind->is_list);
  if (values && is_new)
    g_hash_table_insert(level->node->values, (char *)row->name, g_steal_pointer(&values));
}

static void read_statements(Scanner *scanner, Reader *reader, const TreeLevel *level);

static void read_section(Scanner *scanner, Reader *reader, const TreeLevel *level, const Row *row) {
  ConfWhere where = reader_here(reader);
  const Token *title = reader->at[1].kind == '{' ? NULL : &reader->at[1];
  RowTitle wanted = row->title;
  if (!title && wanted == TITLE_REQUIRED)
    complain(scanner, where, "'%s' needs a name: %s \"…\" { … }", row->name, row->name);
  if (title && wanted == TITLE_NONE)
    complain(scanner, where, "'%s' has no name: %s { … }", row->name, row->name);
  gboolean sound = title ? !title->broken : wanted != TITLE_REQUIRED;
  if (scanner->tree->nodes->len >= SECTIONS_LIMIT) {
    complain(scanner, where, "more than %d sections", SECTIONS_LIMIT);
    scanner->tree->lost = TRUE;
    while (reader->at->kind != 'e')
      reader->at++;
    return;
  }
  gboolean keyed = title && row->kind->repeats;
  char *key = keyed ? g_strdup_printf("%s \"%s\"", row->name, title->text) : g_strdup(row->name);
  if (sound) {
    sound = note_seen(scanner, level, key, where);
  } else {
    scanner->tree->lost = TRUE; /* somebody may refer to it by the name that it should have */
    g_free(key);
  }
  /* A section that is not sound is read all the same, for the faults within, and then left out. */
  Node *inner = add_node(scanner, row->name, title ? title->text : NULL, where);
  reader->at += title ? 3 : 2;
  read_statements(scanner, reader, &(TreeLevel){.table = row->inner, .node = inner, .closes = TRUE, .outer = level});
  if (sound)
    put_inner(level->node, row->name, inner);
  else
    level->node->damaged = TRUE;
}

static void read_file(Scanner *scanner, const SourceFile *file, const TreeLevel *level);

static void read_include(Scanner *scanner, Reader *reader, const TreeLevel *level) {
  ConfWhere where = reader_here(reader);
  const Token *name = reader->at + 2;
  if (reader->at[1].kind != '(' || !token_is_value(name) || name[1].kind != ')' || name->broken) {
    complain(scanner, where, "write include(\"file\"), or include('folder/*.conf')");
    scanner->tree->lost = TRUE;
    reader_skip_statement(reader);
    if (token_is_value(reader->at))
      reader->at++;
    return;
  }
  reader->at += 4;
  g_autoptr(GPtrArray) files = source_matching(scanner->source, reader->path, name->text);
  g_autofree char *shown = files_show_bytes(name->text, strlen(name->text), 200);
  if (files->len == 0 && !strpbrk(name->text, "*?[")) {
    complain(scanner, where, "include(\"%s\"): there is no such file", shown);
    scanner->tree->lost = TRUE;
  }
  for (guint i = 0; i < files->len; i++) {
    const SourceFile *file = files->pdata[i];
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
static gboolean lacks_brace(const Reader *reader, const TreeLevel *level) {
  if (reader->surplus <= 0 || !level->closes || token_shape(reader->at) == SHAPE_NEITHER)
    return FALSE;
  if (grammar_find(level->table, reader->at->text))
    return FALSE;
  for (const TreeLevel *outer = level->outer; outer; outer = outer->outer)
    if (grammar_find(outer->table, reader->at->text))
      return TRUE;
  return FALSE;
}

static void read_statement(Scanner *scanner, Reader *reader, const TreeLevel *level) {
  const Token *name = reader->at;
  TokenShape shape = token_shape(name);
  if (name->kind == 'w' && strcmp(name->text, "include") == 0) {
    read_include(scanner, reader, level);
    return;
  }
  const Row *row = name->kind == 'w' ? grammar_find(level->table, name->text) : NULL;
  if (shape == SHAPE_OPTION && row && !row->kind->is_section) {
    read_option(scanner, reader, level, row);
    return;
  }
  if (shape == SHAPE_SECTION && row && row->kind->is_section) {
    read_section(scanner, reader, level, row);
    return;
  }
  level->node->damaged = TRUE;
  if (row && row->kind->is_section) {
    complain(scanner, reader_here(reader), "'%s' is a section: %s%s { … }", row->name, row->name,
             row->title == TITLE_REQUIRED ? " \"…\"" : "");
    scanner->tree->lost = TRUE;
  } else if (row) {
    complain(scanner, reader_here(reader), "'%s' is an option: %s = …", row->name, row->name);
  } else if (shape != SHAPE_NEITHER && !name->broken) {
    level->node->damaged = FALSE;
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
static void read_statements(Scanner *scanner, Reader *reader, const TreeLevel *level) {
  for (;;) {
    if (reader->at->kind == 'e') {
      if (!level->closes)
        return;
      g_autofree char *label = node_label(level->node);
      if (!reader->cut_short)
        complain(scanner, level->node->where, "%s has no closing brace", label);
      scanner->tree->lost = TRUE;
      level->node->damaged = TRUE;
      return;
    }
    if (lacks_brace(reader, level)) {
      g_autofree char *label = node_label(level->node);
      complain(scanner, reader_here(reader), "before this, the closing brace of %s (%s:%u) is missing", label,
               level->node->where.file, level->node->where.line);
      reader->surplus--;
      return;
    }
    if (reader->at->kind == '}') {
      if (level->closes) {
        reader->at++;
        return;
      }
      complain(scanner, reader_here(reader), "a closing brace without its opening one");
      scanner->tree->lost = TRUE;
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

static void read_file(Scanner *scanner, const SourceFile *file, const TreeLevel *level) {
  if (++scanner->files_read > READS_LIMIT) {
    scanner->tree->lost = TRUE;
    complain(scanner, (ConfWhere){.file = g_intern_string(file->path)},
             "the include lines together read more than %d files", READS_LIMIT);
    return;
  }
  if (file->problem) {
    complain(scanner, (ConfWhere){.file = g_intern_string(file->path)}, "cannot be read: %s", file->problem);
    scanner->tree->lost = TRUE;
    return;
  }
  g_autoptr(TokenList) list = token_list_new(file->path, file->text, file->length, scanner->report);
  if (list->cut_short)
    scanner->tree->lost = TRUE;
  Reader reader = {
      .path = g_intern_string(file->path), .at = &g_array_index(list->tokens, Token, 0), .cut_short = list->cut_short};
  reader.first = reader.at;
  for (guint i = 0; i < list->tokens->len; i++) {
    char kind = reader.first[i].kind;
    reader.surplus += kind == '{' ? 1 : kind == '}' ? -1 : 0;
  }
  scanner->open[scanner->depth++] = file;
  TreeLevel inner = {.table = level->table, .node = level->node, .closes = FALSE};
  read_statements(scanner, &reader, &inner);
  scanner->depth--;
}

static void free_node(gpointer data) {
  Node *node = data;
  g_free(node->title);
  g_hash_table_unref(node->seen);
  g_hash_table_unref(node->values);
  g_hash_table_unref(node->inner);
  g_free(node);
}

Tree *tree_new(const ConfSource *source, const Table *root, ConfReport *report) {
  Tree *tree = g_new0(Tree, 1);
  tree->nodes = g_ptr_array_new_with_free_func(free_node);
  Scanner scanner = {.source = source, .report = report, .tree = tree, .root = root};
  const SourceFile *main_file = source->files->pdata[0];
  TreeLevel level = {.table = root};
  level.node = add_node(&scanner, "", NULL, (ConfWhere){.file = g_intern_string(main_file->path), .line = 0});
  for (guint i = 0; i < source->files->len; i++) {
    const SourceFile *file = source->files->pdata[i];
    if (!file->included)
      read_file(&scanner, file, &level);
  }
  return tree;
}

void tree_free(Tree *tree) {
  if (!tree)
    return;
  g_ptr_array_free(tree->nodes, TRUE);
  g_free(tree);
}
