/* SPDX-License-Identifier: MIT */
/* Text pools through the text encoder. */
#ifndef CLIPSPAN_CLI_CUE_IN_H
#define CLIPSPAN_CLI_CUE_IN_H

#include <clipspan/clipspan.h>

#include "cli/in/evaluation.h"

/* Texts of a pool as unit vectors with their keys. */
clipspan_status cli_pool_embed(clipspan_bank **out, cli_evaluation *ev, const clipspan_texts *pool,
                               clipspan_error *err);

#endif
