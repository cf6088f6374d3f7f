/* Keys that differ by blanks, width or case alone are two keys, and may be one bill: they are told. Looked for in one
 * more pass over the keys, which only a file with keys of several spellings is worth. */
#include "gateway/flow/judging/examine.h"
#include "gateway/records/keyset.h"
#include "gateway/records/normal_form.h"

enum { RECORDS_AT_A_TIME = 4096 };

typedef struct {
  const ExamineOptions *options;
  StagingReader *reader;
  RecordBlock *block; /* of one record, while candidates are compared */
  KeyFacts *facts;
} Alike;

static const ConfField *key_field(const ExamineOptions *options) {
  const GPtrArray *fields = layout_conf(options->layout)->record.fields;
  return options->columns->key < fields->len ? fields->pdata[options->columns->key] : NULL;
}

static gboolean is_worth_it(const ExamineOptions *options, const KeyFacts *facts) {
  const ConfField *field = key_field(options);
  gboolean is_mixed = (facts->spelled & KEY_HAS_UPPER) && (facts->spelled & KEY_HAS_LOWER);
  return field && field->type == CONF_TEXT && !(field->normal_form & 1u << CONF_NORMAL_NONE) &&
         (is_mixed || (facts->spelled & KEY_IS_ODD));
}

static gboolean add_all(Alike *alike, KeyAdder *adder, GError **error) {
  guint column = alike->options->columns->key;
  g_autoptr(RecordBlock) block = staging_block_new(alike->reader, RECORDS_AT_A_TIME);
  g_autoptr(GByteArray) folded = g_byte_array_new();
  for (guint64 first = 1, records = staging_count(alike->reader); first <= records; first += RECORDS_AT_A_TIME) {
    if (!staging_read(alike->reader, first, RECORDS_AT_A_TIME, block, error))
      return FALSE;
    for (guint i = 0; i < block->count; i++) {
      gsize length;
      const char *key = record_block_text(block, column, i, &length);
      g_byte_array_set_size(folded, (guint)length + 1);
      gsize n = normal_form_make(NORMAL_FORM_ALL, key, length, (char *)folded->data);
      if (length > 0 && !key_adder_add(adder, folded->data, n, first + i, error))
        return FALSE;
    }
  }
  return TRUE;
}

typedef struct {
  GBytes *key;
  guint64 line;
} First;

static void first_free(gpointer data) {
  First *first = data;
  g_bytes_unref(first->key);
  g_free(first);
}

/* Records of one hash: folded keys lead to the first record that has them. */
static gboolean compare(gpointer user, const guint64 *records, gsize n, GError **error) {
  Alike *alike = user;
  KeyFacts *facts = alike->facts;
  g_autoptr(GHashTable) firsts = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                                       first_free);
  for (gsize i = 0; i < n; i++) {
    if (!staging_read(alike->reader, records[i], 1, alike->block, error))
      return FALSE;
    gsize length;
    const char *text = record_block_text(alike->block, alike->options->columns->key, 0, &length);
    g_autoptr(GBytes) key = g_bytes_new(text, length);
    char *made = g_malloc(length + 1);
    g_autoptr(GBytes) folded = g_bytes_new_take(made, normal_form_make(NORMAL_FORM_ALL, text, length, made));
    const First *first = g_hash_table_lookup(firsts, folded);
    if (!first) {
      First *added = g_new(First, 1);
      *added = (First){g_bytes_ref(key), alike->block->lines[0]};
      g_hash_table_insert(firsts, g_bytes_ref(folded), added);
    } else if (!g_bytes_equal(first->key, key) && facts->alike++ == 0) {
      facts->alike_lines[0] = first->line;
      facts->alike_lines[1] = alike->block->lines[0];
    }
  }
  return TRUE;
}

gboolean examine_alike(const ExamineOptions *options, KeyFacts *facts, GError **error) {
  if (!is_worth_it(options, facts)) {
    facts->spelled = 0;
    return TRUE;
  }
  g_autoptr(StagingReader) reader = staging_reader_open(options->staging, error);
  if (!reader)
    return FALSE;
  g_autoptr(RecordBlock) block = staging_block_new(reader, 1);
  g_autoptr(KeySet) set = keyset_new(options->scratch);
  Alike alike = {options, reader, block, facts};
  KeyAdder *adder = key_adder_new(set);
  gboolean ok = add_all(&alike, adder, error);
  return key_adder_finish(adder, ok ? error : NULL) && ok && keyset_visit(set, compare, &alike, error);
}

char *key_facts_warning(const KeyFacts *facts) {
  if (facts->alike > 0)
    return g_strdup_printf("%" G_GUINT64_FORMAT " keys differ from another one of this file by blanks, width or case "
                           "alone, first in lines %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT
                           ": they count as different keys (the key's normal-form says otherwise)",
                           facts->alike, facts->alike_lines[0], facts->alike_lines[1]);
  return facts->spelled & KEY_IS_ODD
             ? g_strdup("keys have blanks outside or full-width characters, which make them other keys than those "
                        "without (the key's normal-form says otherwise)")
             : NULL;
}
