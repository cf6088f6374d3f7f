#include "gateway/recon/manifest.h"
#include <string.h>

static const char *const compress_words[] = {"none", "gzip", "zstd"};

const char *recon_compress_word(ReconCompress compress) {
  return compress_words[compress];
}

ReconManifest *recon_manifest_new(void) {
  ReconManifest *manifest = g_new0(ReconManifest, 1);
  manifest->shards = g_ptr_array_new_with_free_func((GDestroyNotify)recon_manifest_shard_free);
  return manifest;
}

void recon_manifest_shard_free(ReconManifestShard *shard) {
  if (!shard)
    return;
  g_free(shard->name);
  g_free(shard->url);
  g_free(shard->md5);
  g_free(shard->sha256);
  g_free(shard->plain_sha256);
  g_free(shard);
}

void recon_manifest_free(ReconManifest *manifest) {
  if (!manifest)
    return;
  g_free(manifest->requester);
  g_free(manifest->type);
  g_free(manifest->period);
  g_strfreev(manifest->columns);
  g_free(manifest->amount);
  g_free(manifest->delimiter);
  g_free(manifest->charset);
  g_free(manifest->line_end);
  g_ptr_array_unref(manifest->shards);
  g_free(manifest);
}

/* --- Numbers and names */

char *recon_decimal(gint64 value, guint scale) {
  char digits[32];
  guint64 size = value < 0 ? 0 - (guint64)value : (guint64)value;
  int length = g_snprintf(digits, sizeof digits, "%0*" G_GUINT64_FORMAT, (int)scale + 1, size);
  int whole = length - (int)scale;
  return g_strdup_printf("%s%.*s%s%s", value < 0 ? "-" : "", whole, digits, scale ? "." : "", digits + whole);
}

gboolean recon_decimal_parse(const char *text, guint scale, gint64 *value) {
  const char *at = text;
  gint64 sum = 0;
  gboolean is_negative = *at == '-';
  at += is_negative;
  for (; g_ascii_isdigit(*at) || *at == '.'; at++)
    if (*at != '.' && (__builtin_mul_overflow(sum, 10, &sum) ||
                       __builtin_sub_overflow(sum, *at - '0', &sum))) /* downwards: the least has no opposite */
      return FALSE;
  if (*at || (!is_negative && __builtin_sub_overflow(0, sum, &sum)))
    return FALSE;
  *value = sum;
  g_autofree char *again = recon_decimal(sum, scale);
  return strcmp(again, text) == 0; /* one spelling only: no "-0", "01", "1.", ".5" */
}

gboolean recon_name_is_plain(const char *name) {
  gsize length = strlen(name);
  if (length == 0 || length > 200 || name[0] == '.' || name[0] == '-' || !g_utf8_validate(name, (gssize)length, NULL))
    return FALSE;
  for (const char *at = name; *at; at = g_utf8_next_char(at))
    if (!g_unichar_isgraph(g_utf8_get_char(at)) || strchr("/\\:*?\"<>|", *at))
      return FALSE;
  return TRUE;
}

char *recon_object_url(const char *front_url, const char *object) {
  gboolean slash = g_str_has_suffix(front_url, "/");
  return g_strdup_printf("%s%sv1/objects/%s", front_url, slash ? "" : "/", object);
}

char *recon_relative_url(const char *name) {
  return g_uri_escape_string(name, NULL, FALSE);
}

/* --- Check */

