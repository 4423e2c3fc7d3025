/* SPDX-License-Identifier: MIT */
/* The base build makes no lists of images, so what reads one finds none. */
#ifdef CLIPSPAN_CORE

#    include "inputs/inputs.h"

size_t cs_inputs_count(const clipspan_inputs *inputs)
{
    (void)inputs;
    return 0;
}

const char *const *cs_inputs_paths(const clipspan_inputs *inputs)
{
    (void)inputs;
    return NULL;
}

const char *cs_inputs_label(const clipspan_inputs *inputs, size_t index)
{
    (void)inputs;
    (void)index;
    return "";
}

const char *cs_inputs_group(const clipspan_inputs *inputs, size_t index)
{
    (void)inputs;
    (void)index;
    return "";
}

#else

typedef int cs_inputs_none_is_not_built; /* ISO C forbids an empty file */

#endif
