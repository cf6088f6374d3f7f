#include "store/book/book_private.h"
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

typedef enum {
  FIELD_TEXT,
  FIELD_BYTES,
  FIELD_SIGNED,
  FIELD_UNSIGNED,
  FIELD_SHORT,
  FIELD_STATE,
  FIELD_OUTCOME,
  FIELD_WAIT
} FieldType;
typedef struct {
  const char *name;
  FieldType type;
  gsize offset;
} Field;

/* In the order of the table's columns. */
#define FIELD(type, member) \
  { #member, FIELD_##type, G_STRUCT_OFFSET(BookFile, member) }
static const Field fields[] = {
    FIELD(TEXT, id),
    FIELD(TEXT, feed),
    FIELD(BYTES, name),
    FIELD(TEXT, name_shown),
    FIELD(TEXT, folder),
    FIELD(UNSIGNED, size),
    FIELD(SIGNED, modified),
    FIELD(TEXT, evidence),
    FIELD(STATE, state),
    FIELD(STATE, held_from),
    FIELD(SIGNED, seen_at),
    FIELD(SIGNED, changed_at),
    FIELD(SIGNED, due_at),
    FIELD(SHORT, attempts),
    FIELD(TEXT, problem),
    FIELD(TEXT, reason_code),
    FIELD(TEXT, reason),
    FIELD(TEXT, duplicate_of),
    FIELD(UNSIGNED, cipher_size),
    FIELD(TEXT, cipher_sha256),
    FIELD(UNSIGNED, plain_size),
    FIELD(TEXT, plain_sha256),
    FIELD(TEXT, signer),
    FIELD(TEXT, trust),
    FIELD(TEXT, business_date),
    FIELD(TEXT, header),
    FIELD(UNSIGNED, records),
    FIELD(UNSIGNED, accepted),
    FIELD(UNSIGNED, rejected),
    FIELD(UNSIGNED, duplicates),
    FIELD(SIGNED, amount),
    FIELD(SIGNED, amount_accepted),
    FIELD(SIGNED, amount_rejected),
    FIELD(SIGNED, amount_duplicate),
    FIELD(SHORT, batches),
    FIELD(SHORT, batches_posted),
    FIELD(TEXT, feedback_name),
    FIELD(SHORT, counted),
    FIELD(OUTCOME, outcome),
    FIELD(SHORT, deaths),
    FIELD(TEXT, released),
    FIELD(WAIT, waits_for),
    FIELD(TEXT, waits_on),
    FIELD(TEXT, waits_why),
};

/* Begins at *at and leaves it behind what it found: statements name their parameters in the order of the columns, more
 * or less, and this is asked for each parameter of each change. */
static const Field *field_named(const char *name, guint *at) {
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
    const Field *field = &fields[(*at + i) % G_N_ELEMENTS(fields)];
    if (field->name[0] == name[0] && strcmp(field->name, name) == 0) {
      *at = (guint)(field - fields) + 1;
      return field;
    }
  }
  return NULL;
}

gboolean book_fields_check(DbStatement *select_all, GError **error) {
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
    const char *name = db_column_name(select_all, i);
    if (!name || strcmp(name, fields[i].name) != 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "column %u of the book's files is %s, not %s", i,
                                 name ? name : "missing", fields[i].name);
  }
  return TRUE;
}

static gboolean bind_unsigned(DbStatement *s, guint parameter, guint64 value, const char *name, GError **error) {
  if (value > G_MAXINT64)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "%s does not fit the book", name);
  db_bind_integer(s, parameter, (gint64)value);
  return TRUE;
}

gboolean book_fields_bind(DbStatement *statement, const BookFile *file, GError **error) {
  guint next = 0;
  for (guint i = 1; i <= db_parameters(statement); i++) {
    const Field *field = field_named(db_parameter_name(statement, i) + 1, &next);
    if (!field)
      continue; /* the caller's own */
    gconstpointer at = G_STRUCT_MEMBER_P(file, field->offset);
    switch (field->type) {
    case FIELD_TEXT:
      db_bind_text(statement, i, *(char *const *)at, -1);
      break;
    case FIELD_BYTES: {
      gsize length = 0;
      gconstpointer bytes = *(GBytes *const *)at ? g_bytes_get_data(*(GBytes *const *)at, &length) : NULL;
      db_bind_bytes(statement, i, bytes, length);
      break;
    }
    case FIELD_SIGNED:
      db_bind_integer(statement, i, *(const gint64 *)at);
      break;
    case FIELD_SHORT:
      db_bind_integer(statement, i, *(const guint *)at);
      break;
    case FIELD_STATE:
      db_bind_text(statement, i, file_state_word(*(const FileState *)at), -1);
      break;
    case FIELD_OUTCOME:
      db_bind_text(statement, i, file_outcome_word(*(const FileOutcome *)at), -1);
      break;
    case FIELD_WAIT:
      db_bind_text(statement, i, file_wait_word(*(const FileWait *)at), -1);
      break;
    case FIELD_UNSIGNED:
      if (!bind_unsigned(statement, i, *(const guint64 *)at, field->name, error))
        return FALSE;
      break;
    default:
      g_assert_not_reached();
    }
  }
  return TRUE;
}

