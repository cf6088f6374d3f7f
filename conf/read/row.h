/* A setting is one row of a table; a section is a table of rows. Everything about a setting follows from its row: how
 * it is written and read, its default, what it needs, that it is freed, and that a lane is replaced when it changes.
 *
 * A table's rows are read from the first to the last; a CHECK row is code that looks at what the rows before it read.
 * The kinds of rows are in conf/table/kinds.h, the tables in conf/table/. */
#pragma once
#include "conf/model/where.h"

typedef struct Row Row;
typedef struct Section Section; /* section.h */

/* How a member is kept: what freeing and comparing do with it. */
typedef enum {
  STORE_NONE,   /* no setting: a place, a check */
  STORE_TEXT,   /* char * */
  STORE_LIST,   /* char ** */
  STORE_UINT,   /* guint, gboolean, an enumeration */
  STORE_UINT64,
  STORE_BYTE,
  STORE_STRUCT,  /* a struct within the struct; the row's table describes it */
  STORE_STRUCTS, /* GPtrArray of pointers to structs */
  STORE_SAME     /* a section whose settings are members of the struct around it */
} Store;

/* What a text names: who compares two configurations follows it. */
typedef enum {
  REFERS_NOTHING,
  REFERS_PARTNER,
  REFERS_SYSTEM,
  REFERS_LAYOUT,
  REFERS_CALENDAR,
  REFERS_FRONT /* to the front's URL, without a name */
} Refers;

typedef struct {
  Store store;
  Refers refers;
  gboolean is_list;    /* may be written as { "a", "b" } */
  gboolean is_section; /* name { … } */
  gboolean repeats;    /* several sections, told apart by their titles */
  /* `at` is the member. Tells what is wrong, and leaves the default there. NULL: a member that code fills. */
  void (*read)(const Section *section, const Row *row, gpointer at);
} Kind;

/* Whether people write a title behind a section's name. */
typedef enum { TITLE_NONE, TITLE_OPTIONAL, TITLE_REQUIRED } RowTitle;

typedef struct Table {
  const char *of; /* the struct */
  gsize size;
  const Row *rows;                  /* ends with a row without a kind */
  const struct Table *const *parts; /* instead of rows: tables, of which one or several apply; ends with NULL */
} Table;

#define ROW_UNSAID G_MAXUINT32 /* `otherwise` of a choice without a default: it depends on others, or must be said */

struct Row {
  const char *name;   /* as people write it; NULL: nobody does */
  const char *member; /* of the struct */
  gsize offset;
  gsize size;
  const Kind *kind;
  const char *needed;       /* it must be there: what it is for, as the message says it */
  const char *const *words; /* of a choice, in the order of its enumeration */
  gboolean decides;         /* a choice: where it is unsaid, the rows behind it are not read */
  guint except;             /* bits: words that do not stand here */
  const char *text;         /* default of a text, of whatever kind */
  guint64 otherwise;        /* default of a number, of a word (its place in the list), of yes or no */
  guint64 least;
  guint64 most;           /* of a number; of a list or of sections: how many */
  const char *only_with;  /* it has a meaning only with this, as the message says it: … */
  gsize with;             /* … when this member, a guint that was read before, … */
  guint with_values;      /* … has one of these values, as bits */
  guint fits;             /* bits that a check of the table gives a meaning */
  gconstpointer rule;     /* of the kind: a template's */
  RowTitle title;         /* of a section */
  gboolean always;        /* a section whose defaults are there also without it */
  gboolean elsewhere;     /* no lane's matter: left out of the text that is compared */
  const Table *inner;     /* of a section */
  void (*check)(const Section *section, gpointer into); /* of a CHECK row */
};

/* --- What can be written. The first row of a name counts: those of one name agree in their form. */

/* Goes through the rows that people write; begin with `at` 0 and `part` 0. NULL: no more. */
typedef struct {
  const Table *table;
  guint part;
  guint at;
} RowWalk;
const Row *grammar_next(RowWalk *walk);
/* NULL: no such option or section. */
const Row *grammar_find(const Table *table, const char *name);
/* The name in the table that is nearest to the (unknown) one; NULL: none is near. */
const char *grammar_nearest(const Table *table, const char *name);
/* The first section in which an option of that name does stand; NULL: nowhere. */
const char *grammar_home(const Table *root, const char *name);
/* Whether the two differ by few letters only, for suggestions. */
gboolean grammar_is_near(const char *a, const char *b, guint *distance);
