#include "gateway/flow/admission/declarations.h"
#include "gateway/base/files.h"
#include "gateway/flow/flow.h"
#include "gateway/common/log.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What is kept of indexes that stay in the folder; beyond it the oldest names have to be taken away first, and the log
 * tells of it. */
enum { MOST_KEPT = 64 << 20 };

typedef struct {
  guint64 size;
  gint64 modified;
  GHashTable *entries; /* NULL: there is a problem */
  char *problem;
  gboolean may_grow; /* it did not end with a line end when it was read */
  guint looks;
} Declaration;

struct Declarations {
  const ConfSourceFolder *source;
  GHashTable *read;   /* name → Declaration */
  GHashTable *listed; /* name → CourierEntry (borrowed from the look's entries): those that declare */
  guint64 kept;       /* bytes */
  gint stale;         /* atomic: what was read is to be read again */
};

static void declaration_free(gpointer data) {
  Declaration *declaration = data;
  g_clear_pointer(&declaration->entries, g_hash_table_unref);
  g_free(declaration->problem);
  g_free(declaration);
}

Declarations *declarations_new(const ConfSourceFolder *source) {
  if (!source->declared.present)
    return NULL;
  Declarations *declarations = g_new0(Declarations, 1);
  declarations->source = source;
  declarations->read = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                             declaration_free);
  declarations->listed = g_hash_table_new(g_bytes_hash, g_bytes_equal);
  return declarations;
}

void declarations_free(Declarations *declarations) {
  if (!declarations)
    return;
  g_hash_table_unref(declarations->read);
  g_hash_table_unref(declarations->listed);
  g_free(declarations);
}

/* --- Reading one */

static char *read_all(int fd, gsize length) {
  char *text = g_malloc(length + 1);
  gsize done = 0;
  while (done < length) {
    ssize_t got = pread(fd, text + done, length - done, (off_t)done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    done += (gsize)got;
  }
  text[done] = '\0';
  return done == length ? text : (g_free(text), NULL);
}

/* NULL with *problem: it cannot be read; NULL with *error: the connection is lost, or our own disk. */
static char *fetch_text(Courier *courier, const char *scratch, const char *path, gsize *length, char **problem,
                        GError **error) {
  g_autoptr(GError) refused = NULL;
  guint64 end = 0;
  int fd = files_open_unnamed(scratch, error);
  if (fd < 0)
    return NULL;
  CourierGet get = {.path = path, .size_limit = DECLARED_MOST_BYTES, .fd = fd};
  char *text = NULL;
  if (courier_get(courier, &get, &end, &refused)) {
    text = read_all(fd, (gsize)end);
    *length = (gsize)end;
    if (!text)
      sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "what was fetched of %s cannot be read back", path);
  } else if (courier_is_lost(courier)) {
    g_propagate_error(error, g_steal_pointer(&refused));
  } else {
    *problem = g_strdup(refused->message);
  }
  close(fd);
  return text;
}

static char *path_of(const ConfSourceFolder *source, GBytes *name) {
  gsize length;
  const char *bytes = g_bytes_get_data(name, &length);
  return remote_path_join(source->path, bytes, length);
}

static char *shown(GBytes *name) {
  gsize length;
  const char *bytes = g_bytes_get_data(name, &length);
  return files_show_bytes(bytes, length, 0);
}

static void name_entries(GHashTable *entries, GBytes *name) {
  GHashTableIter iterator;
  gpointer entry;
  g_hash_table_iter_init(&iterator, entries);
  while (g_hash_table_iter_next(&iterator, NULL, &entry)) {
    g_free(((Declared *)entry)->file);
    ((Declared *)entry)->file = shown(name);
  }
}

static gboolean read_one(Declarations *declarations, const DeclarationsLook *look, const CourierEntry *entry,
                         const char *told_before, Declaration *into, GError **error) {
  gsize length = 0;
  g_autofree char *path = path_of(declarations->source, entry->name), *told = shown(entry->name), *text = NULL;
  if (!entry->is_file || entry->size > DECLARED_MOST_BYTES)
    into->problem = g_strdup(entry->is_file ? "larger than 1 MiB" : "no plain file");
  else if (!(text = fetch_text(look->courier, look->scratch, path, &length, &into->problem, error)) && !into->problem)
    return FALSE;
  if (text)
    into->entries = declared_parse(&declarations->source->declared, text, length, &into->problem);
  if (into->entries)
    name_entries(into->entries, entry->name);
  into->may_grow = length == 0 || text[length - 1] != '\n';
  if (into->problem) {
    char *whole = g_strdup_printf("declaration %s: %s", told, into->problem);
    g_free(into->problem);
    into->problem = whole;
    if (g_strcmp0(whole, told_before) != 0)
      log_event(LOG_WARNING, "declaration-unreadable", {"feed", look->feed}, {"name", told}, {"problem", whole});
  }
  return TRUE;
}

