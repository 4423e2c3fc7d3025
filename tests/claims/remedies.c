/* SPDX-License-Identifier: MIT */
/* remedies MODEL RUN CLASSES [SEED [SHARE]]   Is what clipspan_remedy recommends ever worse than
 * leaving the model as it is? Constructed cases: statistics from some images of RUN, in which the
 * shortcut is in all four groups, in some, or absent, figures from other images of it, cue words
 * that are good, vague or wrong. RUN was scanned with --groups kind,bird,background,size,texture,
 * count; its images of a folder look/ serve statistics, those of test/ figures, of others every
 * second one. CLASSES: the demo's folder of class files. Prints a row a case and a table; fails
 * when a recommendation costs more than 2 points (or one image of the worst group), or when less
 * than SHARE (two thirds) of the cases in which some candidate gains 10 points get half of that;
 * but for a cue that is the class, which has to be refused. */
#include <clipspan/clipspan.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "base/random.h"

enum { FIELDS = 6, MOST_CASES = 400, GROUPS = 4 };
enum field { KIND, BIRD, BACKGROUND, SIZE, TEXTURE, COUNT };

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != CLIPSPAN_OK) {                                                               \
            fprintf(stderr, "%s: %s\n", #call, error.message);                                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static clipspan_error error;

typedef struct image {
    char group[96];
    const char *field[FIELDS];
    int test; /* 0: for statistics */
} image;

/* All of a run, by run index. */
typedef struct world {
    clipspan_run *run;
    const clipspan_run_info *info;
    image *images;
    float *z, *embeddings, *mlp, *self, *maps;
    double *scale;
    size_t N, L, H, K, P;
} world;

typedef struct task {
    enum field of;
    const char *name, *a, *b; /* classes */
    clipspan_bank *bank;
} task;

typedef struct cue {
    const char *kind, *words;
} cue;

static const cue cues[] = {
    {"good", "water;grass"},
    {"good", "a picture of the sea|water;a picture of a meadow|grass"},
    {"good", "there is water behind;there is grass behind"},
    {"good", "an object on the sea;an object on a meadow"},
    {"good", "on water;on grass"},
    {"vague", "a lake;a field"},
    {"vague", "a swimming thing;a walking thing"},
    {"vague", "outside;inside"},
    {"vague", "sea;land"},
    {"vague", "wet;dry"},
    {"wrong", "red;yellow"},
    {"wrong", "small;large"},
    {"wrong", "the night sky;a brick wall"},
    {"wrong", "left;right"},
    {"class", "ducks|mallard;hens|chicken"},
};
#define CUES (sizeof cues / sizeof *cues)

/* Images a group of (a, water), (a, grass), (b, water), (b, grass), in parts of the case's number;
 * general: of scenes without birds. */
typedef struct composition {
    const char *name;
    double part[GROUPS];
    int general;
} composition;

static const composition compositions[] = {
    {"four groups alike", {1, 1, 1, 1}, 0}, {"four, 95 in 100", {1, 0.0527, 0.0527, 1}, 0},
    {"two groups", {1, 0, 0, 1}, 0},        {"one group", {1, 0, 0, 0}, 0},
    {"general scenes", {0, 0, 0, 0}, 1},    {"general and birds", {1, 0.0527, 0.0527, 1}, 1},
};
#define COMPOSITIONS (sizeof compositions / sizeof *compositions)

/* ---- Reading ---- */

static int take_image(void *user, const clipspan_run_image *p)
{
    world *w = user;
    image *to = &w->images[p->run_index];
    char *at = to->group;
    snprintf(to->group, sizeof to->group, "%s", p->group);
    for (int f = 0; f < FIELDS; f++) {
        to->field[f] = at;
        at += strcspn(at, "/");
        if (*at) *at++ = '\0';
    }
    to->test = strstr(p->path, "look/")   ? 0
               : strstr(p->path, "test/") ? 1
                                          : (int)(p->list_index % 2);
    return strcmp(p->status, "ok") != 0;
}

static void read_chunks(world *w)
{
    const cs_run *run = w->run->run;
    for (size_t first = 0; first < w->N; first += 32) {
        const size_t rows = w->N - first < 32 ? w->N - first : 32;
        cs_run_chunk chunk = {0};
        float *room = malloc(32 * (w->P > w->K ? w->P : w->K) * sizeof *room);
        MUST(cs_run_chunk_open(&chunk, run, first / 32, &error));
        MUST(cs_run_chunk_scale(w->scale + 3 * first, &chunk, &error));
        MUST(cs_run_chunk_embedding(w->embeddings + first * w->P, &chunk, &error));
        for (size_t i = 0; i < w->L * w->H; i++) {
            MUST(cs_run_chunk_z(room, &chunk, i / w->H, i % w->H, &error));
            memcpy(w->z + (i * w->N + first) * w->K, room, rows * w->K * sizeof *room);
        }
        for (size_t i = 0; i <= w->L; i++) {
            MUST(cs_run_chunk_mlp(room, &chunk, i, &error));
            memcpy(w->mlp + (i * w->N + first) * w->P, room, rows * w->P * sizeof *room);
        }
        for (size_t i = 0; i < w->L; i++) {
            MUST(cs_run_chunk_class_self_attention(room, &chunk, i, &error));
            memcpy(w->self + (i * w->N + first) * w->P, room, rows * w->P * sizeof *room);
        }
        cs_run_chunk_fini(&chunk);
        free(room);
    }
}

static void open_world(world *w, const char *path)
{
    MUST(clipspan_run_open(&w->run, path, &error));
    w->info = clipspan_run_get_info(w->run);
    w->N = w->info->used;
    w->L = (size_t)w->info->layers;
    w->H = (size_t)w->info->heads;
    w->K = (size_t)w->info->head_width;
    w->P = (size_t)w->info->embed_width;
    w->images = calloc(w->N, sizeof *w->images);
    w->z = malloc(w->L * w->H * w->N * w->K * sizeof *w->z);
    w->scale = malloc(3 * w->N * sizeof *w->scale);
    w->embeddings = malloc((w->N + 32) * w->P * sizeof *w->embeddings);
    w->mlp = malloc((w->L + 1) * w->N * w->P * sizeof *w->mlp);
    w->self = malloc(w->L * w->N * w->P * sizeof *w->self);
    w->maps = malloc(w->L * w->H * (w->K + 3) * w->P * sizeof *w->maps);
    MUST(clipspan_run_read_images(w->run, 0, w->N, take_image, w, &error));
    for (size_t i = 0; i < w->L * w->H; i++)
        MUST(clipspan_run_read_output_map(w->maps + i * (w->K + 3) * w->P, w->run, (int)(i / w->H),
                                          (int)(i % w->H), &error));
    read_chunks(w);
}

static void close_world(world *w)
{
    free(w->images);
    free(w->z);
    free(w->scale);
    free(w->embeddings);
    free(w->mlp);
    free(w->self);
    free(w->maps);
    clipspan_run_close(&w->run);
}

/* Group of an image in a task: 2 b + grass; -1: none. */
static int group_of(const image *p, const task *t)
{
    const int a = strcmp(p->field[t->of], t->a) == 0, b = strcmp(p->field[t->of], t->b) == 0;
    const int water = strcmp(p->field[BACKGROUND], "water") == 0,
              grass = strcmp(p->field[BACKGROUND], "grass") == 0;
    return (a || b) && (water || grass) ? 2 * b + grass : -1;
}

/* A run of some images: rows : [count]. Its arrays are freed with it. */
typedef struct part {
    clipspan_run *run;
    float *z, *embeddings, *mlp, *self;
    double *scale;
    const char **labels;
} part;

static void gather(float *to, const float *from, size_t planes, size_t width, const world *w,
                   const size_t *rows, size_t count)
{
    for (size_t plane = 0; plane < planes; plane++)
        for (size_t i = 0; i < count; i++)
            memcpy(to + (plane * count + i) * width, from + (plane * w->N + rows[i]) * width,
                   width * sizeof *to);
}

static void open_part(part *p, const world *w, const task *t, const size_t *rows, size_t count)
{
    static const char *const names[GROUPS + 1] = {"", "a/water", "a/grass", "b/water", "b/grass"};
    clipspan_run_arrays a = CLIPSPAN_RUN_ARRAYS_INIT;
    p->z = malloc(w->L * w->H * count * w->K * sizeof *p->z);
    p->embeddings = malloc(count * w->P * sizeof *p->embeddings);
    p->mlp = malloc((w->L + 1) * count * w->P * sizeof *p->mlp);
    p->self = malloc(w->L * count * w->P * sizeof *p->self);
    p->scale = malloc(3 * count * sizeof *p->scale);
    gather(p->z, w->z, w->L * w->H, w->K, w, rows, count);
    gather(p->embeddings, w->embeddings, 1, w->P, w, rows, count);
    gather(p->mlp, w->mlp, w->L + 1, w->P, w, rows, count);
    gather(p->self, w->self, w->L, w->P, w, rows, count);
    for (size_t i = 0; i < count; i++)
        memcpy(p->scale + 3 * i, w->scale + 3 * rows[i], 3 * sizeof *p->scale);
    p->labels = malloc(2 * count * sizeof *p->labels);
    for (size_t i = 0; i < count; i++) {
        const int group = group_of(&w->images[rows[i]], t);
        p->labels[i] = group < 0 ? "" : group / 2 ? t->b : t->a;
        p->labels[count + i] = names[group + 1];
    }
    a.labels = p->labels;
    a.groups = p->labels + count;
    a.layers = (int)w->L;
    a.heads = (int)w->H;
    a.head_width = (int)w->K;
    a.embed_width = (int)w->P;
    a.images = count;
    a.z = p->z;
    a.scale = p->scale;
    a.embeddings = p->embeddings;
    a.mlp = p->mlp;
    a.class_attention = p->self;
    a.output_maps = w->maps;
    MUST(clipspan_run_new_arrays(&p->run, &a, &error));
}

static void close_part(part *p)
{
    clipspan_run_close(&p->run);
    free(p->z);
    free(p->embeddings);
    free(p->mlp);
    free(p->self);
    free(p->scale);
    free(p->labels);
}

/* ---- Images of a case ---- */

/* `wanted` of rows : [count] go to the front. */
static size_t draw(size_t *rows, size_t count, size_t wanted, cs_random *random)
{
    if (wanted > count) wanted = count;
    for (size_t i = 0; i < wanted; i++) {
        const size_t k = i + (size_t)cs_random_below(random, count - i), kept = rows[i];
        rows[i] = rows[k];
        rows[k] = kept;
    }
    return wanted;
}

static size_t statistics(size_t *rows, const world *w, const task *t, const composition *c,
                         size_t n, cs_random *random)
{
    size_t used = 0, found;
    for (int g = 0; g <= GROUPS; g++) {
        const double share = g < GROUPS ? c->part[g] : 4.0 * c->general;
        found = 0;
        for (size_t i = 0; i < w->N && share > 0.0; i++)
            if (!w->images[i].test && (g < GROUPS ? group_of(&w->images[i], t) == g
                                                  : strcmp(w->images[i].field[KIND], "alike") == 0))
                rows[used + found++] = i;
        used += draw(rows + used, found, (size_t)(share * (double)n + 0.999), random);
    }
    return used;
}

/* ---- A case ---- */

typedef struct outcome {
    const char *kind; /* of the cue; "absent" */
    double before, after, best;
    uint64_t images; /* of the worst group */
} outcome;

static const char *words_of(char out[48], const clipspan_remedy_row *row)
{
    static const char *const kinds[] = {"leave it", "ablate", "surgery", "projection", "embedding"};
    snprintf(out, 48, row->heads ? "%s %zu" : "%s", kinds[row->kind], row->heads);
    return out;
}

static outcome judge(const clipspan_evaluation *ev, const task *t, const cue *q,
                     const composition *c, size_t n)
{
    clipspan_remedy_options o = CLIPSPAN_REMEDY_OPTIONS_INIT;
    const clipspan_remedy_pair *pair;
    const clipspan_remedy_row *chosen, *best;
    clipspan_remedy *r;
    char one[48], two[48];
    outcome out;
    o.random_sets = o.resamples = -1;
    MUST(clipspan_remedy_new(&r, ev, &o, NULL, &error));
    pair = clipspan_remedy_get_pair(r, 0);
    chosen = clipspan_remedy_get_row(r, 0, CLIPSPAN_TRIED_CHOSEN);
    best = clipspan_remedy_get_row(r, 0, pair->rows - 1);
    out = (outcome){t->of == BIRD ? q->kind : "absent", chosen->worst->before->share,
                    chosen->worst->after->share, best->worst->after->share,
                    chosen->worst->before->images};
    printf("%s\t%s\t%s\t%s\t%zu\t%s\t%.3f\t%.3f\t%.3f\t%s\t%.3f\n", t->name, out.kind, q->words,
           c->name, n, words_of(one, chosen), out.before, pair->decision->gain, out.after,
           words_of(two, best), out.best);
    clipspan_remedy_free(&r);
    return out;
}

static outcome run_case(const world *w, const task *t, const cue *q, const composition *c, size_t n,
                        clipspan_encoder *encoder, cs_random *random)
{
    clipspan_evaluation_options o = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_effects_options effects = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    size_t *rows = malloc(2 * w->N * sizeof *rows), count = 0, some;
    part test = {0}, stats = {0};
    clipspan_evaluation *ev;
    clipspan_cues *cue_of;
    outcome out;
    for (size_t i = 0; i < w->N; i++)
        if (w->images[i].test && group_of(&w->images[i], t) >= 0) rows[count++] = i;
    some = statistics(rows + w->N, w, t, c, n, random);
    open_part(&test, w, t, rows, count);
    open_part(&stats, w, t, rows + w->N, some);
    MUST(clipspan_cues_new(&cue_of, q->words, encoder, t->bank, &error));
    effects.cues = clipspan_cues_get_directions(cue_of);
    effects.cue_count = 1;
    o.effects = &effects;
    o.means = stats.run;
    MUST(clipspan_evaluation_new(&ev, test.run, t->bank, &o, NULL, &error));
    out = judge(ev, t, q, c, n);
    clipspan_evaluation_free(&ev);
    clipspan_cues_free(&cue_of);
    close_part(&test);
    close_part(&stats);
    free(rows);
    return out;
}

/* ---- Tasks ---- */

static void open_task(task *t, const char *folder, const char *file, clipspan_encoder *encoder)
{
    char path[1024];
    const char *names[2] = {t->a, t->b}, *keys[2] = {t->a, t->b};
    clipspan_texts *all, *two, *templates;
    snprintf(path, sizeof path, "%s/%s.txt", folder, file);
    MUST(clipspan_texts_open(&all, path, &error));
    for (size_t i = 0; i < clipspan_texts_get_count(all); i++)
        for (int k = 0; k < 2; k++)
            if (strcmp(clipspan_texts_get_key(all, i), keys[k]) == 0)
                names[k] = clipspan_texts_get_text(all, i);
    snprintf(path, sizeof path, "%s/%s.templates.txt", folder, file);
    MUST(clipspan_texts_open(&templates, path, &error));
    MUST(clipspan_texts_new(&two, names, keys, 2, &error));
    MUST(clipspan_bank_new_classes(&t->bank, encoder, two, templates, NULL, &error));
    clipspan_texts_free(&two);
    clipspan_texts_free(&templates);
    clipspan_texts_free(&all);
}

/* ---- The table ---- */

static int show_kind(const char *kind, const outcome *outcomes, size_t count, double share)
{
    size_t cases = 0, changed = 0, worse = 0, gainable = 0, half = 0;
    double gain = 0.0, below = 0.0, least = 0.0;
    for (size_t i = 0; i < count; i++) {
        const outcome *o = &outcomes[i];
        const double change = o->after - o->before, most = o->best - o->before;
        const double allowed = o->images < 50 ? 1.0 / (double)o->images : 0.02;
        if (kind && strcmp(kind, o->kind) != 0) continue;
        cases++;
        changed += change != 0.0;
        worse += change < -allowed - 1e-9;
        if (change < least) least = change;
        gain += change;
        below += o->best - o->after;
        if (!kind && strcmp(o->kind, "class") == 0) continue; /* it has to be refused */
        gainable += most >= 0.1;
        half += most >= 0.1 && change >= 0.5 * most;
    }
    if (cases)
        printf("| %s | %zu | %zu | %zu | %+.1f | %+.1f | %zu of %zu | %.1f |\n",
               kind ? kind : "all", cases, changed, worse, 100 * least, 100 * gain / (double)cases,
               half, gainable, 100 * below / (double)cases);
    return worse > 0 || (double)half < share * (double)gainable;
}

static int show_table(const outcome *outcomes, size_t count, double share)
{
    printf("\n| cue | cases | changed | worse by more than 2 points | least change | mean change | "
           "half of 10 "
           "points or more | below the best in hindsight |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (const char *const *k =
             (const char *const[]){"good", "vague", "wrong", "class", "absent", NULL};
         *k; k++)
        (void)show_kind(*k, outcomes, count, 0.0);
    return show_kind(NULL, outcomes, count, share);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {40, 100, 300, 1000, 2500};
    static outcome outcomes[MOST_CASES];
    task tasks[] = {{BIRD, "bird", "duck", "hen", NULL},
                    {SIZE, "size", "small", "large", NULL},
                    {TEXTURE, "texture", "plain", "striped", NULL},
                    {COUNT, "count", "one", "two", NULL}};
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    const uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    const double share = argc > 5 ? strtod(argv[5], NULL) : 2.0 / 3.0;
    cs_random random = {seed};
    clipspan_model *model;
    clipspan_encoder *encoder;
    world w = {0};
    size_t count = 0;
    if (argc < 4) return 2;
    options.modality = CLIPSPAN_TEXT;
    MUST(clipspan_model_open(&model, argv[1], NULL, &error));
    MUST(clipspan_encoder_new(&encoder, model, &options, &error));
    open_world(&w, argv[2]);
    for (size_t t = 0; t < 4; t++)
        open_task(&tasks[t], argv[3], tasks[t].name, encoder);
    printf(
        "task\tcue kind\tcue\tstatistics\ta group\tchosen\tbefore\tpredicted gain\tafter\tbest\tof "
        "it\n");
    for (size_t q = 0; q < CUES; q++)
        for (size_t c = 0; c < COMPOSITIONS; c++)
            outcomes[count++] = run_case(&w, &tasks[0], &cues[q], &compositions[c],
                                         sizes[cs_random_below(&random, 5)], encoder, &random);
    for (size_t t = 1; t < 4; t++)
        for (size_t q = 0; q < CUES; q++) {
            const composition *c = &compositions[cs_random_below(&random, 5)];
            const size_t n = sizes[cs_random_below(&random, 2)];
            outcomes[count++] = run_case(&w, &tasks[t], &cues[q], c, n, encoder, &random);
        }
    for (size_t t = 0; t < 4; t++)
        clipspan_bank_free(&tasks[t].bank);
    close_world(&w);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    return show_table(outcomes, count, share);
}
