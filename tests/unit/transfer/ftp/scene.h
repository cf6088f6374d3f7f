/* A small FTP server of a test (ftp.py), as it should be or lying in many ways, and a courier to it. */
#pragma once
#include "tests/unit/folder.h"
#include "tests/unit/transfer/authority.h"
#include "tests/unit/transfer/courier_fixture.h"
#include <utime.h>

static Authority *authority;

typedef struct {
  char *top, *folder, *password;
  GPid pid;
  int input;
  CourierEndpoint endpoint;
  Courier *courier;
} Scene;

/* WAYS: words for ftp.py. With "tls" the server has the certificate of that name. */
static inline Scene *scene_with(const char *ways, const char *certificate) {
  Scene *scene = g_new0(Scene, 1);
  scene->top = g_dir_make_tmp("ftp-XXXXXX", NULL);
  scene->folder = g_build_filename(scene->top, "files", NULL);
  scene->password = g_build_filename(scene->top, "password", NULL);
  g_mkdir(scene->folder, 0755);
  assert_true(g_file_set_contents(scene->password, "s3cret\n", -1, NULL));
  g_autofree char *line = g_strdup_printf("/usr/bin/python3 tests/unit/transfer/ftp.py %s %s", scene->folder, ways);
  if (certificate) {
    g_autofree char *plain = g_steal_pointer(&line);
    line = g_strdup_printf("%s certificate=%s/%s.crt key=%s/%s.key", plain, authority->folder, certificate,
                           authority->folder, certificate);
  }
  g_auto(GStrv) arguments = g_strsplit(line, " ", 0);
  GPtrArray *words = g_ptr_array_new();
  for (char **each = arguments; *each; each++)
    if (**each)
      g_ptr_array_add(words, *each);
  g_ptr_array_add(words, NULL);
  int output;
  g_autoptr(GError) error = NULL;
  if (!g_spawn_async_with_pipes(NULL, (char **)words->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &scene->pid,
                                &scene->input, &output, NULL, &error))
    fail_msg("%s", error->message);
  g_ptr_array_unref(words);
  char port[16] = "";
  for (gsize at = 0; at < sizeof port - 1 && read(output, port + at, 1) == 1 && port[at] != '\n'; at++)
    continue;
  close(output);
  scene->endpoint = (CourierEndpoint){.kind = COURIER_FTP,
                                      .name = "partner/main",
                                      .host = certificate ? "localhost" : "127.0.0.1",
                                      .port = (guint)g_ascii_strtoull(port, NULL, 10),
                                      .user = "gw",
                                      .password_file = scene->password,
                                      .connect_timeout = 20,
                                      .io_timeout = 20};
  assert_true(scene->endpoint.port > 0);
  return scene;
}

static inline Scene *scene_of(const char *ways) {
  Scene *scene = scene_with(ways, NULL);
  scene->courier = test_open(&scene->endpoint);
  return scene;
}

static inline void end_scene(Scene *scene) {
  courier_close(scene->courier);
  close(scene->input);
  waitpid(scene->pid, NULL, 0);
  folder_remove(scene->top);
  g_free(scene->top);
  g_free(scene->folder);
  g_free(scene->password);
  g_free(scene);
}

static inline char *file_of(const Scene *scene, const char *name) {
  return g_build_filename(scene->folder, name, NULL);
}

static inline void write_file(const Scene *scene, const char *name, guint64 size) {
  g_autofree char *path = file_of(scene, name);
  test_write(path, size);
}

/* All that the server was told. */
static inline char *commands_of(const Scene *scene) {
  g_autofree char *path = g_build_filename(scene->top, "commands", NULL);
  char *text = NULL;
  return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

static inline gboolean get(Scene *scene, const char *path, guint64 offset, guint64 limit, guint64 expected,
                           GError **error) {
  int fd = test_file(offset);
  guint64 end = 0;
  gboolean ok = courier_get(scene->courier,
                            &(CourierGet){.path = path, .offset = offset, .size_limit = limit, .fd = fd}, &end, error);
  if (ok)
    assert_int_equal(end, expected);
  if (ok || expected <= limit)
    assert_content(fd, ok ? end : expected);
  close(fd);
  return ok;
}

static inline gboolean put(Scene *scene, const char *path, guint64 offset, guint64 size, GError **error) {
  int fd = test_file(size);
  gboolean ok = courier_put(scene->courier, &(CourierPut){.path = path, .offset = offset, .size = size, .fd = fd},
                            error);
  close(fd);
  return ok;
}

static inline void assert_there(const Scene *scene, const char *name, guint64 size) {
  g_autofree char *path = file_of(scene, name);
  assert_file(path, size);
}

#define FINE(call)                    \
  do {                                \
    g_autoptr(GError) failed_ = NULL; \
    GError **error = &failed_;        \
    gboolean ok_ = (call);            \
    assert_fine(ok_, failed_);        \
  } while (0)
#define FAILS(call, code)             \
  do {                                \
    g_autoptr(GError) failed_ = NULL; \
    GError **error = &failed_;        \
    assert_false(call);               \
    assert_code(&failed_, code);      \
  } while (0)

static inline void get_fails(const char *ways, guint io_timeout, SallyportErrorCode code, guint64 kept) {
  Scene *scene = scene_with(ways, NULL);
  scene->endpoint.io_timeout = io_timeout;
  scene->courier = test_open(&scene->endpoint);
  write_file(scene, "x", 1000);
  FAILS(get(scene, "/x", 0, 100000, kept, error), code);
  end_scene(scene);
}
