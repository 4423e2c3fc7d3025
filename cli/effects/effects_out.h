/* SPDX-License-Identifier: MIT */
/* What effects found, as a table with charts, rows or a document. */
#ifndef CLIPSPAN_CLI_EFFECTS_OUT_H
#define CLIPSPAN_CLI_EFFECTS_OUT_H

#include <clipspan/clipspan.h>

#include "cli/in/evaluation.h"

typedef enum cli_effect_kind {
    CLI_EFFECT_NOTHING,
    CLI_EFFECT_MLPS,
    CLI_EFFECT_CLASS, /* the class-token self-attention of all attention */
    CLI_EFFECT_BOTH,
    CLI_EFFECT_UNTIL, /* attention of layers 0 to `layer` */
    CLI_EFFECT_LAYER,
    CLI_EFFECT_MLP,
    CLI_EFFECT_HEAD,
    CLI_EFFECT_TEXTS /* heads of the last layers replaced by `basis_texts` texts each */
} cli_effect_kind;

typedef struct cli_effect {
    cli_effect_kind kind;
    int layer, head, basis_texts;
    size_t texts; /* different ones among the basis texts */
    uint64_t images, correct;
    double accuracy, margin, worst;
    int32_t worst_group; /* -1: none */
    int single;          /* share and variance are known */
    double share, variance;
} cli_effect;

typedef struct cli_effect_list {
    cli_effect *rows; /* [count], the first is CLI_EFFECT_NOTHING */
    size_t count, room;
    uint64_t *groups; /* [2 group_count] work */
    int first_layer, span_layers;
} cli_effect_list;

const char *cli_effect_name(cli_effect_kind kind); /* "mlps", as in documents */

/* What was ablated, in words. */
void cli_effect_words(char out[96], const cli_effect *effect);

clipspan_status cli_effects_show(const cli_evaluation *ev, const cli_effect_list *list,
                                 clipspan_error *err);
/* Leaves them in the run for its report. */
clipspan_status cli_effects_keep(const cli_evaluation *ev, const cli_effect_list *list,
                                 clipspan_error *err);

#endif
