/* Names of other sections: of partners, systems, their endpoints, layouts and calendars. */
#include "conf/build.h"
#include "conf/url.h"
#include <string.h>

/* What all structs that have names begin with. */
typedef struct {
  ConfWhere where;
  char *name;
} Named;
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfPartner, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfEndpoint, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfField, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfLayout, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfCalendar, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfLane, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfFeed, name) == G_STRUCT_OFFSET(Named, name));

gconstpointer named_find(const GPtrArray *array, const char *name) {
  for (guint i = 0; i < array->len; i++) {
    const Named *named = g_ptr_array_index(array, i);
    if (strcmp(named->name, name) == 0)
      return named;
  }
  return NULL;
}

char *named_suggest(const GPtrArray *array, const char *name) {
  const char *nearest = NULL;
  guint least = G_MAXUINT, distance = 0;
  for (guint i = 0; i < array->len; i++) {
    const Named *named = g_ptr_array_index(array, i);
    if (!grammar_is_near(named->name, name, &distance) || distance >= least)
      continue;
    least = distance;
    nearest = named->name;
  }
  return nearest == NULL ? g_strdup("") : g_strdup_printf("; did you mean \"%s\"?", nearest);
}

const ConfField *conf_line_field(const ConfLine *line, const char *name) {
  return named_find(line->fields, name);
}

/* Partners and systems stand in one array. */
static GPtrArray *of_kind(const Conf *conf, gboolean is_system) {
  GPtrArray *found = g_ptr_array_new();
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *partner = g_ptr_array_index(conf->partners, i);
    if (partner->is_system == is_system)
      g_ptr_array_add(found, g_ptr_array_index(conf->partners, i));
  }
  return found;
}

static const ConfPartner *find_partner(const Section *section, const Conf *conf, gboolean is_system, const char *option,
                                       char **name) {
  *name = section_name(section, option);
  if (*name == NULL)
    return NULL;
  g_autoptr(GPtrArray) candidates = of_kind(conf, is_system);
  const ConfPartner *found = named_find(candidates, *name);
  if (found != NULL || section->scan->lost)
    return found;
  g_autofree char *suggestion = named_suggest(candidates, *name);
  const char *kind = is_system ? "system" : "partner";
  if ((is_system ? conf_partner(conf, *name) : conf_system(conf, *name)) != NULL)
    section_error(section, option, "\"%s\" is a %s, and '%s' names a %s", *name, is_system ? "partner" : "system",
                  option, kind);
  else
    section_error(section, option, "there is no %s \"%s\"%s", kind, *name, suggestion);
  return NULL;
}

const ConfPartner *build_partner_name(const Section *section, const Conf *conf, const char *option, char **name) {
  return find_partner(section, conf, FALSE, option, name);
}

const ConfPartner *build_system_name(const Section *section, const Conf *conf, char **name) {
  return find_partner(section, conf, TRUE, "system", name);
}

const ConfLayout *build_layout_name(const Section *section, const Conf *conf, char **name) {
  *name = section_name(section, "layout");
  const ConfLayout *layout = *name == NULL ? NULL : conf_layout(conf, *name);
  if (*name == NULL || layout != NULL || section->scan->lost)
    return layout;
  g_autofree char *suggestion = named_suggest(conf->layouts, *name);
  section_error(section, "layout", "there is no layout \"%s\"%s", *name, suggestion);
  return NULL;
}

void build_endpoint_name(const Section *section, const ConfPartner *partner, EndpointUse use, char **name) {
  *name = section_name(section, "endpoint");
  if (*name == NULL || partner == NULL)
    return;
  const char *owner = partner->is_system ? "system" : "partner";
  const ConfEndpoint *endpoint = conf_endpoint(partner, *name);
  if (endpoint == NULL && section->scan->lost)
    return;
  if (endpoint == NULL) {
    g_autofree char *suggestion = named_suggest(partner->endpoints, *name);
    section_error(section, "endpoint", "%s \"%s\" has no endpoint \"%s\"%s", owner, partner->name, *name, suggestion);
  } else if (endpoint->url != NULL && url_has_folders(endpoint->scheme) != (use == ENDPOINT_FOLDERS)) {
    section_error(section, "endpoint", "endpoint \"%s\" of %s \"%s\" is %s://, and this needs %s", *name, owner,
                  partner->name, url_scheme_word(endpoint->scheme),
                  use == ENDPOINT_FOLDERS ? "folders: sftp://, ftp://, ftps:// or file://" : "https://");
  }
}

char *build_calendar_name(const Section *section, const Conf *conf) {
  char *name = section_name(section, "calendar");
  if (name == NULL || conf_calendar(conf, name) != NULL || section->scan->lost)
    return name;
  g_autofree char *suggestion = named_suggest(conf->calendars, name);
  section_error(section, "calendar", "there is no calendar \"%s\"%s", name, suggestion);
  return name;
}

void build_web(const Section *section, const Conf *conf, WebPurpose purpose, char **system, char **endpoint,
               char **path) {
  section_require(section, "system", purpose.system);
  section_require(section, "endpoint", "one of the system's endpoints");
  section_require(section, "path", purpose.path);
  const ConfPartner *found = build_system_name(section, conf, system);
  build_endpoint_name(section, found, ENDPOINT_WEB, endpoint);
  *path = build_url_path(section, "path");
}
