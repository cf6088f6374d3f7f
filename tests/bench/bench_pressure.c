/* The controller of x and calls in flight against the best fixed setting of each capacity, which is found by trying
 * all: one line each, in records a second,
 *
 *   COURSE TAB CAPACITY TAB OURS TAB BEST TAB THEIR SETTING TAB CALLS TAB REFUSED
 *
 * Simulated (tests/unit/gateway/processors/http/simulation.h): what is measured are the decisions, which no machine's
 * load changes. */
#include "tests/unit/gateway/processors/http/simulation.h"
#include <stdio.h>

static void run(const Course *course, guint64 seed) {
  Simulation s = {.pressure = pressure_new(&usual), .seed = seed};
  for (guint i = 0; i < course->n; i++) {
    Measured best = simulated_best(&course->phases[i], &usual), settling, settled;
    simulate(&s, &course->phases[i], SECONDS(SETTLING), &settling);
    simulate(&s, &course->phases[i], SECONDS(MEASURED), &settled);
    printf("%s\t%s\t%.0f\t%.0f\t%u x %u\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\n", course->name,
           course->phases[i].name, settled.rate, best.rate, best.threads, best.size, settled.calls, settled.refused);
  }
  pressure_free(s.pressure);
}

int main(void) {
  for (guint i = 0; i < G_N_ELEMENTS(courses); i++)
    run(&courses[i], 42 + i);
  return 0;
}
