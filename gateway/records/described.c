/* Lines behind descriptor words, as mainframes hand over records of variable length (RECFM=V and VB) where a transfer
 * keeps them. A word has four bytes: two with the length, the highest first, and two of zeros; it counts itself (IBM
 * z/OS DFSMS Using Data Sets, "Variable-Length Record Formats"). A block has one more before its records. What GnuCOBOL
 * calls a variable sequential file has words that do not count themselves (seen with 3.1.2).
 *
 * Where a word cannot be one, nothing behind it can be found: the rest of the file is one faulty line, and the file is
 * refused. */
#include "gateway/records/cells_private.h"
#include <string.h>

enum { WORD = 4, LONGEST = 0x7fff };

/* What the word says, itself counted; 0: it is none. Segments of a record (VBS) have a mark in its third byte, and
 * large blocks the highest bit: both are none here. */
static gsize read_word(ConfDescriptor descriptor, const guint8 *at) {
  gsize n = (gsize)at[0] << 8 | at[1], own = descriptor == CONF_DESCRIPTOR_LENGTH ? WORD : 0;
  return at[2] != 0 || at[3] != 0 || n > LONGEST || n + own < WORD ? 0 : n + own;
}

static void break_off(RawLine *line, const guint8 *at, const guint8 *end, Described described) {
  line->described = described;
  line->text = at;
  line->length = (gsize)(end - at);
  line->next = line->block_end = end;
}

/* TRUE: a block begins at *at, which is moved behind its word, or none has to. */
static gboolean enter_block(const Layout *layout, const guint8 **at, const guint8 *end, RawLine *line) {
  if (layout->conf->descriptor != CONF_DESCRIPTOR_BDW)
    line->block_end = end;
  if (line->block_end && *at < line->block_end)
    return TRUE;
  gsize left = (gsize)(end - *at), n = left >= WORD ? read_word(CONF_DESCRIPTOR_BDW, *at) : 0;
  gboolean is_word = left < WORD || n >= 2 * WORD;
  if (!is_word || n == 0 || n > left) {
    break_off(line, *at, end, is_word ? DESCRIBED_CUT : DESCRIBED_BLOCK_WRONG);
    return FALSE;
  }
  line->block_end = *at + n;
  *at += WORD;
  return TRUE;
}

void lines_scan_described(const Layout *layout, const guint8 *at, const guint8 *end, RawLine *line, guint32 *positions,
                          gsize most) {
  (void)positions;
  (void)most;
  line->flags = LINE_HAS_HIGH | LINE_HAS_ODD;
  line->n_delimiters = 0;
  line->described = DESCRIBED_RIGHT;
  if (!enter_block(layout, &at, end, line))
    return;
  gsize left = (gsize)(line->block_end - at), n = left >= WORD ? read_word(layout->conf->descriptor, at) : 0;
  gboolean is_cut = layout->conf->descriptor != CONF_DESCRIPTOR_BDW && (left < WORD || n > left);
  if (n == 0 || n > left) {
    break_off(line, at, end, is_cut ? DESCRIBED_CUT : DESCRIBED_WRONG);
    return;
  }
  line->text = at + WORD;
  line->length = n - WORD;
  line->next = at + n;
}

/* --- Chunks */

/* Whether the file may be cut at line->next: not within a block, nor before an addendum. */
static gboolean may_cut(const Layout *layout, const RawLine *line, const guint8 *end) {
  RawLine next = *line;
  if (layout->conf->descriptor == CONF_DESCRIPTOR_BDW && line->next != line->block_end)
    return FALSE;
  if (layout->n_addenda == 0 || line->next == end)
    return TRUE;
  lines_scan_described(layout, line->next, end, &next, NULL, 0);
  return next.described != DESCRIBED_RIGHT ||
         !layout_is_addendum(layout, tags_kind_like(layout, next.text, next.text + next.length));
}

