#include "gateway/supervisor/lane_fingerprint.h"
#include <stddef.h>
#include <string.h>

/* The fields of each struct of conf.h, as data: kind and place. */
typedef enum {
  KIND_TEXT,
  KIND_LIST,
  KIND_UINT,
  KIND_UINT64,
  KIND_STRUCT,
  KIND_STRUCTS,
  KIND_BYTE,
  KIND_WHERE,
  KIND_ELSEWHERE
} Kind;
typedef struct PartStruct PartStruct;
typedef struct {
  const char *name;
  Kind kind;
  gsize offset, size;
  const PartStruct *inner;
} PartField;
struct PartStruct {
  const char *name;
  gsize size;
  const PartField *fields;
  guint n_fields;
};

#define FIELD(type, field, kind, inner) \
  { #field, kind, offsetof(type, field), sizeof(((type *)NULL)->field), inner }
#define TEXT(type, field) FIELD(type, field, KIND_TEXT, NULL)
#define LIST(type, field) FIELD(type, field, KIND_LIST, NULL)
#define UINT(type, field) FIELD(type, field, KIND_UINT, NULL)
#define UINT64(type, field) FIELD(type, field, KIND_UINT64, NULL)
#define BYTE(type, field) FIELD(type, field, KIND_BYTE, NULL)
#define ELSEWHERE(type, field) FIELD(type, field, KIND_ELSEWHERE, NULL) /* no lane's matter: part_of_… says whose */
#define WHERE(type) FIELD(type, where, KIND_WHERE, NULL)
#define STRUCT(type, field, inner) FIELD(type, field, KIND_STRUCT, &inner)
#define STRUCTS(type, field, inner) FIELD(type, field, KIND_STRUCTS, &inner)
#define DESCRIBE(variable, type, fields) \
  static const PartStruct variable = {#type, sizeof(type), fields, G_N_ELEMENTS(fields)}

static const PartField node_fields[] = {WHERE(ConfNode),
                                        TEXT(ConfNode, name),
                                        TEXT(ConfNode, state),
                                        TEXT(ConfNode, runtime),
                                        TEXT(ConfNode, time_zone),
                                        TEXT(ConfNode, gnupg_home),
                                        UINT(ConfNode, log_format),
                                        UINT(ConfNode, log_level),
                                        UINT(ConfNode, key_warning_days),
                                        UINT(ConfNode, archive_days)};
DESCRIBE(node_struct, ConfNode, node_fields);

static const PartField openpgp_fields[] = {WHERE(ConfOpenpgp),           LIST(ConfOpenpgp, encrypt_to),
                                           LIST(ConfOpenpgp, signed_by), TEXT(ConfOpenpgp, decrypt_with),
                                           TEXT(ConfOpenpgp, sign_with), TEXT(ConfOpenpgp, passphrase_file)};
DESCRIBE(openpgp_struct, ConfOpenpgp, openpgp_fields);

static const PartField endpoint_fields[] = {WHERE(ConfEndpoint),
                                            TEXT(ConfEndpoint, name),
                                            TEXT(ConfEndpoint, url),
                                            UINT(ConfEndpoint, scheme),
                                            TEXT(ConfEndpoint, user),
                                            TEXT(ConfEndpoint, host),
                                            UINT(ConfEndpoint, port),
                                            TEXT(ConfEndpoint, folder),
                                            LIST(ConfEndpoint, host_keys),
                                            TEXT(ConfEndpoint, identity_file),
                                            TEXT(ConfEndpoint, passphrase_file),
                                            TEXT(ConfEndpoint, password_file),
                                            UINT(ConfEndpoint, connections),
                                            UINT(ConfEndpoint, connect_timeout),
                                            UINT(ConfEndpoint, io_timeout),
                                            UINT(ConfEndpoint, clear_text),
                                            TEXT(ConfEndpoint, ca_file),
                                            LIST(ConfEndpoint, tls_keys),
                                            TEXT(ConfEndpoint, certificate_file),
                                            TEXT(ConfEndpoint, private_key_file),
                                            TEXT(ConfEndpoint, token_file),
                                            TEXT(ConfEndpoint, listing_time_zone)};
DESCRIBE(endpoint_struct, ConfEndpoint, endpoint_fields);

static const PartField access_fields[] = {WHERE(ConfAccess), LIST(ConfAccess, token_sha256),
                                          LIST(ConfAccess, certificate_sha256)};
DESCRIBE(access_struct, ConfAccess, access_fields);

static const PartField partner_fields[] = {WHERE(ConfPartner),
                                           TEXT(ConfPartner, name),
                                           UINT(ConfPartner, is_system),
                                           ELSEWHERE(ConfPartner, access),
                                           STRUCT(ConfPartner, openpgp, openpgp_struct),
                                           STRUCTS(ConfPartner, endpoints, endpoint_struct)};
DESCRIBE(partner_struct, ConfPartner, partner_fields);

static const PartField field_fields[] = {
    WHERE(ConfField),         TEXT(ConfField, name),          UINT(ConfField, type),
    UINT(ConfField, width),   UINT(ConfField, scale),         TEXT(ConfField, format),
    LIST(ConfField, values),  UINT(ConfField, optional),      UINT(ConfField, mask),
    UINT(ConfField, control), TEXT(ConfField, control_field), TEXT(ConfField, control_record),
    UINT(ConfField, bytes),   UINT(ConfField, align_right),   BYTE(ConfField, pad),
    UINT(ConfField, implied), UINT(ConfField, sign)};
DESCRIBE(field_struct, ConfField, field_fields);

static const PartField line_fields[] = {WHERE(ConfLine), UINT(ConfLine, present), TEXT(ConfLine, tag),
                                        STRUCTS(ConfLine, fields, field_struct)};
DESCRIBE(line_struct, ConfLine, line_fields);

static const PartField layout_fields[] = {WHERE(ConfLayout),
                                          TEXT(ConfLayout, name),
                                          TEXT(ConfLayout, delimiter),
                                          UINT(ConfLayout, quote),
                                          TEXT(ConfLayout, charset),
                                          UINT(ConfLayout, lines_by),
                                          UINT(ConfLayout, line_end),
                                          UINT(ConfLayout, line_limit),
                                          STRUCT(ConfLayout, header, line_struct),
                                          STRUCT(ConfLayout, record, line_struct),
                                          STRUCT(ConfLayout, trailer, line_struct),
                                          UINT(ConfLayout, kind),
                                          STRUCTS(ConfLayout, records, line_struct),
                                          UINT(ConfLayout, tag_bytes)};
DESCRIBE(layout_struct, ConfLayout, layout_fields);

static const PartField declared_fields[] = {WHERE(ConfDeclared),         UINT(ConfDeclared, present),
                                            TEXT(ConfDeclared, file),    UINT(ConfDeclared, format),
                                            LIST(ConfDeclared, columns), TEXT(ConfDeclared, delimiter)};
DESCRIBE(declared_struct, ConfDeclared, declared_fields);

static const PartField source_fields[] = {WHERE(ConfSourceFolder),
                                          TEXT(ConfSourceFolder, endpoint),
                                          TEXT(ConfSourceFolder, path),
                                          TEXT(ConfSourceFolder, match),
                                          UINT(ConfSourceFolder, ready),
                                          TEXT(ConfSourceFolder, marker),
                                          LIST(ConfSourceFolder, temporary),
                                          UINT(ConfSourceFolder, looks),
                                          UINT(ConfSourceFolder, least_age),
                                          UINT(ConfSourceFolder, every),
                                          TEXT(ConfSourceFolder, cron),
                                          TEXT(ConfSourceFolder, time_zone),
                                          UINT(ConfSourceFolder, after),
                                          TEXT(ConfSourceFolder, archive),
                                          UINT64(ConfSourceFolder, size_limit),
                                          FIELD(ConfSourceFolder, schedule_where, KIND_WHERE, NULL),
                                          TEXT(ConfSourceFolder, calendar),
                                          UINT(ConfSourceFolder, envelope),
                                          TEXT(ConfSourceFolder, signature),
                                          UINT(ConfSourceFolder, outer_packing),
                                          UINT(ConfSourceFolder, inner_packing),
                                          STRUCT(ConfSourceFolder, declared, declared_struct)};
DESCRIBE(source_struct, ConfSourceFolder, source_fields);

static const PartField rule_fields[] = {WHERE(ConfRule), TEXT(ConfRule, name), TEXT(ConfRule, check),
                                        TEXT(ConfRule, code), TEXT(ConfRule, message)};
DESCRIBE(rule_struct, ConfRule, rule_fields);

static const PartField batch_fields[] = {WHERE(ConfBatch),
                                         UINT(ConfBatch, size_min),
                                         UINT(ConfBatch, size_max),
                                         UINT(ConfBatch, allow_any_size),
                                         UINT(ConfBatch, target_latency),
                                         UINT(ConfBatch, threads_min),
                                         UINT(ConfBatch, threads_max)};
DESCRIBE(batch_struct, ConfBatch, batch_fields);

static const PartField ledger_fields[] = {WHERE(ConfLedger), TEXT(ConfLedger, name), TEXT(ConfLedger, account),
                                          TEXT(ConfLedger, amount), UINT(ConfLedger, shards)};
DESCRIBE(ledger_struct, ConfLedger, ledger_fields);

static const PartField http_fields[] = {TEXT(ConfHttp, system), TEXT(ConfHttp, endpoint), TEXT(ConfHttp, path),
                                        UINT(ConfHttp, body),   UINT(ConfHttp, timeout),  LIST(ConfHttp, columns)};
DESCRIBE(http_struct, ConfHttp, http_fields);

static const PartField deliver_fields[] = {
    TEXT(ConfDeliver, system),     TEXT(ConfDeliver, endpoint), TEXT(ConfDeliver, path),
    TEXT(ConfDeliver, name),       TEXT(ConfDeliver, marker),   UINT(ConfDeliver, envelope),
    LIST(ConfDeliver, encrypt_to), UINT(ConfDeliver, packing),  UINT(ConfDeliver, if_exists)};
DESCRIBE(deliver_struct, ConfDeliver, deliver_fields);

static const PartField feedback_fields[] = {
    WHERE(ConfFeedback),          TEXT(ConfFeedback, endpoint),       TEXT(ConfFeedback, path),
    TEXT(ConfFeedback, name),     TEXT(ConfFeedback, exception_name), TEXT(ConfFeedback, marker),
    LIST(ConfFeedback, columns),  UINT(ConfFeedback, compress),       UINT(ConfFeedback, if_exists),
    UINT(ConfFeedback, envelope), UINT(ConfFeedback, packing),        UINT(ConfFeedback, outer_packing),
    TEXT(ConfFeedback, member),   TEXT(ConfFeedback, charset),        TEXT(ConfFeedback, delimiter),
    TEXT(ConfFeedback, line_end), UINT(ConfFeedback, neutralise),     TEXT(ConfFeedback, digest)};
DESCRIBE(feedback_struct, ConfFeedback, feedback_fields);

static const PartField repeats_fields[] = {WHERE(ConfRepeats), UINT(ConfRepeats, same_file),
                                           UINT(ConfRepeats, same_name), UINT(ConfRepeats, same_content),
                                           UINT(ConfRepeats, keys)};
DESCRIBE(repeats_struct, ConfRepeats, repeats_fields);

static const PartField sequence_fields[] = {WHERE(ConfSequence),           UINT(ConfSequence, present),
                                            TEXT(ConfSequence, name),      TEXT(ConfSequence, header_field),
                                            UINT64(ConfSequence, first),   UINT64(ConfSequence, most),
                                            UINT(ConfSequence, reset),     UINT(ConfSequence, on_reused),
                                            UINT(ConfSequence, on_gap),    UINT(ConfSequence, on_late),
                                            UINT(ConfSequence, wait_limit)};
DESCRIBE(sequence_struct, ConfSequence, sequence_fields);

static const PartField expect_fields[] = {
    WHERE(ConfExpect),          TEXT(ConfExpect, name),       UINT(ConfExpect, by),
    UINT(ConfExpect, from),     UINT(ConfExpect, day_offset), UINT(ConfExpect, files),
    TEXT(ConfExpect, calendar), TEXT(ConfExpect, time_zone)};
DESCRIBE(expect_struct, ConfExpect, expect_fields);

static const PartField cut_off_fields[] = {WHERE(ConfCutOff),           UINT(ConfCutOff, present),
                                           UINT(ConfCutOff, at),        TEXT(ConfCutOff, calendar),
                                           TEXT(ConfCutOff, time_zone), UINT(ConfCutOff, after)};
DESCRIBE(cut_off_struct, ConfCutOff, cut_off_fields);

static const PartField feed_fields[] = {WHERE(ConfFeed),
                                        TEXT(ConfFeed, name),
                                        TEXT(ConfFeed, partner),
                                        TEXT(ConfFeed, layout),
                                        TEXT(ConfFeed, key),
                                        TEXT(ConfFeed, business_date),
                                        UINT(ConfFeed, reject_file),
                                        UINT64(ConfFeed, plain_limit),
                                        UINT(ConfFeed, ratio_limit),
                                        UINT(ConfFeed, retry_limit),
                                        STRUCT(ConfFeed, source, source_struct),
                                        STRUCTS(ConfFeed, rules, rule_struct),
                                        STRUCT(ConfFeed, batch, batch_struct),
                                        STRUCT(ConfFeed, ledger, ledger_struct),
                                        STRUCT(ConfFeed, feedback, feedback_struct),
                                        UINT(ConfFeed, process),
                                        STRUCT(ConfFeed, http, http_struct),
                                        STRUCT(ConfFeed, deliver, deliver_struct),
                                        STRUCT(ConfFeed, repeats, repeats_struct),
                                        STRUCT(ConfFeed, sequence, sequence_struct),
                                        STRUCTS(ConfFeed, expects, expect_struct),
                                        STRUCT(ConfFeed, cut_off, cut_off_struct)};
DESCRIBE(feed_struct, ConfFeed, feed_fields);

static const PartField read_fields[] = {WHERE(ConfRead),       UINT(ConfRead, from),      TEXT(ConfRead, ledger),
                                        LIST(ConfRead, feeds), LIST(ConfRead, statuses),  LIST(ConfRead, columns),
                                        LIST(ConfRead, order), TEXT(ConfRead, where_sql), TEXT(ConfRead, path),
                                        TEXT(ConfRead, query), TEXT(ConfRead, layout),    TEXT(ConfRead, amount)};
DESCRIBE(read_struct, ConfRead, read_fields);

static const PartField reconcile_fields[] = {WHERE(ConfReconcile),
                                             TEXT(ConfReconcile, name),
                                             TEXT(ConfReconcile, requester),
                                             TEXT(ConfReconcile, type),
                                             UINT(ConfReconcile, threshold),
                                             STRUCT(ConfReconcile, read, read_struct),
                                             UINT(ConfReconcile, period),
                                             UINT(ConfReconcile, at),
                                             UINT(ConfReconcile, day_offset),
                                             TEXT(ConfReconcile, calendar),
                                             TEXT(ConfReconcile, time_zone),
                                             TEXT(ConfReconcile, shard_name),
                                             TEXT(ConfReconcile, manifest_name),
                                             TEXT(ConfReconcile, delimiter),
                                             TEXT(ConfReconcile, charset),
                                             TEXT(ConfReconcile, line_end),
                                             UINT(ConfReconcile, quote),
                                             UINT(ConfReconcile, header_line),
                                             UINT(ConfReconcile, neutralise),
                                             UINT(ConfReconcile, compress),
                                             UINT(ConfReconcile, encrypt),
                                             UINT(ConfReconcile, delimited_manifest),
                                             TEXT(ConfReconcile, push_endpoint),
                                             TEXT(ConfReconcile, push_path),
                                             TEXT(ConfReconcile, push_marker),
                                             TEXT(ConfReconcile, status_endpoint),
                                             TEXT(ConfReconcile, status_path),
                                             UINT(ConfReconcile, serve),
                                             UINT(ConfReconcile, keep_days)};
DESCRIBE(reconcile_struct, ConfReconcile, reconcile_fields);

static const PartField calendar_fields[] = {WHERE(ConfCalendar),         TEXT(ConfCalendar, name),
                                            UINT(ConfCalendar, weekend), LIST(ConfCalendar, holidays),
                                            LIST(ConfCalendar, working), TEXT(ConfCalendar, holidays_file)};
DESCRIBE(calendar_struct, ConfCalendar, calendar_fields);

static const PartField alarms_fields[] = {
    WHERE(ConfAlarms),      LIST(ConfAlarms, command), TEXT(ConfAlarms, system),      TEXT(ConfAlarms, endpoint),
    TEXT(ConfAlarms, path), UINT(ConfAlarms, repeat),  UINT(ConfAlarms, repeat_limit)};
DESCRIBE(alarms_struct, ConfAlarms, alarms_fields);

static const PartField front_fields[] = {WHERE(ConfFront),
                                         UINT(ConfFront, present),
                                         TEXT(ConfFront, listen),
                                         TEXT(ConfFront, certificate_file),
                                         TEXT(ConfFront, private_key_file),
                                         TEXT(ConfFront, client_ca_file),
                                         TEXT(ConfFront, url),
                                         UINT(ConfFront, connections),
                                         UINT(ConfFront, connections_per_address),
                                         UINT(ConfFront, timeout),
                                         UINT(ConfFront, clear_text)};
DESCRIBE(front_struct, ConfFront, front_fields);

static const PartField lane_fields[] = {WHERE(ConfLane), TEXT(ConfLane, name), UINT(ConfLane, threads),
                                        STRUCTS(ConfLane, feeds, feed_struct),
                                        STRUCTS(ConfLane, reconciles, reconcile_struct)};
DESCRIBE(lane_struct, ConfLane, lane_fields);

static const PartStruct *const all_structs[] = {
    &node_struct,   &openpgp_struct, &endpoint_struct, &access_struct,   &partner_struct,   &field_struct,
    &line_struct,   &layout_struct,  &declared_struct, &source_struct,   &rule_struct,      &batch_struct,
    &ledger_struct, &http_struct,    &deliver_struct,  &feedback_struct, &repeats_struct,   &sequence_struct,
    &expect_struct, &cut_off_struct, &feed_struct,     &read_struct,     &reconcile_struct, &calendar_struct,
    &alarms_struct, &front_struct,   &lane_struct};

static void put_text(GString *part, const char *text) {
  if (!text)
    return (void)g_string_append(part, "-\n");
  /* with its length: no text imitates two */
  g_string_append_printf(part, "%" G_GSIZE_FORMAT ":%s\n", strlen(text), text);
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
  case KIND_TEXT:
    put_text(part, *(char *const *)(const void *)at);
    break;
  case KIND_LIST:
    put_list(part, *(char *const *const *)(const void *)at);
    break;
  case KIND_UINT:
    g_string_append_printf(part, "%u\n", *(const guint *)(const void *)at);
    break;
  case KIND_UINT64:
    g_string_append_printf(part, "%" G_GUINT64_FORMAT "\n", *(const guint64 *)(const void *)at);
    break;
  case KIND_STRUCT:
    put_struct(part, field->inner, at);
    break;
  case KIND_STRUCTS:
    put_structs(part, field->inner, *(GPtrArray *const *)(const void *)at);
    break;
  case KIND_BYTE:
    g_string_append_printf(part, "%u\n", (guint)(guchar)*at);
    break;
  case KIND_WHERE:
  case KIND_ELSEWHERE:
    break;
  }
}

static void put_struct(GString *part, const PartStruct *described, const void *data) {
  for (guint i = 0; i < described->n_fields; i++) {
    if (described->fields[i].kind == KIND_WHERE || described->fields[i].kind == KIND_ELSEWHERE)
      continue;
    g_string_append_printf(part, "%s ", described->fields[i].name);
    put_field(part, &described->fields[i], (const char *)data + described->fields[i].offset);
  }
}

/* Of what several things of the lane refer to, once is enough: a repetition changes nothing in the comparison. */
static void put_partner(GString *part, const ConfPartner *partner) {
  if (partner)
    put_struct(part, &partner_struct, partner);
}

/* With its days: a file of holidays that was edited changes what a lane does as much as the configuration does. */
static void put_calendar(GString *part, const Conf *conf, const char *name) {
  const ConfCalendar *calendar = name ? conf_calendar(conf, name) : NULL;
  g_autofree char *days = NULL;
  if (!calendar)
    return;
  put_struct(part, &calendar_struct, calendar);
  if (calendar->holidays_file && g_file_test(calendar->holidays_file, G_FILE_TEST_IS_REGULAR) &&
      g_file_get_contents(calendar->holidays_file, &days, NULL, NULL))
    put_text(part, days);
}

static void put_layout(GString *part, const Conf *conf, const char *name) {
  const ConfLayout *layout = name ? conf_layout(conf, name) : NULL;
  if (layout)
    put_struct(part, &layout_struct, layout);
}

static void put_system(GString *part, const Conf *conf, const char *name) {
  put_partner(part, name ? conf_system(conf, name) : NULL);
}

static void put_referred_by_feed(GString *part, const Conf *conf, const ConfFeed *feed) {
  put_partner(part, conf_partner(conf, feed->partner));
  put_layout(part, conf, feed->layout);
  put_system(part, conf, feed->http.system);
  put_system(part, conf, feed->deliver.system);
  put_calendar(part, conf, feed->source.calendar);
  put_calendar(part, conf, feed->cut_off.calendar);
  for (guint i = 0; feed->expects && i < feed->expects->len; i++)
    put_calendar(part, conf, ((const ConfExpect *)g_ptr_array_index(feed->expects, i))->calendar);
}

/* The front's URL stands in manifests. */
static void put_referred_by_reconcile(GString *part, const Conf *conf, const ConfReconcile *reconcile) {
  put_partner(part, conf_partner(conf, reconcile->requester));
  put_layout(part, conf, reconcile->read.layout);
  put_calendar(part, conf, reconcile->calendar);
  put_text(part, conf->front.url);
}

char *part_of_lane(const Conf *conf, const ConfLane *lane) {
  GString *part = g_string_new(NULL);
  put_struct(part, &node_struct, &conf->node);
  put_struct(part, &lane_struct, lane);
  put_struct(part, &alarms_struct, &conf->alarms);
  put_system(part, conf, conf->alarms.system);
  for (guint i = 0; i < lane->feeds->len; i++)
    put_referred_by_feed(part, conf, g_ptr_array_index(lane->feeds, i));
  for (guint i = 0; lane->reconciles && i < lane->reconciles->len; i++)
    put_referred_by_reconcile(part, conf, g_ptr_array_index(lane->reconciles, i));
  return g_string_free(part, FALSE);
}

char *part_of_front(const Conf *conf) {
  GString *part = g_string_new(NULL);
  put_struct(part, &node_struct, &conf->node);
  put_struct(part, &front_struct, &conf->front);
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *partner = g_ptr_array_index(conf->partners, i);
    if (partner->is_system)
      continue;
    put_partner(part, partner);
    put_struct(part, &access_struct, &partner->access);
  }
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = g_ptr_array_index(conf->lanes, i);
    put_text(part, lane->name);
    put_structs(part, &reconcile_struct, lane->reconciles);
  }
  return g_string_free(part, FALSE);
}

/* What precedes a field unnamed can be padding only as far as the field's own alignment asks for it. */
static gsize uncovered_of(const PartStruct *described) {
  g_autofree guint8 *covered = g_malloc0(described->size);
  gsize missing = 0, run = 0;
  for (guint i = 0; i < described->n_fields; i++) {
    const PartField *field = &described->fields[i];
    memset(covered + field->offset, field->size >= 8 ? 8 : (int)field->size, field->size);
  }
  for (gsize i = 0; i < described->size; i++) {
    if (!covered[i]) {
      run++;
      continue;
    }
    missing += run >= covered[i] ? run : 0;
    run = 0;
  }
  return missing + (run >= 8 ? run : 0);
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
