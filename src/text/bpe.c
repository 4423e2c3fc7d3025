/* SPDX-License-Identifier: MIT */
/* Byte-pair encoding with a linked list of symbols and a heap of mergeable neighbours, ordered by
 * rank and place. Every merge makes a piece that no other merge makes, from pieces of earlier lines
 * (checked when the table is built), so a new pair never ranks before the one that made it and the
 * heap's order is that of the reference, which merges all places of one pair before the next. */
#include "text/bpe.h"
#include "base/memory.h"
#include "text/codepoints.h"

#include <string.h>

struct cs_bpe_pair {
    uint32_t left, right, rank; /* rank NO_RANK: a free slot */
};
struct cs_bpe_symbol {
    uint32_t id, previous, next;
};

#define NO_RANK   UINT32_MAX
#define NOWHERE   UINT32_MAX
#define DEAD      UINT32_MAX /* id of a symbol that was merged into the one before it */
#define PIECE_MAX 1024       /* bytes of a piece's name */

void cs_bpe_fini(cs_bpe *bpe)
{
    cs_free(bpe->names);
    cs_free(bpe->name_at);
    cs_free(bpe->pairs);
    memset(bpe, 0, sizeof *bpe);
}

void cs_bpe_scratch_fini(cs_bpe_scratch *scratch)
{
    cs_free(scratch->symbols);
    cs_free(scratch->heap);
    memset(scratch, 0, sizeof *scratch);
}

static size_t pair_slot(const cs_bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15ULL;
    size_t i = (size_t)(h >> 32) & (bpe->slots - 1);
    while (bpe->pairs[i].rank != NO_RANK &&
           (bpe->pairs[i].left != left || bpe->pairs[i].right != right))
        i = (i + 1) & (bpe->slots - 1);
    return i;
}

static uint32_t pair_rank(const cs_bpe *bpe, uint32_t left, uint32_t right)
{
    return bpe->pairs[pair_slot(bpe, left, right)].rank;
}

/* ---- Building ---- */

struct builder {
    cs_bpe *bpe;
    uint32_t *slots; /* hash table of names: piece id + 1, or 0 */
    size_t slot_count, names_room, names_size;
};

static size_t name_slot(const struct builder *b, const char *name, size_t length)
{
    uint64_t h = 1469598103934665603ULL; /* FNV-1a */
    size_t i;
    for (i = 0; i < length; i++)
        h = (h ^ (unsigned char)name[i]) * 1099511628211ULL;
    i = (size_t)(h ^ h >> 32) & (b->slot_count - 1);
    while (b->slots[i]) {
        const char *other = b->bpe->names + b->bpe->name_at[b->slots[i] - 1];
        if (strncmp(other, name, length) == 0 && other[length] == '\0') break;
        i = (i + 1) & (b->slot_count - 1);
    }
    return i;
}

/* Adds a piece; 0 in *added when there is one of that name. */
static clipspan_status add_piece(int *added, struct builder *b, const char *name, size_t length,
                                 clipspan_error *err)
{
    cs_bpe *bpe = b->bpe;
    size_t slot;
    CS_TRY(
        cs_grow(&bpe->names, &b->names_room, b->names_size + length + 1, 1, "a vocabulary", err));
    slot = name_slot(b, name, length);
    *added = b->slots[slot] == 0;
    if (!*added) return CLIPSPAN_OK;
    memcpy(bpe->names + b->names_size, name, length);
    bpe->names[b->names_size + length] = '\0';
    bpe->name_at[bpe->count] = (uint32_t)b->names_size;
    b->names_size += length + 1;
    bpe->count++;
    b->slots[slot] = (uint32_t)bpe->count;
    return CLIPSPAN_OK;
}

/* GPT-2's alphabet: printable Latin-1 bytes stand for themselves, the others, in order, for the
 * letters from U+0100 on. Ids run through the printable ones first. */
