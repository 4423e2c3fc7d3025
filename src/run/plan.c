/* SPDX-License-Identifier: MIT */
/* Pictures in their order, looked at but not opened, into an index that appears whole. */
#define _POSIX_C_SOURCE 200809L
#include "run/plan.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/sha256.h"
#include "inputs/inputs.h"
#include "run/chunk_tree.h"
#include "run/folder.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SHA-256 over path, label and group of every picture in list order, each with its NUL. */
static void hash_list(char out[65], const clipspan_inputs *inputs)
{
    unsigned char digest[32];
    cs_sha256 hash;
    cs_sha256_init(&hash);
    for (size_t i = 0; i < cs_inputs_count(inputs); i++) {
        const char *texts[3] = {cs_inputs_paths(inputs)[i], cs_inputs_label(inputs, i),
                                cs_inputs_group(inputs, i)};
        for (int t = 0; t < 3; t++)
            cs_sha256_add(&hash, texts[t], strlen(texts[t]) + 1);
    }
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
}

static clipspan_status add_list(cs_identity *to, const clipspan_inputs *inputs, clipspan_error *err)
{
    size_t count = cs_inputs_count(inputs), labels = 0, groups = 0, relative = 0;
    char hash[65], folder[4096], id[65];
    for (size_t i = 0; i < count; i++) {
        relative += *cs_inputs_paths(inputs)[i] != '/';
        labels += *cs_inputs_label(inputs, i) != '\0';
        groups += *cs_inputs_group(inputs, i) != '\0';
    }
    if (!relative || !getcwd(folder, sizeof folder)) folder[0] = '\0';
    hash_list(hash, inputs);
    CS_TRY(cs_identity_add(to, "order.chunk", 1, err, "%d", CS_CHUNK));
    CS_TRY(cs_identity_add(to, "order.seed", 1, err, "%d", CS_PLAN_SEED));
    CS_TRY(cs_identity_add(to, "pictures.count", 1, err, "%zu", count));
    CS_TRY(cs_identity_add(to, "pictures.sha256", 1, err, "%s", hash));
    CS_TRY(cs_identity_add(to, "pictures.folder", 1, err, "%s", folder));
    CS_TRY(cs_identity_add(to, "pictures.duplicates", 0, err, "%zu", cs_inputs_duplicates(inputs)));
    CS_TRY(cs_identity_add(to, "pictures.labelled", 0, err, "%zu", labels));
    CS_TRY(cs_identity_add(to, "pictures.grouped", 0, err, "%zu", groups));
    cs_identity_hash(id, to);
    return cs_identity_add(to, "plan", 0, err, "%s", id);
}

/* Looks for the first picture that is another one than when the run was planned. */
typedef struct difference {
    const clipspan_inputs *inputs;
    const char *path;
} difference;

static clipspan_status compare_row(void *context, const cs_picture_row *row, clipspan_error *err)
{
    const difference *d = context;
    const char *path;
    if (row->number >= cs_inputs_count(d->inputs)) return CLIPSPAN_OK;
    path = cs_inputs_paths(d->inputs)[row->number];
    if (strcmp(row->path, path) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, d->path,
                          "is a run with another list: picture %llu there is \"%.300s\", here "
                          "\"%.300s\". Choose another folder, or start it anew with --force",
                          (unsigned long long)row->number, row->path, path);
    if (strcmp(row->label, cs_inputs_label(d->inputs, row->number)) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, d->path,
                          "is a run with other labels: \"%.300s\" is \"%.100s\" there, \"%.100s\" "
                          "here. Choose another folder, or start it anew with --force",
                          path, row->label, cs_inputs_label(d->inputs, row->number));
    if (strcmp(row->group, cs_inputs_group(d->inputs, row->number)) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, d->path,
                          "is a run with other groups: \"%.300s\" is \"%.100s\" there, \"%.100s\" "
                          "here. Choose another folder, or start it anew with --force",
                          path, row->group, cs_inputs_group(d->inputs, row->number));
    return CLIPSPAN_OK;
}

