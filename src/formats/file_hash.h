/* SPDX-License-Identifier: MIT */
/* SHA-256 of a file. */
#ifndef CLIPSPAN_SRC_FORMATS_FILE_HASH_H
#define CLIPSPAN_SRC_FORMATS_FILE_HASH_H

#include "base/file.h"

/* out: 64 hexadecimal digits and a NUL, "" on failure. progress counts bytes; may be NULL. Errors:
 * as cs_file_open and cs_file_read, NOMEM, INTERRUPTED. */
clipspan_status cs_file_hash(char out[65], const char *path, const clipspan_progress *progress,
                             clipspan_error *err);
/* The same of a file that is open. */
clipspan_status cs_open_file_hash(char out[65], const cs_file *source,
                                  const clipspan_progress *progress, clipspan_error *err);

#endif
