/* SPDX-License-Identifier: MIT */
/* Names to files: paths, the Hugging Face cache and its environment, weight files, links. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "model/hub_cache.h"
#include "model/locate.h"
#include "tiny.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER  "fedcba9876543210fedcba9876543210fedcba98"
#define REPO   "models--laion--CLIP-ViT-B-16-laion2B-s34B-b88K"

static char *folder;

static void clear_environment(void)
{
    unsetenv("HF_HUB_CACHE");
    unsetenv("HUGGINGFACE_HUB_CACHE");
    unsetenv("HF_HOME");
    unsetenv("XDG_CACHE_HOME");
}

static int setup(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    clear_environment();
    setenv("HF_HUB_CACHE", folder, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    clear_environment();
    return 0;
}

/* A cached repository whose main branch is COMMIT, with plain files. */
static void cache(const char *repository, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/refs/main", repository);
    cs_tiny_write_text(folder, path, COMMIT);
    snprintf(path, sizeof path, "%s/snapshots/%s/%s", repository, COMMIT, name);
    cs_tiny_write_text(folder, path, "x");
}

static void found(const char *name, const char *below)
{
    cs_location location;
    clipspan_error err = {0};
    char *want = cs_tiny_path(folder, below);
    if (cs_locate(&location, name, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    assert_string_equal(location.path, want);
    cs_location_fini(&location);
    free(want);
}

static void not_found(const char *name, clipspan_status code, const char *word)
{
    cs_location location;
    clipspan_error err = {0};
    assert_int_equal(cs_locate(&location, name, &err), code);
    if (!strstr(err.message, word)) fail_msg("\"%s\" not in: %s", word, err.message);
    cs_location_fini(&location);
}

/* ---- The environment ---- */

static void expect_cache(const char *want)
{
    clipspan_error err = {0};
    char *path;
    assert_int_equal(cs_hub_cache(&path, &err), CLIPSPAN_OK);
    assert_string_equal(path, want);
    cs_free(path);
}

static void cache_folder_follows_the_environment_in_order(void **state)
{
    char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL, *path;
    clipspan_error err;
    (void)state;
    clear_environment();
    setenv("HOME", "/h", 1);
    expect_cache("/h/.cache/huggingface/hub");
    setenv("XDG_CACHE_HOME", "/x", 1);
    expect_cache("/x/huggingface/hub");
    setenv("HF_HOME", "/hf/", 1);
    expect_cache("/hf/hub");
    setenv("HUGGINGFACE_HUB_CACHE", "/old", 1);
    expect_cache("/old");
    setenv("HF_HUB_CACHE", "/new", 1);
    expect_cache("/new");
    setenv("HF_HUB_CACHE", "~/mine", 1);
    expect_cache("/h/mine");
    setenv("HF_HUB_CACHE", "", 1);
    expect_cache("/old");
    clear_environment();
    unsetenv("HOME");
    assert_int_equal(cs_hub_cache(&path, &err), CLIPSPAN_E_NOT_FOUND);
    assert_null(path);
    if (home) setenv("HOME", home, 1);
    free(home);
}

static void names_of_repositories(void **state)
{
    (void)state;
    assert_int_equal(cs_hub_is_name("laion/CLIP-ViT-B-16"), 1);
    assert_int_equal(cs_hub_is_name("a/b.c_d@main"), 1);
    assert_int_equal(cs_hub_is_name("a/b@refs/pr/1"), 1);
    assert_int_equal(cs_hub_is_name("a"), 0);
    assert_int_equal(cs_hub_is_name("a/b/c"), 0);
    assert_int_equal(cs_hub_is_name("/b"), 0);
    assert_int_equal(cs_hub_is_name("a/"), 0);
    assert_int_equal(cs_hub_is_name("../b"), 0);
    assert_int_equal(cs_hub_is_name("a/.."), 0);
    assert_int_equal(cs_hub_is_name("a/b@../../x"), 0);
    assert_int_equal(cs_hub_is_name("a/b@"), 0);
    assert_int_equal(cs_hub_is_name("a b/c"), 0);
}

/* ---- The cache ---- */

static void cached_names_are_found(void **state)
{
    (void)state;
    cache("models--org--repo", "config.json");
    cs_tiny_write_text(folder, "models--org--repo/refs/v1", OTHER "\n");
    cs_tiny_write_text(folder, "models--org--repo/refs/refs/pr/1", OTHER);
    cs_tiny_write_text(folder, "models--org--repo/snapshots/" OTHER "/config.json", "{}");
    found("org/repo", "models--org--repo/snapshots/" COMMIT);
    found("org/repo@main", "models--org--repo/snapshots/" COMMIT);
    found("org/repo@v1", "models--org--repo/snapshots/" OTHER);
    found("org/repo@refs/pr/1", "models--org--repo/snapshots/" OTHER);
    found("org/repo@" OTHER, "models--org--repo/snapshots/" OTHER);
    found("hf-hub:org/repo", "models--org--repo/snapshots/" COMMIT);
}

static void published_tags_are_found_under_each_repository(void **state)
{
    cs_location location;
    clipspan_error err;
    (void)state;
    cache(REPO, "open_clip_config.json");
    found("ViT-B-16/laion2b_s34b_b88k", REPO "/snapshots/" COMMIT);
    cache("models--openai--clip-vit-large-patch14", "config.json");
    found("ViT-L-14/openai", "models--openai--clip-vit-large-patch14/snapshots/" COMMIT);
    cache("models--timm--vit_large_patch14_clip_224.openai", "open_clip_config.json");
    found("ViT-L-14-quickgelu/openai",
          "models--timm--vit_large_patch14_clip_224.openai/snapshots/" COMMIT);
    assert_int_equal(cs_locate(&location, "ViT-L-14/openai", &err), CLIPSPAN_OK);
    assert_non_null(location.known);
    assert_int_equal(location.known->quick_gelu, 1);
    cs_location_fini(&location);
    /* By its repository, a published checkpoint is recognised too. */
    assert_int_equal(cs_locate(&location, "timm/vit_large_patch14_clip_224.openai", &err),
                     CLIPSPAN_OK);
    assert_non_null(location.known);
    assert_string_equal(location.known->tag, "openai");
    cs_location_fini(&location);
}

static void what_is_not_cached_says_where_was_looked(void **state)
{
    (void)state;
    cache("models--laion--CLIP", "config.json");
    not_found("laion/CLPI", CLIPSPAN_E_NOT_FOUND, "did you mean laion/CLIP?");
    not_found("laion/CLPI", CLIPSPAN_E_NOT_FOUND, folder);
    not_found("ViT-B-16/laion2b_s34b_b88k", CLIPSPAN_E_NOT_FOUND,
              "laion/CLIP-ViT-B-16-laion2B-s34B-b88K");
    not_found("ViT-B-16/laion2b_s34b_b88", CLIPSPAN_E_NOT_FOUND, "did you mean laion2b_s34b_b88k?");
    not_found("ViT-B-16/nothing", CLIPSPAN_E_NOT_FOUND, "known ones: openai, ");
    not_found("hf-hub:xyz", CLIPSPAN_E_ARGUMENT, "org/repo");
    not_found("laion/CLIP@v9", CLIPSPAN_E_NOT_FOUND, "no revision v9");
    not_found("laion/CLIP@v9", CLIPSPAN_E_NOT_FOUND, COMMIT);
    not_found("laion/CLIP@" OTHER, CLIPSPAN_E_NOT_FOUND, "no such snapshot");
}

static void reference_with_garbage_is_refused(void **state)
{
    (void)state;
    cache("models--org--repo", "config.json");
    cs_tiny_write_text(folder, "models--org--repo/refs/main", "../../../etc");
    not_found("org/repo", CLIPSPAN_E_FORMAT, "found \"../../../etc\"");
    cs_tiny_write_text(folder, "models--org--repo/refs/main", "");
    not_found("org/repo", CLIPSPAN_E_FORMAT, "40 hexadecimal digits");
    cs_tiny_write(folder, "models--org--repo/refs/main", COMMIT "0", 41);
    not_found("org/repo", CLIPSPAN_E_FORMAT, "40 hexadecimal digits");
}

static void link_into(const char *target, const char *name)
{
    char *path = cs_tiny_path(folder, name);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static void links_inside_the_repository_are_followed_and_others_refused(void **state)
{
    static const char place[] = "models--org--repo/snapshots/" COMMIT "/model.safetensors";
    cs_location location;
    clipspan_error err;
    char *path;
    (void)state;
    cache("models--org--repo", "config.json");
    cs_tiny_write_text(folder, "models--org--repo/blobs/abc", "weights");
    cs_tiny_write_text(folder, "outside", "secret");
    cs_tiny_write_text(folder, "models--org--repo2/blobs/abc", "other");
    link_into("../../blobs/abc", place);
    assert_int_equal(cs_locate(&location, "org/repo", &err), CLIPSPAN_OK);
    assert_int_equal(cs_location_file(&path, &location, "model.safetensors", &err), CLIPSPAN_OK);
    assert_non_null(path);
    cs_free(path);
    /* A neighbour whose name starts alike is outside too. */
    link_into("../../../outside", place);
    assert_int_equal(cs_location_file(&path, &location, "model.safetensors", &err),
                     CLIPSPAN_E_UNSUPPORTED);
    assert_null(path);
    assert_non_null(strstr(err.message, "outside of its cached repository"));
    link_into("../../../models--org--repo2/blobs/abc", place);
    assert_int_equal(cs_location_file(&path, &location, "model.safetensors", &err),
                     CLIPSPAN_E_UNSUPPORTED);
    /* And one whose name is as long. */
    cs_tiny_write_text(folder, "models--org--rePo/blobs/abc", "other");
    link_into("../../../models--org--rePo/blobs/abc", place);
    assert_int_equal(cs_location_file(&path, &location, "model.safetensors", &err),
                     CLIPSPAN_E_UNSUPPORTED);
    link_into("../../blobs/missing", place);
    assert_int_equal(cs_location_file(&path, &location, "model.safetensors", &err),
                     CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "unfinished download"));
    cs_location_fini(&location);
}

/* ---- Paths ---- */

static void paths_that_are_wrong_get_the_nearest(void **state)
{
    char *path = cs_tiny_path(folder, "modle");
    char *inside = cs_tiny_path(folder, "nothing/model");
    char *weights = cs_tiny_path(folder, "model/weights.safetensor");
    (void)state;
    cs_tiny_write_text(folder, "model/weights.safetensors", "x");
    not_found(path, CLIPSPAN_E_NOT_FOUND, "did you mean model there?");
    not_found(inside, CLIPSPAN_E_NOT_FOUND, "is not there either");
    not_found(weights, CLIPSPAN_E_NOT_FOUND, "did you mean weights.safetensors there?");
    not_found("", CLIPSPAN_E_ARGUMENT, "empty");
    not_found("ViT-B-16", CLIPSPAN_E_NOT_FOUND, "is an architecture");
    not_found("ViTB16", CLIPSPAN_E_NOT_FOUND, "near is the architecture ViT-B-16");
    not_found("nothing-like-it", CLIPSPAN_E_NOT_FOUND, "a model is a folder");
    not_found("/dev/null", CLIPSPAN_E_IO, "neither a file nor a folder");
    free(path);
    free(inside);
    free(weights);
}

static void files_of_other_kinds_are_refused_by_name(void **state)
{
    static const char *const names[] = {"m.pt",   "m.PTH",  "pytorch_model.bin",
                                        "m.ckpt", "m.npz",  "m.pkl",
                                        "m.zip",  "m.gguf", "m.onnx"};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = cs_tiny_path(folder, names[i]);
        cs_tiny_write_text(folder, names[i], "x");
        not_found(path, CLIPSPAN_E_UNSUPPORTED, "safetensors");
        free(path);
    }
    {
        char *path = cs_tiny_path(folder, "open_clip_config.json");
        cs_tiny_write_text(folder, "open_clip_config.json", "{}");
        not_found(path, CLIPSPAN_E_UNSUPPORTED, "is a configuration");
        free(path);
    }
}

static void demo_is_looked_up_in_the_data_folder(void **state)
{
    (void)state;
    setenv("CLIPSPAN_DATA", folder, 1);
    not_found("demo", CLIPSPAN_E_NOT_FOUND, "demo/model");
    cs_tiny_write_text(folder, "demo/model/open_clip_config.json", "{}");
    found("demo", "demo/model");
    unsetenv("CLIPSPAN_DATA");
}

/* ---- Weight files ---- */

static clipspan_status weights(cs_weight_files *files, clipspan_error *err)
{
    cs_location location;
    clipspan_status status;
    assert_int_equal(cs_locate(&location, folder, err), CLIPSPAN_OK);
    status = cs_location_weights(files, &location, err);
    cs_location_fini(&location);
    return status;
}

static void expect_weights(size_t count, const char *name)
{
    cs_weight_files files;
    clipspan_error err = {0};
    if (weights(&files, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
    assert_int_equal(files.count, count);
    assert_non_null(strstr(files.paths[0], name));
    cs_weight_files_fini(&files);
}

static void refuse_weights(clipspan_status code, const char *word)
{
    cs_weight_files files;
    clipspan_error err = {0};
    assert_int_equal(weights(&files, &err), code);
    if (!strstr(err.message, word)) fail_msg("\"%s\" not in: %s", word, err.message);
    cs_weight_files_fini(&files);
}

static void weight_files_are_chosen_in_order(void **state)
{
    (void)state;
    refuse_weights(CLIPSPAN_E_NOT_FOUND, "is no model");
    cs_tiny_write_text(folder, "pytorch_model.bin", "x");
    refuse_weights(CLIPSPAN_E_UNSUPPORTED, "only pytorch_model.bin, which is a PyTorch pickle");
    cs_tiny_write_text(folder, "mine.safetensors", "x");
    expect_weights(1, "mine.safetensors");
    cs_tiny_write_text(folder, "yours.safetensors", "x");
    refuse_weights(CLIPSPAN_E_NOT_FOUND, "holds 2 weight files");
    cs_tiny_write_text(folder, "model.safetensors", "x");
    expect_weights(1, "/model.safetensors");
    cs_tiny_write_text(folder, "open_clip_model.safetensors", "x");
    expect_weights(1, "/open_clip_model.safetensors");
}

static void shards_come_from_the_index(void **state)
{
    (void)state;
    cs_tiny_write_text(folder, "s-1.safetensors", "x");
    cs_tiny_write_text(folder, "sub/s-2.safetensors", "x");
    cs_tiny_write_text(folder, "model.safetensors.index.json",
                       "{\"weight_map\":{\"b\":\"sub/s-2.safetensors\",\"a\":\"s-1.safetensors\","
                       "\"c\":\"sub/s-2.safetensors\"}}");
    expect_weights(2, "/s-1.safetensors");
    cs_tiny_write_text(folder, "model.safetensors.index.json", "{\"weight_map\":{}}");
    refuse_weights(CLIPSPAN_E_FORMAT, "weight_map");
    cs_tiny_write_text(folder, "model.safetensors.index.json", "{\"weight_map\":{\"a\":1}}");
    refuse_weights(CLIPSPAN_E_FORMAT, "weight_map.a: expected a file name, found 1");
    cs_tiny_write_text(folder, "model.safetensors.index.json",
                       "{\"weight_map\":{\"a\":\"gone.safetensors\"}}");
    refuse_weights(CLIPSPAN_E_NOT_FOUND, "\"gone.safetensors\", which is not there");
}

static void index_names_that_leave_the_folder_are_refused(void **state)
{
    static const char *const names[] = {
        "../x.safetensors", "/etc/x.safetensors", "a/../../x", "./x.safetensors", "a//x", "", "a/"};
    char text[200];
    size_t i;
    (void)state;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(text, sizeof text, "{\"weight_map\":{\"a\":\"%s\"}}", names[i]);
        cs_tiny_write_text(folder, "model.safetensors.index.json", text);
        refuse_weights(CLIPSPAN_E_FORMAT, "outside of its folder");
    }
    cs_tiny_write_text(folder, "model.safetensors.index.json",
                       "{\"weight_map\":{\"a\":\"w.bin\"}}");
    refuse_weights(CLIPSPAN_E_UNSUPPORTED, "pickle");
}

static void a_cached_snapshot_without_weights_says_why(void **state)
{
    cs_location location;
    cs_weight_files files;
    clipspan_error err;
    (void)state;
    cache("models--org--repo", "config.json");
    assert_int_equal(cs_locate(&location, "org/repo", &err), CLIPSPAN_OK);
    assert_int_equal(cs_location_weights(&files, &location, &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "only part of the repository"));
    cs_tiny_write_text(folder, "models--org--repo/.no_exist/" COMMIT "/model.safetensors", "");
    assert_int_equal(cs_location_weights(&files, &location, &err), CLIPSPAN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "the cache notes so"));
    cs_weight_files_fini(&files);
    cs_location_fini(&location);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(cache_folder_follows_the_environment_in_order),
        T(names_of_repositories),
        T(cached_names_are_found),
        T(published_tags_are_found_under_each_repository),
        T(what_is_not_cached_says_where_was_looked),
        T(reference_with_garbage_is_refused),
        T(links_inside_the_repository_are_followed_and_others_refused),
        T(paths_that_are_wrong_get_the_nearest),
        T(files_of_other_kinds_are_refused_by_name),
        T(demo_is_looked_up_in_the_data_folder),
        T(weight_files_are_chosen_in_order),
        T(shards_come_from_the_index),
        T(index_names_that_leave_the_folder_are_refused),
        T(a_cached_snapshot_without_weights_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
