#include "gateway/cli/progress.h"
#include "gateway/cli/output.h"
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { REDRAW_MS = 100, NAME_WIDTH = 28, BAR_LEAST = 10 };

struct Progress {
  gboolean is_on;
  guint drawn, width;
  gint64 began, last;
};

Progress *progress_new(void) {
  Progress *progress = g_new0(Progress, 1);
  struct winsize size = {0};
  progress->is_on = isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
  progress->width = progress->is_on && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 40 ? size.ws_col
                                                                                                        : 80;
  progress->began = g_get_monotonic_time();
  return progress;
}

static char *amount(guint64 bytes) {
  return g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);
}

static void draw_line(GString *text, const Progress *progress, const ProgressLine *line, gboolean is_total) {
  gint64 passed = MAX(g_get_monotonic_time() - progress->began, 1);
  g_autofree char *name = cli_shorten(line->name, NAME_WIDTH), *done = amount(line->done), *size = amount(line->size);
  g_autofree char *rate = amount((guint64)((double)line->done * G_USEC_PER_SEC / (double)passed));
  g_autofree char *tail = is_total ? g_strdup_printf(" %s of %s, %s/s", done, size, rate)
                                   : g_strdup_printf(" %s of %s", done, size);
  guint used = NAME_WIDTH + 3 + cli_text_width(tail),
        bar = progress->width > used + BAR_LEAST ? progress->width - used - 1 : BAR_LEAST;
  guint full = line->size ? (guint)(MIN(line->done, line->size) * bar / line->size) : bar;
  g_string_append_printf(text, "\r\033[K%s%*s [", name,
                         (int)(NAME_WIDTH - MIN(cli_text_width(name), (guint)NAME_WIDTH)), "");
  for (guint i = 0; i < bar; i++)
    g_string_append_c(text, i < full ? '#' : '.');
  g_string_append_printf(text, "]%s\n", tail);
}

static void go_up(GString *text, guint lines) {
  if (lines)
    g_string_append_printf(text, "\033[%uA", lines);
}

void progress_show(Progress *progress, const ProgressLine *lines, guint n_lines) {
  gint64 now = g_get_monotonic_time();
  if (!progress->is_on || now - progress->last < REDRAW_MS * 1000)
    return;
  progress->last = now;
  GString *text = g_string_new(NULL);
  guint drawn = 0;
  go_up(text, progress->drawn);
  for (guint i = 0; i < n_lines; i++)
    if (lines[i].name) {
      draw_line(text, progress, &lines[i], i == 0);
      drawn++;
    }
  g_string_append(text, "\033[J"); /* lines of a longer drawing before */
  progress->drawn = drawn;
  fputs(text->str, stderr);
  g_string_free(text, TRUE);
}

void progress_end(Progress *progress) {
  if (progress->is_on && progress->drawn)
    fprintf(stderr, "\033[%uA\033[J", progress->drawn);
  g_free(progress);
}
