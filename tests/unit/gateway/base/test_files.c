#include "gateway/base/files.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* As on a file system that knows no O_TMPFILE. */
static gboolean refuse_tmpfile(void) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = G_N_ELEMENTS(rules), .filter = rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* 0: an empty private file that nothing in the folder names, to be written and read. */
static int judge_unnamed(const char *folder) {
  char back[4] = "";
  struct stat status;
  int fd = files_open_unnamed(folder, NULL);
  g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
  if (fd < 0 || fstat(fd, &status) != 0)
    return 1;
  if (status.st_nlink != 0 || (status.st_mode & 07777) != 0600 || status.st_size != 0 || !names ||
      g_dir_read_name(names))
    return 2;
  return write(fd, "abc", 3) == 3 && pread(fd, back, 3, 0) == 3 && g_str_equal(back, "abc") ? 0 : 3;
}

static void an_unnamed_file_has_no_name_and_is_private(void **state) {
  (void)state;
  g_autofree char *folder = g_dir_make_tmp("files-XXXXXX", NULL);
  assert_int_equal(judge_unnamed(folder), 0);
  g_rmdir(folder);
}

static void so_it_is_where_the_file_system_cannot_make_one_without_a_name(void **state) {
  (void)state;
  g_autofree char *folder = g_dir_make_tmp("files-XXXXXX", NULL);
  int status = 0;
  pid_t child = fork();
  if (child == 0)
    _exit(!refuse_tmpfile()                                         ? 77
          : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) >= 0 ? 78
                                                                    : judge_unnamed(folder));
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  g_rmdir(folder);
  if (WEXITSTATUS(status) == 77) {
    print_message("SKIPPED: no seccomp filters here\n");
    skip();
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_folder_that_is_not_there_is_an_error(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  assert_int_equal(files_open_unnamed("/nowhere/at/all", &error), -1);
  assert_non_null(error);
}

static void a_folder_is_made_with_its_parents_and_may_be_there(void **state) {
  (void)state;
  g_autofree char *top = g_dir_make_tmp("files-XXXXXX", NULL);
  g_autofree char *inner = g_build_filename(top, "a", "b", NULL);
  g_autofree char *outer = g_path_get_dirname(inner);
  g_autofree char *file = g_build_filename(inner, "file", NULL);
  struct stat status;
  assert_true(files_make_folder(inner, NULL));
  assert_int_equal(stat(outer, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0700);
  assert_true(files_make_folder(inner, NULL));
  g_autoptr(GError) error = NULL;
  assert_true(g_file_set_contents(file, "", 0, NULL));
  assert_false(files_make_folder(file, &error));
  assert_non_null(strstr(error->message, file));
  g_unlink(file);
  g_rmdir(inner);
  g_rmdir(outer);
  g_rmdir(top);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_unnamed_file_has_no_name_and_is_private),
      cmocka_unit_test(so_it_is_where_the_file_system_cannot_make_one_without_a_name),
      cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
      cmocka_unit_test(a_folder_is_made_with_its_parents_and_may_be_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
