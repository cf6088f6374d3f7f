/* The columns of a record that its answer repeats, and the tag that it begins with: both by the record's type. */
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
void echoes_clear(Echoes *echoes);
/* Tag and columns, each with a delimiter behind it. */
void echoes_put(Echoes *echoes, Rows *rows, const RecordBlock *block, guint index);
/* Of a record that could not be read: nothing but its kind, although its amount may be known. */
void echoes_put_faulty(Echoes *echoes, Rows *rows, const RecordBlock *block, guint index);
gsize echoes_width(const Echoes *echoes); /* fixed: of all columns */
