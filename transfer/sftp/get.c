/* A pipelined get. It ends where the server says that the file ends, not at a size that it told: one READ is always
 * sent for what lies behind that size. (A size told too small would cut the file in silence.) What came is then
 * compared with the sizes told at opening and at the end.
 *
 * The first flight after OPEN asks for everything that a small file needs: FSTAT, its READs and the one behind its end,
 * as far as a look at the path has told the size, and FSTAT again, so that it costs two round trips. A larger file goes
 * on with as many READs in flight as the line holds.
 *
 * Invariant: the descriptor is written in order, without gaps: whatever ends the transfer, its size is where to resume.
 * Answers that overtake each other are held until the ones before them are there (at most the window's bytes). */
#include "transfer/sftp/sftp_private.h"
#include <string.h>

#define PIECES 512u /* SFTP_WINDOW_MOST in reads of 32 KiB, which every server takes */

typedef struct {
  guint32 id, length; /* of the READ; the bytes still missing */
  guint64 offset;
  gboolean answered, at_end;
  guint8 *held;
  guint32 held_length; /* data that came before its turn */
} Piece;

typedef struct {
  Sftp *sftp;
  const DriverTransfer *get;
  SftpHandle handle;
  Piece pieces[PIECES];
  guint head, count;
  gsize in_flight;
  guint64 asked, written; /* up to here: asked for; in the descriptor */
  guint64 size, end_size; /* as the server says, at opening and at the end */
  gboolean size_known, end_known, ended, abandoned;
  guint32 first_stat, last_stat; /* ids; 0: not outstanding */
  gint64 since;
} Get;

static Piece *piece_at(Get *get, guint index) {
  return &get->pieces[(get->head + index) % PIECES];
}

static void ask(Get *get, Piece *piece) {
  SftpRequest request = sftp_request(get->sftp, SFTP_READ);
  sftp_put_bytes(get->sftp->out, get->handle.bytes, get->handle.length);
  sftp_put_long(get->sftp->out, piece->offset);
  sftp_put_number(get->sftp->out, piece->length);
  sftp_finish(get->sftp->out, request.begun);
  piece->id = request.id;
}

/* Up to the size that was told, and then what lies behind it. */
static void ask_next(Get *get, guint64 told) {
  guint64 left = told > get->asked ? told - get->asked : G_MAXUINT32;
  Piece *piece = piece_at(get, get->count++);
  *piece = (Piece){.offset = get->asked, .length = (guint32)MIN(left, get->sftp->read_most)};
  ask(get, piece);
  get->asked += piece->length;
  get->in_flight += piece->length;
}

static void ask_more(Get *get) {
  gsize window = sftp_window(get->sftp, get->written - get->get->offset, get->since);
  guint64 told = get->size_known && get->written <= get->size ? get->size : 0;
  while (!get->ended && !get->abandoned && get->count < PIECES && get->in_flight < window &&
         (told == 0 || get->asked <= told))
    ask_next(get, told);
}

static gboolean write_piece(Get *get, const guint8 *bytes, guint32 length, GError **error) {
  if (length > get->get->size - get->written)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "get %s: more than %" G_GUINT64_FORMAT " bytes",
                               get->get->path, get->get->size);
  if (!driver_write(get->get->fd, bytes, length, &get->written, get->get->path, error))
    return FALSE;
  const DriverHost *host = get->sftp->base.host;
  sftp_renew_clock(get->sftp, get->written - get->get->offset, 1024);
  if (host->progress(host->user, get->written))
    return TRUE;
  get->sftp->base.lost = TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is gone");
}

/* What came for the head goes to the descriptor; a short answer is asked for again, from where it stopped. */
static gboolean settle_head(Get *get, const guint8 *bytes, guint32 length, GError **error) {
  Piece *head = piece_at(get, 0);
  if (!get->ended && !get->abandoned && !write_piece(get, bytes, length, error))
    return FALSE;
  head->offset += length;
  head->length -= length;
  get->in_flight -= length;
  if (head->length > 0 && !head->at_end && !get->ended && !get->abandoned) {
    head->answered = FALSE;
    ask(get, head);
    return TRUE;
  }
  get->ended |= head->at_end;
  get->in_flight -= head->length;
  get->head = (get->head + 1) % PIECES;
  get->count--;
  return TRUE;
}

