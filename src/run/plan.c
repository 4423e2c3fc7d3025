/* SPDX-License-Identifier: MIT */
/* Images in their order, looked at but not opened, into an index that appears whole. */
#define _POSIX_C_SOURCE 200809L
#include "run/plan.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/progress_part.h"
#include "formats/sha256.h"
#include "inputs/input_list.h"
#include "inputs/inputs.h"
#include "run/chunk_tree.h"
#include "run/folder.h"
#include "run/own.h"
#include "run/results.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What is to be said of a list beside its images. */
typedef struct list_facts {
    size_t count, duplicates, labelled, grouped;
    char hash[65];
    char folder[4096]; /* where relative paths start; "" when there are none */
} list_facts;

/* SHA-256 over path, label and group of every image in list order, and its further columns where
 * there are any, each with its NUL; then the names of those columns. */
static void hash_list(char out[65], const clipspan_inputs *inputs)
{
    const size_t columns = cs_inputs_columns(inputs);
    unsigned char digest[32];
    cs_sha256 hash;
    cs_sha256_init(&hash);
    for (size_t i = 0; i < cs_inputs_count(inputs); i++) {
        const char *texts[3] = {cs_inputs_paths(inputs)[i], cs_inputs_label(inputs, i),
                                cs_inputs_group(inputs, i)};
        for (int t = 0; t < 3; t++)
            cs_sha256_add(&hash, texts[t], strlen(texts[t]) + 1);
        for (size_t c = 0; c < columns; c++) {
            const char *value = cs_inputs_value(inputs, i, c);
            cs_sha256_add(&hash, value, strlen(value) + 1);
        }
    }
    for (size_t c = 0; c < columns; c++)
        cs_sha256_add(&hash, cs_inputs_column(inputs, c), strlen(cs_inputs_column(inputs, c)) + 1);
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
}

static void look_at_list(list_facts *out, const clipspan_inputs *inputs)
{
    size_t relative = 0;
    memset(out, 0, sizeof *out);
    out->count = cs_inputs_count(inputs);
    out->duplicates = cs_inputs_duplicates(inputs);
    for (size_t i = 0; i < out->count; i++) {
        relative += *cs_inputs_paths(inputs)[i] != '/';
        out->labelled += *cs_inputs_label(inputs, i) != '\0';
        out->grouped += *cs_inputs_group(inputs, i) != '\0';
    }
    if (!relative || !getcwd(out->folder, sizeof out->folder)) out->folder[0] = '\0';
    hash_list(out->hash, inputs);
}

/* The plan of a segment: SHA-256 over lines of the run's plan and of what its list is. */
static void hash_segment(char out[65], const char *run, const list_facts *list)
{
    unsigned char digest[32];
    char line[256];
    cs_sha256 hash;
    cs_sha256_init(&hash);
    snprintf(line, sizeof line, "plan=%s\nseed=%d\ncount=%zu\nlist=%s\nfolder=", run, CS_PLAN_SEED,
             list->count, list->hash);
    cs_sha256_add(&hash, line, strlen(line));
    cs_sha256_add(&hash, list->folder, strlen(list->folder));
    cs_sha256_add(&hash, "\n", 1);
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
}

/* The run's plan is of model and options; the list makes the plan of its segment. */
static clipspan_status add_list(cs_identity *to, const list_facts *list, clipspan_error *err)
{
    char id[65];
    CS_TRY(cs_identity_add(to, "order.chunk", 1, err, "%d", CS_CHUNK));
    cs_identity_hash(id, to);
    CS_TRY(cs_identity_add(to, "plan", 0, err, "%s", id));
    CS_TRY(cs_identity_add(to, "images.count", 1, err, "%zu", list->count));
    CS_TRY(cs_identity_add(to, "images.folder", 1, err, "%s", list->folder));
    CS_TRY(cs_identity_add(to, "images.duplicates", 0, err, "%zu", list->duplicates));
    CS_TRY(cs_identity_add(to, "images.labelled", 0, err, "%zu", list->labelled));
    return cs_identity_add(to, "images.grouped", 0, err, "%zu", list->grouped);
}