/* The declaration as it is listed now, from memory or read. One with a problem is read at every look: it may be
 * repaired within the second that its time stamp knows, to the same size. NULL without error: no more can be kept. */
static Declaration *load(Declarations *declarations, const DeclarationsLook *look, const CourierEntry *entry,
                         GError **error) {
  Declaration *known = g_hash_table_lookup(declarations->read, entry->name);
  gboolean is_listed_so = known && known->size == entry->size && known->modified == entry->modified;
  if (is_listed_so && (!known->problem || known->looks == 0))
    return known;
  g_autofree char *told_before = known ? g_strdup(known->problem) : NULL;
  if (known) {
    declarations->kept -= known->size;
    g_hash_table_remove(declarations->read, entry->name);
  }
  if (declarations->kept + entry->size > MOST_KEPT && entry->size <= DECLARED_MOST_BYTES) {
    log_event(LOG_WARNING, "too-many-declarations", {"feed", look->feed},
              {"bytes", log_number((gint64)declarations->kept)});
    return NULL;
  }
  Declaration *made = g_new0(Declaration, 1);
  made->size = entry->size;
  made->modified = entry->modified;
  if (!read_one(declarations, look, entry, told_before, made, error)) {
    declaration_free(made);
    return NULL;
  }
  declarations->kept += made->size;
  g_hash_table_insert(declarations->read, g_bytes_ref(entry->name), made);
  return made;
}

/* --- A poll */

static gboolean declares(const ConfSourceFolder *source, GBytes *name) {
  return strchr(source->declared.file, '{') ? !admit_is_candidate(source, name) : admit_is_index(source, name);
}

static gboolean is_gone(gpointer name, gpointer data, gpointer user) {
  Declarations *declarations = user;
  Declaration *declaration = data;
  const CourierEntry *entry = g_hash_table_lookup(declarations->listed, name);
  declaration->looks++;
  if (entry)
    return FALSE;
  declarations->kept -= declaration->size;
  return TRUE;
}

gboolean declarations_look(Declarations *declarations, const DeclarationsLook *look, GError **error) {
  if (!declarations)
    return TRUE;
  gboolean has_indexes = !strchr(declarations->source->declared.file, '{');
  g_hash_table_remove_all(declarations->listed);
  if (g_atomic_int_compare_and_exchange(&declarations->stale, 1, 0)) {
    g_hash_table_remove_all(declarations->read);
    declarations->kept = 0;
  }
  for (guint i = 0; i < look->entries->len; i++) {
    CourierEntry *entry = look->entries->pdata[i];
    if (declares(declarations->source, entry->name))
      g_hash_table_insert(declarations->listed, entry->name, entry);
  }
  g_hash_table_foreach_remove(declarations->read, is_gone, declarations);
  for (guint i = 0; has_indexes && i < look->entries->len; i++) {
    GError *lost = NULL;
    CourierEntry *entry = look->entries->pdata[i];
    if (g_hash_table_contains(declarations->listed, entry->name) && !load(declarations, look, entry, &lost) && lost) {
      g_propagate_error(error, lost);
      return FALSE;
    }
  }
  return TRUE;
}

static char *problem_of(const Declaration *declaration, GBytes *name) {
  if (declaration->problem)
    return g_strdup(declaration->problem);
  if (!declaration->may_grow || declaration->looks > 0)
    return NULL;
  g_autofree char *told = shown(name);
  return g_strdup_printf("declaration %s: it does not end with a line end: looked at once more", told);
}

static const Declared *entry_for(const Declaration *declaration, GBytes *name) {
  g_autoptr(GBytes) unnamed = g_bytes_new_static("", 0);
  const Declared *named = g_hash_table_lookup(declaration->entries, name);
  return named ? named : g_hash_table_lookup(declaration->entries, unnamed);
}

