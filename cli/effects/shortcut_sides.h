/* SPDX-License-Identifier: MIT */
/* Further classifications, on which a remedy may have side effects, as options name them. */
#ifndef CLIPSPAN_CLI_SHORTCUT_SIDES_H
#define CLIPSPAN_CLI_SHORTCUT_SIDES_H

#include <clipspan/clipspan.h>

#include "cli/in/evaluation.h"

typedef struct cli_side {
    clipspan_remedy_side_options options;
    char name[80]; /* of its column, or of its file */
    clipspan_texts *classes;
    clipspan_bank *bank;
    int32_t *labels;
} cli_side;

typedef struct cli_sides {
    cli_side *side;                              /* [count] */
    const clipspan_remedy_side_options **option; /* [count] for clipspan_remedy_options */
    size_t count;
} cli_sides;

/* "[COLUMN=]CLASSES[:TEMPLATES]" each; labels are those of the evaluation's images in COLUMN of
 * --from. cli_sides_close also after a failure. Errors: ARGUMENT, those of reading the files. */
clipspan_status cli_sides_open(cli_sides *sides, const cli_evaluation *ev, const cli_list *given,
                               clipspan_error *err);
void cli_sides_close(cli_sides *sides);

#endif