static gboolean settle(Get *get, GError **error) {
  while (get->count > 0 && piece_at(get, 0)->answered) {
    Piece *head = piece_at(get, 0);
    g_autofree guint8 *held = g_steal_pointer(&head->held);
    if (!settle_head(get, held, head->held_length, error))
      return FALSE;
  }
  return TRUE;
}

static Piece *find_piece(Get *get, guint32 id, guint *index) {
  for (*index = 0; *index < get->count; ++*index)
    if (piece_at(get, *index)->id == id && !piece_at(get, *index)->answered)
      return piece_at(get, *index);
  return NULL;
}

static gboolean take_piece(Get *get, SftpAnswer *answer, GError **error) {
  guint index;
  guint32 status;
  Piece *piece = find_piece(get, answer->id, &index);
  const guint8 *bytes = NULL;
  gsize length = 0;
  if (!piece)
    return sftp_violation(get->sftp, "an answer to nothing that was asked", error);
  if (answer->type == SFTP_DATA) {
    if (!sftp_take_bytes(&answer->body, &bytes, &length) || length > piece->length)
      return sftp_violation(get->sftp, "more data than was asked for", error);
    piece->at_end = length == 0; /* instead of a status, as some say it */
  } else if (!sftp_status(get->sftp, answer, &status, error)) {
    return FALSE;
  } else if (status == SFTP_EOF || (status == SFTP_FAILURE && get->size_known && piece->offset >= get->size)) {
    piece->at_end = TRUE; /* servers that fail behind the end are taken at their word about where it is */
  } else {
    piece->answered = piece->at_end = TRUE;
    return get->abandoned || sftp_status_error(get->sftp, answer, "read", get->get->path, error);
  }
  piece->answered = TRUE;
  piece->held_length = (guint32)length;
  if (index == 0)
    return settle_head(get, bytes, (guint32)length, error) && settle(get, error);
  piece->held = get->abandoned || length == 0 ? NULL : g_memdup2(bytes, length);
  return TRUE;
}

static gboolean check_size(Get *get, GError **error) {
  const DriverTransfer *wanted = get->get;
  if (get->size > wanted->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                               "get %s: it has %" G_GUINT64_FORMAT " bytes, allowed are %" G_GUINT64_FORMAT,
                               wanted->path, get->size, wanted->size);
  if (get->size < wanted->offset)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                               "get %s: it has shrunk to %" G_GUINT64_FORMAT " bytes, before where to resume",
                               wanted->path, get->size);
  return TRUE;
}

static gboolean take_first_stat(Get *get, const SftpAnswer *answer, GError **error) {
  SftpAttributes attributes;
  gboolean known;
  get->first_stat = 0;
  if (!sftp_attributes(get->sftp, answer, &attributes, &known, error))
    return FALSE;
  get->size_known = known && attributes.has_size; /* a server without FSTAT: the end is where reading ends */
  get->size = attributes.size;
  if (known && attributes.has_mode && !sftp_is_file(&attributes, NULL, 0))
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "get %s: not a regular file", get->get->path);
  return !get->size_known || get->abandoned || check_size(get, error);
}

static gboolean take_last_stat(Get *get, const SftpAnswer *answer, GError **error) {
  SftpAttributes attributes;
  gboolean known;
  get->last_stat = 0;
  if (!sftp_attributes(get->sftp, answer, &attributes, &known, error))
    return FALSE;
  get->end_known = known && attributes.has_size;
  get->end_size = attributes.size;
  return TRUE;
}

static gboolean take_answer(Get *get, GError **error) {
  SftpAnswer answer;
  if (!sftp_receive(get->sftp, &answer, error))
    return FALSE;
  if (answer.id == get->first_stat)
    return take_first_stat(get, &answer, error);
  if (answer.id == get->last_stat)
    return take_last_stat(get, &answer, error);
  return take_piece(get, &answer, error);
}

