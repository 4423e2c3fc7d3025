/* SPDX-License-Identifier: MIT */
/* Random sets of heads for people. */
#ifndef CLIPSPAN_CLI_RANDOM_OUT_H
#define CLIPSPAN_CLI_RANDOM_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

/* Of the worst group, or of all images where none has an image. */
const clipspan_random_figure *cli_random_judged(const clipspan_random_sets *sets);

/* "200 random sets (as many heads of each layer): worst group 37.1 % on average, …", as published
 * the best of them. agreement: of predictions with the unedited model. NULL: nothing. */
void cli_random_say(const cli_session *s, const clipspan_random_sets *r, int agreement);

#endif
