/* SPDX-License-Identifier: MIT */
/* Scanning: the same bytes whatever the threads, shares and interruptions; other models and lists
 * refused; bad images counted; a full disk loses nothing. */
#define _XOPEN_SOURCE 700
#include "base/file.h"
#include "run/folder.h"
#include "run_craft.h"
#include "tiny.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 331 /* eleven chunks, the last of eleven */

static run_craft craft;
static char wanted[65]; /* digest of a run on one thread */

static int set_up(void **state)
{
    char *path;
    (void)state;
    run_craft_init(&craft, ROWS);
    path = run_craft_path(&craft, "run1");
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 1, 0, 0);
    run_craft_merge(path);
    run_craft_digest(wanted, path);
    free(path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run_craft_fini(&craft);
    return 0;
}

static void expect_same(const char *path)
{
    char digest[65];
    run_craft_digest(digest, path);
    assert_string_equal(digest, wanted);
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    static const int threads[] = {2, 3, 7};
    (void)state;
    for (int i = 0; i < 3; i++) {
        char *path = run_craft_path(&craft, "threads");
        run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
        run_craft_scan(&craft, path, threads[i], 0, 0);
        run_craft_merge(path);
        expect_same(path);
        free(path);
    }
}

static void any_number_of_shares_in_any_order_gives_the_same_bytes(void **state)
{
    static const uint64_t shards[] = {1, 3, 10, 20}; /* of twenty, nine have nothing to do */
    (void)state;
    for (int i = 0; i < 4; i++) {
        char *path = run_craft_path(&craft, "shards");
        run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
        for (uint64_t s = shards[i]; s > 0; s--)
            run_craft_scan(&craft, path, 2, s, shards[i]);
        run_craft_merge(path);
        run_craft_merge(path); /* changes nothing */
        expect_same(path);
        free(path);
    }
}

/* A progress that asks to stop after so many steps. */
static int stop_after(void *user, size_t done, size_t total)
{
    int *left = user;
    assert_true(done <= total);
    return (*left)-- <= 0;
}

static void a_scan_that_is_stopped_goes_on_where_it_was(void **state)
{
    char *path = run_craft_path(&craft, "stopped");
    clipspan_scan_result result;
    clipspan_scan_options options = CLIPSPAN_SCAN_OPTIONS_INIT;
    clipspan_error err;
    clipspan_status status;
    uint64_t before = 0;
    int calls = 0;
    (void)state;
    options.threads = 2;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    do {
        int left = 5 + 7 * calls;
        clipspan_progress progress = {stop_after, &left};
        status = clipspan_run_scan(&result, path, craft.model, &options, &progress, &err);
        assert_true(status == CLIPSPAN_OK || status == CLIPSPAN_E_INTERRUPTED);
        if (status == CLIPSPAN_E_INTERRUPTED) assert_non_null(strstr(err.message, "goes on"));
        assert_true(result.chunks_before >= before); /* nothing is done twice */
        before = result.chunks_before + (result.images + 31) / 32;
        assert_int_equal(clipspan_run_merge(path, NULL, &err) == CLIPSPAN_OK,
                         status == CLIPSPAN_OK);
        calls++;
    } while (status != CLIPSPAN_OK);
    assert_true(calls > 2);
    expect_same(path);
    free(path);
}

/* Wherever a merge is stopped, the next one goes on. */
static void a_merge_that_is_stopped_goes_on(void **state)
{
    char *path = run_craft_path(&craft, "unmerged");
    clipspan_status status = CLIPSPAN_E_INTERRUPTED;
    clipspan_error err;
    int calls = 0;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    for (uint64_t s = 1; s <= 3; s++)
        run_craft_scan(&craft, path, 2, s, 3);
    while (status != CLIPSPAN_OK) {
        int left = 4 * calls++;
        clipspan_progress progress = {stop_after, &left};
        status = clipspan_run_merge(path, &progress, &err);
        assert_true(status == CLIPSPAN_OK || status == CLIPSPAN_E_INTERRUPTED);
    }
    assert_int_equal(calls, 4); /* eleven chunks, one pack: stopped at the 1st, 5th, 9th step */
    expect_same(path);
    free(path);
}

static int lack_memory(void *user, size_t done, size_t total)
{
    (void)user;
    (void)done;
    (void)total;
    return CLIPSPAN_E_NOMEM;
}

