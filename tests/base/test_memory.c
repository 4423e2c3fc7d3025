/* SPDX-License-Identifier: MIT */
/* Sizes that overflow are refused, growing keeps what was there, an arena is laid out as
 * measured. */
#include "base/memory.h"
#include "base/memory_budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_size_mul_at_the_edges(void **state)
{
    size_t out = 7;
    (void)state;
    assert_int_equal(cs_size_mul(&out, SIZE_MAX, 1), 1);
    assert_true(out == SIZE_MAX);
    assert_int_equal(cs_size_mul(&out, SIZE_MAX / 2 + 1, 2), 0);
    assert_true(out == 0);
    assert_int_equal(cs_size_mul(&out, 0, SIZE_MAX), 1);
    assert_true(out == 0);
    assert_int_equal(cs_size_mul(&out, SIZE_MAX, 0), 1);
    assert_true(out == 0);
    assert_int_equal(cs_size_mul(&out, 6, 7), 1);
    assert_true(out == 42);
}

static void test_product_that_overflows_is_out_of_memory(void **state)
{
    clipspan_error err;
    (void)state;
    assert_null(cs_alloc(SIZE_MAX / 2, 3, "tensor x", &err));
    assert_int_equal(err.code, CLIPSPAN_E_NOMEM);
    assert_non_null(strstr(err.message, "tensor x"));
    assert_null(cs_alloc_zero(SIZE_MAX / 2, 3, "x", &err));
    assert_null(cs_alloc_aligned(SIZE_MAX / 2, 3, "x", &err));
    assert_null(cs_alloc_aligned(SIZE_MAX, 1, "x", &err)); /* rounding up would wrap */
    assert_null(cs_alloc_aligned(SIZE_MAX - CS_ALIGN + 1, 1, "x", NULL));
}

static void test_nothing_is_still_a_block(void **state)
{
    void *blocks[3];
    (void)state;
    blocks[0] = cs_alloc(0, 8, "x", NULL);
    blocks[1] = cs_alloc_zero(0, 8, "x", NULL);
    blocks[2] = cs_alloc_aligned(0, 8, "x", NULL);
    for (int i = 0; i < 3; i++) {
        assert_non_null(blocks[i]);
        cs_free(blocks[i]);
    }
    cs_free(NULL);
}

static void test_zeroed_and_aligned(void **state)
{
    static const unsigned char zero[1000];
    unsigned char *a = cs_alloc_zero(1000, 1, "x", NULL);
    (void)state;
    assert_memory_equal(a, zero, 1000);
    cs_free(a);
    for (size_t size = 1; size < 300; size += 37) {
        a = cs_alloc_aligned(size, 1, "x", NULL);
        assert_int_equal((uintptr_t)a % CS_ALIGN, 0);
        memset(a, 1, size);
        cs_free(a);
    }
}

static void test_grow_keeps_content_and_doubles(void **state)
{
    int *items = NULL;
    size_t room = 0, last, grown = 0;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        last = room;
        assert_int_equal(cs_grow(&items, &room, (size_t)i + 1, sizeof *items, "x", NULL), 0);
        assert_true(room > (size_t)i);
        grown += room != last;
        items[i] = i;
    }
    assert_true(grown < 15);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(items[i], i);
    cs_free(items);
}

static void test_grow_that_fails_changes_nothing(void **state)
{
    clipspan_error err;
    int *items = NULL, *before;
    size_t room = 0, kept;
    (void)state;
    assert_int_equal(cs_grow(&items, &room, 3, sizeof *items, "x", NULL), 0);
    items[2] = 99;
    before = items;
    kept = room;
    assert_int_equal(cs_grow(&items, &room, SIZE_MAX / 2, sizeof *items, "list", &err),
                     CLIPSPAN_E_NOMEM);
    assert_non_null(strstr(err.message, "list"));
    assert_ptr_equal(items, before);
    assert_true(room == kept);
    assert_int_equal(items[2], 99);
    cs_free(items);
}

static void test_copies_of_text(void **state)
{
    char *a = cs_strdup("word", NULL), *b = cs_strndup("words", 3, NULL);
    (void)state;
    assert_string_equal(a, "word");
    assert_string_equal(b, "wor");
    cs_free(a);
    cs_free(b);
}

static void test_memory_of_the_machine_is_known(void **state)
{
    (void)state;
    assert_true(cs_memory_total() > (uint64_t)16 << 20);
}

typedef struct layout {
    unsigned char *a, *b, *c;
} layout;

static void plan(cs_arena *arena, layout *out)
{
    out->a = cs_arena_carve(arena, 1, 1);
    out->b = cs_arena_carve(arena, 10, 13);
    out->c = cs_arena_carve(arena, 0, 4);
}

static void test_arena_is_laid_out_as_measured(void **state)
{
    cs_arena arena = {0};
    layout l;
    (void)state;
    plan(&arena, &l);
    assert_null(l.a);
    assert_null(l.b);
    assert_int_equal(arena.used, CS_ALIGN + 3 * CS_ALIGN);
    assert_int_equal(cs_arena_take(&arena, "workspace", NULL), CLIPSPAN_OK);
    plan(&arena, &l);
    assert_ptr_equal(l.a, arena.base);
    assert_ptr_equal(l.b, arena.base + CS_ALIGN);
    assert_ptr_equal(l.c, arena.base + arena.size);
    assert_int_equal((uintptr_t)l.a % CS_ALIGN, 0);
    for (int i = 0; i < 130; i++)
        assert_int_equal(l.b[i], 0);
    assert_null(cs_arena_carve(&arena, 1, 1)); /* more than was measured */
    cs_arena_fini(&arena);
    assert_null(arena.base);
    cs_arena_fini(&arena);
}

static void test_arena_overflow_is_found_at_take(void **state)
{
    static const size_t counts[][2] = {{SIZE_MAX, 2}, {SIZE_MAX - 10, 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cs_arena arena = {0};
        clipspan_error err;
        cs_arena_carve(&arena, 100, 1);
        assert_null(cs_arena_carve(&arena, counts[i][0], counts[i][1]));
        cs_arena_carve(&arena, 100, 1);
        assert_int_equal(cs_arena_take(&arena, "workspace", &err), CLIPSPAN_E_NOMEM);
        assert_non_null(strstr(err.message, "workspace"));
        cs_arena_fini(&arena);
    }
}

static void test_arena_sum_that_wraps_is_overflow(void **state)
{
    cs_arena arena = {0};
    (void)state;
    cs_arena_carve(&arena, SIZE_MAX / 2, 1);
    cs_arena_carve(&arena, SIZE_MAX / 2, 1);
    cs_arena_carve(&arena, SIZE_MAX / 2, 1);
    assert_int_equal(cs_arena_take(&arena, "x", NULL), CLIPSPAN_E_NOMEM);
    cs_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_mul_at_the_edges),
        cmocka_unit_test(test_product_that_overflows_is_out_of_memory),
        cmocka_unit_test(test_nothing_is_still_a_block),
        cmocka_unit_test(test_zeroed_and_aligned),
        cmocka_unit_test(test_grow_keeps_content_and_doubles),
        cmocka_unit_test(test_grow_that_fails_changes_nothing),
        cmocka_unit_test(test_copies_of_text),
        cmocka_unit_test(test_memory_of_the_machine_is_known),
        cmocka_unit_test(test_arena_is_laid_out_as_measured),
        cmocka_unit_test(test_arena_overflow_is_found_at_take),
        cmocka_unit_test(test_arena_sum_that_wraps_is_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
