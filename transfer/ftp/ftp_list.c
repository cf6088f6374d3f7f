#include "transfer/ftp/ftp_list.h"
#include <string.h>

#define DAY 86400
#define FIELDS_MOST 12

/* --- Pieces. */

typedef struct {
  const char *at;
  gsize length;
} Piece;

static gboolean is(const Piece *piece, const char *text) {
  return piece->length == strlen(text) && g_ascii_strncasecmp(piece->at, text, piece->length) == 0;
}

/* Decimal digits only, all of the piece; commas between thousands are taken where they may be. */
static gboolean number(const Piece *piece, gboolean commas, guint64 *value) {
  *value = 0;
  for (gsize i = 0; i < piece->length; i++) {
    if (commas && piece->at[i] == ',' && i > 0)
      continue;
    if (!g_ascii_isdigit(piece->at[i]) || *value > (G_MAXINT64 - 9) / 10)
      return FALSE;
    *value = *value * 10 + (guint64)(piece->at[i] - '0');
  }
  return piece->length > 0;
}

/* The fields of a line up to the name: runs of blanks divide them. */
static guint split(const char *line, gsize length, Piece *fields) {
  guint count = 0;
  for (gsize i = 0; i < length && count < FIELDS_MOST;) {
    gsize begun = i;
    while (i < length && line[i] != ' ')
      i++;
    if (i > begun)
      fields[count++] = (Piece){line + begun, i - begun};
    while (i < length && line[i] == ' ')
      i++;
  }
  return count;
}

/* What is behind one blank after `field` to the end of the line: names may begin with blanks. */
static gboolean name_after(const Piece *field, const char *line, gsize length, WireEntry *entry) {
  const char *at = field->at + field->length + 1, *end = line + length;
  if (at >= end)
    return FALSE;
  entry->name = (const guint8 *)at;
  entry->name_length = (gsize)(end - at);
  return TRUE;
}

/* --- Times. */

typedef struct {
  gint year, month, day, hour, minute, second;
} Moment; /* year 0: not said */

static gboolean moment_in(const Moment *moment, gint year, GTimeZone *zone, gint64 *seconds) {
  if (year < 1970 || year > 9999)
    return FALSE;
  g_autoptr(GDateTime)
      made = g_date_time_new(zone, year, moment->month, moment->day, moment->hour, moment->minute, moment->second);
  if (!made)
    return FALSE;
  *seconds = g_date_time_to_unix(made);
  return TRUE;
}

/* ls tells the time instead of the year when the file is less than half a year old: this year's day, unless that is yet
 * to come (a day of grace for a clock or a zone that is not ours). A 29th of February is looked for in the years
 * before. */
static gboolean seconds_of(const Moment *moment, const FtpClock *clock, gint64 *seconds) {
  if (moment->year > 0)
    return moment_in(moment, moment->year, clock->zone, seconds);
  g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(clock->now),
                       there = now ? g_date_time_to_timezone(now, clock->zone) : NULL;
  if (!there)
    return FALSE;
  for (gint year = g_date_time_get_year(there) + 1, tries = 0; tries < 6; year--, tries++)
    if (moment_in(moment, year, clock->zone, seconds) && *seconds <= clock->now + DAY)
      return TRUE;
  return FALSE;
}

static gboolean small(const char *at, gsize length, gint *value) {
  guint64 wide;
  if (length > 4 || !number(&(Piece){at, length}, FALSE, &wide))
    return FALSE;
  *value = (gint)wide;
  return TRUE;
}

