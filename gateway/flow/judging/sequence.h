/* File sequence numbers: where a name has its number, and what a number is worth after those that were used before it.
 * Pure functions; the book keeps the numbers (store/book_watch.h), gateway/flow/judging/order.h acts. */
#pragma once
#include "conf/conf.h"
#include "gateway/time/calendar.h"
#include "store/book_watch.h"

/* What a name says by its template 'POINTS_{date}_{sequence}.dat.pgp': {sequence} is 1 to 18 digits, {sequence:6} six
 * of them, {date} a date as 20261120, {time} six digits, * any bytes, ? one; everything else stands for itself. FALSE:
 * the name is not like that. */
typedef struct {
  guint64 number;
  gboolean has_date;
  Day date;
} SequenceName;
gboolean sequence_match(const char *template, const void *name, gsize length,
                        SequenceName *found) G_GNUC_WARN_UNUSED_RESULT;
/* A field's text as a number. */
gboolean sequence_parse(const char *text, guint64 *number) G_GNUC_WARN_UNUSED_RESULT;

/* The period in which a number counts: "" when they are never reset, else "2026-11-20", "2026-11", "2026" of the
 * business date. */
char *sequence_period(const ConfSequence *conf, const char *business_date);

/* A number's position in its period, from 0: counted over all wraps, so that the number behind `most` is the next one.
 * Of the places a number may stand at it is the nearest to the next one. -1: no number of this sequence (below first,
 * or beyond most). */
gint64 sequence_position(const ConfSequence *conf, guint64 number, const BookSequence *known);
guint64 sequence_number(const ConfSequence *conf, gint64 position); /* and back */

typedef enum { SEQUENCE_NEXT, SEQUENCE_REUSED, SEQUENCE_GAP, SEQUENCE_LATE, SEQUENCE_NONE } SequenceVerdict;
const char *sequence_verdict_word(SequenceVerdict verdict); /* "next", "reused", "gap", "late", "none" */
/* late: lower than one that was used, and not used itself. The first number ever, where numbers are never reset, is the
 * next one whatever it is: a gateway may be put in the middle of a sequence. A period that is reset begins with
 * `first`. */
SequenceVerdict sequence_judge(const ConfSequence *conf, gint64 position, const BookSequence *known, gboolean used);
/* Where a period begins: what is before it was never missed. */
gint64 sequence_from(const ConfSequence *conf, gint64 position);
/* What the feed wants to be done. A number that is none is held. */
ConfSequencePolicy sequence_policy(const ConfSequence *conf, SequenceVerdict verdict);
