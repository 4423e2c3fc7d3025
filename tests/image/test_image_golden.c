/* SPDX-License-Identifier: MIT */
/* Pixels of tests/image/data against the reference transforms: MANIFEST.md there says where the
 * numbers come from and why the tolerance is 0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/image.h"

static int digit(int c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static void run_case(const char *line)
{
    char name[64], path[1024];
    int height, width, resize, kernel, huggingface, crop_to, fill, used = 0, i;
    cs_preprocess how;
    clipspan_error err;
    uint8_t pixels[3 * 32 * 32];
    assert_int_equal(sscanf(line, "%63s %d %d %d %d %d %d %d %n", name, &height, &width, &resize,
                            &kernel, &huggingface, &crop_to, &fill, &used),
                     8);
    assert_true(height <= 32 && width <= 32);
    memset(&how, 0, sizeof how);
    how.height = height;
    how.width = width;
    how.crop_to = crop_to;
    how.resize = (clipspan_resize)resize;
    how.kernel = (clipspan_kernel)kernel;
    how.convert_first = how.floor_crop = huggingface;
    how.fill[0] = how.fill[1] = how.fill[2] = fill;
    snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
    if (cs_image_read(pixels, &how, path, NULL, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    line += used;
    assert_int_equal(strcspn(line, "\n"), 6 * height * width);
    for (i = 0; i < 3 * height * width; i++) {
        const int wanted = 16 * digit(line[2 * i]) + digit(line[2 * i + 1]);
        if (pixels[i] != wanted)
            fail_msg("%s, %d x %d, mode %d, kernel %d, family %d: sample %d is %d, not %d", name,
                     height, width, resize, kernel, huggingface, i, pixels[i], wanted);
    }
}

static void pixels_are_those_of_the_references(void **state)
{
    static char line[8192];
    FILE *file = fopen(TEST_DATA "/expected.txt", "r");
    int cases = 0;
    (void)state;
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); cases++)
        run_case(line);
    fclose(file);
    assert_int_equal(cases, 132);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_those_of_the_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
