/* Ratings: their expressions compile over the fields that they name, and their examples come true. */
#include "gateway/check/check_private.h"
#include "gateway/processors/rating/cdr.h"
#include "gateway/rating/example.h"
#include "gateway/records/valued.h"

static void check_rating(const Conf *conf, const ConfRating *rating, ConfReport *report) {
  g_autoptr(GError) error = NULL, intake_error = NULL;
  g_autoptr(RatingPlan) plan = rating_plan_new(conf, rating, &error);
  if (!plan) {
    conf_report_error(report, rating->where, "rating \"%s\": %s", rating->name, error->message);
    return;
  }
  if (!cdr_check(conf, rating, &error))
    conf_report_error(report, rating->where, "rating \"%s\": %s", rating->name, error->message);
  if (rating->intake.present && !valued_check(rating_plan_layout(plan), &intake_error))
    conf_report_error(report, rating->intake.where, "rating \"%s\": intake: %s", rating->name, intake_error->message);
  for (guint i = 0; rating->examples && i < rating->examples->len; i++) {
    const ConfExample *example = rating->examples->pdata[i];
    g_autoptr(GError) other = NULL;
    if (!rating_example_check(plan, example, &other))
      conf_report_error(report, example->where, "%s", other->message);
  }
}

void check_ratings(const Conf *conf, GHashTable *layouts, ConfReport *report) {
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; lane->ratings && j < lane->ratings->len; j++) {
      const ConfRating *rating = lane->ratings->pdata[j];
      if (g_hash_table_contains(layouts, rating->layout)) /* else its own fault is told already */
        check_rating(conf, rating, report);
    }
  }
}
