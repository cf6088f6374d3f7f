#include "conf/read/source.h"
#include "conf/read/token.h"
#include "gateway/base/digest.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void source_file_free(gpointer data) {
  SourceFile *file = data;
  g_free(file->path);
  g_free(file->problem);
  g_free(file->text);
  g_free(file);
}

static ConfSource *source_new(void) {
  ConfSource *source = g_new0(ConfSource, 1);
  source->files = g_ptr_array_new_with_free_func(source_file_free);
  return source;
}

void conf_source_free(ConfSource *source) {
  if (!source)
    return;
  g_ptr_array_free(source->files, TRUE);
  g_free(source);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConfSource, conf_source_free)

ConfSource *conf_source_from_text(const char *name, const char *text, gsize length) {
  ConfSource *source = source_new();
  SourceFile *file = g_new0(SourceFile, 1);
  *file = (SourceFile){.path = g_strdup(name), .text = g_malloc0(length + 1), .length = length};
  if (length > 0)
    memcpy(file->text, text, length);
  g_ptr_array_add(source->files, file);
  return source;
}

/* --- Reading. */

static char *problem_of(int number) {
  return g_strdup(g_strerror(number));
}

/* At most a limit's worth, whatever the size says: the file may grow under us. */
static char *read_text(int fd, gsize *length, char **problem) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    return *problem = problem_of(errno), NULL;
  if (!S_ISREG(status.st_mode))
    return *problem = g_strdup("not a regular file"), NULL;
  g_autofree char *text = g_malloc(SOURCE_FILE_LIMIT + 1);
  gsize have = 0;
  while (have <= SOURCE_FILE_LIMIT) {
    ssize_t got = read(fd, text + have, SOURCE_FILE_LIMIT + 1 - have);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return *problem = problem_of(errno), NULL;
    if (got == 0)
      break;
    have += (gsize)got;
  }
  if (have > SOURCE_FILE_LIMIT)
    return *problem = g_strdup("larger than 1 MiB, the most for one file"), NULL;
  text[have] = '\0';
  *length = have;
  return g_realloc(g_steal_pointer(&text), have + 1);
}

static SourceFile *read_file(const char *path, gboolean included) {
  SourceFile *file = g_new0(SourceFile, 1);
  *file = (SourceFile){.path = g_strdup(path), .included = included};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) {
    file->problem = problem_of(errno);
    return file;
  }
  file->text = read_text(fd, &file->length, &file->problem);
  close(fd);
  return file;
}

static char *beside(const char *from, const char *name) {
  if (g_path_is_absolute(name) || !strchr(from, '/'))
    return g_strdup(name);
  g_autofree char *folder = g_path_get_dirname(from);
  return g_build_filename(folder, name, NULL);
}

