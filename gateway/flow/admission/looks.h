/* What a feed's polls have seen of the names in its folder, for the next one. There may be 200,000 of them, so that
 * each is one piece of memory, its name included. Of one feed; touched by its one poll at a time. */
#pragma once
#include "gateway/flow/admission/admit.h"

typedef struct Looks Looks;
Looks *looks_new(void);
void looks_free(Looks *looks); /* NULL is fine */
/* NULL: there is none. Borrowed, until it is dropped or forgotten. */
Look *looks_find(const Looks *looks, GBytes *name);
Look *looks_make(Looks *looks, GBytes *name); /* the one that there is, or one without a look yet */
guint looks_number(const Looks *looks);
void looks_drop(Looks *looks, GBytes *name);
/* All whose last look was not that one: their names are not listed any more. */
void looks_forget_others(Looks *looks, guint generation);
/* What was about to be written did not come into the book: what files wait for is asked anew. */
void looks_ask_again(Looks *looks);
