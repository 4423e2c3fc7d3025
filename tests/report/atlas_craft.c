/* SPDX-License-Identifier: MIT */
#include "atlas_craft.h"
#include "base/memory.h"

#include <clipspan/clipspan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS 400

static const char *const categories[] = {"colour", "shape",  "count",  "texture",
                                         "place",  "animal", "person", "vehicle",
                                         "food",   "style",  "gadget", "weather"};
#define CATEGORIES (sizeof categories / sizeof *categories)

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) abort();
    return memory;
}

/* 0 to 1. */
static double next(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return (*random >> 8) / 16777216.0;
}

static char *text_of(const atlas_craft *craft, size_t i)
{
    static const char *const words[] = {"A photo of something", "An image dominated by",
                                        "A close-up view of the", "The look of"};
    char *text = take(96, 1);
    if (craft->text)
        snprintf(text, 96, "%s", craft->text);
    else
        snprintf(text, 96, "%s %s, number %zu", words[i % 4], categories[i % CATEGORIES], i);
    return text;
}

static void fill_basis_texts(const atlas_craft *craft, clipspan_atlas_head *head,
                             cs_atlas_head *parts, clipspan_atlas_basis_text *basis_text,
                             clipspan_basis_text *part, cs_span_others *others, size_t main,
                             uint32_t *random)
{
    double sum = 0, control_sum = 0, share = 0.1 + 0.3 * next(random);
    int i, k;
    for (i = 0; i < craft->basis_texts; i++, share *= 0.75) {
        size_t text = (size_t)(next(random) * TEXTS);
        if (next(random) < 0.6) text = text / CATEGORIES * CATEGORIES + main;
        part[i].text = text < TEXTS ? text : main;
        part[i].share = share * (1 - sum);
        sum += part[i].share;
        control_sum += 0.6 * share * (1 - control_sum);
        basis_text[i].cumulated = sum;
        basis_text[i].control_cumulated = craft->bare ? -1 : control_sum;
        part[i].any_place = craft->bare ? -1 : 1 - 0.04 * i;
        part[i].same_place = craft->bare ? -1 : 1 - 0.05 * i;
        part[i].runners_up = 3;
        part[i].near_duplicates = i % 3 == 0;
        for (k = 0; k < CLIPSPAN_RUNNERS_UP; k++) {
            const clipspan_runner_up runner_up = {(size_t)(next(random) * TEXTS), 0.98 - 0.03 * k};
            others[i].runner_up[k] = others[i].near_duplicate[k] = runner_up;
        }
    }
    head->basis_text = basis_text;
    head->basis_texts = craft->basis_texts;
    parts->role.named = basis_text[4].cumulated;
    parts->role.control_named = basis_text[4].control_cumulated;
}

static clipspan_role_outcome choose_outcome(double depth, uint32_t *random)
{
    const double chance = next(random);
    return chance < 0.5 * depth ? CLIPSPAN_OUTCOME_ROLE
           : chance < 0.7       ? CLIPSPAN_OUTCOME_LEANING
           : chance < 0.8       ? CLIPSPAN_OUTCOME_AMBIGUOUS
                                : CLIPSPAN_OUTCOME_NONE;
}

static void fill_role(const atlas_craft *craft, const clipspan_atlas_head *head,
                      clipspan_role *role, size_t main, uint32_t *random)
{
    role->entering = 5;
    role->stability = role->category_returns = role->control_variance = -1;
    role->p = role->q = role->relabelled_p = -1;
    role->outcome = CLIPSPAN_OUTCOME_NONE;
    if (craft->bare) return;
    role->outcome = choose_outcome((head->head.layer + 1.0) / craft->layers, random);
    role->category[0] = categories[main];
    role->category[1] = categories[(main + 3) % CATEGORIES];
    role->first_category = categories[head->basis_text[0].basis_text->text % CATEGORIES];
    role->enrichment[0] = 4 + 3 * next(random);
    role->enrichment[1] =
        role->enrichment[0] * (role->outcome >= CLIPSPAN_OUTCOME_LEANING ? 0.4 : 0.9);
    role->p = role->q = role->outcome >= CLIPSPAN_OUTCOME_AMBIGUOUS ? 0.002 : 0.3;
    role->relabelled_p = 0.001;
    role->explained_variance[0] =
        role->outcome == CLIPSPAN_OUTCOME_ROLE ? 0.3 + 0.4 * next(random) : 0.1;
    role->explained_variance[1] = 0.08;
    role->control_pools = 10;
    role->control_above = role->outcome == CLIPSPAN_OUTCOME_ROLE ? 0 : 4;
    role->control_variance = 0.12;
    role->stability = role->category_returns = 0.5 + 0.5 * next(random);
}

/* What follows from a head's role, for the whole. */
static void count_head(clipspan_atlas_info *info, clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    const double share = head->variance_share->share > 0 ? head->variance_share->share : 0;
    head->weight = share * (role->explained_variance[0] - role->control_variance);
    head->minor = share < CLIPSPAN_MINOR_SHARE;
    info->minor += head->minor;
    if (head->minor) info->minor_share += share;
    *(role->outcome == CLIPSPAN_OUTCOME_ROLE             ? &info->role
      : role->outcome == CLIPSPAN_OUTCOME_LEANING        ? &info->leaning
      : role->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS      ? &info->ambiguous
      : role->outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES ? &info->too_few
                                                         : &info->none) += 1;
    info->expected_false_claims = info->fdr * (info->role + info->leaning);
}

