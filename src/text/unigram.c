/* SPDX-License-Identifier: MIT */
/* Viterbi over all pieces, as models/unigram of Hugging Face's tokenizers (double precision) and
 * unigram_model of sentencepiece (single precision) have it: EncodeOptimized of both. A character
 * that is no piece costs 10 more than the least probable piece. Of equal paths the one found first
 * stays, which is why the order and precision of sums matter. */
#include "text/unigram.h"
#include "base/memory.h"
#include "text/codepoints.h"

#include <string.h>

struct cs_unigram_node {
    double score;
    int32_t id;
    uint32_t start; /* NOWHERE: not reached yet */
};
struct cs_unigram_part {
    size_t first, last;
    int32_t id;
};

#define NOWHERE UINT32_MAX

void cs_unigram_fini(cs_unigram *unigram)
{
    cs_trie_fini(&unigram->trie);
    cs_free(unigram->scores);
    memset(unigram, 0, sizeof *unigram);
}

void cs_unigram_scratch_fini(cs_unigram_scratch *scratch)
{
    cs_free(scratch->nodes);
    cs_free(scratch->parts);
    memset(scratch, 0, sizeof *scratch);
}

static void reach(struct cs_unigram_node *node, double score, int32_t id, size_t start, int single)
{
    if (node->start != NOWHERE && !(score > node->score)) return;
    node->score = single ? (double)(float)score : score;
    node->id = id;
    node->start = (uint32_t)start;
}

/* All pieces that start at `at`. Returns 1 when one of them is just the character there. */
static int extend(struct cs_unigram_node *nodes, const cs_unigram *u, const char *text, size_t size,
                  size_t at, size_t character)
{
    uint32_t tree = CS_TRIE_ROOT;
    int alone = 0;
    for (size_t end = at; end < size;) {
        int32_t id;
        tree = cs_trie_step(&u->trie, tree, (unsigned char)text[end++]);
        if (!tree) break;
        id = u->trie.values[tree];
        if (id < 0) continue;
        reach(&nodes[end],
              u->sentencepiece ? (double)(float)(u->scores[id] + nodes[at].score)
                               : u->scores[id] + nodes[at].score,
              id, at, u->sentencepiece);
        alone |= end - at == character;
    }
    return alone;
}

static clipspan_status search(const cs_unigram *u, cs_unigram_scratch *s, const char *text,
                              size_t size, clipspan_error *err)
{
    size_t at, taken;
    int valid;
    struct cs_unigram_node *nodes;
    CS_TRY(cs_grow(&s->nodes, &s->nodes_room, size + 1, sizeof *s->nodes, "a long text", err));
    nodes = s->nodes;
    for (at = 0; at <= size; at++) {
        nodes[at].start = NOWHERE;
        nodes[at].score = 0;
    }
    for (at = 0; at < size; at += taken) {
        double score;
        cs_utf8_next(text + at, size - at, &taken, &valid);
        if (extend(nodes, u, text, size, at, taken)) continue;
        if (u->unknown == CS_NO_PIECE)
            return cs_fail(err, CLIPSPAN_E_FORMAT,
                           "the tokenizer has no piece for \"%.*s\" and no unknown piece",
                           (int)taken, text + at);
        score = u->unknown_score + nodes[at].score;
        if (u->sentencepiece) score = (double)((float)u->unknown_score + (float)nodes[at].score);
        reach(&nodes[at + taken], score, u->unknown, at, u->sentencepiece);
    }
    return CLIPSPAN_OK;
}

/* The best path, its last part first; neighbouring unknown parts are one. */
static clipspan_status trace_back(const cs_unigram *u, cs_unigram_scratch *s, size_t size,
                                  clipspan_error *err)
{
    size_t end = size;
    s->parts_count = 0;
    while (end > 0) {
        const struct cs_unigram_node *node = &s->nodes[end];
        struct cs_unigram_part *last = s->parts_count ? &s->parts[s->parts_count - 1] : NULL;
        if (last && node->id == u->unknown && last->id == u->unknown) {
            last->first = node->start;
        } else {
            CS_TRY(cs_grow(&s->parts, &s->parts_room, s->parts_count + 1, sizeof *s->parts,
                           "a long text", err));
            s->parts[s->parts_count].first = node->start;
            s->parts[s->parts_count].last = end;
            s->parts[s->parts_count++].id = node->id;
        }
        end = node->start;
    }
    return CLIPSPAN_OK;
}

/* Ids of an unknown part: of a piece that it is as a whole (Hugging Face), of its bytes, or the
 * unknown one. */
static clipspan_status put_unknown(cs_ids *ids, const cs_unigram *u, const char *text, size_t size,
                                   clipspan_error *err)
{
    int32_t id = u->sentencepiece ? CS_NO_PIECE : cs_vocabulary_find(u->vocabulary, text, size);
    size_t i;
    if (id != CS_NO_PIECE) return cs_ids_push(ids, id, err);
    for (i = 0; u->byte_fallback && i < size; i++)
        if (u->bytes[(unsigned char)text[i]] == CS_NO_PIECE) break;
    if (!u->byte_fallback || i < size) return cs_ids_push(ids, u->unknown, err);
    for (i = 0; i < size; i++)
        CS_TRY(cs_ids_push(ids, u->bytes[(unsigned char)text[i]], err));
    return CLIPSPAN_OK;
}

clipspan_status cs_unigram_encode(cs_ids *ids, const cs_unigram *u, cs_unigram_scratch *s,
                                  const char *text, size_t size, clipspan_error *err)
{
    CS_TRY(search(u, s, text, size, err));
    CS_TRY(trace_back(u, s, size, err));
    for (size_t i = s->parts_count; i-- > 0;) {
        const struct cs_unigram_part *part = &s->parts[i];
        if (part->id == u->unknown)
            CS_TRY(put_unknown(ids, u, text + part->first, part->last - part->first, err));
        else
            CS_TRY(cs_ids_push(ids, part->id, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_word_pieces_encode(cs_ids *ids, const cs_word_pieces *pieces, const char *word,
                                      size_t size, clipspan_error *err)
{
    size_t at = 0, characters = 0, before = strlen(pieces->prefix), start = ids->count, i;
    char name[CS_PIECE_MOST + sizeof pieces->prefix];
    for (i = 0; i < size; i++)
        characters += ((unsigned char)word[i] & 0xc0) != 0x80;
    memcpy(name, pieces->prefix, before);
    while (characters <= pieces->longest && at < size) {
        int32_t id = CS_NO_PIECE;
        size_t end = size - at > CS_PIECE_MOST ? at + CS_PIECE_MOST : size;
        for (; end > at && id == CS_NO_PIECE; end--) {
            if (end < size && ((unsigned char)word[end] & 0xc0) == 0x80) continue;
            memcpy(name + before, word + at, end - at);
            id = at ? cs_vocabulary_find(pieces->vocabulary, name, before + end - at)
                    : cs_vocabulary_find(pieces->vocabulary, word, end);
            if (id != CS_NO_PIECE) break;
        }
        if (id == CS_NO_PIECE) break;
        CS_TRY(cs_ids_push(ids, id, err));
        at = end;
    }
    if (at == size && characters <= pieces->longest) return CLIPSPAN_OK;
    ids->count = start;
    if (pieces->unknown == CS_NO_PIECE)
        return cs_fail(err, CLIPSPAN_E_FORMAT,
                       "the tokenizer has no pieces for \"%.*s\" and no unknown piece",
                       (int)(size < 60 ? size : 60), word);
    return cs_ids_push(ids, pieces->unknown, err);
}
