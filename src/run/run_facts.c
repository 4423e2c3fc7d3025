/* SPDX-License-Identifier: MIT */
/* Nothing of an index is believed before it was looked at: sizes stay below what memory and the
 * arithmetic of a run can hold. */
#include "run/run_facts.h"
#include "base/memory.h"
#include "formats/sha256.h"
#include "inputs/input_list.h"
#include "run/folder.h"
#include "run/own.h"
#include "run/plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fact_reader {
    cs_run_facts *facts;
    cs_index *index;
} fact_reader;

static clipspan_status fail_fact(const fact_reader *r, const char *key, const char *value,
                                 clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, r->facts->info.path,
                      "its index has fact \"%s\" as %s%.60s%s, which cannot be", key,
                      value ? "\"" : "(none)", value ? value : "", value ? "\"" : "");
}

/* A text that lives as long as the facts. */
static clipspan_status text(char **out, const fact_reader *r, const char *key, clipspan_error *err)
{
    CS_TRY(cs_index_fact(out, r->index, key, err));
    if (!*out) return fail_fact(r, key, NULL, err);
    r->facts->texts[r->facts->text_count++] = *out;
    return CLIPSPAN_OK;
}

static clipspan_status number(uint64_t *out, const fact_reader *r, const char *key, uint64_t least,
                              uint64_t most, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *value, *rest;
    *out = 0;
    CS_TRY(cs_index_fact(&value, r->index, key, err));
    if (!value) return fail_fact(r, key, NULL, err);
    *out = strtoull(value, &rest, 10);
    if (*value < '0' || *value > '9' || *rest || *out < least || *out > most)
        status = fail_fact(r, key, value, err);
    cs_free(value);
    return status;
}

static clipspan_status whole(int *out, const fact_reader *r, const char *key, int least, int most,
                             clipspan_error *err)
{
    uint64_t value = 0;
    CS_TRY(number(&value, r, key, (uint64_t)least, (uint64_t)most, err));
    *out = (int)value;
    return CLIPSPAN_OK;
}

/* A text that this version knows one value of. */
static clipspan_status only(const fact_reader *r, const char *key, const char *known,
                            clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *value;
    CS_TRY(cs_index_fact(&value, r->index, key, err));
    if (!value)
        status = fail_fact(r, key, NULL, err);
    else if (strcmp(value, known) != 0)
        status =
            cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, r->facts->info.path,
                       "is a run with %s \"%.60s\", which this version does not compute yet; it "
                       "computes \"%s\"",
                       key, value, known);
    cs_free(value);
    return status;
}

/* The place of a fact among words. */
static clipspan_status word(int *out, const fact_reader *r, const char *key,
                            const char *const *words, int count, clipspan_error *err)
{
    clipspan_status status;
    char *value;
    CS_TRY(cs_index_fact(&value, r->index, key, err));
    for (*out = 0; *out < count; (*out)++)
        if (value && strcmp(value, words[*out]) == 0) break;
    status = *out < count ? CLIPSPAN_OK : fail_fact(r, key, value, err);
    cs_free(value);
    return status;
}

static clipspan_status read_model(const fact_reader *r, clipspan_error *err)
{
    cs_run_facts *f = r->facts;
    clipspan_run_info *i = &f->info;
    static const char *const gelu[] = {"-1", "0", "1"};
    char *value;
    CS_TRY(text(&value, r, "version", err));
    i->version = value;
    CS_TRY(text(&value, r, "model.name", err));
    i->model_name = value;
    CS_TRY(text(&value, r, "model.path", err));
    i->model_path = value;
    CS_TRY(text(&value, r, "model.sha256", err));
    i->model_hash = value;
    CS_TRY(text(&value, r, "cpu", err));
    i->cpu_level = value;
    CS_TRY(text(&value, r, "product", err));
    i->product = value;
    CS_TRY(text(&f->config, r, "model.config", err));
    CS_TRY(word(&f->quick_gelu, r, "model.quick_gelu", gelu, 3, err));
    f->quick_gelu--;
    CS_TRY(whole(&f->allow_nonfinite, r, "model.allow_nonfinite", 0, 1, err));
    /* The same ceilings as a configuration has. */
    CS_TRY(whole(&i->layers, r, "model.layers", 1, 512, err));
    CS_TRY(whole(&i->heads, r, "model.heads", 1, 65536, err));
    CS_TRY(whole(&i->head_width, r, "model.head_width", 1, 65536, err));
    CS_TRY(whole(&i->embed_width, r, "model.embed_width", 1, 65536, err));
    CS_TRY(whole(&i->patch_size, r, "model.patch_size", 1, 4096, err));
    CS_TRY(whole(&i->tokens, r, "model.tokens", 1, 1 << 24, err));
    CS_TRY(whole(&i->input_height, r, "preprocess.height", 1, 4096, err));
    CS_TRY(whole(&i->input_width, r, "preprocess.width", 1, 4096, err));
    if ((uint64_t)i->heads * (uint64_t)i->head_width > 65536)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, i->path,
                          "its index has %d heads of width %d, more than any model has", i->heads,
                          i->head_width);
    return CLIPSPAN_OK;
}

