/* SPDX-License-Identifier: MIT */
/* The inside of a folder that may come from a stranger, as runs do.
 *
 * The folder's own path is resolved once, links and all, as its caller gave it. What is named below
 * it is found from there without following a single link and without leaving it (openat2 with
 * RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS where the kernel has it, part by part otherwise), and
 * nothing but regular files and folders is opened, made or removed. Names are relative ("a/b"). */
#ifndef CLIPSPAN_SRC_BASE_ROOT_H
#define CLIPSPAN_SRC_BASE_ROOT_H

#include "base/file.h"

typedef struct cs_root cs_root;

/* What a name stands for; a link is never what it leads to. */
typedef enum cs_root_kind {
    CS_ROOT_NOTHING = 0,
    CS_ROOT_FILE,
    CS_ROOT_FOLDER,
    CS_ROOT_LINK,
    CS_ROOT_OTHER /* a device, FIFO or socket; or what cannot be looked at */
} cs_root_kind;

/* Errors: NOT_FOUND (no such folder, or a file), IO, NOMEM. Threads may share it. */
clipspan_status cs_root_open(cs_root **out, const char *path, clipspan_error *err);
void cs_root_close(cs_root **root);

/* Its path as it was given; that of a name, for cs_free. For messages. */
const char *cs_root_path(const cs_root *root);
char *cs_root_join(const cs_root *root, const char *name, clipspan_error *err);

cs_root_kind cs_root_look(const cs_root *root, const char *name);

/* Which file it is, for comparing two names; 0 when it is no regular file. links: how many names it
 * has. */
int cs_root_identity(uint64_t out[2], uint64_t *links, const cs_root *root, const char *name);

/* Regular files. Errors: as cs_file_open, cs_file_read_all and cs_output_open; IO for a link or
 * anything else that is no regular file, WRITE where one is in the way of an output. */
clipspan_status cs_root_file(cs_file **out, const cs_root *root, const char *name,
                             clipspan_error *err);
clipspan_status cs_root_read_all(unsigned char **data, size_t *size, const cs_root *root,
                                 const char *name, uint64_t limit, clipspan_error *err);
clipspan_status cs_root_output(cs_output **out, const cs_root *root, const char *name, int replace,
                               clipspan_error *err);

/* A folder and those above it. Errors: WRITE. */
clipspan_status cs_root_make_folder(const cs_root *root, const char *name, clipspan_error *err);

/* Removes a regular file; one that is not there is fine. Errors: WRITE, also for anything else of
 * that name: it stays. */
clipspan_status cs_root_remove(const cs_root *root, const char *name, clipspan_error *err);

/* Removes an unfinished file (".NAME.PID.SERIAL.part") that no living process holds. */
void cs_root_remove_part(const cs_root *root, const char *name);

/* An empty file to lock, made when it is not there; *fd is -1 after an error. Errors: WRITE: it is
 * no regular file, or has a second name elsewhere. */
clipspan_status cs_root_lock_file(int *fd, const cs_root *root, const char *name,
                                  clipspan_error *err);

/* Calls each name in a folder ("" the root itself) but "." and ".."; a folder that is not there has
 * none. Errors: IO, and what `each` gives. */
clipspan_status cs_root_each(const cs_root *root, const char *name,
                             clipspan_status (*each)(void *context, const char *name,
                                                     clipspan_error *err),
                             void *context, clipspan_error *err);

#endif