static gint compare_names(gconstpointer a, gconstpointer b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files that a pattern matches (in its last part only), by name. Not glob(3): its order follows the locale. */
static GPtrArray *list_matching(const char *pattern) {
  GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *folder = g_path_get_dirname(pattern);
  g_autofree char *last = g_path_get_basename(pattern);
  if (!strpbrk(last, "*?[")) {
    g_ptr_array_add(paths, g_strdup(pattern));
    return paths;
  }
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  for (const char *name = NULL; dir && (name = g_dir_read_name(dir));)
    if (fnmatch(last, name, FNM_PERIOD) == 0)
      g_ptr_array_add(paths, !strchr(pattern, '/') ? g_strdup(name) : g_build_filename(folder, name, NULL));
  g_ptr_array_sort(paths, compare_names);
  return paths;
}

GPtrArray *source_matching(const ConfSource *source, const char *from, const char *pattern) {
  GPtrArray *found = g_ptr_array_new();
  g_autofree char *whole = beside(from, pattern);
  for (guint i = 0; i < source->files->len; i++) {
    SourceFile *file = source->files->pdata[i];
    if (file->included &&
        (strcmp(file->path, whole) == 0 || fnmatch(whole, file->path, FNM_PATHNAME | FNM_PERIOD) == 0))
      g_ptr_array_add(found, file);
  }
  return found;
}

static gboolean add_file(ConfSource *source, const char *path, gboolean included, GError **error);

/* Reads what the file's include lines name. Anything odd in such a line is left for the parser to tell. */
static gboolean add_included(ConfSource *source, const SourceFile *file, GError **error) {
  if (!file->text)
    return TRUE;
  g_autoptr(TokenList) list = token_list_new(file->path, file->text, file->length, NULL);
  for (guint i = 0; i + 3 < list->tokens->len; i++) {
    const Token *token = &g_array_index(list->tokens, Token, i);
    if (token->kind != 'w' || strcmp(token->text, "include") != 0 || token[1].kind != '(' || token[3].kind != ')')
      continue;
    if ((token[2].kind != 's' && token[2].kind != 'w') || token[2].broken || *token[2].text == '\0')
      continue;
    g_autofree char *pattern = beside(file->path, token[2].text);
    g_autoptr(GPtrArray) paths = list_matching(pattern);
    for (guint p = 0; p < paths->len; p++)
      if (!add_file(source, paths->pdata[p], TRUE, error))
        return FALSE;
  }
  return TRUE;
}

/* A file is read once, however often it is named; the depth of inclusion is bounded by the number of files. */
static gboolean add_file(ConfSource *source, const char *path, gboolean included, GError **error) {
  for (guint i = 0; i < source->files->len; i++) {
    SourceFile *known = source->files->pdata[i];
    if (known->included == included && strcmp(known->path, path) == 0)
      return TRUE;
  }
  if (source->files->len >= SOURCE_FILES_LIMIT)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: more than %d configuration files", path,
                               SOURCE_FILES_LIMIT);
  SourceFile *file = read_file(path, included);
  g_ptr_array_add(source->files, file);
  source->total += file->length;
  if (source->total > SOURCE_TOTAL_LIMIT)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s: the configuration files together are larger than 16 MiB", path);
  return add_included(source, file, error);
}

ConfSource *conf_source_read(const char *path, GError **error) {
  static const char begin_one[] = "; to begin one, copy from share/doc/sallyport/examples, or see man sallyport.conf";
  g_autoptr(ConfSource) source = source_new();
  if (!add_file(source, path, FALSE, error))
    return NULL;
  const SourceFile *file = source->files->pdata[0];
  if (file->problem) {
    gboolean is_missing = access(path, F_OK) != 0 && errno == ENOENT;
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: cannot read the configuration: %s%s", path,
                        file->problem, is_missing ? begin_one : "");
    return NULL;
  }
  g_autofree char *pattern = beside(path, "conf.d/*.conf");
  g_autoptr(GPtrArray) paths = list_matching(pattern);
  for (guint i = 0; i < paths->len; i++)
    if (!add_file(source, paths->pdata[i], FALSE, error))
      return NULL;
  return g_steal_pointer(&source);
}

/* --- To and from a descriptor.
 * "SALLYCF1", the number of files, then per file: included, path, problem, text; each of these with its length in
 * front. A length of G_MAXUINT32 stands for NULL. Both sides are one machine: native byte order. */

static const char magic[8] = {'S', 'A', 'L', 'L', 'Y', 'C', 'F', '1'};

static void put_number(GByteArray *into, guint32 number) {
  g_byte_array_append(into, (const guint8 *)&number, sizeof number);
}

static void put_bytes(GByteArray *into, const char *bytes, gsize length) {
  put_number(into, !bytes ? G_MAXUINT32 : (guint32)length);
  if (bytes)
    g_byte_array_append(into, (const guint8 *)bytes, (guint)length);
}

static GByteArray *pack(const ConfSource *source) {
  GByteArray *bytes = g_byte_array_new();
  g_byte_array_append(bytes, (const guint8 *)magic, sizeof magic);
  put_number(bytes, source->files->len);
  for (guint i = 0; i < source->files->len; i++) {
    const SourceFile *file = source->files->pdata[i];
    put_number(bytes, file->included ? 1 : 0);
    put_bytes(bytes, file->path, strlen(file->path));
    put_bytes(bytes, file->problem, !file->problem ? 0 : strlen(file->problem));
    put_bytes(bytes, file->text, file->length);
  }
  return bytes;
}

gboolean conf_source_save(const ConfSource *source, int fd, GError **error) {
  g_autoptr(GByteArray) bytes = pack(source);
  return files_write_all(fd, bytes->data, bytes->len, error);
}

