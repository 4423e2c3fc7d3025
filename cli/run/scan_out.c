/* SPDX-License-Identifier: MIT */
/* Facts of runs as tables and documents. */
#include "cli/run/scan_out.h"
#include "base/error.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define LISTED 20 /* skipped images that are named on standard error */

static const char *const coefficients_names[] = {"f32", "f16", "none"};

/* ---- Skipped images ---- */

static int show_skipped(void *user, const clipspan_run_image *image)
{
    cli_session *s = user;
    if (strcmp(image->status, "ok") == 0) return 0;
    if (s->skipped++ < LISTED) cli_note(s, "skipped: %s", image->error);
    return 0;
}

clipspan_status cli_run_skipped(cli_session *s, const clipspan_run *run, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(run);
    s->skipped = 0;
    if (info->skipped) CS_TRY(clipspan_run_read_images(run, 0, info->images, show_skipped, s, err));
    if (s->skipped > LISTED)
        cli_note(s,
                 "skipped: %zu more, %zu of %llu in all; "
                 "table images of %s/index.sqlite "
                 "has every reason",
                 s->skipped - LISTED, s->skipped, (unsigned long long)info->images, info->path);
    return CLIPSPAN_OK;
}

/* ---- Sizes ---- */

/* What decides about a run's size. */
typedef struct plan_facts {
    uint64_t images, chunks, duplicates;
    int layers, heads, head_width, joint;
    int coefficients, first_layer, last_layer; /* layers: -1 when none are kept */
    const char *model, *hash;
} plan_facts;

/* Of a run that a dry run would plan. */
static plan_facts facts_planned(const clipspan_model *model, const clipspan_inputs *inputs,
                                const clipspan_plan_options *options)
{
    const clipspan_model_info *i = clipspan_model_get_info(model);
    const uint64_t count = clipspan_inputs_get_count(inputs);
    const int none = options->coefficients == CLIPSPAN_COEFFICIENTS_NONE;
    const int kept =
        options->layer_count ? options->layer_count : i->split_layers - options->first_layer;
    return (plan_facts){.images = count,
                        .chunks = (count + 31) / 32,
                        .duplicates = clipspan_inputs_get_duplicates(inputs),
                        .layers = i->split_layers,
                        .heads = i->split_heads,
                        .head_width = i->split_head_width,
                        .joint = i->embed_width,
                        .coefficients = (int)options->coefficients,
                        .first_layer = none ? -1 : options->first_layer,
                        .last_layer = none ? -1 : options->first_layer + kept - 1,
                        .model = i->name};
}

static plan_facts facts_of(const clipspan_run *run)
{
    const clipspan_run_info *i = clipspan_run_get_info(run);
    return (plan_facts){.images = i->images,
                        .chunks = i->chunks,
                        .duplicates = i->duplicates,
                        .layers = i->layers,
                        .heads = i->heads,
                        .head_width = i->head_width,
                        .joint = i->embed_width,
                        .coefficients = (int)i->coefficients,
                        .first_layer = i->first_layer,
                        .last_layer = i->last_layer,
                        .model = i->model_name,
                        .hash = i->model_hash};
}

/* With fewer than all layers the contributions of MLPs and of class-token self-attention are not
 * kept. */
static double coefficients_bytes(const plan_facts *f)
{
    const double item = f->coefficients == CLIPSPAN_COEFFICIENTS_F32 ? 4 : 2;
    const int kept = f->last_layer - f->first_layer + 1;
    double each = (double)kept * f->heads * f->head_width;
    if (f->coefficients == CLIPSPAN_COEFFICIENTS_NONE) return 0;
    if (kept == f->layers) each += (2.0 * f->layers + 1) * f->joint;
    return 32.0 * (double)f->chunks * (item * each + 4.0 * f->joint + 24);
}

/* ", of layers 8 to 11" */
static const char *name_layers(char out[48], int first, int last, int layers)
{
    out[0] = '\0';
    if (last >= 0 && last - first + 1 < layers)
        snprintf(out, 48, first == last ? ", of layer %d" : ", of layers %d to %d", first, last);
    return out;
}

static void put_layers(cli_json *json, int first, int last)
{
    if (last < 0) return;
    cli_json_whole(json, "first_layer", (uint64_t)first);
    cli_json_whole(json, "last_layer", (uint64_t)last);
}

static double statistics_bytes(const plan_facts *f)
{
    const double C = f->head_width + 3, L = f->layers;
    return 8 * (L * f->heads * (2 + C + C * (C + 1) / 2) + (3 * L + 2) * (f->joint + 2));
}

/* ---- Showing ---- */

