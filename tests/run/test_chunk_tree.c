/* SPDX-License-Identifier: MIT */
/* The tree's shape by brute force, the shares, and the order of images against its definition. */
#include "run/chunk_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void levels_blocks_and_nodes_follow_from_the_number_of_images(void **state)
{
    static const uint64_t counts[] = {1,    31,   32,   33,    64,     2047,   2048,
                                      2049, 4096, 4097, 50000, 100000, 1281167};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        cs_chunk_tree t = cs_chunk_tree_of(counts[i]);
        uint64_t places = 0, next = 0, first, end;
        assert_int_equal(t.chunks, counts[i] / 32 + (counts[i] % 32 != 0));
        for (uint64_t c = 0; c < t.chunks; c++)
            places += (uint64_t)cs_chunk_places(&t, c);
        assert_int_equal(places, counts[i]);
        assert_true(t.blocks <= 64);
        assert_true(t.block_level == 0 || cs_level_nodes(&t, t.block_level - 1) > 64);
        assert_int_equal(cs_level_nodes(&t, t.top_level), 1);
        for (uint64_t b = 0; b < t.blocks; b++, next = end) {
            cs_node_chunks(&first, &end, &t, (cs_node){t.block_level, b});
            assert_int_equal(first, next);
            assert_true(end > first);
        }
        assert_int_equal(next, t.chunks);
    }
}

/* Shares of `chunks`: each starts where the one before ends, at a multiple of `unit`, and has at
 * most `most` chunks. */
static void check_shares(uint64_t chunks, uint64_t shares, uint64_t unit, uint64_t most)
{
    const cs_chunk_tree t = cs_chunk_tree_of(CS_CHUNK * chunks - 5);
    uint64_t next = 0, first, end;
    for (uint64_t i = 1; i <= shares; i++, next = end) {
        cs_shard_chunks(&first, &end, &t, i, shares);
        assert_int_equal(first, next);
        assert_true(first % unit == 0 || first == chunks);
        assert_true(end >= first && end - first <= most);
    }
    assert_int_equal(next, chunks);
}

static void shares_are_even_and_cover_every_chunk_once(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 110; n++)
        check_shares(103, n, 1, 103 / n + (103 % n != 0));
    check_shares(1, 1000, 1, 1);
}

/* An even share of 10,000,000 images in 1,000 is 313 chunks; of 1,281,167 in eight, 5,005. */
static void large_shares_are_of_whole_packs(void **state)
{
    (void)state;
    check_shares(312500, 1000, 32, 320);
    check_shares(312500, 16, 1024, 20 * 1024);
    check_shares(40037, 8, 1024, 5 * 1024);
    check_shares(40037, 64, 32, 640);
    check_shares(40037, 1000, 1, 41); /* 32 or 64 would be uneven */
}

/* The first outputs of SplitMix64 from seed 1 are 910a2dec89025cc1, beeb8da1658eec67,
 * f893a2eefb32555e (Steele, Lea and Flood's algorithm, computed independently): of three images,
 * place 2 changes with floor(3 * 910a2dec / 2^32) = 1, then place 1 with floor(2 * beeb8da1 / 2^32)
 * = 1. */
static void the_order_is_the_documented_one(void **state)
{
    uint32_t order[3];
    (void)state;
    cs_permute(order, 3, 1);
    assert_int_equal(order[0], 0);
    assert_int_equal(order[1], 2);
    assert_int_equal(order[2], 1);
}

static void the_order_is_a_permutation_that_mixes(void **state)
{
    enum { N = 100000 };
    uint32_t *order = malloc(N * sizeof *order);
    unsigned char *seen = calloc(N, 1);
    double early = 0;
    (void)state;
    assert_non_null(order);
    assert_non_null(seen);
    cs_permute(order, N, 1);
    for (size_t i = 0; i < N; i++) {
        assert_true(order[i] < N && !seen[order[i]]);
        seen[order[i]] = 1;
        if (i < N / 10) early += order[i];
    }
    /* The mean number of the first tenth is (N - 1) / 2 within five standard errors. */
    assert_true(early / (N / 10) > 0.5 * N - 5 * 289 && early / (N / 10) < 0.5 * N + 5 * 289);
    free(order);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_blocks_and_nodes_follow_from_the_number_of_images),
        cmocka_unit_test(shares_are_even_and_cover_every_chunk_once),
        cmocka_unit_test(large_shares_are_of_whole_packs),
        cmocka_unit_test(the_order_is_the_documented_one),
        cmocka_unit_test(the_order_is_a_permutation_that_mixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
