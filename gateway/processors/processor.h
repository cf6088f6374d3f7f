/* Processors: what takes a validated file's batches. One function each; flow_post (gateway/flow/post.c) calls the one
 * that the feed's `process` names, with the file in `posting`, as often as it takes.
 *
 * On TRUE either every batch is marked posted in the book, and step->file->batches_posted says so, or the file was put
 * off (its due_at, in the book, too). Each may be run again from its beginning after a crash at any point; how, is
 * argued at the head of its file. What they change of the file's counts in the book they change in step->file as well:
 * the next transition writes these. */
#pragma once
#include "gateway/flow/flow.h"

/* Into the lane's ledger. In a worker. */
gboolean process_ledger(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* To the HTTP accrual interface, and what it accepted into the lane's ledger. AT_PROCESS. */
gboolean process_http(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The file as a whole into a folder of an inner system. AT_PROCESS. */
gboolean process_deliver(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;