/* "12:34", "12:34:56", "12:34:56.789", "02:45PM" */
static gboolean clock_time(const Piece *piece, Moment *moment) {
  const char *text = piece->at;
  gsize length = piece->length;
  gint afternoon = -1;
  if (length > 2 && g_ascii_toupper(text[length - 1]) == 'M' && strchr("AP", g_ascii_toupper(text[length - 2]))) {
    afternoon = g_ascii_toupper(text[length - 2]) == 'P';
    length -= 2;
  }
  const char *colon = memchr(text, ':', length);
  gsize hours = colon ? (gsize)(colon - text) : 0;
  if (!colon || hours < 1 || hours > 2 || length < hours + 3 || !small(text, hours, &moment->hour) ||
      !small(colon + 1, 2, &moment->minute))
    return FALSE;
  gsize rest = length - hours - 3;
  if (rest > 0 &&
      (rest < 3 || colon[3] != ':' || !small(colon + 4, 2, &moment->second) || (rest > 3 && colon[6] != '.')))
    return FALSE;
  if (afternoon >= 0 && (moment->hour < 1 || moment->hour > 12))
    return FALSE;
  if (afternoon >= 0)
    moment->hour = moment->hour % 12 + (afternoon ? 12 : 0);
  return moment->hour < 24 && moment->minute < 60 && moment->second < 61;
}

/* "2026-01-31" */
static gboolean iso_date(const Piece *piece, Moment *moment) {
  return piece->length == 10 && (piece->at[4] == '-' || piece->at[4] == '/') && piece->at[7] == piece->at[4] &&
         small(piece->at, 4, &moment->year) && small(piece->at + 5, 2, &moment->month) &&
         small(piece->at + 8, 2, &moment->day);
}

/* "01-31-26", "01-31-2026", "01/31/2026", "31.01.2026": IIS puts the month first, whatever its country; others do not,
 * which a day behind the 12th gives away, for all lines after it. With points between, the day is always first. */
static gboolean windows_date(const Piece *piece, gboolean *day_first, Moment *moment) {
  gint first, second;
  if ((piece->length != 8 && piece->length != 10) || !strchr("-/.", piece->at[2]) || piece->at[5] != piece->at[2] ||
      !small(piece->at, 2, &first) || !small(piece->at + 3, 2, &second) ||
      !small(piece->at + 6, piece->length - 6, &moment->year))
    return FALSE;
  *day_first = *day_first || (first > 12 && second <= 12);
  gboolean is_day = *day_first || piece->at[2] == '.';
  moment->day = is_day ? first : second;
  moment->month = is_day ? second : first;
  if (piece->length == 8)
    moment->year += moment->year < 70 ? 2000 : 1900;
  return TRUE;
}

/* As systems of other languages shorten them, in UTF-8 and in Latin-1 (paź: Latin-2); a point behind is taken off. */
static gboolean named_month(Piece piece, gint *month) {
  static const char *const months[] = {"jan|janv|ene|gen|sty|januar|january",
                                       "feb|févr|f\xe9vr|fév|fev|lut|februar|february",
                                       "mar|mär|m\xe4r|mrz|mars|mrt|märz|m\xe4rz|march",
                                       "apr|avr|abr|avril|kwi|april",
                                       "may|mai|mei|mag|maj|maio",
                                       "jun|juin|giu|cze|juni|june",
                                       "jul|juil|lug|lip|juli|july",
                                       "aug|août|ao\xfbt|ago|sie|august",
                                       "sep|sept|set|wrz|september",
                                       "oct|okt|ott|out|paź|pa\xbc|october|oktober",
                                       "nov|lis|november",
                                       "dec|dez|déc|d\xe9"
                                       "c|dic|gru|des|december|dezember"};
  if (piece.length > 1 && piece.at[piece.length - 1] == '.')
    piece.length--;
  for (gint i = 0; i < 12; i++)
    for (const char *name = months[i]; name; name = strchr(name, '|') ? strchr(name, '|') + 1 : NULL)
      if (strcspn(name, "|") == piece.length && g_ascii_strncasecmp(name, piece.at, piece.length) == 0) {
        *month = i + 1;
        return TRUE;
      }
  return FALSE;
}

/* Names; and as Chinese systems write them, "1月", in UTF-8 and in GBK. */
static gboolean month_name(const Piece *piece, Moment *moment) {
  if (named_month(*piece, &moment->month))
    return TRUE;
  gsize digits = 0;
  while (digits < piece->length && g_ascii_isdigit(piece->at[digits]))
    digits++;
  gsize rest = piece->length - digits;
  gboolean utf8 = rest == 3 && memcmp(piece->at + digits, "\xe6\x9c\x88", 3) == 0,
           gbk = rest == 2 && memcmp(piece->at + digits, "\xd4\xc2", 2) == 0;
  return digits >= 1 && digits <= 2 && (utf8 || gbk) && small(piece->at, digits, &moment->month) &&
         moment->month >= 1 && moment->month <= 12;
}