/* "first last", or "none". */
static clipspan_status read_layers(const fact_reader *r, clipspan_error *err)
{
    static const char *const contributions[] = {"none", "all"};
    const int layers = r->facts->info.layers;
    cs_part_plan *plan = &r->facts->plan;
    clipspan_run_info *i = &r->facts->info;
    clipspan_status status = CLIPSPAN_OK;
    char *value, *rest;
    CS_TRY(word(&plan->contributions, r, "contributions", contributions, 2, err));
    CS_TRY(cs_index_fact(&value, r->index, "coefficients.layers", err));
    i->first_layer = i->last_layer = -1;
    if (!value) {
        status = fail_fact(r, "coefficients.layers", NULL, err);
    } else if (i->coefficients == CLIPSPAN_COEFFICIENTS_NONE) {
        if (strcmp(value, "none") != 0 || plan->contributions)
            status = fail_fact(r, "coefficients.layers", value, err);
    } else {
        const unsigned long first = strtoul(value, &rest, 10);
        const unsigned long last = *rest == ' ' ? strtoul(rest + 1, &rest, 10) : ULONG_MAX;
        if (*value < '0' || *value > '9' || *rest || first > last ||
            last >= (unsigned long)layers) {
            status = fail_fact(r, "coefficients.layers", value, err);
        } else {
            i->first_layer = (int)first;
            i->last_layer = (int)last;
            plan->first_layer = first;
            plan->layers = last - first + 1;
        }
    }
    cs_free(value);
    return status;
}

static clipspan_status read_options(const fact_reader *r, clipspan_error *err)
{
    static const char *const coefficients[] = {"f32", "f16", "none"}, *const precision[] = {"f32",
                                                                                            "bf16"};
    cs_run_facts *f = r->facts;
    int value;
    CS_TRY(word(&value, r, "coefficients", coefficients, 3, err));
    f->info.coefficients = f->plan.coefficients = (clipspan_coefficients)value;
    CS_TRY(only(r, "modality", "image", err));
    CS_TRY(only(r, "readout", "class token", err));
    CS_TRY(only(r, "readout.rows", "1", err));
    f->info.modality = "image";
    f->info.readout = "class token";
    f->info.readout_rows = 1;
    f->plan.rows = 1;
    CS_TRY(read_layers(r, err));
    CS_TRY(word(&value, r, "precision", precision, 2, err));
    f->info.precision = (clipspan_precision)value;
    f->image = (clipspan_image_options)CLIPSPAN_IMAGE_OPTIONS_INIT;
    CS_TRY(whole(&f->image.exif_orient, r, "preprocess.exif_orient", 0, 1, err));
    CS_TRY(number(&f->image.max_pixels, r, "preprocess.max_pixels", 1, UINT64_C(1) << 40, err));
    f->info.exif_orient = f->image.exif_orient;
    f->info.max_pixels = f->image.max_pixels;
    return CLIPSPAN_OK;
}

static clipspan_status read_list(const fact_reader *r, clipspan_error *err)
{
    cs_run_facts *f = r->facts;
    clipspan_run_info *i = &f->info;
    uint64_t value = 0;
    int ignored;
    char *id;
    CS_TRY(whole(&ignored, r, "order.chunk", CS_CHUNK, CS_CHUNK, err));
    CS_TRY(number(&i->images, r, "images.count", 1, CS_INPUTS_MOST, err));
    CS_TRY(number(&i->duplicates, r, "images.duplicates", 0, i->images, err));
    CS_TRY(number(&value, r, "images.labelled", 0, i->images, err));
    i->has_labels = value > 0;
    CS_TRY(number(&value, r, "images.grouped", 0, i->images, err));
    i->has_groups = value > 0;
    CS_TRY(text(&f->folder, r, "images.folder", err));
    f->info.folder = f->folder;
    CS_TRY(cs_own_check(&i->own, r->index, err));
    CS_TRY(whole(&i->merged, r, "merged", 0, 1, err));
    if (i->merged) {
        CS_TRY(number(&i->used, r, "images.used", 1, i->images, err));
        CS_TRY(number(&i->skipped, r, "images.skipped", i->images - i->used, i->images - i->used,
                      err));
    }
    CS_TRY(text(&id, r, "plan", err));
    f->plan.id = id;
    return CLIPSPAN_OK;
}

/* ---- Segments ---- */

typedef struct segment_reader {
    cs_run_facts *facts;
    size_t room;
    uint64_t end; /* of those before */
} segment_reader;

