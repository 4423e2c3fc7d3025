/* SPDX-License-Identifier: MIT */
/* Owned strings of what was evaluated. */
#include "study/evaluation_facts.h"
#include "base/memory.h"

#include <string.h>

clipspan_status cs_facts_keep(const char **out, cs_evaluation_facts *f, const char *text,
                              clipspan_error *err)
{
    char *copy;
    *out = NULL;
    if (!text) return CLIPSPAN_OK;
    CS_TRY(cs_grow(&f->owned, &f->owned_room, f->owned_count + 1, sizeof *f->owned, "names", err));
    copy = cs_strdup(text, err);
    if (!copy) return CLIPSPAN_E_NOMEM;
    *out = f->owned[f->owned_count++] = copy;
    return CLIPSPAN_OK;
}

static clipspan_status keep_names(const char ***out, cs_evaluation_facts *f,
                                  const char *const *names, size_t count, clipspan_error *err)
{
    cs_free(*out);
    *out = cs_alloc_zero(count, sizeof **out, "names", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        CS_TRY(cs_facts_keep(&(*out)[i], f, names[i], err));
    return CLIPSPAN_OK;
}

clipspan_status cs_facts_classes(cs_evaluation_facts *f, const char *const *names, size_t count,
                                 clipspan_error *err)
{
    CS_TRY(keep_names(&f->class_names, f, names, count, err));
    f->info.class_names = f->class_names;
    f->info.classes = count;
    return CLIPSPAN_OK;
}

clipspan_status cs_facts_groups(cs_evaluation_facts *f, const char *const *names, size_t count,
                                clipspan_error *err)
{
    CS_TRY(keep_names(&f->group_names, f, names, count, err));
    f->info.group_names = f->group_names;
    f->info.groups = count;
    return CLIPSPAN_OK;
}

clipspan_status cs_facts_copy(cs_evaluation_facts *out, const clipspan_evaluation_info *info,
                              clipspan_error *err)
{
    out->info = *info;
    out->info.class_names = out->info.group_names = NULL;
    out->info.classes = out->info.groups = 0;
    CS_TRY(cs_facts_keep(&out->info.run, out, info->run, err));
    CS_TRY(cs_facts_keep(&out->info.means, out, info->means, err));
    CS_TRY(cs_facts_keep(&out->info.source, out, info->source, err));
    CS_TRY(cs_facts_classes(out, info->class_names, info->classes, err));
    return cs_facts_groups(out, info->group_names, info->groups, err);
}

void cs_facts_fini(cs_evaluation_facts *f)
{
    for (size_t i = 0; i < f->owned_count; i++)
        cs_free(f->owned[i]);
    cs_free(f->owned);
    cs_free(f->class_names);
    cs_free(f->group_names);
    memset(f, 0, sizeof *f);
}