static gboolean day_number(const Piece *piece, Moment *moment) {
  gsize length = piece->length;
  if (length > 3 && memcmp(piece->at + length - 3, "\xe6\x97\xa5", 3) == 0)
    length -= 3;
  else if (length > 2 && memcmp(piece->at + length - 2, "\xc8\xd5", 2) == 0)
    length -= 2;
  else if (length > 1 && piece->at[length - 1] == '.')
    length--;
  return length <= 2 && small(piece->at, length, &moment->day) && moment->day >= 1 && moment->day <= 31;
}

/* A date as ls writes it, from fields[i] on. Returns how many fields it takes, 0: it is none. */
static guint unix_date(const Piece *fields, guint count, Moment *moment) {
  *moment = (Moment){0};
  if (count >= 2 && iso_date(&fields[0], moment) && clock_time(&fields[1], moment)) {
    gboolean has_zone = count >= 3 && fields[2].length == 5 && strchr("+-", fields[2].at[0]); /* --full-time */
    return has_zone ? 3 : 2;
  }
  *moment = (Moment){0};
  if (count < 3)
    return 0;
  if (!(month_name(&fields[0], moment) && day_number(&fields[1], moment)) &&
      !(day_number(&fields[0], moment) && month_name(&fields[1], moment)))
    return 0;
  if (clock_time(&fields[2], moment))
    return 3;
  moment->hour = moment->minute = moment->second = 0;
  return fields[2].length == 4 && small(fields[2].at, 4, &moment->year) ? 3 : 0;
}

/* "+0800": that is what --full-time's time is in, whatever is configured. */
static gboolean full_time_zone(const Piece *piece, GTimeZone **zone) {
  g_autofree char *text = g_strndup(piece->at, piece->length);
  *zone = g_time_zone_new_identifier(text);
  return *zone != NULL;
}

/* --- LIST. */

static gboolean is_mode(const Piece *piece) {
  if (piece->length < 10 || piece->length > 11 || !strchr("-dlbcpsD", piece->at[0]))
    return FALSE;
  for (gsize i = 1; i < 10; i++)
    if (!strchr("-rwxsStTlLF", piece->at[i]))
      return FALSE;
  return piece->length == 10 || strchr("+.@", piece->at[10]);
}

static void drop_link_target(WireEntry *entry) {
  const char *name = (const char *)entry->name;
  for (gsize i = 0; i + 4 <= entry->name_length; i++)
    if (memcmp(name + i, " -> ", 4) == 0) {
      entry->name_length = i;
      return;
    }
}

/* The date is the first one that follows a size: owner and group may be missing, and may look like anything but that.
 */
static FtpLine unix_line(const char *line, gsize length, const Piece *fields, guint count, guint first,
                         const FtpClock *clock, WireEntry *entry) {
  for (guint i = first; i + 2 < count; i++) {
    Moment moment;
    guint64 size;
    guint taken = unix_date(&fields[i + 1], count - i - 1, &moment);
    if (taken == 0 || !number(&fields[i], FALSE, &size))
      continue;
    g_autoptr(GTimeZone) its_own = NULL;
    FtpClock used = *clock;
    if (taken == 3 && strchr("+-", fields[i + 3].at[0])) {
      if (!full_time_zone(&fields[i + 3], &its_own))
        return FTP_LINE_UNKNOWN;
      used.zone = its_own;
    }
    if (!seconds_of(&moment, &used, &entry->modified) || !name_after(&fields[i + taken], line, length, entry))
      return FTP_LINE_UNKNOWN;
    entry->size = size;
    entry->is_file = line[0] == '-';
    entry->is_link = line[0] == 'l';
    if (line[0] == 'l')
      drop_link_target(entry);
    return FTP_LINE_ENTRY;
  }
  return FTP_LINE_UNKNOWN;
}

