/* SPDX-License-Identifier: MIT */
/* Atlases of a small run: against TEXTSPAN head by head, kept and read back, trimmed, damaged. */
#include "atlas/atlas_store.h"
#include "tiny.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define IMAGES    40
#define ROWS      520 /* seventeen chunks: enough for stability */
#define TEXTS     120
#define GROUPS    12 /* categories */
#define ROTATIONS 60

static char *folder, *run_path;
static clipspan_run *run;
static clipspan_model *model;
static clipspan_texts *pool, *control;

static clipspan_texts *make_texts(const char *word, const char *const *keys)
{
    static char words[TEXTS][48];
    const char *names[TEXTS];
    clipspan_texts *texts = NULL;
    for (size_t t = 0; t < TEXTS; t++) {
        snprintf(words[t], sizeof words[t], "%s %c%c number %zu", word, (char)('a' + t % 26),
                 (char)('a' + t / 7 % 26), t * t);
        names[t] = words[t];
    }
    assert_int_equal(clipspan_texts_new(&texts, names, keys, TEXTS, NULL), CLIPSPAN_OK);
    return texts;
}

/* Keys dealt at random: "g3", or "!g3" for half of them. */
static void deal(char keys[TEXTS][8], const char **out, uint32_t seed)
{
    for (size_t t = 0; t < TEXTS; t++) {
        seed = seed * 1664525U + 1013904223U;
        snprintf(keys[t], sizeof keys[t], "%sg%u", (seed >> 24) % GROUPS % 2 ? "!" : "",
                 (seed >> 24) % GROUPS);
        out[t] = keys[t];
    }
}

static void write_images(void)
{
    uint8_t pixels[16 * 16 * 3];
    char *list = calloc(ROWS + 1, 64);
    uint32_t seed = 5;
    clipspan_error err;
    for (size_t i = 0; i < IMAGES; i++) {
        char name[32], *path;
        snprintf(name, sizeof name, "%zu.png", i);
        path = cs_tiny_path(folder, name);
        for (size_t v = 0; v < sizeof pixels; v++) {
            seed = seed * 1664525U + 1013904223U;
            pixels[v] = (uint8_t)((seed >> 24) / (1 + v % 3 * (i % 4)) + i);
        }
        if (clipspan_png_write(path, pixels, 16, 16, 1, &err)) fail_msg("%s", err.message);
        free(path);
    }
    strcpy(list, "path,label\n");
    for (size_t i = 0; i < ROWS; i++)
        sprintf(list + strlen(list), "%zu.png,l%zu\n", i % IMAGES, i % 3);
    cs_tiny_write_text(folder, "list.csv", list);
    free(list);
}

static clipspan_run *scan(const char *path, clipspan_coefficients coefficients)
{
    clipspan_plan_options plan = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_inputs_options with = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs = NULL;
    clipspan_run *made = NULL;
    clipspan_error err;
    char *list = cs_tiny_path(folder, "list.csv");
    const char *source = list;
    plan.coefficients = coefficients;
    with.labels = "label";
    if (clipspan_inputs_open(&inputs, &source, 1, &with, &err) ||
        clipspan_run_plan(NULL, path, model, inputs, &plan, NULL, &err) ||
        clipspan_run_scan(NULL, path, model, NULL, NULL, &err) ||
        clipspan_run_merge(path, NULL, &err) || clipspan_run_open(&made, path, &err))
        fail_msg("%s", err.message);
    clipspan_inputs_close(&inputs);
    free(list);
    return made;
}

static int set_up(void **state)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    const char *keys[TEXTS];
    char room[TEXTS][8], *path;
    (void)state;
    folder = cs_tiny_memory_folder();
    tiny.layers = 5;
    tiny.width = 192; /* heads as wide as where five basis texts make a role */
    tiny.heads = 6;
    path = cs_tiny_path(folder, "model");
    cs_tiny_write(folder, "model/x", "", 0);
    cs_tiny_write_openclip(path, &tiny, 3);
    assert_int_equal(clipspan_model_open(&model, path, NULL, NULL), CLIPSPAN_OK);
    free(path);
    write_images();
    run_path = cs_tiny_path(folder, "run");
    run = scan(run_path, CLIPSPAN_COEFFICIENTS_F32);
    deal(room, keys, 1);
    pool = make_texts("image of", keys);
    control = make_texts("blorp", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_texts_free(&pool);
    clipspan_texts_free(&control);
    clipspan_run_close(&run);
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
    free(run_path);
    return 0;
}