static void fill_heads(const atlas_craft *craft, cs_atlas *atlas, uint32_t *random)
{
    size_t i, k, image = 0;
    for (i = 0; i < atlas->info.heads; i++) {
        clipspan_atlas_head *head = &atlas->heads[i];
        cs_atlas_head *parts = &atlas->head_parts[i];
        const size_t first = i * (size_t)craft->basis_texts;
        const size_t main = (size_t)(next(random) * CATEGORIES);
        head->head.layer = (int)i / craft->heads;
        head->head.head = (int)i % craft->heads;
        head->variance = 1 + next(random);
        parts->variance_share.share =
            (next(random) - 0.1) * 0.04 * (head->head.layer + 1) / craft->layers;
        fill_basis_texts(craft, head, parts, atlas->basis_texts + first, atlas->basis_parts + first,
                         atlas->others + first, main, random);
        fill_role(craft, head, &parts->role, main, random);
        count_head(&atlas->info, head);
        if (craft->bare || !craft->images || head->head.layer < craft->layers - 4) continue;
        head->top_count = head->bottom_count = CLIPSPAN_EXTREMES;
        for (k = 0; k < CLIPSPAN_EXTREMES; k++) {
            parts->top[k].image = image++ % craft->images;
            parts->bottom[k].image = image++ % craft->images;
        }
    }
}

static void fill_run(const atlas_craft *craft, clipspan_run_info *run)
{
    run->own = 1;
    run->model_name = "ViT-B-16/made-up";
    run->model_hash = "00ff";
    run->version = "0.1.0";
    run->cpu_level = "generic";
    run->product = "plain";
    run->precision = CLIPSPAN_F32;
    run->layers = craft->layers;
    run->heads = craft->heads;
    run->used = 12345;
    run->blocks = 64;
}

static void fill_info(const atlas_craft *craft, clipspan_atlas_info *info)
{
    info->activation = "gelu";
    info->preprocess = "shortest, bicubic";
    info->folder = craft->folder ? craft->folder : "/nowhere";
    info->pool = "general";
    info->pool_hash = "ff00";
    info->pool_texts = 5600;
    info->pool_categories = craft->bare ? 0 : CATEGORIES;
    info->control_texts = craft->bare ? 0 : 5600;
    info->last_layer = craft->layers - 1;
    info->basis_texts = craft->basis_texts;
    info->resamples = craft->bare ? 0 : 200;
    info->fdr = 0.05;
    info->rotations = craft->bare ? 0 : 1000;
    info->control_pools = craft->bare ? 0 : 10;
    info->heads = (size_t)craft->layers * (size_t)craft->heads;
    info->texts = TEXTS;
    info->images = craft->images;
    info->distinct = TEXTS;
    info->named = 0.612;
    info->control_named = craft->bare ? -1 : 0.45;
}

cs_atlas *atlas_craft_new(const atlas_craft *craft)
{
    cs_atlas *atlas = take(1, sizeof *atlas);
    uint32_t random = 5;
    size_t i;
    char *path;
    atlas->info.run = atlas->run = take(1, sizeof *atlas->run);
    fill_run(craft, atlas->run);
    fill_info(craft, &atlas->info);
    if (cs_atlas_take_layers(atlas, (size_t)craft->layers, NULL) != CLIPSPAN_OK ||
        cs_atlas_take_heads(atlas, atlas->info.heads,
                            atlas->info.heads * (size_t)craft->basis_texts, NULL) != CLIPSPAN_OK)
        abort();
    atlas->input.share = 0.002;
    atlas->texts = take(TEXTS, sizeof *atlas->texts);
    atlas->images = take(craft->images, sizeof *atlas->images);
    for (i = 0; i < TEXTS; i++) {
        atlas->texts[i].text = text_of(craft, i);
        atlas->texts[i].category = craft->bare ? "" : categories[i % CATEGORIES];
    }
    for (i = 0; i < craft->images; i++) {
        path = take(256, 1);
        if (craft->names)
            snprintf(path, 256, "%s", craft->names[i]);
        else
            snprintf(path, 256, "photos/image-%zu.jpg", i);
        atlas->images[i].path = atlas->images[i].file = path;
        atlas->images[i].label = "";
    }
    for (i = 0; i < (size_t)craft->layers; i++) {
        const double depth = (double)(i + 1) / craft->layers;
        atlas->layer_parts[i].attention = (clipspan_variance_share){depth * depth * 0.3, 0.1};
        atlas->layer_parts[i].mlp = (clipspan_variance_share){0.05 - 0.07 * depth, 0};
        atlas->layers[i].named = 0.4 + 0.3 * depth;
        atlas->layers[i].control_named = 0.4;
        atlas->layers[i].role = atlas->layers[i].leaning = 1;
    }
    fill_heads(craft, atlas, &random);
    return atlas;
}

void atlas_craft_free(cs_atlas **atlas)
{
    size_t i;
    union {
        const char *text;
        void *memory;
    } given;
    if (!*atlas) return;
    for (i = 0; i < TEXTS; i++) {
        given.text = (*atlas)->texts[i].text;
        free(given.memory);
    }
    for (i = 0; i < (*atlas)->info.images; i++) {
        given.text = (*atlas)->images[i].path;
        free(given.memory);
    }
    cs_free((*atlas)->layers);
    cs_free((*atlas)->heads);
    cs_free((*atlas)->layer_parts);
    cs_free((*atlas)->head_parts);
    cs_free((*atlas)->basis_parts);
    cs_free((*atlas)->others);
    free((*atlas)->run);
    free((*atlas)->texts);
    free((*atlas)->images);
    cs_free((*atlas)->basis_texts);
    free(*atlas);
    *atlas = NULL;
}