static gboolean is_outstanding(const Get *get) {
  return get->count > 0 || get->first_stat || get->last_stat;
}

static void ask_first(Get *get) {
  const Sftp *sftp = get->sftp;
  gboolean is_looked = g_strcmp0(sftp->looked, get->get->path) == 0 && sftp->looked_size > get->get->offset;
  guint64 told = is_looked ? sftp->looked_size : 0;
  while (get->count < PIECES / 2 && get->in_flight < SFTP_WINDOW_LEAST &&
         (told > 0 ? get->asked <= told : get->count == 0))
    ask_next(get, told);
}

static gboolean transfer(Get *get, GError **error) {
  get->first_stat = sftp_request_handle(get->sftp, SFTP_FSTAT, &get->handle);
  ask_first(get);
  get->last_stat = sftp_request_handle(get->sftp, SFTP_FSTAT, &get->handle);
  guint32 flight = get->last_stat;
  while (is_outstanding(get)) {
    if (!take_answer(get, error))
      return FALSE;
    if (!get->first_stat)
      ask_more(get);
  }
  /* the size that came with the first flight says nothing about the end if more was asked for after it */
  if (get->sftp->last_id != flight || !get->end_known) {
    get->last_stat = sftp_request_handle(get->sftp, SFTP_FSTAT, &get->handle);
    if (!take_answer(get, error))
      return FALSE;
  }
  return TRUE;
}

/* After a failure on our side the answers that are under way are taken and dropped, so that the connection stays of
 * use. */
static void abandon(Get *get) {
  get->abandoned = TRUE;
  for (guint i = 0; i < get->count; i++)
    g_clear_pointer(&piece_at(get, i)->held, g_free);
  while (!get->sftp->base.lost && is_outstanding(get)) {
    while (get->count > 0 && piece_at(get, 0)->answered) {
      get->head = (get->head + 1) % PIECES;
      get->count--;
    }
    if (is_outstanding(get) && !take_answer(get, NULL))
      break;
  }
}

static gboolean verdict(const Get *get, GError **error) {
  gboolean same = (!get->size_known || get->size == get->written) && (!get->end_known || get->end_size == get->written);
  if (same)
    return TRUE;
  if (get->size_known && get->end_known && get->size == get->end_size)
    return driver_wrong_size(get->get->path, get->size, get->written, error);
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                             "get %s: changed while it was read (%" G_GUINT64_FORMAT
                             " bytes at first, %" G_GUINT64_FORMAT " read, %" G_GUINT64_FORMAT " at the end)",
                             get->get->path, get->size_known ? get->size : get->written, get->written,
                             get->end_known ? get->end_size : get->written);
}

gboolean sftp_get(Driver *driver, const DriverTransfer *wanted, guint64 *end, GError **error) {
  Sftp *sftp = (Sftp *)driver;
  if (wanted->offset > wanted->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "get %s: resumes beyond its limit", wanted->path);
  sftp_start_clock(sftp);
  SftpRequest request = sftp_request(sftp, SFTP_OPEN);
  sftp_put_text(sftp->out, wanted->path);
  sftp_put_number(sftp->out, SFTP_OPEN_READ);
  sftp_put_number(sftp->out, 0);
  sftp_finish(sftp->out, request.begun);
  g_autofree Get *get = g_new0(Get, 1);
  get->sftp = sftp;
  get->get = wanted;
  get->asked = get->written = wanted->offset;
  if (!sftp_open_handle(sftp, request.id, "open", wanted->path, &get->handle, error))
    return FALSE;
  get->since = g_get_monotonic_time();
  gboolean ok = transfer(get, error);
  if (!ok)
    abandon(get);
  if (!sftp->base.lost)
    sftp_ignore(sftp, sftp_request_handle(sftp, SFTP_CLOSE, &get->handle));
  *end = get->written;
  return ok && verdict(get, error);
}