static clipspan_atlas_options options_of(const char *name, const clipspan_texts *texts)
{
    clipspan_atlas_options o = CLIPSPAN_ATLAS_OPTIONS_INIT;
    o.name = name;
    o.texts = texts;
    o.control_texts = control;
    o.opened = model;
    o.basis_texts = 8;
    o.seed = 4;
    o.rotations = ROTATIONS;
    return o;
}

static clipspan_atlas *make(const clipspan_run *from, const clipspan_atlas_options *o)
{
    clipspan_atlas *atlas = NULL;
    clipspan_error err;
    if (clipspan_atlas_new(&atlas, from, o, NULL, &err)) fail_msg("%s", err.message);
    return atlas;
}

static clipspan_bank *bank_of(const clipspan_texts *texts)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_bank *bank = NULL;
    float *vectors = malloc(sizeof(float) * TEXTS * 12);
    o.modality = CLIPSPAN_TEXT;
    assert_int_equal(clipspan_encoder_new(&encoder, model, &o, NULL), 0);
    assert_int_equal(clipspan_encoder_run_texts(vectors, encoder, texts, NULL, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, vectors, 12, NULL), 0);
    clipspan_encoder_free(&encoder);
    free(vectors);
    return bank;
}

/* Every head's basis texts, role and sums are those of TEXTSPAN on the run, one head at a time. */
static void heads_are_those_of_textspan(void **state)
{
    clipspan_atlas_options o = options_of("pool", pool);
    clipspan_atlas *atlas = make(run, &o);
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas);
    const clipspan_atlas_text *texts = clipspan_atlas_get_texts(atlas);
    clipspan_bank *bank = bank_of(pool), *control_bank = bank_of(control);
    clipspan_span_options so = CLIPSPAN_SPAN_OPTIONS_INIT;
    double shares = 0;
    (void)state;
    so.basis_texts = 8;
    so.seed = 4;
    so.rotations = ROTATIONS;
    so.controls = &(const clipspan_bank *){control_bank};
    so.control_pools = 1;
    assert_int_equal(info->heads, 30);
    assert_int_equal(info->resamples, 200);
    for (size_t i = 0; i < info->heads; i++) {
        const clipspan_atlas_head *h = &heads[i];
        clipspan_span *span = NULL, *control_span = NULL;
        clipspan_role role;
        double sum = 0;
        assert_int_equal(clipspan_span_new_run(&span, run, &h->head, 1, bank, &so, NULL, NULL), 0);
        assert_int_equal(
            clipspan_span_new_run(&control_span, run, &h->head, 1, control_bank, &so, NULL, NULL),
            0);
        assert_int_equal(clipspan_span_run_roles(&role, &span, 1, bank, 0, NULL), 0);
        assert_int_equal(h->basis_texts, clipspan_span_get_info(span)->basis_texts);
        for (int k = 0; k < h->basis_texts; k++) {
            const clipspan_basis_text *p = &clipspan_span_get_basis_texts(span)[k];
            assert_string_equal(texts[h->basis_text[k].basis_text->text].text,
                                clipspan_bank_get_name(bank, p->text));
            assert_true(h->basis_text[k].basis_text->share == p->share);
            assert_true(h->basis_text[k].basis_text->any_place == p->any_place);
            assert_true(*texts[h->basis_text[k].basis_text->text].category == 'g'); /* without its
                                                                                      mark */
            sum += p->share;
            assert_true(h->basis_text[k].cumulated == sum);
        }
        assert_true(h->role->p == role.p && h->role->relabelled_p == role.relabelled_p);
        assert_true(h->role->q >= 0.0 && h->role->q <= 1.0);
        assert_true(h->role->explained_variance[0] == role.explained_variance[0] &&
                    h->role->control_variance == role.control_variance);
        assert_int_equal(h->role->control_above, role.control_above);
        assert_true(h->role->enrichment[0] == role.enrichment[0] &&
                    h->role->enrichment[1] == role.enrichment[1]);
        assert_string_equal(h->role->category[0], role.category[0]);
        shares += h->variance_share->share;
        clipspan_span_free(&span);
        clipspan_span_free(&control_span);
    }
    for (int l = 0; l < info->run->layers; l++) /* heads and MLP contributions add up to
                                                   everything */
        shares += clipspan_atlas_get_layers(atlas)[l].mlp->share;
    assert_true(fabs(shares + info->input->share - 1.0) < 1e-5);
    clipspan_bank_free(&bank);
    clipspan_bank_free(&control_bank);
    clipspan_atlas_free(&atlas);
}