void cli_run_show_plan(const cli_session *s, const char *path, const clipspan_model *model,
                       const clipspan_inputs *inputs, const clipspan_run *run,
                       const clipspan_plan_options *options, int dry)
{
    const plan_facts f = run ? facts_of(run) : facts_planned(model, inputs, options);
    char layers[48], images[CLI_NUMBER_ROOM], chunks[CLI_NUMBER_ROOM],
        coefficients[CLI_NUMBER_ROOM], statistics[CLI_NUMBER_ROOM];
    cli_json json;
    if (s->form == CLI_FORM_TABLE) {
        cli_format_count(images, f.images);
        cli_format_count(chunks, f.chunks);
        cli_format_bytes(coefficients, coefficients_bytes(&f));
        cli_format_bytes(statistics, statistics_bytes(&f));
        cli_say(s, "%s%s: %s image%s in %s chunk%s", dry ? "would plan " : "", path, images,
                f.images == 1 ? "" : "s", chunks, f.chunks == 1 ? "" : "s");
        if (f.coefficients == CLIPSPAN_COEFFICIENTS_NONE)
            cli_say(s, "no coefficients; %s of statistics, and the same per block", statistics);
        else
            cli_say(s, "%s of coefficients (%s%s), %s of statistics, and the same per block",
                    coefficients, coefficients_names[f.coefficients],
                    name_layers(layers, f.first_layer, f.last_layer, f.layers), statistics);
        return;
    }
    cli_json_begin(&json, stdout, cli_flat(s), "clipspan.plan.v1");
    cli_json_flag(&json, "dry_run", dry);
    cli_json_text(&json, "run", path);
    cli_json_text(&json, "model", f.model);
    cli_json_text(&json, "sha256", f.hash);
    cli_json_whole(&json, "images", f.images);
    cli_json_whole(&json, "duplicates", f.duplicates);
    cli_json_whole(&json, "chunks", f.chunks);
    cli_json_text(&json, "coefficients", coefficients_names[f.coefficients]);
    put_layers(&json, f.first_layer, f.last_layer);
    cli_json_whole(&json, "coefficients_bytes", (uint64_t)coefficients_bytes(&f));
    cli_json_whole(&json, "statistics_bytes", (uint64_t)statistics_bytes(&f));
    cli_json_finish(&json);
}

static void show_share(const cli_session *s, const clipspan_run_info *i,
                       const clipspan_scan_options *o, const clipspan_scan_result *r)
{
    cli_say(s,
            "%s: shard %llu of %llu done, %llu of %llu chunk%s; run clipspan merge %s when all are",
            i->path, (unsigned long long)o->shard, (unsigned long long)o->shards,
            (unsigned long long)r->chunks, (unsigned long long)i->chunks, i->chunks == 1 ? "" : "s",
            i->path);
}

static void show_table(const cli_session *s, const clipspan_run_info *i,
                       const clipspan_scan_options *o, const clipspan_scan_result *r,
                       double seconds)
{
    char used[CLI_NUMBER_ROOM], skipped[CLI_NUMBER_ROOM], twice[CLI_NUMBER_ROOM],
        rate[CLI_NUMBER_ROOM], speed[CLI_NUMBER_ROOM + 32] = "", layers[48];
    if (o && o->shards) {
        show_share(s, i, o, r);
        return;
    }
    cli_format_count(used, i->used);
    cli_format_count(skipped, i->skipped);
    cli_format_count(twice, i->duplicates);
    if (r && r->images && seconds > 0) {
        cli_format_real(rate, (double)r->images / seconds);
        snprintf(speed, sizeof speed, "; %s images a second", rate);
    }
    cli_say(s, "%s: %s image%s%s%s%s%s%s%s%s", i->path, used, i->used == 1 ? "" : "s",
            i->skipped ? ", " : "", i->skipped ? skipped : "", i->skipped ? " skipped" : "",
            i->duplicates ? ", " : "", i->duplicates ? twice : "",
            i->duplicates ? " listed before" : "", speed);
    cli_say(s, "%d layer%s of %d head%s, %llu block%s, coefficients %s%s", i->layers,
            i->layers == 1 ? "" : "s", i->heads, i->heads == 1 ? "" : "s",
            (unsigned long long)i->blocks, i->blocks == 1 ? "" : "s",
            coefficients_names[i->coefficients],
            name_layers(layers, i->first_layer, i->last_layer, i->layers));
}

void cli_run_show_scan(const cli_session *s, const clipspan_run_info *i,
                       const clipspan_scan_options *o, const clipspan_scan_result *r,
                       double seconds)
{
    cli_json json;
    if (s->form == CLI_FORM_TABLE) {
        show_table(s, i, o, r, seconds);
        return;
    }
    cli_json_begin(&json, stdout, cli_flat(s), r ? "clipspan.scan.v1" : "clipspan.merge.v1");
    cli_json_text(&json, "run", i->path);
    cli_json_flag(&json, "merged", i->merged);
    cli_json_whole(&json, "images", i->images);
    cli_json_whole(&json, "used", i->used);
    cli_json_whole(&json, "skipped", i->merged ? i->skipped : s->skipped);
    cli_json_whole(&json, "duplicates", i->duplicates);
    cli_json_whole(&json, "chunks", i->chunks);
    cli_json_whole(&json, "blocks", i->blocks);
    cli_json_text(&json, "coefficients", coefficients_names[i->coefficients]);
    put_layers(&json, i->first_layer, i->last_layer);
    if (r) {
        cli_json_object(&json, "call");
        cli_json_whole(&json, "shard", o->shard);
        cli_json_whole(&json, "shards", o->shards);
        cli_json_whole(&json, "chunks", r->chunks);
        cli_json_whole(&json, "chunks_before", r->chunks_before);
        cli_json_whole(&json, "images", r->images);
        cli_json_whole(&json, "used", r->used);
        cli_json_whole(&json, "skipped", r->skipped);
        if (o->verify_sum) cli_json_real(&json, "residual", r->residual);
        cli_json_whole(&json, "memory", r->memory);
        cli_json_real(&json, "seconds", seconds);
        cli_json_end(&json);
    }
    cli_json_finish(&json);
}
