/* SPDX-License-Identifier: MIT */
/* 02_name_a_head MODEL IMAGES LAYER HEAD   The texts that span what one attention head of the
 * image encoder writes about the images of a folder, and its role, tested against random rotations
 * of the head and a pool of control texts. (clipspan_atlas_new does so for all heads together, with
 * ten control pools.) Against an installed library:
 *     cc examples/02_name_a_head.c $(pkg-config --cflags --libs clipspan) -o 02_name_a_head */
#include <clipspan/clipspan.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCKS 64 /* of 32 images; what comes behind is left out */

/* Decomposes the images, 32 at a time; every 32 are a block for stability. Returns how many
 * blocks, -1 on failure. */
static int count(clipspan_stats *all, clipspan_stats **blocks, clipspan_encoder *encoder,
                 const char *folder, clipspan_error *err)
{
    clipspan_error skipped[CLIPSPAN_DECOMPOSITION_MOST]; /* images that cannot be read are no
                                                            failure */
    clipspan_inputs *inputs = NULL;
    clipspan_decomposition *decomposition = NULL;
    int used = 0, failed = clipspan_inputs_open(&inputs, &folder, 1, NULL, err);
    size_t total = clipspan_inputs_get_count(inputs);
    if (!failed) failed = clipspan_decomposition_new(&decomposition, encoder, NULL, err);
    for (size_t i = 0; !failed && i < total && used < BLOCKS;
         i += CLIPSPAN_DECOMPOSITION_MOST, used++) {
        size_t some =
            total - i < CLIPSPAN_DECOMPOSITION_MOST ? total - i : CLIPSPAN_DECOMPOSITION_MOST;
        const char *const *paths = clipspan_inputs_get_paths(inputs) + i;
        failed = clipspan_decomposition_run_files(decomposition, skipped, paths, some, err);
        if (!failed) failed = clipspan_stats_add(all, decomposition, err);
        if (!failed) failed = clipspan_stats_new(&blocks[used], encoder, err);
        if (!failed) failed = clipspan_stats_add(blocks[used], decomposition, err);
    }
    clipspan_decomposition_free(&decomposition);
    clipspan_inputs_close(&inputs);
    return failed ? -1 : used;
}

/* Every text of the set that comes with clipspan, as it stands; and as many control texts. */
static int embed(clipspan_bank **out, clipspan_bank **control, clipspan_model *model,
                 clipspan_error *err)
{
    clipspan_encoder_options opt = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_texts *texts = NULL, *controls = NULL, *as_it_stands = NULL;
    int failed = clipspan_texts_open(&texts, "general", err);
    opt.modality = CLIPSPAN_TEXT;
    if (!failed) failed = clipspan_texts_new_control(&controls, texts, model, 1, 0, err);
    if (!failed) failed = clipspan_texts_open(&as_it_stands, "none", err);
    if (!failed) failed = clipspan_encoder_new(&encoder, model, &opt, err);
    if (!failed) failed = clipspan_bank_new_classes(out, encoder, texts, as_it_stands, NULL, err);
    if (!failed)
        failed = clipspan_bank_new_classes(control, encoder, controls, as_it_stands, NULL, err);
    clipspan_encoder_free(&encoder);
    clipspan_texts_free(&as_it_stands);
    clipspan_texts_free(&controls);
    clipspan_texts_free(&texts);
    return failed;
}

/* What can be said of the head: a role, or why there is none. */
static void show_role(const clipspan_role *role)
{
    const double own = 100.0 * role->explained_variance[0];
    switch (role->outcome) {
    case CLIPSPAN_OUTCOME_ROLE:
        printf("role: %s, whose texts explain %.1f %% (q = %.3f)\n", role->category[0], own,
               role->q);
        break;
    case CLIPSPAN_OUTCOME_LEANING:
        printf("leans to %s, whose texts explain %.1f %% (q = %.3f)\n", role->category[0], own,
               role->q);
        break;
    case CLIPSPAN_OUTCOME_AMBIGUOUS:
        printf("ambiguous: %s or %s\n", role->category[0], role->category[1]);
        break;
    case CLIPSPAN_OUTCOME_NONE: printf("no category stands out\n"); break;
    default: printf("too few images to tell\n");
    }
}

static void show(const clipspan_span *span, const clipspan_role *role, const clipspan_bank *bank)
{
    const clipspan_span_info *info = clipspan_span_get_info(span);
    const clipspan_basis_text *basis_text = clipspan_span_get_basis_texts(span);
    printf("layer %d, head %d, %llu images\n", info->head.layer, info->head.head,
           (unsigned long long)info->images);
    for (int k = 0; k < info->basis_texts; k++)
        printf("%5.1f %%  %s\n", 100.0 * basis_text[k].share,
               clipspan_bank_get_name(bank, basis_text[k].text));
    show_role(role);
}

int main(int argc, char **argv)
{
    clipspan_error err = {.code = CLIPSPAN_E_ARGUMENT,
                          .message = "usage: 02_name_a_head MODEL IMAGES LAYER HEAD"};
    clipspan_model *model = NULL;
    clipspan_encoder *encoder = NULL;
    clipspan_stats *all = NULL, *blocks[BLOCKS] = {NULL};
    clipspan_bank *bank = NULL, *control = NULL;
    clipspan_span *span = NULL;
    clipspan_span_options opt = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_role role;
    clipspan_head head = {0, 0};
    int failed = argc != 5, used = 0;
    if (!failed) head.layer = (int)strtol(argv[3], NULL, 10);
    if (!failed) head.head = (int)strtol(argv[4], NULL, 10);
    if (!failed) failed = clipspan_model_open(&model, argv[1], NULL, &err);
    if (!failed) failed = embed(&bank, &control, model, &err);
    if (!failed) failed = clipspan_encoder_new(&encoder, model, NULL, &err);
    if (!failed) failed = clipspan_stats_new(&all, encoder, &err);
    if (!failed) failed = (used = count(all, blocks, encoder, argv[2], &err)) < 0;
    opt.blocks = (const clipspan_stats *const *)blocks;
    opt.block_count = used > 0 ? (size_t)used : 0;
    opt.rotations = 1000;
    opt.controls = (const clipspan_bank *const *)&control;
    opt.control_pools = 1;
    if (!failed) failed = clipspan_span_new(&span, all, &head, 1, bank, &opt, NULL, &err);
    if (!failed) failed = clipspan_span_run_roles(&role, &span, 1, bank, 0, &err);
    if (failed)
        fprintf(stderr, "%s\n", err.message);
    else
        show(span, &role, bank);
    clipspan_span_free(&span);
    clipspan_bank_free(&bank);
    clipspan_bank_free(&control);
    for (int i = 0; i < BLOCKS; i++)
        clipspan_stats_free(&blocks[i]);
    clipspan_stats_free(&all);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    return failed != 0;
}
