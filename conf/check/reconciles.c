/* What concerns several reconciliations: who asks for what, names that one folder cannot hold twice, and ways out. */
#include "conf/check/check.h"
#include "conf/read/pattern.h"
#include <string.h>

typedef struct {
  const ConfLane *lane;
  const ConfReconcile *reconcile;
} Placed;

static gboolean are_equal(const char *a, const char *b) {
  return a && b && strcmp(a, b) == 0;
}

/* A requester asks by its type: two of one type could not be told apart. */
static void check_types(const Placed *a, const Placed *b, ConfReport *report) {
  const ConfReconcile *left = a->reconcile, *right = b->reconcile;
  if (are_equal(left->requester, right->requester) && are_equal(left->type, right->type))
    conf_report_error(
        report, right->where,
        "requester \"%s\" has two reconciliations of type \"%s\": reconcile \"%s\", and this (the other is at %s:%u)",
        right->requester, right->type, left->name, left->where.file, left->where.line);
  if (a->lane != b->lane && *left->name != '\0' && strcmp(left->name, right->name) == 0)
    conf_report_error(report, right->where,
                      "reconcile \"%s\" stands in lane \"%s\", too (%s:%u): their names are unique over all lanes",
                      right->name, a->lane->name, left->where.file, left->where.line);
}

/* The names that a reconciliation gives, as a pattern: its type and requester are known. */
static char *names_as_pattern(const char *text, const ConfReconcile *reconcile) {
  g_autoptr(GString) known = g_string_new(text);
  g_string_replace(known, "{type}", reconcile->type, 0);
  g_string_replace(known, "{requester}", reconcile->requester, 0);
  return template_as_pattern(known->str, NULL, TEMPLATE_SHARD);
}

static gboolean can_collide(const ConfReconcile *left, const ConfReconcile *right) {
  const char *const lefts[] = {left->shard_name, left->manifest_name}, *const rights[] = {right->shard_name,
                                                                                          right->manifest_name};
  for (guint i = 0; i < G_N_ELEMENTS(lefts); i++)
    for (guint j = 0; j < G_N_ELEMENTS(rights); j++) {
      g_autofree char *one = names_as_pattern(lefts[i], left);
      g_autofree char *other = names_as_pattern(rights[j], right);
      if (pattern_overlap(one, other))
        return TRUE;
    }
  return FALSE;
}

static void check_folders(const Placed *a, const Placed *b, ConfReport *report) {
  const ConfReconcile *left = a->reconcile, *right = b->reconcile;
  if (!left->type || !right->type || are_equal(left->type, right->type))
    return;
  if (!are_equal(left->requester, right->requester) || !are_equal(left->push_endpoint, right->push_endpoint) ||
      !are_equal(left->push_path, right->push_path))
    return;
  if (can_collide(left, right))
    conf_report_error(report, right->where,
                      "reconcile \"%s\" and reconcile \"%s\" (%s:%u) can give files of one name to one folder: put "
                      "{type} into their names",
                      right->name, left->name, left->where.file, left->where.line);
}

static void check_ways_out(const Conf *conf, const ConfReconcile *reconcile, ConfReport *report) {
  if (!reconcile->serve && !reconcile->push_endpoint)
    conf_report_warning(report, reconcile->where, "reconcile \"%s\" is neither pushed nor served: its files stay here",
                        reconcile->name);
  const ConfPartner *requester = !reconcile->requester ? NULL : conf_partner(conf, reconcile->requester);
  if (!requester || !reconcile->serve || !conf->front.present)
    return;
  if (!requester->access.token_sha256 && requester->access.certificate_sha256 && !conf->front.client_ca_file)
    conf_report_error(report, requester->access.where,
                      "partner \"%s\" shows who it is by a certificate only, and the front (%s:%u) has no "
                      "client-ca-file to ask for one",
                      requester->name, conf->front.where.file, conf->front.where.line);
}

/* One token of two partners would open one's files to the other. */
static void check_access(const ConfPartner *a, const ConfPartner *b, ConfReport *report) {
  char *const *const of_a[] = {a->access.token_sha256, a->access.certificate_sha256};
  char *const *const of_b[] = {b->access.token_sha256, b->access.certificate_sha256};
  for (guint i = 0; i < G_N_ELEMENTS(of_a); i++)
    for (char *const *digest = of_a[i]; digest && *digest; digest++)
      if (of_b[i] && g_strv_contains((const char *const *)of_b[i], *digest))
        conf_report_error(report, b->access.where,
                          "partner \"%s\" (%s:%u) has the same %s: the front could not tell the two apart", a->name,
                          a->access.where.file, a->access.where.line, i == 0 ? "token" : "certificate");
}

void check_reconciles(const Conf *conf, ConfReport *report) {
  for (guint i = 0; i < conf->partners->len; i++)
    for (guint j = 0; j < i; j++)
      check_access(conf->partners->pdata[j], conf->partners->pdata[i], report);
  g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Placed));
  for (guint l = 0; l < conf->lanes->len; l++) {
    const ConfLane *lane = conf->lanes->pdata[l];
    for (guint r = 0; r < lane->reconciles->len; r++) {
      Placed placed = {.lane = lane, .reconcile = lane->reconciles->pdata[r]};
      g_array_append_val(all, placed);
    }
  }
  for (guint i = 0; i < all->len; i++) {
    const Placed *later = &g_array_index(all, Placed, i);
    check_ways_out(conf, later->reconcile, report);
    for (guint j = 0; j < i; j++) {
      check_types(&g_array_index(all, Placed, j), later, report);
      check_folders(&g_array_index(all, Placed, j), later, report);
    }
  }
}
