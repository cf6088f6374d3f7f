/* Fields cut out of lines of a fixed width: their bytes converted, their padding taken off. Inline where each field of
 * each record passes. */
#pragma once
#include "gateway/records/parse.h"

/* The converted fields of a line stand in one buffer one after the other, which must not move while they are looked at:
 * it has room for all of them, and for the one that is being asked about. */
gsize fixed_converted_room(const Layout *layout);
/* Plain ASCII is left where it stands. FAULT_CHARSET; FAULT_CUT: a character goes on behind the field;
 * FAULT_CODED; FAULT_LENGTH: the line ends within a field that is no text; FAULT_NUL, FAULT_LINE_END in a text beside
 * such fields. */
Fault fixed_to_utf8(Parse *parse, const LayoutField *field, Cell *cell);
/* Which of them, for people; before the line is left. The caller frees. */
char *fixed_reason(const Parse *parse, const LayoutField *field, Fault fault);

static inline gsize fixed_count_of(const guint8 *at, gsize length, guint8 byte) {
  gsize n = 0;
  while (n < length && at[n] == byte)
    n++;
  return n;
}

/* Eight at a time: how many there are is not guessed by a branch per byte. */
static inline void fixed_cut_right(Cell *cell, guint8 pad) {
  const guint64 pads = G_GUINT64_CONSTANT(0x0101010101010101) * pad;
  for (guint64 word; cell->length >= 8; cell->length -= 8) {
    memcpy(&word, cell->at + cell->length - 8, 8);
    word = GUINT64_FROM_LE(word) ^ pads;
    if (word) {
      cell->length -= (gsize)__builtin_clzll(word) / 8;
      return;
    }
  }
  while (cell->length > 0 && cell->at[cell->length - 1] == pad)
    cell->length--;
}

/* A field of nothing but blanks is absent, whatever its padding; so is a date of nothing but the zeros it is padded
 * with. */
static inline void fixed_cut_padding(const LayoutField *field, Cell *cell) {
  if (field->pad_right) {
    fixed_cut_right(cell, field->pad_right);
  } else if (field->pad_left) {
    gsize padding = fixed_count_of(cell->at, cell->length, field->pad_left);
    cell->at += padding;
    cell->length -= padding;
  } else if (field->format && cell->length > 0 && *cell->at == '0' &&
             fixed_count_of(cell->at, cell->length, '0') == cell->length) {
    cell->length = 0;
  }
  if (cell->length > 0 && *cell->at == ' ' && field->pad_right != ' ' &&
      fixed_count_of(cell->at, cell->length, ' ') == cell->length)
    cell->length = 0;
}

/* A field of a line of the right length, in UTF-8, without its padding. As fixed_to_utf8. */
static inline Fault fixed_cut_cell(Parse *parse, const LayoutField *field, Cell *cell) {
  *cell = (Cell){parse->line.text + field->offset, field->bytes};
  Fault fault = G_LIKELY(parse->is_plain) ? FAULT_NONE : fixed_to_utf8(parse, field, cell);
  if (!fault)
    fixed_cut_padding(field, cell);
  return fault;
}
