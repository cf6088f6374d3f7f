/* A replay: cases through the rules of a candidate configuration, each compared with what it came to when it was
 * collected. The rules run in a process of their own, in a cage that leaves it two pipes and its memory: no file, no
 * network, no book (transfer/caged/sandbox.h). */
#pragma once
#include "conf/conf.h"
#include "store/cases.h"

#define REPLAY_STATUSES(X)                                     \
  X(REPLAY_CONSISTENT, "consistent", "一致")                   \
  X(REPLAY_INCONSISTENT, "inconsistent", "不一致")             \
  X(REPLAY_NO_RESULT, "no-result", "无结果")                   \
  X(REPLAY_MISCONFIGURED, "misconfigured", "配置错误")
#define REPLAY_STATUS_CONSTANT(constant, word, chinese) constant,
typedef enum { REPLAY_STATUSES(REPLAY_STATUS_CONSTANT) REPLAY_N_STATUSES } ReplayStatus;
const char *replay_status_word(ReplayStatus status);
const char *replay_status_chinese(ReplayStatus status);

typedef struct {
  ReplayStatus status;
  const char *got;   /* what it comes to now; NULL: nothing */
  const char *field; /* REPLAY_INCONSISTENT: the first that differs: scenario, channel, outcome, codes, amount */
  const char *why;   /* NULL, or in words */
} ReplayVerdict;
/* FALSE: no more. */
typedef gboolean (*ReplayTold)(gpointer user, const LibraryCase *one, const ReplayVerdict *verdict);
typedef struct {
  const Conf *conf;
  const ConfLane *lane;
  CaseLibrary *library;
  const char *feed, *id; /* only these; NULL: all */
  ReplayTold told;
  gpointer user;
} ReplayRun;
/* Calls `told` for each case. FALSE: the process could not be started or caged, or has ended before it was done. */
gboolean replay_run(const ReplayRun *run, GError **error) G_GNUC_WARN_UNUSED_RESULT;