/* ---- The plan that is there ---- */

/* Looks for the first image that is another one than when the run was planned. */
typedef struct difference {
    const clipspan_inputs *inputs;
    const char *path;
} difference;

static clipspan_status compare_row(void *context, const cs_image_row *row, clipspan_error *err)
{
    const difference *d = context;
    const char *path;
    if (row->list_index >= cs_inputs_count(d->inputs)) return CLIPSPAN_OK;
    path = cs_inputs_paths(d->inputs)[row->list_index];
    if (strcmp(row->path, path) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, d->path,
                          "is a run with another list: image %llu there is \"%.300s\", here "
                          "\"%.300s\". Choose another folder, or start over with --force",
                          (unsigned long long)row->list_index, row->path, path);
    if (strcmp(row->label, cs_inputs_label(d->inputs, row->list_index)) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, d->path,
                          "is a run with other labels: \"%.300s\" is \"%.100s\" there, \"%.100s\" "
                          "here. Choose another folder, or start over with --force",
                          path, row->label, cs_inputs_label(d->inputs, row->list_index));
    if (strcmp(row->group, cs_inputs_group(d->inputs, row->list_index)) != 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, d->path,
                          "is a run with other groups: \"%.300s\" is \"%.100s\" there, \"%.100s\" "
                          "here. Choose another folder, or start over with --force",
                          path, row->group, cs_inputs_group(d->inputs, row->list_index));
    return CLIPSPAN_OK;
}

typedef struct segments_seen {
    char list[65]; /* of the first */
    cs_segment_row last;
    const char *plan; /* looked for, or NULL */
    uint64_t same;    /* with `found`: the segment that has it */
    int found;
} segments_seen;

static clipspan_status see_segment(void *context, const cs_segment_row *row, clipspan_error *err)
{
    segments_seen *seen = context;
    (void)err;
    if (row->segment == 0) snprintf(seen->list, sizeof seen->list, "%s", row->list);
    if (seen->plan && strcmp(row->plan, seen->plan) == 0) {
        seen->same = row->segment;
        seen->found = 1;
    }
    seen->last = *row;
    seen->last.list = seen->last.plan = NULL; /* they end with this call */
    return CLIPSPAN_OK;
}

/* The same model and options: the same list too, or the first image that differs. */
static clipspan_status compare_lists(const char *path, cs_index *index, const list_facts *list,
                                     const clipspan_inputs *inputs, clipspan_error *err)
{
    segments_seen seen = {0};
    difference d = {inputs, path};
    CS_TRY(cs_index_read_segments(index, see_segment, &seen, err));
    if (seen.last.segment > 0)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                          "is a run to which images were added since; go on with clipspan scan "
                          "RUN, or start over with --force");
    if (strcmp(seen.list, list->hash) == 0) return CLIPSPAN_OK;
    CS_TRY(cs_index_read(index, 0, list->count, compare_row, &d, err));
    return cs_identity_differs(path, "images.sha256", seen.list, list->hash, CLIPSPAN_E_EXISTS,
                               err);
}

/* The folder has an index: the same plan, or the first difference. */
static clipspan_status compare(const cs_root *root, const cs_identity *identity,
                               const list_facts *list, const clipspan_inputs *inputs,
                               clipspan_error *err)
{
    const char *path = cs_root_path(root);
    cs_index *index;
    clipspan_status status;
    CS_TRY(cs_index_open(&index, root, CS_INDEX_FILE, err));
    status = cs_identity_compare(identity, index, CLIPSPAN_E_EXISTS, path, err);
    if (status == CLIPSPAN_OK) status = compare_lists(path, index, list, inputs, err);
    cs_index_close(&index);
    return status;
}

/* ---- Rows ---- */

/* The further columns of an image as a JSON object, for free; NULL without an error when it has
 * none. */
