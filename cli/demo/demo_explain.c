/* SPDX-License-Identifier: MIT */
/* The demo's chapter on single images: a scene's own name against one that differs in colour or
 * in shape only. Through which heads does the difference come? And the page about one scene. */
#include "base/memory.h"
#include "cli/demo/demo.h"
#include "cli/in/role_heads.h"
#include "cli/out/numbers.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define SCENES 32
#define NAMES  3 /* of a scene: its own, of another colour, of another shape */
#define ROOM   96
#define EDGE   512

static const char *const factors[] = {"colour", "shape"}; /* what labels and groups say */

typedef struct telling {
    cli_demo_job *demo;
    clipspan_inputs *scenes;
    clipspan_encoder *encoder;
    size_t at[SCENES], count; /* of the list */
    clipspan_bank *bank;      /* [count * NAMES] */
    double lead[2];           /* by what differs: sums over scenes of own name - other name */
    double part[2][2];        /* of it through heads, by what differs, then by their role */
} telling;

static clipspan_status choose(telling *t, clipspan_error *err)
{
    CS_TRY(cli_demo_inputs(&t->scenes, t->demo, "test.csv", factors[0], factors[1], err));
    for (size_t i = 0; i < clipspan_inputs_get_count(t->scenes) && t->count < SCENES; i++)
        if (*clipspan_inputs_get_label(t->scenes, i) && *clipspan_inputs_get_group(t->scenes, i))
            t->at[t->count++] = i;
    if (t->count < 2)
        return cs_fail(err, CLIPSPAN_E_FORMAT,
                       "test.csv of the demo has no two scenes with a colour and a shape");
    return CLIPSPAN_OK;
}

static const char *value(const telling *t, size_t scene, int factor)
{
    const size_t i = t->at[scene % t->count];
    return factor ? clipspan_inputs_get_group(t->scenes, i)
                  : clipspan_inputs_get_label(t->scenes, i);
}

/* The same factor's value in the next scene that has another. */
static const char *other(const telling *t, size_t scene, int factor)
{
    size_t next = scene + 1;
    while (next < scene + t->count && strcmp(value(t, next, factor), value(t, scene, factor)) == 0)
        next++;
    return value(t, next, factor);
}

