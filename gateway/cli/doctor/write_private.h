/* What the writing probes (write_steps.c) and what runs them and cleans up after them (write.c) share. */
#pragma once
#include "gateway/cli/doctor/doctor.h"

enum { SMALL = 64 << 10, FIRST = 300 << 10, MOST = 8 << 20, TINY = 1 << 10, TINY_FILES = 5, CLEANING_TRIES = 3 };

typedef struct {
  Doctor *doctor;
  const char *folder;
  char *first, *second, *inner; /* paths: two files, a folder */
  GPtrArray *noted;             /* paths of files that may exist */
  gboolean folder_noted;
  int content, copy; /* unnamed: MOST random bytes; what was got */
  gint64 put_took, get_took; /* microseconds, of FIRST bytes */
  gboolean vanished; /* the first file that was put was gone at once */
} Probe;

#define FIND(severity, check, set, ...) doctor_find(probe->doctor, severity, check, set, __VA_ARGS__)

void doctor_write_failed(Probe *probe, const char *check, const char *set, const GError *error);

/* In order, NULL at the end. FALSE: the ones after it make no sense. */
typedef gboolean (*ProbeStep)(Probe *probe);
extern const ProbeStep doctor_write_steps[];
