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
/* The same of a file that is open. */
clipspan_status cs_file_read_whole(unsigned char **data, size_t *size, const cs_file *file,
                                   uint64_t limit, clipspan_error *err);

/* 0 nothing there, 1 a regular file, 2 a folder, 3 something else. Follows links. */
int cs_path_kind(const char *path);

/* folder + "/" + name (just name when folder is "" or name is absolute); NULL with err filled when
 * memory is short. */
char *cs_path_join(const char *folder, const char *name, clipspan_error *err);

/* The folder of a path ("." for a bare name) and its last part (points into path). */
char *cs_path_folder(const char *path, clipspan_error *err);
const char *cs_path_name(const char *path);

/* A file being written: bytes go to ".NAME.PID.SERIAL.part" in the same folder, which is locked
 * (flock) as long as it is written; commit flushes to disk and renames. Without `replace`, an
 * existing file is an EXISTS error at open (before any work) and again at commit, where it is
 * decided without a race. Only regular files are replaced; of a link the link itself is. Errors:
 * EXISTS, WRITE, NOMEM. close without commit removes the part. A process that may meet a file size
 * limit has to ignore SIGXFSZ to get the error. */
typedef struct cs_output cs_output;
clipspan_status cs_output_open(cs_output **out, const char *path, int replace, clipspan_error *err);
clipspan_status cs_output_write(cs_output *output, const void *data, size_t size,
                                clipspan_error *err);
/* Writes at a place of its own: a header that is known only at the end, rows in any order. */
clipspan_status cs_output_rewrite(cs_output *output, uint64_t offset, const void *data, size_t size,
                                  clipspan_error *err);
clipspan_status cs_output_commit(cs_output *output, clipspan_error *err);
void cs_output_close(cs_output **output);

/* Two files that belong together, of which `main` is written by other means: lead gives the output
 * its name and takes away what had the name of `main` (with `replace`); then `main` is given its
 * name; then settle. So where the main file is, the other one is there and belongs to it. close
 * without settle puts everything back as it was. A process that is killed in between leaves no main
 * file; the other is known as its own by the part beside it, and the next cs_output_open takes it
 * over. Errors: WRITE, EXISTS, NOMEM. */
clipspan_status cs_output_lead(cs_output *output, const char *main, clipspan_error *err);
void cs_output_settle(cs_output *output);

/* Removes what killed processes left of this output: its parts, and the file itself where it is
 * the first of a pair whose main file never came. */
void cs_output_recover(const char *path);

/* Removes what killed processes left unfinished in a folder: files named as above that nobody has
 * locked. */
void cs_output_tidy(const char *folder);

/* Makes a folder and its missing parents; an existing folder is fine. Errors: WRITE. */
clipspan_status cs_make_folder(const char *path, clipspan_error *err);

/* Flushes the names in a folder to the disk, so that they outlive a cut of power (`at`: as in
 * openat); a file system that cannot is none to complain about. */
void cs_flush_folder(int at, const char *path);

#endif