char *conf_source_digest(const ConfSource *source) {
  guint8 bytes[DIGEST_SHA256_SIZE];
  Digest *sum = digest_new_sha256();
  for (guint i = 0; i < source->files->len; i++) {
    const SourceFile *file = source->files->pdata[i];
    if (file->text)
      digest_update(sum, file->text, file->length);
  }
  digest_finish(sum, bytes);
  return digest_hex(bytes, sizeof bytes);
}

gboolean conf_source_equal(const ConfSource *a, const ConfSource *b) {
  if (!a || !b)
    return a == b;
  g_autoptr(GByteArray) left = pack(a);
  g_autoptr(GByteArray) right = pack(b);
  return left->len == right->len && memcmp(left->data, right->data, left->len) == 0;
}

typedef struct {
  const guint8 *at;
  gsize left;
} Unpacker;

static gboolean take_number(Unpacker *from, guint32 *number) {
  if (from->left < sizeof *number)
    return FALSE;
  memcpy(number, from->at, sizeof *number);
  from->at += sizeof *number;
  from->left -= sizeof *number;
  return TRUE;
}

static gboolean take_bytes(Unpacker *from, char **bytes, gsize *length) {
  guint32 number = 0;
  if (!take_number(from, &number))
    return FALSE;
  if (number == G_MAXUINT32)
    return TRUE;
  if (number > from->left)
    return FALSE;
  *bytes = g_malloc0((gsize)number + 1);
  if (number > 0)
    memcpy(*bytes, from->at, number);
  *length = number;
  from->at += number;
  from->left -= number;
  return TRUE;
}

static gboolean take_file(Unpacker *from, ConfSource *source) {
  SourceFile *file = g_new0(SourceFile, 1);
  g_ptr_array_add(source->files, file);
  guint32 included = 0;
  gsize path_length = 0, problem_length = 0;
  if (!take_number(from, &included) || !take_bytes(from, &file->path, &path_length))
    return FALSE;
  if (!take_bytes(from, &file->problem, &problem_length) || !take_bytes(from, &file->text, &file->length))
    return FALSE;
  file->included = included != 0;
  source->total += file->length;
  return file->path && strlen(file->path) == path_length && (file->text || file->problem);
}

/* What SOURCE_TOTAL_LIMIT bytes of text can need at most, and a little. */
#define PACKED_LIMIT (SOURCE_TOTAL_LIMIT + SOURCE_FILES_LIMIT * 8192)

static GByteArray *read_packed(int fd, GError **error) {
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  guint8 piece[65536];
  for (;;) {
    ssize_t got = pread(fd, piece, sizeof piece, bytes->len);
    if (got < 0 && errno == ESPIPE)
      got = read(fd, piece, sizeof piece);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      sallyport_error_errno(error, errno, "cannot read the configuration that was handed over");
      return NULL;
    }
    if (got == 0)
      return g_steal_pointer(&bytes);
    if (bytes->len + (gsize)got > PACKED_LIMIT)
      break;
    g_byte_array_append(bytes, piece, (guint)got);
  }
  sallyport_error_set(error, SALLYPORT_ERROR_BUG, "the configuration that was handed over is too large");
  return NULL;
}

ConfSource *conf_source_load(int fd, GError **error) {
  g_autoptr(GByteArray) bytes = read_packed(fd, error);
  if (!bytes)
    return NULL;
  g_autoptr(ConfSource) source = source_new();
  Unpacker from = {.at = bytes->data, .left = bytes->len};
  guint32 count = 0;
  gboolean whole = from.left >= sizeof magic && memcmp(from.at, magic, sizeof magic) == 0;
  if (whole) {
    from.at += sizeof magic;
    from.left -= sizeof magic;
    whole = take_number(&from, &count) && count >= 1 && count <= SOURCE_FILES_LIMIT;
  }
  for (guint32 i = 0; whole && i < count; i++)
    whole = take_file(&from, source);
  if (whole && from.left == 0 && source->total <= SOURCE_TOTAL_LIMIT)
    return g_steal_pointer(&source);
  sallyport_error_set(error, SALLYPORT_ERROR_BUG, "the configuration that was handed over is damaged");
  return NULL;
}
