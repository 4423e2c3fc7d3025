/* SPDX-License-Identifier: MIT */
/* Lists of images from files, folders, tables and standard input: what clipspan_inputs does. */
#ifndef CLIPSPAN_SRC_INPUTS_INPUTS_H
#define CLIPSPAN_SRC_INPUTS_INPUTS_H

#include "base/error.h"

typedef struct clipspan_inputs_options clipspan_inputs_options; /* run.h */

/* As clipspan_inputs_open, with arguments that were checked and options that are never NULL. */
clipspan_status cs_inputs_open(clipspan_inputs **out, const char *const *sources, size_t count,
                               const clipspan_inputs_options *options, clipspan_error *err);
void cs_inputs_close(clipspan_inputs **inputs);

size_t cs_inputs_count(const clipspan_inputs *inputs);
const char *const *cs_inputs_paths(const clipspan_inputs *inputs);
const char *cs_inputs_label(const clipspan_inputs *inputs, size_t index); /* "" beyond the end */
const char *cs_inputs_group(const clipspan_inputs *inputs, size_t index); /* "" beyond the end */
/* Further columns, kept by name. */
size_t cs_inputs_columns(const clipspan_inputs *inputs);
const char *cs_inputs_column(const clipspan_inputs *inputs,
                             size_t column); /* NULL beyond the end */
const char *cs_inputs_value(const clipspan_inputs *inputs, size_t index, size_t column);
size_t cs_inputs_duplicates(const clipspan_inputs *inputs);
size_t cs_inputs_left_out(const clipspan_inputs *inputs);
size_t cs_inputs_thumbnails(const clipspan_inputs *inputs);

#endif
