/* SPDX-License-Identifier: MIT */
/* Unicode normalization form C, pinned to Unicode 14 (Python 3.11). */
#ifndef CLIPSPAN_SRC_TEXT_NFC_H
#define CLIPSPAN_SRC_TEXT_NFC_H

#include "text/codepoints.h"

/* Brings text to form C. work: scratch, its content is overwritten. Linear in the length of the
 * text, however its marks are ordered. Errors: NOMEM. */
clipspan_status cs_nfc_apply(cs_codes *text, cs_codes *work, clipspan_error *err);

#endif