static gboolean is_hex(const char *text, gsize digits) {
  return text && strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static gboolean fault(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean fault(GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "manifest: %s", text);
}

static gboolean check_url(const ReconManifestShard *shard) {
  g_autofree char *relative = recon_relative_url(shard->name);
  if (!shard->url)
    return FALSE;
  for (const char *at = shard->url; *at; at++)
    if (*at <= ' ' || *at >= 127 || strchr("\"<>\\^`{|}", *at))
      return FALSE;
  return strcmp(shard->url, relative) == 0 || g_str_has_prefix(shard->url, "https://") ||
         g_str_has_prefix(shard->url, "http://");
}

static gboolean check_shard(const ReconManifest *manifest, const ReconManifestShard *shard, guint number,
                            GError **error) {
  gboolean is_last = number == manifest->shards->len,
           is_bare = manifest->compression == RECON_COMPRESS_NONE && !manifest->encrypted;
  if (shard->number != number)
    return fault(error, "shard %u stands where %u belongs", shard->number, number);
  if (!shard->name || !recon_name_is_plain(shard->name))
    return fault(error, "shard %u: its name is no plain file name", number);
  if (!check_url(shard))
    return fault(error, "shard %u: \"url\" is neither http(s) nor the name", number);
  if (!is_hex(shard->md5, 32) || !is_hex(shard->sha256, 64) || !is_hex(shard->plain_sha256, 64))
    return fault(error, "shard %u: a digest is not lower-case hexadecimal of its length", number);
  if (is_bare && (shard->size != shard->plain_size || strcmp(shard->sha256, shard->plain_sha256) != 0))
    return fault(error, "shard %u: plain size or digest differ although it is neither compressed nor encrypted",
                 number);
  if (shard->records == 0 || shard->records > manifest->threshold ||
      (!is_last && shard->records != manifest->threshold))
    return fault(error, "shard %u: %" G_GUINT64_FORMAT " records at a threshold of %" G_GUINT64_FORMAT, number,
                 shard->records, manifest->threshold);
  return manifest->amount || shard->total == 0 || fault(error, "shard %u: a total without an amount column", number);
}

static gboolean check_shards(const ReconManifest *manifest, GError **error) {
  g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
  guint64 records = 0;
  gint64 total = 0;
  for (guint i = 0; i < manifest->shards->len; i++) {
    const ReconManifestShard *shard = manifest->shards->pdata[i];
    if (!check_shard(manifest, shard, i + 1, error))
      return FALSE;
    if (!g_hash_table_add(names, shard->name))
      return fault(error, "shard %u: the name %s is there twice", i + 1, shard->name);
    if (__builtin_add_overflow(records, shard->records, &records) ||
        __builtin_add_overflow(total, shard->total, &total))
      return fault(error, "shard %u: the sum leaves 64 bits", i + 1);
  }
  if (records != manifest->records)
    return fault(error, "%" G_GUINT64_FORMAT " records are declared, the shards have %" G_GUINT64_FORMAT,
                 manifest->records, records);
  return total == manifest->total || fault(error, "the declared total is not the sum of the shards' totals");
}

static gboolean is_period(const char *text) {
  static const char form[] = "dddd-dd-dd";
  gsize length = text ? strlen(text) : 0;
  for (gsize i = 0; i < length && i < sizeof form - 1; i++)
    if (form[i] == 'd' ? !g_ascii_isdigit(text[i]) : text[i] != '-')
      return FALSE;
  return length == 10 || length == 7;
}

gboolean recon_manifest_check(const ReconManifest *manifest, GError **error) {
  if (!manifest->requester || !manifest->requester[0] || !manifest->type || !manifest->type[0])
    return fault(error, "requester or type is empty");
  if (!is_period(manifest->period))
    return fault(error, "the period is neither a day nor a month");
  if (manifest->version == 0 || manifest->threshold == 0 || manifest->scale > 18 || manifest->made_at <= 0)
    return fault(error, "version, threshold, scale or made_at is out of range");
  if (manifest->supplements >= manifest->version)
    return fault(error, "it supplements no earlier version");
  if (!manifest->columns || !manifest->columns[0])
    return fault(error, "there are no columns");
  if (manifest->amount && !g_strv_contains((const char *const *)manifest->columns, manifest->amount))
    return fault(error, "the amount column \"%s\" is none of the columns", manifest->amount);
  if (!manifest->delimiter || !manifest->delimiter[0] || !manifest->charset || !manifest->charset[0])
    return fault(error, "delimiter or charset is empty");
  if (g_strcmp0(manifest->line_end, "lf") != 0 && g_strcmp0(manifest->line_end, "crlf") != 0)
    return fault(error, "line_end is neither lf nor crlf");
  if (manifest->shards->len > RECON_SHARDS_MAX)
    return fault(error, "%u shards, more than %u", manifest->shards->len, RECON_SHARDS_MAX);
  return check_shards(manifest, error);
}
