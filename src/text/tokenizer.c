/* SPDX-License-Identifier: MIT */
/* open_clip 3.3, SimpleTokenizer: clean text, words by the pattern, byte pairs merged in each word.
 * The start and end tokens are the last two ids; spelled out in text ("<end_of_text>") they map to
 * those ids, as there. */
#include "text/tokenizer.h"
#include "base/memory.h"
#include "text/bpe.h"
#include "text/clean.h"
#include "text/pattern.h"
#include "text/vocab_check.h"

#include <string.h>

#define TEXT_MAX ((size_t)16 << 20) /* bytes of one text */

struct cs_tokenizer {
    cs_bpe bpe;
    int vocab;
};

void cs_tokenizer_close(cs_tokenizer **tokenizer)
{
    if (!tokenizer || !*tokenizer) return;
    cs_bpe_fini(&(*tokenizer)->bpe);
    cs_free(*tokenizer);
    *tokenizer = NULL;
}

clipspan_status cs_tokenizer_open(cs_tokenizer **out, const char *path, int vocab,
                                  clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_tokenizer *tokenizer = NULL;
    cs_merges merges = {0};
    *out = NULL;
    if (vocab < CS_BPE_BASE + 2)
        return cs_fail(err, CLIPSPAN_E_SHAPE,
                       "a vocabulary of %d is too small for CLIP's tokenizer, whose bytes and "
                       "special tokens alone are %d",
                       vocab, CS_BPE_BASE + 2);
    tokenizer = cs_alloc_zero(1, sizeof *tokenizer, "a tokenizer", err);
    if (!tokenizer) return CLIPSPAN_E_NOMEM;
    tokenizer->vocab = vocab;
    CS_TRY_DONE(cs_merges_read(&merges, path, err));
    CS_TRY_DONE(cs_bpe_init(&tokenizer->bpe, &merges, (size_t)vocab - CS_BPE_BASE - 2, err));
    CS_TRY_DONE(cs_vocab_check(&tokenizer->bpe, (size_t)vocab, merges.path, err));
    *out = tokenizer;
    tokenizer = NULL;
done:
    cs_merges_fini(&merges);
    cs_tokenizer_close(&tokenizer);
    return status;
}

/* The UTF-8 bytes of codes[0 .. count) in *bytes. */
static clipspan_status word_bytes(unsigned char **bytes, size_t *room, size_t *size,
                                  const uint32_t *codes, size_t count, clipspan_error *err)
{
    size_t i;
    *size = 0;
    for (i = 0; i < count; i++) {
        CS_TRY(cs_grow(bytes, room, *size + 4, 1, "a word", err));
        *size += cs_utf8_put(*bytes + *size, codes[i]);
    }
    return CLIPSPAN_OK;
}

/* ids of clean text: at most `limit`, *count of them. */
static clipspan_status encode_clean(int32_t *ids, size_t *count, size_t limit,
                                    const cs_tokenizer *tokenizer, const cs_codes *clean,
                                    clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_bpe_scratch scratch = {0};
    unsigned char *bytes = NULL;
    size_t room = 0, size, at = 0, first, added;
    *count = 0;
    while (*count < limit) {
        cs_word kind = cs_pattern_next(&first, &at, clean->at, clean->count);
        if (kind == CS_WORD_NONE) break;
        if (kind != CS_WORD_TEXT) {
            ids[(*count)++] = tokenizer->vocab - (kind == CS_WORD_START ? 2 : 1);
            continue;
        }
        CS_TRY_DONE(word_bytes(&bytes, &room, &size, clean->at + first, at - first, err));
        CS_TRY_DONE(cs_bpe_encode(ids + *count, &added, limit - *count, &tokenizer->bpe, &scratch,
                                  bytes, size, err));
        *count += added;
    }
done:
    cs_bpe_scratch_fini(&scratch);
    cs_free(bytes);
    return status;
}

clipspan_status cs_tokenizer_encode(int32_t *ids, size_t *count, int *cut,
                                    const cs_tokenizer *tokenizer, int context, const char *text,
                                    size_t size, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_codes clean = {0};
    size_t limit, used = 0, i;
    int32_t *all = NULL;
    if (context < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a context of %d tokens is too short", context);
    if (size > TEXT_MAX)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a text of %zu bytes is over the limit of %zu", size,
                       TEXT_MAX);
    /* One id more than fit between start and end, which is what tells a text that is too long. */
    limit = context > 2 ? (size_t)context - 1 : 1;
    all = cs_alloc(limit, sizeof *all, "token ids", err);
    if (!all) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_clean_text(&clean, text, size, err));
    CS_TRY_DONE(encode_clean(all, &used, limit, tokenizer, &clean, err));
    memset(ids, 0, (size_t)context * sizeof *ids);
    ids[0] = tokenizer->vocab - 2;
    for (i = 0; i < used && i + 1 < (size_t)context; i++)
        ids[i + 1] = all[i];
    i = used + 2 > (size_t)context ? (size_t)context : used + 2;
    ids[i - 1] = tokenizer->vocab - 1;
    if (count) *count = i;
    if (cut) *cut = used + 2 > (size_t)context;
done:
    cs_codes_fini(&clean);
    cs_free(all);
    return status;
}

const char *cs_tokenizer_piece(const cs_tokenizer *tokenizer, int32_t id)
{
    if (id < 0 || id >= tokenizer->vocab) return NULL;
    if (id == tokenizer->vocab - 2) return "<start_of_text>";
    if (id == tokenizer->vocab - 1) return "<end_of_text>";
    return tokenizer->bpe.names + tokenizer->bpe.name_at[id];
}

int cs_tokenizer_start_id(const cs_tokenizer *tokenizer)
{
    return tokenizer->vocab - 2;
}

int cs_tokenizer_end_id(const cs_tokenizer *tokenizer)
{
    return tokenizer->vocab - 1;
}
