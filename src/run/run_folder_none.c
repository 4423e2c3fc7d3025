/* SPDX-License-Identifier: MIT */
/* In the base build, which has no SQLite, runs are made of arrays; folders are refused. */
#ifdef CLIPSPAN_CORE

#    include "run/run_open.h"

#    include <clipspan/run.h>

clipspan_status cs_run_open(cs_run **out, const char *path, clipspan_error *err)
{
    *out = NULL;
    return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                      "run folders are not read by this build, which has no SQLite; "
                      "clipspan_run_new_arrays takes what one holds");
}

#else

typedef int cs_run_folder_none_is_not_built; /* ISO C forbids an empty file */

#endif
