/* The plan, for the files of gateway/rating/ that make it and price with it. */
#pragma once
#include "gateway/rating/plan.h"
#include "store/values.h"

typedef struct {
  const ConfStep *conf;
  gboolean begins_choice, ends_choice;
} PlanStep;

struct RatingPlan {
  const ConfRating *conf;
  Layout *layout;
  GTimeZone *zone;
  GArray *columns; /* StagingColumn */
  GArray *lookups; /* guint: where a look-up's columns begin; and `quantity` */
  ValueSet *quantity, *amounts; /* the latter: one per step */
  PlanStep *steps;
  guint n_steps, dropped; /* dropped: decimals that rounding takes away */
  MoneyRounding rounding;
  gint64 minimum, unit; /* in units of the round scale; 10 ^ dropped */
  gboolean has_minimum;
};
enum { STEP_TIERS, STEP_FIRST }; /* then minimum and rounding, behind the plan's steps */
