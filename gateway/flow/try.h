/* `sallyport try FEED LOCALFILE`: what would become of this file, without doing it. The same code as the lane's steps,
 * on a local file, with nothing written but an unnamed plaintext and a staging file that are gone on return. */
#pragma once
#include "gateway/flow/judging/examine.h"
#include "gateway/flow/judging/order.h"
#include "gateway/flow/processor.h"
#include "gateway/envelope/unwrap.h"

typedef struct {
  Unwrapped opened; /* the verdict, without its plaintext; when it is not trusted, nothing else is filled in */
  guint64 cipher_size;
  char *header, *business_date; /* JSON; NULL */
  Examination found;            /* code != NULL: the file would be refused */
  GPtrArray *refused;           /* RecordException*: the first 20 records that would not be accepted */
  char *warning;                /* about its keys; NULL: none */
  OrderForeseen order;          /* its sequence number */
  ProcessorVerdict verdict;     /* its processor's, of a file whose records are good */
  gboolean is_empty;            /* of no byte, and the feed takes none such */
} FlowTryReport;
void flow_try_report_clear(FlowTryReport *report);

typedef struct {
  const Conf *conf;
  const ConfFeed *feed;
  const Processor *processor;
  const char *path;
  gboolean is_plain; /* a sample as it lies: neither envelope nor packing is looked for, and gpg is not asked */
  /* Called instead of the processor's foresee; NULL: that one. */
  gboolean (*take)(gpointer user, const ProcessorStaged *staged, ProcessorVerdict *verdict, GError **error);
  gpointer user;
} FlowTryOptions;
/* What report->opened.trust says of a plain sample. */
#define FLOW_TRY_PLAIN "not-looked-at"

/* Its trust, records, sequence number and processor have nothing against it. */
gboolean flow_try_accepts(const FlowTryReport *report);
/* What is against it: the code, static or the report's, and why. NULL: nothing. */
const char *flow_try_code(const FlowTryReport *report, const char **reason);

/* A detached signature is looked for beside the file, by the feed's template. Reads the ledger of the feed's lane when
 * it exists, and asks gpg as the lane would. */
gboolean flow_try(const FlowTryOptions *options, FlowTryReport *report, GError **error) G_GNUC_WARN_UNUSED_RESULT;
