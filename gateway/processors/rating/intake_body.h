/* A batch of usage records as it came over HTTP: JSON, an array of objects whose members are the layout's fields; or
 * CSV (RFC 4180), whose first line names them. Private to gateway/processors/rating/. */
#pragma once
#include "gateway/records/layout.h"

typedef enum { INTAKE_JSON, INTAKE_CSV } IntakeForm;
typedef struct {
  IntakeForm form;
  const char *bytes;
  gsize length;
  guint most; /* records */
  Day arrival;
} IntakeBody;
typedef enum { INTAKE_READ, INTAKE_UNREADABLE, INTAKE_TOO_MANY } IntakeRead;
/* The records, numbered from 1 as their lines; *block is the caller's. What is wrong with a record is its fault in the
 * block; what is wrong with the body as a whole, or that it has no record, is *why, the caller's to free. Of a JSON
 * body one object at a time is in memory beside it. */
IntakeRead intake_body_read(const Layout *layout, const IntakeBody *body, RecordBlock **block, char **why);
