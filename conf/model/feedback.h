/* feedback { … }: the folder that a feed's answers go to. Names are templates: {name} {stem} {extension} {date} {time}
 * {id} {sequence} {sequence:6}. */
#pragma once
#include "conf/model/envelope.h"

#define CONF_COMPRESSES(X)            \
  X(CONF_COMPRESS_NONE, "none")       \
  X(CONF_COMPRESS_FAST, "fast")       \
  X(CONF_COMPRESS_ZLIB, "zlib")
typedef enum { CONF_COMPRESSES(CONF_CONSTANT) } ConfCompress;

#define CONF_EXPLAINS(X)              \
  X(CONF_EXPLAIN_LINE, "line")        \
  X(CONF_EXPLAIN_FIELD, "field")      \
  X(CONF_EXPLAIN_REASON, "reason")
typedef enum { CONF_EXPLAINS(CONF_CONSTANT) } ConfExplain;

typedef struct {
  ConfWhere where;
  char *endpoint;
  char *path;
  char *name;
  char *exception_name;
  char *marker;
  char **columns; /* record fields echoed; default: the key */
  gboolean group_lines; /* of groups, around their records' lines */
  guint explain;  /* bits, 1 << ConfExplain: what stands behind each record's code */
  ConfCompress compress;
  ConfIfExists if_exists;
  ConfWrite write;
  ConfVanishes vanishes;
  ConfEnvelope envelope; /* detached: the signature's name is NAME.sig */
  ConfPacking packing;
  ConfPacking outer_packing;
  char *member;  /* in a zip; default: the name without suffixes */
  char *charset; /* NULL: the layout's; so the next two */
  char *delimiter;
  char *line_end;      /* "lf" or "crlf" */
  gboolean neutralise; /* ' before a text of = + - @ TAB CR */
  char *digest;        /* '{name}.sha256': put beside it, before the marker */
} ConfFeedback;