/* It is no interruption that the same call would go on from. */
static void an_error_of_progress_is_the_error_of_the_call(void **state)
{
    char *path = run_craft_path(&craft, "callback");
    const clipspan_progress progress = {lack_memory, NULL};
    clipspan_scan_options options = CLIPSPAN_SCAN_OPTIONS_INIT;
    clipspan_scan_result result;
    clipspan_error err;
    (void)state;
    options.threads = 2;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    assert_int_equal(clipspan_run_scan(&result, path, craft.model, &options, &progress, &err),
                     CLIPSPAN_E_NOMEM);
    assert_int_equal(err.code, CLIPSPAN_E_NOMEM);
    run_craft_scan(&craft, path, 2, 0, 0);
    assert_int_equal(clipspan_run_merge(path, &progress, &err), CLIPSPAN_E_NOMEM);
    run_craft_merge(path);
    expect_same(path);
    free(path);
}

static void damaged_parts_are_done_again(void **state)
{
    char *path = run_craft_path(&craft, "damaged"), *gone;
    clipspan_error err;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    for (uint64_t s = 1; s <= 3; s++) /* chunks 0 to 8 of 11, which make no pack yet */
        run_craft_scan(&craft, path, 2, s, 4);
    run_craft_damage(path, "segments/000/packs/00-00000003.safetensors");
    run_craft_damage(path, "segments/000/nodes/00-00000005.safetensors");
    gone = cs_tiny_path(path, "segments/000/packs/00-00000007.safetensors");
    assert_int_equal(unlink(gone), 0);
    free(gone);
    cs_tiny_write_text(path, "segments/000/nodes/00-00000008.safetensors", "garbage");
    cs_tiny_write_text(path, "segments/000/nodes/.00-00000001.safetensors.1.0.part", "by a kill");
    assert_int_equal(clipspan_run_merge(path, NULL, &err), CLIPSPAN_E_FORMAT); /* chunk 3 */
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    expect_same(path);
    free(path);
}

/* Cut short, and with one wrong number. */
static void q40_damaged_output_maps_of_a_merged_run_are_made_again(void **state)
{
    char *path = run_craft_path(&craft, "maps"), *maps;
    FILE *file;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    maps = cs_tiny_path(path, CS_OUTPUT_MAP_FILE);
    run_craft_damage(path, CS_OUTPUT_MAP_FILE);
    run_craft_scan(&craft, path, 2, 0, 0);
    expect_same(path);
    file = fopen(maps, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc(99, file), 99);
    assert_int_equal(fclose(file), 0);
    run_craft_scan(&craft, path, 2, 0, 0);
    expect_same(path);
    free(maps);
    free(path);
}

/* A pack that stands for two chunks. */
static void q31_one_part_under_two_names_is_refused(void **state)
{
    char *path = run_craft_path(&craft, "linked"), *one, *two;
    clipspan_error err;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    for (uint64_t s = 1; s <= 3; s++)
        run_craft_scan(&craft, path, 2, s, 4);
    one = cs_tiny_path(path, "segments/000/packs/00-00000003.safetensors");
    two = cs_tiny_path(path, "segments/000/packs/00-00000004.safetensors");
    assert_int_equal(unlink(two), 0);
    assert_int_equal(link(one, two), 0);
    run_craft_scan(&craft, path, 2, 4, 4);
    assert_int_equal(clipspan_run_merge(path, NULL, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "one file under two names"));
    assert_int_equal(unlink(two), 0);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    expect_same(path);
    free(one);
    free(two);
    free(path);
}

/* The pack of a whole run, and what it was made from when a kill came between. */
static void a_damaged_pack_is_made_again(void **state)
{
    char *path = run_craft_path(&craft, "packed"), *pack, *old;
    clipspan_scan_result result;
    clipspan_error err;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    expect_same(path);
    pack = cs_tiny_path(path, "segments/000/packs/10-00000000.safetensors");
    assert_int_equal(cs_path_kind(pack), 1);
    run_craft_damage(path, "segments/000/packs/10-00000000.safetensors");
    assert_int_equal(clipspan_run_merge(path, NULL, &err), CLIPSPAN_E_FORMAT);
    assert_int_equal(clipspan_run_scan(&result, path, craft.model, NULL, NULL, &err), 0);
    assert_int_equal(result.chunks_before, 0);
    run_craft_merge(path);
    expect_same(path);

    /* Packed already, and a chunk of it is there once more. */
    old = cs_tiny_path(path, "segments/000/packs/00-00000004.safetensors");
    cs_tiny_write_text(path, "segments/000/packs/00-00000004.safetensors", "garbage");
    run_craft_damage(path, "statistics.safetensors");
    run_craft_merge(path);
    assert_int_equal(cs_path_kind(old), 0);
    expect_same(path);
    free(old);
    free(pack);
    free(path);
}

