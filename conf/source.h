/* The text of all files as they were read at one moment, so that what was checked is what runs, also when someone edits
 * a file meanwhile. */
#pragma once
#include <glib.h>

typedef struct ConfSource ConfSource;

/* Reads FILE and, beside it, conf.d/ *.conf in the order of their names (and further include lines inside them). */
ConfSource *conf_source_read(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One text, as if it stood alone in the file of that name (tests, and a configuration from elsewhere). Copied. */
ConfSource *conf_source_from_text(const char *name, const char *text, gsize length);
/* To and from one descriptor (a memfd that a lane inherits). Loading reads from its beginning and does not move its
 * offset, so that several lanes may load from one. */
gboolean conf_source_save(const ConfSource *source, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
ConfSource *conf_source_load(int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* SHA-256, hex, of its files' texts one after the other, in the order in which they were read: what
 * `cat sallyport.conf conf.d/ *.conf | sha256sum` says. The caller frees. */
char *conf_source_digest(const ConfSource *source);
gboolean conf_source_equal(const ConfSource *a, const ConfSource *b);
void conf_source_free(ConfSource *source);