/* The farthest image along a first basis text, from the contributions themselves. */
static void extremes_are_the_farthest_images(void **state)
{
    clipspan_atlas_options o = options_of("pool", pool);
    clipspan_atlas *atlas = make(run, &o);
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[info->heads - 2];
    const clipspan_atlas_image *images = clipspan_atlas_get_images(atlas);
    clipspan_bank *bank = bank_of(pool);
    clipspan_span *span = NULL;
    double mean[64], y[32 * 64], best = 0;
    uint64_t run_indices[32], chunks = clipspan_run_get_info(run)->chunks;
    size_t C = (size_t)info->run->head_width + 3;
    (void)state;
    assert_int_equal(head->top_count, CLIPSPAN_EXTREMES);
    assert_int_equal(head->bottom_count, CLIPSPAN_EXTREMES);
    assert_int_equal(clipspan_atlas_get_heads(atlas)[0].top_count, 0); /* not in the last four */
    assert_int_equal(clipspan_span_new_run(&span, run, &head->head, 1, bank, NULL, NULL, NULL), 0);
    assert_int_equal(
        clipspan_run_read_head(NULL, mean, NULL, run, -1, head->head.layer, head->head.head, NULL),
        0);
    for (uint64_t c = 0; c < chunks; c++) {
        size_t count;
        assert_int_equal(clipspan_run_read_coefficients(y, run_indices, &count, run, c,
                                                        head->head.layer, head->head.head, NULL),
                         0);
        for (size_t i = 0; i < count; i++) {
            double p = 0;
            for (size_t k = 0; k < C; k++)
                p += (y[i * C + k] - mean[k]) * clipspan_span_get_readers(span)[k];
            if (p > best) best = p;
        }
    }
    assert_true(fabs(head->top[0].projection - best) < 1e-9);
    for (int i = 0; i < CLIPSPAN_EXTREMES; i++) {
        assert_true(head->bottom[i].projection < 0);
        assert_true(images[head->top[i].image].list_index < IMAGES);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(images[head->top[i].image].path,
                                    images[head->top[j].image].path);
    }
    assert_int_equal(*images[0].file, '/');
    assert_int_equal(*images[0].label, 'l');
    clipspan_span_free(&span);
    clipspan_bank_free(&bank);
    clipspan_atlas_free(&atlas);
}

static void expect_same(const clipspan_atlas *a, const clipspan_atlas *b)
{
    const clipspan_atlas_info *x = clipspan_atlas_get_info(a), *y = clipspan_atlas_get_info(b);
    assert_int_equal(x->heads, y->heads);
    assert_int_equal(x->distinct, y->distinct);
    assert_int_equal(x->role, y->role);
    assert_true(x->named == y->named && x->control_named == y->control_named);
    assert_true(x->embedding_variance == y->embedding_variance);
    assert_string_equal(x->pool_hash, y->pool_hash);
    for (size_t i = 0; i < x->heads; i++) {
        const clipspan_atlas_head *h = &clipspan_atlas_get_heads(a)[i],
                                  *g = &clipspan_atlas_get_heads(b)[i];
        assert_memory_equal(&h->head, &g->head, sizeof h->head);
        assert_memory_equal(h->variance_share, g->variance_share, sizeof *h->variance_share);
        assert_int_equal(h->basis_texts, g->basis_texts);
        assert_true(h->role->enrichment[0] == g->role->enrichment[0] &&
                    h->role->outcome == g->role->outcome && h->role->p == g->role->p &&
                    h->role->q == g->role->q && h->role->relabelled_p == g->role->relabelled_p &&
                    h->role->control_variance == g->role->control_variance &&
                    h->role->control_above == g->role->control_above &&
                    h->role->control_pools == g->role->control_pools && h->weight == g->weight &&
                    h->minor == g->minor);
        assert_string_equal(h->role->first_category, g->role->first_category);
        for (int k = 0; k < h->basis_texts; k++) {
            const clipspan_basis_text *p = h->basis_text[k].basis_text,
                                      *q = g->basis_text[k].basis_text;
            assert_string_equal(clipspan_atlas_get_texts(a)[p->text].text,
                                clipspan_atlas_get_texts(b)[q->text].text);
            assert_true(p->share == q->share && p->same_place == q->same_place);
            assert_true(h->basis_text[k].control_cumulated == g->basis_text[k].control_cumulated);
            assert_int_equal(p->runners_up, q->runners_up);
            for (int r = 0; r < p->runners_up; r++)
                assert_true(p->runner_up[r].ratio == q->runner_up[r].ratio);
        }
        assert_int_equal(h->top_count, g->top_count);
        for (int k = 0; k < h->top_count; k++)
            assert_true(h->top[k].projection == g->top[k].projection);
    }
}

