/* SPDX-License-Identifier: MIT */
/* Looking through an atlas for roles. */
#include "cli/in/role_heads.h"
#include "base/memory.h"
#include "base/nearest.h"

#include <clipspan/clipspan.h>
#include <stdio.h>
#include <string.h>

#define LISTED 32

int cli_role_carried(const clipspan_role *role)
{
    return role->category[0] && (role->kind == CLIPSPAN_ROLE_CLEAR || role->untested);
}

size_t cli_role_names(const char **names, size_t most, const clipspan_atlas *atlas)
{
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas);
    size_t count = 0, k;
    for (size_t h = 0; h < clipspan_atlas_get_info(atlas)->heads; h++) {
        if (!cli_role_carried(heads[h].role)) continue;
        for (k = 0; k < count && strcmp(names[k], heads[h].role->category[0]) != 0; k++)
            ;
        if (k == count && count < most) names[count++] = heads[h].role->category[0];
    }
    return count;
}

static clipspan_status fail_role(const clipspan_atlas *atlas, const char *name, clipspan_error *err)
{
    const char *roles[LISTED], *meant;
    const size_t count = cli_role_names(roles, LISTED, atlas);
    char list[600] = "none (clipspan roles RUN)";
    size_t used = 0;
    for (size_t k = 0; k < count && used < sizeof list; k++)
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%.40s", k ? ", " : "", roles[k]);
    meant = cs_nearest(name, roles, count);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--role: no head of the run has the role \"%.80s\"%s%s%s; roles there are: %s",
                   name, meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "",
                   list);
}

clipspan_status cli_role_heads(clipspan_head **out, size_t *count, const clipspan_atlas *atlas,
                               const char *name, clipspan_error *err)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas);
    *count = 0;
    *out = cs_alloc(info->heads, sizeof **out, "heads", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    for (size_t h = 0; h < info->heads; h++)
        if (cli_role_carried(heads[h].role) && strcmp(heads[h].role->category[0], name) == 0)
            (*out)[(*count)++] = heads[h].head;
    if (*count) return CLIPSPAN_OK;
    cs_free(*out);
    *out = NULL;
    return fail_role(atlas, name, err);
}
