/* SPDX-License-Identifier: MIT */
/* Roles look the same in every report, and never alike in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/palette.h"

static void known_roles_keep_their_look_in_any_company(void **state)
{
    static const char *const few[] = {"shape", "colour"};
    static const char *const more[] = {"colour", "corn",  "cobalt", "shape",
                                       "colour", "shale", "zoo"};
    cs_palette a, b;
    (void)state;
    assert_int_equal(cs_palette_init(&a, few, 2, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_palette_init(&b, more, 7, NULL), CLIPSPAN_OK);
    assert_int_equal(a.count, 2);
    assert_int_equal(b.count, 6);
    assert_string_equal(cs_palette_find(&a, "colour")->letters, "co");
    assert_string_equal(cs_palette_find(&b, "colour")->letters, "co");
    assert_int_equal(cs_palette_find(&a, "colour")->hue, cs_palette_find(&b, "colour")->hue);
    assert_int_not_equal(cs_palette_find(&a, "colour")->hue, cs_palette_find(&a, "shape")->hue);
    assert_int_equal(cs_palette_find(&b, "corn")->hue, 0);
    assert_string_equal(cs_palette_find(&b, "zoo")->letters, "zo");
    assert_null(cs_palette_find(&b, "weather"));
    cs_palette_fini(&a);
    cs_palette_fini(&b);
}

static void letters_are_never_shared(void **state)
{
    static const char *const names[] = {"action",
                                        "animal",
                                        "appearance",
                                        "body",
                                        "building",
                                        "clothing",
                                        "colour",
                                        "count",
                                        "country",
                                        "emotion",
                                        "food",
                                        "furniture",
                                        "light",
                                        "material",
                                        "music",
                                        "object",
                                        "pattern",
                                        "person",
                                        "place",
                                        "plant",
                                        "season",
                                        "shape",
                                        "size",
                                        "sport",
                                        "style",
                                        "texture",
                                        "time",
                                        "vehicle",
                                        "viewpoint",
                                        "weather",
                                        "writing",
                                        "co",
                                        "cob",
                                        "c",
                                        "cc",
                                        "\xC3\xA9t\xC3\xA9",
                                        "\xE8\x89\xB2\xE5\xBD\xA9",
                                        "\xFF"};
    const size_t count = sizeof names / sizeof *names;
    cs_palette palette;
    size_t i, k;
    (void)state;
    assert_int_equal(cs_palette_init(&palette, names, count, NULL), CLIPSPAN_OK);
    assert_int_equal(palette.count, count);
    for (i = 0; i < count; i++) {
        assert_in_range(palette.looks[i].hue, 0, CS_HUES - 1);
        for (k = 0; k < i; k++)
            assert_string_not_equal(palette.looks[i].letters, palette.looks[k].letters);
    }
    assert_string_equal(cs_palette_find(&palette, "\xC3\xA9t\xC3\xA9")->letters, "\xC3\xA9t");
    assert_string_equal(cs_palette_find(&palette, "\xE8\x89\xB2\xE5\xBD\xA9")->letters,
                        "\xE8\x89\xB2\xE5\xBD\xA9");
    cs_palette_fini(&palette);
}

static void no_roles_are_fine(void **state)
{
    cs_palette palette;
    (void)state;
    assert_int_equal(cs_palette_init(&palette, NULL, 0, NULL), CLIPSPAN_OK);
    assert_null(cs_palette_find(&palette, "colour"));
    cs_palette_fini(&palette);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_roles_keep_their_look_in_any_company),
        cmocka_unit_test(letters_are_never_shared),
        cmocka_unit_test(no_roles_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