static void output_maps_that_are_damaged_are_made_again(void **state)
{
    char *path = run_craft_path(&craft, "maps");
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    run_craft_damage(path, "output_maps.safetensors");
    run_craft_scan(&craft, path, 2, 0, 0);
    expect_same(path);
    free(path);
}

static void chunks_that_are_missing_are_listed(void **state)
{
    char *path = run_craft_path(&craft, "missing");
    clipspan_error err;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 2, 11);
    run_craft_scan(&craft, path, 2, 6, 11);
    run_craft_scan(&craft, path, 2, 8, 11);
    assert_int_equal(clipspan_run_merge(path, NULL, &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "8 of 11 chunks are not scanned: 0, 2-4, 6, 8-10. "));
    free(path);
}

static void parts_of_another_run_are_refused(void **state)
{
    char *path = run_craft_path(&craft, "mixed"), *other = run_craft_path(&craft, "other");
    char *from = cs_tiny_path(other, "segments/000/packs/10-00000000.safetensors");
    char *to = cs_tiny_path(path, "segments/000/packs/10-00000000.safetensors");
    clipspan_error err;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_plan(&craft, other, CLIPSPAN_COEFFICIENTS_F16);
    run_craft_scan(&craft, other, 2, 0, 0);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(clipspan_run_merge(path, NULL, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "another run"));
    assert_int_equal(clipspan_run_scan(NULL, path, craft.model, NULL, NULL, &err),
                     CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "another run"));
    free(from);
    free(to);
    free(path);
    free(other);
}

static void another_model_option_or_list_is_refused_with_both_values(void **state)
{
    char *path = run_craft_path(&craft, "refused"), *other = cs_tiny_path(craft.folder, "model2");
    const char *source = craft.list;
    clipspan_plan_options options = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_image_options turned = CLIPSPAN_IMAGE_OPTIONS_INIT;
    clipspan_model_options gelu = CLIPSPAN_MODEL_OPTIONS_INIT;
    clipspan_inputs_options columns = CLIPSPAN_INPUTS_OPTIONS_INIT;
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    clipspan_model *model;
    clipspan_inputs *inputs;
    clipspan_error err;
    int found;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    assert_int_equal(clipspan_run_plan(&found, path, craft.model, craft.inputs, NULL, NULL, &err),
                     0);
    assert_int_equal(found, 1);

    tiny.no_text = 1; /* other weights */
    cs_tiny_write(craft.folder, "model2/x", "", 0);
    cs_tiny_write_openclip(other, &tiny, 8);
    assert_int_equal(clipspan_model_open(&model, other, NULL, NULL), 0);
    assert_int_equal(clipspan_run_plan(&found, path, model, craft.inputs, NULL, NULL, &err),
                     CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, "model.sha256"));
    assert_int_equal(clipspan_run_scan(NULL, path, model, NULL, NULL, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "model.sha256"));
    clipspan_model_close(&model);

    gelu.quick_gelu = 1; /* the same weights, read otherwise */
    assert_int_equal(clipspan_model_open(&model, craft.model_path, &gelu, NULL), 0);
    assert_int_equal(clipspan_run_scan(NULL, path, model, NULL, NULL, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "model.activation \"gelu\""));
    assert_non_null(strstr(err.message, "\"quick_gelu\""));
    clipspan_model_close(&model);

    turned.exif_orient = 1;
    options.image = &turned;
    assert_int_equal(
        clipspan_run_plan(&found, path, craft.model, craft.inputs, &options, NULL, &err),
        CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, "preprocess.exif_orient \"0\""));

    columns.labels = "place"; /* the same images with other labels */
    assert_int_equal(clipspan_inputs_open(&inputs, &source, 1, &columns, NULL), 0);
    assert_int_equal(clipspan_run_plan(&found, path, craft.model, inputs, NULL, NULL, &err),
                     CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, "other labels"));
    clipspan_inputs_close(&inputs);

    cs_tiny_write_text(craft.folder, "short.csv", "path\npics/00.png\n");
    {
        char *shorter = cs_tiny_path(craft.folder, "short.csv");
        source = shorter;
        assert_int_equal(clipspan_inputs_open(&inputs, &source, 1, NULL, NULL), 0);
        free(shorter);
    }
    assert_int_equal(clipspan_run_plan(&found, path, craft.model, inputs, NULL, NULL, &err),
                     CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, "images.count \"331\""));
    assert_non_null(strstr(err.message, "\"1\""));
    options = (clipspan_plan_options)CLIPSPAN_PLAN_OPTIONS_INIT;
    options.replace = 1;
    assert_int_equal(clipspan_run_plan(&found, path, craft.model, inputs, &options, NULL, &err), 0);
    clipspan_inputs_close(&inputs);
    free(path);
    free(other);
}

