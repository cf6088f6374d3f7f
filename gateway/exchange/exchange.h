/* Mailboxes of a lane: the service, which alone has rights to the items' files. The front asks it over a local socket
 * of packets (gateway/common/packet_desk.h): one question, one answer, and with some a descriptor of one opened file,
 * by which the front writes a body or reads it; it never learns a path. Each connection has a thread here: a question
 * may wait for a commit, for a disk, or for an item that is still to come.
 *
 * Every question has "do", "mailbox", "source" (who asks is the source; else the consumer) and mostly "id":
 *
 *   put          a whole small body with it; size sha256 and what is declared → stored known …
 *   open         a body that is to come: size sha256, what is declared → opened, and the descriptor to write; known …
 *   resume       offset → opened, and the descriptor; offset-wrong known nothing
 *   finish       file: the body has been written as far as it came → stored receiving digest-wrong
 *   head         → item nothing
 *   list         after limit wait unacknowledged → page and its text; empty cursor-unknown
 *   get          → item, and the descriptor to read; gone nothing
 *   acknowledge  sha256 size records totals verdict code → acknowledged digest-differs gone nothing
 *   request      the item request-ID is there → stored known not-whole not-allowed
 *   request-state → request nothing
 *   take         wait → request, with its token; empty
 *   lease        token deferred; failure: token reason → request taken-by-another already-answered request-over
 *   answer       token item → stored known taken-by-another already-answered request-over not-whole
 *
 * The answer has "verdict", one of EXCHANGE_VERDICTS, and what belongs to it. */
#pragma once
#include "gateway/flow/lane_service.h"

enum { EXCHANGE_SMALL = 64 * 1024 /* bytes: a body up to this lies in the book's row */ };
#define EXCHANGE_REQUEST_PREFIX "request-" /* of the ids of items that are a request's own bytes */
#define EXCHANGE_ANSWER_PREFIX "answer-"   /* or an answer's, which wait to be made the answer */

/* X(constant, word, status of HTTP, what is told to who asked). Status 0: for the front alone. */
#define EXCHANGE_VERDICTS(X)                                                                                        \
  X(VERDICT_TROUBLE, "trouble", 503, "this cannot be done at the moment; ask again")                                \
  X(VERDICT_OPENED, "opened", 0, NULL)                                                                              \
  X(VERDICT_STORED, "stored", 201, NULL)                                                                            \
  X(VERDICT_KNOWN, "known", 200, NULL)                                                                              \
  X(VERDICT_RECEIVING, "receiving", 204, NULL)                                                                      \
  X(VERDICT_ITEM, "item", 200, NULL)                                                                                \
  X(VERDICT_PAGE, "page", 200, NULL)                                                                                \
  X(VERDICT_EMPTY, "empty", 204, NULL)                                                                              \
  X(VERDICT_ACKNOWLEDGED, "acknowledged", 200, NULL)                                                                \
  X(VERDICT_REQUEST, "request", 200, NULL)                                                                          \
  X(VERDICT_INVALID, "invalid", 400, "the question is not understood")                                              \
  X(VERDICT_DIGEST_WRONG, "digest-wrong", 400, "the bytes have another digest than was announced; none is kept")    \
  X(VERDICT_NOT_ALLOWED, "not-allowed", 403, "this end of the mailbox may not ask: the other one does")             \
  X(VERDICT_NOTHING, "nothing", 404, "there is nothing of this name for you")                                       \
  X(VERDICT_NOT_ASKED, "not-asked", 404, "no request was taken by which this item could be an answer")              \
  X(VERDICT_OFFSET_WRONG, "offset-wrong", 409, "the item goes on at the offset that Upload-Offset says")            \
  X(VERDICT_DIGEST_DIFFERS, "digest-differs", 409, "these are not the item's bytes; nothing was changed")           \
  X(VERDICT_NOT_WHOLE, "not-whole", 409, "its bytes have to be put as an item of its own first")                    \
  X(VERDICT_TAKEN_BY_ANOTHER, "taken-by-another", 409, "the token is not that of the last take")                    \
  X(VERDICT_ALREADY_ANSWERED, "already-answered", 409, "the request has another answer; this one is not kept")      \
  X(VERDICT_REQUEST_OVER, "request-over", 410, "the request has expired or failed; no answer is kept")              \
  X(VERDICT_GONE, "gone", 410, "the item was here, and is not kept any more")                                       \
  X(VERDICT_CURSOR_UNKNOWN, "cursor-unknown", 410, "no cursor of this mailbox as it is now: go on with restart")    \
  X(VERDICT_TOO_LARGE, "too-large", 413, "the item is larger than this mailbox takes")                              \
  X(VERDICT_OTHER_ITEM, "other-item", 422, "an item of this id, with other bytes, was put before")                  \
  X(VERDICT_FULL, "full", 507, "the mailbox is full: what lies in it has to be acknowledged first")                 \
  X(VERDICT_NO_SPACE, "no-space", 507, "the disk has no space for it; put it again later")
#define EXCHANGE_VERDICT(constant, word, status, text) constant,
typedef enum { EXCHANGE_VERDICTS(EXCHANGE_VERDICT) VERDICTS } ExchangeVerdict;
#undef EXCHANGE_VERDICT

typedef struct {
  const char *word;
  guint status;
  const char *text; /* NULL: it is no refusal */
} ExchangeVerdictRow;
const ExchangeVerdictRow *exchange_verdict(ExchangeVerdict verdict);
/* VERDICT_TROUBLE for a word that is none. */
ExchangeVerdict exchange_verdict_of(const char *word);

/* Bytes that an item of this id may have: an answer's limit is its own. */
guint64 exchange_limit(const ConfExchange *conf, const char *id);

extern const LaneService exchange_service;
