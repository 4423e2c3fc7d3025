/* SPDX-License-Identifier: MIT */
/* Hugging Face's tokenizers, models/bpe: characters become pieces, by bytes where the vocabulary
 * lacks them; then the pair of the lowest rank is merged first, leftmost first. Unlike CLIP's, such
 * a table can make one piece of different pairs, and an entry of the heap counts as long as its two
 * neighbours still make the same piece, by whichever merge. */
#include "text/merge_bpe.h"
#include "base/memory.h"
#include "text/codepoints.h"

#include <string.h>

struct cs_merge_pair {
    int32_t left, right, made; /* left < 0: free */
    uint32_t rank;
};
struct cs_merge_symbol {
    int32_t id;
    uint32_t previous, next;
};
struct cs_merge_entry {
    uint64_t key; /* rank, place */
    int32_t made;
};

#define NOWHERE    UINT32_MAX
#define DEAD       (-1)
#define PROBE_MOST 4096

void cs_merge_bpe_fini(cs_merge_bpe *bpe)
{
    cs_free(bpe->pairs);
    memset(bpe, 0, sizeof *bpe);
}

void cs_merge_scratch_fini(cs_merge_scratch *scratch)
{
    cs_free(scratch->symbols);
    cs_free(scratch->heap);
    memset(scratch, 0, sizeof *scratch);
}

static size_t find_pair(const cs_merge_bpe *bpe, int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15ULL;
    size_t i, tries;
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9ULL;
    i = (size_t)(h >> 32) & (bpe->slots - 1);
    for (tries = 0; tries < PROBE_MOST; tries++) {
        const struct cs_merge_pair *pair = &bpe->pairs[i];
        if (pair->left < 0 || (pair->left == left && pair->right == right)) return i;
        i = (i + 1) & (bpe->slots - 1);
    }
    return bpe->slots;
}

static const struct cs_merge_pair *look_up(const cs_merge_bpe *bpe, int32_t left, int32_t right)
{
    size_t slot;
    if (bpe->slots == 0) return NULL;
    slot = find_pair(bpe, left, right);
    return slot == bpe->slots || bpe->pairs[slot].left < 0 ? NULL : &bpe->pairs[slot];
}

static clipspan_status grow_pairs(cs_merge_bpe *bpe, clipspan_error *err)
{
    struct cs_merge_pair *old = bpe->pairs;
    size_t count = bpe->slots, i;
    bpe->pairs = cs_alloc(count ? 2 * count : 1024, sizeof *old, "a table of merges", err);
    if (!bpe->pairs) {
        bpe->pairs = old;
        return CLIPSPAN_E_NOMEM;
    }
    bpe->slots = count ? 2 * count : 1024;
    for (i = 0; i < bpe->slots; i++)
        bpe->pairs[i].left = -1;
    for (i = 0; i < count; i++)
        if (old[i].left >= 0)
            bpe->pairs[find_pair(bpe, old[i].left, old[i].right) & (bpe->slots - 1)] = old[i];
    cs_free(old);
    return CLIPSPAN_OK;
}

static clipspan_status refuse_merge(const cs_merge_bpe *bpe, const char *piece, const char *path,
                                    clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                      "merge %zu needs \"%.60s\", which the vocabulary does not have", bpe->merges,
                      piece);
}

clipspan_status cs_merge_bpe_add(cs_merge_bpe *bpe, const char *left, size_t left_length,
                                 const char *right, size_t right_length, const char *path,
                                 clipspan_error *err)
{
    char whole[2 * CS_PIECE_MOST + 1];
    size_t cut = strlen(bpe->prefix), slot;
    int32_t ids[3];
    if (bpe->merges >= CS_MERGES_MOST)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path, "has more than %d merges", CS_MERGES_MOST);
    if (left_length > CS_PIECE_MOST || right_length > CS_PIECE_MOST || right_length < cut)
        return refuse_merge(bpe, left_length > CS_PIECE_MOST ? left : right, path, err);
    memcpy(whole, left, left_length);
    memcpy(whole + left_length, right + cut, right_length - cut);
    whole[left_length + right_length - cut] = '\0';
    ids[0] = cs_vocabulary_find(bpe->vocabulary, left, left_length);
    ids[1] = cs_vocabulary_find(bpe->vocabulary, right, right_length);
    ids[2] = cs_vocabulary_find(bpe->vocabulary, whole, left_length + right_length - cut);
    for (int i = 0; i < 3; i++)
        if (ids[i] == CS_NO_PIECE)
            return refuse_merge(bpe, i == 0 ? left : i == 1 ? right : whole, path, err);
    if (3 * (bpe->merges + 1) > 2 * bpe->slots) CS_TRY(grow_pairs(bpe, err));
    slot = find_pair(bpe, ids[0], ids[1]);
    if (slot == bpe->slots)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "has more than %d merges with one hash value", PROBE_MOST);
    bpe->pairs[slot].left = ids[0];
    bpe->pairs[slot].right = ids[1];
    bpe->pairs[slot].made = ids[2];
    bpe->pairs[slot].rank = (uint32_t)bpe->merges++;
    return CLIPSPAN_OK;
}

/* ---- Encoding ---- */

static void heap_push(cs_merge_scratch *s, struct cs_merge_entry entry)
{
    size_t i = s->heap_count++;
    while (i > 0 && s->heap[(i - 1) / 2].key > entry.key) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = entry;
}

