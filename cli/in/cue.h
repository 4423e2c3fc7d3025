/* SPDX-License-Identifier: MIT */
/* Cues and further classifications as the command line gives them, through the text encoder. */
#ifndef CLIPSPAN_CLI_CUE_IN_H
#define CLIPSPAN_CLI_CUE_IN_H

#include <clipspan/clipspan.h>

#include "cli/in/evaluation.h"

/* Texts of a pool as unit vectors with their keys. */
clipspan_status cli_pool_embed(clipspan_bank **out, cli_evaluation *ev, const clipspan_texts *pool,
                               clipspan_error *err);

/* "T1|T2;T3|T4": q = mean of the unit vectors of the first side less that of the second.
 * direction : [P]. Errors: ARGUMENT. */
clipspan_status cli_cue_direction(float *direction, cli_evaluation *ev, const char *text,
                                  clipspan_error *err);

/* "[COLUMN=]CLASSES[:TEMPLATES]": effects of the evaluated run, and of the means, on other classes
 * with the same cue. */
typedef struct cli_also {
    clipspan_texts *classes;
    clipspan_bank *bank;
    clipspan_effects *effects, *means;
    int32_t *labels; /* [N], NULL without COLUMN */
} cli_also;
clipspan_status cli_also_open(cli_also *also, cli_evaluation *ev, const float *cue,
                              const char *text, clipspan_error *err);
void cli_also_close(cli_also *also);

/* predicted : [2, N] before and after. */
clipspan_status cli_also_compare(clipspan_comparison *overall, const cli_also *also,
                                 const cli_evaluation *ev, const uint32_t *predicted,
                                 clipspan_error *err);

#endif
