/* Rows of a query as lines of a layout: the way back of the parser, for files that are made here, then taken like
 * anybody's. Delimited lines only, with a header and a trailer, whose fields are, in this order: a count or a sum of
 * the records; a column of the query, which has one value in all rows of the file; the file's number, where a field is
 * called `sequence`. A column goes into the field of its name, whatever its case. Dates and time stamps come as
 * databases print them and go in the layout's format; numbers are never rounded. Nothing is cut, quoted where nothing
 * may be, or left out: a value that the layout cannot express is an error that names row and column. */
#pragma once
#include "gateway/records/layout.h"

/* CONFIGURATION: this layout's lines cannot be written by rows alone. */
gboolean layout_write_check(const Layout *layout, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct LayoutWriter LayoutWriter;
/* CONFIGURATION: a field that must be there is no column. The layout and the columns are borrowed. */
LayoutWriter *layout_writer_new(const Layout *layout, const StagingColumn *columns, guint n_columns,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
void layout_writer_free(LayoutWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LayoutWriter, layout_writer_free)
/* Each appends to the descriptor. Records first; then the lines around them are known. */
gboolean layout_writer_records(LayoutWriter *writer, const RecordBlock *block, int fd,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean layout_writer_header(LayoutWriter *writer, guint64 sequence, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean layout_writer_trailer(LayoutWriter *writer, guint64 sequence, int fd,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
guint64 layout_writer_count(const LayoutWriter *writer); /* records so far */
