/* The intake: each batch in its connection's thread, until it is one of the admission that the first of those who wait
 * makes for all of them. So many batches at once cost one commit.
 *
 *   crash before the admission's last commit   it is taken back; nobody was answered, and the batch comes again
 *   crash behind it                            the answer is there with its records, and is given to who asks again
 *
 * The answer and the body's digest lie in the admission with the records: a key whose batch is not there is new, and
 * one whose batch is there has its answer. */
#include "conf/lookup.h"
#include "gateway/common/packet_desk.h"
#include "gateway/processors/rating/intake_body.h"
#include "gateway/processors/rating/intake_till.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_LIMIT = 64 };

struct Intake {
  const LaneHost *host;
  PacketDesk *packets;
  GPtrArray *tills; /* IntakeTill* */
};

/* --- The body: a file in memory that nobody can change any more */

static gboolean map_body(int fd, guint64 limit, const char **bytes, gsize *length) {
  struct stat file;
  const int wanted = F_SEAL_SHRINK | F_SEAL_WRITE, seals = fd >= 0 ? fcntl(fd, F_GET_SEALS) : -1;
  if (seals < 0 || (seals & wanted) != wanted || fstat(fd, &file) != 0 || file.st_size <= 0 ||
      (guint64)file.st_size > limit)
    return FALSE;
  void *map = mmap(NULL, (gsize)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  *bytes = map;
  *length = (gsize)file.st_size;
  return map != MAP_FAILED;
}

static Day today(const IntakeTill *till) {
  g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(till->rating->time_zone);
  return day_at(zone ? zone : NULL, g_get_real_time());
}

static gboolean read_body(const IntakeTill *till, int fd, IntakeForm form, IntakeBatch *batch) {
  static const struct {
    guint status;
    const char *error;
  } refusals[] = {[INTAKE_UNREADABLE] = {400, "unreadable"}, [INTAKE_TOO_MANY] = {413, "too-large"}};
  const char *bytes;
  gsize length;
  if (!map_body(fd, till->rating->intake.size_limit, &bytes, &length)) {
    intake_refuse(batch, 400, "unreadable", g_strdup("there is no body"));
    return FALSE;
  }
  IntakeBody body = {form, bytes, length, till->rating->intake.records, today(till)};
  Digest *digest = digest_new_sha256();
  digest_update(digest, form == INTAKE_JSON ? "json\n" : "csv\n", form == INTAKE_JSON ? 5 : 4);
  digest_update(digest, bytes, length);
  digest_finish(digest, batch->digest);
  char *why = NULL;
  IntakeRead read = intake_body_read(till->layout, &body, &batch->block, &why);
  munmap((void *)(gintptr)bytes, length);
  if (read != INTAKE_READ)
    intake_refuse(batch, refusals[read].status, refusals[read].error, why);
  return read == INTAKE_READ;
}

/* --- A question */

static IntakeTill *till_of(const Intake *intake, const char *rating, const char *partner) {
  for (guint i = 0; rating && partner && i < intake->tills->len; i++) {
    IntakeTill *till = intake->tills->pdata[i];
    if (strcmp(till->rating->name, rating) == 0 &&
        g_strv_contains((const char *const *)till->rating->intake.partners, partner))
      return till;
  }
  return NULL;
}

/* Of printing characters; a colon would let a key look like another partner's. */
static gboolean is_key(const char *key) {
  gsize length = key ? strlen(key) : 0;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum(key[i]) && !strchr("._-", key[i]))
      return FALSE;
  return length > 0 && length <= KEY_LIMIT;
}

