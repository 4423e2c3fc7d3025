/* SPDX-License-Identifier: MIT */
/* Looking through an atlas for roles; outcomes as words. */
#include "cli/in/role_heads.h"
#include "base/memory.h"

#include <clipspan/clipspan.h>
#include <string.h>

const char *cli_outcome_word(clipspan_role_outcome outcome)
{
    static const char *const words[] = {"too few images", "none", "ambiguous", "leaning", "role"};
    return words[outcome];
}

const char *cli_outcome_key(clipspan_role_outcome outcome)
{
    return outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES ? "too_few_images"
                                                      : cli_outcome_word(outcome);
}

int cli_role_carried(const clipspan_role *role)
{
    return role->outcome == CLIPSPAN_OUTCOME_ROLE;
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

clipspan_status cli_role_heads(clipspan_head **out, size_t *count, const clipspan_atlas *atlas,
                               const char *name, clipspan_error *err)
{
    const size_t most = clipspan_atlas_get_info(atlas)->heads;
    clipspan_status status;
    *count = 0;
    *out = cs_alloc(most, sizeof **out, "heads", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    status = clipspan_atlas_find_heads(*out, count, most, atlas, name, 0, err);
    if (status == CLIPSPAN_OK) return status;
    cs_free(*out);
    *out = NULL;
    return status;
}