static gboolean find_beside(Declarations *declarations, const DeclarationsLook *look, GBytes *name,
                            const Declared **found, char **problem, GError **error) {
  g_autoptr(GBytes) companion = admit_companion(declarations->source, COMPANION_DECLARATION, name);
  const CourierEntry *entry = g_hash_table_lookup(declarations->listed, companion);
  if (!entry)
    return TRUE;
  GError *lost = NULL;
  Declaration *declaration = load(declarations, look, entry, &lost);
  if (lost) {
    g_propagate_error(error, lost);
    return FALSE;
  }
  if (!declaration) {
    *problem = g_strdup("too many declarations to be kept in memory");
    return TRUE;
  }
  if ((*problem = problem_of(declaration, companion)))
    return TRUE;
  *found = entry_for(declaration, name);
  if (!*found) {
    g_autofree char *told = shown(companion);
    *problem = g_strdup_printf("declaration %s: it is about another file", told);
  }
  return TRUE;
}

/* An index that cannot be read may be the one that declares this file. */
static void find_in_indexes(Declarations *declarations, GBytes *name, const Declared **found, char **problem) {
  GHashTableIter iterator;
  gpointer index, data;
  g_autofree char *unreadable = NULL;
  g_hash_table_iter_init(&iterator, declarations->read);
  while (g_hash_table_iter_next(&iterator, &index, &data) && !*problem) {
    const Declaration *declaration = data;
    const Declared *entry = declaration->entries ? g_hash_table_lookup(declaration->entries, name) : NULL;
    g_autofree char *wrong = entry || declaration->problem ? problem_of(declaration, index) : NULL;
    if (wrong) {
      g_free(unreadable);
      unreadable = g_steal_pointer(&wrong);
    } else if (entry && *found && !declared_equal(entry, *found)) {
      *problem = g_strdup_printf("declarations %s and %s contradict each other", (*found)->file, entry->file);
    } else if (entry) {
      *found = entry;
    }
  }
  if (!*problem && !*found && unreadable)
    *problem = g_steal_pointer(&unreadable);
  if (*problem)
    *found = NULL;
}

gboolean declarations_find(Declarations *declarations, const DeclarationsLook *look, GBytes *name,
                           const Declared **found, char **problem, GError **error) {
  *found = NULL;
  *problem = NULL;
  if (!declarations)
    return TRUE;
  if (strchr(declarations->source->declared.file, '{'))
    return find_beside(declarations, look, name, found, problem, error);
  find_in_indexes(declarations, name, found, problem);
  return TRUE;
}

void declarations_read_anew(Declarations *declarations) {
  if (declarations)
    g_atomic_int_set(&declarations->stale, 1);
}

/* --- Asked anew */

char *declared_path(const DeclaredPlace *place, const Declared *was) {
  g_autoptr(GBytes) companion = admit_companion(place->source, COMPANION_DECLARATION, place->name);
  gsize length;
  if (companion) {
    const char *bytes = g_bytes_get_data(companion, &length);
    return remote_path_join(place->folder, bytes, length);
  }
  return was->file && !strchr(was->file, '\\') ? remote_path_join(place->folder, was->file, strlen(was->file)) : NULL;
}

GHashTable *declared_read_again(const DeclaredPlace *place, const Declared *was, GError **error) {
  gsize length = 0;
  g_autofree char *path = declared_path(place, was), *problem = NULL;
  CourierStat stat = {0};
  if (!path)
    return NULL;
  if (!courier_stat(place->courier, path, &stat, error) || !stat.exists)
    return NULL;
  g_autofree char *text = fetch_text(place->courier, place->scratch, path, &length, &problem, error);
  return text ? declared_parse(&place->source->declared, text, length, &problem) : NULL;
}

gboolean declared_has_changed(const DeclaredPlace *place, const Declared *was, gboolean *changed, GError **error) {
  GError *lost = NULL;
  *changed = FALSE;
  g_autofree char *path = declared_path(place, was);
  if (!path)
    return TRUE;
  g_autoptr(GHashTable) entries = declared_read_again(place, was, &lost);
  if (lost) {
    g_propagate_error(error, lost);
    return FALSE;
  }
  const Declaration now = {.entries = entries};
  const Declared *entry = entries ? entry_for(&now, place->name) : NULL;
  *changed = !entry || !declared_equal(entry, was);
  return TRUE;
}
