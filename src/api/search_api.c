/* SPDX-License-Identifier: MIT */
/* Search: argument checks around src/run/coefficient_search.h. */
#include "api/handles.h"
#include "base/parallel.h"
#include "study/coefficient_search.h"

#include <clipspan/run.h>

struct clipspan_search {
    cs_search *search;
    char *folder;
};

static clipspan_status check(const clipspan_search_options *o, const clipspan_run_info *info,
                             clipspan_error *err)
{
    size_t i;
    if (o->heads && o->head_count < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a search by no heads was asked for");
    if (o->compare < CLIPSPAN_COMPARE_COSINE || o->compare > CLIPSPAN_COMPARE_PLAIN)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown way %d to compare", (int)o->compare);
    for (i = 0; o->heads && i < o->head_count; i++)
        if (o->heads[i].layer < 0 || o->heads[i].layer >= info->layers || o->heads[i].head < 0 ||
            o->heads[i].head >= info->heads)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "head L%d.H%d was asked for; the run has L0.H0 to L%d.H%d",
                           o->heads[i].layer, o->heads[i].head, info->layers - 1, info->heads - 1);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_search_new(clipspan_search **out, const clipspan_run *run,
                                    const clipspan_search_options *options,
                                    const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_search_options o;
    clipspan_search *s;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_search_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_search_options, err));
    CS_TRY(check(&o, cs_run_info(run->run), err));
    s = cs_alloc_zero(1, sizeof *s, "a search", err);
    if (!s) return CLIPSPAN_E_NOMEM;
    status = cs_search_new(&s->search, run->run, o.heads, o.head_count, o.compare,
                           o.threads > 0 ? o.threads : cs_threads_default(), progress, err);
    if (status == CLIPSPAN_OK) status = cs_run_fact(&s->folder, run->run, "images.folder", err);
    if (status == CLIPSPAN_OK)
        *out = s;
    else
        clipspan_search_free(&s);
    return status;
}

void clipspan_search_free(clipspan_search **search)
{
    if (!search || !*search) return;
    cs_search_free(&(*search)->search);
    cs_free((*search)->folder);
    cs_free(*search);
    *search = NULL;
}

size_t clipspan_search_get_count(const clipspan_search *search)
{
    return search ? search->search->N : 0;
}

const uint64_t *clipspan_search_get_run_indices(const clipspan_search *search)
{
    return search ? search->search->run_indices : NULL;
}

const char *clipspan_search_get_folder(const clipspan_search *search)
{
    return search && search->folder ? search->folder : "";
}

clipspan_status clipspan_search_run(double *scores, const clipspan_search *search,
                                    const float *query, int is_text, clipspan_error *err)
{
    cs_clear(err);
    if (!scores || !search || !query)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_search_run: an argument is NULL");
    return cs_search_run(scores, search->search, query, is_text, err);
}

clipspan_status clipspan_search_run_contributions(double *contributions,
                                                  const clipspan_search *search, size_t row,
                                                  const float *query, int is_text,
                                                  clipspan_error *err)
{
    cs_clear(err);
    if (!contributions || !search || !query || row >= search->search->N)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "clipspan_search_run_contributions: an argument is NULL or beyond the last image");
    return cs_search_parts(contributions, search->search, row, query, is_text, err);
}
