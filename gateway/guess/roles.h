/* What each kind of line is for, by the order in which kinds follow each other. */
#pragma once
#include "gateway/guess/guess_private.h"

void guess_roles(Guess *guess);
