/* Packing: gzip, zstd and zip around a file or within its envelope. libarchive is met in this folder only, and only in
 * a process of its own, `sallyport unpack` or `sallyport pack`: it is handed three descriptors (in, out, result), locks
 * itself in as a courier does (transfer/caged/sandbox.h) before it reads the first byte, opens no file, and can crash
 *  or
 * hang: the caller sees an error.
 *
 * What was unpacked is right only if all of these hold, and is refused otherwise: every byte of the input belongs to
 * the packed stream (nothing before, behind or beside it; gzip may have several members, zstd several frames), its
 * checksums agree, a zip has exactly one plain file that is not encrypted, perhaps with the folders that it lies in. A
 *  member's name is information for people; it never becomes a path. */
#pragma once
#include "conf/conf.h"
#include "gateway/base/error.h"

/* One list; the words are for people, the codes for the partner (packaging/man/sallyport.1). */
#define PACKING_VERDICTS(X) \
  X(UNKNOWN, "U000", "no verdict") \
  X(GOOD, "", "good") \
  X(FOREIGN, "U001", "not packed as agreed") \
  X(DAMAGED, "U002", "damaged") \
  X(TRUNCATED, "U003", "truncated") \
  X(BESIDE, "U004", "bytes beside what is packed") \
  X(MEMBERS, "U005", "not exactly one member") \
  X(ENCRYPTED, "U006", "encrypted by the packer") \
  X(TOO_LARGE, "U007", "too large") \
  X(TOO_DENSE, "U008", "ratio too high") \
  X(METHOD, "U009", "packed in a way that is not read here")
typedef enum {
#define PACKING_VERDICT_ENUM(name, code, word) PACKING_##name,
  PACKING_VERDICTS(PACKING_VERDICT_ENUM) PACKING_N_VERDICTS
} PackingVerdict;
const char *packing_code(PackingVerdict verdict);
const char *packing_word(PackingVerdict verdict);
const char *packing_name(ConfPacking packing); /* "gzip" … */

typedef struct {
  ConfPacking packing;
  guint64 size_limit;  /* of what comes out, bytes */
  guint ratio_limit;   /* what comes out / ratio_base, once past 1 MiB */
  guint64 ratio_base;  /* bytes; 0: the input's size */
  guint deadline;      /* seconds; 0: by the sizes */
  const char *program; /* NULL: /proc/self/exe */
} UnpackOptions;

typedef struct {
  PackingVerdict verdict;
  guint64 size;      /* of what came out */
  char message[256]; /* for people, escaped */
} Unpacked;

/* Unpacks all of `in` (read by pread from 0) into `out` (an unnamed file, written from 0). TRUE: there is a verdict;
 * what is in `out` is to be thrown away unless it is GOOD. FALSE: PARTNER when the unpacker crashed or had to be
 * stopped (perhaps by the input), AGAIN or CONFIGURATION for a reason on our side. Nothing is synced. */
gboolean packing_unpack(const UnpackOptions *options, int in, int out, Unpacked *unpacked,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  ConfPacking packing;
  const char *member; /* the one member's name in a zip; other packings have none */
  guint deadline;
  const char *program;
} PackOptions;
/* Packs all of `in` into `out`, which is empty. The same input and member give the same bytes: no time, no owner. */
gboolean packing_pack(const PackOptions *options, int in, int out, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The processes: `sallyport unpack GZIP|… SIZE RATIO-LIMIT RATIO-BASE`, `sallyport pack KIND [MEMBER]`. Return the exit
 * status. */
int packing_main(int argc, char **argv);
