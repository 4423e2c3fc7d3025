/* SPDX-License-Identifier: MIT */
/* Copies what both sides of a call know of an option struct. */
#include "base/options.h"

#include <string.h>

clipspan_status cs_options_take(void *to, size_t size, const void *options, const char *type,
                                clipspan_error *err)
{
    size_t given;
    memset(to, 0, size);
    if (!options) return CLIPSPAN_OK;
    memcpy(&given, options, sizeof given);
    if (given < sizeof given || given > 65536)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s has struct_size %zu where %zu was expected; initialise it with its "
                       "..._INIT macro",
                       type, given, size);
    memcpy(to, options, given < size ? given : size);
    return CLIPSPAN_OK;
}
