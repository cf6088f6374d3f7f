#include "gateway/part.h"
#include <stddef.h>
#include <string.h>

/* The fields of each struct of conf.h, as data: kind and place. */
typedef enum { KIND_TEXT, KIND_LIST, KIND_UINT, KIND_UINT64, KIND_STRUCT, KIND_STRUCTS, KIND_WHERE } Kind;
typedef struct PartStruct PartStruct;
typedef struct { const char *name; Kind kind; gsize offset, size; const PartStruct *inner; } PartField;
struct PartStruct { const char *name; gsize size; const PartField *fields; guint n_fields; };

#define FIELD(type, field, kind, inner) {#field, kind, offsetof(type, field), sizeof(((type *)NULL)->field), inner}
#define TEXT(type, field) FIELD(type, field, KIND_TEXT, NULL)
#define LIST(type, field) FIELD(type, field, KIND_LIST, NULL)
#define UINT(type, field) FIELD(type, field, KIND_UINT, NULL)
#define UINT64(type, field) FIELD(type, field, KIND_UINT64, NULL)
#define WHERE(type) FIELD(type, where, KIND_WHERE, NULL)
#define STRUCT(type, field, inner) FIELD(type, field, KIND_STRUCT, &inner)
#define STRUCTS(type, field, inner) FIELD(type, field, KIND_STRUCTS, &inner)
#define DESCRIBE(variable, type, fields) \
  static const PartStruct variable = {#type, sizeof(type), fields, G_N_ELEMENTS(fields)}

static const PartField node_fields[] = {
    WHERE(ConfNode), TEXT(ConfNode, name), TEXT(ConfNode, state), TEXT(ConfNode, runtime), TEXT(ConfNode, time_zone),
    TEXT(ConfNode, gnupg_home), UINT(ConfNode, log_format), UINT(ConfNode, log_level), UINT(ConfNode, key_warning_days),
    UINT(ConfNode, archive_days)};
DESCRIBE(node_struct, ConfNode, node_fields);

static const PartField openpgp_fields[] = {
    WHERE(ConfOpenpgp), LIST(ConfOpenpgp, encrypt_to), LIST(ConfOpenpgp, signed_by), TEXT(ConfOpenpgp, decrypt_with),
    TEXT(ConfOpenpgp, sign_with), TEXT(ConfOpenpgp, passphrase_file)};
DESCRIBE(openpgp_struct, ConfOpenpgp, openpgp_fields);

static const PartField endpoint_fields[] = {
    WHERE(ConfEndpoint), TEXT(ConfEndpoint, name), TEXT(ConfEndpoint, url), UINT(ConfEndpoint, scheme),
    TEXT(ConfEndpoint, user), TEXT(ConfEndpoint, host), UINT(ConfEndpoint, port), TEXT(ConfEndpoint, folder),
    LIST(ConfEndpoint, host_keys), TEXT(ConfEndpoint, identity_file), TEXT(ConfEndpoint, passphrase_file),
    TEXT(ConfEndpoint, password_file), UINT(ConfEndpoint, connections), UINT(ConfEndpoint, connect_timeout),
    UINT(ConfEndpoint, io_timeout)};
DESCRIBE(endpoint_struct, ConfEndpoint, endpoint_fields);

static const PartField partner_fields[] = {WHERE(ConfPartner), TEXT(ConfPartner, name),
                                           STRUCT(ConfPartner, openpgp, openpgp_struct),
                                           STRUCTS(ConfPartner, endpoints, endpoint_struct)};
DESCRIBE(partner_struct, ConfPartner, partner_fields);

static const PartField field_fields[] = {
    WHERE(ConfField), TEXT(ConfField, name), UINT(ConfField, type), UINT(ConfField, width), UINT(ConfField, scale),
    TEXT(ConfField, format), LIST(ConfField, values), UINT(ConfField, optional), UINT(ConfField, mask),
    UINT(ConfField, control), TEXT(ConfField, control_field)};
DESCRIBE(field_struct, ConfField, field_fields);

static const PartField line_fields[] = {WHERE(ConfLine), UINT(ConfLine, present), TEXT(ConfLine, tag),
                                        STRUCTS(ConfLine, fields, field_struct)};
DESCRIBE(line_struct, ConfLine, line_fields);

static const PartField layout_fields[] = {
    WHERE(ConfLayout), TEXT(ConfLayout, name), TEXT(ConfLayout, delimiter), UINT(ConfLayout, quote),
    TEXT(ConfLayout, charset), UINT(ConfLayout, lines_by), UINT(ConfLayout, line_end), UINT(ConfLayout, line_limit),
    STRUCT(ConfLayout, header, line_struct), STRUCT(ConfLayout, record, line_struct),
    STRUCT(ConfLayout, trailer, line_struct)};
DESCRIBE(layout_struct, ConfLayout, layout_fields);

static const PartField source_fields[] = {
    WHERE(ConfSourceFolder), TEXT(ConfSourceFolder, endpoint), TEXT(ConfSourceFolder, path),
    TEXT(ConfSourceFolder, match), UINT(ConfSourceFolder, ready), TEXT(ConfSourceFolder, marker),
    LIST(ConfSourceFolder, temporary), UINT(ConfSourceFolder, looks), UINT(ConfSourceFolder, least_age),
    UINT(ConfSourceFolder, every), TEXT(ConfSourceFolder, cron), TEXT(ConfSourceFolder, time_zone),
    UINT(ConfSourceFolder, after), TEXT(ConfSourceFolder, archive), UINT64(ConfSourceFolder, size_limit),
    FIELD(ConfSourceFolder, schedule_where, KIND_WHERE, NULL)};
DESCRIBE(source_struct, ConfSourceFolder, source_fields);

static const PartField rule_fields[] = {WHERE(ConfRule), TEXT(ConfRule, name), TEXT(ConfRule, check),
                                        TEXT(ConfRule, code), TEXT(ConfRule, message)};
DESCRIBE(rule_struct, ConfRule, rule_fields);

static const PartField batch_fields[] = {WHERE(ConfBatch), UINT(ConfBatch, size_min), UINT(ConfBatch, size_max),
                                         UINT(ConfBatch, allow_any_size), UINT(ConfBatch, target_latency)};
DESCRIBE(batch_struct, ConfBatch, batch_fields);

static const PartField ledger_fields[] = {WHERE(ConfLedger), TEXT(ConfLedger, name), TEXT(ConfLedger, account),
                                          TEXT(ConfLedger, amount), UINT(ConfLedger, shards)};
DESCRIBE(ledger_struct, ConfLedger, ledger_fields);

static const PartField feedback_fields[] = {
    WHERE(ConfFeedback), TEXT(ConfFeedback, endpoint), TEXT(ConfFeedback, path), TEXT(ConfFeedback, name),
    TEXT(ConfFeedback, exception_name), TEXT(ConfFeedback, marker), LIST(ConfFeedback, columns),
    UINT(ConfFeedback, compress), UINT(ConfFeedback, if_exists)};
DESCRIBE(feedback_struct, ConfFeedback, feedback_fields);

static const PartField feed_fields[] = {
    WHERE(ConfFeed), TEXT(ConfFeed, name), TEXT(ConfFeed, partner), TEXT(ConfFeed, layout), TEXT(ConfFeed, key),
    TEXT(ConfFeed, business_date), UINT(ConfFeed, reject_file), UINT64(ConfFeed, plain_limit),
    UINT(ConfFeed, ratio_limit), UINT(ConfFeed, retry_limit), STRUCT(ConfFeed, source, source_struct),
    STRUCTS(ConfFeed, rules, rule_struct), STRUCT(ConfFeed, batch, batch_struct),
    STRUCT(ConfFeed, ledger, ledger_struct), STRUCT(ConfFeed, feedback, feedback_struct)};
DESCRIBE(feed_struct, ConfFeed, feed_fields);

static const PartField lane_fields[] = {WHERE(ConfLane), TEXT(ConfLane, name), UINT(ConfLane, threads),
                                        STRUCTS(ConfLane, feeds, feed_struct)};
DESCRIBE(lane_struct, ConfLane, lane_fields);

static const PartStruct *const all_structs[] = {
    &node_struct,   &openpgp_struct, &endpoint_struct, &partner_struct, &field_struct,    &line_struct, &layout_struct,
    &source_struct, &rule_struct,    &batch_struct,    &ledger_struct,  &feedback_struct, &feed_struct, &lane_struct};

static void put_text(GString *part, const char *text) {
  if (!text)
    return (void)g_string_append(part, "-\n");
  g_string_append_printf(part, "%" G_GSIZE_FORMAT ":%s\n", strlen(text), text); /* with its length: no text imitates two */
}

static void put_struct(GString *part, const PartStruct *described, const void *data);

static void put_list(GString *part, char *const *list) {
  for (; list && *list; list++)
    put_text(part, *list);
  g_string_append(part, "end\n");
}

static void put_structs(GString *part, const PartStruct *inner, const GPtrArray *array) {
  for (guint i = 0; array && i < array->len; i++)
    put_struct(part, inner, g_ptr_array_index(array, i));
  g_string_append(part, "end\n");
}

static void put_field(GString *part, const PartField *field, const char *at) {
  switch (field->kind) {
  case KIND_TEXT: put_text(part, *(char *const *)(const void *)at); break;
  case KIND_LIST: put_list(part, *(char *const *const *)(const void *)at); break;
  case KIND_UINT: g_string_append_printf(part, "%u\n", *(const guint *)(const void *)at); break;
  case KIND_UINT64: g_string_append_printf(part, "%" G_GUINT64_FORMAT "\n", *(const guint64 *)(const void *)at); break;
  case KIND_STRUCT: put_struct(part, field->inner, at); break;
  case KIND_STRUCTS: put_structs(part, field->inner, *(GPtrArray *const *)(const void *)at); break;
  case KIND_WHERE: break;
  }
}

static void put_struct(GString *part, const PartStruct *described, const void *data) {
  for (guint i = 0; i < described->n_fields; i++) {
    if (described->fields[i].kind == KIND_WHERE)
      continue;
    g_string_append_printf(part, "%s ", described->fields[i].name);
    put_field(part, &described->fields[i], (const char *)data + described->fields[i].offset);
  }
}

char *part_of_lane(const Conf *conf, const ConfLane *lane) {
  GString *part = g_string_new(NULL);
  put_struct(part, &node_struct, &conf->node);
  put_struct(part, &lane_struct, lane);
  for (guint i = 0; i < lane->feeds->len; i++) {
    const ConfFeed *feed = g_ptr_array_index(lane->feeds, i);
    const ConfPartner *partner = conf_partner(conf, feed->partner);
    const ConfLayout *layout = conf_layout(conf, feed->layout);
    if (partner)
      put_struct(part, &partner_struct, partner);
    if (layout)
      put_struct(part, &layout_struct, layout);
  }
  return g_string_free(part, FALSE);
}

static gsize uncovered_of(const PartStruct *described) {
  g_autofree guint8 *covered = g_malloc0(described->size + 1);
  gsize missing = 0, run = 0;
  for (guint i = 0; i < described->n_fields; i++)
    memset(covered + described->fields[i].offset, 1, described->fields[i].size);
  covered[described->size] = 1;
  for (gsize i = 0; i <= described->size; i++) {
    run = covered[i] ? 0 : run + 1;
    missing += run >= 8;
  }
  return missing;
}

gsize part_uncovered(const char **first) {
  gsize missing = 0;
  *first = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(all_structs); i++) {
    gsize here = uncovered_of(all_structs[i]);
    if (here && !*first)
      *first = all_structs[i]->name;
    missing += here;
  }
  return missing;
}
