/* SPDX-License-Identifier: MIT */
/* Image files, parts of them and texts as what is looked for, through the run's model. */
#include <string.h>

#include <clipspan/decompose.h>
#include <clipspan/encode.h>
#include <clipspan/model.h>
#include <clipspan/run.h>

#include "base/memory.h"
#include "image/geometry.h"
#include "study/query.h"

/* How the run read its image files. */
static clipspan_image_options run_options(const cs_query *query)
{
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    options.exif_orient = query->info->exif_orient;
    options.max_pixels = query->info->max_pixels;
    return options;
}

static clipspan_status need_model(const cs_query *query, const char *what, const char *name,
                                  clipspan_error *err)
{
    if (query->model) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "%s \"%.200s\" is looked for with the run's model, which was not given", what,
                   name);
}

/* ---- Parts of an image ---- */

/* Left, top, right, bottom of what the model sees of a file. */
static clipspan_status find_window(double window[4], const cs_query *query, const char *path,
                                   clipspan_error *err)
{
    const clipspan_model_info *info = clipspan_model_get_info(query->model);
    const clipspan_image_options options = run_options(query);
    clipspan_status status;
    cs_raster raster;
    cs_plan plan;
    CS_TRY_DONE(cs_image_open(&raster, path, &options, err));
    CS_TRY_DONE(cs_geometry_plan(&plan, query->preprocess, raster.width, raster.height, err));
    cs_geometry_window(window, &plan, info->grid_width * info->patch_size,
                       info->grid_height * info->patch_size);
done:
    cs_raster_fini(&raster);
    return status;
}

/* Whether the centre of patch n, counted row by row, lies in the region. */
static int lies_inside(const double region[4], const double window[4],
                       const clipspan_model_info *info, size_t n)
{
    const size_t row = n / (size_t)info->grid_width, column = n % (size_t)info->grid_width;
    const double step_x = (window[2] - window[0]) / (double)info->grid_width;
    const double step_y = (window[3] - window[1]) / (double)info->grid_height;
    const double x = window[0] + ((double)column + 0.5) * step_x - region[0];
    const double y = window[1] + ((double)row + 0.5) * step_y - region[1];
    return x >= 0.0 && y >= 0.0 && x < region[2] && y < region[3];
}

static clipspan_status fail_region(const cs_query_item *item, const double window[4],
                                   const clipspan_model_info *info, clipspan_error *err)
{
    const double *r = item->shown.region;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "the region %g,%g,%g,%g holds the middle of no patch; the model sees pixels "
                   "%.0f to %.0f across and %.0f to %.0f down of %.80s, in patches of %.3g x %.3g",
                   r[0], r[1], r[2], r[3], window[0], window[2], window[1], window[3], item->name,
                   (window[2] - window[0]) / (double)info->grid_width,
                   (window[3] - window[1]) / (double)info->grid_height);
}

/* Adds up the tokens whose patches' centres lie in the region: item->heads : [L, H, P]. */
static clipspan_status sum_region(cs_query_item *item, const cs_query *query,
                                  const clipspan_decomposition *parts, clipspan_error *err)
{
    const clipspan_model_info *info = clipspan_model_get_info(query->model);
    const size_t P = (size_t)info->embed_width, N = (size_t)info->tokens;
    const size_t H = (size_t)query->info->heads, heads = (size_t)query->info->layers * H;
    clipspan_status status;
    double window[4];
    const size_t first = (size_t)info->class_token;
    size_t inside = 0, i, n, p;
    float *tokens = cs_alloc(N, P * sizeof *tokens, "contributions of patches", err);
    if (!tokens) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(find_window(window, query, item->name, err));
    memset(item->heads, 0, heads * P * sizeof *item->heads);
    for (i = 0; i < heads; i++) {
        float *sum = item->heads + i * P;
        CS_TRY_DONE(
            clipspan_decomposition_run_tokens(tokens, parts, (int)(i / H), (int)(i % H), err));
        for (n = 0, inside = 0; n + first < N; n++) {
            if (!lies_inside(item->shown.region, window, info, n)) continue;
            inside++;
            for (p = 0; p < P; p++)
                sum[p] += tokens[(n + first) * P + p];
        }
    }
    if (inside == 0) status = fail_region(item, window, info, err);
done:
    cs_free(tokens);
    return status;
}

/* ---- Image files ---- */

static clipspan_status read_file(cs_query_item *item, const cs_query *query,
                                 clipspan_decomposition *parts, clipspan_error *err)
{
    const size_t P = (size_t)query->info->embed_width;
    const char *path = item->name;
    CS_TRY(clipspan_decomposition_run_files(parts, NULL, &path, 1, err));
    memcpy(item->vector, clipspan_decomposition_get_embeddings(parts), P * sizeof *item->vector);
    if (!item->shown.has_region)
        return clipspan_decomposition_run_contributions(item->heads, NULL, NULL, NULL, parts, 0,
                                                        err);
    return sum_region(item, query, parts, err);
}

static clipspan_status take_file(cs_query_item *item, const cs_query *query,
                                 clipspan_decomposition *parts, clipspan_error *err)
{
    const size_t P = (size_t)query->info->embed_width;
    const size_t heads = (size_t)query->info->layers * (size_t)query->info->heads;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_free(item->heads);
    item->heads = cs_alloc(heads, P * sizeof *item->heads, "contributions", err);
    item->vector = cs_alloc(P, sizeof *item->vector, "an embedding", err);
    if (item->heads && item->vector) status = read_file(item, query, parts, err);
    if (status != CLIPSPAN_OK) {
        cs_free(item->vector);
        item->vector = NULL;
    }
    return status;
}

