/* SPDX-License-Identifier: MIT */
/* Halves: every one of them there and back, and every boundary between two. */
#include "formats/widen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static float wide(uint16_t half)
{
    float x;
    cs_widen_f16(&x, &half, 1);
    return x;
}

static uint16_t narrow(float x)
{
    uint16_t half;
    cs_narrow_f16(&half, &x, 1);
    return half;
}

static void there_and_back(void **state)
{
    uint32_t h;
    (void)state;
    for (h = 0; h < 65536; h++) {
        uint16_t back = narrow(wide((uint16_t)h));
        if ((h & 0x7C00) == 0x7C00 && (h & 0x3FF))
            assert_int_equal(back, (h & 0x8000) | 0x7E00);
        else
            assert_int_equal(back, h);
    }
}

/* Half way between two neighbours goes to the even one, a hair beside it to the nearer. */
static void boundaries(void **state)
{
    uint16_t h;
    (void)state;
    for (h = 0; h < 0x7BFF; h++) {
        float middle = wide(h) / 2.0F + wide((uint16_t)(h + 1)) / 2.0F;
        assert_int_equal(narrow(middle), h & 1 ? h + 1 : h);
        assert_int_equal(narrow(nextafterf(middle, 0.0F)), h);
        assert_int_equal(narrow(nextafterf(middle, 1e9F)), h + 1);
        assert_int_equal(narrow(-middle), 0x8000 | (h & 1 ? h + 1 : h));
    }
    assert_int_equal(narrow(65519.99F), 0x7BFF);
    assert_int_equal(narrow(65520.0F), 0x7C00);
    assert_int_equal(narrow(3e38F), 0x7C00);
    assert_int_equal(narrow(-INFINITY), 0xFC00);
    assert_int_equal(narrow(1e-30F), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(boundaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
