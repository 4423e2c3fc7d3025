/* SPDX-License-Identifier: MIT */
/* Looking through heads for roles. */
#include "atlas/atlas_roles.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"

#define LISTED 32 /* roles that a message names */

int cs_atlas_role_carried(const clipspan_role *role)
{
    return role->category[0] && role->outcome >= CLIPSPAN_OUTCOME_LEANING;
}

size_t cs_atlas_role_names(const char **names, size_t most, const clipspan_atlas_head *heads,
                           size_t count)
{
    size_t found = 0, h, k;
    for (h = 0; h < count; h++) {
        if (!cs_atlas_role_carried(heads[h].role)) continue;
        for (k = 0; k < found && strcmp(names[k], heads[h].role->category[0]) != 0; k++)
            ;
        if (k == found && found < most) names[found++] = heads[h].role->category[0];
    }
    return found;
}

static clipspan_status fail_role(const clipspan_atlas_head *heads, size_t count, const char *name,
                                 clipspan_error *err)
{
    const char *roles[LISTED], *meant;
    const size_t found = cs_atlas_role_names(roles, LISTED, heads, count);
    char list[600] = "none (clipspan roles RUN)";
    size_t used = 0, k;
    for (k = 0; k < found && used < sizeof list; k++)
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%.40s", k ? ", " : "", roles[k]);
    meant = cs_nearest(name, roles, found);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "no head of the run has the role \"%.80s\"%s%s%s; roles there are: %s", name,
                   meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "", list);
}

clipspan_status cs_atlas_role_heads(clipspan_head **out, size_t *found,
                                    const clipspan_atlas_head *heads, size_t count,
                                    const char *name, clipspan_error *err)
{
    size_t h;
    *found = 0;
    *out = cs_alloc(count, sizeof **out, "heads", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    for (h = 0; h < count; h++)
        if (cs_atlas_role_carried(heads[h].role) && strcmp(heads[h].role->category[0], name) == 0)
            (*out)[(*found)++] = heads[h].head;
    if (*found) return CLIPSPAN_OK;
    cs_free(*out);
    *out = NULL;
    return fail_role(heads, count, name, err);
}