static FtpLine windows_line(const char *line, gsize length, const Piece *fields, guint count, const FtpClock *clock,
                            WireEntry *entry) {
  Moment moment = {0};
  gboolean unasked = FALSE, *day_first = clock->day_first ? clock->day_first : &unasked;
  if (count < 4 || (!windows_date(&fields[0], day_first, &moment) && !iso_date(&fields[0], &moment)) ||
      !clock_time(&fields[1], &moment))
    return FTP_LINE_UNKNOWN;
  guint at = 2;
  if (is(&fields[2], "AM") || is(&fields[2], "PM")) { /* apart */
    if (moment.hour < 1 || moment.hour > 12)
      return FTP_LINE_UNKNOWN;
    moment.hour = moment.hour % 12 + (is(&fields[2], "PM") ? 12 : 0);
    at = 3;
  }
  gboolean is_other = fields[at].at[0] == '<' && fields[at].at[fields[at].length - 1] == '>';
  if (at + 1 >= count || (!is_other && !number(&fields[at], TRUE, &entry->size)) ||
      !seconds_of(&moment, clock, &entry->modified))
    return FTP_LINE_UNKNOWN;
  /* <DIR> is followed by ten blanks, a size by one */
  const char *name = is_other ? fields[at + 1].at : fields[at].at + fields[at].length + 1;
  entry->name = (const guint8 *)name;
  entry->name_length = (gsize)(line + length - name);
  entry->is_file = !is_other;
  return FTP_LINE_ENTRY;
}

/* "QPGMR  77824 02/23/00 15:09:55 *STMF  README.TXT": OS/400. The order of its dates is the job's; a number that can be
 * no month or day tells. *MEM and the like have no size, and are no streams of bytes. */
static FtpLine as400_line(const char *line, gsize length, const Piece *fields, guint count, const FtpClock *clock,
                          WireEntry *entry) {
  Moment moment = {0};
  gint part[3];
  if (count < 6 || fields[4].at[0] != '*' || fields[2].length != 8 || !number(&fields[1], FALSE, &entry->size) ||
      !clock_time(&fields[3], &moment))
    return FTP_LINE_UNKNOWN;
  for (guint i = 0; i < G_N_ELEMENTS(part); i++)
    if (!small(fields[2].at + 3 * i, 2, &part[i]))
      return FTP_LINE_UNKNOWN;
  gboolean year_first = part[0] > 31 || part[0] == 0, day_first = !year_first && part[0] > 12;
  moment.year = year_first ? part[0] : part[2];
  moment.month = year_first || day_first ? part[1] : part[0];
  moment.day = year_first ? part[2] : day_first ? part[0] : part[1];
  moment.year += moment.year < 70 ? 2000 : 1900;
  entry->name = (const guint8 *)fields[5].at;
  entry->name_length = (gsize)(line + length - fields[5].at);
  entry->is_file = is(&fields[4], "*STMF");
  if (entry->name_length > 1 && entry->name[entry->name_length - 1] == '/')
    entry->name_length--;
  return seconds_of(&moment, clock, &entry->modified) ? FTP_LINE_ENTRY : FTP_LINE_UNKNOWN;
}

/* "+i8388621.29609,m824255902,/,\tname": https://cr.yp.to/ftp/list/eplf.html */
static FtpLine eplf_line(const char *line, gsize length, WireEntry *entry) {
  const char *tab = memchr(line, '\t', length);
  if (!tab || tab + 1 >= line + length)
    return FTP_LINE_UNKNOWN;
  guint64 value;
  gboolean is_folder = FALSE, is_file = FALSE;
  for (const char *at = line + 1; at < tab;) {
    const char *comma = memchr(at, ',', (gsize)(tab - at)), *end = comma ? comma : tab;
    Piece rest = {at + 1, (gsize)(end - at) > 0 ? (gsize)(end - at) - 1 : 0};
    if (*at == '/')
      is_folder = TRUE;
    else if (*at == 'r')
      is_file = TRUE;
    else if (*at == 's' && number(&rest, FALSE, &value))
      entry->size = value;
    else if (*at == 'm' && number(&rest, FALSE, &value))
      entry->modified = (gint64)value;
    at = end + 1;
  }
  entry->name = (const guint8 *)tab + 1;
  entry->name_length = (gsize)(line + length - tab) - 1;
  entry->is_file = is_file && !is_folder;
  return FTP_LINE_ENTRY;
}