static int refuse(void *user, size_t done, size_t total)
{
    (void)done;
    (void)total;
    ++*(int *)user;
    return 0;
}

static void what_is_kept_is_taken(void **state)
{
    clipspan_atlas_options o = options_of("kept", pool);
    int steps = 0;
    const clipspan_progress progress = {refuse, &steps};
    clipspan_atlas *first, *again = NULL, *opened = NULL, *last;
    clipspan_error err;
    (void)state;
    o.as_main = 1;
    first = make(run, &o);
    o.opened = NULL;
    o.model = "/no/such/model"; /* which is not needed any more */
    assert_int_equal(clipspan_atlas_new(&again, run, &o, &progress, &err), CLIPSPAN_OK);
    assert_int_equal(steps, 0);
    expect_same(first, again);
    assert_int_equal(clipspan_atlas_open(&opened, run, NULL, &err), CLIPSPAN_OK);
    assert_string_equal(clipspan_atlas_get_info(opened)->pool, "kept");
    expect_same(first, opened);
    clipspan_atlas_free(&again);
    o.first_layer = 4; /* a part of it */
    o.layers = 1;
    last = make(run, &o);
    assert_int_equal(clipspan_atlas_get_info(last)->heads, 6);
    assert_int_equal(clipspan_atlas_get_heads(last)[0].head.layer, 4);
    assert_true(clipspan_atlas_get_layers(last)[3].named < 0);
    assert_true(clipspan_atlas_get_layers(last)[4].named ==
                clipspan_atlas_get_layers(first)[4].named);
    clipspan_atlas_free(&last);
    o.again = 1; /* from kept vectors, so still without the model */
    o.threads = 1;
    o.first_layer = o.layers = 0;
    last = make(run, &o);
    expect_same(first, last);
    clipspan_atlas_free(&last);
    o.again = 0;
    o.basis_texts = 3;
    last = make(run, &o);
    assert_int_equal(clipspan_atlas_get_heads(last)[0].basis_texts, 3);
    clipspan_atlas_free(&last);
    clipspan_atlas_free(&first);
    clipspan_atlas_free(&opened);
}

/* A number of basis texts that no head has takes no memory: room for a million a head would be
 * more than this process may have. */
static void ask_for_many(cs_run *raw, const char *value, const clipspan_atlas *good)
{
    const char *key = "\"basis_texts\":", *at = strstr(value, key), *rest;
    const size_t room = strlen(value) + 32;
    char *text = malloc(room);
    struct rlimit before, less;
    clipspan_atlas *many = NULL;
    clipspan_error err;
    clipspan_status status;
    assert_non_null(text);
    for (; at && at[strlen(key)] == '['; at = strstr(at + 1, key))
        ;
    assert_non_null(at);
    rest = at + strlen(key) + strspn(at + strlen(key), " 0123456789");
    snprintf(text, room, "%.*s%s1048575%s", (int)(at - value), value, key, rest);
    assert_int_equal(cs_run_set_result(raw, "atlas", "hurt", text, &err), CLIPSPAN_OK);
    free(text);
    getrlimit(RLIMIT_DATA, &before);
    less = before;
    less.rlim_cur = (rlim_t)1 << 32;
    if (!cs_tiny_sanitized()) setrlimit(RLIMIT_DATA, &less);
    status = clipspan_atlas_open(&many, run, "hurt", &err);
    setrlimit(RLIMIT_DATA, &before);
    assert_int_equal(status, CLIPSPAN_OK);
    assert_int_equal(clipspan_atlas_get_heads(many)[0].basis_texts,
                     clipspan_atlas_get_heads(good)[0].basis_texts);
    clipspan_atlas_free(&many);
}

