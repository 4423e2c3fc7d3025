/* SPDX-License-Identifier: MIT */
/* ftfy's repairs of text, without the repair of wrong encodings ("mojibake"). */
#ifndef CLIPSPAN_SRC_TEXT_FIXES_H
#define CLIPSPAN_SRC_TEXT_FIXES_H

#include "text/codepoints.h"

/* out : gets, behind what it holds, what ftfy.fix_text(codes, fix_encoding=False) gives.
 * Errors: NOMEM. */
clipspan_status cs_fixes_apply(cs_codes *out, const uint32_t *codes, size_t count,
                               clipspan_error *err);

#endif
