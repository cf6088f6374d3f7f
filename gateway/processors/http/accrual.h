/* What is said to an accrual interface and what it answers: bodies, keys, answers. packaging/man/sallyport-accrual.7 is
 * the other side's description. No effect here: texts in, texts out. */
#pragma once
#include "conf/conf.h"
#include "gateway/records/layout.h"
#include "store/book.h"
#include "store/block.h"

/* FILE-FIRST-LAST: the file's id and the range of its records. A range that was sent never changes. The caller frees.
 */
char *accrual_key(const char *file, const BookBatch *batch);

/* What of a record is sent, and as what. */
typedef struct {
  const StagingColumn *columns;
  guint n_sent, *sent; /* indices into columns, in order */
  guint key;           /* the record's key */
  gint key_sent;       /* its place in `sent`, -1: not sent as a column, too */
} AccrualColumns;
/* CONFIGURATION: a name that is no field of the record, or that means something else in a request ("line", "key"). */
AccrualColumns *accrual_columns_new(const Layout *layout, const ConfHttp *conf, const char *key,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void accrual_columns_free(AccrualColumns *columns);

typedef struct {
  const AccrualColumns *columns;
  gboolean is_csv;
  const char *key, *feed, *partner, *file, *business_date; /* the last two may be NULL */
  guint batch;
  const RecordBlock *block;
  guint count;        /* of its records, from the first on */
  const guint8 *skip; /* those that are not sent */
} AccrualBody;
/* The same bytes for the same batch, always: it may be asked again after a restart. Appended. */
void accrual_body_put(const AccrualBody *body, GString *into);
/* A record's key as it is sent. The caller frees. */
char *accrual_record_key(const AccrualBody *body, guint record);

typedef enum { ACCRUAL_NOT_ASKED, ACCRUAL_ACCEPTED, ACCRUAL_REJECTED, ACCRUAL_DUPLICATE } AccrualStatus;
typedef struct {
  guint count;
  guint8 *statuses;               /* AccrualStatus, one for each record of the body's block */
  const char **codes, **messages; /* of those rejected or duplicate; NULL: none given. Interned in `texts` */
  guint accepted, rejected, duplicates;
  GStringChunk *texts;
} AccrualAnswer;
/* NULL, with PARTNER, for an answer that is not believed: not what the interface promises, a record that was not asked,
 * not answered, or answered twice. Codes are cut to 32 characters, messages to 200, and both escaped: they are shown to
 * people. */
AccrualAnswer *accrual_answer_read(const AccrualBody *body, const char *text, gsize length,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void accrual_answer_free(AccrualAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AccrualAnswer, accrual_answer_free)
