/* SPDX-License-Identifier: MIT */
/* What fuzz targets share. A target is one function of libFuzzer's; fuzz/replay.c calls the same
 * function for files, so that every compiler can replay a corpus. */
#ifndef CLIPSPAN_FUZZ_H
#define CLIPSPAN_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file of this process's own that holds the bytes; the same path for a name each time. Ends the
 * process when the disk fails it. */
const char *fuzz_file(const char *name, const void *data, size_t size);

/* The folder of these files, removed at the end of the process. */
const char *fuzz_folder(void);

/* Ends the process, so that the input is kept, unless `holds`. */
void fuzz_check(int holds, const char *what);

#endif