static clipspan_status add_bytes(struct builder *b, clipspan_error *err)
{
    uint32_t spelled[256];
    int order[256], count = 0, byte, end, added;
    for (byte = 0; byte < 256; byte++)
        if ((byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad)) {
            spelled[byte] = (uint32_t)byte;
            order[count++] = byte;
        }
    for (byte = 0, end = 0; byte < 256; byte++)
        if (!((byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad))) {
            spelled[byte] = (uint32_t)(256 + end++);
            order[count++] = byte;
        }
    for (end = 0; end < 2; end++) {
        int i;
        for (i = 0; i < 256; i++) {
            unsigned char name[4 + 4];
            size_t length = cs_utf8_put(name, spelled[order[i]]);
            if (end) memcpy(name + length, "</w>", 4);
            b->bpe->byte_ids[order[i]] = i;
            CS_TRY(add_piece(&added, b, (const char *)name, length + (end ? 4 : 0), err));
        }
    }
    return CLIPSPAN_OK;
}

/* One line "left right"; rank counts from 0. */
static clipspan_status add_merge(struct builder *b, const char *line, size_t length, size_t rank,
                                 const char *path, size_t number, clipspan_error *err)
{
    cs_bpe *bpe = b->bpe;
    const char *space = memchr(line, ' ', length);
    size_t left_length = space ? (size_t)(space - line) : 0, slot, whole;
    size_t right_length = space ? length - left_length - 1 : 0;
    uint32_t left, right;
    char name[PIECE_MAX];
    int added;
    if (left_length == 0 || right_length == 0 || memchr(space + 1, ' ', right_length) ||
        cs_utf8_check(line, length) != length)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "line %zu is not a merge: expected two pieces of text with a space "
                          "between them",
                          number);
    whole = left_length + right_length;
    if (whole > sizeof name)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "line %zu: a piece is over %d bytes long",
                          number, PIECE_MAX);
    left = b->slots[name_slot(b, line, left_length)];
    right = b->slots[name_slot(b, space + 1, right_length)];
    if (left == 0 || right == 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "line %zu merges \"%.*s\", which no line before it makes", number,
                          (int)(left ? right_length : left_length), left ? space + 1 : line);
    memcpy(name, line, left_length);
    memcpy(name + left_length, space + 1, right_length);
    CS_TRY(add_piece(&added, b, name, whole, err));
    if (!added)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "line %zu makes \"%.*s\", which already exists", number, (int)whole,
                          name);
    slot = pair_slot(bpe, left - 1, right - 1);
    bpe->pairs[slot].left = left - 1;
    bpe->pairs[slot].right = right - 1;
    bpe->pairs[slot].rank = (uint32_t)rank;
    return CLIPSPAN_OK;
}

static clipspan_status add_merges(struct builder *b, const cs_merges *source, size_t merges,
                                  clipspan_error *err)
{
    size_t at = 0, rank;
    for (rank = 0; rank < merges; rank++) {
        const char *line = source->text + at;
        const char *end = memchr(line, '\n', source->size - at);
        size_t length = end ? (size_t)(end - line) : source->size - at;
        at += length + (end != NULL);
        if (length && line[length - 1] == '\r') length--;
        if (length == 0 && at == source->size) break;
        CS_TRY(add_merge(b, line, length, rank, source->path, source->line + rank, err));
    }
    if (rank < merges)
        return cs_fail_at(err, CLIPSPAN_E_SHAPE, source->path,
                          "holds %zu merges where the model's vocabulary of %zu needs %zu: it is "
                          "cut short or belongs to another model",
                          rank, merges + CS_BPE_BASE + 2, merges);
    return CLIPSPAN_OK;
}

