/* What an SSH server says before anything is agreed: its banner line and its KEXINIT (RFC 4253, 4.2 and 7.1), as bytes.
 * Pure functions, strict and bounded; hostile input. */
#pragma once
#include <glib.h>

#define KEXINIT_LISTS 10u
#define KEXINIT_MOST 35000u /* the longest packet that the protocol promises to take */
/* Fact names of the lists, in the order of the packet; the languages have none. */
extern const char *const kexinit_names[KEXINIT_LISTS];

typedef enum { KEXINIT_WHOLE, KEXINIT_MORE, KEXINIT_WRONG } KexinitGot;
/* The banner line ("SSH-2.0-…", without its end) in what came so far; lines before it are passed over. *used: bytes up
 * to its end. */
KexinitGot kexinit_banner(const guint8 *bytes, gsize length, char **banner, gsize *used);
/* The lists of the first packet, each its names separated by commas; the caller frees them. */
KexinitGot kexinit_parse(const guint8 *bytes, gsize length, char *lists[KEXINIT_LISTS]);
/* Whether a list has that name. */
gboolean kexinit_has(const char *list, const char *name);
