/* SPDX-License-Identifier: MIT */
/* Tables of merges: plain or gzip, and tokenizer.json, with vocabularies of any size. */
#include "fuzz.h"
#include "text/tokenizer.h"

static void open_table(const char *path, int vocab)
{
    cs_tokenizer *tokenizer = NULL;
    int32_t ids[16];
    if (cs_tokenizer_open(&tokenizer, path, vocab, NULL) == CLIPSPAN_OK)
        (void)cs_tokenizer_encode(ids, NULL, NULL, tokenizer, 16, "the abc of it", 13, NULL);
    cs_tokenizer_close(&tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path;
    if (size < 1) return 0;
    path = fuzz_file("merges.txt", data + 1, size - 1);
    open_table(path, 512 + 2 + data[0] % 16);
    path = fuzz_file("tokenizer.json", data + 1, size - 1);
    open_table(path, 512 + 2 + data[0] % 16);
    return 0;
}
