/* The audit chain and its tip outside the book.
 *
 * hash(n) = SHA-256( sequence | at | event | subject | detail | hash(n-1) ), where numbers are 8 bytes, most
 * significant first, and a text is the number length + 1, then its bytes (null: the number 0). So no two different rows
 * have the same bytes. hash(0) is 32 zero bytes; the first row carries an id of the book, so that no two share a chain.
 *
 * Whoever can write the database can also recompute all hashes behind an edit, or cut rows off the end. That is what
 * the tip outside is for: after each commit the writer stores the last row's sequence and hash in a file that should
 * live where the database's editor cannot write. Its crash windows:
 * - after the commit, before the tip's write: the tip is older than the book. The verifier accepts that, as long as the
 *   row that it names is there with that hash. The next opening moves the tip on.
 * - power lost after the tip's write, which is not synced each time: the same, older.
 * - the tip can never be newer by a crash: it is written after the commit was durable. Newer means that rows were cut
 * off (or an older copy of the book was put in place), and the book refuses to open over it: writing on would destroy
 * the evidence.
 * - the file has two slots, written in turn, each with a checksum: a write that was torn, or broke off, spoils the
 * older one of two, and the other counts, which is the tip from one commit before. */
#include "store/book/book_private.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* A slot: "00000000000000000017 <hash> <checksum>", spaces up to the end of its sector, a line's end. */
enum { TIP_LINE = 20 + 1 + 2 * BOOK_HASH, TIP_SLOT = 512, TIP_SLOTS = 2, TIP_OLD = TIP_LINE + 1 };
#define DETAIL_LIMIT 2000

static void add_number(Digest *sum, guint64 number) {
  guint64 bytes = GUINT64_TO_BE(number);
  digest_update(sum, &bytes, sizeof bytes);
}

static void add_text(Digest *sum, const char *text) {
  gsize length = text ? strlen(text) : 0;
  add_number(sum, text ? length + 1 : 0);
  digest_update(sum, text ? text : "", length);
}

void book_link_after(Digest *sum, const BookLink *before, gint64 at, const char *event, const char *subject,
                     const char *detail, BookLink *link) {
  add_number(sum, (guint64)before->sequence + 1);
  add_number(sum, (guint64)at);
  add_text(sum, event);
  add_text(sum, subject);
  add_text(sum, detail);
  digest_update(sum, before->hash, BOOK_HASH);
  link->sequence = before->sequence + 1;
  digest_take(sum, link->hash);
}

void book_hash_text(const guint8 *hash, char text[2 * BOOK_HASH + 1]) {
  static const char digits[] = "0123456789abcdef";
  for (guint i = 0; i < BOOK_HASH; i++) {
    text[2 * i] = digits[hash[i] >> 4];
    text[2 * i + 1] = digits[hash[i] & 15];
  }
  text[2 * BOOK_HASH] = '\0';
}

gboolean book_link_last(BookStatements *statements, BookLink *last, GError **error) {
  gboolean row;
  DbStatement *s = book_statement(statements, BOOK_LAST_AUDIT, error);
  memset(last, 0, sizeof *last);
  if (!s || !db_step(s, &row, error))
    return FALSE;
  if (!row)
    return TRUE;
  last->sequence = db_integer(s, 0);
  gsize length;
  const void *hash = db_bytes(s, 1, &length);
  if (length == BOOK_HASH)
    memcpy(last->hash, hash, BOOK_HASH);
  db_reset(s);
  return TRUE;
}

/* A detail may quote what a partner's server said: it must not be a way to fill the disk. */
static char *cut_detail(const char *detail) {
  const char *end = g_utf8_find_prev_char(detail, detail + DETAIL_LIMIT);
  return g_strdup_printf("%.*s…", end ? (int)(end - detail) : DETAIL_LIMIT, detail);
}

gboolean book_chain_add(BookTransaction *tx, const char *event, const char *subject, const char *detail,
                        GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_ADD_AUDIT, error);
  if (!s)
    return FALSE;
  g_autofree char *cut = detail && strlen(detail) > DETAIL_LIMIT ? cut_detail(detail) : NULL;
  const char *kept = cut ? cut : detail;
  gint64 at = g_get_real_time();
  BookLink link;
  book_link_after(tx->sum, &tx->tip, at, event, subject, kept, &link);
  db_bind(s, "iisssb", link.sequence, at, event, subject, kept, (const void *)link.hash, (gsize)BOOK_HASH);
  if (!db_done(s, error))
    return FALSE;
  tx->tip = link;
  return TRUE;
}

