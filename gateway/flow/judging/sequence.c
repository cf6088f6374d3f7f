#include "gateway/flow/judging/sequence.h"
#include <string.h>

enum { MOST_DIGITS = 18 };

/* --- Names. Recursion is as deep as the template is long; a star tries every length, so templates have few of them:
 * what is not matched within MOST_TRIES is not matched. */

enum { MOST_TRIES = 200000 };
typedef struct {
  const char *end;
  guint tries;
  SequenceName found;
} Match;

static gboolean match_rest(Match *match, const char *template, const char *name);

static gboolean are_digits(const Match *match, const char *name, gsize n) {
  for (gsize i = 0; i < n; i++)
    if (name + i >= match->end || !g_ascii_isdigit(name[i]))
      return FALSE;
  return TRUE;
}

static gboolean match_number(Match *match, const char *behind, const char *name, guint exactly) {
  guint64 number = 0;
  for (guint n = 1; n <= (exactly ? exactly : MOST_DIGITS) && are_digits(match, name + n - 1, 1); n++) {
    number = number * 10 + (guint64)(name[n - 1] - '0');
    SequenceName before = match->found;
    match->found.number = number;
    /* as many digits as there are: "17" is never 1 and then 7 */
    gboolean is_whole = exactly ? n == exactly : n == MOST_DIGITS || !are_digits(match, name + n, 1);
    if (is_whole && match_rest(match, behind, name + n))
      return TRUE;
    match->found = before;
  }
  return FALSE;
}

static gboolean match_date(Match *match, const char *behind, const char *name) {
  if (!are_digits(match, name, 8))
    return FALSE;
  g_autofree char *text = g_strdup_printf("%.4s-%.2s-%.2s", name, name + 4, name + 6);
  match->found.has_date = day_parse(text, &match->found.date);
  return match->found.has_date && match_rest(match, behind, name + 8);
}

static gboolean match_star(Match *match, const char *behind, const char *name) {
  for (const char *at = name; at <= match->end && match->tries < MOST_TRIES; at++)
    if (match_rest(match, behind, at))
      return TRUE;
  return FALSE;
}

static gboolean match_rest(Match *match, const char *template, const char *name) {
  static const char sized[] = "{sequence:";
  if (++match->tries > MOST_TRIES)
    return FALSE;
  if (!*template)
    return name == match->end;
  if (g_str_has_prefix(template, "{sequence}"))
    return match_number(match, template + strlen("{sequence}"), name, 0);
  if (g_str_has_prefix(template, sized) && strchr(template, '}'))
    return match_number(match, strchr(template, '}') + 1, name,
                        (guint)g_ascii_strtoull(template + strlen(sized), NULL, 10));
  if (g_str_has_prefix(template, "{date}"))
    return match_date(match, template + strlen("{date}"), name);
  if (g_str_has_prefix(template, "{time}"))
    return are_digits(match, name, 6) && match_rest(match, template + strlen("{time}"), name + 6);
  if (*template == '*')
    return match_star(match, template + 1, name);
  return name < match->end && (*template == '?' || *template == *name) && match_rest(match, template + 1, name + 1);
}

gboolean sequence_match(const char *template, const void *name, gsize length, SequenceName *found) {
  Match match = {.end = (const char *)name + length};
  gboolean ok = match_rest(&match, template, name);
  *found = match.found;
  return ok;
}

gboolean sequence_parse(const char *text, guint64 *number) {
  gsize length = strlen(text);
  Match match = {.end = text + length};
  if (length == 0 || length > MOST_DIGITS || !are_digits(&match, text, length))
    return FALSE;
  *number = g_ascii_strtoull(text, NULL, 10);
  return TRUE;
}

/* --- Periods and positions */

char *sequence_period(const ConfSequence *conf, const char *business_date) {
  static const gsize lengths[] = {
      [CONF_RESET_NEVER] = 0, [CONF_RESET_DAILY] = 10, [CONF_RESET_MONTHLY] = 7, [CONF_RESET_YEARLY] = 4};
  return g_strndup(business_date ? business_date : "", lengths[conf->reset]);
}

static gint64 size_of(const ConfSequence *conf) {
  return conf->most ? (gint64)(conf->most - conf->first) + 1 : 0;
}

gint64 sequence_position(const ConfSequence *conf, guint64 number, const BookSequence *known) {
  gint64 size = size_of(conf), plain = (gint64)(number - conf->first);
  if (number < conf->first || (conf->most && number > conf->most))
    return -1;
  if (!size || !known->known)
    return plain;
  gint64 next = known->last + 1, ahead = ((plain - next) % size + size) % size;
  gint64 position = next + (2 * ahead > size ? ahead - size : ahead);
  return position < 0 ? position + size : position;
}

guint64 sequence_number(const ConfSequence *conf, gint64 position) {
  gint64 size = size_of(conf);
  return conf->first + (guint64)(size ? position % size : position);
}

/* --- Verdicts */

const char *sequence_verdict_word(SequenceVerdict verdict) {
  static const char *const words[] = {[SEQUENCE_NEXT] = "next",
                                      [SEQUENCE_REUSED] = "reused",
                                      [SEQUENCE_GAP] = "gap",
                                      [SEQUENCE_LATE] = "late",
                                      [SEQUENCE_NONE] = "none"};
  return words[verdict];
}

gint64 sequence_from(const ConfSequence *conf, gint64 position) {
  return conf->reset == CONF_RESET_NEVER ? position : 0;
}

SequenceVerdict sequence_judge(const ConfSequence *conf, gint64 position, const BookSequence *known, gboolean used) {
  if (position < 0)
    return SEQUENCE_NONE;
  if (used)
    return SEQUENCE_REUSED;
  gint64 next = known->known ? known->last + 1 : sequence_from(conf, position);
  return position == next ? SEQUENCE_NEXT : position > next ? SEQUENCE_GAP : SEQUENCE_LATE;
}

ConfSequencePolicy sequence_policy(const ConfSequence *conf, SequenceVerdict verdict) {
  switch (verdict) {
  case SEQUENCE_NEXT:
    return CONF_SEQUENCE_ACCEPT;
  case SEQUENCE_REUSED:
    return conf->on_reused;
  case SEQUENCE_GAP:
    return conf->on_gap;
  case SEQUENCE_LATE:
    return conf->on_late;
  case SEQUENCE_NONE:
    break;
  }
  return CONF_SEQUENCE_HOLD;
}
