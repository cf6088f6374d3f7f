/* The end of a gpg that has to end now. GPGME forks twice and tells no process id, but gpg is who holds the other ends
 * of our pipes. Private to crypto/. */
#pragma once
#include <glib.h>
#include <sys/types.h>

/* Kills each gpg that holds one of these pipes. Its name is looked at too: a courier that another thread has just
 * started may hold a copy of a pipe until it runs its own program. */
void gpg_kill(const ino_t *inodes, guint count);
