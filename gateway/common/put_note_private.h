/* The note of an upload under way (remote_put.h says what for). Shared by remote_put.c and put_note.c only. */
#pragma once
#include "gateway/base/error.h"

typedef enum { NOTE_NONE, NOTE_UPLOAD = 'u', NOTE_RENAME = 'r', NOTE_VANISHED = 'v', NOTE_ASKED = 'a' } NoteStage;
typedef struct {
  char *path;
  NoteStage stage;
  guint vanished; /* how often */
  gboolean synced;
} PutNote;

void put_note_read(PutNote *note, const char *scratch, const char *owner, const char *to);
gboolean put_note_write(PutNote *note, NoteStage stage, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Nothing is under way any more. */
void put_note_remove(PutNote *note);
void put_note_clear(PutNote *note);
