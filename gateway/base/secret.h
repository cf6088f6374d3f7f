/* A secret text in the heap: overwritten before its memory is given back. Every room's. */
#pragma once
#include <glib.h>

void secret_free(char *secret);    /* NULL: nothing happens */
void secret_clear(char **secret); /* the same, and NULL behind it */
