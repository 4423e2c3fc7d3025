/* SPDX-License-Identifier: MIT */
/* Version, kernel level, product, threads, data files. */
#include "api/model_handles.h"
#include "base/datadir.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <string.h>

const char *clipspan_version(void)
{
    return CLIPSPAN_VERSION;
}

const char *clipspan_cpu_level(void)
{
    return cs_simd_best()->name;
}

const char *clipspan_product_name(void)
{
    return cs_product_name();
}

int clipspan_has_bf16(void)
{
    return cs_product_has_bf16() && cs_simd_best()->attention_bf16 != NULL;
}

int clipspan_default_threads(void)
{
    return cs_threads_default();
}

clipspan_status clipspan_data_find(char *out, size_t room, const char *name, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t size;
    char *path;
    if (!out || !name)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "expected a buffer and a name, found NULL");
    CS_TRY(cs_data_path(&path, name, err));
    size = strlen(path) + 1;
    if (size <= room)
        memcpy(out, path, size);
    else
        status = cs_fail(err, CLIPSPAN_E_LIMIT, "%.300s: its path has %zu bytes, the buffer %zu",
                         path, size, room);
    cs_free(path);
    return status;
}
