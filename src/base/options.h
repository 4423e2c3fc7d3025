/* SPDX-License-Identifier: MIT */
/* Option structs that grow: the caller's may be shorter than this library's, or longer. */
#ifndef CLIPSPAN_SRC_BASE_OPTIONS_H
#define CLIPSPAN_SRC_BASE_OPTIONS_H

#include <stddef.h>

#include "base/error.h"

/* to : `size` bytes, all zero but for what the options say; their first member is their own size.
 * options may be NULL. Members that the caller does not know are zero, which means their default.
 * type: the struct's name. Errors: ARGUMENT (a size that no such struct has). */
clipspan_status cs_options_take(void *to, size_t size, const void *options, const char *type,
                                clipspan_error *err);

#endif
