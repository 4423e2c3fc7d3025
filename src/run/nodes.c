/* SPDX-License-Identifier: MIT */
/* Climbing the tree: two halves to one, in the order that the tree fixes. */
#include "run/nodes.h"
#include "base/memory.h"
#include "run/folder.h"

#include <string.h>

clipspan_status cs_node_work_init(cs_node_work *work, cs_shape shape, clipspan_error *err)
{
    const size_t size = cs_head_stats_size(shape);
    work->stats = cs_alloc_aligned(size, sizeof(double), "statistics", err);
    work->other = cs_alloc_aligned(size, sizeof(double), "statistics", err);
    return work->stats && work->other ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

void cs_node_work_fini(cs_node_work *work)
{
    cs_free(work->stats);
    cs_free(work->other);
    memset(work, 0, sizeof *work);
}

static void swap(cs_node_work *work)
{
    double *kept = work->stats;
    work->stats = work->other;
    work->other = kept;
}

static int read_digits(uint64_t *value, const char *text, int count)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return 0;
        *value = *value * 10 + (uint64_t)(text[i] - '0');
    }
    return 1;
}

/* "03-00000017.safetensors" */
static int read_name(cs_node *node, const char *name)
{
    uint64_t level;
    if (strlen(name) < 11 || !read_digits(&level, name, 2) || name[2] != '-' ||
        !read_digits(&node->index, name + 3, 8) || strcmp(name + 11, ".safetensors") != 0)
        return 0;
    node->level = (int)level;
    return 1;
}

typedef struct search {
    const cs_part_plan *plan;
    uint64_t first, end;
    unsigned char *done;
} search;

static clipspan_status look_at(void *context, const char *name, clipspan_error *err)
{
    const search *s = context;
    const cs_part_plan *plan = s->plan;
    clipspan_error local;
    clipspan_status status;
    cs_node node;
    uint64_t first, end;
    char file[CS_NAME_ROOM];
    int foreign = 0;
    if (!read_name(&node, name) || node.level > plan->tree.block_level ||
        node.index >= cs_level_nodes(&plan->tree, node.level))
        return CLIPSPAN_OK;
    cs_node_chunks(&first, &end, &plan->tree, node);
    if (end <= s->first || first >= s->end) return CLIPSPAN_OK;
    cs_node_name(file, plan, node);
    status = cs_statistics_check(&foreign, file, plan, &local);
    if (foreign || cs_part_is_away(status, &local)) {
        if (err) *err = local;
    } else {
        for (uint64_t c = first; status == CLIPSPAN_OK && c < end; c++)
            if (c >= s->first && c < s->end) s->done[c - s->first] = 1;
        /* Within the own range a damaged file is in the way of its children's. */
        if (status != CLIPSPAN_OK && first >= s->first && end <= s->end)
            return cs_root_remove(plan->root, file, err);
        status = CLIPSPAN_OK;
    }
    return status;
}

clipspan_status cs_nodes_find(unsigned char *done, const cs_part_plan *plan, uint64_t first,
                              uint64_t end, clipspan_error *err)
{
    search s = {plan, first, end, done};
    char folder[CS_NAME_ROOM];
    cs_part_name(folder, plan, CS_NODES_FOLDER);
    return cs_root_each(plan->root, folder, look_at, &s, err);
}

static clipspan_status load(double *stats, const cs_part_plan *plan, cs_node node,
                            clipspan_error *err)
{
    char name[CS_NAME_ROOM];
    cs_node_name(name, plan, node);
    return cs_statistics_read(stats, name, plan, err);
}

static clipspan_status save(const double *stats, const cs_part_plan *plan, cs_node node,
                            clipspan_error *err)
{
    char name[CS_NAME_ROOM];
    cs_node_name(name, plan, node);
    return cs_statistics_write(name, plan, stats, err);
}

static int is_there(const cs_part_plan *plan, cs_node node)
{
    char name[CS_NAME_ROOM];
    cs_node_name(name, plan, node);
    return cs_root_look(plan->root, name) == CS_ROOT_FILE;
}

static void discard(const cs_part_plan *plan, cs_node node)
{
    char name[CS_NAME_ROOM];
    cs_node_name(name, plan, node);
    cs_root_remove(plan->root, name, NULL);
}

/* Removes the files of all nodes below one. */
static void discard_below(const cs_part_plan *plan, cs_node node)
{
    for (int side = 0; node.level > 0 && side < 2; side++) {
        cs_node child = {node.level - 1, 2 * node.index + (uint64_t)side};
        if (child.index >= cs_level_nodes(&plan->tree, child.level)) continue;
        if (is_there(plan, child)) discard(plan, child);
        discard_below(plan, child);
    }
}

clipspan_status cs_nodes_put(cs_node_work *work, const cs_part_plan *plan, uint64_t chunk,
                             uint64_t first, uint64_t end, clipspan_error *err)
{
    cs_node node = {0, chunk}, gone[64];
    size_t count = 0;
    while (node.level < plan->tree.block_level) {
        cs_node parent = {node.level + 1, node.index / 2}, twin = {node.level, node.index ^ 1};
        uint64_t from, to;
        cs_node_chunks(&from, &to, &plan->tree, parent);
        if (from < first || to > end) break;
        if (twin.index < cs_level_nodes(&plan->tree, twin.level)) {
            if (!is_there(plan, twin)) break;
            CS_TRY(load(work->other, plan, twin, err));
            if (twin.index < node.index) swap(work); /* the left half stands first */
            cs_head_stats_merge(work->stats, work->other, plan->shape);
            gone[count++] = twin;
        }
        node = parent;
    }
    CS_TRY(save(work->stats, plan, node, err));
    for (size_t i = 0; i < count; i++)
        discard(plan, gone[i]);
    return CLIPSPAN_OK;
}

/* On the way down one array a level waits for its right half. */
clipspan_status cs_nodes_get(cs_node_work *work, const cs_part_plan *plan, cs_node node,
                             clipspan_error *err)
{
    cs_node left = {node.level - 1, 2 * node.index}, right = {node.level - 1, left.index + 1};
    clipspan_status status;
    cs_node_work inner = {0};
    if (node.level <= plan->tree.block_level && (node.level == 0 || is_there(plan, node)))
        return load(work->stats, plan, node, err);
    CS_TRY(cs_nodes_get(work, plan, left, err));
    if (right.index >= cs_level_nodes(&plan->tree, right.level)) return CLIPSPAN_OK;
    CS_TRY_DONE(cs_node_work_init(&inner, plan->shape, err));
    CS_TRY_DONE(cs_nodes_get(&inner, plan, right, err));
    cs_head_stats_merge(work->stats, inner.stats, plan->shape);
done:
    cs_node_work_fini(&inner);
    return status;
}

clipspan_status cs_nodes_close_block(cs_node_work *work, const cs_part_plan *plan, uint64_t block,
                                     clipspan_error *err)
{
    cs_node node = {plan->tree.block_level, block};
    if (!is_there(plan, node)) {
        CS_TRY(cs_nodes_get(work, plan, node, err));
        CS_TRY(save(work->stats, plan, node, err));
    }
    discard_below(plan, node);
    return CLIPSPAN_OK;
}