static int is_hash(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static clipspan_status take_segment(void *context, const cs_segment_row *row, clipspan_error *err)
{
    segment_reader *r = context;
    cs_run_facts *f = r->facts;
    const uint64_t left = f->info.images - r->end;
    char name[40];
    cs_segment *s;
    if (row->segment != f->segment_count || row->segment >= CS_SEGMENTS_MOST ||
        row->first != r->end || row->count == 0 || row->count > left || row->seed != CS_PLAN_SEED ||
        !is_hash(row->plan) || !is_hash(row->list))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, f->info.path,
                          "its index has a segment %llu that cannot be",
                          (unsigned long long)row->segment);
    CS_TRY(cs_grow(&f->segments, &r->room, f->segment_count + 1, sizeof *f->segments, "segments",
                   err));
    s = &f->segments[f->segment_count];
    snprintf(name, sizeof name, CS_SEGMENTS_FOLDER "/%03llu", (unsigned long long)row->segment);
    s->path = s->inside = NULL;
    f->segment_count++;
    s->inside = cs_strdup(name, err);
    s->path = cs_root_join(f->plan.root, name, err);
    if (!s->path || !s->inside) return CLIPSPAN_E_NOMEM;
    s->first = row->first;
    s->count = row->count;
    memcpy(s->id, row->plan, sizeof s->id);
    r->end += row->count;
    return CLIPSPAN_OK;
}

/* SHA-256 over the plans of all segments. */
static char *hash_plans(const cs_run_facts *f, clipspan_error *err)
{
    unsigned char digest[32];
    char text[65];
    cs_sha256 hash;
    cs_sha256_init(&hash);
    for (size_t i = 0; i < f->segment_count; i++)
        cs_sha256_add(&hash, f->segments[i].id, 64);
    cs_sha256_end(digest, &hash);
    cs_sha256_print(text, digest);
    return cs_strdup(text, err);
}

static clipspan_status read_segments(cs_run_facts *f, cs_index *index, clipspan_error *err)
{
    segment_reader r = {f, 0, 0};
    clipspan_run_info *i = &f->info;
    char *id;
    CS_TRY(cs_index_read_segments(index, take_segment, &r, err));
    if (r.end != i->images)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, i->path,
                          "its segments have %llu images, its index %llu",
                          (unsigned long long)r.end, (unsigned long long)i->images);
    i->blocks = 0;
    for (size_t s = 0; s < f->segment_count; s++) {
        cs_segment *segment = &f->segments[s];
        segment->plan = f->plan;
        segment->plan.path = segment->path;
        segment->plan.inside = segment->inside;
        segment->plan.id = segment->id;
        segment->plan.tree = cs_chunk_tree_of(segment->count);
        if (segment->plan.tree.blocks > i->blocks) i->blocks = segment->plan.tree.blocks;
    }
    i->segments = f->segment_count;
    f->plan.tree.blocks = i->blocks;
    f->whole = f->plan;
    id = hash_plans(f, err);
    if (!id) return CLIPSPAN_E_NOMEM;
    f->texts[f->text_count++] = id;
    f->whole.id = id;
    return CLIPSPAN_OK;
}

clipspan_status cs_run_facts_read(cs_run_facts *out, cs_index *index, const cs_root *root,
                                  clipspan_error *err)
{
    const fact_reader r = {out, index};
    clipspan_run_info *i = &out->info;
    cs_shape *s = &out->plan.shape;
    memset(out, 0, sizeof *out);
    out->plan.root = root;
    out->plan.inside = "";
    out->texts[out->text_count] = cs_strdup(cs_root_path(root), err);
    if (!out->texts[out->text_count]) return CLIPSPAN_E_NOMEM;
    i->path = out->plan.path = out->texts[out->text_count++];
    i->format = CS_RUN_FORMAT;
    CS_TRY(read_model(&r, err));
    CS_TRY(read_options(&r, err));
    CS_TRY(read_list(&r, err));
    s->L = (size_t)i->layers;
    s->H = (size_t)i->heads;
    s->K = (size_t)i->head_width;
    s->D = s->H * s->K;
    s->N = (size_t)i->tokens;
    s->P = (size_t)i->embed_width;
    s->C = s->K + 3;
    out->plan.tree = cs_chunk_tree_of(i->images);
    i->chunks = out->plan.tree.chunks;
    return read_segments(out, index, err);
}

void cs_run_facts_fini(cs_run_facts *facts)
{
    for (size_t i = 0; i < facts->text_count; i++)
        cs_free(facts->texts[i]);
    for (size_t i = 0; i < facts->segment_count; i++) {
        cs_free(facts->segments[i].path);
        cs_free(facts->segments[i].inside);
    }
    cs_free(facts->segments);
    memset(facts, 0, sizeof *facts);
}
