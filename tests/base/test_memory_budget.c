/* SPDX-License-Identifier: MIT */
/* The budget: sizes as people write them, limits of nested cgroups on made-up file systems, and the
 * pool that threads share. */
#define _XOPEN_SOURCE 700
#include "base/file.h"
#include "base/memory_budget.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void sizes_have_units_of_1024(void **state)
{
    (void)state;
    assert_int_equal(cs_memory_size("1000000"), 1000000);
    assert_int_equal(cs_memory_size("2K"), 2048);
    assert_int_equal(cs_memory_size("512M"), 512 << 20);
    assert_int_equal(cs_memory_size("1.5g"), (uint64_t)3 << 29);
    assert_int_equal(cs_memory_size("2GiB"), (uint64_t)2 << 30);
    assert_int_equal(cs_memory_size("1TB"), (uint64_t)1 << 40);
    assert_int_equal(cs_memory_size(""), 0);
    assert_int_equal(cs_memory_size("M"), 0);
    assert_int_equal(cs_memory_size("-5M"), 0);
    assert_int_equal(cs_memory_size("5X"), 0);
    assert_int_equal(cs_memory_size("5MM"), 0);
    assert_int_equal(cs_memory_size("1.2.3"), 0);
    assert_int_equal(cs_memory_size("9999999999999999T"), 0);
}

static void o1_the_environment_sets_the_budget(void **state)
{
    (void)state;
    setenv("CLIPSPAN_MEMORY", "300M", 1);
    assert_int_equal(cs_memory_total(), 300 << 20);
    setenv("CLIPSPAN_MEMORY", "nonsense", 1);
    assert_true(cs_memory_total() > 0 && cs_memory_total() != 300 << 20);
    unsetenv("CLIPSPAN_MEMORY");
}

static void put(const char *root, const char *folder, const char *name, const char *text)
{
    char path[512];
    FILE *file;
    snprintf(path, sizeof path, "%s%s", root, folder);
    assert_int_equal(cs_make_folder(path, NULL), CLIPSPAN_OK);
    snprintf(path, sizeof path, "%s%s/%s", root, folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void o6_the_least_of_nested_groups_counts(void **state)
{
    char root[] = "/tmp/clipspan-cgroup-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(cs_memory_cgroup(root), 0); /* no groups at all */
    put(root, "/proc/self", "cgroup", "0::/user.slice/job.slice/step\n");
    put(root, "/sys/fs/cgroup/user.slice/job.slice/step", "memory.max", "max\n");
    assert_int_equal(cs_memory_cgroup(root), 0);
    put(root, "/sys/fs/cgroup/user.slice", "memory.max", "3000000000\n");
    assert_int_equal(cs_memory_cgroup(root), 3000000000);
    put(root, "/sys/fs/cgroup/user.slice/job.slice", "memory.max", "500000000\n");
    assert_int_equal(cs_memory_cgroup(root), 500000000);
    put(root, "/sys/fs/cgroup/user.slice/job.slice/step", "memory.max", "800000000\n");
    assert_int_equal(cs_memory_cgroup(root), 500000000);
    /* version 1 beside it, and a container that sees its group as the root */
    put(root, "/proc/self", "cgroup", "5:cpu,memory:/docker/abc\n1:name=systemd:/\n");
    assert_int_equal(cs_memory_cgroup(root), 0);
    put(root, "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "400000000\n");
    assert_int_equal(cs_memory_cgroup(root), 400000000);
    put(root, "/sys/fs/cgroup/memory/docker/abc", "memory.limit_in_bytes", "200000000\n");
    assert_int_equal(cs_memory_cgroup(root), 200000000);
}

static atomic_int entered;

static void *take_half(void *context)
{
    (void)context;
    cs_memory_take((uint64_t)20 << 20);
    atomic_store(&entered, 1);
    cs_memory_give((uint64_t)20 << 20);
    return NULL;
}

static void what_does_not_fit_waits(void **state)
{
    const struct timespec moment = {0, 50000000};
    pthread_t thread;
    (void)state;
    setenv("CLIPSPAN_MEMORY", "100M", 1); /* a pool of 25 MB */
    cs_memory_take((uint64_t)10 << 20);
    assert_int_equal(pthread_create(&thread, NULL, take_half, NULL), 0);
    nanosleep(&moment, NULL);
    assert_int_equal(atomic_load(&entered), 0);
    cs_memory_give((uint64_t)10 << 20);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&entered), 1);
    cs_memory_take((uint64_t)1 << 40); /* larger than all of it: alone */
    cs_memory_give((uint64_t)1 << 40);
    unsetenv("CLIPSPAN_MEMORY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_units_of_1024),
        cmocka_unit_test(o1_the_environment_sets_the_budget),
        cmocka_unit_test(o6_the_least_of_nested_groups_counts),
        cmocka_unit_test(what_does_not_fit_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
