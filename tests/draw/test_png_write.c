/* SPDX-License-Identifier: MIT */
/* What is written reads back the same, and appears whole or not at all. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "draw/png_write.h"
#include "image/raster.h"

static const uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
static char folder[] = "/tmp/clipspan-png-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/out.png", folder);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void check(int channels, cs_mode mode)
{
    const int stride = channels == 3 ? 4 : 1;
    cs_image_source source = {NULL, 0, path, 100, 0};
    unsigned char *bytes;
    clipspan_error err;
    cs_raster raster;
    int i, c;
    assert_int_equal(cs_png_write(path, pixels, 2, 3, channels, 1, &err), CLIPSPAN_OK);
    assert_int_equal(cs_file_read_all(&bytes, &source.size, path, 10000, &err), CLIPSPAN_OK);
    source.bytes = bytes;
    assert_int_equal(cs_png_decode(&raster, &source, &err), CLIPSPAN_OK);
    assert_int_equal(raster.mode, mode);
    assert_int_equal(raster.width, 3);
    assert_int_equal(raster.height, 2);
    for (i = 0; i < 6; i++)
        for (c = 0; c < channels; c++)
            assert_int_equal(raster.data[stride * i + c], pixels[channels * i + c]);
    cs_raster_fini(&raster);
    cs_free(bytes);
}

static void rgb_and_grey_read_back_the_same(void **state)
{
    (void)state;
    check(3, CS_MODE_RGB);
    check(1, CS_MODE_GREY);
}

static void an_existing_file_stays(void **state)
{
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_png_write(path, pixels, 2, 3, 3, 1, &err), CLIPSPAN_OK);
    assert_int_equal(cs_png_write(path, pixels, 1, 1, 3, 0, &err), CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, path));
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_png_write("/nowhere/at/all.png", pixels, 1, 1, 3, 0, &err),
                     CLIPSPAN_E_WRITE);
}

/* No room for the file: an error, and neither the file nor a part of it stays. */
static void a_write_that_fails_leaves_nothing(void **state)
{
    static uint8_t noise[3 * 256 * 256];
    struct rlimit before, small;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    clipspan_error err;
    uint32_t random = 1;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    unlink(path);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    i = (size_t)-cs_png_write(path, noise, 256, 256, 3, 0, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(i, -CLIPSPAN_E_WRITE);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(cs_path_kind(path), 0);
    assert_int_equal(rmdir(folder), 0); /* empty */
    assert_int_equal(cs_make_folder(folder, &err), CLIPSPAN_OK);
}

static void sizes_out_of_range_are_refused(void **state)
{
    static const int wrong[][3] = {{0, 1, 3}, {1, 0, 3}, {1, 1, 2}, {65537, 1, 3}, {1, -5, 1}};
    clipspan_error err;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(cs_png_write(path, pixels, wrong[i][0], wrong[i][1], wrong[i][2], 1, &err),
                         CLIPSPAN_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rgb_and_grey_read_back_the_same),
        cmocka_unit_test(an_existing_file_stays),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
        cmocka_unit_test(a_write_that_fails_leaves_nothing),
        cmocka_unit_test(sizes_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
