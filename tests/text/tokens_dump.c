/* SPDX-License-Identifier: MIT */
/* tokens_dump [CONTEXT [MERGES [VOCAB]]]: token ids of texts on standard input, for scripts that
 * compare them. VOCAB 0: MERGES is a tokenizer.json, a .model or a vocab.txt, used as it says;
 * VOCAB -N: the same with the N-th way of cleaning texts (cs_text_cleaning). Each text is a line
 * with its size in bytes, then that many bytes and a line feed. Output: a line a text, ids up to
 * the end token with spaces between. Exit 1 with a message on any error. */
#include "base/memory.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX ((unsigned long)16 << 20)

static clipspan_status open_one(cs_tokenizer **out, const char *path, int vocab,
                                clipspan_error *err)
{
    cs_tokenizer_options options = CS_TOKENIZER_OPTIONS_INIT;
    if (vocab > 0) return cs_tokenizer_open(out, path, vocab, err);
    options.kind = CS_TOKENIZER_FILE;
    options.cleaning = (cs_text_cleaning)-vocab;
    return cs_tokenizer_open_as(out, path, &options, err);
}

int main(int argc, char **argv)
{
    int context = argc > 1 ? atoi(argv[1]) : 77;
    cs_tokenizer *tokenizer = NULL;
    clipspan_error err;
    int32_t *ids = NULL;
    char *text = NULL;
    unsigned long size;
    int failed = 1;
    if (context < 1 ||
        open_one(&tokenizer, argc > 2 ? argv[2] : "", argc > 3 ? atoi(argv[3]) : 49408, &err))
        goto done;
    ids = cs_alloc((size_t)context, sizeof *ids, "ids", &err);
    text = cs_alloc(TEXT_MAX + 1, 1, "text", &err);
    if (!ids || !text) goto done;
    while (scanf("%lu", &size) == 1) {
        size_t count, i;
        cs_fail(&err, CLIPSPAN_E_FORMAT, "standard input is not a list of texts");
        if (getchar() != '\n' || size > TEXT_MAX || fread(text, 1, size + 1, stdin) != size + 1)
            goto done;
        if (cs_tokenizer_encode(ids, &count, NULL, tokenizer, context, text, size, &err)) goto done;
        for (i = 0; i < count; i++)
            printf("%s%ld", i ? " " : "", (long)ids[i]);
        putchar('\n');
    }
    failed = 0;
done:
    if (failed) fprintf(stderr, "tokens_dump: %s\n", err.message);
    cs_tokenizer_close(&tokenizer);
    cs_free(ids);
    cs_free(text);
    return failed;
}
