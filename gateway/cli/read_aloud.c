#include "gateway/cli/read_aloud.h"
#include "gateway/records/dates.h"
#include "gateway/records/numbers.h"
#include <string.h>

/* --- Layouts. */

static void read_sign(const CliOutput *out, const ConfLayout *layout, const char *kind, const ConfField *field) {
  g_autofree char *words = g_strjoinv("\" or \"", field->negative);
  fprintf(out->file, "layout %s, %s: \"%s\" is below zero where \"%s\" is \"%s\", and is credited so\n", layout->name,
          kind, field->name, field->sign_from, words);
}

/* A format that only check's other part finds wrong has been told there. */
static void read_example(const CliOutput *out, const ConfField *field) {
  const char *normal = field->type == CONF_TIMESTAMP ? "2026-12-31T23:58:00" : "2026-12-31";
  g_autoptr(GError) told = NULL;
  DateFormat *format = date_format_new(field, &told);
  char written[DATES_LONGEST];
  gsize length = format ? date_format_print(format, normal, strlen(normal), written) : 0;
  if (length > 0)
    fprintf(out->file, ", 31 December 2026%s is \"%.*s\"", field->type == CONF_TIMESTAMP ? " 23:58" : "",
            (int)length, written);
  date_format_free(format);
}

static void read_date(const CliOutput *out, const ConfLayout *layout, const char *kind, const ConfField *field) {
  fprintf(out->file, "layout %s, %s: in \"%s\"", layout->name, kind, field->name);
  read_example(out, field);
  if (field->first_year)
    fprintf(out->file, ", two digits of a year are %u to %u", field->first_year, field->first_year + 99);
  if (field->year_from)
    fprintf(out->file, ", the year is that in which it is next to %s%s",
            g_str_equal(field->year_from, CONF_YEAR_OF_ARRIVAL) ? "the day of " : "the header's ", field->year_from);
  if (field->hour_24)
    fprintf(out->file, ", 24:00:00 is 00:00:00 of the next day");
  if (field->time_zone)
    fprintf(out->file, ", its day is that of %s", field->time_zone);
  fputc('\n', out->file);
}

static void read_number(const CliOutput *out, const ConfLayout *layout, const char *kind, const ConfField *field) {
  g_autofree char *example = number_example(field);
  fprintf(out->file, "layout %s, %s: in \"%s\", a number below zero is written as %s\n", layout->name, kind,
          field->name, example);
}

/* How many digits a packed text or date has, of those that its bytes hold. */
static guint packed_digits(const ConfField *field) {
  g_autoptr(GError) told = NULL;
  DateFormat *format = field->type == CONF_DATE ? date_format_new(field, &told) : NULL;
  char written[DATES_LONGEST];
  guint most = 2 * field->bytes - 1, width = field->type == CONF_TEXT ? field->width : 0;
  if (format)
    width = (guint)date_format_print(format, "2026-12-31", strlen("2026-12-31"), written);
  date_format_free(format);
  return width > 0 ? MIN(width, most) : most;
}

/* As the copybook has it that the partner's program is made of: to be compared with it. */
static void read_picture(const CliOutput *out, const ConfLayout *layout, const char *kind, const ConfField *field) {
  gboolean is_packed = field->usage == CONF_USAGE_PACKED, is_binary = field->usage == CONF_USAGE_BINARY;
  gboolean is_number = field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
  guint scale = field->type == CONF_DECIMAL ? field->scale : 0;
  guint digits = is_packed           ? packed_digits(field)
                 : !is_binary        ? field->bytes
                 : field->bytes <= 2 ? 4
                 : field->bytes <= 4 ? 9
                                     : 18;
  if (field->usage == CONF_USAGE_HEX || (is_binary && (field->bytes < 2 || field->bytes & (field->bytes - 1))))
    return;
  g_autofree char *decimals = scale > 0 ? g_strdup_printf("V9(%u)", scale) : g_strdup("");
  g_autofree char *whole = digits > scale ? g_strdup_printf("9(%u)", digits - scale) : g_strdup("");
  fprintf(out->file, "layout %s, %s: \"%s\" is PIC %s%s%s%s of a copybook%s\n", layout->name, kind, field->name,
          is_number && field->sign != CONF_SIGN_UNSIGNED ? "S" : "", whole, decimals,
          is_packed   ? " COMP-3"
          : is_binary ? " COMP"
                      : "",
          field->sign == CONF_SIGN_ZONED_ASCII ? ", of a machine of ASCII" : "");
}