/* The folder has an index: the same plan, or the first difference. */
static clipspan_status compare(const char *path, const char *file, const cs_identity *identity,
                               const clipspan_inputs *inputs, clipspan_error *err)
{
    clipspan_error first;
    cs_index *index;
    clipspan_status status;
    CS_TRY(cs_index_open(&index, file, err));
    status = cs_identity_compare(identity, index, CLIPSPAN_E_EXISTS, path, &first);
    if (status == CLIPSPAN_E_EXISTS && strstr(first.message, "pictures.sha256")) {
        difference d = {inputs, path}; /* names a picture where it can */
        clipspan_status named =
            cs_index_read(index, 0, cs_inputs_count(inputs), compare_row, &d, err);
        if (named != CLIPSPAN_OK)
            status = named;
        else if (err)
            *err = first;
    } else if (err) {
        *err = first;
    }
    cs_index_close(&index);
    return status;
}

static clipspan_status add_pictures(cs_index *index, const clipspan_inputs *inputs,
                                    clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t count = cs_inputs_count(inputs);
    uint32_t *order = cs_alloc(count, sizeof *order, "the order of the pictures", err);
    if (!order) return CLIPSPAN_E_NOMEM;
    cs_permute(order, count, CS_PLAN_SEED);
    for (size_t p = 0; p < count; p++) {
        const size_t i = order[p];
        struct stat facts;
        cs_picture_row row = {.place = p,
                              .number = i,
                              .path = cs_inputs_paths(inputs)[i],
                              .label = cs_inputs_label(inputs, i),
                              .group = cs_inputs_group(inputs, i),
                              .bytes = -1,
                              .duplicate_of = -1,
                              .status = "planned",
                              .error = ""};
        if (stat(row.path, &facts) == 0) row.bytes = (int64_t)facts.st_size;
        CS_TRY_DONE(cs_index_add(index, &row, err));
    }
    if (cs_inputs_duplicates(inputs)) status = cs_index_mark_duplicates(index, err);
done:
    cs_free(order);
    return status;
}

static clipspan_status make(const char *path, const char *file, const cs_identity *identity,
                            const clipspan_inputs *inputs, clipspan_error *err)
{
    clipspan_status status;
    cs_index *index = NULL;
    cs_folder_tidy(path);
    CS_TRY(cs_folder_clear(path, err)); /* the run before, or what a stopped --force left of it */
    CS_TRY_DONE(cs_index_create(&index, file, err));
    for (size_t i = 0; i < identity->count; i++)
        CS_TRY_DONE(
            cs_index_set_fact(index, identity->facts[i].key, identity->facts[i].value, err));
    CS_TRY_DONE(cs_index_set_fact(index, "merged", "0", err));
    CS_TRY_DONE(add_pictures(index, inputs, err));
    CS_TRY_DONE(cs_index_commit(index, err));
done:
    cs_index_close(&index);
    return status;
}

clipspan_status cs_plan_make(int *found, const char *path, cs_identity *identity,
                             const clipspan_inputs *inputs, int replace, clipspan_error *err)
{
    clipspan_status status;
    char *file = cs_path_join(path, CS_INDEX_FILE, err);
    int lock = -1;
    *found = 0;
    if (!file) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(add_list(identity, inputs, err));
    if (cs_path_kind(path) == 1) {
        status = cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                            "is a file, where the folder of a run was expected");
        goto done;
    }
    if (cs_path_kind(file) && !replace) {
        status = compare(path, file, identity, inputs, err);
        *found = status == CLIPSPAN_OK;
        goto done;
    }
    if (!cs_path_kind(file)) CS_TRY_DONE(cs_folder_check_free(path, err));
    CS_TRY_DONE(cs_make_folder(path, err));
    CS_TRY_DONE(cs_folder_lock(&lock, path, 1, err));
    if (cs_path_kind(file)) {
        cs_index *index; /* only a run is thrown away, not whatever has that name */
        status = cs_index_open(&index, file, err);
        cs_index_close(&index);
        if (status != CLIPSPAN_OK && status != CLIPSPAN_E_UNSUPPORTED) goto done;
    }
    status = make(path, file, identity, inputs, err);
done:
    cs_folder_unlock(&lock);
    cs_free(file);
    return status;
}
