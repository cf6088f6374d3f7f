/* How far a word that somebody typed is from one that there is, for "did you mean". */
#pragma once
#include <glib.h>

enum { SPELLING_LONGEST = 64 }; /* bytes of a word for which another is suggested */
/* How many letters are too many, missing, wrong, or exchanged with their neighbour; upper and lower case of ASCII are
 * one. G_MAXUINT for a word that is longer than SPELLING_LONGEST. */
guint spelling_distance(const char *a, const char *b);
