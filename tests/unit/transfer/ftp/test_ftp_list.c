/* Listings as servers in the field draw them, and as hostile ones do. */
#include "transfer/ftp/ftp_list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define NOW 1772366400 /* 2026-03-01 12:00:00 UTC */

static GTimeZone *utc, *shanghai;

typedef struct {
  const char *line, *name;
  guint64 size;
  gboolean is_file;
  const char *modified;
} Good;

static char *moment(gint64 seconds) {
  g_autoptr(GDateTime) made = g_date_time_new_from_unix_utc(seconds);
  return g_date_time_format(made, "%Y-%m-%d %H:%M:%S");
}

static void expect(const Good *good, FtpLine kind, const WireEntry *entry) {
  if (kind != FTP_LINE_ENTRY)
    fail_msg("not understood (%d): %s", (int)kind, good->line);
  g_autofree char *name = g_strndup((const char *)entry->name, entry->name_length), *at = moment(entry->modified);
  if (strcmp(name, good->name) != 0 || entry->size != good->size || entry->is_file != good->is_file ||
      strcmp(at, good->modified) != 0)
    fail_msg("%s\n  is taken for \"%s\", %" G_GUINT64_FORMAT " bytes, %s, %s", good->line, name, entry->size,
             entry->is_file ? "a file" : "no file", at);
}

static void listing_in(GTimeZone *zone, const Good *lines, gsize count) {
  gboolean day_first = FALSE;
  const FtpClock clock = {zone, NOW, &day_first};
  for (gsize i = 0; i < count; i++) {
    WireEntry entry;
    expect(&lines[i], ftp_list_line(lines[i].line, strlen(lines[i].line), &clock, &entry), &entry);
  }
}

