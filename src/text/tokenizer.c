/* SPDX-License-Identifier: MIT */
/* One handle for CLIP's tokenizer (open_clip 3.3, SimpleTokenizer: clean text, words by the
 * pattern, byte pairs merged in each word; the start and end tokens are the last two ids, and
 * spelled out in text ("<end_of_text>") they map to those ids) and for those that a file describes.
 * Opening is tokenizer_open.c. */
#include "base/memory.h"
#include "text/clean.h"
#include "text/pattern.h"
#include "text/tokenizer_handle.h"

#include <string.h>

#define TEXT_MAX ((size_t)16 << 20) /* bytes of one text */

void cs_tokenizer_close(cs_tokenizer **tokenizer)
{
    if (!tokenizer || !*tokenizer) return;
    cs_bpe_fini(&(*tokenizer)->bpe);
    if ((*tokenizer)->file) cs_file_tokenizer_fini((*tokenizer)->file);
    cs_free((*tokenizer)->file);
    cs_free(*tokenizer);
    *tokenizer = NULL;
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

/* Puts start and end around the `used` ids of a text, cuts what is too much and pads. */
static void lay_out(int32_t *ids, size_t *count, int *cut, const cs_tokenizer *t, size_t context,
                    const int32_t *all, size_t used)
{
    size_t extra = (t->start >= 0) + (size_t)(t->end >= 0), at = 0, i;
    for (i = 0; i < context; i++)
        ids[i] = t->pad;
    if (t->start >= 0) ids[at++] = t->start;
    for (i = 0; i < used && at < context; i++)
        ids[at++] = all[i];
    if (t->end >= 0) ids[at < context ? at++ : context - 1] = t->blank_end ? 0 : t->end;
    if (count) *count = at;
    if (cut) *cut = used + extra > context;
}

/* Ids of a text by a file's tokenizer: all of them. */
static clipspan_status encode_file(cs_ids *all, const cs_tokenizer *t, const cs_codes *clean,
                                   clipspan_error *err)
{
    CS_TRY(cs_file_tokenizer_encode(all, t->file, clean, err));
    for (size_t i = 0; i < all->count; i++)
        if (t->blank_end && all->at[i] == t->end) all->at[i] = 0;
    return CLIPSPAN_OK;
}

clipspan_status cs_tokenizer_encode(int32_t *ids, size_t *count, int *cut,
                                    const cs_tokenizer *tokenizer, int context, const char *text,
                                    size_t size, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_codes clean = {0};
    size_t limit;
    cs_ids all = {0};
    if (context < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a context of %d tokens is too short", context);
    if (size > TEXT_MAX)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a text of %zu bytes is over the limit of %zu", size,
                       TEXT_MAX);
    CS_TRY_DONE(cs_clean_as(&clean, tokenizer->cleaning, text, size, err));
    if (tokenizer->file) {
        CS_TRY_DONE(encode_file(&all, tokenizer, &clean, err));
    } else {
        /* One id more than fit between start and end, which is what tells a text that is too long.
         */
        limit = context > 2 ? (size_t)context - 1 : 1;
        CS_TRY_DONE(cs_grow(&all.at, &all.room, limit, sizeof *all.at, "token ids", err));
        CS_TRY_DONE(encode_clean(all.at, &all.count, limit, tokenizer, &clean, err));
    }
    lay_out(ids, count, cut, tokenizer, (size_t)context, all.at, all.count);
done:
    cs_codes_fini(&clean);
    cs_free(all.at);
    return status;
}

const char *cs_tokenizer_piece(const cs_tokenizer *tokenizer, int32_t id)
{
    if (tokenizer->file) return cs_file_tokenizer_piece(tokenizer->file, id);
    if (id < 0 || id >= tokenizer->vocab) return NULL;
    if (id == tokenizer->vocab - 2) return "<start_of_text>";
    if (id == tokenizer->vocab - 1) return "<end_of_text>";
    return tokenizer->bpe.names + tokenizer->bpe.name_at[id];
}

int cs_tokenizer_adds_up(const cs_tokenizer *tokenizer)
{
    return !tokenizer->file;
}

int cs_tokenizer_start_id(const cs_tokenizer *tokenizer)
{
    return tokenizer->start < 0 ? -1 : tokenizer->start;
}

int cs_tokenizer_end_id(const cs_tokenizer *tokenizer)
{
    return tokenizer->end < 0 ? -1 : tokenizer->blank_end ? 0 : tokenizer->end;
}

int cs_tokenizer_pad_id(const cs_tokenizer *tokenizer)
{
    return tokenizer->pad;
}

int cs_tokenizer_vocab(const cs_tokenizer *tokenizer)
{
    return tokenizer->file ? cs_file_tokenizer_count(tokenizer->file) : tokenizer->vocab;
}

const char *cs_tokenizer_kind_name(const cs_tokenizer *tokenizer)
{
    if (!tokenizer->file) return "CLIP byte pairs";
    switch (tokenizer->file->model) {
    case CS_MODEL_BPE: return "BPE";
    case CS_MODEL_UNIGRAM: return "Unigram";
    case CS_MODEL_WORD_PIECE: return "WordPiece";
    case CS_MODEL_SENTENCEPIECE: break;
    }
    return tokenizer->file->sentencepiece.unigram ? "SentencePiece Unigram" : "SentencePiece BPE";
}
