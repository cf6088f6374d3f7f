/* How many records are posted at once, and how many calls at a time. */
#include "conf/read/section.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"

#define X_LEAST 2500 /* the range of x that needs no asking for */
#define X_MOST 5000
#define THREADS_USUAL 8

static void check_sizes(const Section *section, gpointer into) {
  ConfBatch *batch = into;
  const char *options[] = {"size-min", "size-max"};
  /* One of them alone moves the other's default out of its way. */
  if (batch->size_min == 0)
    batch->size_min = MIN(X_LEAST, batch->size_max != 0 ? batch->size_max : X_LEAST);
  if (batch->size_max == 0)
    batch->size_max = MAX(X_MOST, batch->size_min);
  if (batch->size_min > batch->size_max)
    section_error(section, "size-min", "'size-min' (%u) is greater than 'size-max' (%u)", batch->size_min,
                  batch->size_max);
  guint sizes[] = {batch->size_min, batch->size_max};
  for (guint i = 0; i < G_N_ELEMENTS(options) && !batch->allow_any_size; i++)
    if (sizes[i] < X_LEAST || sizes[i] > X_MOST)
      section_error(section, options[i],
                    "'%s' is %u, outside %d to %d; if that is meant, say so with allow-any-size = yes", options[i],
                    sizes[i], X_LEAST, X_MOST);
}

static void check_threads(const Section *section, gpointer into) {
  ConfBatch *batch = into;
  if (batch->threads_max == 0)
    batch->threads_max = MAX(THREADS_USUAL, batch->threads_min);
  if (batch->threads_min > batch->threads_max)
    section_error(section, "threads-min", "'threads-min' (%u) is greater than 'threads-max' (%u)", batch->threads_min,
                  batch->threads_max);
}

static const Row pressure_rows[] = {
    ROW(ConfBatch, "target-latency", target_latency, milliseconds, .otherwise = 0, .least = 1, .most = 600000,
        .needed = "how long a batch may take before the pressure is too high"),
    ROW(ConfBatch, "threads-min", threads_min, number, .otherwise = 1, .least = 1, .most = 256),
    ROW(ConfBatch, "threads-max", threads_max, number, .otherwise = 0, .least = 1, .most = 256),
    CHECK(check_threads),
    ROWS_END,
};
static const Table table_pressure = TABLE(ConfBatch, pressure_rows);

static const Row rows[] = {
    WHERE(ConfBatch),
    ROW(ConfBatch, "allow-any-size", allow_any_size, yes),
    ROW(ConfBatch, "size-min", size_min, number, .otherwise = 0, .least = 1, .most = 1000000),
    ROW(ConfBatch, "size-max", size_max, number, .otherwise = 0, .least = 1, .most = 1000000),
    CHECK(check_sizes),
    WITHIN("pressure", table_pressure, .always = TRUE),
    ROWS_END,
};
const Table table_batch = TABLE(ConfBatch, rows);
