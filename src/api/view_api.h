/* SPDX-License-Identifier: MIT */
/* What the public view is made of. */
#ifndef CLIPSPAN_SRC_API_VIEW_API_H
#define CLIPSPAN_SRC_API_VIEW_API_H

#include "api/handles.h"
#include "draw/view.h"

struct clipspan_view {
    cs_view view;
    clipspan_view_info info;
};

/* The edge of clipspan_view_new as src/image has it, in *out. Errors: ARGUMENT. */
clipspan_status cs_view_edge(int *out, int edge, clipspan_error *err);

/* Fills view->info. */
void cs_view_describe(clipspan_view *view);

#endif