FtpLine ftp_list_line(const char *line, gsize length, const FtpClock *clock, WireEntry *entry) {
  Piece fields[FIELDS_MOST];
  *entry = (WireEntry){0};
  guint count = memchr(line, 0, length) ? 0 : split(line, length, fields);
  if (length == 0 || (count == 2 && is(&fields[0], "total")))
    return FTP_LINE_NOTHING;
  if (count == 0)
    return FTP_LINE_UNKNOWN;
  if (line[0] == '+')
    return eplf_line(line, length, entry);
  if (g_ascii_isdigit(line[0]))
    return windows_line(line, length, fields, count, clock, entry);
  if (is_mode(&fields[0]))
    return unix_line(line, length, fields, count, 1, clock, entry);
  if (count >= 6 && fields[4].at[0] == '*')
    return as400_line(line, length, fields, count, clock, entry);
  gboolean is_netware = count >= 6 && fields[0].length == 1 && strchr("-d", line[0]) && fields[1].at[0] == '[';
  return is_netware ? unix_line(line, length, fields, count, 2, clock, entry) : FTP_LINE_UNKNOWN;
}

/* --- MLSD. */

gboolean ftp_time(const char *text, gsize length, gint64 *seconds) {
  Moment moment = {0};
  for (gsize i = 0; i < MIN(length, 14); i++)
    if (!g_ascii_isdigit(text[i]))
      return FALSE;
  if (length < 14 || (length > 14 && text[14] != '.'))
    return FALSE;
  small(text, 4, &moment.year);
  small(text + 4, 2, &moment.month);
  small(text + 6, 2, &moment.day);
  small(text + 8, 2, &moment.hour);
  small(text + 10, 2, &moment.minute);
  small(text + 12, 2, &moment.second);
  g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
  return moment_in(&moment, moment.year, utc, seconds);
}

/* A fact that cannot be read costs that fact, and not the file. */
static void take_fact(const Piece *fact, WireEntry *entry, gboolean *is_itself, gboolean *is_typed) {
  const char *equals = memchr(fact->at, '=', fact->length);
  if (!equals)
    return;
  const Piece name = {fact->at, (gsize)(equals - fact->at)}, value = {equals + 1, fact->length - name.length - 1};
  if (is(&name, "type")) {
    *is_typed = TRUE;
    entry->is_file = is(&value, "file");
    entry->is_link = value.length >= 13 && g_ascii_strncasecmp(value.at, "os.unix=slink", 13) == 0;
    *is_itself = is(&value, "cdir") || is(&value, "pdir");
  }
  if (is(&name, "size") && !number(&value, FALSE, &entry->size))
    entry->size = 0;
  if (is(&name, "modify") && !ftp_time(value.at, value.length, &entry->modified))
    entry->modified = 0;
}

FtpLine ftp_mlsd_line(const char *line, gsize length, WireEntry *entry) {
  *entry = (WireEntry){0};
  if (length == 0)
    return FTP_LINE_NOTHING;
  const char *blank = memchr(line, ' ', length);
  gboolean is_itself = FALSE, is_typed = FALSE;
  if (!blank || blank + 1 >= line + length || memchr(line, 0, length))
    return FTP_LINE_UNKNOWN;
  for (const char *at = line; at < blank;) {
    const char *semicolon = memchr(at, ';', (gsize)(blank - at)), *end = semicolon ? semicolon : blank;
    if (end > at)
      take_fact(&(Piece){at, (gsize)(end - at)}, entry, &is_itself, &is_typed);
    at = end + 1;
  }
  entry->name = (const guint8 *)blank + 1;
  entry->name_length = (gsize)(line + length - blank) - 1;
  return is_itself ? FTP_LINE_NOTHING : is_typed ? FTP_LINE_ENTRY : FTP_LINE_UNKNOWN;
}
