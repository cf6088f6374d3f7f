/* A disk that fails when it is told to: a VFS in front of SQLite's own, made the default by faulty_vfs_install. It
 * counts the writes and syncs of all files; the call numbered `at` and, if `lasting`, all later ones give `code`. */
#pragma once
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

typedef enum { FAULTY_WRITE = 1, FAULTY_SYNC = 2 } FaultyKind;
static struct {
  sqlite3_vfs vfs, *real;
  atomic_int armed, calls, at, code, kinds, lasting, hit;
} faulty;

typedef struct {
  sqlite3_file base, *real;
} FaultyFile;
#define REAL(file) (((FaultyFile *)(file))->real)

static inline void faulty_arm(int kinds, int at, int code, int lasting) {
  faulty.calls = faulty.hit = 0;
  faulty.kinds = kinds;
  faulty.at = at;
  faulty.code = code;
  faulty.lasting = lasting;
  faulty.armed = 1;
}
static inline int faulty_disarm(void) {
  faulty.armed = 0;
  return faulty.hit;
}
static inline int faulty_now(FaultyKind kind) {
  if (!faulty.armed || !(faulty.kinds & (int)kind))
    return 0;
  int call = ++faulty.calls;
  if (call < faulty.at || (call > faulty.at && !faulty.lasting))
    return 0;
  faulty.hit = 1;
  return faulty.code;
}

static inline int faulty_close(sqlite3_file *f) {
  return REAL(f)->pMethods->xClose(REAL(f));
}
static inline int faulty_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) {
  return REAL(f)->pMethods->xRead(REAL(f), to, n, at);
}
static inline int faulty_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at) {
  int code = faulty_now(FAULTY_WRITE);
  if (!code)
    return REAL(f)->pMethods->xWrite(REAL(f), from, n, at);
  REAL(f)->pMethods->xWrite(REAL(f), from, n / 2, at); /* what was half written is the hard case */
  return code;
}
static inline int faulty_truncate(sqlite3_file *f, sqlite3_int64 n) {
  return REAL(f)->pMethods->xTruncate(REAL(f), n);
}
static inline int faulty_sync(sqlite3_file *f, int flags) {
  int code = faulty_now(FAULTY_SYNC);
  return code ? code : REAL(f)->pMethods->xSync(REAL(f), flags);
}
static inline int faulty_size(sqlite3_file *f, sqlite3_int64 *n) {
  return REAL(f)->pMethods->xFileSize(REAL(f), n);
}
static inline int faulty_lock(sqlite3_file *f, int l) {
  return REAL(f)->pMethods->xLock(REAL(f), l);
}
static inline int faulty_unlock(sqlite3_file *f, int l) {
  return REAL(f)->pMethods->xUnlock(REAL(f), l);
}
static inline int faulty_check(sqlite3_file *f, int *r) {
  return REAL(f)->pMethods->xCheckReservedLock(REAL(f), r);
}
static inline int faulty_control(sqlite3_file *f, int op, void *a) {
  return REAL(f)->pMethods->xFileControl(REAL(f), op, a);
}
static inline int faulty_sector(sqlite3_file *f) {
  return REAL(f)->pMethods->xSectorSize(REAL(f));
}
static inline int faulty_device(sqlite3_file *f) {
  return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}
static inline int faulty_map(sqlite3_file *f, int r, int s, int e, void volatile **p) {
  return REAL(f)->pMethods->xShmMap(REAL(f), r, s, e, p);
}
static inline int faulty_shm_lock(sqlite3_file *f, int o, int n, int fl) {
  return REAL(f)->pMethods->xShmLock(REAL(f), o, n, fl);
}
static inline void faulty_barrier(sqlite3_file *f) {
  REAL(f)->pMethods->xShmBarrier(REAL(f));
}
static inline int faulty_unmap(sqlite3_file *f, int d) {
  return REAL(f)->pMethods->xShmUnmap(REAL(f), d);
}

static const sqlite3_io_methods faulty_methods = {
    2,
    faulty_close,
    faulty_read,
    faulty_write,
    faulty_truncate,
    faulty_sync,
    faulty_size,
    faulty_lock,
    faulty_unlock,
    faulty_check,
    faulty_control,
    faulty_sector,
    faulty_device,
    faulty_map,
    faulty_shm_lock,
    faulty_barrier,
    faulty_unmap,
    NULL,
    NULL,
};

static inline int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out) {
  FaultyFile *file = (FaultyFile *)f;
  (void)vfs;
  file->real = (sqlite3_file *)(file + 1);
  int rc = faulty.real->xOpen(faulty.real, name, file->real, flags, out);
  f->pMethods = file->real->pMethods ? &faulty_methods : NULL;
  return rc;
}

static inline void faulty_vfs_install(void) {
  faulty.real = sqlite3_vfs_find(NULL);
  faulty.vfs = *faulty.real;
  faulty.vfs.zName = "faulty";
  faulty.vfs.szOsFile = (int)sizeof(FaultyFile) + faulty.real->szOsFile;
  faulty.vfs.xOpen = faulty_open;
  sqlite3_vfs_register(&faulty.vfs, 1);
}
