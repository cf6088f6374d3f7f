/* The lines that a layout declares, put together from its parts. */
#include "conf/check/lines.h"

GPtrArray *lines_within(const ConfLayout *layout, guint group) {
  GPtrArray *lines = g_ptr_array_new();
  const GPtrArray *of_groups[] = {layout->records, layout->addenda, layout->remarks};
  for (guint k = 0; k < G_N_ELEMENTS(of_groups); k++)
    for (guint i = 0; i < of_groups[k]->len; i++)
      g_ptr_array_add(lines, of_groups[k]->pdata[i]);
  for (guint g = group; g < layout->groups->len; g++) {
    ConfGroup *inner = layout->groups->pdata[g];
    if (inner->header.present)
      g_ptr_array_add(lines, &inner->header);
    if (inner->trailer.present)
      g_ptr_array_add(lines, &inner->trailer);
  }
  return lines;
}

GPtrArray *lines_all(const ConfLayout *layout) {
  GPtrArray *lines = g_ptr_array_new();
  if (layout->header.present)
    g_ptr_array_add(lines, (gpointer)(gsize)&layout->header);
  g_autoptr(GPtrArray) within = lines_within(layout, 0);
  for (guint i = 0; i < within->len; i++)
    g_ptr_array_add(lines, within->pdata[i]);
  if (layout->trailer.present)
    g_ptr_array_add(lines, (gpointer)(gsize)&layout->trailer);
  return lines;
}