static clipspan_status print_columns(char **out, const clipspan_inputs *inputs, size_t i,
                                     clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    json_t *object;
    *out = NULL;
    if (cs_inputs_columns(inputs) == 0) return CLIPSPAN_OK;
    object = json_object();
    for (size_t c = 0; c < cs_inputs_columns(inputs) && status == CLIPSPAN_OK; c++) {
        const char *value = cs_inputs_value(inputs, i, c);
        if (*value &&
            json_object_set_new(object, cs_inputs_column(inputs, c), json_string(value)) != 0)
            status = cs_fail_at(err, CLIPSPAN_E_FORMAT, cs_inputs_paths(inputs)[i],
                                "its column \"%.100s\" is not UTF-8", cs_inputs_column(inputs, c));
    }
    if (status == CLIPSPAN_OK && json_object_size(object)) {
        *out = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
        if (!*out) status = cs_fail_memory(err, 1, "further columns");
    }
    json_decref(object);
    return status;
}

/* Image i of the list at a place. folder: where its relative path starts when that is not where
 * those of the run do, or NULL. */
static clipspan_status add_image(cs_index *index, const cs_segment_row *segment, uint64_t run_index,
                                 const clipspan_inputs *inputs, size_t i, const char *folder,
                                 clipspan_error *err)
{
    clipspan_status status;
    struct stat facts;
    char *columns, *joined = cs_path_join(folder ? folder : "", cs_inputs_paths(inputs)[i], err);
    cs_image_row row = {.run_index = segment->first + run_index,
                        .list_index = segment->first + i,
                        .path = joined,
                        .label = cs_inputs_label(inputs, i),
                        .group = cs_inputs_group(inputs, i),
                        .bytes = -1,
                        .duplicate_of = -1,
                        .status = "planned",
                        .error = ""};
    if (!joined) return CLIPSPAN_E_NOMEM;
    if (stat(row.path, &facts) == 0) row.bytes = (int64_t)facts.st_size;
    status = print_columns(&columns, inputs, i, err);
    row.columns = columns ? columns : "";
    if (status == CLIPSPAN_OK) status = cs_index_add(index, segment, &row, err);
    free(columns);
    cs_free(joined);
    return status;
}

static clipspan_status add_segment(cs_index *index, const cs_segment_row *segment,
                                   const clipspan_inputs *inputs, const char *folder,
                                   clipspan_error *err)
{
    clipspan_status status;
    const size_t count = cs_inputs_count(inputs);
    uint32_t *order = cs_alloc(count, sizeof *order, "the order of the images", err);
    if (!order) return CLIPSPAN_E_NOMEM;
    cs_permute(order, count, segment->seed);
    CS_TRY_DONE(cs_index_add_segment(index, segment, err));
    for (size_t p = 0; p < count; p++)
        CS_TRY_DONE(add_image(index, segment, p, inputs, order[p], folder, err));
    if (segment->first > 0 || cs_inputs_duplicates(inputs))
        status = cs_index_mark_duplicates(index, err);
done:
    cs_free(order);
    return status;
}

static const char *fact_of(const cs_identity *identity, const char *key)
{
    for (size_t i = 0; i < identity->count; i++)
        if (strcmp(identity->facts[i].key, key) == 0) return identity->facts[i].value;
    return "";
}

static clipspan_status make(const cs_root *root, const cs_identity *identity,
                            const list_facts *list, const clipspan_inputs *inputs,
                            clipspan_error *err)
{
    char plan[65];
    const cs_segment_row segment = {0, 0, list->count, CS_PLAN_SEED, list->hash, plan};
    clipspan_status status;
    cs_index *index = NULL;
    hash_segment(plan, fact_of(identity, "plan"), list);
    cs_folder_tidy(root);
    CS_TRY(cs_folder_clear(root, err)); /* the run before, or what a stopped --force left of it */
    CS_TRY_DONE(cs_index_create(&index, root, CS_INDEX_FILE, err));
    for (size_t i = 0; i < identity->count; i++)
        CS_TRY_DONE(
            cs_index_set_fact(index, identity->facts[i].key, identity->facts[i].value, err));
    CS_TRY_DONE(cs_index_set_fact(index, "merged", "0", err));
    CS_TRY_DONE(add_segment(index, &segment, inputs, NULL, err));
    CS_TRY_DONE(cs_own_seal(index, err));
    CS_TRY_DONE(cs_index_commit(index, err));
done:
    cs_index_close(&index);
    return status;
}

