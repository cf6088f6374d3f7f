#include "conf/check/references.h"
#include "conf/lookup.h"
#include "conf/read/url.h"

/* Partners and systems stand in one array. */
static GPtrArray *of_kind(const Conf *conf, gboolean is_system) {
  GPtrArray *found = g_ptr_array_new();
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *partner = conf->partners->pdata[i];
    if (partner->is_system == is_system)
      g_ptr_array_add(found, conf->partners->pdata[i]);
  }
  return found;
}

static const ConfPartner *find_partner(const Section *section, gboolean is_system, const char *option,
                                       const char *name) {
  const Conf *conf = section->conf;
  const ConfPartner *found = is_system ? conf_system(conf, name) : conf_partner(conf, name);
  if (found || section->tree->lost)
    return found;
  const char *kind = is_system ? "system" : "partner";
  if (is_system ? conf_partner(conf, name) : conf_system(conf, name)) {
    section_error(section, option, "\"%s\" is a %s, and '%s' names a %s", name, is_system ? "partner" : "system",
                  option, kind);
    return NULL;
  }
  g_autoptr(GPtrArray) candidates = of_kind(conf, is_system);
  g_autofree char *suggestion = named_suggest(candidates, name);
  section_error(section, option, "there is no %s \"%s\"%s", kind, name, suggestion);
  return NULL;
}

const ConfPartner *reference_partner(const Section *section, const char *option, const char *name) {
  return name ? find_partner(section, FALSE, option, name) : NULL;
}

const ConfPartner *reference_system(const Section *section, const char *option, const char *name) {
  return name ? find_partner(section, TRUE, option, name) : NULL;
}

static gconstpointer find_named(const Section *section, const char *kind, const GPtrArray *all, const char *option,
                                const char *name) {
  gconstpointer found = name ? named_find(all, name) : NULL;
  if (!name || found || section->tree->lost)
    return found;
  g_autofree char *suggestion = named_suggest(all, name);
  section_error(section, option, "there is no %s \"%s\"%s", kind, name, suggestion);
  return NULL;
}

const ConfLayout *reference_layout(const Section *section, const char *option, const char *name) {
  return find_named(section, "layout", section->conf->layouts, option, name);
}

const ConfCalendar *reference_calendar(const Section *section, const char *option, const char *name) {
  return find_named(section, "calendar", section->conf->calendars, option, name);
}

void reference_endpoint(const Section *section, const ConfPartner *owner, EndpointUse use, const char *name) {
  if (!name || !owner)
    return;
  const char *kind = owner->is_system ? "system" : "partner";
  const ConfEndpoint *endpoint = conf_endpoint(owner, name);
  if (!endpoint && section->tree->lost)
    return;
  if (!endpoint) {
    g_autofree char *suggestion = named_suggest(owner->endpoints, name);
    section_error(section, "endpoint", "%s \"%s\" has no endpoint \"%s\"%s", kind, owner->name, name, suggestion);
  } else if (endpoint->url && url_has_folders(endpoint->scheme) != (use == ENDPOINT_FOLDERS)) {
    section_error(section, "endpoint", "endpoint \"%s\" of %s \"%s\" is %s://, and this needs %s", name, kind,
                  owner->name, url_scheme_word(endpoint->scheme),
                  use == ENDPOINT_FOLDERS ? "folders: sftp://, ftp://, ftps://, mailbox:// or file://" : "https://");
  }
}

void reference_system_endpoint(const Section *section, const char *system, EndpointUse use, const char *name) {
  reference_endpoint(section, system ? conf_system(section->conf, system) : NULL, use, name);
}

/* --- Fields of the records. */

/* From the header of its group, and so of every kind. */
static gboolean is_of_group(const ConfLayout *layout, const char *name) {
  for (guint g = 0; g < layout->groups->len; g++)
    if (conf_line_field(&((const ConfGroup *)layout->groups->pdata[g])->header, name))
      return TRUE;
  return FALSE;
}

/* What each record must have, whatever its kind. */
static void check_each_record(const Section *section, const char *option, const char *name, const ConfLayout *layout) {
  for (guint r = 0; r < layout->records->len; r++) {
    const ConfLine *line = layout->records->pdata[r];
    const ConfField *own = conf_line_field(line, name);
    if (!own)
      section_error(section, option,
                    "'%s': record \"%s\" of layout \"%s\" has no field \"%s\"; every kind of record must have it",
                    option, line->tag ? line->tag : "", layout->name, name);
    else if (own->optional)
      section_error(section, option, "'%s': field \"%s\" is optional; every record must have it", option, name);
  }
}

