/* SPDX-License-Identifier: MIT */
/* Files: bounded reading of regular files, and writing that appears under its name whole or not at
 * all. */
#ifndef CLIPSPAN_SRC_BASE_FILE_H
#define CLIPSPAN_SRC_BASE_FILE_H

#include "base/error.h"

/* An open regular file. Reads are positioned (pread), so threads may share it. */
typedef struct cs_file {
    int fd;
    uint64_t size; /* bytes when it was opened */
    char *path;
} cs_file;

/* Opens a regular file (links are followed; a folder, FIFO, socket or device is refused without
 * blocking). Errors: NOT_FOUND, IO (says why: permission, is a folder …), NOMEM. */
clipspan_status cs_file_open(cs_file **out, const char *path, clipspan_error *err);
void cs_file_close(cs_file **file);

/* Reads exactly `size` bytes at `offset`. Errors: FORMAT when the file ends before (it became
 * shorter), IO. */
clipspan_status cs_file_read(void *out, const cs_file *file, uint64_t offset, size_t size,
                             clipspan_error *err);

/* Reads a whole file of at most `limit` bytes; *data gets one NUL byte more than *size and is given
 * back with cs_free. Errors: as cs_file_open, LIMIT. */
clipspan_status cs_file_read_all(unsigned char **data, size_t *size, const char *path,
                                 uint64_t limit, clipspan_error *err);

/* 0 nothing there, 1 a regular file, 2 a folder, 3 something else. Follows links. */
int cs_path_kind(const char *path);

/* folder + "/" + name (just name when folder is "" or name is absolute); NULL with err filled when
 * memory is short. */
char *cs_path_join(const char *folder, const char *name, clipspan_error *err);

/* The folder of a path ("." for a bare name) and its last part (points into path). */
char *cs_path_folder(const char *path, clipspan_error *err);
const char *cs_path_name(const char *path);

/* A file being written: bytes go to ".NAME.PID.SERIAL.part" in the same folder; commit flushes to
 * disk and renames. Without `replace`, an existing file is an EXISTS error at open (before any
 * work) and again at commit, where it is decided without a race. Only regular files are replaced;
 * of a link the link itself is. Errors: EXISTS, WRITE, NOMEM. close without commit removes the
 * part. A process that may meet a file size limit has to ignore SIGXFSZ to get the error. */
typedef struct cs_output cs_output;
clipspan_status cs_output_open(cs_output **out, const char *path, int replace, clipspan_error *err);
clipspan_status cs_output_write(cs_output *output, const void *data, size_t size,
                                clipspan_error *err);
/* Writes at a place of its own: a header that is known only at the end, rows in any order. */
clipspan_status cs_output_rewrite(cs_output *output, uint64_t offset, const void *data, size_t size,
                                  clipspan_error *err);
clipspan_status cs_output_commit(cs_output *output, clipspan_error *err);
void cs_output_close(cs_output **output);

/* Makes a folder and its missing parents; an existing folder is fine. Errors: WRITE. */
clipspan_status cs_make_folder(const char *path, clipspan_error *err);

#endif
