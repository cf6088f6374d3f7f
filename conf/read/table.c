#include "conf/read/table.h"

static gpointer member_of(const Row *row, gpointer data) {
  return (char *)data + row->offset;
}

void table_init(const Table *table, gpointer into) {
  for (const Row *row = table->rows; row->kind; row++) {
    GPtrArray **array = member_of(row, into);
    if (row->kind->store == STORE_STRUCTS)
      *array = g_ptr_array_new();
    else if (row->kind->store == STORE_STRUCT)
      table_init(row->inner, array);
  }
}

/* Of a section that may stand several times, it is its name that is missing, whatever its title. */
static void tell_missing(const Section *section, const Row *row) {
  if (!row->needed)
    return;
  if (row->kind->repeats)
    section_require_section(section, row->name, row->needed);
  else
    section_require(section, row->name, row->needed);
}

static void tell_without_meaning(const Section *section, const Row *row) {
  if (!row->only_with)
    return;
  guint value = *(const guint *)(const void *)((const char *)section->into + row->with);
  section_only_with(section, row->name, (row->with_values & 1u << value) != 0, row->only_with);
}

void table_read(const Section *section, const Table *table) {
  gboolean is_decided = TRUE;
  for (const Row *row = table->rows; row->kind; row++) {
    gpointer at = member_of(row, section->into);
    tell_missing(section, row);
    if (!is_decided || !row->kind->read)
      continue;
    tell_without_meaning(section, row);
    row->kind->read(section, row, at);
    if (row->kind->store == STORE_TEXT && !*(char **)at)
      *(char **)at = g_strdup(row->text);
    if (row->decides)
      is_decided = *(guint *)at != ROW_UNSAID;
  }
}

/* --- Sections. */

static void read_section(const Section *section, const Row *row, gpointer at) {
  Node absent;
  if (section_count(section, row->name) > 0) {
    Section inner = section_at(section, row->name, 0, at);
    table_read(&inner, row->inner);
  } else if (row->always) {
    Section inner = section_absent(section, &absent, at);
    table_read(&inner, row->inner);
  }
}

static void read_within(const Section *section, const Row *row, gpointer at) {
  (void)at;
  read_section(section, row, section->into);
}

static void read_sections(const Section *section, const Row *row, gpointer at) {
  GPtrArray *array = *(GPtrArray **)at;
  guint count = section_count(section, row->name);
  for (guint i = 0; i < count && (row->most == 0 || i < row->most); i++) {
    gpointer into = g_malloc0(row->inner->size);
    table_init(row->inner, into);
    Section inner = section_at(section, row->name, i, into);
    table_read(&inner, row->inner);
    g_ptr_array_add(array, into);
  }
}

const Kind kind_section = {.store = STORE_STRUCT, .is_section = TRUE, .read = read_section};
const Kind kind_within = {.store = STORE_SAME, .is_section = TRUE, .read = read_within};
const Kind kind_sections = {.store = STORE_STRUCTS, .is_section = TRUE, .repeats = TRUE, .read = read_sections};
const Kind kind_more_sections = {.store = STORE_NONE, .is_section = TRUE, .repeats = TRUE, .read = read_sections};

/* --- Copies. */

/* Makes what a struct's bytes point to its own. */
static void own_members(const Table *table, gpointer data) {
  for (const Row *row = table->rows; row->kind; row++) {
    gpointer at = member_of(row, data);
    if (row->kind->store == STORE_TEXT)
      *(char **)at = g_strdup(*(char **)at);
    else if (row->kind->store == STORE_LIST)
      *(char ***)at = g_strdupv(*(char ***)at);
    else if (row->kind->store == STORE_STRUCT)
      own_members(row->inner, at);
    else if (row->kind->store == STORE_SAME)
      own_members(row->inner, data);
    else if (row->kind->store == STORE_STRUCTS) {
      const GPtrArray *from = *(GPtrArray **)at;
      GPtrArray *own = g_ptr_array_new();
      for (guint i = 0; i < from->len; i++)
        g_ptr_array_add(own, table_copy(row->inner, from->pdata[i]));
      *(GPtrArray **)at = own;
    }
  }
}

gpointer table_copy(const Table *table, gconstpointer data) {
  gpointer copy = g_memdup2(data, table->size);
  own_members(table, copy);
  return copy;
}

/* --- The end of it. */

static void clear_structs(const Table *table, GPtrArray *array) {
  for (guint i = 0; i < array->len; i++) {
    table_clear(table, array->pdata[i]);
    g_free(array->pdata[i]);
  }
  g_ptr_array_free(array, TRUE);
}

void table_clear(const Table *table, gpointer data) {
  for (const Row *row = table->rows; row->kind; row++) {
    gpointer at = member_of(row, data);
    switch (row->kind->store) {
    case STORE_TEXT:
      g_free(*(char **)at);
      break;
    case STORE_LIST:
      g_strfreev(*(char ***)at);
      break;
    case STORE_STRUCT:
      table_clear(row->inner, at);
      break;
    case STORE_STRUCTS:
      clear_structs(row->inner, *(GPtrArray **)at);
      break;
    case STORE_SAME:
      table_clear(row->inner, data);
      break;
    case STORE_NONE:
    case STORE_UINT:
    case STORE_UINT64:
    case STORE_BYTE:
      break;
    }
  }
}
