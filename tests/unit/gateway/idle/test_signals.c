/* The signals, of a kernel's files that a test has written, and once of this machine's own. */
#include "gateway/idle/signals.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/unit/folder.h"

static char *root;

static void put(const char *name, const char *text) {
  g_autofree char *path = g_strconcat(root, name, NULL), *folder = g_path_get_dirname(path);
  assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
  assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* 100 ticks are a second of one processor. */
static void put_processors(guint user, guint idle, guint wait, guint steal) {
  g_autofree char *text = g_strdup_printf("cpu  %u 0 0 %u %u 0 0 %u 0 0\ncpu0 1 1 1 1\n", user, idle, wait, steal);
  put("/proc/stat", text);
}

/* Process 10 has 20 as its child; 30 is somebody else's. */
static void put_process(const char *pid, const char *children, guint ticks) {
  g_autofree char *stat = g_strdup_printf("/proc/%s/stat", pid),
                  *text = g_strdup_printf("%s (a) b) S 1 1 1 0 -1 0 0 0 0 0 %u 0 0 0 20 0\n", pid, ticks),
                  *task = g_strdup_printf("/proc/%s/task/%s/children", pid, pid),
                  *comm = g_strdup_printf("/proc/%s/comm", pid);
  put(stat, text);
  put(task, children);
  put(comm, "sallyport\n");
}

static void put_pressure(const char *where, const char *what, guint total) {
  g_autofree char *path = g_strdup_printf("%s/%s", where, what),
                  *text = g_strdup_printf("some avg10=0.00 avg60=0.00 avg300=0.00 total=%u\nfull avg10=0 total=9\n",
                                          total);
  put(path, text);
}

static void put_machine(guint own, guint ticks, guint io) {
  g_autofree char *stat = g_strdup_printf("usage_usec %u\nuser_usec 1\n", own);
  put_process("10", "20 ", ticks);
  put_process("20", "", ticks);
  put("/proc/self/cgroup", "0::/own\n");
  put("/sys/fs/cgroup/own/cgroup.procs", "10\n20\n");
  put("/sys/fs/cgroup/own/cpu.stat", stat);
  put_pressure("/proc/pressure", "io", io);
  put_pressure("/proc/pressure", "memory", 0);
  put_pressure("/sys/fs/cgroup/own", "io.pressure", io / 2);
  put_pressure("/sys/fs/cgroup/own", "memory.pressure", 0);
}

static IdleReading reading(gint64 at) {
  IdleReading read;
  g_autoptr(GError) error = NULL;
  if (!idle_read(&(IdleSources){root, 10}, &read, &error))
    fail_msg("%s", error->message);
  read.at = at;
  return read;
}

static void what_others_use_is_all_that_is_used_less_our_cgroups(void **state) {
  (void)state;
  IdleSample sample;
  put_processors(1000, 5000, 0, 0);
  put_machine(0, 0, 0);
  IdleReading before = reading(1000000), same = before;
  assert_false(idle_between(&(IdleReading){0}, &before, &sample));
  assert_false(idle_between(&before, &same, &sample));
  /* one second of two processors: 80 of 200 ticks in use, 10 stolen; 500 ms of it ours */
  put_processors(1080, 5110, 0, 10);
  put_machine(500000, 0, 300000);
  IdleReading now = reading(2000000);
  assert_true(idle_between(&before, &now, &sample));
  assert_int_equal(sample.cpu, 200);
  assert_int_equal(sample.io, 150);
  assert_int_equal(sample.memory, 0);
  assert_false(sample.is_reduced);
}

static void business_in_our_own_cgroup_is_seen_as_others(void **state) {
  (void)state;
  IdleSample sample;
  put_processors(1000, 5000, 0, 0);
  put_machine(0, 0, 0);
  put("/sys/fs/cgroup/own/cgroup.procs", "10\n20\n30\n");
  put("/proc/30/comm", "business\n");
  IdleReading before = reading(1000000);
  put_processors(1100, 5100, 0, 0);
  put_machine(1000000, 10, 300000);
  put("/sys/fs/cgroup/own/cgroup.procs", "10\n20\n30\n");
  IdleReading now = reading(2000000);
  assert_true(idle_between(&before, &now, &sample));
  assert_int_equal(sample.cpu, 400); /* 100 of 200 ticks, of which 20 are our two processes' */
  assert_int_equal(sample.io, 300);
  assert_true(sample.is_reduced);
  /* what gpg has started for us is ours */
  put("/proc/30/comm", "gpg-agent\n");
  assert_true(reading(3000000).has_cgroup);
  /* and counted another way than before there is nothing to compare */
  IdleReading other = reading(3000000);
  assert_false(idle_between(&now, &other, &sample));
}

static void in_the_root_and_without_pressure_there_is_less_to_see(void **state) {
  (void)state;
  IdleSample sample;
  put_processors(1000, 5000, 100, 0);
  put_machine(0, 0, 0);
  put("/proc/self/cgroup", "0::/\n");
  g_autofree char *pressure = g_strconcat(root, "/proc/pressure/io", NULL);
  unlink(pressure);
  IdleReading before = reading(1000000);
  put_processors(1000, 5180, 120, 0);
  IdleReading now = reading(2000000);
  assert_true(idle_between(&before, &now, &sample));
  assert_int_equal(sample.io, 100); /* 20 of 200 ticks waited for disks */
  assert_true(sample.is_reduced);
}

static void a_hidden_proc_says_what_hides_it(void **state) {
  (void)state;
  g_autofree char *stat = g_strconcat(root, "/proc/stat", NULL);
  g_autoptr(GError) error = NULL;
  IdleReading read;
  unlink(stat);
  assert_false(idle_read(&(IdleSources){root, 10}, &read, &error));
  assert_non_null(strstr(error->message, "ProcSubset=pid"));
}

static void this_machine_can_be_read_twice(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  IdleReading before, now;
  IdleSample sample;
  const IdleSources here = {"", getpid()};
  assert_true(idle_read(&here, &before, &error));
  do { /* until the kernel has counted a tick */
    g_usleep(2000);
    assert_true(idle_read(&here, &now, &error));
  } while (!idle_between(&before, &now, &sample));
  assert_true(sample.cpu <= 1000 && sample.io <= 1000 && sample.memory <= 1000);
}

static int set_up(void **state) {
  (void)state;
  root = g_dir_make_tmp("sallyport-XXXXXX", NULL);
  return root ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  int rc = folder_remove(root);
  g_free(root);
  return rc;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_others_use_is_all_that_is_used_less_our_cgroups),
      cmocka_unit_test(business_in_our_own_cgroup_is_seen_as_others),
      cmocka_unit_test(in_the_root_and_without_pressure_there_is_less_to_see),
      cmocka_unit_test(a_hidden_proc_says_what_hides_it),
      cmocka_unit_test(this_machine_can_be_read_twice),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
