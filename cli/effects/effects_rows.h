/* SPDX-License-Identifier: MIT */
/* The work behind effects: a list of ablations of an evaluation's run, and their figures. */
#ifndef CLIPSPAN_CLI_EFFECTS_ROWS_H
#define CLIPSPAN_CLI_EFFECTS_ROWS_H

#include <clipspan/clipspan.h>

#include "cli/effects/effects_out.h"

/* Heads replaced by their texts: of which pool (NULL: none), of which layers (NULL: the last four),
 * and how many texts a head (0: 60). */
typedef struct cli_effect_texts {
    const char *pool, *layers;
    uint64_t basis_texts;
} cli_effect_texts;

typedef struct cli_effect_work {
    cli_evaluation *ev;
    cli_effect_list list;
    clipspan_change *changes; /* of one piece's edits */
    clipspan_edit *edits;
    uint32_t *predicted; /* [piece, N] */
    double *margins;
    clipspan_texts *pool;
    clipspan_bank *pool_bank;
    clipspan_span **spans; /* [span_count] */
    size_t span_count;
} cli_effect_work;

/* Lists the published sequence of a started evaluation: nothing, all MLPs, the class-token
 * self-attention, both, attention of layers 0 to l. cli_effects_fini also after a failure. */
clipspan_status cli_effects_sequence(cli_effect_work *work, cli_evaluation *ev,
                                     clipspan_error *err);

/* Lists every layer, MLP and head alone. */
clipspan_status cli_effects_singles(cli_effect_work *work, clipspan_error *err);

/* Figures of all rows that are listed. */
clipspan_status cli_effects_run(cli_effect_work *work, clipspan_error *err);

/* Then rows, with their figures, of heads replaced by their texts; the evaluation was opened for
 * texts. */
clipspan_status cli_effects_texts(cli_effect_work *work, const cli_effect_texts *texts,
                                  clipspan_error *err);

/* Variance shares from statistics beside the rows that are single components. */
clipspan_status cli_effects_variance_shares(cli_effect_work *work, clipspan_error *err);

void cli_effects_fini(cli_effect_work *work);

#endif
