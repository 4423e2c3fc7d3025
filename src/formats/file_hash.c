/* SPDX-License-Identifier: MIT */
/* A file through SHA-256, a mebibyte at a time. */
#include "formats/file_hash.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/sha256.h"

#define PIECE ((size_t)1 << 20)

clipspan_status cs_open_file_hash(char out[65], const cs_file *source,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    unsigned char *bytes, digest[32];
    cs_sha256 hash;
    uint64_t at = 0;
    int stop = 0;
    out[0] = '\0';
    bytes = cs_alloc(PIECE, 1, "a hash", err);
    if (!bytes) return CLIPSPAN_E_NOMEM;
    cs_sha256_init(&hash);
    while (at < source->size) {
        size_t n = source->size - at < PIECE ? (size_t)(source->size - at) : PIECE;
        CS_TRY_DONE(cs_file_read(bytes, source, at, n, err));
        cs_sha256_add(&hash, bytes, n);
        at += n;
        if (progress && progress->step)
            stop = progress->step(progress->user, (size_t)at, (size_t)source->size);
        if (stop) {
            status = cs_stopped(err, stop, "the hash was stopped");
            goto done;
        }
    }
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
done:
    cs_free(bytes);
    return status;
}

clipspan_status cs_file_hash(char out[65], const char *path, const clipspan_progress *progress,
                             clipspan_error *err)
{
    clipspan_status status;
    cs_file *source;
    out[0] = '\0';
    CS_TRY(cs_file_open(&source, path, err));
    status = cs_open_file_hash(out, source, progress, err);
    cs_file_close(&source);
    return status;
}