/* "A" with "B" behind it would be the same key as "A B". */
static void check_goes_on(const Section *section, const char *option, const char *name, const ConfLayout *layout) {
  for (guint a = 0; a < layout->addenda->len; a++) {
    const ConfLine *addendum = layout->addenda->pdata[a];
    for (guint r = 0; r < layout->records->len && conf_line_field(addendum, name); r++)
      if (conf_line_field(layout->records->pdata[r], name)) {
        section_error(section, option,
                      "'%s': field \"%s\" goes on in lines \"%s\", so that two records could have one: give it "
                      "another name there",
                      option, name, addendum->tag ? addendum->tag : "");
        return;
      }
  }
}

static void tell_no_field(const Section *section, const char *option, const char *name, const ConfLayout *layout) {
  g_autofree char *suggestion = named_suggest(layout->record.fields, name);
  section_error(section, option, "'%s': the record of layout \"%s\" has no field \"%s\"%s", option, layout->name, name,
                suggestion);
}

void reference_record_field(const Section *section, const char *option, const char *name, const ConfLayout *layout,
                            ConfFieldType other) {
  if (!name || !layout || !layout->record.present)
    return;
  const ConfField *field = conf_line_field(&layout->record, name);
  if (!field) {
    tell_no_field(section, option, name, layout);
    return;
  }
  if (field->type != CONF_INTEGER && field->type != other)
    section_error(section, option, "'%s': field \"%s\" must be %s or integer", option, field->name,
                  other == CONF_TEXT ? "text" : "decimal");
  if (other == CONF_TEXT)
    check_goes_on(section, option, name, layout);
  if (other != CONF_TEXT || !is_of_group(layout, name))
    check_each_record(section, option, name, layout);
  else if (field->optional)
    section_error(section, option, "'%s': field \"%s\" is optional; every record must have it", option, name);
}

/* It comes again in records that are not the same. */
static gboolean repeats(const ConfFeed *feed, const ConfField *field) {
  return field->type == CONF_ENUMERATION || field->type == CONF_DATE ||
         g_strcmp0(field->name, feed->ledger.amount) == 0 || g_strcmp0(field->name, feed->ledger.account) == 0;
}

static void check_key_part(const Section *section, const ConfField *field, const ConfLayout *layout) {
  check_goes_on(section, "key", field->name, layout);
  if (!is_of_group(layout, field->name))
    check_each_record(section, "key", field->name, layout);
  else if (field->optional)
    section_error(section, "key", "'key': field \"%s\" is optional; every record must have it", field->name);
}

void reference_key(const Section *section, const ConfFeed *feed, const ConfLayout *layout) {
  guint n = g_strv_length(feed->key_fields);
  if (!layout || !layout->record.present)
    return;
  for (guint i = 0; i < n; i++) {
    const ConfField *field = conf_line_field(&layout->record, feed->key_fields[i]);
    if (n == 1)
      reference_record_field(section, "key", feed->key_fields[i], layout, CONF_TEXT);
    else if (!field)
      tell_no_field(section, "key", feed->key_fields[i], layout);
    else
      check_key_part(section, field, layout);
    for (guint j = 0; j < i; j++)
      if (g_str_equal(feed->key_fields[i], feed->key_fields[j]))
        section_error(section, "key", "'key' has field \"%s\" twice", feed->key_fields[i]);
  }
  if (conf_line_field(&layout->record, CONF_KEY_COLUMN) && g_str_equal(feed->key, CONF_KEY_COLUMN))
    section_error(section, "key",
                  "layout \"%s\" has a field \"" CONF_KEY_COLUMN "\", which is the column of a key of several fields",
                  layout->name);
}

void reference_key_that_repeats(const Section *section, const ConfFeed *feed, const ConfLayout *layout) {
  guint repeating = 0, n = feed->key_fields ? g_strv_length(feed->key_fields) : 0;
  for (guint i = 0; layout && i < n; i++) {
    const ConfField *field = conf_line_field(&layout->record, feed->key_fields[i]);
    repeating += field && repeats(feed, field);
  }
  if (n > 0 && repeating == n && feed->key_scope == CONF_KEY_EVER)
    section_warning(section, "key",
                    "'key': account, amount, days and listed words come again in records that are not the same; with "
                    "nothing else in the key, the second one is refused as a duplicate. Add what the partner gives "
                    "once to each record");
}

void reference_record_columns(const Section *section, char *const *columns, const ConfLayout *layout) {
  if (!layout || !layout->record.present)
    return;
  for (char *const *column = columns; column && *column; column++)
    if (!conf_line_field(&layout->record, *column))
      tell_no_field(section, "columns", *column, layout);
}
