#include "gateway/common/put_note_private.h"
#include "gateway/base/files.h"
#include "gateway/common/remote_put.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One owner puts several files: the answer, its signature, its digest. */
void put_note_read(PutNote *note, const char *scratch, const char *owner, const char *to) {
  g_autofree char *text = NULL;
  char stage = 0;
  guint vanished = 0;
  *note = (PutNote){.path = g_strdup_printf("%s/%s-put-%08x", scratch, owner, g_str_hash(to))};
  if (!g_file_get_contents(note->path, &text, NULL, NULL) || sscanf(text, "%c %u", &stage, &vanished) != 2 ||
      !strchr("urva", stage))
    return;
  note->stage = (NoteStage)stage;
  note->vanished = vanished;
}

gboolean put_note_write(PutNote *note, NoteStage stage, GError **error) {
  g_autofree char *text = g_strdup_printf("%c %u\n", (char)stage, note->vanished);
  int fd = open(note->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "create %s", note->path);
  note->stage = stage;
  gboolean ok = files_write_all(fd, text, strlen(text), error) &&
                (ftruncate(fd, (off_t)strlen(text)) == 0 ||
                 sallyport_error_errno(error, errno, "write %s", note->path));
  if (ok && (note->synced || stage == NOTE_VANISHED || stage == NOTE_ASKED)) {
    g_autofree char *folder = g_path_get_dirname(note->path);
    ok = files_sync(fd, note->path, error) && files_sync_folder(folder, error);
  }
  close(fd);
  return ok;
}

void put_note_remove(PutNote *note) {
  unlink(note->path);
  note->stage = NOTE_NONE;
}

void put_note_clear(PutNote *note) {
  g_clear_pointer(&note->path, g_free);
}

void remote_put_forget(const char *scratch, const char *owner) {
  g_autofree char *begins = g_strconcat(owner, "-put-", NULL);
  g_autoptr(GDir) folder = g_dir_open(scratch, 0, NULL);
  for (const char *name; folder && (name = g_dir_read_name(folder));)
    if (g_str_has_prefix(name, begins)) {
      g_autofree char *path = g_build_filename(scratch, name, NULL);
      unlink(path);
    }
}
