#include "gateway/recon/source_private.h"
#include "store/ledger.h"
#include <string.h>

static void file_free(ReconFile *file) {
  if (!file)
    return;
  g_free(file->id);
  g_free(file->name);
  g_free(file->feed);
  g_free(file->business_date);
  g_free(file);
}

void recon_files_init(ReconFiles *files, const ReconSourceOptions *options) {
  *files = (ReconFiles){.options = *options};
}

void recon_files_clear(ReconFiles *files) {
  g_clear_pointer(&files->last, file_free);
}

gboolean recon_files_wants(const ReconFiles *files, const char *id, const char *feed) {
  char **feeds = files->options.reconcile->read.feeds;
  if (files->options.without && g_hash_table_contains(files->options.without, id))
    return FALSE;
  return !feeds || g_strv_contains((const char *const *)feeds, feed);
}

gboolean recon_files_look(ReconFiles *files, const char *id, GError **error) {
  g_autoptr(BookFile) found = book_find_file(files->options.reader, id, error);
  if (!found && *error)
    return FALSE;
  if (!found || strcmp(found->id, id) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "the ledger has entries of file %s, which is not in the book", id);
  g_clear_pointer(&files->last, file_free);
  files->last = g_new0(ReconFile, 1);
  *files->last = (ReconFile){.id = g_strdup(id),
                             .name = g_strdup(found->name_shown),
                             .feed = g_strdup(found->feed),
                             .business_date = g_strdup(found->business_date)};
  return recon_files_wants(files, id, found->feed);
}

static guint layout_scale(const ReconSourceOptions *options, const char *ledger) {
  for (guint i = 0; i < options->lane->feeds->len; i++) {
    const ConfFeed *feed = options->lane->feeds->pdata[i];
    const ConfLayout *layout = conf_layout(options->conf, feed->layout);
    const ConfField *amount = layout && g_strcmp0(feed->ledger.name, ledger) == 0
                                  ? conf_line_field(&layout->record, feed->ledger.amount)
                                  : NULL;
    if (amount)
      return amount->type == CONF_DECIMAL ? amount->scale : 0;
  }
  return 0;
}

guint recon_ledger_scale(const ReconSourceOptions *options, const char *ledger) {
  g_autoptr(GError) error = NULL; /* what cannot be read is told by whoever reads the entries */
  LedgerFacts facts;
  if (ledger_facts_read(options->folder, ledger, &facts, &error) && facts.has_scale)
    return facts.scale;
  return layout_scale(options, ledger);
}
