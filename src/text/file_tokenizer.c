/* SPDX-License-Identifier: MIT */
/* The way of a text through a tokenizer.json: tokens that are found as they are, normalizing,
 * tokens that are found normalized, words, pieces. A SentencePiece model normalizes for itself. */
#include "text/file_tokenizer.h"
#include "base/memory.h"

#include <string.h>

struct run {
    const cs_file_tokenizer *t;
    cs_ids *ids;
    cs_bytes raw, normal, word;
    cs_text_part text;
    cs_codes work;
    cs_words words, spare;
    cs_merge_scratch merges;
    cs_unigram_scratch paths;
};

void cs_file_tokenizer_fini(cs_file_tokenizer *t)
{
    cs_vocabulary_fini(&t->vocabulary);
    cs_text_steps_fini(&t->normalizers);
    cs_text_steps_fini(&t->pre_tokenizers);
    cs_added_fini(&t->added);
    cs_merge_bpe_fini(&t->bpe);
    cs_unigram_fini(&t->unigram);
    cs_sentencepiece_fini(&t->sentencepiece);
    memset(t, 0, sizeof *t);
}

static void end_run(struct run *r)
{
    cs_free(r->raw.at);
    cs_free(r->normal.at);
    cs_free(r->word.at);
    cs_codes_fini(&r->text.codes);
    cs_codes_fini(&r->work);
    cs_words_fini(&r->words);
    cs_words_fini(&r->spare);
    cs_merge_scratch_fini(&r->merges);
    cs_unigram_scratch_fini(&r->paths);
}

static clipspan_status encode_word(struct run *r, const uint32_t *codes, size_t count,
                                   clipspan_error *err)
{
    const cs_file_tokenizer *t = r->t;
    r->word.count = 0;
    CS_TRY(cs_bytes_spell(&r->word, codes, count, err));
    if (t->model == CS_MODEL_BPE)
        return cs_merge_bpe_encode(r->ids, &t->bpe, &r->merges, r->word.at, r->word.count, err);
    if (t->model == CS_MODEL_UNIGRAM)
        return cs_unigram_encode(r->ids, &t->unigram, &r->paths, r->word.at, r->word.count, err);
    return cs_word_pieces_encode(r->ids, &t->word_pieces, r->word.at, r->word.count, err);
}

/* Words of normalized text in which no token is left. */
static clipspan_status encode_words(struct run *r, const char *text, size_t size, int moved,
                                    clipspan_error *err)
{
    size_t start = 0;
    if (size == 0) return CLIPSPAN_OK;
    r->text.codes.count = 0;
    r->text.moved = moved;
    CS_TRY(cs_codes_decode(&r->text.codes, text, size, err));
    CS_TRY(cs_pre_tokenize(&r->words, &r->spare, &r->text, &r->t->pre_tokenizers, err));
    for (size_t i = 0; i < r->words.count; i++) {
        CS_TRY(encode_word(r, r->words.codes.at + start, r->words.ends[i] - start, err));
        start = r->words.ends[i];
    }
    return CLIPSPAN_OK;
}

/* Text between tokens that were found as they are. */
static clipspan_status encode_part(struct run *r, const char *text, size_t size, int moved,
                                   clipspan_error *err)
{
    const cs_added *added = &r->t->added;
    size_t at = 0, done = 0, first, last;
    int32_t id;
    if (size == 0) return CLIPSPAN_OK;
    r->text.codes.count = 0;
    r->text.moved = moved;
    CS_TRY(cs_codes_decode(&r->text.codes, text, size, err));
    CS_TRY(cs_normalize(&r->text, &r->work, &r->t->normalizers, err));
    moved = r->text.moved;
    r->normal.count = 0;
    CS_TRY(cs_bytes_spell(&r->normal, r->text.codes.at, r->text.codes.count, err));
    do {
        cs_added_next(&id, &first, &last, &at, done, added, &added->normal, r->normal.at,
                      r->normal.count);
        CS_TRY(encode_words(r, r->normal.at + done, first - done, moved || done > 0, err));
        if (id != CS_NO_PIECE) CS_TRY(cs_ids_push(r->ids, id, err));
        if (last > at) at = last;
        done = last;
    } while (id != CS_NO_PIECE);
    return CLIPSPAN_OK;
}

static clipspan_status encode_json(struct run *r, clipspan_error *err)
{
    const cs_added *added = &r->t->added;
    size_t at = 0, done = 0, first, last;
    int32_t id;
    do {
        cs_added_next(&id, &first, &last, &at, done, added, &added->raw, r->raw.at, r->raw.count);
        if (first > done) CS_TRY(encode_part(r, r->raw.at + done, first - done, done > 0, err));
        if (id != CS_NO_PIECE) CS_TRY(cs_ids_push(r->ids, id, err));
        if (last > at) at = last;
        done = last;
    } while (id != CS_NO_PIECE);
    return CLIPSPAN_OK;
}

static clipspan_status encode_sentencepiece(struct run *r, clipspan_error *err)
{
    const cs_file_tokenizer *t = r->t;
    CS_TRY(cs_sentencepiece_normalize(&r->normal, &t->sentencepiece, r->raw.at, r->raw.count, err));
    if (r->normal.count == 0) return CLIPSPAN_OK;
    if (t->sentencepiece.unigram)
        return cs_unigram_encode(r->ids, &t->unigram, &r->paths, r->normal.at, r->normal.count,
                                 err);
    return cs_sentencepiece_merge(r->ids, &t->sentencepiece, r->normal.at, r->normal.count, err);
}

clipspan_status cs_file_tokenizer_encode(cs_ids *ids, const cs_file_tokenizer *tokenizer,
                                         const cs_codes *text, clipspan_error *err)
{
    struct run r;
    clipspan_status status;
    memset(&r, 0, sizeof r);
    r.t = tokenizer;
    r.ids = ids;
    status = cs_bytes_spell(&r.raw, text->at, text->count, err);
    if (status == CLIPSPAN_OK && r.raw.count > 0)
        status = tokenizer->model == CS_MODEL_SENTENCEPIECE ? encode_sentencepiece(&r, err)
                                                            : encode_json(&r, err);
    end_run(&r);
    return status;
}

const char *cs_file_tokenizer_piece(const cs_file_tokenizer *t, int32_t id)
{
    for (size_t i = 0; i < t->added.count; i++)
        if (t->added.at[i].id == id) return t->added.at[i].content;
    return cs_vocabulary_piece(&t->vocabulary, id);
}

int32_t cs_file_tokenizer_find(const cs_file_tokenizer *t, const char *piece)
{
    int32_t id = cs_added_find(&t->added, piece);
    return id != CS_NO_PIECE ? id : cs_vocabulary_find(&t->vocabulary, piece, strlen(piece));
}

int32_t cs_file_tokenizer_count(const cs_file_tokenizer *t)
{
    int32_t count = (int32_t)t->vocabulary.count;
    for (size_t i = 0; i < t->added.count; i++)
        if (t->added.at[i].id >= count) count = t->added.at[i].id + 1;
    return count;
}
