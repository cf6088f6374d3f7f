/* For cmocka: one OpenSSH server for all tests of a file but those that break it. */
#pragma once
#include "tests/unit/transfer/courier_fixture.h"

static Sshd *server;

static inline int start_server(void **state) {
  (void)state;
  server = sshd_start(NULL);
  return 0;
}

static inline int stop_server(void **state) {
  (void)state;
  sshd_stop(server);
  return 0;
}