clipspan_status cs_bpe_init(cs_bpe *out, const cs_merges *source, size_t merges,
                            clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    struct builder b = {out, NULL, 1024, 0, 0};
    size_t bound = source->size / 4 + 1, i; /* a merge's line takes four bytes or more */
    size_t room = merges < bound ? merges : bound;
    memset(out, 0, sizeof *out);
    out->slots = 1024;
    while (out->slots < 2 * room)
        out->slots *= 2;
    while (b.slot_count < 2 * (room + CS_BPE_BASE))
        b.slot_count *= 2;
    out->name_at = cs_alloc(room + CS_BPE_BASE, sizeof *out->name_at, "a vocabulary", err);
    out->pairs = cs_alloc(out->slots, sizeof *out->pairs, "a merges table", err);
    b.slots = cs_alloc_zero(b.slot_count, sizeof *b.slots, "a vocabulary", err);
    if (!out->name_at || !out->pairs || !b.slots) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    for (i = 0; i < out->slots; i++)
        out->pairs[i].rank = NO_RANK;
    CS_TRY_DONE(add_bytes(&b, err));
    CS_TRY_DONE(add_merges(&b, source, merges, err));
done:
    cs_free(b.slots);
    if (status != CLIPSPAN_OK) cs_bpe_fini(out);
    return status;
}

/* ---- Merging ---- */

static void heap_push(cs_bpe_scratch *s, uint64_t key)
{
    size_t i = s->heap_count++;
    while (i > 0 && s->heap[(i - 1) / 2] > key) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = key;
}

static uint64_t heap_pop(cs_bpe_scratch *s)
{
    uint64_t top = s->heap[0], last = s->heap[--s->heap_count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < s->heap_count) {
        if (child + 1 < s->heap_count && s->heap[child + 1] < s->heap[child]) child++;
        if (s->heap[child] >= last) break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

static clipspan_status offer(const cs_bpe *bpe, cs_bpe_scratch *s, uint32_t at, clipspan_error *err)
{
    uint32_t next = at == NOWHERE ? NOWHERE : s->symbols[at].next, rank;
    if (next == NOWHERE) return CLIPSPAN_OK;
    rank = pair_rank(bpe, s->symbols[at].id, s->symbols[next].id);
    if (rank == NO_RANK) return CLIPSPAN_OK;
    CS_TRY(
        cs_grow(&s->heap, &s->heap_room, s->heap_count + 1, sizeof *s->heap, "a long word", err));
    heap_push(s, (uint64_t)rank << 32 | at);
    return CLIPSPAN_OK;
}

static clipspan_status merge_all(const cs_bpe *bpe, cs_bpe_scratch *s, clipspan_error *err)
{
    struct cs_bpe_symbol *symbols = s->symbols;
    while (s->heap_count > 0) {
        uint64_t key = heap_pop(s);
        uint32_t at = (uint32_t)key, rank = (uint32_t)(key >> 32), next;
        if (symbols[at].id == DEAD) continue;
        next = symbols[at].next;
        /* A key is stale when one of the two has been merged with another neighbour since. */
        if (next == NOWHERE || pair_rank(bpe, symbols[at].id, symbols[next].id) != rank) continue;
        symbols[at].id = CS_BPE_BASE + rank;
        symbols[at].next = symbols[next].next;
        symbols[next].id = DEAD;
        if (symbols[at].next != NOWHERE) symbols[symbols[at].next].previous = at;
        CS_TRY(offer(bpe, s, symbols[at].previous, err));
        CS_TRY(offer(bpe, s, at, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_bpe_encode(int32_t *ids, size_t *count, size_t limit, const cs_bpe *bpe,
                              cs_bpe_scratch *s, const unsigned char *word, size_t size,
                              clipspan_error *err)
{
    uint32_t i;
    *count = 0;
    if (size >= NOWHERE)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a word of %zu bytes is too long", size);
    CS_TRY(cs_grow(&s->symbols, &s->symbols_room, size, sizeof *s->symbols, "a long word", err));
    for (i = 0; i < size; i++) {
        s->symbols[i].id = (uint32_t)bpe->byte_ids[word[i]] + (i + 1 == size ? 256 : 0);
        s->symbols[i].previous = i ? i - 1 : NOWHERE;
        s->symbols[i].next = i + 1 < size ? i + 1 : NOWHERE;
    }
    s->heap_count = 0;
    for (i = 0; i + 1 < size; i++)
        CS_TRY(offer(bpe, s, i, err));
    CS_TRY(merge_all(bpe, s, err));
    for (i = 0; i != NOWHERE && *count < limit; i = s->symbols[i].next)
        ids[(*count)++] = (int32_t)s->symbols[i].id;
    return CLIPSPAN_OK;
}
