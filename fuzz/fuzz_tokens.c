/* SPDX-License-Identifier: MIT */
/* The tokenizer on texts of any bytes, with a small table of merges. */
#include "fuzz.h"
#include "text/tokenizer.h"

#define CONTEXT 77
#define VOCAB   (512 + 2 + 4)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char merges[] = "#version: 0.2\na b\nab c</w>\nt h\nth e</w>\n";
    static cs_tokenizer *tokenizer;
    int32_t ids[CONTEXT];
    size_t count = 0;
    int cut;
    if (!tokenizer)
        fuzz_check(cs_tokenizer_open(&tokenizer, fuzz_file("merges.txt", merges, sizeof merges - 1),
                                     VOCAB, NULL) == CLIPSPAN_OK,
                   "merges");
    if (cs_tokenizer_encode(ids, &count, &cut, tokenizer, CONTEXT, (const char *)data, size,
                            NULL) != CLIPSPAN_OK)
        return 0;
    fuzz_check(count >= 2 && count <= CONTEXT, "a start and an end");
    fuzz_check(ids[0] == cs_tokenizer_start_id(tokenizer), "the start");
    fuzz_check(ids[count - 1] == cs_tokenizer_end_id(tokenizer), "the end");
    for (size_t i = 0; i < CONTEXT; i++)
        fuzz_check(ids[i] >= 0 && ids[i] < VOCAB, "ids are in the vocabulary");
    return 0;
}
