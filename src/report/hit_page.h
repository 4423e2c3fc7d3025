/* SPDX-License-Identifier: MIT */
/* A contact sheet of a search as one self-contained HTML file. */
#ifndef CLIPSPAN_SRC_REPORT_HIT_PAGE_H
#define CLIPSPAN_SRC_REPORT_HIT_PAGE_H

#include "study/hits.h"

/* Images are read as the run read them; those that cannot be read any more are named without one.
 * Errors: EXISTS unless `replace`, WRITE, NOMEM. */
clipspan_status cs_hit_page_write(const char *path, const cs_hits *hits, int replace,
                                  clipspan_error *err);

#endif
