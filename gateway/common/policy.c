#include "gateway/common/policy.h"

enum { MOST_DOUBLINGS = 30 };

/* Milliseconds. */
static const struct {
  gint64 first, longest;
} scopes[POLICY_SCOPES] = {
    [POLICY_FILE] = {1000, 300000},    [POLICY_DEATHS] = {4000, 16000},     [POLICY_ENDPOINT] = {1000, 60000},
    [POLICY_INTERFACE] = {100, 60000}, [POLICY_CALL] = {100, 10000},        [POLICY_STATEMENT] = {4000, 300000},
    [POLICY_PUSH] = {1000, 300000},    [POLICY_PULL] = {200, 5000},         [POLICY_ALARM] = {10000, 600000},
    [POLICY_CONNECTIONS] = {600000, 600000},
    [POLICY_BOOK] = {5000, 5000},      [POLICY_CHILD] = {200, 30000},
};

gint64 policy_longest(PolicyScope scope) {
  return scopes[scope].longest * 1000;
}

gint64 policy_wait(PolicyScope scope, guint failures) {
  gint64 wait = scopes[scope].first << MIN(failures > 0 ? failures - 1 : 0, MOST_DOUBLINGS);
  return MIN(wait, scopes[scope].longest) * 1000;
}

gint64 policy_spread(gint64 wait) {
  return wait / 1000 * (800 + g_random_int_range(0, 401));
}

enum { LEAST_MS = 50, MOST_MS = 5000, BREAKER_MS = 10000 };

gint64 policy_keys_wait(gint64 took) {
  return CLAMP(4 * took, LEAST_MS * 1000, MOST_MS * 1000);
}

gint64 policy_line_wait(gint64 waited) {
  return CLAMP(waited / 8, LEAST_MS * 1000, MOST_MS * 1000);
}

gint64 policy_breaker_wait(void) {
  return BREAKER_MS * 1000;
}
