/* SPDX-License-Identifier: MIT */
/* Statistics that climb the tree: whatever the order of chunks and shares, the whole is the merge
 * along the tree, byte for byte, and no file is left over. */
#define _XOPEN_SOURCE 700
#include "base/memory.h"
#include "run/folder.h"
#include "run/nodes.h"
#include "tiny.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static cs_part_plan plan; /* of a model that never was */
static char *folder, *segment;
static cs_root *root;
static size_t size;

static int set_up(void **state)
{
    (void)state;
    folder = cs_tiny_memory_folder();
    cs_tiny_write(folder, "segments/000/nodes/.00-00000000.safetensors.1.0.part", "", 0);
    assert_int_equal(cs_root_open(&root, folder, NULL), 0);
    cs_folder_tidy(root);
    segment = cs_tiny_path(folder, "segments/000");
    plan.root = root;
    plan.inside = "segments/000";
    plan.path = segment;
    plan.id = "0123";
    plan.shape = (cs_shape){.L = 2, .H = 2, .K = 3, .D = 6, .N = 5, .P = 4, .C = 6};
    size = cs_head_stats_size(plan.shape);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cs_root_close(&root);
    cs_tiny_remove(&folder);
    free(segment);
    return 0;
}

/* Statistics that merge as real ones: count images with means that depend on the chunk. */
static void fill(double *stats, uint64_t chunk)
{
    uint64_t seed = chunk * 7919 + 1;
    const cs_head_stats_layout at = cs_head_stats_plan(plan.shape);
    for (size_t i = 0; i < size; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        stats[i] = (double)(seed >> 40) / 1e6;
    }
    for (size_t h = 0; h < plan.shape.L * plan.shape.H; h++)
        stats[h * at.head_size] = (double)(1 + chunk % 32);
}

/* The definition, written down once more. */
static void expected(double *out, cs_node node)
{
    cs_node left = {node.level - 1, 2 * node.index}, right = {node.level - 1, left.index + 1};
    double *other;
    if (node.level == 0) {
        fill(out, node.index);
        return;
    }
    expected(out, left);
    if (right.index >= cs_level_nodes(&plan.tree, right.level)) return;
    other = malloc(size * sizeof *other);
    assert_non_null(other);
    expected(other, right);
    cs_head_stats_merge(out, other, plan.shape);
    free(other);
}

static clipspan_status count_names(void *context, const char *name, clipspan_error *err)
{
    (void)err;
    assert_null(strstr(name, ".part"));
    *(size_t *)context += 1;
    return CLIPSPAN_OK;
}

/* Puts every chunk, first the shares' own in the given order, and looks at the whole. */
static void run_order(uint64_t shards, int backwards)
{
    cs_node_work work = {0};
    double *whole = malloc(size * sizeof *whole);
    unsigned char *done = calloc(plan.tree.chunks, 1);
    size_t files = 0;
    assert_int_equal(cs_node_work_init(&work, plan.shape, NULL), 0);
    cs_folder_clear(root, NULL);
    for (uint64_t s = 1; s <= shards; s++) {
        uint64_t first, end;
        cs_shard_chunks(&first, &end, &plan.tree, s, shards);
        for (uint64_t i = first; i < end; i++) {
            uint64_t chunk = backwards ? first + end - 1 - i : i;
            fill(work.stats, chunk);
            assert_int_equal(cs_nodes_put(&work, &plan, chunk, first, end, NULL), 0);
        }
    }
    if (shards == 1 && !backwards) { /* one file a finished block, one a level of the last */
        assert_int_equal(
            cs_root_each(root, "segments/000/" CS_NODES_FOLDER, count_names, &files, NULL), 0);
        assert_true(files <= plan.tree.blocks + (size_t)plan.tree.block_level);
        files = 0;
    }
    assert_int_equal(cs_nodes_find(done, &plan, 0, plan.tree.chunks, NULL), 0);
    for (uint64_t c = 0; c < plan.tree.chunks; c++)
        assert_int_equal(done[c], 1);
    for (uint64_t b = 0; b < plan.tree.blocks; b++)
        assert_int_equal(cs_nodes_close_block(&work, &plan, b, NULL), 0);
    assert_int_equal(cs_root_each(root, "segments/000/" CS_NODES_FOLDER, count_names, &files, NULL),
                     0);
    assert_int_equal(files, plan.tree.blocks);
    assert_int_equal(cs_nodes_get(&work, &plan, (cs_node){plan.tree.top_level, 0}, NULL), 0);
    expected(whole, (cs_node){plan.tree.top_level, 0});
    assert_memory_equal(work.stats, whole, size * sizeof *whole);
    cs_node_work_fini(&work);
    free(whole);
    free(done);
}

static void every_order_of_chunks_gives_the_merge_along_the_tree(void **state)
{
    (void)state;
    plan.tree = cs_chunk_tree_of(32 * 23 - 7);
    assert_int_equal(plan.tree.block_level, 0);
    run_order(1, 0);
    plan.tree.block_level = 2; /* as if six blocks were the most: the tree inside a block */
    plan.tree.blocks = cs_level_nodes(&plan.tree, 2);
    assert_int_equal(plan.tree.blocks, 6);
    run_order(1, 0);
    run_order(1, 1);
    run_order(3, 0);
    run_order(10, 1);
    plan.tree.block_level = 5; /* one block, of which some is missing on the right */
    plan.tree.blocks = 1;
    run_order(1, 0);
    run_order(7, 1);
}

/* A kill between the parent's file and the removal of its children leaves both. */
static void children_beside_their_parent_change_nothing(void **state)
{
    cs_node_work work = {0};
    double *whole = malloc(size * sizeof *whole);
    char *child, name[CS_NAME_ROOM];
    (void)state;
    plan.tree = cs_chunk_tree_of(32 * 4);
    plan.tree.block_level = 2;
    plan.tree.blocks = 1;
    cs_folder_clear(root, NULL);
    assert_int_equal(cs_node_work_init(&work, plan.shape, NULL), 0);
    for (uint64_t c = 0; c < 4; c++) {
        fill(work.stats, c);
        assert_int_equal(cs_nodes_put(&work, &plan, c, 0, 4, NULL), 0);
        if (c != 1) continue;
        fill(work.stats, 0);
        cs_node_name(name, &plan, (cs_node){0, 0});
        child = cs_tiny_path(folder, name);
        assert_int_equal(cs_statistics_write(name, &plan, work.stats, NULL), 0);
        free(child);
    }
    assert_int_equal(cs_nodes_close_block(&work, &plan, 0, NULL), 0);
    cs_node_name(name, &plan, (cs_node){0, 0});
    child = cs_tiny_path(folder, name);
    assert_int_not_equal(access(child, F_OK), 0);
    free(child);
    assert_int_equal(cs_nodes_get(&work, &plan, (cs_node){2, 0}, NULL), 0);
    expected(whole, (cs_node){2, 0});
    assert_memory_equal(work.stats, whole, size * sizeof *whole);
    cs_node_work_fini(&work);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_chunks_gives_the_merge_along_the_tree),
        cmocka_unit_test(children_beside_their_parent_change_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
