/* A request to the courier and its answer, and what becomes of a courier that does not give one. Shared by the
 * files of this folder only. */
#pragma once
#include "transfer/courier.h"
#include "transfer/courier/channel_private.h"
#include "transfer/courier/process_private.h"
#include "transfer/wire/wire.h"

struct Courier {
  CourierProcess process;
  char *name, *description;
  guint connect_timeout, io_timeout; /* seconds */
  char *address; /* FTP, HTTP: the numeric address of the first connection; further ones are dialled to it */
  guint port;    /* FTP, HTTP: the endpoint's own */
  char *password_file, *token_file; /* HTTP: read when the courier has verified the server */
  gboolean has_data_ports;          /* FTP: its data come by ports that the server chooses */
  gboolean asks_credentials;        /* and has not been given any */
  gboolean is_of_mailboxes;
  gboolean lost;
  WireBuffer buffer; /* of the last answer */
};

typedef struct Call Call;
struct Call {
  const char *doing;
  SallyportErrorCode if_lost; /* when no answer comes after the request has gone out */
  CourierProgress progress;
  gpointer user;
  guint64 limit;      /* the most bytes or entries that may be told of */
  Channel *channel;   /* of a get or post: by which its content comes; NULL: none */
  GPtrArray *entries; /* of a listing: those that are kept */
  const CourierListing *listing;
  guint64 told;         /* entries that have come */
  gboolean wants_reply; /* the answer is REPLY, not DONE */
  guint patience;       /* seconds without progress; 0: io_timeout */
  guint dials;          /* connections that it had made */
  gboolean truncated;   /* more were wanted than may be kept */
  gboolean (*gather)(Call *call, WireBytes packed);
  GPtrArray *facts; /* of a probe or survey (probe.c) */
  gboolean (*fact)(Call *call, const WireMessage *message);
};

/* Sends, and takes messages until DONE (TRUE, *answer) or FAILED. The time-out starts anew whenever the progress grows.
 */
gboolean courier_call(Courier *courier, const WireMessage *request, Call *call, WireMessage *answer,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One message out. BUG: it does not fit and nothing was sent; AGAIN: the courier is lost. */
gboolean courier_send(Courier *courier, const WireMessage *message, const char *doing,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One message within so many milliseconds; an end, a silence or nonsense loses the courier. */
gboolean courier_take(Courier *courier, int milliseconds, WireMessage *message, SallyportErrorCode if_lost,
                      const char *doing, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The error that a FAILED message tells, its text escaped and its code one that a courier may say; always FALSE. */
gboolean courier_failed(Courier *courier, const WireMessage *message, GError **error);
/* The courier asks, in the middle of a call, for one more connection (FTP's data, HTTP's next), or for the credentials
 * of a server that it has verified. FALSE: it is lost. dial.c */
gboolean courier_dial(Courier *courier, Call *call, guint64 port, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean courier_give_credentials(Courier *courier, const Call *call, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Ends the process and sets the error; always FALSE. */
gboolean courier_lose(Courier *courier, SallyportErrorCode code, const char *why, GError **error);
/* Lost, or the process has closed its end meanwhile. */
gboolean courier_has_ended(const Courier *courier);
