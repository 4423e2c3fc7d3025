/* SPDX-License-Identifier: MIT */
/* sentencepiece 0.2: normalizer.cc (Normalize, NormalizePrefix), bpe_model.cc (SampleEncode without
 * dropout) and what its processor does with unknown pieces. */
#include "text/sentencepiece.h"
#include "base/memory.h"

#include <string.h>

#define SPACE     "\xe2\x96\x81" /* U+2581 stands for a space */
#define NOWHERE   UINT32_MAX
#define TEXT_MOST ((size_t)256 << 20)

struct symbol {
    uint32_t start, length; /* length 0: merged into the one before */
    uint32_t previous, next;
    int frozen; /* user-defined symbols never merge */
};
struct pair {
    float score;
    uint32_t left, right, size;
};
struct merger {
    const cs_sentencepiece *model;
    const char *text;
    struct symbol *symbols;
    struct pair *heap;
    size_t count, symbols_room, heap_count, heap_room;
    uint32_t
        *unused; /* [ids] length of the left half that an unused piece was made of last, or NULL
                         when the model has none */
    int unknown_before;
};

void cs_sentencepiece_fini(cs_sentencepiece *model)
{
    cs_free(model->scores);
    cs_free(model->types);
    cs_trie_fini(&model->user);
    cs_charsmap_fini(&model->map);
    memset(model, 0, sizeof *model);
}

clipspan_status cs_bytes_append(cs_bytes *bytes, const char *more, size_t size, clipspan_error *err)
{
    if (bytes->count + size > TEXT_MOST)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a text grows beyond %zu bytes", TEXT_MOST);
    CS_TRY(cs_grow(&bytes->at, &bytes->room, bytes->count + size + 1, 1, "a text", err));
    if (size) memcpy(bytes->at + bytes->count, more, size);
    bytes->count += size;
    bytes->at[bytes->count] = '\0';
    return CLIPSPAN_OK;
}

clipspan_status cs_bytes_spell(cs_bytes *bytes, const uint32_t *codes, size_t count,
                               clipspan_error *err)
{
    CS_TRY(cs_bytes_append(bytes, "", 0, err));
    for (size_t i = 0; i < count; i++) {
        unsigned char letters[4];
        size_t length = cs_utf8_put(letters, codes[i]);
        CS_TRY(cs_bytes_append(bytes, (const char *)letters, length, err));
    }
    return CLIPSPAN_OK;
}

/* ---- Normalizing ---- */

/* What the beginning of text becomes, and how many bytes of it that takes. */
static size_t take_prefix(const char **to, size_t *length, const cs_sentencepiece *m,
                          const char *text, size_t size)
{
    int32_t value;
    int valid;
    size_t taken = cs_trie_longest(&value, &m->user, text, size);
    *to = text;
    *length = taken;
    if (taken) return taken;
    taken = cs_charsmap_find(to, &m->map, text, size, 1);
    if (taken) {
        *length = strlen(*to);
        return taken;
    }
    cs_utf8_next(text, size, &taken, &valid);
    *to = text;
    *length = taken;
    return taken;
}

static clipspan_status put_space(cs_bytes *out, const cs_sentencepiece *m, clipspan_error *err)
{
    return m->escape_spaces ? cs_bytes_append(out, SPACE, 3, err)
                            : cs_bytes_append(out, " ", 1, err);
}

static void strip_end(cs_bytes *out, const cs_sentencepiece *m)
{
    const char *space = m->escape_spaces ? SPACE : " ";
    size_t length = strlen(space);
    while (out->count >= length && memcmp(out->at + out->count - length, space, length) == 0)
        out->count -= length;
}

clipspan_status cs_sentencepiece_normalize(cs_bytes *out, const cs_sentencepiece *m,
                                           const char *text, size_t size, clipspan_error *err)
{
    const char *to;
    size_t length, taken, at = 0;
    int after_space = m->remove_spaces;
    while (m->remove_spaces && at < size) {
        taken = take_prefix(&to, &length, m, text + at, size - at);
        if (length != 1 || *to != ' ') break;
        at += taken;
    }
    if (at >= size) return CLIPSPAN_OK;
    if (m->dummy_prefix && !m->suffix_spaces) CS_TRY(put_space(out, m, err));
    while (at < size) {
        at += take_prefix(&to, &length, m, text + at, size - at);
        for (; after_space && length && *to == ' '; to++)
            length--;
        if (length) after_space = m->remove_spaces && to[length - 1] == ' ';
        for (; length; to++, length--) {
            if (*to == ' ')
                CS_TRY(put_space(out, m, err));
            else
                CS_TRY(cs_bytes_append(out, to, 1, err));
        }
    }
    if (m->remove_spaces && out->count) strip_end(out, m);
    if (m->dummy_prefix && m->suffix_spaces) CS_TRY(put_space(out, m, err));
    return CLIPSPAN_OK;
}

/* ---- Merging ---- */

/* Id of a piece that text can become; CS_NO_PIECE for others. */
static int32_t find_piece(const cs_sentencepiece *m, const char *text, size_t size)
{
    int32_t id = cs_vocabulary_find(m->vocabulary, text, size);
    if (id == CS_NO_PIECE) return id;
    return m->types[id] == CS_PIECE_NORMAL || m->types[id] == CS_PIECE_USER ||
                   m->types[id] == CS_PIECE_UNUSED
               ? id
               : CS_NO_PIECE;
}

