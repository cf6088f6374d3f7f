/* The declaring files of one drop folder (declared.h says what is in them): read through the courier, kept while a
 * listing shows them unchanged. Used by the feed's one poll at a time; the last functions ask anew, for steps in other
 * threads.
 *
 * A file that is (also) declared badly is not admitted: what cannot be read, contradicts itself or another, or may be
 * half written (no line end at its end, and seen for the first time) is told and waited for; nothing is guessed from
 * it. */
#pragma once
#include "gateway/flow/admission/admit.h"
#include "gateway/flow/admission/declared.h"

typedef struct Declarations Declarations;
/* NULL when the feed has none; all functions take that. Borrows the settings. */
Declarations *declarations_new(const ConfSourceFolder *source);
void declarations_free(Declarations *declarations);

typedef struct {
  Courier *courier;
  const char *scratch;      /* folder of unnamed files */
  const GPtrArray *entries; /* CourierEntry*: the whole listing */
  const char *feed;         /* for the log */
} DeclarationsLook;
/* Begins a poll: forgets what is no longer listed. Reads indexes that are new or changed; a declaration of one file is
 * read when it is asked for. FALSE only when the connection is lost. */
gboolean declarations_look(Declarations *declarations, const DeclarationsLook *look,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What is declared of this file: *found (borrowed until the next look), or *problem in words (the caller frees), or
 * neither. */
gboolean declarations_find(Declarations *declarations, const DeclarationsLook *look, GBytes *name,
                           const Declared **found, char **problem, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* From any thread: the next look believes nothing that was read before it. A file changed within a second to the same
 * size looks as it did; whoever finds that out says so. */
void declarations_read_anew(Declarations *declarations);

/* --- For steps: what the declaring file of a file's evidence says now. */
typedef struct {
  const ConfSourceFolder *source;
  Courier *courier;
  const char *folder, *scratch;
  GBytes *name; /* the data file's */
} DeclaredPlace;
/* The path of the file that `was` comes from; NULL when its name cannot be written as text. The caller frees. */
char *declared_path(const DeclaredPlace *place, const Declared *was);
/* All its entries as declared_parse() gives them; NULL without error: it is gone or cannot be read. */
GHashTable *declared_read_again(const DeclaredPlace *place, const Declared *was,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *changed: it says something else of the file now, or is gone. */
gboolean declared_has_changed(const DeclaredPlace *place, const Declared *was, gboolean *changed,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