/* The folder, made when it is not there. */
static clipspan_status open_folder(cs_root **out, const char *path, clipspan_error *err)
{
    *out = NULL;
    if (cs_path_kind(path) == 1)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                          "is a file, where the folder of a run was expected");
    CS_TRY(cs_make_folder(path, err));
    return cs_root_open(out, path, err);
}

static int is_planned(const cs_root *root)
{
    return cs_root_look(root, CS_INDEX_FILE) != CS_ROOT_NOTHING;
}

/* Processes that are started together plan the same run at once: one does, the others wait for its
 * index. Where there was none, whoever holds the lock is making it; *lock is -1 when it came. */
static clipspan_status lock_to_plan(int *lock, const cs_root *root, int wait,
                                    const clipspan_progress *progress, clipspan_error *err)
{
    const struct timespec pause = {0, 50 * 1000000};
    for (;;) {
        const clipspan_status status = cs_folder_lock(lock, root, 1, err);
        if (status != CLIPSPAN_E_WRITE || *lock < 0 || !wait) return status;
        cs_folder_unlock(lock);
        if (is_planned(root)) return CLIPSPAN_OK;
        CS_TRY(
            cs_progress_step(progress, 0, 0, "stopped while another process plans the run", err));
        nanosleep(&pause, NULL);
    }
}

/* Only a run is thrown away, not whatever has that name, and nobody's journal is left beside a new
 * index. */
static clipspan_status check_replaceable(const cs_root *root, clipspan_error *err)
{
    cs_index *index;
    clipspan_status status;
    CS_TRY(cs_index_check_no_journal(root, CS_INDEX_FILE, err));
    if (!is_planned(root)) return CLIPSPAN_OK;
    status = cs_index_open(&index, root, CS_INDEX_FILE, err);
    cs_index_close(&index);
    return status == CLIPSPAN_E_UNSUPPORTED ? CLIPSPAN_OK : status;
}

clipspan_status cs_plan_make(int *found, const char *path, cs_identity *identity,
                             const clipspan_inputs *inputs, int replace,
                             const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status;
    cs_root *root = NULL;
    list_facts list;
    int there, lock = -1;
    *found = 0;
    look_at_list(&list, inputs);
    CS_TRY(add_list(identity, &list, err));
    CS_TRY(open_folder(&root, path, err));
    there = is_planned(root);
    if (there && !replace) {
        status = compare(root, identity, &list, inputs, err);
        *found = status == CLIPSPAN_OK;
        goto done;
    }
    if (!there) CS_TRY_DONE(cs_folder_check_free(root, err));
    CS_TRY_DONE(lock_to_plan(&lock, root, !there && !replace, progress, err));
    if (is_planned(root) && !replace) { /* made by another process meanwhile */
        cs_folder_unlock(&lock);
        status = compare(root, identity, &list, inputs, err);
        *found = status == CLIPSPAN_OK;
        goto done;
    }
    CS_TRY_DONE(check_replaceable(root, err));
    status = make(root, identity, &list, inputs, err);
done:
    cs_folder_unlock(&lock);
    cs_root_close(&root);
    return status;
}

/* ---- More images ---- */

static clipspan_status add_to_fact(cs_index *index, const char *key, uint64_t more,
                                   clipspan_error *err)
{
    char *value, sum[24];
    CS_TRY(cs_index_fact(&value, index, key, err));
    snprintf(sum, sizeof sum, "%llu",
             (unsigned long long)((value ? strtoull(value, NULL, 10) : 0) + more));
    cs_free(value);
    return cs_index_set_fact(index, key, sum, err);
}

/* Relative paths of a run start in one folder: that of the list that had some first. *own: whether
 * this list's start there too. */
