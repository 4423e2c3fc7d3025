/* SPDX-License-Identifier: MIT */
/* Which class a label means: by its key, or its name where it has none. */
#ifndef CLIPSPAN_CLI_CLASS_INDEX_H
#define CLIPSPAN_CLI_CLASS_INDEX_H

#include <clipspan/clipspan.h>

#define CLI_NO_CLASS ((size_t)-1)

typedef struct cli_class_index {
    const clipspan_texts *classes; /* borrowed */
    size_t *order;                 /* [count] classes sorted by key */
    size_t count;
} cli_class_index;

/* Errors: NOMEM. */
clipspan_status cli_class_index_init(cli_class_index *index, const clipspan_texts *classes,
                                     clipspan_error *err);
void cli_class_index_fini(cli_class_index *index);

/* The class that a label means, CLI_NO_CLASS for "". */
size_t cli_class_index_find(const cli_class_index *index, const char *label);

/* Whether some image has a label and all labels mean a class. Errors: ARGUMENT, naming those that
 * do not. */
clipspan_status cli_class_index_check(const cli_class_index *index, const clipspan_inputs *inputs,
                                      clipspan_error *err);

#endif
