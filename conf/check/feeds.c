/* What concerns several feeds, or both ends of one: names, ledgers, and folders in which one feed's files are
 * another's. */
#include "conf/check/check.h"
#include "conf/read/pattern.h"
#include <string.h>

#define FEEDS_LIMIT 2000 /* each is compared with each */

typedef struct {
  const Conf *conf;
  const ConfLane *lane;
  const ConfFeed *feed;
} Placed;

/* --- Folders. */

typedef struct {
  const ConfEndpoint *endpoint;
  const char *path;
} Folder;

static Folder folder_of(const Placed *placed, const char *endpoint, const char *path) {
  const ConfPartner *partner = !placed->feed->partner ? NULL : conf_partner(placed->conf, placed->feed->partner);
  return (Folder){.endpoint = !partner || !endpoint ? NULL : conf_endpoint(partner, endpoint), .path = path};
}

static gboolean same_folder(Folder a, Folder b) {
  return conf_same_folder(a.endpoint, a.path, b.endpoint, b.path);
}

/* --- Names that are sent, and taken again. */

/* A name that a feed gives: made of the file's that came, or (a marker's) of the one it is for. */
typedef struct {
  const char *option, *text, *of;
} Sent;

static gboolean can_be_taken(const Sent *sent, const char *own_match, const char *match) {
  if (!sent->text)
    return FALSE;
  g_autofree char *outer = !sent->of ? g_strdup(own_match) : template_as_pattern(sent->of, own_match, TEMPLATE_FILE);
  g_autofree char *made = template_as_pattern(sent->text, outer, TEMPLATE_FILE);
  return pattern_overlap(made, match);
}

/* Which of the names that a feed sends could be taken for a file of `match`; NULL: none. */
static const char *name_taken(const ConfFeed *sender, const Sent *sent, gsize n_sent, const char *match) {
  for (gsize i = 0; i < n_sent && sender->source.match; i++)
    if (can_be_taken(&sent[i], sender->source.match, match))
      return sent[i].option;
  return NULL;
}

static const char *feedback_taken(const ConfFeed *sender, const char *match) {
  const ConfFeedback *feedback = &sender->feedback;
  const char *signature = feedback->envelope == CONF_ENVELOPE_DETACHED ? "{name}.sig" : NULL;
  const Sent sent[] = {{"name", feedback->name, NULL},
                       {"exception-name", feedback->exception_name, NULL},
                       {"marker", feedback->marker, feedback->name},
                       {"digest", feedback->digest, feedback->name},
                       {"name", signature, feedback->name}};
  return name_taken(sender, sent, G_N_ELEMENTS(sent), match);
}

static const char *delivered_taken(const ConfFeed *sender, const char *match) {
  const ConfDeliver *deliver = &sender->deliver;
  const Sent sent[] = {{"name", deliver->name, NULL}, {"marker", deliver->marker, deliver->name}};
  return name_taken(sender, sent, G_N_ELEMENTS(sent), match);
}

static void check_feedback_loops(const Placed *sender, const Placed *receiver, ConfReport *report) {
  const ConfSourceFolder *source = &receiver->feed->source;
  const ConfFeedback *feedback = &sender->feed->feedback;
  if (!source->match || source->ready == CONF_READY_LISTED) /* our items are in the mailbox's other direction */
    return;
  if (!same_folder(folder_of(sender, feedback->endpoint, feedback->path),
                   folder_of(receiver, source->endpoint, source->path)))
    return;
  const char *option = feedback_taken(sender->feed, source->match);
  if (!option)
    return;
  if (sender->feed == receiver->feed)
    conf_report_error(report, feedback->where,
                      "feedback goes to the folder that files are taken from, and its '%s' can match '%s': feed \"%s\" "
                      "would take in its own answers",
                      option, source->match, sender->feed->name);
  else
    conf_report_warning(report, feedback->where,
                        "the feedback of feed \"%s\" (its '%s') can be taken in by feed \"%s\" (%s:%u)",
                        sender->feed->name, option, receiver->feed->name, source->where.file, source->where.line);
}

