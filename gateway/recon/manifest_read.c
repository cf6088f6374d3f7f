/* The manifest from bytes, which may come from anywhere: every member must be there, once, of its type and in range,
 * and no other. */
#include "gateway/recon/manifest.h"
#include <jansson.h>
#include <string.h>

typedef struct {
  json_t *object;    /* borrowed */
  gsize taken;       /* members asked for so far */
  const char *place; /* for messages */
  GError **error;    /* the first fault; NULL in *error: none yet */
} Members;

static void refuse_member(Members *members, const char *name, const char *what) {
  if (!*members->error)
    sallyport_error_set(members->error, SALLYPORT_ERROR_FILE, "manifest: %s: \"%s\" %s", members->place, name, what);
}

static json_t *take_member(Members *members, const char *name) {
  json_t *value = json_object_get(members->object, name);
  if (!value)
    refuse_member(members, name, "is missing");
  members->taken += value != NULL;
  return value;
}

static gboolean has_controls(const char *text) {
  for (; *text; text++)
    if ((guchar)*text < 0x20 || *text == 0x7f)
      return TRUE;
  return FALSE;
}

static char *take_text_or_null(Members *members, const char *name, gsize limit) {
  json_t *value = take_member(members, name);
  const char *text = json_string_value(value);
  if (!value || json_is_null(value))
    return NULL;
  if (!text || strlen(text) != json_string_length(value) || strlen(text) > limit) {
    refuse_member(members, name, "is no text, or too long");
    return NULL;
  }
  return g_strdup(text);
}

static char *take_text(Members *members, const char *name, gsize limit) {
  char *text = take_text_or_null(members, name, limit);
  if (!text)
    refuse_member(members, name, "is null");
  else if (has_controls(text) && strcmp(name, "delimiter") != 0)
    refuse_member(members, name, "has control characters");
  return text;
}

static guint64 take_number(Members *members, const char *name, guint64 most) {
  json_t *value = take_member(members, name);
  json_int_t number = json_integer_value(value);
  if (value && (!json_is_integer(value) || number < 0 || (guint64)number > most))
    refuse_member(members, name, "is no number in range");
  return number < 0 ? 0 : (guint64)number;
}

static gboolean take_boolean(Members *members, const char *name) {
  json_t *value = take_member(members, name);
  if (value && !json_is_boolean(value))
    refuse_member(members, name, "is neither true nor false");
  return json_is_true(value);
}

/* A total is there exactly when there is an amount column. */
static gint64 take_total(Members *members, const ReconManifest *manifest) {
  g_autofree char *text = take_text_or_null(members, "total", 32);
  gint64 total = 0;
  if (!text != !manifest->amount)
    refuse_member(members, "total", manifest->amount ? "is null" : "is there without an amount column");
  else if (text && !recon_decimal_parse(text, manifest->scale, &total))
    refuse_member(members, "total", "is no decimal number of the manifest's scale");
  return total;
}

static void finish(Members *members) {
  if (!*members->error && members->taken != json_object_size(members->object))
    sallyport_error_set(members->error, SALLYPORT_ERROR_FILE,
                        "manifest: %s has a member that this format does not know", members->place);
}

static char **take_columns(Members *members) {
  json_t *list = take_member(members, "columns");
  GPtrArray *columns = g_ptr_array_new();
  gsize i;
  json_t *value;
  if (list && (!json_is_array(list) || json_array_size(list) > 2000))
    refuse_member(members, "columns", "is no list, or too long");
  json_array_foreach(list, i, value) {
    const char *text = json_string_value(value);
    if (!text || strlen(text) > 200 || has_controls(text) || *members->error) {
      refuse_member(members, "columns", "has what is no name");
      break;
    }
    g_ptr_array_add(columns, g_strdup(text));
  }
  g_ptr_array_add(columns, NULL);
  return (char **)g_ptr_array_free(columns, FALSE);
}

static gint64 take_time(Members *members, const char *name) {
  g_autofree char *text = take_text(members, name, 20);
  g_autoptr(GDateTime) at = text && strlen(text) == 20 && text[19] == 'Z' ? g_date_time_new_from_iso8601(text, NULL)
                                                                          : NULL;
  if (text && !at)
    refuse_member(members, name, "is no time in UTC");
  return at ? g_date_time_to_unix(at) : 0;
}

static guint take_word(Members *members, const char *name, const char *const *words) {
  g_autofree char *text = take_text(members, name, 32);
  for (guint i = 0; text && words[i]; i++)
    if (strcmp(words[i], text) == 0)
      return i;
  if (text)
    refuse_member(members, name, "is none of the known words");
  return 0;
}