static void unix_listings_are_read(void **state) {
  (void)state;
  static const Good lines[] = {
      /* vsftpd, with numbers for names */
      {"-rw-r--r--    1 0        0             123 Feb 27 09:15 POINTS_1.dat", "POINTS_1.dat", 123, TRUE,
       "2026-02-27 09:15:00"},
      {"drwxr-xr-x    2 1000     1000         4096 Jan 02  2025 archive", "archive", 4096, FALSE,
       "2025-01-02 00:00:00"},
      {"lrwxrwxrwx    1 0        0              12 Feb 27 09:15 latest -> POINTS_1.dat", "latest", 12, FALSE,
       "2026-02-27 09:15:00"},
      /* Pure-FTPd, ProFTPD */
      {"-rw-r--r--    1 ftp        ftp          5000000000 Mar  1 11:59 big one.dat", "big one.dat", 5000000000u, TRUE,
       "2026-03-01 11:59:00"},
      {"-rw-r--r--   1 partner  partner       17 Sep  3  2024 a", "a", 17, TRUE, "2024-09-03 00:00:00"},
      /* time without a year: this year's, last year's, and the day that only leap years have */
      {"-rw-r--r-- 1 a b 1 Mar  1 12:00 today", "today", 1, TRUE, "2026-03-01 12:00:00"},
      {"-rw-r--r-- 1 a b 1 Mar  2 10:00 tomorrow", "tomorrow", 1, TRUE, "2026-03-02 10:00:00"},
      {"-rw-r--r-- 1 a b 1 Dec 31 23:59 last-year", "last-year", 1, TRUE, "2025-12-31 23:59:00"},
      {"-rw-r--r-- 1 a b 1 Mar  5 10:00 nearly-a-year", "nearly-a-year", 1, TRUE, "2025-03-05 10:00:00"},
      {"-rw-r--r-- 1 a b 1 Feb 29 10:00 leap", "leap", 1, TRUE, "2024-02-29 10:00:00"},
      /* marks of ACLs and SELinux, odd modes, no group, no link count, single blanks */
      {"-rw-r--r--+ 1 a b 9 Jan 15 2026 acl", "acl", 9, TRUE, "2026-01-15 00:00:00"},
      {"-rwsr-sr-t. 1 a b 9 Jan 15 2026 odd", "odd", 9, TRUE, "2026-01-15 00:00:00"},
      {"-rw-rw-rw-   1 owner            9 Jan 15 08:00 no-group", "no-group", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-rw-rw- owner group 9 Jan 15 08:00 no-links", "no-links", 9, TRUE, "2026-01-15 08:00:00"},
      {"-r--------   1 domain users group 77 Jan 15 08:00 group-of-two-words", "group-of-two-words", 77, TRUE,
       "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a 2026 9 Jan 15 08:00 a-number-for-a-group", "a-number-for-a-group", 9, TRUE,
       "2026-01-15 08:00:00"},
      /* day before month, ISO dates, full time with a zone of its own */
      {"-rw-r--r-- 1 a b 9 15 Jan 08:00 day-first", "day-first", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 2026-01-15 08:00 iso", "iso", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 2026-01-15 08:00:07.123456789 +0800 full", "full", 9, TRUE, "2026-01-15 00:00:07"},
      /* Chinese systems, UTF-8 and GBK */
      {"-rw-r--r-- 1 a b 9 1\xe6\x9c\x88  15 08:00 zh", "zh", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 1\xe6\x9c\x88 15\xe6\x97\xa5 08:00 zh", "zh", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 12\xd4\xc2 15 2025 gbk", "gbk", 9, TRUE, "2025-12-15 00:00:00"},
      /* names: blanks at either end, an arrow in a plain file, bytes of another set, like a date */
      {"-rw-r--r-- 1 a b 9 Jan 15 08:00  leading", " leading", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 Jan 15 08:00 trailing ", "trailing ", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 Jan 15 08:00 a -> b", "a -> b", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 Jan 15 08:00 \xbb\xfd\xb7\xd6.txt", "\xbb\xfd\xb7\xd6.txt", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 Jan 15 08:00 7 Feb 01 2020 x", "7 Feb 01 2020 x", 9, TRUE, "2026-01-15 08:00:00"},
      /* what is no file */
      {"prw-r--r-- 1 a b 0 Jan 15 08:00 pipe", "pipe", 0, FALSE, "2026-01-15 08:00:00"},
      {"srwxr-xr-x 1 a b 0 Jan 15 08:00 socket", "socket", 0, FALSE, "2026-01-15 08:00:00"},
      /* NetWare, MacOS's Peter */
      {"- [RWCEAFMS] rjs  214059       Oct 20 15:27 cx.exe", "cx.exe", 214059, TRUE, "2025-10-20 15:27:00"},
      {"d [R----F--] supervisor            512       Jan 16 18:53    login", "   login", 512, FALSE,
       "2026-01-16 18:53:00"},
      /* EPLF */
      {"+i8388621.29609,m1767225600,r,s280,\tsource.html", "source.html", 280, TRUE, "2026-01-01 00:00:00"},
      {"+i8388621.44468,m1767225600,/,\tsub folder", "sub folder", 0, FALSE, "2026-01-01 00:00:00"},
  };
  listing_in(utc, lines, G_N_ELEMENTS(lines));
}

static void windows_listings_are_read(void **state) {
  (void)state;
  static const Good lines[] = {
      {"01-15-26  02:45PM                 1234 POINTS 1.dat", "POINTS 1.dat", 1234, TRUE, "2026-01-15 14:45:00"},
      {"01-15-26  12:05AM       <DIR>          archive", "archive", 0, FALSE, "2026-01-15 00:05:00"},
      {"12-31-99  12:05PM                    0 empty", "empty", 0, TRUE, "1999-12-31 12:05:00"},
      {"01-15-2026  02:45PM           5000000000 big", "big", 5000000000u, TRUE, "2026-01-15 14:45:00"},
      {"01/15/2026  02:45 PM        1,234,567 commas", "commas", 1234567, TRUE, "2026-01-15 14:45:00"},
      {"2026-01-15  14:45                 1234 iso", "iso", 1234, TRUE, "2026-01-15 14:45:00"},
      {"2026/01/15  14:45    <DIR>          iso folder", "iso folder", 0, FALSE, "2026-01-15 14:45:00"},
      {"01-15-26  02:45PM       <JUNCTION>     elsewhere", "elsewhere", 0, FALSE, "2026-01-15 14:45:00"},
      {"01-15-26  02:45PM                 1234  leading", " leading", 1234, TRUE, "2026-01-15 14:45:00"},
  };
  listing_in(utc, lines, G_N_ELEMENTS(lines));
}

static void a_day_that_stands_first_shows_itself(void **state) {
  (void)state;
  static const Good lines[] = {
      {"31-01-2026  14:45                 1234 a", "a", 1234, TRUE, "2026-01-31 14:45:00"},
      {"05-01-2026  14:45                 1234 b", "b", 1234, TRUE, "2026-01-05 14:45:00"},
      {"05.02.2026  14:45                 1234 c", "c", 1234, TRUE, "2026-02-05 14:45:00"},
  };
  listing_in(utc, lines, G_N_ELEMENTS(lines));
}

static void months_of_other_languages_are_read(void **state) {
  (void)state;
  static const Good lines[] = {
      {"-rw-r--r-- 1 a b 9 15. Dez 2025 de", "de", 9, TRUE, "2025-12-15 00:00:00"},
      {"-rw-r--r-- 1 a b 9 Mär 15 2025 de", "de", 9, TRUE, "2025-03-15 00:00:00"},
      {"-rw-r--r-- 1 a b 9 M\xe4r 15 2025 latin", "latin", 9, TRUE, "2025-03-15 00:00:00"},
      {"-rw-r--r-- 1 a b 9 janv. 15 08:00 fr", "fr", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 août 15 2025 fr", "fr", 9, TRUE, "2025-08-15 00:00:00"},
      {"-rw-r--r-- 1 a b 9 ene 15 08:00 es", "es", 9, TRUE, "2026-01-15 08:00:00"},
      {"-rw-r--r-- 1 a b 9 giu 15 2025 it", "it", 9, TRUE, "2025-06-15 00:00:00"},
      {"-rw-r--r-- 1 a b 9 mrt 15 2025 nl", "nl", 9, TRUE, "2025-03-15 00:00:00"},
      {"-rw-r--r-- 1 a b 9 paź 15 2025 pl", "pl", 9, TRUE, "2025-10-15 00:00:00"},
  };
  listing_in(utc, lines, G_N_ELEMENTS(lines));
}

static void as400_listings_are_read(void **state) {
  (void)state;
  static const Good lines[] = {
      {"QPGMR           77824 02/23/26 15:09:55 *STMF      README.TXT", "README.TXT", 77824, TRUE,
       "2026-02-23 15:09:55"},
      {"QSYS            77824 23/02/26 15:09:55 *DIR       archive/", "archive", 77824, FALSE, "2026-02-23 15:09:55"},
      {"QSYS            12 99/12/31 15:09:55 *STMF      two words", "two words", 12, TRUE, "1999-12-31 15:09:55"},
  };
  listing_in(utc, lines, G_N_ELEMENTS(lines));
}

static void times_are_in_the_zone_that_is_configured(void **state) {
  (void)state;
  static const Good lines[] = {
      {"-rw-r--r-- 1 a b 9 Jan 15 08:00 x", "x", 9, TRUE, "2026-01-15 00:00:00"},
      {"-rw-r--r-- 1 a b 9 Jan 15  2025 x", "x", 9, TRUE, "2025-01-14 16:00:00"},
      {"-rw-r--r-- 1 a b 9 Mar  1 20:00 now", "now", 9, TRUE, "2026-03-01 12:00:00"},
      {"01-15-26  08:00AM 9 x", "x", 9, TRUE, "2026-01-15 00:00:00"},
      {"-rw-r--r-- 1 a b 9 2026-01-15 08:00:00 +0000 its-own", "its-own", 9, TRUE, "2026-01-15 08:00:00"},
  };
  listing_in(shanghai, lines, G_N_ELEMENTS(lines));
}

static void what_is_not_understood_is_no_file(void **state) {
  (void)state;
  static const char *const lines[] = {"POINTS_1.dat",
                                      "-rw-r--r--",
                                      "-rw-r--r-- 1 a b 9",
                                      "-rw-r--r-- 1 a b 9 Jan 15 08:00",
                                      "-rw-r--r-- 1 a b 9 Jan 15 08:00 ",
                                      "-rw-r--r-- 1 a b 9 Feb 30 08:00 x",
                                      "-rw-r--r-- 1 a b 9 Jan 15 25:00 x",
                                      "-rw-r--r-- 1 a b 9 Jan 32 08:00 x",
                                      "-rw-r--r-- 1 a b -9 Jan 15 08:00 x",
                                      "-rw-r--r-- 1 a b 99999999999999999999 Jan 15 08:00 x",
                                      "-rw-r--r-- 1 a b 0x9 Jan 15 08:00 x",
                                      "crw-rw---- 1 root tty 4, 64x Foo 15 08:00 ttyS0",
                                      "?rw-r--r-- 1 a b 9 Jan 15 08:00 x",
                                      "-rw-r--r-- 1 a b 9 Foo 15 08:00 x",
                                      "13-45-26  02:45PM 1234 x",
                                      "01-15-26  13:45PM 1234 x",
                                      "01-15-26  02:45PM 1234",
                                      "01-15-26  02:45PM <DIR>",
                                      "01-15-26  02:45PM 12x4 x",
                                      "FILE.DAT;1   5/8   15-JAN-2026 08:00:00  [A,B]  (RWED,RWED,RE,)",
                                      "+i1.2,m1,r,s9",
                                      "+\t",
                                      "            ",
                                      "ls: cannot access",
                                      "-rw-r--r-- 1 a b 9 13\xe6\x9c\x88 15 08:00 x",
                                      "-rw-r--r-- 1 a b 9 Jan 15 1969 x"};
  const FtpClock clock = {utc, NOW, NULL};
  for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
    WireEntry entry;
    if (ftp_list_line(lines[i], strlen(lines[i]), &clock, &entry) != FTP_LINE_UNKNOWN)
      fail_msg("taken for something: %s", lines[i]);
  }
  WireEntry entry;
  assert_int_equal(ftp_list_line("-rw-r--r-- 1 a b 9 Jan 15 08:00 a\0b", 36, &clock, &entry), FTP_LINE_UNKNOWN);
  assert_int_equal(ftp_list_line("total 12", 8, &clock, &entry), FTP_LINE_NOTHING);
  assert_int_equal(ftp_list_line("", 0, &clock, &entry), FTP_LINE_NOTHING);
}

static void facts_are_read(void **state) {
  (void)state;
  static const Good lines[] = {
      {"type=file;size=123;modify=20260115080000;perm=adfr; POINTS_1.dat", "POINTS_1.dat", 123, TRUE,
       "2026-01-15 08:00:00"},
      {"Size=5000000000;Modify=20260115080000.123;Type=FILE;Unique=1U2; big one", "big one", 5000000000u, TRUE,
       "2026-01-15 08:00:00"},
      {"type=dir;sizd=4096;modify=20260115080000;UNIX.mode=0755; archive", "archive", 0, FALSE, "2026-01-15 08:00:00"},
      {"type=OS.unix=slink:/etc/passwd;size=11;modify=20260115080000; link", "link", 11, FALSE, "2026-01-15 08:00:00"},
      {"type=OS.unix=symlink;size=11;modify=20260115080000; link", "link", 11, FALSE, "2026-01-15 08:00:00"},
      {"type=file;size=1;modify=20260115080000;  leading", " leading", 1, TRUE, "2026-01-15 08:00:00"},
      {"type=file;size=1; a;b=c", "a;b=c", 1, TRUE, "1970-01-01 00:00:00"},
      /* a fact that cannot be read costs that fact, and not the file */
      {"type=file;size=x; a", "a", 0, TRUE, "1970-01-01 00:00:00"},
      {"type=file;size=7;modify=2026; a", "a", 7, TRUE, "1970-01-01 00:00:00"},
      {"type=file;size=7;modify=20191202065119:size; a", "a", 7, TRUE, "1970-01-01 00:00:00"},
      {"type=file;size=7;modify=20261315080000; a", "a", 7, TRUE, "1970-01-01 00:00:00"},
      {"type=file;size=-1; a", "a", 0, TRUE, "1970-01-01 00:00:00"},
      {"type=file;size=99999999999999999999; a", "a", 0, TRUE, "1970-01-01 00:00:00"},
      {"type=file;nonsense;size=7; a", "a", 7, TRUE, "1970-01-01 00:00:00"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
    WireEntry entry;
    expect(&lines[i], ftp_mlsd_line(lines[i].line, strlen(lines[i].line), &entry), &entry);
  }
  static const char *const bad[] = {"type=file;size=1;", "no-facts", "size=1; untyped", "=; a;", " "};
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    WireEntry entry;
    if (ftp_mlsd_line(bad[i], strlen(bad[i]), &entry) != FTP_LINE_UNKNOWN)
      fail_msg("taken for something: %s", bad[i]);
  }
  WireEntry entry;
  assert_int_equal(ftp_mlsd_line("type=cdir;modify=20260115080000; .", 34, &entry), FTP_LINE_NOTHING);
  assert_int_equal(ftp_mlsd_line("type=pdir;modify=20260115080000; ..", 35, &entry), FTP_LINE_NOTHING);
}

/* Any cut of any good line is read without a byte beyond its end, and never as something larger than it is. */
static void cut_lines_do_no_harm(void **state) {
  (void)state;
  static const char *const lines[] = {"-rw-r--r--+ 1 a b 9 2026-01-15 08:00:07.123456789 +0800 full",
                                      "01-15-26  02:45PM       <DIR>          archive",
                                      "+i8388621.29609,m1767225600,r,s280,\tsource.html",
                                      "lrwxrwxrwx 1 0 0 12 Feb 27 09:15 latest -> x",
                                      "type=file;size=123;modify=20260115080000;perm=adfr; POINTS_1.dat",
                                      "-rw-r--r-- 1 a b 9 1\xe6\x9c\x88 15\xe6\x97\xa5 08:00 zh"};
  const FtpClock clock = {utc, NOW, NULL};
  for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
    for (gsize cut = 0; cut <= strlen(lines[i]); cut++) {
      g_autofree char *exact = g_memdup2(lines[i], cut); /* the sanitizer sees a byte too far */
      WireEntry entry;
      if (cut > 0 && ftp_list_line(exact, cut, &clock, &entry) == FTP_LINE_ENTRY)
        assert_true((const char *)entry.name + entry.name_length <= exact + cut);
      if (cut > 0 && ftp_mlsd_line(exact, cut, &entry) == FTP_LINE_ENTRY)
        assert_true((const char *)entry.name + entry.name_length == exact + cut);
    }
}

int main(void) {
  utc = g_time_zone_new_utc();
  shanghai = g_time_zone_new_identifier("Asia/Shanghai");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unix_listings_are_read),
      cmocka_unit_test(windows_listings_are_read),
      cmocka_unit_test(a_day_that_stands_first_shows_itself),
      cmocka_unit_test(months_of_other_languages_are_read),
      cmocka_unit_test(as400_listings_are_read),
      cmocka_unit_test(times_are_in_the_zone_that_is_configured),
      cmocka_unit_test(what_is_not_understood_is_no_file),
      cmocka_unit_test(facts_are_read),
      cmocka_unit_test(cut_lines_do_no_harm),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  g_time_zone_unref(utc);
  g_time_zone_unref(shanghai);
  return failed;
}