gsize described_next_chunk(const Layout *layout, const guint8 *text, gsize length, gsize offset, gsize wanted) {
  const guint8 *at = text + offset, *end = text + length;
  RawLine line = {0};
  for (guint lines = 1; at < end; lines++) {
    lines_scan_described(layout, at, end, &line, NULL, 0);
    at = line.next;
    gboolean is_enough = (gsize)(at - text) - offset >= wanted || lines >= LAYOUT_CHUNK_LINES;
    gboolean is_too_much = lines >= LAYOUT_CHUNK_LINES + LAYOUT_MOST_ADDENDA;
    if (is_enough && (is_too_much ? layout->conf->descriptor != CONF_DESCRIPTOR_BDW || at == line.block_end
                                  : may_cut(layout, &line, end)))
      break;
  }
  return (gsize)(at - text);
}

/* --- Telling, and writing */

char *described_reason(const Layout *layout, const RawLine *line, gboolean is_first) {
  const guint8 *at = line->text;
  gboolean counts_itself = layout->conf->descriptor != CONF_DESCRIPTOR_LENGTH;
  if (line->described == DESCRIBED_CUT)
    return g_strdup_printf("the file ends within a %s: %" G_GSIZE_FORMAT " bytes are left, fewer than it has by its "
                           "descriptor word; the file was cut off, or a word before is wrong",
                           layout->conf->descriptor == CONF_DESCRIPTOR_BDW ? "block" : "record", line->length);
  g_autofree char *shown = line->length < WORD ? g_strdup("less than four bytes")
                                               : g_strdup_printf("X'%02X%02X%02X%02X'", at[0], at[1], at[2], at[3]);
  gboolean is_segment = line->length >= WORD && at[2] > 0 && at[2] <= 3 && at[3] == 0;
  gboolean is_short = is_first && counts_itself && line->length >= WORD && at[0] == 0 && at[1] < WORD && at[2] == 0 &&
                      at[3] == 0;
  return g_strdup_printf("%s is no descriptor word of a %s: two bytes with a length%s, and two of zeros%s", shown,
                         line->described == DESCRIBED_BLOCK_WRONG ? "block" : "record",
                         counts_itself ? " that counts the word" : " that does not count the word",
                         is_segment ? "; this is a segment of a record (RECFM=VBS): send whole records"
                         : is_short ? "; if lengths do not count the word, it is descriptor = length"
                                    : "; a length before is wrong, the bytes are damaged, or 'descriptor' is another");
}

const char *described_hint(const Layout *layout, const guint8 *text, gsize length) {
  gboolean is_described = layout->conf->descriptor == CONF_DESCRIPTOR_RDW;
  gsize own = is_described ? WORD : 0, block = length >= WORD ? read_word(CONF_DESCRIPTOR_RDW, text) : 0;
  gsize n = length >= own + WORD ? read_word(CONF_DESCRIPTOR_RDW, text + own) : 0;
  if (!layout->is_stream || (!is_described && layout->conf->descriptor != CONF_DESCRIPTOR_NONE) || n <= WORD ||
      (is_described && block < n + WORD))
    return NULL;
  if (!is_described)
    return "a descriptor word seems to stand before the first record: say descriptor = rdw (or bdw, length)";
  return n > length - own
             ? NULL
             : "a second descriptor word stands before the first record, as in blocks: say descriptor = bdw";
}

gsize described_put(ConfDescriptor descriptor, gsize length, guint8 into[8]) {
  gsize n = 0, blocks = descriptor == CONF_DESCRIPTOR_BDW ? 1 : 0;
  if (length + (blocks + 1) * WORD > LONGEST)
    return 0;
  for (gsize left = blocks + 1; left > 0; left--, n += WORD) {
    gsize said = length + (descriptor == CONF_DESCRIPTOR_LENGTH ? 0 : left * WORD);
    into[n] = (guint8)(said >> 8);
    into[n + 1] = (guint8)said;
    into[n + 2] = into[n + 3] = 0;
  }
  return n;
}