static void a_folder_with_other_things_is_not_made_a_run(void **state)
{
    char *path = run_craft_path(&craft, "pics");
    clipspan_plan_options options = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_error err;
    (void)state;
    options.replace = 1;
    assert_int_equal(clipspan_run_plan(NULL, path, craft.model, craft.inputs, &options, NULL, &err),
                     CLIPSPAN_E_EXISTS);
    assert_non_null(strstr(err.message, "other things"));
    free(path);
}

/* ---- Bad images ---- */

static int count_status(void *user, const clipspan_run_image *image)
{
    static const char *const want[] = {"ok",      "missing",     "damaged", "changed",
                                       "ok",      "unsupported", "ok",      "unreadable",
                                       "changed", "damaged"};
    int *seen = user;
    assert_string_equal(image->status, want[image->list_index]);
    assert_int_equal(*image->error == '\0', strcmp(image->status, "ok") == 0);
    assert_int_equal(image->duplicate_of, image->list_index == 4   ? 0
                                          : image->list_index == 9 ? 2
                                                                   : -1);
    (*seen)++;
    return 0;
}

/* Rows of a chunk are its usable images' only, in order of run_index, whatever lies between. */
static void check_rows(const clipspan_run *run, const clipspan_inputs *inputs)
{
    const size_t P = (size_t)clipspan_run_get_info(run)->embed_width;
    float *rows = malloc(32 * P * sizeof *rows), *plain = malloc(P * sizeof *plain);
    uint64_t run_indices[32];
    uint32_t order[10];
    clipspan_encoder *encoder;
    size_t n;
    assert_int_equal(clipspan_encoder_new(&encoder, craft.model, NULL, NULL), 0);
    assert_int_equal(clipspan_run_read_vectors(rows, run_indices, &n, run, 0,
                                               CLIPSPAN_VECTORS_EMBEDDING, 0, NULL),
                     0);
    assert_int_equal(n, 3);
    cs_permute(order, 10, 1);
    for (size_t i = 0; i < n; i++) {
        const char *path = clipspan_inputs_get_paths(inputs)[order[run_indices[i]]];
        assert_int_equal(clipspan_encoder_run_files(plain, NULL, encoder, &path, 1, NULL), 0);
        assert_memory_equal(plain, rows + i * P, P * sizeof *plain);
    }
    clipspan_encoder_free(&encoder);
    free(rows);
    free(plain);
}

