/* SPDX-License-Identifier: MIT */
/* clipspan_atlas_find_heads: argument checks around atlas/atlas_roles.h. */
#include "api/handles.h"
#include "atlas/atlas_roles.h"
#include "base/memory.h"

#include <string.h>

/* Heads that have a role. */
static size_t copy_roles(clipspan_atlas_head *to, const cs_atlas *atlas)
{
    size_t count = 0;
    for (size_t i = 0; i < atlas->info.heads; i++)
        if (atlas->heads[i].role->outcome == CLIPSPAN_OUTCOME_ROLE) to[count++] = atlas->heads[i];
    return count;
}

clipspan_status clipspan_atlas_find_heads(clipspan_head *heads, size_t *count, size_t most,
                                          const clipspan_atlas *atlas, const char *role,
                                          int leanings, clipspan_error *err)
{
    clipspan_atlas_head *roles = NULL;
    clipspan_head *found = NULL;
    clipspan_status status;
    size_t all;
    cs_clear(err);
    if (count) *count = 0;
    if (!count || !atlas || !role || (most > 0 && !heads))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_atlas_find_heads: an argument is NULL");
    if (!leanings) {
        roles = cs_alloc(atlas->atlas->info.heads, sizeof *roles, "heads", err);
        if (!roles) return CLIPSPAN_E_NOMEM;
    }
    all = leanings ? atlas->atlas->info.heads : copy_roles(roles, atlas->atlas);
    status =
        cs_atlas_role_heads(&found, count, leanings ? atlas->atlas->heads : roles, all, role, err);
    if (status == CLIPSPAN_OK && most > 0)
        memcpy(heads, found, (*count < most ? *count : most) * sizeof *heads);
    cs_free(found);
    cs_free(roles);
    return status;
}
