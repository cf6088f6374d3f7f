/* The manifest as bytes. Made by hand and not by a JSON library: the order of members and the spelling of each are what
 * is signed, and must not change with a library's version. */
#include "gateway/recon/manifest.h"
#include "gateway/common/json_put.h"
#include "gateway/common/json_text.h"
#include <string.h>

static void put_member(GString *json, const char *name, const char *text) {
  g_string_append_printf(json, "  \"%s\": ", name);
  json_put_shown(json, text);
  g_string_append(json, ",\n");
}

static void put_columns(GString *json, char **columns) {
  g_string_append(json, "  \"columns\": [");
  for (guint i = 0; columns[i]; i++) {
    g_string_append(json, i ? ", " : "");
    json_put_shown(json, columns[i]);
  }
  g_string_append(json, "],\n");
}

static char *shown_total(const ReconManifest *manifest, gint64 total) {
  return manifest->amount ? recon_decimal(total, manifest->scale) : NULL;
}

void recon_manifest_begin(const ReconManifest *manifest, guint shards, GString *json) {
  g_autofree char *total = shown_total(manifest, manifest->total);
  g_autofree char *made_at = json_text_utc(manifest->made_at * G_USEC_PER_SEC);
  g_string_append(json, "{\n");
  put_member(json, "format", RECON_MANIFEST_FORMAT);
  put_member(json, "requester", manifest->requester);
  put_member(json, "type", manifest->type);
  put_member(json, "period", manifest->period);
  g_string_append_printf(json, "  \"version\": %u,\n", manifest->version);
  if (manifest->supplements > 0)
    g_string_append_printf(json, "  \"supplements\": %u,\n", manifest->supplements);
  put_member(json, "made_at", made_at);
  put_columns(json, manifest->columns);
  put_member(json, "amount", manifest->amount);
  g_string_append_printf(json, "  \"scale\": %u,\n", manifest->scale);
  put_member(json, "delimiter", manifest->delimiter);
  put_member(json, "charset", manifest->charset);
  put_member(json, "line_end", manifest->line_end);
  g_string_append_printf(json, "  \"quote\": %s,\n", manifest->quote ? "true" : "false");
  g_string_append_printf(json, "  \"header_line\": %s,\n", manifest->header_line ? "true" : "false");
  g_string_append_printf(json, "  \"threshold\": %" G_GUINT64_FORMAT ",\n", manifest->threshold);
  put_member(json, "compression", recon_compress_word(manifest->compression));
  put_member(json, "encryption", manifest->encrypted ? "openpgp" : "none");
  g_string_append_printf(json, "  \"records\": %" G_GUINT64_FORMAT ",\n", manifest->records);
  put_member(json, "total", total);
  g_string_append_printf(json, "  \"shards\": [%s", shards ? "\n" : "");
}

void recon_manifest_add(const ReconManifest *manifest, const ReconManifestShard *shard, guint shards, GString *json) {
  g_autofree char *total = shown_total(manifest, shard->total);
  g_string_append_printf(json, "    {\"number\": %u, \"of\": %u, \"name\": ", shard->number, shards);
  json_put_shown(json, shard->name);
  g_string_append(json, ", \"url\": ");
  json_put_shown(json, shard->url);
  g_string_append_printf(json, ",\n     \"size\": %" G_GUINT64_FORMAT ", \"md5\": \"%s\", \"sha256\": \"%s\",\n",
                         shard->size, shard->md5, shard->sha256);
  g_string_append_printf(json, "     \"records\": %" G_GUINT64_FORMAT ", \"total\": ", shard->records);
  if (total)
    json_put_shown(json, total);
  else
    g_string_append(json, "null");
  g_string_append_printf(json, ", \"plain_size\": %" G_GUINT64_FORMAT ", \"plain_sha256\": \"%s\"}%s\n",
                         shard->plain_size, shard->plain_sha256, shard->number < shards ? "," : "");
}

void recon_manifest_end(guint shards, GString *json) {
  g_string_append(json, shards ? "  ]\n}\n" : "]\n}\n");
}

void recon_manifest_to_json(const ReconManifest *manifest, GString *json) {
  recon_manifest_begin(manifest, manifest->shards->len, json);
  for (guint i = 0; i < manifest->shards->len; i++)
    recon_manifest_add(manifest, manifest->shards->pdata[i], manifest->shards->len, json);
  recon_manifest_end(manifest->shards->len, json);
}

/* --- The delimited form. Its values hold no '|': names are plain, and requester, type and period are checked by the
 * configuration; whatever else could come is made a blank rather than a field. */

static void put_field(GString *text, const char *value) {
  for (const char *at = value ? value : ""; *at; at++)
    g_string_append_c(text, *at == '|' || (guchar)*at < 0x20 ? ' ' : *at);
  g_string_append_c(text, '|');
}

static void put_number(GString *text, guint64 value) {
  g_string_append_printf(text, "%" G_GUINT64_FORMAT "|", value);
}

void recon_manifest_text_begin(const ReconManifest *manifest, guint shards, GString *text) {
  g_autofree char *total = shown_total(manifest, manifest->total);
  g_autofree char *made_at = json_text_utc(manifest->made_at * G_USEC_PER_SEC);
  g_string_append(text, "H|");
  put_field(text, RECON_MANIFEST_FORMAT);
  put_field(text, manifest->requester);
  put_field(text, manifest->type);
  put_field(text, manifest->period);
  put_number(text, manifest->version);
  put_field(text, made_at);
  put_number(text, shards);
  put_number(text, manifest->records);
  g_string_append_printf(text, "%s\n", total ? total : "");
}

void recon_manifest_text_add(const ReconManifest *manifest, const ReconManifestShard *shard, guint shards,
                             GString *text) {
  g_autofree char *total = shown_total(manifest, shard->total);
  g_string_append(text, "D|");
  put_number(text, shard->number);
  put_number(text, shards);
  put_field(text, shard->name);
  put_field(text, shard->url);
  put_number(text, shard->size);
  put_field(text, shard->md5);
  put_field(text, shard->sha256);
  put_number(text, shard->records);
  put_field(text, total);
  put_number(text, shard->plain_size);
  g_string_append_printf(text, "%s\n", shard->plain_sha256);
}

void recon_manifest_text_end(const ReconManifest *manifest, guint shards, GString *text) {
  g_autofree char *total = shown_total(manifest, manifest->total);
  g_string_append_printf(text, "T|%u|%" G_GUINT64_FORMAT "|%s\n", shards, manifest->records, total ? total : "");
}
