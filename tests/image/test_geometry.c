/* SPDX-License-Identifier: MIT */
/* Sizes and crops to the last rounding; the numbers are those of torchvision, open_clip and
 * transformers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "image/geometry.h"

static cs_plan plan(int height, int width, clipspan_resize resize, int huggingface, int crop_to,
                    int in_width, int in_height)
{
    cs_preprocess how;
    clipspan_error err;
    cs_plan made;
    memset(&how, 0, sizeof how);
    how.height = height;
    how.width = width;
    how.resize = resize;
    how.kernel = CLIPSPAN_BILINEAR;
    how.convert_first = how.floor_crop = huggingface;
    how.crop_to = crop_to;
    if (cs_geometry_plan(&made, &how, in_width, in_height, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    return made;
}

static void the_long_edge_is_cut_to_a_whole_number(void **state)
{
    cs_plan p = plan(224, 224, CLIPSPAN_SHORTEST, 0, 0, 640, 427);
    (void)state;
    assert_int_equal(p.x.out, 335); /* 335.737… */
    assert_int_equal(p.y.out, 224);
    assert_int_equal(p.x.first, 56); /* 55.5 to even */
    p = plan(224, 224, CLIPSPAN_SHORTEST, 1, 0, 427, 640);
    assert_int_equal(p.y.out, 335);
    assert_int_equal(p.y.first, 55);
    assert_int_equal(p.kernel, CLIPSPAN_BILINEAR);
}

static void a_target_that_is_not_square_is_resized_bicubic(void **state)
{
    const cs_plan p = plan(160, 224, CLIPSPAN_SHORTEST, 0, 0, 500, 300);
    (void)state;
    assert_int_equal(p.x.out, 267); /* 500 / 1.875 = 266.67, rounded */
    assert_int_equal(p.y.out, 160);
    assert_int_equal(p.x.first, 22); /* 21.5 to even */
    assert_int_equal(p.kernel, CLIPSPAN_BICUBIC);
}

static void longest_pads_the_short_edge(void **state)
{
    cs_plan p = plan(64, 64, CLIPSPAN_LONGEST, 0, 0, 100, 41);
    (void)state;
    assert_int_equal(p.x.out, 64);
    assert_int_equal(p.y.out, 26); /* 26.24 */
    assert_int_equal(p.y.at, 19);
    assert_int_equal(p.y.count, 26);
    p = plan(64, 64, CLIPSPAN_LONGEST, 0, 0, 128, 50);
    assert_int_equal(p.y.out, 25);
    assert_int_equal(p.y.at, 19); /* 19.5 down */
    p = plan(64, 64, CLIPSPAN_LONGEST, 0, 0, 128, 49);
    assert_int_equal(p.y.out, 24); /* 24.5 to even */
    p = plan(64, 64, CLIPSPAN_LONGEST, 0, 0, 10000, 1);
    assert_int_equal(p.y.out, 1); /* 0.0064 */
}

static void squash_takes_the_target(void **state)
{
    const cs_plan p = plan(33, 97, CLIPSPAN_SQUASH, 0, 0, 7, 5000);
    (void)state;
    assert_int_equal(p.x.out, 97);
    assert_int_equal(p.y.out, 33);
    assert_int_equal(p.x.first + p.y.first + p.x.at + p.y.at, 0);
}

static void a_shortest_edge_below_the_crop_is_padded_upwards(void **state)
{
    const cs_plan p = plan(65, 65, CLIPSPAN_SHORTEST, 1, 62, 100, 100);
    (void)state;
    assert_int_equal(p.x.out, 62);
    assert_int_equal(p.x.at, 2); /* 1.5 up */
    assert_int_equal(p.x.count, 62);
    assert_int_equal(plan(65, 65, CLIPSPAN_SHORTEST, 0, 62, 100, 100).x.at, 1); /* down */
    assert_int_equal(plan(60, 60, CLIPSPAN_SHORTEST, 1, 65, 100, 100).x.first, 2);
}

static void out_of_range_is_refused(void **state)
{
    cs_preprocess how;
    clipspan_error err;
    cs_plan made;
    (void)state;
    memset(&how, 0, sizeof how);
    how.resize = CLIPSPAN_SHORTEST;
    how.kernel = CLIPSPAN_BICUBIC;
    assert_int_equal(cs_geometry_plan(&made, &how, 5, 5, &err), CLIPSPAN_E_ARGUMENT);
    how.height = how.width = 4097;
    assert_int_equal(cs_geometry_plan(&made, &how, 5, 5, &err), CLIPSPAN_E_ARGUMENT);
    how.height = how.width = 4096;
    assert_int_equal(cs_geometry_plan(&made, &how, 500000, 1, &err), CLIPSPAN_OK);
    assert_int_equal(cs_geometry_plan(&made, &how, 1, 524288, &err), CLIPSPAN_E_LIMIT);
    how.resize = (clipspan_resize)9;
    assert_int_equal(cs_geometry_plan(&made, &how, 5, 5, &err), CLIPSPAN_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_long_edge_is_cut_to_a_whole_number),
        cmocka_unit_test(a_target_that_is_not_square_is_resized_bicubic),
        cmocka_unit_test(longest_pads_the_short_edge),
        cmocka_unit_test(squash_takes_the_target),
        cmocka_unit_test(a_shortest_edge_below_the_crop_is_padded_upwards),
        cmocka_unit_test(out_of_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
