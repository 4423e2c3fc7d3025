/* SPDX-License-Identifier: MIT */
/* In the base build every run is of arrays, and names no model that could be opened. */
#ifdef CLIPSPAN_CORE

#    include "api/handles.h"

#    include <clipspan/run.h>

clipspan_status clipspan_run_open_model(clipspan_model **out, const clipspan_run *run,
                                        const char *name, const clipspan_progress *progress,
                                        clipspan_error *err)
{
    (void)name;
    (void)progress;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_open_model: out or run is NULL");
    return cs_fail(err, CLIPSPAN_E_NOT_FOUND, "a run in memory has no model to open");
}

#else

typedef int cs_run_model_none_is_not_built; /* ISO C forbids an empty file */

#endif
