#include "gateway/flow/feed_calendar.h"

enum { LOOK_BACK_DAYS = 31, DAY_SECONDS = 86400 };

/* --- Compiling */

static gboolean make_calendar(const Conf *conf, const char *name, Calendar **calendar, GError **error) {
  const ConfCalendar *settings = name ? conf_calendar(conf, name) : NULL;
  *calendar = NULL;
  if (!name)
    return TRUE;
  if (!settings)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "there is no calendar \"%s\"", name);
  return (*calendar = calendar_new(settings, error)) != NULL;
}

static gboolean make_zone(const Conf *conf, const char *name, GTimeZone **zone, GError **error) {
  const char *wanted = name ? name : conf->node.time_zone ? conf->node.time_zone : "UTC";
  *zone = g_time_zone_new_identifier(wanted);
  return *zone || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "time zone \"%s\" is not known", wanted);
}

static gboolean make_expects(const Conf *conf, FeedWatch *watch, GError **error) {
  guint n = watch->conf->expects ? watch->conf->expects->len : 0;
  watch->expects = g_new0(Expect, n + 1);
  for (; watch->n_expects < n; watch->n_expects++) {
    Expect *expect = &watch->expects[watch->n_expects];
    expect->conf = watch->conf->expects->pdata[watch->n_expects];
    if (!make_calendar(conf, expect->conf->calendar, &expect->calendar, error) ||
        !make_zone(conf, expect->conf->time_zone, &expect->zone, error)) {
      watch->n_expects++; /* so that it is freed */
      return FALSE;
    }
  }
  return TRUE;
}

FeedWatch *feed_watch_new(const Conf *conf, const ConfFeed *feed, GError **error) {
  FeedWatch *watch = g_new0(FeedWatch, 1);
  watch->conf = feed;
  if (make_calendar(conf, feed->source.calendar, &watch->polls, error) &&
      make_calendar(conf, feed->cut_off.calendar, &watch->cut_off_calendar, error) &&
      make_zone(conf, feed->cut_off.time_zone, &watch->cut_off_zone, error) && make_expects(conf, watch, error))
    return watch;
  g_prefix_error(error, "%s:%u: feed %s: ", feed->where.file, feed->where.line, feed->name);
  feed_watch_free(watch);
  return NULL;
}

void feed_watch_free(FeedWatch *watch) {
  if (!watch)
    return;
  calendar_free(watch->polls);
  calendar_free(watch->cut_off_calendar);
  g_clear_pointer(&watch->cut_off_zone, g_time_zone_unref);
  for (guint i = 0; i < watch->n_expects; i++) {
    calendar_free(watch->expects[i].calendar);
    g_clear_pointer(&watch->expects[i].zone, g_time_zone_unref);
  }
  g_free(watch->expects);
  g_free(watch);
}

/* --- Arrivals and the cut-off */

gboolean feed_watch_wants_arrivals(const FeedWatch *watch) {
  return watch->n_expects > 0 || watch->conf->cut_off.present;
}

gint64 feed_watch_arrival(gint64 modified, gint64 last_poll, gint64 now) {
  if (last_poll <= 0 || last_poll > now || modified <= 0 || modified > now / G_USEC_PER_SEC)
    return now;
  return MAX(modified * G_USEC_PER_SEC, last_poll);
}

Day feed_watch_day(const FeedWatch *watch, gint64 arrived, gboolean *late) {
  const ConfCutOff *cut_off = &watch->conf->cut_off;
  Day day = day_at(watch->cut_off_zone, arrived);
  *late = FALSE;
  if (!cut_off->present)
    return day;
  gboolean is_business_day = calendar_has(watch->cut_off_calendar, day);
  *late = !is_business_day || arrived >= day_instant(watch->cut_off_zone, day, cut_off->at);
  return *late && (cut_off->after == CONF_CUTOFF_NEXT_DAY || !is_business_day)
             ? calendar_next(watch->cut_off_calendar, day)
             : day;
}

/* --- What is due */

static Day due_day(const Expect *expect, Day day) {
  return expect->conf->day_offset ? calendar_add(expect->calendar, day, expect->conf->day_offset) : day;
}

static gint64 due_at(const Expect *expect, Day day) {
  return day_instant(expect->zone, due_day(expect, day), expect->conf->by);
}

/* Not before the time of the day before is over: until then what comes is that day's. */
static gint64 opens_at(const Expect *expect, Day day) {
  return MAX(day_instant(expect->zone, day, expect->conf->from),
             due_at(expect, calendar_previous(expect->calendar, day)));
}

BookDue *expect_due(const Expect *expect, const char *feed, Day day) {
  BookDue *due = g_new0(BookDue, 1);
  *due = (BookDue){.feed = g_strdup(feed),
                   .name = g_strdup(expect->conf->name),
                   .day = day_text(day),
                   .opens_at = opens_at(expect, day),
                   .due_at = due_at(expect, day),
                   .closes_at = opens_at(expect, calendar_next(expect->calendar, day)),
                   .wanted = MAX(expect->conf->files, 1)};
  return due;
}

/* Later than every day that was due long ago, or due at all before now. */
static Day first_day(const Expect *expect, const char *last_day, gint64 now) {
  Day last, day = calendar_add(expect->calendar, day_at(expect->zone, now) - LOOK_BACK_DAYS - 2, 0);
  gint64 oldest = now - (gint64)LOOK_BACK_DAYS * DAY_SECONDS * G_USEC_PER_SEC;
  while (day < day_at(expect->zone, now) && due_at(expect, day) < oldest)
    day = calendar_next(expect->calendar, day);
  if (last_day && day_parse(last_day, &last))
    return last < day ? day : calendar_next(expect->calendar, last);
  while (due_at(expect, day) <= now)
    day = calendar_next(expect->calendar, day);
  return day;
}

GPtrArray *expect_plan(const Expect *expect, const char *feed, const char *last_day, gint64 now) {
  GPtrArray *plan = g_ptr_array_new_with_free_func((GDestroyNotify)book_due_free);
  Day last;
  if (last_day && day_parse(last_day, &last) && due_at(expect, last) > now)
    return plan;
  for (Day day = first_day(expect, last_day, now);; day = calendar_next(expect->calendar, day)) {
    g_ptr_array_add(plan, expect_due(expect, feed, day));
    if (due_at(expect, day) > now)
      return plan;
  }
}
