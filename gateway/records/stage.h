/* Staging a verified plaintext: the whole file becomes typed records in one staging file, before any rule looks at it.
 */
#pragma once
#include "gateway/records/layout.h"

typedef struct {
  const Layout *layout;
  int plaintext;    /* verified; read from its start */
  const char *path; /* of the staging file to make */
  Day arrival;      /* in the node's time zone */
  gboolean is_proven_whole; /* a declared size or digest fits it: its last line needs no line end */
  gboolean may_be_empty;    /* a file of no byte has no records, and neither header nor trailer is missing */
  ConfKeyScope key_scope;
  const char *file; /* what bounds the keys of key-scope = file */
  guint threads;    /* parse this many chunks at a time; records keep the file's order */
} StageOptions;

typedef struct {
  guint64 records, lines, passed_over;
  char *header;        /* JSON object of the header's fields, masked ones left out; NULL: no header */
  char *business_date; /* of the field that business_date_field names; NULL */
} Staged;
void staged_clear(Staged *staged);

/* Durable on return of TRUE, also for a file that breaks its layout: what is wrong with the file as a whole is kept in
 * the staging file ("problem.code", "problem.reason", "problem.line") for validation, what is wrong with a record in
 * its block. Header and trailer values are kept as "header.NAME" and "trailer.NAME", a date that is
 * printed in another way than it came also as it came. Memory: some chunks of 1 MiB per
 * thread, whatever the file's size. */
gboolean stage_plaintext(const StageOptions *options, const char *business_date_field, Staged *staged,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Columns are found by their place, so a staged file is read by the layout that it was staged with and by no other:
 * CONFIGURATION when another field, type, scale or order has been configured since. */
gboolean stage_check_layout(const char *path, const Layout *layout, GError **error) G_GNUC_WARN_UNUSED_RESULT;
