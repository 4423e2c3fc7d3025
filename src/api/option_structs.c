/* SPDX-License-Identifier: MIT */
/* The one place that looks at struct_size. */
#include "api/option_structs.h"

#include <string.h>

#define MOST 4096 /* bytes that no option struct will ever have: a size beyond was never set */

clipspan_status cs_options_take(void *to, size_t size, const void *from, const char *type,
                                clipspan_error *err)
{
    const unsigned char *bytes = from;
    size_t given = sizeof given;
    memset(to, 0, size);
    if (from) memcpy(&given, from, sizeof given);
    if (given < sizeof given || given > MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s has struct_size %zu where %zu was expected; initialise it with its "
                       "..._INIT macro",
                       type, given, size);
    for (size_t i = size; bytes && i < given; i++)
        if (bytes[i])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "%s has struct_size %zu, and byte %zu of it is set; this library, %s, "
                           "knows %zu bytes: the program was built against a newer header",
                           type, given, i, CLIPSPAN_VERSION, size);
    if (from) memcpy(to, from, given < size ? given : size);
    memcpy(to, &size, sizeof size);
    return CLIPSPAN_OK;
}
