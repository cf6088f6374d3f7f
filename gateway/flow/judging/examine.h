/* Examining a staged file: which of its records are accepted, refused or duplicates, and in which batches they will be
 * posted. No effect but its result: validation commits it, `sallyport try` only shows it. */
#pragma once
#include "conf/conf.h"
#include "gateway/records/exceptions.h"
#include "gateway/records/layout.h"
#include "store/ledger.h"
#include "store/rules.h"

/* Which records of the block have keys that were posted before: ledger_check_keys, or its like for `try`. Any thread.
 */
typedef gboolean (*ExamineKeys)(gpointer user, const RecordBlock *block, const guint8 *skip, guint8 *verdicts,
                                GError **error);

/* An account's balance now; 0 for one that has none. */
typedef gboolean (*ExamineBalance)(gpointer user, const char *account, gint64 *balance, GError **error);

typedef struct {
  const char *staging; /* path, complete */
  const char *scratch; /* folder for unnamed files */
  const Layout *layout;
  const ConfFeed *conf;
  const Rule *rules;
  guint n_rules;
  /* NULL: the feed keeps no ledger, so that its records have no key, account or amount, and are not told apart */
  const LedgerColumns *columns;
  gboolean cuts_when_sent; /* processor.h */
  const char *of_repeated; /* the same */
  guint threads;
  ExamineKeys check_keys;
  ExamineBalance balance;
  gpointer user;
} ExamineOptions;

/* A key or account as bytes: text as it is, integers in decimal, as the ledger keeps them. */
enum { EXAMINE_NUMBER = 32 };
const char *examine_text_at(const RecordBlock *block, guint column, guint record, char buffer[EXAMINE_NUMBER],
                            gsize *length);

/* Key, account and amount of a record that is not accepted, into its exception; the texts lie in the two strings. */
void examine_keep_values(const RecordBlock *block, const LedgerColumns *columns, guint record, GString *key,
                         GString *account, RecordException *exception);

/* Keys within the file. */
typedef struct {
  guint64 record, first, first_line;
  gboolean contradicts; /* another account or amount than the first with this key */
} RepeatedKey;
typedef struct {
  GBytes *least, *greatest; /* NULL: no record has a key */
  GArray *repeated;         /* RepeatedKey, ascending by record: every one but the first with its key */
  gint64 moved;             /* all amounts without their signs; G_MAXINT64: so much or more */
  gboolean too_many;        /* more than a million: the file is refused as a whole */
  guint spelled;            /* bits of KeySpelling: how the file's keys are written */
  guint64 alike;            /* keys that differ from an earlier one by blanks, width or case alone */
  guint64 alike_lines[2];   /* the first such pair */
} KeyFacts;
typedef enum { KEY_HAS_UPPER = 1, KEY_HAS_LOWER = 2, KEY_IS_ODD = 4 } KeySpelling; /* odd: blanks outside, full width */
void key_facts_clear(KeyFacts *facts);
/* What a person should know about the keys: NULL, or a sentence; the caller frees. */
char *key_facts_warning(const KeyFacts *facts);
/* examine_alike.c: fills `alike`, in one more pass, where the keys' spellings make it possible. A text key for which
 * the layout says `none` is not looked at. */
gboolean examine_alike(const ExamineOptions *options, KeyFacts *facts, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean examine_keys(const ExamineOptions *options, KeyFacts *facts, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  char *code, *reason; /* the file as a whole is refused; NULL: it is accepted */
  /* BookBatch*: at most x records each; also of a refused file, for what is wrong with its records */
  GPtrArray *batches;
  /* as if on-reject = record; a refused file's caller counts all as rejected */
  guint64 records, accepted, rejected, duplicates;
  /* records that were posted before: duplicates, or rejected where the feed's repeats say so */
  guint64 seen_before;
  gint64 amount, amount_accepted, amount_rejected, amount_duplicate;
} Examination;
void examination_clear(Examination *examination);
/* Memory: a block and a rule set per thread, and some bytes per record that is not accepted. */
gboolean examine_records(const ExamineOptions *options, const KeyFacts *keys, Examination *examination,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Refuses accepted records that would take their account's balance out of 64 bits, and the file where on-reject is
 * `file`: for a file that the ledger has no room for (ledger_promise), while no other file is posted. Does nothing when
 * the file is refused already. */
gboolean examine_balances(const ExamineOptions *options, Examination *examination,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Why a file as a whole is refused: at least one record is (examination->rejected of them), the first as told; or a sum
 * of amounts leaves 64 bits. */
void examine_refuse_file(Examination *examination, const char *first_refusal);
void examine_refuse_overflow(Examination *examination);

/* The number of batches for a file of `records`, at most x records each: 2,499 → 1, 2,500 → 1, 2,501 → 2 at x = 2,500.
 */
guint64 examine_batch_count(guint64 records, guint x);