/* The names of scenes [first, first + count), as vectors. */
static clipspan_status name(clipspan_bank **out, const telling *t, size_t first, size_t count,
                            clipspan_error *err)
{
    static const char *const as_they_are[] = {"{}"};
    char words[SCENES * NAMES][ROOM];
    const char *names[SCENES * NAMES];
    clipspan_texts *texts = NULL, *plain = NULL;
    clipspan_status status;
    for (size_t i = 0; i < count; i++) {
        const char *colour = value(t, first + i, 0), *shape = value(t, first + i, 1);
        snprintf(words[NAMES * i], ROOM, "a %.40s %.40s", colour, shape);
        snprintf(words[NAMES * i + 1], ROOM, "a %.40s %.40s", other(t, first + i, 0), shape);
        snprintf(words[NAMES * i + 2], ROOM, "a %.40s %.40s", colour, other(t, first + i, 1));
    }
    for (size_t i = 0; i < NAMES * count; i++)
        names[i] = words[i];
    status = clipspan_texts_new(&texts, names, NULL, NAMES * count, err);
    if (status == CLIPSPAN_OK) status = clipspan_texts_new(&plain, as_they_are, NULL, 1, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_bank_new_classes(out, t->demo->texts, texts, plain, NULL, err);
    clipspan_texts_free(&plain);
    clipspan_texts_free(&texts);
    return status;
}

/* What a head adds to the own name over the name in which a factor differs. */
static double through(const telling *t, const clipspan_maps *maps, size_t scene, int differs,
                      clipspan_head head)
{
    const size_t N = (size_t)t->demo->info->tokens;
    const float *own = clipspan_maps_get_head(maps, 0, head.layer, head.head) + scene * NAMES * N;
    const float *others = own + (size_t)(1 + differs) * N;
    double sum = 0.0;
    for (size_t j = 0; j < N; j++)
        sum += (double)own[j] - (double)others[j];
    return sum;
}

static void add_scene(telling *t, const clipspan_maps *maps, size_t scene)
{
    const size_t P = (size_t)t->demo->info->embed_width;
    const float *embedding = clipspan_maps_get_embeddings(maps);
    const float *own = clipspan_bank_get_vectors(t->bank) + scene * NAMES * P;
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(t->demo->atlas);
    for (int differs = 0; differs < 2; differs++) {
        const float *others = own + (size_t)(1 + differs) * P;
        for (size_t p = 0; p < P; p++)
            t->lead[differs] += (double)embedding[p] * ((double)own[p] - (double)others[p]);
        for (size_t i = 0; i < clipspan_atlas_get_info(t->demo->atlas)->heads; i++)
            for (int role = 0; role < 2; role++)
                if (cli_role_carried(heads[i].role) &&
                    strcmp(heads[i].role->category[0], factors[role]) == 0)
                    t->part[differs][role] += through(t, maps, scene, differs, heads[i].head);
    }
}

static clipspan_status tell(telling *t, clipspan_error *err)
{
    clipspan_maps_options options = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *maps = NULL;
    clipspan_status status;
    options.each = 1;
    CS_TRY(name(&t->bank, t, 0, t->count, err));
    status = clipspan_maps_new(&maps, t->encoder, t->bank, &options, err);
    for (size_t i = 0; i < t->count && status == CLIPSPAN_OK; i++) {
        const char *path = clipspan_inputs_get_paths(t->scenes)[t->at[i]];
        status = clipspan_maps_run_files(maps, NULL, &path, 1, err);
        if (status == CLIPSPAN_OK) add_scene(t, maps, i);
        if (status == CLIPSPAN_OK) status = cli_keep_going(t->demo->session, err);
    }
    clipspan_maps_free(&maps);
    return status;
}

/* The page about the first scene. */
static clipspan_status write_page(const telling *t, const char *path, clipspan_error *err)
{
    const char *scene = clipspan_inputs_get_paths(t->scenes)[t->at[0]];
    clipspan_explain_options options = CLIPSPAN_EXPLAIN_OPTIONS_INIT;
    clipspan_maps_options all = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_explanation *explanation = NULL;
    clipspan_view *view = NULL;
    clipspan_maps *maps = NULL;
    clipspan_bank *bank = NULL;
    clipspan_status status;
    all.each = 1;
    all.kinds = CLIPSPAN_MAP_MLPS;
    options.atlas = t->demo->atlas;
    options.model = "demo";
    options.image = scene;
    options.replace = t->demo->x->force;
    CS_TRY_DONE(name(&bank, t, 0, 1, err));
    CS_TRY_DONE(clipspan_maps_new(&maps, t->encoder, bank, &all, err));
    CS_TRY_DONE(clipspan_maps_run_files(maps, NULL, &scene, 1, err));
    CS_TRY_DONE(
        clipspan_explanation_new(&explanation, maps, 0, bank, CLIPSPAN_CONTRAST_RUNNER_UP, err));
    CS_TRY_DONE(clipspan_view_new(&view, t->demo->model, scene, EDGE, NULL, err));
    status = clipspan_explanation_write(path, explanation, view, &options, err);
done:
    clipspan_view_free(&view);
    clipspan_explanation_free(&explanation);
    clipspan_maps_free(&maps);
    clipspan_bank_free(&bank);
    return status;
}

static void show(cli_demo_job *d, const telling *t, const char *path)
{
    char share[2][2][CLI_NUMBER_ROOM];
    for (int differs = 0; differs < 2; differs++)
        for (int role = 0; role < 2; role++)
            cli_format_percent(share[differs][role], t->part[differs][role] / t->lead[differs]);
    if (d->tells)
        cli_demo_say(d,
                     "Of what a scene is more like its own name than one of another colour, %s "
                     "comes through the heads whose role is colour and %s through those of shape; "
                     "where only the shape differs, %s and %s (%zu scenes). One of them, every "
                     "head, layer and patch to be looked at: %s.",
                     share[0][0], share[0][1], share[1][0], share[1][1], t->count, path);
    cli_json_whole(&d->json, "scenes", t->count);
    cli_json_array(&d->json, "names");
    for (int differs = 0; differs < 2; differs++) {
        cli_json_row(&d->json, NULL);
        cli_json_text(&d->json, "differs", factors[differs]);
        cli_json_real(&d->json, "lead", t->lead[differs] / (double)t->count);
        for (int role = 0; role < 2; role++)
            cli_json_real(&d->json, factors[role], t->part[differs][role] / t->lead[differs]);
        cli_json_end(&d->json);
    }
    cli_json_end(&d->json);
    cli_json_text(&d->json, "page", path);
}

clipspan_status cli_demo_explain(cli_demo_job *d, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    telling t = {.demo = d};
    clipspan_status status;
    char *path;
    options.threads = (int)d->session->threads;
    CS_TRY(cli_demo_output(&path, d, "explain.html", err));
    status = choose(&t, err);
    if (status == CLIPSPAN_OK) status = clipspan_encoder_new(&t.encoder, d->model, &options, err);
    if (status == CLIPSPAN_OK) status = tell(&t, err);
    if (status == CLIPSPAN_OK) status = write_page(&t, path, err);
    if (status == CLIPSPAN_OK) show(d, &t, path);
    clipspan_bank_free(&t.bank);
    clipspan_encoder_free(&t.encoder);
    clipspan_inputs_close(&t.scenes);
    cs_free(path);
    return status;
}
