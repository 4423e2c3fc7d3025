/* SPDX-License-Identifier: MIT */
/* A contact sheet of a search as one self-contained HTML file. */
#ifndef CLIPSPAN_SRC_REPORT_HIT_PAGE_H
#define CLIPSPAN_SRC_REPORT_HIT_PAGE_H

#include <clipspan/search.h>

#include "study/hits.h"

/* hits : [count], the best first. Images that cannot be read any more are named without one.
 * options: how the run read its files; NULL: as they are. Errors: EXISTS unless `replace`, WRITE,
 * NOMEM. */
clipspan_status cs_hit_page_write(const char *path, const char *title, const char *about,
                                  const clipspan_hit *hits, size_t count,
                                  const clipspan_image_options *options, int replace,
                                  clipspan_error *err);

/* The page of a study's hits. */
clipspan_status cs_hit_page_show(const char *path, const cs_hits *hits, int replace,
                                 clipspan_error *err);

#endif