static void results_that_are_damaged_are_made_again(void **state)
{
    static const char *const bad[] = {"", "{", "[]", "{\"version\":\"" CLIPSPAN_VERSION "\"}",
                                      "{\"version\":\"0\"}"};
    clipspan_atlas_options o = options_of("hurt", pool);
    clipspan_atlas *good = make(run, &o), *other = NULL;
    cs_run *raw = NULL;
    char *value = NULL;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_run_open(&raw, run_path, &err), CLIPSPAN_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(cs_run_set_result(raw, "atlas", "hurt", bad[i], &err), CLIPSPAN_OK);
        assert_int_equal(clipspan_atlas_open(&other, run, "hurt", &err), CLIPSPAN_E_FORMAT);
        assert_null(other);
    }
    other = make(run, &o);
    expect_same(good, other);
    clipspan_atlas_free(&other);
    /* Numbers that point nowhere: every digit of the first 4,000 bytes is made a nine in turn. */
    assert_int_equal(cs_run_result(&value, raw, "atlas", "hurt", &err), CLIPSPAN_OK);
    for (size_t i = 0; i < 4000 && value[i]; i += 41) {
        char was = value[i];
        value[i] = was >= '0' && was <= '9' ? '9' : ']';
        assert_int_equal(cs_run_set_result(raw, "atlas", "hurt", value, &err), CLIPSPAN_OK);
        if (clipspan_atlas_open(&other, run, "hurt", &err) == CLIPSPAN_OK)
            clipspan_atlas_free(&other);
        else
            assert_int_equal(err.code, CLIPSPAN_E_FORMAT);
        value[i] = was;
    }
    ask_for_many(raw, value, good);
    assert_int_equal(cs_run_set_result(raw, "atlas", "hurt", NULL, &err), CLIPSPAN_OK);
    assert_int_equal(clipspan_atlas_open(&other, run, "hurt", &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "pool \"hurt\""));
    free(value);
    cs_run_close(&raw);
    clipspan_atlas_free(&good);
}

static void without_categories_coefficients_or_layers(void **state)
{
    clipspan_texts *bare = make_texts("image of", NULL);
    clipspan_atlas_options o = options_of("bare", bare);
    char *path = cs_tiny_path(folder, "nocodes");
    clipspan_run *none = scan(path, CLIPSPAN_COEFFICIENTS_NONE);
    clipspan_atlas *atlas = make(none, &o), *wrong = NULL;
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    clipspan_error err;
    (void)state;
    assert_int_equal(info->pool_categories, 0);
    assert_int_equal(info->role + info->ambiguous, 0);
    assert_null(clipspan_atlas_get_heads(atlas)[3].role->category[0]);
    assert_int_equal(clipspan_atlas_get_heads(atlas)[info->heads - 1].basis_texts, 8);
    assert_int_equal(info->images, 0);
    o.first_layer = 5;
    assert_int_equal(clipspan_atlas_new(&wrong, none, &o, NULL, &err), CLIPSPAN_E_ARGUMENT);
    o.first_layer = 4;
    o.layers = 2;
    assert_int_equal(clipspan_atlas_new(&wrong, none, &o, NULL, &err), CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "0 to 4"));
    clipspan_atlas_free(&atlas);
    clipspan_run_close(&none);
    clipspan_texts_free(&bare);
    free(path);
}

/* Labels that say nothing must not make roles: at most one head in ten is claimed. */
static void random_labels_claim_few_roles(void **state)
{
    int claimed = 0, heads = 0;
    (void)state;
    for (uint32_t seed = 10; seed < 20; seed++) {
        const char *keys[TEXTS];
        char room[TEXTS][8];
        clipspan_texts *dealt;
        clipspan_atlas_options o;
        clipspan_atlas *atlas;
        deal(room, keys, seed);
        dealt = make_texts("image of", keys);
        o = options_of("dealt", dealt);
        atlas = make(run, &o);
        claimed += clipspan_atlas_get_info(atlas)->role + clipspan_atlas_get_info(atlas)->leaning;
        heads += (int)clipspan_atlas_get_info(atlas)->heads;
        clipspan_atlas_free(&atlas);
        clipspan_texts_free(&dealt);
    }
    print_message("%d roles of %d heads\n", claimed, heads);
    assert_int_equal(heads, 300);
    assert_true(10 * claimed <= heads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_those_of_textspan),
        cmocka_unit_test(extremes_are_the_farthest_images),
        cmocka_unit_test(what_is_kept_is_taken),
        cmocka_unit_test(results_that_are_damaged_are_made_again),
        cmocka_unit_test(without_categories_coefficients_or_layers),
        cmocka_unit_test(random_labels_claim_few_roles),
    };
    return cmocka_run_group_tests_name("atlas", tests, set_up, tear_down);
}
