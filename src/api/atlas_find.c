/* SPDX-License-Identifier: MIT */
/* clipspan_atlas_find_heads: argument checks around atlas/atlas_roles.h. */
#include "api/handles.h"
#include "atlas/atlas_roles.h"
#include "base/memory.h"

#include <string.h>

/* Heads whose role was tested. */
static size_t copy_tested(clipspan_atlas_head *to, const cs_atlas *atlas)
{
    size_t count = 0;
    for (size_t i = 0; i < atlas->info.heads; i++)
        if (atlas->heads[i].role->kind == CLIPSPAN_ROLE_CLEAR) to[count++] = atlas->heads[i];
    return count;
}

clipspan_status clipspan_atlas_find_heads(clipspan_head *heads, size_t *count, size_t most,
                                          const clipspan_atlas *atlas, const char *role,
                                          int untested, clipspan_error *err)
{
    clipspan_atlas_head *tested = NULL;
    clipspan_head *found = NULL;
    clipspan_status status;
    size_t all;
    cs_clear(err);
    if (count) *count = 0;
    if (!count || !atlas || !role || (most > 0 && !heads))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_atlas_find_heads: an argument is NULL");
    if (!untested) {
        tested = cs_alloc(atlas->atlas->info.heads, sizeof *tested, "heads", err);
        if (!tested) return CLIPSPAN_E_NOMEM;
    }
    all = untested ? atlas->atlas->info.heads : copy_tested(tested, atlas->atlas);
    status =
        cs_atlas_role_heads(&found, count, untested ? atlas->atlas->heads : tested, all, role, err);
    if (status == CLIPSPAN_OK && most > 0)
        memcpy(heads, found, (*count < most ? *count : most) * sizeof *heads);
    cs_free(found);
    cs_free(tested);
    return status;
}