static void check_delivery_loops(const Placed *sender, const Placed *receiver, ConfReport *report) {
  const ConfSourceFolder *source = &receiver->feed->source;
  const ConfDeliver *deliver = &sender->feed->deliver;
  const ConfPartner *system = !deliver->system ? NULL : conf_system(sender->conf, deliver->system);
  if (!source->match || source->ready == CONF_READY_LISTED || !system || !deliver->endpoint)
    return;
  Folder folder = {.endpoint = conf_endpoint(system, deliver->endpoint), .path = deliver->path};
  if (!same_folder(folder, folder_of(receiver, source->endpoint, source->path)))
    return;
  const char *option = delivered_taken(sender->feed, source->match);
  if (!option)
    return;
  if (sender->feed == receiver->feed)
    conf_report_error(report, sender->feed->ledger.where,
                      "files are handed on to the folder that they are taken from, and '%s' can match '%s': feed "
                      "\"%s\" would take them in again",
                      option, source->match, sender->feed->name);
  else
    conf_report_warning(report, sender->feed->ledger.where,
                        "what feed \"%s\" hands on (its '%s') can be taken in by feed \"%s\" (%s:%u)",
                        sender->feed->name, option, receiver->feed->name, source->where.file, source->where.line);
}

static void check_loops(const Placed *sender, const Placed *receiver, ConfReport *report) {
  check_feedback_loops(sender, receiver, report);
  check_delivery_loops(sender, receiver, report);
}

/* --- What stands beside the files. */

static void check_beside(const Placed *placed, ConfReport *report) {
  const ConfSourceFolder *source = &placed->feed->source;
  if (source->envelope == CONF_ENVELOPE_NONE)
    conf_report_warning(report, source->where,
                        "feed \"%s\" takes unprotected plain text: whoever can write into its folder can post, and "
                        "what is changed on the way is not noticed",
                        placed->feed->name);
  if (!source->match)
    return;
  const char *declared = source->declared.file;
  gboolean is_template = declared && strchr(declared, '{');
  const struct {
    const char *what, *text;
    gboolean is_pattern;
  } beside[] = {
      {"marker files", source->ready == CONF_READY_MARKER ? source->marker : NULL, FALSE},
      {"signatures", source->signature, FALSE},
      {"files that declare them", declared, !is_template},
  };
  for (char **column = source->declared.columns; column && *column; column++)
    if (!conf_process_keeps_ledger(placed->feed->process) && g_str_has_suffix(*column, "total"))
      conf_report_warning(report, source->declared.where,
                          "'columns': a total is not checked here: process %s has no amount to add up",
                          conf_process_word(placed->feed->process));
  for (guint i = 0; i < G_N_ELEMENTS(beside); i++) {
    if (!beside[i].text)
      continue;
    g_autofree char *names = beside[i].is_pattern ? g_strdup(beside[i].text)
                                                  : template_as_pattern(beside[i].text, source->match, TEMPLATE_FILE);
    if (pattern_overlap(names, source->match))
      conf_report_warning(report, source->where,
                          "'match' takes the %s, too: they will be seen as files that never become ready",
                          beside[i].what);
  }
}

static void check_shared_source(const Placed *a, const Placed *b, ConfReport *report) {
  const ConfSourceFolder *left = &a->feed->source, *right = &b->feed->source;
  if (!left->match || !right->match)
    return;
  if (!same_folder(folder_of(a, left->endpoint, left->path), folder_of(b, right->endpoint, right->path)))
    return;
  if (!pattern_overlap(left->match, right->match))
    return;
  conf_report_warning(
      report, right->where,
      "feeds \"%s\" and \"%s\" take files from one folder, and a name can match both (the other is at %s:%u)",
      b->feed->name, a->feed->name, left->where.file, left->where.line);
}

/* --- Answers. */

/* Whether the part of a pattern behind its first dot is open: then {stem} does not tell its files apart. */
static gboolean has_open_end(const char *match) {
  gboolean in_set = FALSE;
  for (const char *c = match; *c != '\0'; c++) {
    if (*c == '[')
      in_set = TRUE;
    if (*c == ']')
      in_set = FALSE;
    if (*c == '.' && !in_set)
      return strpbrk(c, "*?[") ? TRUE : FALSE;
  }
  return FALSE; /* without a dot of its own its files have, as a rule, none */
}

