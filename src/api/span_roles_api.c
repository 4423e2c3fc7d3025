/* SPDX-License-Identifier: MIT */
/* Roles of spans: what their tests need, and the judgement over all of them. */
#include "api/span_api.h"
#include "base/memory.h"

static clipspan_status take_categories(cs_categories **out, const clipspan_bank *bank,
                                       clipspan_error *err)
{
    const size_t count = clipspan_bank_get_count(bank);
    const char **keys = cs_alloc(count, sizeof(*keys), "categories", err);
    clipspan_status status;
    if (!keys) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        keys[i] = clipspan_bank_get_key(bank, i);
    status = cs_categories_new(out, keys, count, err);
    cs_free(keys);
    return status;
}

static clipspan_status check_controls(const clipspan_span_options *o, const clipspan_bank *bank,
                                      clipspan_error *err)
{
    if (o->rotations < 0 || o->rotations > CS_ROTATIONS_MOST || o->control_pools < 0 ||
        o->control_pools > CS_CONTROL_POOLS_MOST || (o->control_pools && !o->controls))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "roles take 0 to %d rotations and 0 to %d control pools; found %d and %d%s",
                       CS_ROTATIONS_MOST, CS_CONTROL_POOLS_MOST, o->rotations, o->control_pools,
                       o->control_pools && !o->controls ? " (controls is NULL)" : "");
    for (int i = 0; i < o->control_pools; i++)
        if (!o->controls[i] ||
            clipspan_bank_get_count(o->controls[i]) != clipspan_bank_get_count(bank) ||
            clipspan_bank_get_width(o->controls[i]) != clipspan_bank_get_width(bank))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "control pool %d has not %zu texts of %zu numbers as the bank has", i,
                           clipspan_bank_get_count(bank), clipspan_bank_get_width(bank));
    return CLIPSPAN_OK;
}

clipspan_status cs_span_take_roles(cs_span_roles *roles, cs_span_options *o,
                                   const clipspan_span_options *options, const clipspan_bank *bank,
                                   size_t C, const cs_simd *simd, clipspan_error *err)
{
    const size_t pools = (size_t)options->control_pools;
    CS_TRY(check_controls(options, bank, err));
    if (options->rotations == 0) return CLIPSPAN_OK;
    CS_TRY(take_categories(&roles->categories, bank, err));
    roles->controls = cs_alloc(pools, sizeof(*roles->controls), "control pools", err);
    if (!roles->controls) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < pools; i++)
        roles->controls[i] = clipspan_bank_get_vectors(options->controls[i]);
    roles->wish.categories = roles->categories;
    roles->wish.controls = roles->controls;
    roles->wish.control_pools = pools;
    roles->wish.rotations = (size_t)options->rotations;
    roles->wish.C = C;
    roles->wish.seed = options->seed;
    o->roles = &roles->wish;
    return cs_role_wish_draw(&roles->wish, simd, err);
}

void cs_span_roles_fini(cs_span_roles *roles)
{
    cs_role_wish_fini(&roles->wish);
    cs_categories_free(&roles->categories);
    cs_free(roles->controls);
    roles->controls = NULL;
}

clipspan_status clipspan_span_run_roles(clipspan_role *out, clipspan_span *const *spans,
                                        size_t count, const clipspan_bank *bank, double fdr,
                                        clipspan_error *err)
{
    cs_clear(err);
    if (!out || !spans || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_span_run_roles: an argument is NULL");
    if (!(fdr >= 0.0 && fdr <= 1.0))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a false discovery rate lies from 0 to 1; found %g", fdr);
    for (size_t i = 0; i < count; i++) {
        if (!spans[i] || spans[i]->info.texts != clipspan_bank_get_count(bank))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "the bank has %zu texts, the basis texts of head %zu are from a pool of "
                           "%zu",
                           clipspan_bank_get_count(bank), i, spans[i] ? spans[i]->info.texts : 0);
        if (!spans[i]->span->tested)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "the basis texts of head %zu were made without rotations, which a role "
                           "is tested with",
                           i);
        out[i] = spans[i]->span->role;
    }
    return cs_roles_judge(out, NULL, count, fdr == 0.0 ? CS_ROLES_FDR : fdr, err);
}
