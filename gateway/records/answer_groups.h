/* What is counted of an answer's records, as a whole and by group, and the lines of groups in it: before a group's
 * first record its header's line, its fields repeated, and behind its last record a line like the file's trailer. A
 * group without a trailer has a header's line alone, and one without records none: it has nothing to be answered. */
#pragma once
#include "gateway/records/echoes.h"

typedef struct {
  guint64 counts[3]; /* by Outcome */
  gint64 amount;     /* of the accepted */
} LineTally;
guint64 line_tally_records(const LineTally *tally);

typedef struct {
  gboolean present; /* else the place of sums is empty */
  guint scale;
  ConfField field; /* fixed: how it is written */
} AnswerAmount;

/* Records, accepted, rejected, duplicates and the accepted amount; ends the line. */
void answer_put_totals(Rows *rows, const AnswerAmount *amount, const LineTally *tally);
/* Bytes of that in a fixed line. */
gsize answer_totals_width(void);

typedef struct {
  gint column;  /* of the line in which the group begins */
  gint64 line;  /* that it began in; 0: it is not open */
  Echoes header;
  GString *end; /* the tag of its trailer, with what is behind it; NULL: it has none */
  LineTally tally;
} AnswerGroup;
typedef struct {
  guint n;
  AnswerGroup *groups;
} AnswerGroups;

/* None where they are not asked for, or nothing was staged. Cleared by answer_groups_clear in every case. */
gboolean answer_groups_open(AnswerGroups *groups, const FeedbackOptions *options, Rows *rows,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void answer_groups_clear(AnswerGroups *groups);
gsize answer_groups_width(const AnswerGroups *groups); /* fixed: of the longest line */
/* Ends the groups that this record is not in, and begins those that it is the first of. */
void answer_groups_turn(AnswerGroups *groups, Rows *rows, const AnswerAmount *amount, const RecordBlock *block,
                        guint index);
/* FALSE: the sum of a group is beyond 64 bits. */
gboolean answer_groups_count(AnswerGroups *groups, Outcome outcome, gint64 amount);
/* Ends all that are open, from the innermost out. */
void answer_groups_end(AnswerGroups *groups, Rows *rows, const AnswerAmount *amount, guint first);