static void read_head(Members *members, ReconManifest *manifest) {
  static const char *const compressions[] = {"none", "gzip", "zstd", NULL}, *const encryptions[] = {"none", "openpgp",
                                                                                                    NULL};
  manifest->requester = take_text(members, "requester", 200);
  manifest->type = take_text(members, "type", 200);
  manifest->period = take_text(members, "period", 10);
  manifest->version = (guint)take_number(members, "version", 1000000);
  if (json_object_get(members->object, "supplements")) /* of a version that has all, it is not there */
    manifest->supplements = (guint)take_number(members, "supplements", 1000000);
  manifest->made_at = take_time(members, "made_at");
  manifest->columns = take_columns(members);
  manifest->amount = take_text_or_null(members, "amount", 200);
  manifest->scale = (guint)take_number(members, "scale", 18);
  manifest->delimiter = take_text(members, "delimiter", 8);
  manifest->charset = take_text(members, "charset", 40);
  manifest->line_end = take_text(members, "line_end", 8);
  manifest->quote = take_boolean(members, "quote");
  manifest->header_line = take_boolean(members, "header_line");
  manifest->threshold = take_number(members, "threshold", G_MAXUINT32);
  manifest->compression = (ReconCompress)take_word(members, "compression", compressions);
  manifest->encrypted = take_word(members, "encryption", encryptions) == 1;
  manifest->records = take_number(members, "records", G_MAXINT64);
  manifest->total = take_total(members, manifest);
}

static void read_shard(json_t *object, guint place, guint shards, ReconManifest *manifest, GError **error) {
  g_autofree char *shown = g_strdup_printf("shard %u", place);
  Members members = {.object = object, .place = shown, .error = error};
  ReconManifestShard *shard = g_new0(ReconManifestShard, 1);
  g_ptr_array_add(manifest->shards, shard);
  shard->number = (guint)take_number(&members, "number", RECON_SHARDS_MAX);
  if (take_number(&members, "of", RECON_SHARDS_MAX) != shards)
    refuse_member(&members, "of", "is not the number of shards");
  shard->name = take_text(&members, "name", 255);
  shard->url = take_text(&members, "url", 2000);
  shard->size = take_number(&members, "size", G_MAXINT64);
  shard->md5 = take_text(&members, "md5", 32);
  shard->sha256 = take_text(&members, "sha256", 64);
  shard->records = take_number(&members, "records", G_MAXINT64);
  shard->total = take_total(&members, manifest);
  shard->plain_size = take_number(&members, "plain_size", G_MAXINT64);
  shard->plain_sha256 = take_text(&members, "plain_sha256", 64);
  finish(&members);
}

static gboolean read_all(json_t *root, ReconManifest *manifest, GError **error) {
  Members members = {.object = root, .place = "the manifest", .error = error};
  g_autofree char *format = take_text(&members, "format", 64);
  if (format && strcmp(format, RECON_MANIFEST_FORMAT) != 0)
    refuse_member(&members, "format", "is not " RECON_MANIFEST_FORMAT);
  if (*error)
    return FALSE;
  read_head(&members, manifest);
  json_t *shards = take_member(&members, "shards");
  if (shards && (!json_is_array(shards) || json_array_size(shards) > RECON_SHARDS_MAX))
    refuse_member(&members, "shards", "is no list, or too long");
  finish(&members);
  gsize i;
  json_t *object;
  json_array_foreach(shards, i, object) {
    if (*error)
      return FALSE;
    if (!json_is_object(object))
      return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "manifest: shard %u is no object", (guint)i + 1);
    read_shard(object, (guint)i + 1, (guint)json_array_size(shards), manifest, error);
  }
  return !*error && recon_manifest_check(manifest, error);
}

ReconManifest *recon_manifest_from_json(const void *bytes, gsize length, GError **error) {
  json_error_t what;
  g_autoptr(GError) fault = NULL;
  if (length > RECON_MANIFEST_SIZE_MAX) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "manifest: larger than %u MiB",
                        (guint)(RECON_MANIFEST_SIZE_MAX >> 20));
    return NULL;
  }
  json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &what);
  if (!root) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "manifest: line %d: %s", what.line, what.text);
    return NULL;
  }
  g_autoptr(ReconManifest) manifest = recon_manifest_new();
  gboolean ok = json_is_object(root)
                    ? read_all(root, manifest, &fault)
                    : sallyport_error_set(&fault, SALLYPORT_ERROR_FILE, "manifest: it is no JSON object");
  json_decref(root);
  if (ok)
    return g_steal_pointer(&manifest);
  g_propagate_error(error, g_steal_pointer(&fault));
  return NULL;
}
