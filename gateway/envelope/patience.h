/* How long gpg may take. */
#pragma once

/* Seconds for gpg before it is given up: one that hangs must not hold a worker for long, one at work is many times
 * quicker. */
enum { GPG_PATIENCE = 180, GPG_LEAST_BYTES = 256 * 1024, GPG_LEAST_LINES = 2000 /* per second */ };
