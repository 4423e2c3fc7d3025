/* SPDX-License-Identifier: MIT */
/* A hash table of pieces with open addressing, at most half full. Probing ends in an error beyond
 * PROBE_MOST, so that a file of pieces that all hash alike cannot take time square in their number.
 */
#include "text/vocabulary.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define PROBE_MOST 4096
#define BYTES_MOST ((size_t)256 << 20)

void cs_vocabulary_fini(cs_vocabulary *vocabulary)
{
    cs_free(vocabulary->bytes);
    cs_free(vocabulary->at);
    cs_free(vocabulary->length);
    cs_free(vocabulary->slots);
    memset(vocabulary, 0, sizeof *vocabulary);
}

static uint64_t hash_piece(const char *piece, size_t length)
{
    uint64_t h = length * 0x9e3779b97f4a7c15ULL, word;
    while (length > 0) {
        size_t step = length < 8 ? length : 8;
        word = 0;
        memcpy(&word, piece, step);
        h = (h ^ word) * 0xff51afd7ed558ccdULL;
        h ^= h >> 32;
        piece += step;
        length -= step;
    }
    return h ^ h >> 29;
}

/* The slot of a piece or the free one where it belongs; slot_count after PROBE_MOST others. */
static size_t find_slot(const cs_vocabulary *v, const char *piece, size_t length)
{
    size_t i = (size_t)hash_piece(piece, length) & (v->slot_count - 1), tries;
    for (tries = 0; tries < PROBE_MOST; tries++) {
        uint32_t id = v->slots[i];
        if (id == 0) return i;
        if (v->length[id - 1] == length && memcmp(v->bytes + v->at[id - 1], piece, length) == 0)
            return i;
        i = (i + 1) & (v->slot_count - 1);
    }
    return v->slot_count;
}

static clipspan_status grow_slots(cs_vocabulary *v, clipspan_error *err)
{
    size_t count = v->slot_count ? 2 * v->slot_count : 1024, i, old = v->slot_count;
    uint32_t *slots = v->slots;
    v->slots = cs_alloc_zero(count, sizeof *v->slots, "a vocabulary", err);
    if (!v->slots) {
        v->slots = slots;
        return CLIPSPAN_E_NOMEM;
    }
    v->slot_count = count;
    for (i = 0; i < old; i++) {
        uint32_t id = slots[i];
        if (id)
            v->slots[find_slot(v, v->bytes + v->at[id - 1], v->length[id - 1]) & (count - 1)] = id;
    }
    cs_free(slots);
    return CLIPSPAN_OK;
}

static clipspan_status reach_id(cs_vocabulary *v, size_t id, clipspan_error *err)
{
    if (id < v->count) return CLIPSPAN_OK;
    CS_TRY(cs_grow(&v->at, &v->at_room, id + 1, sizeof *v->at, "a vocabulary", err));
    CS_TRY(cs_grow(&v->length, &v->length_room, id + 1, sizeof *v->length, "a vocabulary", err));
    memset(v->length + v->count, 0, (id + 1 - v->count) * sizeof *v->length);
    memset(v->at + v->count, 0, (id + 1 - v->count) * sizeof *v->at);
    v->count = id + 1;
    return CLIPSPAN_OK;
}

clipspan_status cs_vocabulary_add(cs_vocabulary *v, const char *piece, size_t length, double number,
                                  int again, const char *path, clipspan_error *err)
{
    size_t slot, id;
    if (length == 0 || length > CS_PIECE_MOST)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "piece \"%.40s\" has %zu bytes; 1 to %d are possible", piece, length,
                          CS_PIECE_MOST);
    if (!(number >= 0 && number < CS_VOCABULARY_MOST) || number != (double)(size_t)number)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                          "piece \"%.40s\" has id %.17g; whole ones below %d are possible", piece,
                          number, CS_VOCABULARY_MOST);
    id = (size_t)number;
    if (v->used + length + 1 > BYTES_MOST)
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, path, "has more than %zu bytes of pieces",
                          BYTES_MOST);
    if (2 * (v->pieces + 1) > v->slot_count) CS_TRY(grow_slots(v, err));
    CS_TRY(cs_grow(&v->bytes, &v->bytes_room, v->used + length + 1, 1, "a vocabulary", err));
    CS_TRY(reach_id(v, id, err));
    slot = find_slot(v, piece, length);
    if (slot == v->slot_count)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "has more than %d pieces with one hash value, which no vocabulary has",
                          PROBE_MOST);
    if (v->length[id] || (v->slots[slot] && !again))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "has %s twice: piece \"%.40s\", id %zu",
                          v->length[id] ? "an id" : "a piece", piece, id);
    memcpy(v->bytes + v->used, piece, length);
    v->bytes[v->used + length] = '\0';
    v->at[id] = (uint32_t)v->used;
    v->length[id] = (uint32_t)length;
    v->used += length + 1;
    v->pieces += v->slots[slot] == 0;
    v->slots[slot] = (uint32_t)id + 1;
    return CLIPSPAN_OK;
}

int32_t cs_vocabulary_find(const cs_vocabulary *v, const char *piece, size_t length)
{
    size_t slot;
    if (v->slot_count == 0 || length == 0) return CS_NO_PIECE;
    slot = find_slot(v, piece, length);
    return slot == v->slot_count ? CS_NO_PIECE : (int32_t)v->slots[slot] - 1;
}

const char *cs_vocabulary_piece(const cs_vocabulary *v, int32_t id)
{
    if (id < 0 || (size_t)id >= v->count || v->length[id] == 0) return NULL;
    return v->bytes + v->at[id];
}

int cs_vocabulary_bytes(int32_t ids[256], const cs_vocabulary *vocabulary)
{
    int all = 1;
    for (unsigned byte = 0; byte < 256; byte++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", byte);
        ids[byte] = cs_vocabulary_find(vocabulary, name, 6);
        all &= ids[byte] != CS_NO_PIECE;
    }
    return all;
}

clipspan_status cs_ids_push(cs_ids *ids, int32_t id, clipspan_error *err)
{
    CS_TRY(cs_grow(&ids->at, &ids->room, ids->count + 1, sizeof *ids->at, "token ids", err));
    ids->at[ids->count++] = id;
    return CLIPSPAN_OK;
}