void book_bind_named(DbStatement *statement, const char *parameter, gint64 value) {
  db_bind_integer(statement, db_parameter(statement, parameter), value);
}

void book_bind_named_text(DbStatement *statement, const char *parameter, const char *value) {
  db_bind_text(statement, db_parameter(statement, parameter), value, -1);
}

/* A word of one of the lists in states.h; null is the first of each. */
static gboolean read_word(DbStatement *s, guint column, const Field *field, gpointer at, GError **error) {
  const char *word = db_text(s, column);
  if (!word || (field->type == FIELD_STATE     ? file_state_parse(word, at)
                : field->type == FIELD_OUTCOME ? file_outcome_parse(word, at)
                                               : file_wait_parse(word, at)))
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the book has a file with the unknown %s %s", field->name,
                             word);
}

BookFile *book_fields_read(DbStatement *statement, GError **error) {
  BookFile *file = g_new0(BookFile, 1);
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
    gpointer at = G_STRUCT_MEMBER_P(file, fields[i].offset);
    switch (fields[i].type) {
    case FIELD_TEXT:
      *(char **)at = db_text_copy(statement, i);
      break;
    case FIELD_BYTES:
      *(GBytes **)at = db_bytes_copy(statement, i);
      break;
    case FIELD_SIGNED:
      *(gint64 *)at = db_integer(statement, i);
      break;
    case FIELD_UNSIGNED:
      *(guint64 *)at = (guint64)db_integer(statement, i);
      break;
    case FIELD_SHORT:
      *(guint *)at = (guint)db_integer(statement, i);
      break;
    case FIELD_STATE:
    case FIELD_OUTCOME:
    case FIELD_WAIT:
      if (!read_word(statement, i, &fields[i], at, error)) {
        book_file_free(file);
        return NULL;
      }
      break;
    default:
      g_assert_not_reached();
    }
  }
  return file;
}

/* Nine digits of time in milliseconds (until the year 5188), seven that start at random and count up within one
 * process: the process-wide counter is what makes ids of the same millisecond differ and sort, the random start what
 * makes those of two runs differ when the clock was set back between them. A forked child begins a count of its own.
 * The primary key refuses the rest. */
char *book_make_id(gint64 milliseconds) {
  static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  static const guint64 tails = 78364164096; /* 36^7 */
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static gint64 last_time;
  static guint64 last_tail;
  static pid_t owner;
  guint64 number = 0;
  while (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
    ;
  pthread_mutex_lock(&lock);
  if (milliseconds > last_time || owner != getpid()) {
    last_time = MAX(milliseconds, last_time + 1);
    owner = getpid();
    last_tail = number % (tails / 2);
  } else if (++last_tail == tails) {
    last_time++;
    last_tail = 0;
  }
  guint64 time = (guint64)last_time, tail = last_tail;
  pthread_mutex_unlock(&lock);
  char *id = g_malloc(17);
  for (int i = 15; i >= 9; i--, tail /= 36)
    id[i] = digits[tail % 36];
  for (int i = 8; i >= 0; i--, time /= 36)
    id[i] = digits[time % 36];
  id[16] = '\0';
  return id;
}

BookFile *book_file_new(void) {
  BookFile *file = g_new0(BookFile, 1);
  file->seen_at = g_get_real_time();
  file->id = book_make_id(file->seen_at / 1000);
  return file;
}

void book_file_free(BookFile *file) {
  if (!file)
    return;
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
    gpointer at = G_STRUCT_MEMBER_P(file, fields[i].offset);
    if (fields[i].type == FIELD_TEXT)
      g_free(*(char **)at);
    else if (fields[i].type == FIELD_BYTES)
      g_clear_pointer((GBytes **)at, g_bytes_unref);
  }
  g_free(file);
}

gboolean book_file_was_released(const BookFile *file, const char *code) {
  g_auto(GStrv) codes = g_strsplit(file->released ? file->released : "", " ", -1);
  return g_strv_contains((const char *const *)codes, code);
}

void book_file_set_wait(BookFile *file, FileWait wait, const char *on, const char *why) {
  char *old_on = file->waits_on, *old_why = file->waits_why; /* the new may be of the old */
  file->waits_for = wait;
  file->waits_on = g_strdup(on);
  file->waits_why = g_strdup(why);
  g_free(old_on);
  g_free(old_why);
}
