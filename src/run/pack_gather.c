/* SPDX-License-Identifier: MIT */
/* Packs of a higher level from those below it, tensor by tensor; what lies below goes when the new
 * one is there. */
#include "base/memory.h"
#include "run/pack_inside.h"

#include <string.h>

#define COPY_BYTES ((size_t)1 << 20)
#define TOP        CS_PACK_TOP

/* The packs that one of a higher level is made from. */
typedef struct source {
    int level;
    uint64_t index;
} source;

typedef struct gathering {
    const cs_part_plan *plan;
    cs_safetensors_writer *to;
    source *sources;
    size_t count;
    uint64_t errors;      /* bytes of their error lines */
    unsigned char *bytes; /* [COPY_BYTES] */
} gathering;

static int is_there(const cs_part_plan *plan, int level, uint64_t index)
{
    char name[CS_NAME_ROOM];
    cs_pack_name(name, plan, level, index);
    return cs_root_look(plan->root, name) == CS_ROOT_FILE;
}

static void discard(const cs_part_plan *plan, int level, uint64_t index)
{
    char name[CS_NAME_ROOM];
    cs_pack_name(name, plan, level, index);
    cs_root_remove(plan->root, name, NULL);
}

static void discard_below(const cs_part_plan *plan, int level, uint64_t first, uint64_t end)
{
    for (int i = 0; i < CS_PACK_LEVELS && cs_pack_levels[i] < level; i++)
        for (uint64_t n = first >> cs_pack_levels[i]; n <= (end - 1) >> cs_pack_levels[i]; n++)
            discard(plan, cs_pack_levels[i], n);
}

static uint64_t error_bytes(const cs_pack *pack)
{
    const cs_tensor_entry *entry = cs_safetensors_find(pack->file, "errors");
    return entry && strcmp(entry->dtype_name, "U8") == 0 ? entry->count : 0;
}

/* A file that has a second name stands for one pack alone: with both, images would count twice. */
static clipspan_status check_single(const gathering *g, clipspan_error *err)
{
    const source *last = &g->sources[g->count - 1];
    char name[CS_NAME_ROOM], other[CS_NAME_ROOM];
    uint64_t own[2], that[2], links;
    cs_pack_name(name, g->plan, last->level, last->index);
    if (!cs_root_identity(own, &links, g->plan->root, name) || links < 2) return CLIPSPAN_OK;
    for (size_t i = 0; i + 1 < g->count; i++) {
        cs_pack_name(other, g->plan, g->sources[i].level, g->sources[i].index);
        if (cs_root_identity(that, &links, g->plan->root, other) &&
            memcmp(own, that, sizeof own) == 0)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, g->plan->path,
                              "has one file under two names, %s and %s; remove the wrong one and "
                              "scan again",
                              other, name);
    }
    return CLIPSPAN_OK;
}

/* The largest whole packs below `level` that hold chunks [first, end). */
static clipspan_status find_sources(gathering *g, int level, uint64_t first, uint64_t end,
                                    clipspan_error *err)
{
    uint64_t chunk = first;
    while (chunk < end) {
        clipspan_status status = CLIPSPAN_E_NOT_FOUND;
        clipspan_error local = {0};
        cs_pack pack;
        for (int i = CS_PACK_LEVELS; i-- > 0 && status != CLIPSPAN_OK;) {
            if (cs_pack_levels[i] >= level) continue;
            status = cs_pack_open(&pack, NULL, g->plan, cs_pack_levels[i],
                                  chunk >> cs_pack_levels[i], &local);
            if (cs_part_is_away(status, &local)) break;
            if (status != CLIPSPAN_OK) continue;
            g->sources[g->count++] = (source){cs_pack_levels[i], chunk >> cs_pack_levels[i]};
            g->errors += error_bytes(&pack);
            chunk = pack.first + pack.count;
            cs_pack_close(&pack);
            CS_TRY(check_single(g, err));
        }
        if (status != CLIPSPAN_OK) {
            if (err) *err = local;
            return status;
        }
    }
    return CLIPSPAN_OK;
}

