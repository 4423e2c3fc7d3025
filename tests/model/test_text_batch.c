/* SPDX-License-Identifier: MIT */
/* Prefix trees of texts: where a text is read out, what is shared, and when a batch is full. */
#include "model/text_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define C 8 /* context length */

static const cs_config config = {.context_length = C, .vocab_size = 100, .pool = CS_POOL_ARGMAX};

typedef struct fixture {
    cs_arena arena;
    cs_text_batch batch;
} fixture;

static void set_up(fixture *f, size_t room)
{
    memset(f, 0, sizeof *f);
    cs_text_batch_plan(&f->batch, &f->arena, room);
    assert_int_equal(cs_arena_take(&f->arena, "test", NULL), 0);
    cs_text_batch_plan(&f->batch, &f->arena, room);
    cs_text_batch_clear(&f->batch);
}

static void a_text_ends_at_its_first_largest_id(void **state)
{
    const int32_t plain[C] = {98, 5, 6, 99, 0, 0, 0, 0}, twice[C] = {98, 99, 6, 99, 0, 0, 0, 0};
    const int32_t full[C] = {98, 1, 2, 3, 4, 5, 6, 99};
    (void)state;
    assert_int_equal(cs_text_end(plain, &config), 3);
    assert_int_equal(cs_text_end(twice, &config), 1);
    assert_int_equal(cs_text_end(full, &config), 7);
}

static void or_at_its_first_end_token(void **state)
{
    cs_config eos = config;
    const int32_t plain[C] = {98, 99, 7, 99, 0, 0, 0, 0};
    (void)state;
    eos.pool = CS_POOL_FIRST_EOS;
    eos.eos_id = 7;
    assert_int_equal(cs_text_end(plain, &eos), 2);
    eos.eos_id = 50; /* not there: the first position, as transformers does */
    assert_int_equal(cs_text_end(plain, &eos), 0);
}

static void shared_beginnings_are_nodes_once(void **state)
{
    const int32_t texts[4][C] = {{98, 5, 6, 99}, {98, 5, 7, 99}, {98, 5, 6, 99}, {97, 5, 99}};
    fixture f;
    size_t i;
    (void)state;
    set_up(&f, 32);
    for (i = 0; i < 4; i++)
        assert_int_equal(cs_text_batch_add(&f.batch, texts[i], &config), 1);
    assert_int_equal(f.batch.nodes, 4 + 2 + 0 + 3);
    assert_int_equal(f.batch.texts, 4);
    assert_int_equal(f.batch.end[0], f.batch.end[2]);
    for (i = 0; i < f.batch.nodes; i++) {
        uint32_t parent = f.batch.parent[i];
        assert_true(parent == CS_NO_NODE
                        ? f.batch.depth[i] == 0
                        : parent < i && f.batch.depth[i] == f.batch.depth[parent] + 1);
    }
    for (i = 0; i < 4; i++) { /* each path spells its text */
        uint32_t node = f.batch.end[i];
        size_t at = cs_text_end(texts[i], &config) + 1;
        for (; node != CS_NO_NODE; node = f.batch.parent[node])
            assert_int_equal(f.batch.token[node], texts[i][--at]);
        assert_int_equal(at, 0);
    }
    cs_arena_fini(&f.arena);
}

static void a_full_batch_takes_no_more_and_stays_as_it_is(void **state)
{
    const int32_t first[C] = {98, 1, 2, 3, 4, 5, 6, 99}, same[C] = {98, 1, 99};
    const int32_t longer[C] = {98, 1, 7, 8, 99};
    fixture f;
    size_t i;
    (void)state;
    set_up(&f, 9);
    assert_int_equal(cs_text_batch_add(&f.batch, first, &config), 1);
    assert_int_equal(cs_text_batch_add(&f.batch, longer, &config), 0);
    assert_int_equal(f.batch.nodes, 8);
    assert_int_equal(f.batch.texts, 1);
    assert_int_equal(cs_text_batch_add(&f.batch, same, &config), 1); /* one node more fits */
    assert_int_equal(f.batch.nodes, 9);
    for (i = 2; i < 9; i++)
        assert_int_equal(cs_text_batch_add(&f.batch, first, &config), 1);
    assert_int_equal(cs_text_batch_add(&f.batch, first, &config), 0); /* texts are bounded too */
    cs_arena_fini(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_ends_at_its_first_largest_id),
        cmocka_unit_test(or_at_its_first_end_token),
        cmocka_unit_test(shared_beginnings_are_nodes_once),
        cmocka_unit_test(a_full_batch_takes_no_more_and_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
