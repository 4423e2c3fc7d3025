/* SPDX-License-Identifier: MIT */
/* Making runs and looking at all of their bytes. */
#define _XOPEN_SOURCE 700
#include "run_craft.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/sha256.h"
#include "run/folder.h"
#include "tiny.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGES 24

void run_craft_init(run_craft *craft, size_t rows)
{
    cs_tiny_model tiny = CS_TINY_MODEL_INIT;
    const char *source;
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_error err;
    uint8_t pixels[20 * 20 * 3];
    char line[64], *text = calloc(rows + 1, sizeof line);
    uint32_t seed = 1;
    tiny.no_text = 1;
    craft->folder = cs_tiny_memory_folder();
    craft->model_path = cs_tiny_path(craft->folder, "model");
    cs_tiny_write(craft->folder, "model/x", "", 0);
    cs_tiny_write_openclip(craft->model_path, &tiny, 7);
    cs_tiny_write(craft->folder, "pics/x", "", 0);
    for (int i = 0; i < IMAGES; i++) {
        char *path;
        snprintf(line, sizeof line, "pics/%02d.png", i);
        path = cs_tiny_path(craft->folder, line);
        for (size_t v = 0; v < sizeof pixels; v++) {
            seed = seed * 1664525U + 1013904223U;
            pixels[v] = (uint8_t)(seed >> 24);
        }
        if (clipspan_png_write(path, pixels, 20, 20, 1, &err) != CLIPSPAN_OK)
            fail_msg("%s", err.message);
        free(path);
    }
    assert_non_null(text);
    strcpy(text, "path,label,place\n");
    for (size_t i = 0; i < rows; i++)
        sprintf(text + strlen(text), "pics/%02zu.png,l%zu,%s\n", i % IMAGES, i % 5,
                i % 2 ? "west" : "east");
    cs_tiny_write_text(craft->folder, "list.csv", text);
    free(text);
    craft->list = cs_tiny_path(craft->folder, "list.csv");
    source = craft->list;
    options.labels = "label";
    options.groups = "label,place";
    if (clipspan_model_open(&craft->model, craft->model_path, NULL, &err) != CLIPSPAN_OK ||
        clipspan_inputs_open(&craft->inputs, &source, 1, &options, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
}

void run_craft_fini(run_craft *craft)
{
    clipspan_inputs_close(&craft->inputs);
    clipspan_model_close(&craft->model);
    cs_tiny_remove(&craft->folder);
    free(craft->model_path);
    free(craft->list);
}

char *run_craft_path(const run_craft *craft, const char *name)
{
    char *path = cs_tiny_path(craft->folder, name);
    cs_root *root;
    if (cs_root_open(&root, path, NULL) == CLIPSPAN_OK) cs_folder_clear(root, NULL);
    cs_root_close(&root);
    return path;
}

void run_craft_plan(const run_craft *craft, const char *path, clipspan_coefficients coefficients)
{
    clipspan_plan_options options = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_error err;
    options.coefficients = coefficients;
    if (clipspan_run_plan(NULL, path, craft->model, craft->inputs, &options, NULL, &err) !=
        CLIPSPAN_OK)
        fail_msg("%s", err.message);
}

void run_craft_scan(const run_craft *craft, const char *path, int threads, uint64_t shard,
                    uint64_t shards)
{
    clipspan_scan_options options = CLIPSPAN_SCAN_OPTIONS_INIT;
    clipspan_error err;
    options.threads = threads;
    options.shard = shard;
    options.shards = shards;
    options.verify_sum = 1;
    if (clipspan_run_scan(NULL, path, craft->model, &options, NULL, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
}

void run_craft_merge(const char *path)
{
    clipspan_error err;
    if (clipspan_run_merge(path, NULL, &err) != CLIPSPAN_OK) fail_msg("%s", err.message);
}

/* ---- The digest ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef struct names {
    char *list[4096];
    size_t count;
} names;

static clipspan_status add_name(void *context, const char *name, clipspan_error *err)
{
    names *n = context;
    (void)err;
    assert_true(n->count < 4096);
    n->list[n->count++] = strdup(name);
    return CLIPSPAN_OK;
}

static void add_file(cs_sha256 *hash, const char *folder, const char *name)
{
    char *path = cs_tiny_path(folder, name);
    unsigned char *bytes;
    size_t size;
    clipspan_error err;
    if (cs_file_read_all(&bytes, &size, path, 1 << 30, &err) != CLIPSPAN_OK)
        fail_msg("%s", err.message);
    cs_sha256_add(hash, name, strlen(name));
    cs_sha256_add(hash, bytes, size);
    cs_free(bytes);
    free(path);
}

/* Names in a folder of the run, in order. */
static void list_names(names *out, const char *run, const char *folder)
{
    cs_root *root;
    memset(out, 0, sizeof *out);
    assert_int_equal(cs_root_open(&root, run, NULL), 0);
    assert_int_equal(cs_root_each(root, folder, add_name, out, NULL), 0);
    cs_root_close(&root);
    qsort(out->list, out->count, sizeof *out->list, by_name);
}

static void add_folder(cs_sha256 *hash, const char *run, const char *folder)
{
    char *path = cs_tiny_path(run, folder);
    names n;
    list_names(&n, run, folder);
    for (size_t i = 0; i < n.count; i++) {
        add_file(hash, path, n.list[i]);
        free(n.list[i]);
    }
    free(path);
}

static void add_segments(cs_sha256 *hash, const char *run)
{
    char *path = cs_tiny_path(run, CS_SEGMENTS_FOLDER);
    names n;
    list_names(&n, run, CS_SEGMENTS_FOLDER);
    for (size_t i = 0; i < n.count; i++) {
        char *segment = cs_tiny_path(path, n.list[i]);
        add_folder(hash, segment, CS_PACKS_FOLDER);
        add_folder(hash, segment, CS_NODES_FOLDER);
        free(segment);
        free(n.list[i]);
    }
    free(path);
}

static int add_row(void *context, int columns, char **values, char **headers)
{
    (void)headers;
    for (int i = 0; i < columns; i++)
        cs_sha256_add(context, values[i] ? values[i] : "", values[i] ? strlen(values[i]) + 1 : 0);
    return 0;
}

void run_craft_digest(char out[65], const char *path)
{
    static const char *const files[] = {CS_STATISTICS_FILE, CS_OUTPUT_MAP_FILE};
    unsigned char digest[32];
    cs_sha256 hash;
    sqlite3 *db;
    char *index = cs_tiny_path(path, CS_INDEX_FILE);
    cs_sha256_init(&hash);
    for (int i = 0; i < 2; i++)
        add_file(&hash, path, files[i]);
    add_segments(&hash, path);
    assert_int_equal(sqlite3_open(index, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "SELECT * FROM facts; SELECT * FROM segments; SELECT * FROM images",
                     add_row, &hash, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    free(index);
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
}

void run_craft_damage(const char *path, const char *name)
{
    char *file = cs_tiny_path(path, name);
    unsigned char *bytes;
    size_t size;
    assert_int_equal(cs_file_read_all(&bytes, &size, file, 1 << 30, NULL), 0);
    assert_int_equal(truncate(file, (off_t)(size / 2)), 0);
    cs_free(bytes);
    free(file);
}
