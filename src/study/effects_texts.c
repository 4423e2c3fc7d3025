/* SPDX-License-Identifier: MIT */
/* Readers of heads that are sums over their first texts. */
#include "study/effects_texts.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* v : [C, classes] = sum over the first texts of reader_k (direction_k . w_c). */
static void add_texts(double *v, const cs_head_texts *head, const cs_effects *e, int most)
{
    const cs_shape s = cs_effects_shape(e);
    const size_t classes = cs_effects_classes(e);
    const float *w = cs_effects_vectors(e);
    const int count = head->count < most ? head->count : most;
    memset(v, 0, s.C * classes * sizeof *v);
    for (int k = 0; k < count; k++)
        for (size_t c = 0; c < classes; c++) {
            double along = 0.0;
            for (size_t p = 0; p < s.P; p++)
                along += (double)head->directions[(size_t)k * s.P + p] * (double)w[c * s.P + p];
            for (size_t i = 0; i < s.C; i++)
                v[i * classes + c] += head->readers[(size_t)k * s.C + i] * along;
        }
}

clipspan_status cs_effects_run_texts(uint32_t *predicted, double *margins, cs_effects *e,
                                     cs_effects *source, const cs_head_texts *heads, size_t count,
                                     int most, const int32_t *labels, clipspan_error *err)
{
    const cs_shape s = cs_effects_shape(source);
    const size_t size = s.C * cs_effects_classes(source);
    double *readers = cs_alloc(count, size * sizeof *readers, "readers of texts", err);
    size_t *components = cs_alloc(count, sizeof *components, "heads", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    for (size_t i = 0; readers && components && i < count; i++) {
        components[i] = (size_t)heads[i].head.layer * s.H + (size_t)heads[i].head.head;
        add_texts(readers + i * size, &heads[i], source, most);
    }
    if (readers && components)
        status = cs_effects_run_replaced(predicted, margins, e, source, components, count, readers,
                                         labels, err);
    cs_free(readers);
    cs_free(components);
    return status;
}

static int compare_sizes(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

clipspan_status cs_effects_count_texts(uint64_t *out, const cs_head_texts *heads, size_t count,
                                       int most, clipspan_error *err)
{
    size_t *texts = cs_alloc(count * (size_t)most, sizeof *texts, "texts", err), used = 0, i;
    *out = 0;
    if (!texts) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < count; i++)
        for (int k = 0; k < most && k < heads[i].count; k++)
            texts[used++] = heads[i].texts[k].text;
    qsort(texts, used, sizeof *texts, compare_sizes);
    for (i = 0; i < used; i++)
        *out += i == 0 || texts[i] != texts[i - 1];
    cs_free(texts);
    return CLIPSPAN_OK;
}
