/* SPDX-License-Identifier: MIT */
/* Unicode normalization form C, pinned to Unicode 14 (Python 3.11), and all four forms as Hugging
 * Face's tokenizers have them. */
#ifndef CLIPSPAN_SRC_TEXT_NFC_H
#define CLIPSPAN_SRC_TEXT_NFC_H

#include "text/codepoints.h"

/* Brings text to form C. work: scratch, its content is overwritten. Linear in the length of the
 * text, however its marks are ordered. Errors: NOMEM. */
clipspan_status cs_nfc_apply(cs_codes *text, cs_codes *work, clipspan_error *err);

/* The same for any of the four forms, as Hugging Face's tokenizers see code points. */
typedef enum cs_form { CS_NFC, CS_NFD, CS_NFKC, CS_NFKD } cs_form;
clipspan_status cs_form_apply(cs_codes *text, cs_codes *work, cs_form form, clipspan_error *err);

#endif
