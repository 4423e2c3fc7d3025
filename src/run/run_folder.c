/* SPDX-License-Identifier: MIT */
/* A run in a folder: facts checked once, arrays read where they lie. */
#include "base/memory.h"
#include "run/folder.h"
#include "run/results.h"
#include "run/run_facts.h"
#include "run/run_inside.h"
#include "tensor/moments.h"

#include <pthread.h>
#include <string.h>

#define ROWS_AT_ONCE 256 /* rows of the index that are copied out under the lock */

typedef struct folder_run {
    cs_run run; /* first */
    cs_run_facts facts;
    cs_root *root;
    cs_index *index;
    pthread_mutex_t lock; /* guards the index */
} folder_run;

static folder_run *of(const cs_run *run)
{
    return (folder_run *)cs_run_own(run);
}

static void close_folder(cs_run *run)
{
    folder_run *r = of(run);
    cs_index_close(&r->index);
    cs_run_facts_fini(&r->facts);
    cs_root_close(&r->root);
    pthread_mutex_destroy(&r->lock);
    cs_free(r);
}

/* ---- The index ---- */

static clipspan_status read_fact(char **value, const cs_run *run, const char *key,
                                 clipspan_error *err)
{
    folder_run *r = of(run);
    clipspan_status status;
    pthread_mutex_lock(&r->lock);
    status = cs_index_fact(value, r->index, key, err);
    pthread_mutex_unlock(&r->lock);
    return status;
}

/* Rows copied out of the index: their texts follow each other in one buffer. */
typedef struct row_copies {
    cs_image_row rows[ROWS_AT_ONCE];
    size_t offsets[ROWS_AT_ONCE][6]; /* of path, label, group, status, error, columns */
    size_t count;
    char *texts;
    size_t used, room;
} row_copies;

static clipspan_status copy_row(void *context, const cs_image_row *row, clipspan_error *err)
{
    row_copies *c = context;
    const char *const texts[6] = {row->path,   row->label, row->group,
                                  row->status, row->error, row->columns};
    for (int t = 0; t < 6; t++) {
        const size_t size = strlen(texts[t]) + 1;
        CS_TRY(cs_grow(&c->texts, &c->room, c->used + size, 1, "rows of the index", err));
        memcpy(c->texts + c->used, texts[t], size);
        c->offsets[c->count][t] = c->used;
        c->used += size;
    }
    c->rows[c->count++] = *row;
    return CLIPSPAN_OK;
}

static clipspan_status give_copies(row_copies *c, cs_index_each each, void *context,
                                   clipspan_error *err)
{
    for (size_t i = 0; i < c->count; i++) {
        cs_image_row row = c->rows[i];
        const size_t *at = c->offsets[i];
        row.path = c->texts + at[0];
        row.label = c->texts + at[1];
        row.group = c->texts + at[2];
        row.status = c->texts + at[3];
        row.error = c->texts + at[4];
        row.columns = c->texts + at[5];
        CS_TRY(each(context, &row, err));
    }
    return CLIPSPAN_OK;
}

/* The lock is not held while `each` works, which may take long, or read the run itself. */
static clipspan_status read_images(const cs_run *run, uint64_t first, uint64_t count,
                                   cs_index_each each, void *context, clipspan_error *err)
{
    folder_run *r = of(run);
    clipspan_status status = CLIPSPAN_OK;
    row_copies *c = cs_alloc_zero(1, sizeof *c, "rows of the index", err);
    if (!c) return CLIPSPAN_E_NOMEM;
    while (count > 0 && status == CLIPSPAN_OK) {
        const uint64_t n = count < ROWS_AT_ONCE ? count : ROWS_AT_ONCE;
        c->count = c->used = 0;
        pthread_mutex_lock(&r->lock);
        status = cs_index_read(r->index, first, n, copy_row, c, err);
        pthread_mutex_unlock(&r->lock);
        if (status == CLIPSPAN_OK) status = give_copies(c, each, context, err);
        first += n;
        count -= n;
    }
    cs_free(c->texts);
    cs_free(c);
    return status;
}

/* ---- Statistics and output maps ---- */

static clipspan_status read_statistics(double *stats, const cs_run *run, clipspan_error *err)
{
    return cs_statistics_read(stats, CS_STATISTICS_FILE, &of(run)->facts.whole, err);
}

static clipspan_status hash_statistics(char out[65], const cs_run *run, clipspan_error *err)
{
    return cs_statistics_hash(out, CS_STATISTICS_FILE, &of(run)->facts.whole, err);
}

static clipspan_status read_head(double *moments, const cs_run *run, size_t layer, size_t head,
                                 clipspan_error *err)
{
    return cs_statistics_read_head(moments, CS_STATISTICS_FILE, &of(run)->facts.whole, layer, head,
                                   err);
}