static clipspan_status agree_on_folder(int *own, cs_index *index, const list_facts *list,
                                       clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *folder;
    CS_TRY(cs_index_fact(&folder, index, "images.folder", err));
    *own = !*list->folder || !folder || !*folder || strcmp(folder, list->folder) == 0;
    if (*own && *list->folder)
        status = cs_index_set_fact(index, "images.folder", list->folder, err);
    cs_free(folder);
    return status;
}

/* The run is merged, and has not the same list: the same call again would count its images twice.
 */
static clipspan_status check_extendable(cs_index *index, const char *path,
                                        const segments_seen *seen, clipspan_error *err)
{
    char *fact;
    int merged;
    CS_TRY(cs_index_fact(&fact, index, "merged", err));
    merged = fact && strcmp(fact, "1") == 0;
    cs_free(fact);
    if (seen->found)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path,
                          "has this list already, as number %llu of %llu; nothing was added%s",
                          (unsigned long long)seen->same + 1,
                          (unsigned long long)seen->last.segment + 1,
                          merged ? "" : ". It is still to be scanned: clipspan scan RUN");
    if (merged) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                      "is not merged yet; images can be added once it is: clipspan scan RUN");
}

static clipspan_status extend(cs_index *index, const char *path, const list_facts *list,
                              const clipspan_inputs *inputs, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *run = NULL, plan[65];
    segments_seen seen = {.plan = plan};
    cs_segment_row segment;
    int own;
    CS_TRY_DONE(cs_index_fact(&run, index, "plan", err));
    hash_segment(plan, run ? run : "", list);
    CS_TRY_DONE(cs_index_read_segments(index, see_segment, &seen, err));
    CS_TRY_DONE(check_extendable(index, path, &seen, err));
    segment = (cs_segment_row){seen.last.segment + 1,
                               seen.last.first + seen.last.count,
                               list->count,
                               CS_PLAN_SEED,
                               list->hash,
                               plan};
    if (segment.segment == CS_SEGMENTS_MOST || list->count > CS_INPUTS_MOST - segment.first) {
        status = cs_fail_at(err, CLIPSPAN_E_LIMIT, path,
                            "would have more than %d lists or %zu images, the most of a run",
                            CS_SEGMENTS_MOST, CS_INPUTS_MOST);
        goto done;
    }
    CS_TRY_DONE(agree_on_folder(&own, index, list, err));
    CS_TRY_DONE(add_segment(index, &segment, inputs, own ? NULL : list->folder, err));
    CS_TRY_DONE(add_to_fact(index, "images.count", list->count, err));
    CS_TRY_DONE(add_to_fact(index, "images.labelled", list->labelled, err));
    CS_TRY_DONE(add_to_fact(index, "images.grouped", list->grouped, err));
    CS_TRY_DONE(cs_index_refresh_duplicates(index, err));
    status = cs_index_set_fact(index, "merged", "0", err);
done:
    cs_free(run);
    return status;
}

clipspan_status cs_plan_extend(const char *path, const cs_identity *identity,
                               const clipspan_inputs *inputs, clipspan_error *err)
{
    clipspan_status status;
    cs_root *root;
    cs_index *index = NULL;
    list_facts list;
    int own, lock = -1;
    CS_TRY(cs_folder_open(&root, path, err));
    look_at_list(&list, inputs);
    /* before a lock is made in a strange folder */
    CS_TRY_DONE(cs_index_open(&index, root, CS_INDEX_FILE, err));
    CS_TRY_DONE(cs_identity_compare(identity, index, CLIPSPAN_E_FORMAT, path, err));
    cs_index_close(&index);
    CS_TRY_DONE(cs_folder_lock(&lock, root, 1, err));
    CS_TRY_DONE(cs_index_edit(&index, root, CS_INDEX_FILE, err));
    CS_TRY_DONE(cs_own_check(&own, index, err));
    CS_TRY_DONE(extend(index, path, &list, inputs, err));
    if (own) CS_TRY_DONE(cs_own_seal(index, err)); /* another's list stays another's */
    CS_TRY_DONE(cs_results_clear(root, err));
    status = cs_index_commit(index, err);
done:
    cs_index_close(&index);
    cs_folder_unlock(&lock);
    cs_root_close(&root);
    return status;
}
