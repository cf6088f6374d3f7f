/* The normal form of a text by which keys and accounts are told apart: what a layout's field declares, and nothing
 * else. Only tables of our own are used, so that no upgrade of a library moves the meaning of a stored key. */
#pragma once
#include "conf/conf.h"

enum { NORMAL_FORM_ALL = 1 << CONF_NORMAL_TRIM | 1 << CONF_NORMAL_WIDTH | 1 << CONF_NORMAL_CASE };

/* Would `text` (UTF-8) be changed? Cheap. */
gboolean normal_form_changes(guint forms, const void *text, gsize length);
/* Writes at most `length` bytes and returns how many: `width` first (full-width letters, digits and signs become those
 * of ASCII, U+3000 a blank), then `trim` (blanks and tabs at both ends), then `case` (a to z become A to Z). */
gsize normal_form_make(guint forms, const void *text, gsize length, char *into);