static void read_line(const CliOutput *out, const ConfLayout *layout, const char *kind, const ConfLine *line) {
  g_autofree char *named = line->tag ? g_strdup_printf("%s \"%s\"", kind, line->tag) : g_strdup(kind);
  for (guint i = 0; line->present && i < line->fields->len; i++) {
    const ConfField *field = line->fields->pdata[i];
    if (field->sign_from)
      read_sign(out, layout, named, field);
    if (field->usage != CONF_USAGE_CHARACTERS || zone_is_of(field))
      read_picture(out, layout, named, field);
    if (number_is_formed(field))
      read_number(out, layout, named, field);
    if (field->years || field->first_year || field->year_from || field->hour_24 || field->time_zone)
      read_date(out, layout, named, field);
  }
}

static void read_pass_over(const CliOutput *out, const ConfLayout *layout) {
  const ConfPassOver *over = &layout->pass_over;
  g_autofree char *beginnings = over->beginning ? g_strjoinv("\" or \"", over->beginning) : NULL;
  if (over->present)
    fprintf(out->file, "layout %s: passed over, and never credited, is a line %s%s%s%s%s\n", layout->name,
            beginnings ? "that begins with \"" : "", beginnings ? beginnings : "", beginnings ? "\"" : "",
            !over->blank ? "" : beginnings ? ", or of blanks" : "of blanks",
            !over->ctrl_z                ? ""
            : beginnings || over->blank ? ", or Ctrl-Z at the end"
                                        : "of Ctrl-Z at the end");
}

static void read_layout(const CliOutput *out, const ConfLayout *layout) {
  read_pass_over(out, layout);
  read_aloud_lines(out, layout);
  read_line(out, layout, "header", &layout->header);
  for (guint i = 0; i < layout->records->len; i++)
    read_line(out, layout, "record", layout->records->pdata[i]);
  read_line(out, layout, "trailer", &layout->trailer);
  for (guint i = 0; i < layout->groups->len; i++) {
    const ConfGroup *group = layout->groups->pdata[i];
    read_line(out, layout, "header", &group->header);
    read_line(out, layout, "trailer", &group->trailer);
  }
  read_aloud_groups(out, layout);
}

/* --- Feeds: what a key is. */

static void read_key(const CliOutput *out, const ConfFeed *feed) {
  static const char *const within[] = {[CONF_KEY_EVER] = "for ever, over all files",
                                       [CONF_KEY_BUSINESS_DAY] = "within a business day: the same on another day is "
                                                                 "credited again",
                                       [CONF_KEY_FILE] = "within its file: the same in another file is credited again"};
  if (g_strcmp0(feed->key, CONF_KEY_COLUMN) != 0)
    return;
  g_autofree char *names = g_strjoinv("\", \"", feed->key_fields);
  fprintf(out->file, "feed %s: a record is told apart by \"%s\"%s, %s\n", feed->name, names,
          feed->key_fields[1] ? " together" : "", within[feed->key_scope]);
}

static void read_feed(const CliOutput *out, const Conf *conf, const ConfFeed *feed) {
  const ConfLayout *layout = feed->key ? conf_layout(conf, feed->layout) : NULL;
  const ConfField *key = layout ? conf_line_field(&layout->record, feed->key) : NULL;
  if (key && g_strcmp0(feed->key, feed->ledger.account) == 0)
    fprintf(out->file, "feed %s: \"%s\" is the key and the account, so each account is credited once, ever\n",
            feed->name, feed->key);
  if (key && key->type == CONF_TEXT && !key->normal_form && !key->strip_prefix)
    fprintf(out->file,
            "feed %s: \"A1\", \"a1\" and \"A1 \" are three keys; normal-form of field \"%s\" makes them one\n",
            feed->name, key->name);
  read_key(out, feed);
  if (feed->business_date)
    fprintf(out->file, "feed %s: a business date more than %u days before or %u behind the day of arrival is refused\n",
            feed->name, feed->business_back / 86400, feed->business_ahead / 86400);
}

void read_aloud(const CliOutput *out, const Conf *conf) {
  for (guint i = 0; i < conf->layouts->len; i++)
    read_layout(out, conf->layouts->pdata[i]);
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; j < lane->feeds->len; j++)
      read_feed(out, conf, lane->feeds->pdata[j]);
  }
}
