/* SPDX-License-Identifier: MIT */
/* Option structs of callers that were built against an older or newer header. A struct grows at its
 * end only, by fields whose zero means what the library did before; one that would fall into the
 * padding of the old struct starts behind it. */
#ifndef CLIPSPAN_SRC_API_OPTION_STRUCTS_H
#define CLIPSPAN_SRC_API_OPTION_STRUCTS_H

#include "base/error.h"

/* to : `size` bytes, the options as this library knows them: what the caller's struct holds, zeros
 * for fields that it does not have, all zeros when it is NULL; struct_size is `size`. from: begins
 * with its own struct_size. Errors: ARGUMENT (a struct_size that no ..._INIT macro sets, or fields
 * that this library does not know and that are not zero). */
clipspan_status cs_options_take(void *to, size_t size, const void *from, const char *type,
                                clipspan_error *err);

#define CS_OPTIONS(to, from, type, err) cs_options_take(to, sizeof(type), from, #type, err)

#endif
