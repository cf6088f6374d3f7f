/* The differences of two statements as a file in a feed's layout, as its partner reads answers:
 *   H|<what was compared>
 *   D|<key>|<missing-ours|missing-theirs|surplus-ours|surplus-theirs|amount>|<our amount>|<their amount>
 *   D|<key>|<name of a column>|<our value>|<their value>                         (a side that has it not: empty)
 *   T|<differences>|<our records>|<our total>|<their records>|<their total>
 * Tags, delimiter, quoting, character set, line end and, in fixed lines, the key's width are the layout's and the
 * feed's answers'. */
#pragma once
#include "gateway/base/wide.h"
#include "gateway/records/layout.h"

typedef struct DifferenceWriter DifferenceWriter;
/* Writes to `fd` from where it stands; borrows layout and conf. `key` is a field of the layout's records. */
DifferenceWriter *difference_writer_new(const Layout *layout, const ConfFeedback *conf, const char *key, int fd,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
void difference_writer_free(DifferenceWriter *writer);
gboolean difference_writer_header(DifferenceWriter *writer, const char *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef struct {
  const char *key;
  gsize key_length;
  const char *word;
  const Wide *ours, *theirs; /* amounts; NULL: none */
  guint scale;
  const char *our_text, *their_text; /* instead, of another column; NULL: none */
} DifferenceLine;
gboolean difference_writer_line(DifferenceWriter *writer, const DifferenceLine *line,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef struct {
  guint64 differences, ours, theirs;
  Wide total_ours, total_theirs;
  guint scale;
} DifferenceTotals;
gboolean difference_writer_trailer(DifferenceWriter *writer, const DifferenceTotals *totals,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
