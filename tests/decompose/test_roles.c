/* SPDX-License-Identifier: MIT */
/* The rule of roles, number by number, on spans made by hand; how often labels dealt at random get
 * a role; and that a role that is there is found. */
#include "base/random.h"
#include "decompose/roles.h"
#include "published.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void narrow_heads_enter_fewer_basis_texts(void **state)
{
    (void)state;
    assert_int_equal(cs_roles_entering(80), 5);
    assert_int_equal(cs_roles_entering(32), 5);
    assert_int_equal(cs_roles_entering(31), 5);
    assert_int_equal(cs_roles_entering(29), 4);
    assert_int_equal(cs_roles_entering(18), 3);
    assert_int_equal(cs_roles_entering(16), 2);
    assert_int_equal(cs_roles_entering(8), 2);
    assert_int_equal(cs_roles_entering(1), 2);
}

static void keys_become_categories(void **state)
{
    static const char *const some[] = {"!colour", "animal", "",  NULL,
                                       "colour",  "!shape", "!", "animal"};
    static const int32_t of[] = {0, 1, -1, -1, 0, 2, -1, 1};
    cs_categories *c = NULL;
    (void)state;
    assert_int_equal(cs_categories_new(&c, some, 8, NULL), CLIPSPAN_OK);
    assert_int_equal(c->count, 3);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(c->of[i], of[i]);
    assert_string_equal(c->names[0], "colour");
    assert_string_equal(c->names[2], "shape");
    assert_true(c->objects[0] && c->objects[1] && !c->objects[2]);
    cs_categories_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(narrow_heads_enter_fewer_basis_texts),
        cmocka_unit_test(keys_become_categories),
    };
    return cmocka_run_group_tests_name("roles", tests, NULL, NULL);
}
