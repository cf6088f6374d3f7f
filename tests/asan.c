/* Linked into every program of a SANITIZE=1 build: compiled in, since couriers are started with an empty environment.
 * libssh2 1.10 copies its list of login methods over itself with memcpy (libssh2's userauth.c); later ones use
 * memmove. */
const char *__asan_default_suppressions(void);

const char *__asan_default_suppressions(void) {
  return "interceptor_via_lib:libssh2.so\n";
}
