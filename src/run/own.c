/* SPDX-License-Identifier: MIT */
/* The seal of a run, and the key that it is made with. */
#define _POSIX_C_SOURCE 200809L
#include "run/own.h"
#include "base/memory.h"
#include "formats/sha256.h"
#include "run/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY   32
#define BLOCK 64 /* of SHA-256 */

/* ---- The key ---- */

/* "…/clipspan", for cs_free; NULL without an error when there is no such place. */
static clipspan_status state_folder(char **out, clipspan_error *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    *out = NULL;
    if (state && *state == '/')
        *out = cs_path_join(state, "clipspan", err);
    else if (home && *home == '/')
        *out = cs_path_join(home, ".local/state/clipspan", err);
    else
        return CLIPSPAN_OK;
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* *found 0: there is none that can be read. */
static clipspan_status read_key(int *found, unsigned char key[KEY], const char *path,
                                clipspan_error *err)
{
    clipspan_error local;
    clipspan_status status;
    cs_file *file;
    *found = 0;
    status = cs_file_open(&file, path, &local);
    if (status == CLIPSPAN_OK) {
        if (file->size == KEY) status = cs_file_read(key, file, 0, KEY, &local);
        *found = status == CLIPSPAN_OK && file->size == KEY;
        cs_file_close(&file);
    }
    /* One that cannot be read at the moment is there all the same, and is no stranger's. */
    if (!cs_part_is_away(status, &local)) return CLIPSPAN_OK;
    if (err) *err = local;
    return status;
}

/* Bytes of the system's, into a file of the user's own that appears whole; of two processes that
 * make one at once the first wins. */
static clipspan_status make_key(const char *folder, const char *path, clipspan_error *err)
{
    unsigned char key[KEY];
    const int from = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    const int random = from >= 0 && read(from, key, KEY) == KEY;
    const size_t room = strlen(path) + 32;
    char *part = cs_alloc(room, 1, "a path", err);
    clipspan_status made = CLIPSPAN_OK;
    int to = -1;
    if (from >= 0) close(from);
    if (!part) return CLIPSPAN_E_NOMEM;
    if (random) made = cs_make_folder(folder, err);
    if (random && made == CLIPSPAN_OK) {
        snprintf(part, room, "%s.%ld", path, (long)getpid());
        to = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (to >= 0) {
        const int written = write(to, key, KEY) == KEY && fsync(to) == 0;
        close(to);
        if (!written || (link(part, path) != 0 && errno != EEXIST && access(path, F_OK) != 0))
            rename(part, path); /* without hard links; a short one is no key */
        unlink(part);
    }
    cs_free(part);
    return made == CLIPSPAN_E_NOMEM ? made : CLIPSPAN_OK;
}

static clipspan_status find_key(int *found, unsigned char key[KEY], int make, clipspan_error *err)
{
    clipspan_status status;
    char *folder, *path = NULL;
    *found = 0;
    CS_TRY(state_folder(&folder, err));
    if (!folder) return CLIPSPAN_OK;
    path = cs_path_join(folder, "key", err);
    status = path ? read_key(found, key, path, err) : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK && !*found && make && cs_path_kind(path) == 0) {
        status = make_key(folder, path, err);
        if (status == CLIPSPAN_OK) status = read_key(found, key, path, err);
    }
    cs_free(path);
    cs_free(folder);
    return status;
}

/* ---- The seal ---- */

typedef struct sealing {
    cs_sha256 hash;
} sealing;

static clipspan_status add_segment(void *context, const cs_segment_row *row, clipspan_error *err)
{
    sealing *s = context;
    (void)err;
    cs_sha256_add(&s->hash, row->plan, strlen(row->plan) + 1);
    return CLIPSPAN_OK;
}

static void begin_block(cs_sha256 *hash, const unsigned char key[KEY], unsigned char with)
{
    unsigned char block[BLOCK] = {0};
    memcpy(block, key, KEY);
    for (int i = 0; i < BLOCK; i++)
        block[i] ^= with;
    cs_sha256_init(hash);
    cs_sha256_add(hash, block, BLOCK);
}

/* HMAC over the folder and the plans of all segments, each with its NUL. */
static clipspan_status print_seal(char out[65], const unsigned char key[KEY], cs_index *index,
                                  clipspan_error *err)
{
    unsigned char digest[32];
    sealing inner;
    cs_sha256 outer;
    char *folder;
    begin_block(&inner.hash, key, 0x36);
    CS_TRY(cs_index_fact(&folder, index, "images.folder", err));
    cs_sha256_add(&inner.hash, folder ? folder : "", folder ? strlen(folder) + 1 : 1);
    cs_free(folder);
    CS_TRY(cs_index_read_segments(index, add_segment, &inner, err));
    cs_sha256_end(digest, &inner.hash);
    begin_block(&outer, key, 0x5c);
    cs_sha256_add(&outer, digest, sizeof digest);
    cs_sha256_end(digest, &outer);
    cs_sha256_print(out, digest);
    return CLIPSPAN_OK;
}

clipspan_status cs_own_seal(cs_index *index, clipspan_error *err)
{
    unsigned char key[KEY];
    char seal[65];
    int found;
    CS_TRY(find_key(&found, key, 1, err));
    if (!found) return cs_index_set_fact(index, CS_SEAL_FACT, "", err);
    CS_TRY(print_seal(seal, key, index, err));
    return cs_index_set_fact(index, CS_SEAL_FACT, seal, err);
}

clipspan_status cs_own_check(int *own, cs_index *index, clipspan_error *err)
{
    unsigned char key[KEY], differs = 0;
    clipspan_status status;
    char *there, seal[65];
    int found = 0;
    *own = 0;
    CS_TRY(cs_index_fact(&there, index, CS_SEAL_FACT, err));
    status = there && strlen(there) == 64 ? find_key(&found, key, 0, err) : CLIPSPAN_OK;
    if (status != CLIPSPAN_OK || !found) {
        cs_free(there);
        return status;
    }
    status = print_seal(seal, key, index, err);
    for (int i = 0; i < 64 && status == CLIPSPAN_OK; i++)
        differs |= (unsigned char)(seal[i] ^ there[i]);
    *own = status == CLIPSPAN_OK && !differs;
    cs_free(there);
    return status;
}