static struct cs_merge_entry heap_pop(cs_merge_scratch *s)
{
    struct cs_merge_entry top = s->heap[0], last = s->heap[--s->heap_count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < s->heap_count) {
        if (child + 1 < s->heap_count && s->heap[child + 1].key < s->heap[child].key) child++;
        if (s->heap[child].key >= last.key) break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

static clipspan_status offer(const cs_merge_bpe *bpe, cs_merge_scratch *s, uint32_t at,
                             clipspan_error *err)
{
    uint32_t next = at == NOWHERE ? NOWHERE : s->symbols[at].next;
    const struct cs_merge_pair *pair;
    struct cs_merge_entry entry;
    if (next == NOWHERE) return CLIPSPAN_OK;
    pair = look_up(bpe, s->symbols[at].id, s->symbols[next].id);
    if (!pair) return CLIPSPAN_OK;
    entry.key = (uint64_t)pair->rank << 32 | at;
    entry.made = pair->made;
    CS_TRY(
        cs_grow(&s->heap, &s->heap_room, s->heap_count + 1, sizeof *s->heap, "a long word", err));
    heap_push(s, entry);
    return CLIPSPAN_OK;
}

static clipspan_status merge_all(const cs_merge_bpe *bpe, cs_merge_scratch *s, clipspan_error *err)
{
    struct cs_merge_symbol *symbols = s->symbols;
    while (s->heap_count > 0) {
        struct cs_merge_entry top = heap_pop(s);
        uint32_t at = (uint32_t)top.key, next = symbols[at].next;
        const struct cs_merge_pair *pair;
        if (symbols[at].id == DEAD || next == NOWHERE) continue;
        pair = look_up(bpe, symbols[at].id, symbols[next].id);
        if (!pair || pair->made != top.made) continue;
        symbols[at].id = top.made;
        symbols[at].next = symbols[next].next;
        symbols[next].id = DEAD;
        if (symbols[at].next != NOWHERE) symbols[symbols[at].next].previous = at;
        CS_TRY(offer(bpe, s, symbols[at].previous, err));
        CS_TRY(offer(bpe, s, at, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status add_symbol(cs_merge_scratch *s, int32_t id, clipspan_error *err)
{
    CS_TRY(cs_grow(&s->symbols, &s->symbols_room, s->symbols_count + 1, sizeof *s->symbols,
                   "a long word", err));
    s->symbols[s->symbols_count++].id = id;
    return CLIPSPAN_OK;
}

/* Id of a character with what its place in the word adds to it. */
static int32_t find_character(const cs_merge_bpe *bpe, const char *text, size_t size, int first,
                              int last)
{
    char name[80];
    size_t before = first ? 0 : strlen(bpe->prefix), after = last ? strlen(bpe->suffix) : 0;
    if (before + after == 0) return cs_vocabulary_find(bpe->vocabulary, text, size);
    memcpy(name, bpe->prefix, before);
    memcpy(name + before, text, size);
    memcpy(name + before + size, bpe->suffix, after);
    return cs_vocabulary_find(bpe->vocabulary, name, before + size + after);
}

/* Pieces of the characters of a word. A run of unknown ones waits until a known one follows, and
 * bytes do not end it: so does the reference. */
static clipspan_status split_word(const cs_merge_bpe *bpe, cs_merge_scratch *s, const char *word,
                                  size_t size, clipspan_error *err)
{
    size_t at = 0, taken, i;
    int waiting = 0, valid;
    s->symbols_count = 0;
    for (; at < size; at += taken) {
        int32_t id;
        cs_utf8_next(word + at, size - at, &taken, &valid);
        id = find_character(bpe, word + at, taken, at == 0, at + taken == size);
        if (id != CS_NO_PIECE) {
            if (waiting) CS_TRY(add_symbol(s, bpe->unknown, err));
            waiting = 0;
            CS_TRY(add_symbol(s, id, err));
            continue;
        }
        for (i = 0; bpe->byte_fallback && i < taken; i++)
            if (bpe->bytes[(unsigned char)word[at + i]] == CS_NO_PIECE) break;
        if (bpe->byte_fallback && i == taken) {
            for (i = 0; i < taken; i++)
                CS_TRY(add_symbol(s, bpe->bytes[(unsigned char)word[at + i]], err));
            continue;
        }
        if (bpe->unknown == CS_NO_PIECE) continue;
        if (waiting && !bpe->fuse_unknown) CS_TRY(add_symbol(s, bpe->unknown, err));
        waiting = 1;
    }
    return waiting ? add_symbol(s, bpe->unknown, err) : CLIPSPAN_OK;
}

clipspan_status cs_merge_bpe_encode(cs_ids *ids, const cs_merge_bpe *bpe, cs_merge_scratch *s,
                                    const char *word, size_t size, clipspan_error *err)
{
    uint32_t i, count;
    int32_t whole =
        bpe->ignore_merges ? cs_vocabulary_find(bpe->vocabulary, word, size) : CS_NO_PIECE;
    if (whole != CS_NO_PIECE) return cs_ids_push(ids, whole, err);
    CS_TRY(split_word(bpe, s, word, size, err));
    count = (uint32_t)s->symbols_count;
    if (count == 0) return CLIPSPAN_OK;
    for (i = 0; i < count; i++) {
        s->symbols[i].previous = i ? i - 1 : NOWHERE;
        s->symbols[i].next = i + 1 < count ? i + 1 : NOWHERE;
    }
    s->heap_count = 0;
    for (i = 0; i + 1 < count; i++)
        CS_TRY(offer(bpe, s, i, err));
    CS_TRY(merge_all(bpe, s, err));
    for (i = 0; i != NOWHERE; i = s->symbols[i].next)
        CS_TRY(cs_ids_push(ids, s->symbols[i].id, err));
    return CLIPSPAN_OK;
}
