/* The columns of a record that its answer repeats, and the tag that it begins with: both by the record's type; and
 * those of a group's header, which its first record has. */
#pragma once
#include "gateway/records/feedback.h"
#include "gateway/records/rows.h"

typedef struct {
  guint column;
  int spelling; /* the column that has it as it came, where that differs; -1: it was not staged */
  BlockType type;
  guint scale;
  gboolean is_joined;         /* a text that addenda go on with: in a fixed line, what fits of it */
  CellPlace place;            /* fixed: as wide as the widest field of this name */
  const LayoutField **fields; /* one per type of record; NULL: that type has no such field, or the layout no longer */
} Echo;

typedef struct {
  guint n, n_types;
  Echo *echoes;
  int type_column; /* of the staging; -1: none */
  guint type;      /* the last record's: mostly the next one's too */
  GString **tags;  /* one per type, as lines begin with it; delimited: with the delimiter */
} Echoes;

/* CONFIGURATION: a column that does not exist. Cleared by echoes_clear in every case. */
gboolean echoes_open(Echoes *echoes, const FeedbackOptions *options, Rows *rows,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The fields of a group's header, behind its tag. */
gboolean echoes_open_group(Echoes *echoes, const FeedbackOptions *options, Rows *rows, guint group,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void echoes_clear(Echoes *echoes);
int echoes_find_column(const FeedbackOptions *options, const char *name); /* of what was staged; -1: none */
/* A line's tag as it begins it, with what is behind. The caller frees. */
GString *echoes_tag_of(const Shape *shape, Rows *rows);
/* Tag and columns, each with a delimiter behind it. */
void echoes_put(Echoes *echoes, Rows *rows, const RecordBlock *block, guint index);
/* Of a record that could not be read: nothing but its kind, although its amount may be known. */
void echoes_put_faulty(Echoes *echoes, Rows *rows, const RecordBlock *block, guint index);
gsize echoes_width(const Echoes *echoes); /* fixed: of all columns */
