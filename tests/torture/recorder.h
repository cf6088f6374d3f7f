/* What recorder.c (which follows processes) and recorder_calls.c (which knows calls and the log) have in common. */
#pragma once
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { FOLDERS_MOST = 8 };

/* What stands in the log, followed by path, second path and data. Numbers are the machine's own. */
typedef struct {
  uint32_t kind; /* a letter: c w t a s d r l u m k p S */
  uint32_t path;
  uint32_t second;
  uint32_t flags;
  uint64_t inode;
  uint64_t offset; /* of a write; the size of a truncate; the time stamp, in nanoseconds, of a 'p' */
  uint64_t data;
} Record;

/* A thread within a call. */
typedef struct {
  pid_t tid;
  long call;
  uint64_t arguments[6];
  int was_there; /* the file that is opened, before the call */
  int truncates;
  char path[PATH_MAX];
  char second[PATH_MAX];
} Thread;

typedef struct {
  int number;
  int (*concerns)(Thread *thread); /* before the call: is it about a file below a folder? */
  void (*end)(const Thread *thread, int64_t result);
} Call;

extern const Call recorder_calls[];
extern const int recorder_call_count;
const Call *recorder_call(long number);

void recorder_watch(const char *folder);
void recorder_open_log(const char *path);
void recorder_close_log(void);
void recorder_put(char kind, uint64_t inode, uint64_t offset, const char *path, const char *second, const void *data,
                  size_t length);
uint64_t recorder_inode(const char *path);
void recorder_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
