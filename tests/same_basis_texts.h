/* SPDX-License-Identifier: MIT */
/* The same basis texts, wherever their runners-up lie. After <cmocka.h>. */
#ifndef CLIPSPAN_TESTS_SAME_BASIS_TEXTS_H
#define CLIPSPAN_TESTS_SAME_BASIS_TEXTS_H

#include <clipspan/span.h>

static inline void same_basis_texts(const clipspan_basis_text *a, const clipspan_basis_text *b,
                                    size_t count)
{
    for (size_t k = 0; k < count; k++) {
        clipspan_basis_text x = a[k], y = b[k];
        assert_memory_equal(x.runner_up, y.runner_up, (size_t)x.runners_up * sizeof *x.runner_up);
        assert_memory_equal(x.near_duplicate, y.near_duplicate,
                            (size_t)x.near_duplicates * sizeof *x.near_duplicate);
        x.runner_up = y.runner_up = x.near_duplicate = y.near_duplicate = NULL;
        assert_memory_equal(&x, &y, sizeof x);
    }
}

#endif
