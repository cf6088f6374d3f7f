/* The kinds of line that a layout has, compiled: their tags and their fields; and what can be wrong with a line. */
#pragma once
#include "gateway/records/fields_private.h"

/* A part of a tag, at one of the layout's places: of a delimited line a field, of a fixed one bytes. */
typedef struct {
  guint at; /* the first field or byte is 0 */
  gsize length;
  char *text; /* delimited, in UTF-8 */
  guint8 *raw;
  gsize raw_length;
} TagPart;
#define TAG_OF_NONE G_MAXSIZE

/* Header and trailer, then the records by their types, in the order of their declaration. Behind them what is no record
 * (outer lines): addenda, remarks, and of each group its header and its trailer. */
typedef enum { SHAPE_HEADER, SHAPE_TRAILER, SHAPE_RECORD } ShapeKind;
typedef struct {
  gboolean present;
  const char *tag; /* NULL: the line has no tag */
  gsize tag_length; /* TAG_OF_NONE: no line has it */
  guint8 *raw_tag; /* as it stands in the file: in the layout's character set; fixed: with its padding */
  gsize raw_tag_length;
  guint n_parts; /* of a tag at places of its own: as many of the layout's places as it has */
  TagPart *parts;
  guint open; /* bits: 1 << ConfOpen */
  GRegex *split; /* delimited: its groups are the fields; NULL: what stands between delimiters */
  guint n_fields, n_cells; /* cells: fields and the tag */
  guint n_signed;          /* fields whose sign is another's */
  gboolean ends_plainly;   /* a record: its fields are all that it has; no sign, type, group or addendum is put */
  LayoutField *fields;
  gsize bytes;       /* fixed: of the whole line */
  gboolean has_gaps; /* fixed: behind fields of it stand blanks that are no part of them */
  gint *field_of; /* of a record: which field is the column; -1: it has none such */
} Shape;