static void check_answers(const ConfFeed *feed, ConfReport *report) {
  static const char *const telling[] = {"{name}", "{extension}", "{id}", "{sequence", NULL};
  const char *name = feed->feedback.name;
  if (!name || !feed->source.match || template_has(name, telling) || !has_open_end(feed->source.match))
    return;
  conf_report_warning(report, feed->feedback.where,
                      "files of 'match' can differ behind their first dot only, and then their answers have one name: "
                      "put {extension} or {name} into 'name'");
}

/* --- Numbers. */

static void check_numbers(const ConfFeed *feed, ConfReport *report) {
  if (!feed->sequence.name || !feed->source.match)
    return;
  g_autofree char *numbered = template_as_pattern(feed->sequence.name, NULL, TEMPLATE_SEQUENCE);
  if (!pattern_overlap(numbered, feed->source.match))
    conf_report_error(report, feed->sequence.where, "no file of 'match' ('%s') can have a name like '%s'",
                      feed->source.match, feed->sequence.name);
}

/* --- Names and ledgers. */

static void check_feed_names(const Placed *a, const Placed *b, ConfReport *report) {
  if (a->lane == b->lane || *a->feed->name == '\0' || strcmp(a->feed->name, b->feed->name) != 0)
    return;
  conf_report_error(report, b->feed->where,
                    "feed \"%s\" stands in lane \"%s\", too (%s:%u): feeds' names are unique over all lanes",
                    b->feed->name, a->lane->name, a->feed->where.file, a->feed->where.line);
}

/* The scale of a ledger is that of the amounts that go into it: two feeds must agree. */
static guint amount_scale(const Placed *placed) {
  const ConfLayout *layout = !placed->feed->layout ? NULL : conf_layout(placed->conf, placed->feed->layout);
  const ConfField *field = !layout || !placed->feed->ledger.amount
                               ? NULL
                               : conf_line_field(&layout->record, placed->feed->ledger.amount);
  return !field ? G_MAXUINT : field->scale;
}

static void check_ledgers(const Placed *a, const Placed *b, ConfReport *report) {
  const ConfLedger *left = &a->feed->ledger, *right = &b->feed->ledger;
  if (!left->name || !right->name || strcmp(left->name, right->name) != 0)
    return;
  guint left_scale = amount_scale(a), right_scale = amount_scale(b);
  if (a->lane != b->lane)
    conf_report_error(report, right->where,
                      "ledger \"%s\" belongs to lane \"%s\" (%s:%u): a ledger has one lane that writes it", right->name,
                      a->lane->name, left->where.file, left->where.line);
  else if (left->shards != right->shards)
    conf_report_error(report, right->where, "ledger \"%s\" has %u shards here and %u at %s:%u", right->name,
                      right->shards, left->shards, left->where.file, left->where.line);
  else if (left_scale != right_scale && left_scale != G_MAXUINT && right_scale != G_MAXUINT)
    conf_report_error(report, right->where, "ledger \"%s\" is credited with %u decimals here and with %u at %s:%u",
                      right->name, right_scale, left_scale, left->where.file, left->where.line);
}

void check_feeds(const Conf *conf, ConfReport *report) {
  g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Placed));
  for (guint l = 0; l < conf->lanes->len; l++) {
    const ConfLane *lane = conf->lanes->pdata[l];
    for (guint f = 0; f < lane->feeds->len; f++) {
      Placed placed = {.conf = conf, .lane = lane, .feed = lane->feeds->pdata[f]};
      g_array_append_val(all, placed);
    }
  }
  if (all->len > FEEDS_LIMIT) {
    const Placed *last = &g_array_index(all, Placed, all->len - 1);
    conf_report_error(report, last->feed->where, "there are %u feeds; %d are the most for one gateway", all->len,
                      FEEDS_LIMIT);
    return;
  }
  for (guint i = 0; i < all->len; i++) {
    const Placed *later = &g_array_index(all, Placed, i);
    check_loops(later, later, report);
    check_beside(later, report);
    check_answers(later->feed, report);
    check_numbers(later->feed, report);
    for (guint j = 0; j < i; j++) {
      const Placed *earlier = &g_array_index(all, Placed, j);
      check_feed_names(earlier, later, report);
      check_ledgers(earlier, later, report);
      check_shared_source(earlier, later, report);
      check_loops(earlier, later, report);
      check_loops(later, earlier, report);
    }
  }
}
