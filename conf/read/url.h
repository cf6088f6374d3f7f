/* Where an endpoint is: the URLs of the protocols that we speak, taken apart. */
#pragma once
#include "conf/model/partner.h"

typedef struct {
  ConfScheme scheme;
  char *user, *host;
  guint port;
  char *folder; /* file: the folder; http(s): the base path, NULL: none */
} Url;
/* NULL when it is sound; else what is wrong (static text, which never repeats a part of the URL: it may hold a
 * password). */
const char *url_read(const char *text, Url *url);
void url_clear(Url *url);

const char *url_scheme_word(ConfScheme scheme); /* "sftp" … */
gboolean url_has_folders(ConfScheme scheme);    /* files are put into and taken from it; else it is HTTP */
/* Of a path behind a URL's host: begins with '/', what is not plain is percent-encoded, nothing leads upwards, no
 * fragment. */
gboolean url_is_path(const char *path);
