/* How the parts of a composed key stand in it: composed.c says so. */
#pragma once
#include <glib.h>

void composed_add_part(GString *key, const char *text, gsize length);