/* Bytes [0, size) of a tensor of a source, to the pack at work. */
static clipspan_status copy_tensor(gathering *g, const cs_pack *from, const char *name,
                                   clipspan_error *err)
{
    const cs_tensor_entry *entry = cs_safetensors_find(from->file, name);
    const uint64_t each = entry && entry->count ? entry->bytes / entry->count : 1;
    const uint64_t step = COPY_BYTES / each;
    for (uint64_t at = 0; entry && at < entry->count; at += step) {
        const uint64_t n = entry->count - at < step ? entry->count - at : step;
        CS_TRY(cs_safetensors_read_raw(g->bytes, from->file, entry, at, n, err));
        CS_TRY(cs_safetensors_writer_write(g->to, g->bytes, (size_t)(n * each), err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status copy_all(gathering *g, const char *name, clipspan_error *err)
{
    for (size_t i = 0; i < g->count; i++) {
        clipspan_status status;
        cs_pack pack;
        CS_TRY(cs_pack_open(&pack, NULL, g->plan, g->sources[i].level, g->sources[i].index, err));
        status = copy_tensor(g, &pack, name, err);
        cs_pack_close(&pack);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

static clipspan_status write_pack(gathering *g, const char *name, uint64_t chunks,
                                  clipspan_error *err)
{
    cs_pack_tensor list[CS_PACK_TENSORS];
    cs_pack_list(list, g->plan, chunks);
    CS_TRY(cs_part_begin(&g->to, name, g->plan, CS_PACK_PART, err));
    CS_TRY(cs_pack_declare(g->to, list, g->errors, err));
    for (int i = 0; i < CS_PACK_TENSORS; i++)
        if (list[i].rank) CS_TRY(copy_all(g, list[i].name, err));
    CS_TRY(copy_all(g, "errors", err));
    return cs_safetensors_writer_finish(g->to, err);
}

/* Makes one pack from those below it, which go when it is there. */
static clipspan_status pack(const cs_part_plan *plan, int level, uint64_t index,
                            clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    gathering g = {.plan = plan};
    uint64_t first, end;
    char name[CS_NAME_ROOM];
    cs_pack_name(name, plan, level, index);
    cs_node_chunks(&first, &end, &plan->tree, (cs_node){level, index});
    g.sources = cs_alloc((size_t)(end - first), sizeof *g.sources, "a list of packs", err);
    g.bytes = cs_alloc(COPY_BYTES, 1, "a copy of a pack", err);
    if (!g.sources || !g.bytes) goto done;
    CS_TRY_DONE(find_sources(&g, level, first, end, err));
    CS_TRY_DONE(write_pack(&g, name, end - first, err));
    discard_below(plan, level, first, end);
done:
    cs_safetensors_writer_close(&g.to);
    cs_free(g.sources);
    cs_free(g.bytes);
    return status;
}

/* Whether files with the names of packs below a node hold all of its chunks. */
static int is_complete(const cs_part_plan *plan, int at, uint64_t index)
{
    const int level = cs_pack_levels[at], below = cs_pack_levels[at - 1];
    uint64_t first, end;
    cs_node_chunks(&first, &end, &plan->tree, (cs_node){level, index});
    for (uint64_t i = first >> below; i <= (end - 1) >> below; i++)
        if (!is_there(plan, below, i) && (at == 1 || !is_complete(plan, at - 1, i))) return 0;
    return 1;
}

/* Another share may make the same pack, with the same bytes, and take away what this one reads. */
static int may_wait(clipspan_status status)
{
    return status == CLIPSPAN_E_NOT_FOUND || status == CLIPSPAN_E_FORMAT || status == CLIPSPAN_E_IO;
}

clipspan_status cs_packs_gather(const cs_part_plan *plan, uint64_t chunk, clipspan_error *err)
{
    for (int i = 1; i < CS_PACK_LEVELS; i++) {
        const cs_node node = {cs_pack_levels[i], chunk >> cs_pack_levels[i]};
        clipspan_status status;
        clipspan_error local;
        uint64_t from, to, above_from, above_to;
        cs_node_chunks(&from, &to, &plan->tree, node);
        if (i + 1 < CS_PACK_LEVELS) { /* a pack that would only be copied */
            cs_node_chunks(&above_from, &above_to, &plan->tree,
                           (cs_node){cs_pack_levels[i + 1], chunk >> cs_pack_levels[i + 1]});
            if (above_from == from && above_to == to) continue;
        }
        if (!is_complete(plan, i, node.index)) return CLIPSPAN_OK;
        status = pack(plan, node.level, node.index, &local);
        if (may_wait(status)) return CLIPSPAN_OK;
        if (status != CLIPSPAN_OK) {
            if (err) *err = local;
            return status;
        }
    }
    return CLIPSPAN_OK;
}

uint64_t cs_packs_count(const cs_part_plan *plan)
{
    return ((plan->tree.chunks - 1) >> TOP) + 1;
}

int cs_packs_is_closed(const cs_part_plan *plan, uint64_t index)
{
    cs_pack whole;
    const int closed = cs_pack_open(&whole, NULL, plan, TOP, index, NULL) == CLIPSPAN_OK;
    cs_pack_close(&whole);
    return closed;
}

clipspan_status cs_packs_close(const cs_part_plan *plan, uint64_t index, clipspan_error *err)
{
    clipspan_error local;
    uint64_t first, end;
    cs_pack whole;
    int foreign = 0;
    clipspan_status status = cs_pack_open(&whole, &foreign, plan, TOP, index, &local);
    if (foreign || cs_part_is_away(status, &local)) {
        if (err) *err = local;
        return status;
    }
    if (status != CLIPSPAN_OK) return pack(plan, TOP, index, err);
    cs_pack_close(&whole);
    cs_node_chunks(&first, &end, &plan->tree, (cs_node){TOP, index});
    discard_below(plan, TOP, first, end);
    return CLIPSPAN_OK;
}
