/* node { … }: where the gateway keeps its state, and how it logs. */
#pragma once
#include "conf/model/where.h"

#define CONF_LOG_FORMATS(X)   \
  X(CONF_LOG_TEXT, "text")    \
  X(CONF_LOG_JSON, "json")
typedef enum { CONF_LOG_FORMATS(CONF_CONSTANT) } ConfLogFormat;

#define CONF_LOG_LEVELS(X)        \
  X(CONF_LOG_ERROR, "error")      \
  X(CONF_LOG_WARNING, "warning")  \
  X(CONF_LOG_INFO, "info")        \
  X(CONF_LOG_DEBUG, "debug")
typedef enum { CONF_LOG_LEVELS(CONF_CONSTANT) } ConfLogLevel;

typedef struct {
  ConfWhere where;
  char *name;
  char *state;
  char *runtime; /* default: STATE/run */
  char *time_zone;
  char *gnupg_home; /* default: STATE/gnupg */
  ConfLogFormat log_format;
  ConfLogLevel log_level;
  guint key_warning_days; /* how long before a key's end it is told; 30 */
  guint archive_days;     /* how long closed ciphertexts are kept; 30 */
} ConfNode;