static void take_batch(const Intake *intake, const Packet *question, IntakeBatch *batch) {
  const char *partner = json_string_value(json_object_get(question->head, "partner")),
             *form = json_string_value(json_object_get(question->head, "form"));
  IntakeTill *till = till_of(intake, json_string_value(json_object_get(question->head, "rating")), partner);
  gboolean is_quote = g_strcmp0(json_string_value(json_object_get(question->head, "do")), "quote") == 0;
  batch->key = json_string_value(json_object_get(question->head, "key"));
  if (!till || (!is_quote && !is_key(batch->key))) {
    intake_refuse(batch, till ? 400 : 404, till ? "key" : "nothing",
                  g_strdup(till ? "Idempotency-Key: 1 to 64 letters, digits, dots, dashes and underscores"
                                : "there is nothing of this name for you"));
    return;
  }
  batch->file = is_quote ? g_uuid_string_random() : g_strdup_printf("%s:%s:%s", INTAKE_FILE, partner, batch->key);
  batch->arrived = g_get_real_time();
  if (intake_till_enter(till, batch)) {
    if (read_body(till, question->fd, g_strcmp0(form, "csv") == 0 ? INTAKE_CSV : INTAKE_JSON, batch))
      (is_quote ? intake_till_quote : intake_till_rate)(till, batch);
    intake_till_leave(till, batch);
  }
  intake_till_count(till, batch);
}

/* An answer may be longer than a packet: then it goes as a file in memory. */
static gboolean send_answer(int socket, json_t *head, const void *bytes, gsize length) {
  enum { HEAD_BYTES = 1024 };
  Packet packet = {.head = head, .bytes = bytes, .length = length, .fd = -1};
  if (length > PACKET_LIMIT - HEAD_BYTES) {
    packet.bytes = NULL;
    packet.length = 0;
    packet.fd = memfd_create("answer", MFD_CLOEXEC);
    for (gsize done = 0; packet.fd >= 0 && done < length;) {
      ssize_t put = write(packet.fd, (const char *)bytes + done, length - done);
      if (put < 0 && errno != EINTR)
        break;
      done += put > 0 ? (gsize)put : 0;
    }
  }
  gboolean sent = packet_send(socket, &packet);
  if (packet.fd >= 0)
    close(packet.fd);
  return sent;
}

static gboolean answer(gpointer user, int socket, const Packet *question) {
  IntakeBatch batch = {0};
  take_batch(user, question, &batch);
  json_t *head = json_pack("{s:i, s:s*, s:s*}", "status", (int)batch.status, "error", batch.error, "text", batch.text);
  gsize length = 0;
  const void *bytes = batch.answer ? g_bytes_get_data(batch.answer, &length) : NULL;
  gboolean sent = send_answer(socket, head, bytes, length);
  json_decref(head);
  intake_batch_clear(&batch);
  return sent;
}

/* --- Start and end */

void intake_free(Intake *intake) {
  if (!intake)
    return;
  packet_desk_free(intake->packets);
  g_ptr_array_unref(intake->tills);
  g_free(intake);
}

gboolean intake_end(Intake *intake, guint grace_seconds) {
  return !intake || packet_desk_end(intake->packets, grace_seconds);
}

json_t *intake_status(Intake *intake) {
  json_t *list = intake ? json_array() : NULL;
  for (guint i = 0; intake && i < intake->tills->len; i++)
    json_array_append_new(list, intake_till_status(intake->tills->pdata[i]));
  return list;
}

static gboolean add_till(Intake *intake, RatingDesk *desk, GError **error) {
  const ConfRating *rating = named_find(intake->host->lane->ratings, desk->name);
  if (!rating || !rating->intake.present)
    return TRUE;
  IntakeTill *till = intake_till_new(intake->host, desk, rating, error);
  if (till)
    g_ptr_array_add(intake->tills, till);
  return till != NULL;
}

Intake *intake_open(const LaneHost *host, const GPtrArray *desks, GError **error) {
  Intake *intake = g_new0(Intake, 1);
  gboolean ok = TRUE;
  *intake = (Intake){.host = host, .tills = g_ptr_array_new_with_free_func(intake_till_free)};
  for (guint i = 0; ok && i < desks->len; i++)
    ok = add_till(intake, desks->pdata[i], error);
  if (ok && intake->tills->len > 0) {
    g_autofree char *path = packet_desk_path(host->paths, PACKET_DESK_USAGE);
    intake->packets = packet_desk_open(path, answer, intake, error);
  }
  if (intake->packets)
    return intake;
  intake_free(intake);
  return NULL;
}
