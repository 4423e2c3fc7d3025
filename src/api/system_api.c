/* SPDX-License-Identifier: MIT */
/* Version, kernel level, product, threads. */
#include "api/model_handles.h"
#include "base/parallel.h"

const char *clipspan_version(void)
{
    return CLIPSPAN_VERSION;
}

const char *clipspan_cpu_level(void)
{
    return cs_simd_best()->name;
}

const char *clipspan_product_name(void)
{
    return cs_product_name();
}

int clipspan_has_bf16(void)
{
    return cs_product_has_bf16() && cs_simd_best()->attention_bf16 != NULL;
}

int clipspan_default_threads(void)
{
    return cs_threads_default();
}
