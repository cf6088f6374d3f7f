/* The exit statuses of every command: the one list, from which `sallyport --help` is made; the manual page's table is
 * held against it by a test. */
#pragma once

#define CLI_EXITS(X) \
  X(FINE, 0, "fine") \
  X(FAILED, 1, "failed: the message says what, where, and what to do") \
  X(USAGE, 2, "wrong use: unknown command or option, missing argument") \
  X(CONFIGURATION, 3, "the configuration is wrong or cannot be read") \
  X(NOT_FOUND, 4, "no such file, record, feed, lane, account or entry") \
  X(NOT_RUNNING, 5, "the lane or service that was asked is not running") \
  X(VERIFICATION, 6, "a check of the books did not hold") \
  X(REFUSED, 7, "the lane or service refused: the message says why") \
  X(UNCERTAIN, 8, "the lane or service was asked but did not answer: look before asking again") \
  X(NOT_READY, 9, "not ready yet: ask again later") \
  X(INCOMPLETE, 10, "not all of it came: run it again, it goes on where it was") \
  X(CORRUPT, 11, "what came is not what was signed, or the two sides differ") \
  X(WARNINGS, 12, "it works, and there are warnings") \
  X(NO_RESULT, 13, "cases that were replayed came to no result") \
  X(TOO_LITTLE, 14, "nothing was replayed, or too little")

typedef enum {
#define CLI_EXIT_ENUM(name, number, text) CLI_EXIT_##name = number,
  CLI_EXITS(CLI_EXIT_ENUM)
} CliExit;

/* What the processes that the supervisor starts end with. */
typedef enum {
  CHILD_EXIT_FINE = 0,
  CHILD_EXIT_FAILED = 1,
  CHILD_EXIT_DISTRUST = 3, /* storage cannot be trusted any more: a person has to look, it is not started again */
  CHILD_EXIT_CONTRADICTED = 4 /* the configuration contradicts the state: not started again before a reload */
} ChildExit;