gboolean book_audit(BookTransaction *tx, const char *event, const char *subject, const char *detail, GError **error) {
  FileState state;
  if (file_state_parse(event, &state))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "an audit event may not be called %s, like a file's state",
                               event);
  return book_chain_add(tx, event, subject, detail, error);
}

static void tip_slot(const BookLink *tip, char slot[TIP_SLOT + 1]) {
  char hash[2 * BOOK_HASH + 1], line[TIP_LINE + 1];
  book_hash_text(tip->hash, hash);
  snprintf(line, sizeof line, "%020" G_GINT64_FORMAT " %s", tip->sequence, hash);
  snprintf(slot, TIP_SLOT + 1, "%s %016" G_GINT64_MODIFIER "x%*s\n", line, (guint64)XXH3_64bits(line, TIP_LINE),
           TIP_SLOT - TIP_LINE - 18, "");
}

static gboolean parse_line(const char *line, BookLink *tip) {
  for (guint i = 0; i < TIP_LINE; i++)
    if (i == 20 ? line[i] != ' ' : i < 20 ? !g_ascii_isdigit(line[i]) : !g_ascii_isxdigit(line[i]))
      return FALSE;
  tip->sequence = g_ascii_strtoll(line, NULL, 10);
  for (guint i = 0; i < BOOK_HASH; i++)
    tip->hash[i] = (guint8)(g_ascii_xdigit_value(line[21 + 2 * i]) << 4 | g_ascii_xdigit_value(line[22 + 2 * i]));
  return TRUE;
}

static gboolean parse_slot(const char *bytes, BookLink *tip) {
  char again[TIP_SLOT + 1];
  if (!parse_line(bytes, tip))
    return FALSE;
  tip_slot(tip, again);
  return memcmp(again, bytes, TIP_SLOT) == 0;
}

/* The newer of the good slots. Builds before the slots kept a line without a checksum. */
static gboolean parse_tip(const char *bytes, gsize length, BookLink *tip) {
  BookLink one;
  gboolean any = FALSE;
  if (length == TIP_OLD)
    return bytes[TIP_LINE] == '\n' && parse_line(bytes, tip);
  for (gsize at = 0; at + TIP_SLOT <= length; at += TIP_SLOT)
    if (parse_slot(bytes + at, &one) && (!any || one.sequence > tip->sequence)) {
      *tip = one;
      any = TRUE;
    }
  return any;
}

/* A lane may be writing it: then the slot in work is no good, and the other one counts. */
gboolean book_tip_read(const char *path, BookTipState *state, BookLink *tip, GError **error) {
  char bytes[TIP_SLOTS * TIP_SLOT];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) {
    *state = BOOK_TIP_MISSING;
    return TRUE;
  }
  if (fd < 0)
    return sallyport_error_errno(error, errno, "open the audit tip %s", path);
  ssize_t length = pread(fd, bytes, sizeof bytes, 0);
  int number = errno;
  close(fd);
  if (length < 0)
    return sallyport_error_errno(error, number, "read the audit tip %s", path);
  *state = parse_tip(bytes, (gsize)length, tip) ? BOOK_TIP_GOOD : BOOK_TIP_DAMAGED;
  return TRUE;
}

gboolean book_tip_make(const char *path, const BookLink *tip, GError **error) {
  char slot[TIP_SLOT + 1];
  g_autofree char *folder = g_path_get_dirname(path);
  g_autofree char *name = g_path_get_basename(path);
  tip_slot(tip, slot);
  g_autofree char *both = g_strconcat(slot, slot, NULL);
  return files_replace(folder, name, both, error);
}

gboolean book_tip_write(int fd, guint slot, const BookLink *tip, GError **error) {
  char bytes[TIP_SLOT + 1];
  tip_slot(tip, bytes);
  for (gsize done = 0; done < TIP_SLOT;) {
    ssize_t written = pwrite(fd, bytes + done, TIP_SLOT - done, (off_t)(slot % TIP_SLOTS * TIP_SLOT + done));
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return sallyport_error_errno(error, errno, "write the audit tip");
    if (written == 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "write the audit tip: nothing was written");
    done += (gsize)written;
  }
  return TRUE;
}
