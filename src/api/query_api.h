/* SPDX-License-Identifier: MIT */
/* What the public hits of a query are made of. */
#ifndef CLIPSPAN_SRC_API_QUERY_API_H
#define CLIPSPAN_SRC_API_QUERY_API_H

#include "study/hits.h"

struct clipspan_hits {
    cs_hits *hits;
};

#endif
