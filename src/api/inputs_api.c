/* SPDX-License-Identifier: MIT */
/* clipspan_inputs: argument checks around the lists of src/inputs. */
#include "api/handles.h"
#include "inputs/inputs.h"

#include <clipspan/run.h>

clipspan_status clipspan_inputs_open(clipspan_inputs **out, const char *const *sources,
                                     size_t count, const clipspan_inputs_options *options,
                                     clipspan_error *err)
{
    clipspan_inputs_options o;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || (count > 0 && !sources))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_inputs_open: out or sources is NULL");
    if (count == 0)
        return cs_fail(err, CLIPSPAN_E_NOT_FOUND,
                       "no source of images was given (a file, folder, CSV, or - for a list)");
    for (size_t i = 0; i < count; i++)
        if (!sources[i])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_inputs_open: source %zu is NULL", i);
    CS_TRY(CS_OPTIONS(&o, options, clipspan_inputs_options, err));
    if (o.where_count > 0 && !o.where)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_inputs_open: where is NULL");
    return cs_inputs_open(out, sources, count, &o, err);
}

void clipspan_inputs_close(clipspan_inputs **inputs)
{
    cs_inputs_close(inputs);
}

size_t clipspan_inputs_get_count(const clipspan_inputs *inputs)
{
    return inputs ? cs_inputs_count(inputs) : 0;
}

const char *const *clipspan_inputs_get_paths(const clipspan_inputs *inputs)
{
    return inputs ? cs_inputs_paths(inputs) : NULL;
}

const char *clipspan_inputs_get_label(const clipspan_inputs *inputs, size_t index)
{
    return inputs ? cs_inputs_label(inputs, index) : "";
}

const char *clipspan_inputs_get_group(const clipspan_inputs *inputs, size_t index)
{
    return inputs ? cs_inputs_group(inputs, index) : "";
}

size_t clipspan_inputs_get_left_out(const clipspan_inputs *inputs)
{
    return inputs ? cs_inputs_left_out(inputs) : 0;
}

size_t clipspan_inputs_get_thumbnails(const clipspan_inputs *inputs)
{
    return inputs ? cs_inputs_thumbnails(inputs) : 0;
}

size_t clipspan_inputs_get_duplicates(const clipspan_inputs *inputs)
{
    return inputs ? cs_inputs_duplicates(inputs) : 0;
}

size_t clipspan_inputs_get_columns(const clipspan_inputs *inputs)
{
    return inputs ? cs_inputs_columns(inputs) : 0;
}

const char *clipspan_inputs_get_column(const clipspan_inputs *inputs, size_t column)
{
    return inputs ? cs_inputs_column(inputs, column) : NULL;
}

const char *clipspan_inputs_get_value(const clipspan_inputs *inputs, size_t index, size_t column)
{
    return inputs ? cs_inputs_value(inputs, index, column) : "";
}
