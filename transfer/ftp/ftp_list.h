/* The lines of FTP's listings: MLSD's facts, and LIST's pictures as Unix, Windows (IIS), OS/400, NetWare and EPLF
 * servers
 * draw them. The lines are a hostile server's: what is not understood completely is UNKNOWN, counted, and never a file.
 *  */
#pragma once
#include "transfer/wire/wire.h"

typedef enum { FTP_LINE_UNKNOWN, FTP_LINE_ENTRY, FTP_LINE_NOTHING /* "total 12", blank, the folder itself */ } FtpLine;

typedef struct {
  GTimeZone *zone;
  gint64 now;
  gboolean *day_first; /* whether a date of numbers has its day first, once a line has shown it; NULL: not kept */
} FtpClock; /* of LIST's times; seconds since 1970 */

/* `line` without its end. The entry's name borrows from it. is_file only for regular files; of a link, the name without
 * its target. */
FtpLine ftp_list_line(const char *line, gsize length, const FtpClock *clock, WireEntry *entry);
FtpLine ftp_mlsd_line(const char *line, gsize length, WireEntry *entry);
/* "20260131123456" or with a fraction: MDTM's and MLSD's, in UTC. FALSE: none. */
gboolean ftp_time(const char *text, gsize length, gint64 *seconds);
