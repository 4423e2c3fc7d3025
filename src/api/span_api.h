/* SPDX-License-Identifier: MIT */
/* What the public handle of TEXTSPAN is made of, and what its two constructors share. */
#ifndef CLIPSPAN_SRC_API_SPAN_API_H
#define CLIPSPAN_SRC_API_SPAN_API_H

#include "api/model_handles.h"
#include "decompose/role_test.h"
#include "decompose/span.h"

struct clipspan_span {
    cs_span *span;
    clipspan_span_info info;
};

/* out : [count] set to NULL. Errors: ARGUMENT. */
clipspan_status cs_span_check_heads(clipspan_span **out, const clipspan_head *heads, size_t count,
                                    size_t L, size_t H, clipspan_error *err);

/* The pool of a bank whose vectors must have P numbers; name: of the model. */
clipspan_status cs_span_pool_of(cs_span_pool **out, const clipspan_bank *bank, size_t P,
                                const char *name, const cs_simd *simd, clipspan_error *err);

/* Options with their defaults filled in; options may be NULL. Blocks are not looked at. */
clipspan_status cs_span_take_options(cs_span_options *out, const clipspan_span_options *options,
                                     clipspan_error *err);

/* What roles are tested with, as far as options ask for it. */
typedef struct cs_span_roles {
    cs_categories *categories;
    const float **controls;
    cs_role_wish wish;
} cs_span_roles;

/* Points o->roles to `roles` when options ask for rotations. C: coefficients of a head. Errors:
 * ARGUMENT, NOMEM. */
clipspan_status cs_span_take_roles(cs_span_roles *roles, cs_span_options *o,
                                   const clipspan_span_options *options, const clipspan_bank *bank,
                                   size_t C, const cs_simd *simd, clipspan_error *err);
void cs_span_roles_fini(cs_span_roles *roles);

/* TEXTSPAN of `count` heads, each a handle of its own; all or none. */
clipspan_status cs_span_make(clipspan_span **out, const cs_span_pool *pool,
                             const cs_span_head *known, const clipspan_head *heads, size_t count,
                             size_t C, const cs_span_options *options,
                             const clipspan_progress *progress, clipspan_error *err);

#endif
