/* SPDX-License-Identifier: MIT */
/* What is in a tokenizer's handle; for the files that implement tokenizer.h. */
#ifndef CLIPSPAN_SRC_TEXT_TOKENIZER_HANDLE_H
#define CLIPSPAN_SRC_TEXT_TOKENIZER_HANDLE_H

#include "text/bpe.h"
#include "text/file_tokenizer.h"
#include "text/tokenizer.h"

struct cs_tokenizer {
    cs_bpe bpe;              /* CLIP's */
    int vocab;               /* of CLIP's */
    cs_file_tokenizer *file; /* NULL: CLIP's */
    cs_text_cleaning cleaning;
    int start, end, pad, blank_end; /* start and end -1: none */
};

#endif