static void every_kind_of_bad_image_is_skipped_with_its_reason(void **state)
{
    char *path = run_craft_path(&craft, "badrun"), *list = cs_tiny_path(craft.folder, "bad.csv");
    const char *source = list;
    const clipspan_run_info *info;
    clipspan_inputs *inputs;
    clipspan_scan_result result;
    clipspan_run *run;
    clipspan_error err;
    int seen = 0;
    (void)state;
    cs_tiny_write_text(craft.folder, "bad.csv",
                       "path\npics/00.png\nbad/missing.png\nbad/cut.png\nbad/grows.png\n"
                       "pics/00.png\nbad/film.gif\npics/01.png\nbad/folder.png\nbad/late.png\n"
                       "bad/cut.png\n");
    cs_tiny_write_text(craft.folder, "bad/cut.png", "\x89PNG\r\n\x1a\n and then nothing");
    cs_tiny_write_text(craft.folder, "bad/film.gif", "GIF89a and some more bytes of it");
    cs_tiny_write_text(craft.folder, "bad/grows.png", "short");
    cs_tiny_write_text(craft.folder, "bad/folder.png/x", "");
    assert_int_equal(clipspan_inputs_open(&inputs, &source, 1, NULL, NULL), 0);
    assert_int_equal(clipspan_run_plan(NULL, path, craft.model, inputs, NULL, NULL, NULL), 0);
    cs_tiny_write_text(craft.folder, "bad/grows.png", "longer than it was");
    cs_tiny_write_text(craft.folder, "bad/late.png", "was not there");
    if (clipspan_run_scan(&result, path, craft.model, NULL, NULL, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(result.used, 3);
    assert_int_equal(result.skipped, 7);
    run_craft_merge(path);
    assert_int_equal(clipspan_run_open(&run, path, NULL), 0);
    info = clipspan_run_get_info(run);
    assert_int_equal(info->used, 3);
    assert_int_equal(info->skipped, 7);
    assert_int_equal(info->duplicates, 2);
    assert_int_equal(clipspan_run_read_images(run, 0, info->images, count_status, &seen, NULL), 0);
    assert_int_equal(seen, 10);
    check_rows(run, inputs);
    clipspan_run_close(&run);
    clipspan_inputs_close(&inputs);
    free(list);
    free(path);
}

static void a_run_without_any_usable_image_is_an_error(void **state)
{
    char *path = run_craft_path(&craft, "none"), *list = cs_tiny_path(craft.folder, "none.csv");
    const char *source = list;
    clipspan_inputs *inputs;
    clipspan_error err;
    (void)state;
    cs_tiny_write_text(craft.folder, "none.csv", "path\nno/1.png\nno/2.png\n");
    assert_int_equal(clipspan_inputs_open(&inputs, &source, 1, NULL, NULL), 0);
    assert_int_equal(clipspan_run_plan(NULL, path, craft.model, inputs, NULL, NULL, NULL), 0);
    assert_int_equal(clipspan_run_scan(NULL, path, craft.model, NULL, NULL, NULL), 0);
    assert_int_equal(clipspan_run_merge(path, NULL, &err), CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "no usable image among 2"));
    assert_non_null(strstr(err.message, "no such file"));
    clipspan_inputs_close(&inputs);
    free(list);
    free(path);
}

/* A limit on the size of files stands for a full disk: a chunk's file does not fit, smaller ones
 * do. */
static void a_full_disk_is_reported_and_nothing_is_lost(void **state)
{
    char *path = run_craft_path(&craft, "full"),
         *chunk = cs_tiny_path(path, "segments/000/packs/00-00000000.safetensors");
    struct rlimit before, small;
    struct stat facts;
    clipspan_status status;
    clipspan_error err;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(&craft, path, 2, 1, 3);
    assert_int_equal(stat(chunk, &facts), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)facts.st_size - 1;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    status = clipspan_run_scan(NULL, path, craft.model, NULL, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, CLIPSPAN_E_WRITE);
    assert_non_null(strstr(err.message, "cannot be written"));
    run_craft_scan(&craft, path, 2, 0, 0);
    run_craft_merge(path);
    expect_same(path);
    free(chunk);
    free(path);
}

static void a_run_at_work_is_not_touched_by_another_process(void **state)
{
    char *path = run_craft_path(&craft, "locked");
    clipspan_error err;
    (void)state;
    run_craft_plan(&craft, path, CLIPSPAN_COEFFICIENTS_F32);
    /* The lock belongs to the open file, so a second one in the same process meets it too. */
    {

        int lock;
        cs_root *root;
        assert_int_equal(cs_root_open(&root, path, NULL), 0);
        assert_int_equal(cs_folder_lock(&lock, root, 0, NULL), 0);
        cs_root_close(&root);
        run_craft_scan(&craft, path, 2, 1, 2); /* shares live side by side */
        assert_int_equal(clipspan_run_scan(NULL, path, craft.model, NULL, NULL, &err),
                         CLIPSPAN_E_WRITE);
        assert_non_null(strstr(err.message, "another process"));
        assert_int_equal(clipspan_run_merge(path, NULL, &err), CLIPSPAN_E_WRITE);
        cs_folder_unlock(&lock);
    }
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(any_number_of_shares_in_any_order_gives_the_same_bytes),
        cmocka_unit_test(a_scan_that_is_stopped_goes_on_where_it_was),
        cmocka_unit_test(a_merge_that_is_stopped_goes_on),
        cmocka_unit_test(an_error_of_progress_is_the_error_of_the_call),
        cmocka_unit_test(damaged_parts_are_done_again),
        cmocka_unit_test(q40_damaged_output_maps_of_a_merged_run_are_made_again),
        cmocka_unit_test(q31_one_part_under_two_names_is_refused),
        cmocka_unit_test(a_damaged_pack_is_made_again),
        cmocka_unit_test(output_maps_that_are_damaged_are_made_again),
        cmocka_unit_test(chunks_that_are_missing_are_listed),
        cmocka_unit_test(parts_of_another_run_are_refused),
        cmocka_unit_test(another_model_option_or_list_is_refused_with_both_values),
        cmocka_unit_test(a_folder_with_other_things_is_not_made_a_run),
        cmocka_unit_test(every_kind_of_bad_image_is_skipped_with_its_reason),
        cmocka_unit_test(a_run_without_any_usable_image_is_an_error),
        cmocka_unit_test(a_full_disk_is_reported_and_nothing_is_lost),
        cmocka_unit_test(a_run_at_work_is_not_touched_by_another_process),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
