/* SPDX-License-Identifier: MIT */
/* Pages about one explanation and about images that were found. */
#include "api/explain_api.h"
#include "api/handles.h"
#include "api/query_api.h"
#include "api/view_api.h"
#include "report/explain_page.h"
#include "report/hit_page.h"

#include <clipspan/run.h>

clipspan_status clipspan_explanation_write(const char *path,
                                           const clipspan_explanation *explanation,
                                           const clipspan_view *view,
                                           const clipspan_explain_options *options,
                                           clipspan_error *err)
{
    const clipspan_explanation_info *x = clipspan_explanation_get_info(explanation);
    clipspan_explain_options o;
    const cs_atlas *atlas;
    cs_clear(err);
    if (!path || !explanation || !view)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_explanation_write: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_explain_options, err));
    if (o.top < 0 || o.top > 64)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%d heads were asked for; 1 to 64 are possible",
                       o.top);
    atlas = o.atlas ? o.atlas->atlas : NULL;
    if (atlas && (atlas->info.run->layers != x->layers || atlas->info.run->heads != x->heads))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the atlas is of %d layers of %d heads, the explanation of %d of %d",
                       atlas->info.run->layers, atlas->info.run->heads, x->layers, x->heads);
    if (view->view.rows != x->grid_height || view->view.columns != x->grid_width)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the view is of a model with %d x %d patches, the explanation of %d x %d",
                       view->view.rows, view->view.columns, x->grid_height, x->grid_width);
    return cs_explain_write(path, explanation->explanation, &view->view, atlas, &o, err);
}

clipspan_status clipspan_hits_write(const char *path, const clipspan_hits *hits, int replace,
                                    clipspan_error *err)
{
    cs_clear(err);
    if (!path || !hits)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_hits_write: an argument is NULL");
    return cs_hit_page_write(path, hits->hits, replace, err);
}
