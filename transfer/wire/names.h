/* What a listed name may be. Names come from a partner's server: they are bytes, never a path, and never text.
 *
 * A name that could leave its folder, or that no file system can hold, is refused and counted; all other bytes are kept
 * as they are (control characters, line ends and invalid UTF-8 too: whoever shows a name escapes it). */
#pragma once
#include <glib.h>

#define NAME_LIMIT 255u

typedef enum { NAME_ACCEPTED, NAME_SKIPPED, NAME_REFUSED } NameVerdict;
/* SKIPPED is "." and "..", which every folder has; REFUSED is empty, over NAME_LIMIT bytes, or with a slash or a NUL.
 */
NameVerdict name_judge(const void *name, gsize length);

/* A path that we send: not empty, at most 4,096 bytes, without NUL. Its slashes and its dots are the caller's business.
 */
gboolean path_is_sendable(const void *path, gsize length);