/* The higher score first, then the one further left. */
static int before(const struct pair *a, const struct pair *b)
{
    return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static void heap_push(struct merger *g, struct pair pair)
{
    size_t i = g->heap_count++;
    while (i > 0 && before(&pair, &g->heap[(i - 1) / 2])) {
        g->heap[i] = g->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    g->heap[i] = pair;
}

static struct pair heap_pop(struct merger *g)
{
    struct pair top = g->heap[0], last = g->heap[--g->heap_count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < g->heap_count) {
        if (child + 1 < g->heap_count && before(&g->heap[child + 1], &g->heap[child])) child++;
        if (!before(&g->heap[child], &last)) break;
        g->heap[i] = g->heap[child];
        i = child;
    }
    g->heap[i] = last;
    return top;
}

static clipspan_status offer(struct merger *g, uint32_t left, uint32_t right, clipspan_error *err)
{
    const struct symbol *a, *b;
    struct pair pair;
    int32_t id;
    if (left == NOWHERE || right == NOWHERE) return CLIPSPAN_OK;
    a = &g->symbols[left];
    b = &g->symbols[right];
    if (a->frozen || b->frozen) return CLIPSPAN_OK;
    id = find_piece(g->model, g->text + a->start, a->length + b->length);
    if (id == CS_NO_PIECE) return CLIPSPAN_OK;
    pair.score = g->model->scores[id];
    pair.left = left;
    pair.right = right;
    pair.size = a->length + b->length;
    CS_TRY(cs_grow(&g->heap, &g->heap_room, g->heap_count + 1, sizeof pair, "a long text", err));
    heap_push(g, pair);
    if (g->unused && g->model->types[id] == CS_PIECE_UNUSED) g->unused[id] = a->length;
    return CLIPSPAN_OK;
}

static clipspan_status split_text(struct merger *g, size_t size, clipspan_error *err)
{
    size_t at = 0, taken;
    while (at < size) {
        struct symbol *s;
        int32_t value;
        int valid;
        CS_TRY(cs_grow(&g->symbols, &g->symbols_room, g->count + 1, sizeof *s, "a long text", err));
        s = &g->symbols[g->count];
        taken = cs_trie_longest(&value, &g->model->user, g->text + at, size - at);
        s->frozen = taken > 0;
        if (!taken) cs_utf8_next(g->text + at, size - at, &taken, &valid);
        s->start = (uint32_t)at;
        s->length = (uint32_t)taken;
        s->previous = g->count ? (uint32_t)g->count - 1 : NOWHERE;
        at += taken;
        s->next = at < size ? (uint32_t)g->count + 1 : NOWHERE;
        g->count++;
    }
    return CLIPSPAN_OK;
}

static clipspan_status merge_all(struct merger *g, clipspan_error *err)
{
    for (uint32_t i = 1; i < g->count; i++)
        CS_TRY(offer(g, i - 1, i, err));
    while (g->heap_count > 0) {
        struct pair top = heap_pop(g);
        struct symbol *a = &g->symbols[top.left], *b = &g->symbols[top.right];
        if (a->length == 0 || b->length == 0 || a->length + b->length != top.size) continue;
        a->length = top.size;
        a->next = b->next;
        if (b->next != NOWHERE) g->symbols[b->next].previous = top.left;
        b->length = 0;
        CS_TRY(offer(g, a->previous, top.left, err));
        CS_TRY(offer(g, top.left, a->next, err));
    }
    return CLIPSPAN_OK;
}

/* Ids of a piece of text. An unused piece falls apart into the two that it was made of;
 * neighbouring unknown ones are one, or bytes. */
static clipspan_status put_piece(struct merger *g, cs_ids *ids, const char *text, size_t size,
                                 int depth, clipspan_error *err)
{
    const cs_sentencepiece *m = g->model;
    int32_t id = find_piece(m, text, size);
    if (id != CS_NO_PIECE && m->types[id] == CS_PIECE_UNUSED && g->unused && g->unused[id] &&
        g->unused[id] < size && depth < CS_PIECE_MOST) {
        size_t left = g->unused[id];
        CS_TRY(put_piece(g, ids, text, left, depth + 1, err));
        return put_piece(g, ids, text + left, size - left, depth + 1, err);
    }
    if (id != CS_NO_PIECE) {
        g->unknown_before = 0;
        return cs_ids_push(ids, id, err);
    }
    if (m->byte_fallback) {
        for (size_t i = 0; i < size; i++)
            CS_TRY(cs_ids_push(ids, m->bytes[(unsigned char)text[i]], err));
        return CLIPSPAN_OK;
    }
    if (g->unknown_before) return CLIPSPAN_OK;
    g->unknown_before = 1;
    return cs_ids_push(ids, m->unknown, err);
}

clipspan_status cs_sentencepiece_merge(cs_ids *ids, const cs_sentencepiece *model, const char *text,
                                       size_t size, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    struct merger g;
    memset(&g, 0, sizeof g);
    g.model = model;
    g.text = text;
    for (size_t i = 0; i < model->vocabulary->count && !g.unused; i++)
        if (model->types[i] == CS_PIECE_UNUSED) {
            g.unused = cs_alloc_zero(model->vocabulary->count, sizeof *g.unused, "pieces", err);
            if (!g.unused) return CLIPSPAN_E_NOMEM;
        }
    CS_TRY_DONE(split_text(&g, size, err));
    CS_TRY_DONE(merge_all(&g, err));
    for (uint32_t i = g.count ? 0 : NOWHERE; i != NOWHERE; i = g.symbols[i].next)
        CS_TRY_DONE(put_piece(&g, ids, text + g.symbols[i].start, g.symbols[i].length, 0, err));
done:
    cs_free(g.symbols);
    cs_free(g.heap);
    cs_free(g.unused);
    return status;
}
