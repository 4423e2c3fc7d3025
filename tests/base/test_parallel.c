/* SPDX-License-Identifier: MIT */
/* Loops visit every item once, on no more lanes than asked for; the default count is what the
 * process was granted. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "base/parallel.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COUNT = 1000 };

typedef struct seen {
    atomic_int visits[COUNT];
    atomic_int outside; /* calls with a lane out of range */
    int lanes;
} seen;

static void visit(void *context, size_t index, int lane)
{
    seen *s = context;
    atomic_fetch_add(&s->visits[index], 1);
    if (lane < 0 || lane >= s->lanes) atomic_fetch_add(&s->outside, 1);
}

static void expect_each_once(size_t count, int threads)
{
    static seen s;
    s = (seen){.lanes = threads < 1 ? 1 : threads};
    cs_parallel_for(count, threads, visit, &s);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(s.visits[i], i < count);
    assert_int_equal(s.outside, 0);
}

static void test_every_item_once_on_any_number_of_threads(void **state)
{
    static const int threads[] = {1, 2, 3, 7, 64};
    static const size_t counts[] = {0, 1, 2, 3, 63, COUNT};
    (void)state;
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            expect_each_once(counts[c], threads[t]);
}

static void test_no_threads_means_the_calling_one(void **state)
{
    (void)state;
    expect_each_once(COUNT, 0);
    expect_each_once(COUNT, -1);
    expect_each_once(COUNT, INT32_MIN);
}

static void note_order(void *context, size_t index, int lane)
{
    size_t *next = context;
    assert_int_equal(lane, 0);
    assert_int_equal(index, *next);
    ++*next;
}

static void test_one_thread_goes_in_order(void **state)
{
    size_t next = 0;
    (void)state;
    cs_parallel_for(COUNT, 1, note_order, &next);
    assert_int_equal(next, COUNT);
}

static void test_default_follows_the_environment(void **state)
{
    static const struct {
        const char *value;
        int threads; /* 0: as without the variable */
    } cases[] = {{"3", 3},
                 {"4,2", 4},
                 {"100000", CS_MAX_THREADS},
                 {"99999999999999999999", CS_MAX_THREADS},
                 {"0", 0},
                 {"none", 0},
                 {"-5", 0}};
    int machine;
    (void)state;
    unsetenv("OMP_NUM_THREADS");
    machine = cs_threads_default();
    assert_in_range(machine, 1, CS_MAX_THREADS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("OMP_NUM_THREADS", cases[i].value, 1);
        assert_int_equal(cs_threads_default(), cases[i].threads ? cases[i].threads : machine);
    }
    unsetenv("OMP_NUM_THREADS");
}

static void test_default_follows_affinity(void **state)
{
    cpu_set_t before, one;
    int cpu = 0, found;
    (void)state;
    if (sched_getaffinity(0, sizeof before, &before) != 0) skip();
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) skip();
    found = cs_threads_default();
    sched_setaffinity(0, sizeof before, &before);
    assert_int_equal(found, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once_on_any_number_of_threads),
        cmocka_unit_test(test_no_threads_means_the_calling_one),
        cmocka_unit_test(test_one_thread_goes_in_order),
        cmocka_unit_test(test_default_follows_the_environment),
        cmocka_unit_test(test_default_follows_affinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
