/* Private to store/outside*.c. */
#pragma once
#include "store/outside.h"

enum { OUTSIDE_SCALE_MOST = 18, OUTSIDE_PERIOD_VALUES = 3, OUTSIDE_LOGIN_SECONDS = 15 };

/* Each engine's begins with it, and adds the columns before its open function returns. */
struct Outside {
  StagingColumn *columns;
  guint n;
  guint64 rows; /* given so far */
  gboolean (*fill)(Outside *outside, RecordBlock *block, GError **error);
  void (*close)(Outside *outside);
  gboolean (*stop)(gpointer user);
  gpointer user;
};
#define OUTSIDE_OPEN(constant, word, mark, numbered) \
  Outside *outside_open_##word(const OutsideQuery *query, GError **error);
OUTSIDE_ENGINES(OUTSIDE_OPEN)

void outside_add_column(Outside *outside, StagingColumn column); /* takes a copy of its name */
gboolean outside_is_stopped(const Outside *outside, GError **error); /* with AGAIN */
/* By position: `values`, else date, from and to. At most `room` of them. CONFIGURATION: the query wants more. */
gboolean outside_values(const OutsideQuery *query, guint wanted, OutsideValue *into, guint room, GError **error);
/* The classes of SQLSTATE that come right by themselves: 08 no connection, 40 rolled back, 53 no resources, 55 not in
 * this state, 57 stopped by an operator, HYT out of time. */
gboolean outside_is_passing(const char *sqlstate);
/* FILE, naming the row that is being read, and the column. */
gboolean outside_refuse(const Outside *outside, guint column, const char *what, GError **error);
/* A value that came as a text, into the record that was begun. */
gboolean outside_put(const Outside *outside, RecordBlock *block, guint column, const char *text, gsize length,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