/* Statistics of a segment's block: of all of it, or (stats NULL) of one head. */
static clipspan_status read_segment_block(double *stats, double *moments, const cs_segment *s,
                                          uint64_t block, size_t layer, size_t head,
                                          clipspan_error *err)
{
    const cs_part_plan *plan = &s->plan;
    char name[CS_NAME_ROOM];
    cs_node_name(name, plan, (cs_node){plan->tree.block_level, block});
    return stats ? cs_statistics_read(stats, name, plan, err)
                 : cs_statistics_read_head(moments, name, plan, layer, head, err);
}

/* Block b of the run holds block b of every segment that has one: each is a sample of its list.
 * other: room for one more. */
static clipspan_status add_blocks(double *out, double *other, const folder_run *r, uint64_t block,
                                  int whole, size_t layer, size_t head, clipspan_error *err)
{
    const cs_shape shape = r->facts.plan.shape;
    int any = 0;
    for (size_t i = 0; i < r->facts.segment_count; i++) {
        const cs_segment *s = &r->facts.segments[i];
        double *to = any ? other : out;
        if (block >= s->plan.tree.blocks) continue;
        CS_TRY(read_segment_block(whole ? to : NULL, to, s, block, layer, head, err));
        if (any && whole) cs_head_stats_merge(out, other, shape);
        if (any && !whole) cs_moments_merge(out, other, shape.C);
        any = 1;
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_blocks(double *out, const cs_run *run, uint64_t block, int whole,
                                   size_t layer, size_t head, clipspan_error *err)
{
    const folder_run *r = of(run);
    const cs_shape shape = r->facts.plan.shape;
    const size_t size = whole ? cs_head_stats_size(shape) : cs_moments_size(shape.C);
    clipspan_status status;
    double *other = NULL;
    if (r->facts.segment_count > 1) {
        other = cs_alloc(size, sizeof *other, "statistics", err);
        if (!other) return CLIPSPAN_E_NOMEM;
    }
    status = add_blocks(out, other, r, block, whole, layer, head, err);
    cs_free(other);
    return status;
}

static clipspan_status read_block(double *stats, const cs_run *run, uint64_t block,
                                  clipspan_error *err)
{
    return read_blocks(stats, run, block, 1, 0, 0, err);
}

static clipspan_status read_block_head(double *moments, const cs_run *run, uint64_t block,
                                       size_t layer, size_t head, clipspan_error *err)
{
    return read_blocks(moments, run, block, 0, layer, head, err);
}

static clipspan_status read_output_map(float *rows, const cs_run *run, uint64_t first,
                                       uint64_t count, clipspan_error *err)
{
    const cs_tensor_entry *entry;
    cs_safetensors *file;
    clipspan_status status;
    CS_TRY(cs_output_map_file_open(&file, &entry, &of(run)->facts.plan, err));
    status = cs_safetensors_read(rows, file, entry, first, count, err);
    cs_safetensors_close(&file);
    return status;
}

/* ---- Chunks ---- */

/* The part of a chunk of the run that lies in one chunk of a segment. */
typedef struct piece {
    const cs_segment *segment;
    cs_pack pack;
    uint64_t chunk;
    size_t row, count;       /* its rows of the chunk of the run: [row, row + count) */
    uint8_t slots[CS_CHUNK]; /* where these lie in the segment's chunk */
} piece;

typedef struct pieces {
    size_t count;
    piece list[]; /* one, unless segments meet here */
} pieces;

#define PIECES_MOST (2 * CS_CHUNK) /* segments of one image, and chunks that a segment cuts */

static void close_chunk(cs_run_chunk *chunk)
{
    pieces *p = chunk->inside;
    for (size_t i = 0; p && i < p->count; i++)
        cs_pack_close(&p->list[i].pack);
    cs_free(p);
    chunk->inside = NULL;
}

/* Images [first, end) of a chunk of a segment, whose places of the run begin at `base`. */
static clipspan_status add_piece(cs_run_chunk *chunk, const cs_segment *segment, uint64_t first,
                                 uint64_t end, clipspan_error *err)
{
    pieces *p = chunk->inside;
    piece *q = &p->list[p->count];
    uint8_t status[CS_CHUNK];
    memset(q, 0, sizeof *q);
    q->segment = segment;
    q->chunk = first / CS_CHUNK;
    q->row = chunk->count;
    CS_TRY(cs_pack_find(&q->pack, NULL, &segment->plan, q->chunk, err));
    p->count++;
    CS_TRY(cs_pack_read_status(status, &q->pack, &segment->plan, q->chunk, err));
    for (uint64_t i = first; i < end; i++) {
        const uint64_t run_index = segment->first + i;
        if (status[i % CS_CHUNK] != CS_IMAGE_OK) continue;
        q->slots[q->count++] = (uint8_t)(i % CS_CHUNK);
        chunk->slots[chunk->count] = (uint8_t)(run_index % CS_CHUNK);
        chunk->run_indices[chunk->count++] = run_index;
    }
    return CLIPSPAN_OK;
}

static clipspan_status open_chunk(cs_run_chunk *chunk, clipspan_error *err)
{
    const folder_run *r = of(chunk->run);
    const uint64_t first = chunk->chunk * CS_CHUNK;
    const uint64_t end = first + (uint64_t)cs_chunk_places(&r->facts.plan.tree, chunk->chunk);
    const size_t most = r->facts.segment_count > 1 ? PIECES_MOST : 1;
    pieces *p = cs_alloc(1, sizeof *p + most * sizeof *p->list, "a chunk", err);
    if (!p) return CLIPSPAN_E_NOMEM;
    p->count = 0;
    chunk->inside = p;
    for (size_t i = 0; i < r->facts.segment_count; i++) {
        const cs_segment *s = &r->facts.segments[i];
        const uint64_t from = first > s->first ? first - s->first : 0;
        const uint64_t to = end < s->first + s->count ? end - s->first : s->count;
        if (end <= s->first || first >= s->first + s->count) continue;
        for (uint64_t at = from; at < to;) {
            uint64_t next = (at / CS_CHUNK + 1) * CS_CHUNK;
            if (next > to) next = to;
            CS_TRY(add_piece(chunk, s, at, next, err));
            at = next;
        }
    }
    return CLIPSPAN_OK;
}

/* Read at once where slots are neighbours. */
static clipspan_status read_piece(float *out, const piece *q, cs_pack_array array, size_t plane,
                                  size_t width, clipspan_error *err)
{
    size_t i = 0;
    while (i < q->count) {
        size_t n = 1;
        while (i + n < q->count && q->slots[i + n] == q->slots[i] + n)
            n++;
        CS_TRY(cs_pack_read(out + i * width, &q->pack, &q->segment->plan, array, q->chunk, plane,
                            q->slots[i], n, err));
        i += n;
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_rows(float *out, const cs_run_chunk *chunk, cs_pack_array array,
                                 size_t plane, clipspan_error *err)
{
    const cs_shape *s = &chunk->run->plan->shape;
    const size_t width = array == CS_PACK_Z ? s->K : s->P;
    const pieces *p = chunk->inside;
    for (size_t i = 0; i < p->count; i++)
        CS_TRY(read_piece(out + p->list[i].row * width, &p->list[i], array, plane, width, err));
    return CLIPSPAN_OK;
}

static clipspan_status read_scale(double *scale, const cs_run_chunk *chunk, clipspan_error *err)
{
    const pieces *p = chunk->inside;
    for (size_t i = 0; i < p->count; i++) {
        const piece *q = &p->list[i];
        double all[CS_CHUNK][3];
        CS_TRY(cs_pack_read_scale(all[0], &q->pack, q->chunk, err));
        for (size_t k = 0; k < q->count; k++)
            memcpy(scale + 3 * (q->row + k), all[q->slots[k]], sizeof all[0]);
    }
    return CLIPSPAN_OK;
}

/* ---- Results ---- */

static clipspan_status write_result(const cs_run *run, const char *kind, const char *name,
                                    const char *value, clipspan_error *err)
{
    return cs_results_write(cs_run_root(run), kind, name, value, err);
}

static clipspan_status read_result(char **value, const cs_run *run, const char *kind,
                                   const char *name, clipspan_error *err)
{
    return cs_results_read(value, cs_run_root(run), kind, name, err);
}

static clipspan_status list_results(const cs_run *run, const char *kind,
                                    clipspan_status (*each)(void *context, const char *name,
                                                            clipspan_error *err),
                                    void *context, clipspan_error *err)
{
    return cs_results_names(cs_run_root(run), kind, each, context, err);
}

/* ---- Opening ---- */

static const cs_run_ops ops = {
    .close = close_folder,
    .fact = read_fact,
    .images = read_images,
    .statistics_id = hash_statistics,
    .statistics = read_statistics,
    .block = read_block,
    .head = read_head,
    .block_head = read_block_head,
    .output_map = read_output_map,
    .chunk_open = open_chunk,
    .chunk_close = close_chunk,
    .chunk_rows = read_rows,
    .chunk_scale = read_scale,
    .set_result = write_result,
    .result = read_result,
    .result_names = list_results,
};

clipspan_status cs_run_open(cs_run **out, const char *path, clipspan_error *err)
{
    clipspan_status status;
    folder_run *r;
    cs_run *run;
    *out = NULL;
    r = cs_alloc_zero(1, sizeof *r, "an open run", err);
    if (!r) return CLIPSPAN_E_NOMEM;
    pthread_mutex_init(&r->lock, NULL);
    run = &r->run;
    *run = (cs_run){&ops, &r->facts.info, &r->facts.plan, 1};
    CS_TRY_DONE(cs_folder_open(&r->root, path, err));
    CS_TRY_DONE(cs_index_open(&r->index, r->root, CS_INDEX_FILE, err));
    CS_TRY_DONE(cs_run_facts_read(&r->facts, r->index, r->root, err));
    *out = run;
    run = NULL;
done:
    cs_run_close(&run);
    return status;
}
