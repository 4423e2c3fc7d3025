/* SPDX-License-Identifier: MIT */
/* A sheet as a drawing that can be scaled: texts stay texts. */
#ifndef CLIPSPAN_SRC_REPORT_SHEET_SVG_H
#define CLIPSPAN_SRC_REPORT_SHEET_SVG_H

#include "draw/sheet.h"

/* Looks as cs_sheet_write's PNG does; images and bars are JPEG inside the file, which loads
 * nothing. Errors: EXISTS unless `replace`, WRITE, NOMEM. */
clipspan_status cs_sheet_write_svg(const cs_sheet *sheet, const char *path, int replace,
                                   clipspan_error *err);

#endif
