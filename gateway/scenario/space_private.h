/* The keys over which a feed's scenarios are told apart, and the numbers of their values. */
#pragma once
#include "gateway/records/layout.h"
#include "gateway/scenario/values_private.h"

typedef enum { KEY_NUMBER, KEY_DATE, KEY_TEXT } KeyKind;
typedef enum { KEY_OF_RECORD, KEY_OF_HEADER, KEY_OF_FEED } KeyHome;

typedef struct {
  const char *name; /* borrowed, as people write it */
  KeyKind kind;
  KeyHome home;
  guint column; /* of the record, or the number of the header's field */
  guint scale;
  GPtrArray *words;     /* KEY_TEXT: what each number is; all above are other texts */
  gboolean closed;      /* there are no others */
  KeyValues *domain;    /* what there can be; of texts without `closed`, all numbers */
} Key;
enum { KEYS_MOST = 64 };
typedef struct {
  GPtrArray *keys; /* Key*, at most KEYS_MOST */
} KeySpace;

KeySpace *key_space_new(void);
void key_space_free(KeySpace *space);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeySpace, key_space_free)
/* The key's place. CONFIGURATION: records have no such field, or it is of a type whose values cannot be told apart. */
typedef struct {
  const ConfFeed *feed;
  const Layout *layout;
} KeyOrigin;
gboolean key_space_add(KeySpace *space, const KeyOrigin *source, const char *name,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
int key_space_find(const KeySpace *space, const char *name, gsize length); /* -1: none */

/* A constant of a condition. `text`: without its quotes. */
typedef struct {
  const char *text;
  gsize length;
  gboolean quoted;
} KeyConstant;
/* `value` is the number, or the next one below it where `exact` is FALSE (10.005 at scale 2). */
typedef struct {
  gint64 value;
  gboolean exact;
} KeyPoint;
gboolean key_read(Key *key, const KeyConstant *constant, KeyPoint *point, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The number of a text that a record has. */
gint64 key_number_of(const Key *key, const char *text, gsize length);
/* Appends name=value of one of the values, none of which is outside of the domain. */
void key_show(const Key *key, const KeyValues *values, GString *into);
