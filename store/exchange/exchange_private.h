/* What exchange.c and requests.c (changes) and read.c (questions) share. */
#pragma once
#include "store/book/book_private.h"
#include "store/exchange.h"
#include "store/exchange/queries.sql.h"

#define exchange_statement(statements, name, error) \
  book_statement_named(statements, exchange_queries_sql, name, error)
/* The item of a row whose columns are those of "exchange-item". */
gpointer exchange_item_row(DbStatement *s, GError **error);
/* *item NULL: there is none. */
gboolean exchange_read_item(BookStatements *statements, const char *mailbox, ExchangeDirection direction,
                            const char *id, ExchangeItem **item, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The direction of its word (exchange_direction_word). */
ExchangeDirection exchange_direction_of(const char *word);
