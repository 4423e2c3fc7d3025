/* SPDX-License-Identifier: MIT */
/* Text pools: files of lines with keys, tables with a column of texts. */
#include "fuzz.h"

#include <clipspan/clipspan.h>

static void read(const char *path)
{
    clipspan_texts *texts = NULL;
    clipspan_error err;
    if (clipspan_texts_open(&texts, path, &err) == CLIPSPAN_OK) {
        fuzz_check(clipspan_texts_get_count(texts) > 0, "a pool has a text");
        for (size_t i = 0; i < clipspan_texts_get_count(texts); i++)
            fuzz_check(clipspan_texts_get_text(texts, i) && clipspan_texts_get_key(texts, i),
                       "a text and its key");
    } else {
        fuzz_check(err.message[0] != '\0', "an error has a sentence");
    }
    clipspan_texts_free(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read(fuzz_file("pool.txt", data, size));
    read(fuzz_file("pool.csv", data, size));
    read(fuzz_file("pool.tsv", data, size));
    return 0;
}