/* The items of a kind that are still to be read. */
static size_t count_missing(const cs_query *query, clipspan_query_kind kind, size_t *first)
{
    size_t count = 0, i;
    for (i = query->item_count; i-- > 0;)
        if (query->items[i].shown.kind == kind && !query->items[i].vector) {
            *first = i;
            count++;
        }
    return count;
}

clipspan_status cs_query_read_files(cs_query *query, clipspan_error *err)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_decomposition_options with = CLIPSPAN_DECOMPOSITION_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    const clipspan_image_options image = run_options(query);
    clipspan_decomposition *parts = NULL;
    clipspan_status status;
    size_t first = 0, i;
    if (!count_missing(query, CLIPSPAN_QUERY_FILE, &first)) return CLIPSPAN_OK;
    CS_TRY(need_model(query, "the image", query->items[first].name, err));
    o.precision = query->info->precision;
    o.threads = query->threads;
    o.image = &image;
    for (i = 0; i < query->item_count; i++)
        with.tokens |= query->items[i].shown.has_region;
    CS_TRY_DONE(clipspan_encoder_new(&encoder, query->model, &o, err));
    CS_TRY_DONE(clipspan_decomposition_new(&parts, encoder, &with, err));
    for (i = 0; i < query->item_count; i++)
        if (query->items[i].shown.kind == CLIPSPAN_QUERY_FILE && !query->items[i].vector)
            CS_TRY_DONE(take_file(&query->items[i], query, parts, err));
done:
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    return status;
}

/* ---- Texts ---- */

/* The missing texts as a list, in the order of items. */
static clipspan_status list_texts(clipspan_texts **out, const cs_query *query, size_t count,
                                  clipspan_error *err)
{
    const char **names = cs_alloc(count, sizeof *names, "texts of a query", err);
    clipspan_status status;
    size_t used = 0, i;
    if (!names) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < query->item_count; i++)
        if (query->items[i].shown.kind == CLIPSPAN_QUERY_TEXT && !query->items[i].vector)
            names[used++] = query->items[i].name;
    status = clipspan_texts_new(out, names, NULL, used, err);
    cs_free(names);
    return status;
}

/* A text of which the tokenizer leaves nothing has no direction. */
static clipspan_status check_tokens(const cs_query *query, const clipspan_texts *texts,
                                    clipspan_error *err)
{
    const size_t C = (size_t)clipspan_model_get_info(query->model)->context_length;
    clipspan_status status = CLIPSPAN_OK;
    int32_t *ids = cs_alloc(C, sizeof *ids, "token ids", err);
    size_t i;
    if (!ids) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < clipspan_texts_get_count(texts) && status == CLIPSPAN_OK; i++) {
        const char *text = clipspan_texts_get_text(texts, i);
        size_t count = 0;
        status = clipspan_tokens_encode(ids, &count, NULL, query->model, text, strlen(text), err);
        if (status == CLIPSPAN_OK && count <= 2)
            status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                             "text %zu, \"%.40s\", has no tokens: the tokenizer leaves nothing of "
                             "it; give words",
                             i + 1, text);
    }
    cs_free(ids);
    return status;
}

static clipspan_status take_vectors(cs_query *query, const clipspan_bank *bank, clipspan_error *err)
{
    const size_t P = (size_t)query->info->embed_width;
    const float *from = clipspan_bank_get_vectors(bank);
    size_t i;
    for (i = 0; i < query->item_count; i++) {
        cs_query_item *item = &query->items[i];
        if (item->shown.kind != CLIPSPAN_QUERY_TEXT || item->vector) continue;
        item->vector = cs_alloc(P, sizeof *item->vector, "a text's vector", err);
        if (!item->vector) return CLIPSPAN_E_NOMEM;
        memcpy(item->vector, from, P * sizeof *from);
        from += P;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_query_read_texts(cs_query *query, clipspan_error *err)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_texts *texts = NULL, *plain = NULL;
    clipspan_encoder *encoder = NULL;
    clipspan_bank *bank = NULL;
    clipspan_status status;
    size_t first = 0;
    const size_t count = count_missing(query, CLIPSPAN_QUERY_TEXT, &first);
    if (!count) return CLIPSPAN_OK;
    CS_TRY(need_model(query, "the text", query->items[first].name, err));
    if (!clipspan_model_get_info(query->model)->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, query->info->model_name,
                          "has no text encoder, so it cannot look for a text");
    o.modality = CLIPSPAN_TEXT;
    o.threads = query->threads;
    CS_TRY_DONE(list_texts(&texts, query, count, err));
    CS_TRY_DONE(check_tokens(query, texts, err));
    if (!query->templates) CS_TRY_DONE(clipspan_texts_open(&plain, "none", err));
    CS_TRY_DONE(clipspan_encoder_new(&encoder, query->model, &o, err));
    CS_TRY_DONE(clipspan_bank_new_classes(&bank, encoder, texts,
                                          query->templates ? query->templates : plain, NULL, err));
    status = take_vectors(query, bank, err);
done:
    clipspan_bank_free(&bank);
    clipspan_encoder_free(&encoder);
    clipspan_texts_free(&plain);
    clipspan_texts_free(&texts);
    return status;
}
