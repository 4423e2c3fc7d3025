/* SPDX-License-Identifier: MIT */
/* Which files of a folder hold the weights: OpenCLIP's names first, then Hugging Face's, then the
 * only .safetensors file there is. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "formats/foreign.h"
#include "formats/json.h"
#include "model/hub_cache.h"
#include "model/locate.h"

#define MAX_LISTED 1000 /* entries of a folder that are looked at */
#define MAX_SHARDS 256

void cs_weight_files_fini(cs_weight_files *files)
{
    size_t i;
    for (i = 0; i < files->count; i++)
        cs_free(files->paths[i]);
    cs_free(files->paths);
    cs_free(files->index);
    memset(files, 0, sizeof *files);
}

/* Takes the path over, also on failure. */
static clipspan_status add(cs_weight_files *out, char *path, clipspan_error *err)
{
    clipspan_status status = cs_grow(&out->paths, &out->room, out->count + 1, sizeof *out->paths,
                                     "a list of weight files", err);
    if (status == CLIPSPAN_OK)
        out->paths[out->count++] = path;
    else
        cs_free(path);
    return status;
}

/* 1 for a relative path that cannot leave its folder. */
static int stays_inside(const char *name)
{
    const char *p = name;
    if (!name[0] || name[0] == '/') return 0;
    for (;;) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.')) return 0;
        if (!p[n]) return 1;
        p += n + 1;
    }
}

static clipspan_status add_shard(cs_weight_files *out, const cs_location *location,
                                 const char *index, const char *name, clipspan_error *err)
{
    char *path;
    size_t i;
    if (!stays_inside(name))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, index,
                          "names the weight file \"%.200s\", which would lie outside of its folder",
                          name);
    if (cs_foreign_by_name(name))
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, index,
                          "names the weight file \"%.200s\", which %s", name,
                          cs_foreign_by_name(name));
    CS_TRY(cs_location_file(&path, location, name, err));
    if (!path)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, index,
                          "names the weight file \"%.200s\", which is not there", name);
    for (i = 0; i < out->count; i++)
        if (strcmp(out->paths[i], path) == 0) {
            cs_free(path);
            return CLIPSPAN_OK;
        }
    if (out->count == MAX_SHARDS) {
        cs_free(path);
        return cs_fail_at(err, CLIPSPAN_E_LIMIT, index, "names more than %d weight files",
                          MAX_SHARDS);
    }
    return add(out, path, err);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static clipspan_status add_index(cs_weight_files *out, const cs_location *location,
                                 const char *index, clipspan_error *err)
{
    clipspan_status status;
    cs_json whole, map;
    const char *last = NULL;
    json_t *root, *members;
    void *at;
    out->index = cs_strdup(index, err);
    if (!out->index) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_json_read(&root, index, err));
    whole = cs_json_root(root, index);
    CS_TRY_DONE(cs_json_object(&map, &whole, "weight_map", err));
    if (!map.object || json_object_size(map.object) == 0) {
        status = cs_json_unexpected(&whole, "weight_map", "an object from tensor to file",
                                    CLIPSPAN_E_FORMAT, err);
        goto done;
    }
    members = json_object_get(root, "weight_map");
    for (at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
        const char *name = json_string_value(json_object_iter_value(at));
        if (!name) {
            status = cs_json_unexpected(&map, json_object_iter_key(at), "a file name",
                                        CLIPSPAN_E_FORMAT, err);
            goto done;
        }
        /* Neighbours mostly lie in one file. */
        if (last && strcmp(name, last) == 0) continue;
        CS_TRY_DONE(add_shard(out, location, index, name, err));
        last = name;
    }
    qsort(out->paths, out->count, sizeof *out->paths, by_text);
    status = CLIPSPAN_OK;
done:
    json_decref(root);
    return status;
}

/* What else a folder holds, for messages and the last choice. */
typedef struct listing {
    char only[256];    /* a .safetensors file */
    char all[400];     /* all of them, by commas */
    char foreign[256]; /* a file of another kind */
    size_t count;
} listing;

static void list_folder(listing *out, const char *folder)
{
    static const char ending[] = ".safetensors";
    const struct dirent *entry;
    size_t looked = 0, used = 0;
    DIR *stream = opendir(folder);
    memset(out, 0, sizeof *out);
    while (stream && looked++ < MAX_LISTED && (entry = readdir(stream)) != NULL) {
        size_t n = strlen(entry->d_name), m = sizeof ending - 1;
        if (cs_foreign_by_name(entry->d_name))
            snprintf(out->foreign, sizeof out->foreign, "%s", entry->d_name);
        if (n <= m || strcmp(entry->d_name + n - m, ending) != 0 || entry->d_name[0] == '.')
            continue;
        snprintf(out->only, sizeof out->only, "%s", entry->d_name);
        if (used < sizeof out->all - 80)
            used += (size_t)snprintf(out->all + used, sizeof out->all - used, "%s%.70s",
                                     out->count ? ", " : "", entry->d_name);
        out->count++;
    }
    if (stream) closedir(stream);
}

static clipspan_status fail_none(const cs_location *location, const listing *found,
                                 clipspan_error *err)
{
    static const char names[] = "open_clip_model.safetensors, open_clip_pytorch_model.safetensors, "
                                "model.safetensors or model.safetensors.index.json";
    if (found->count > 1)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, location->path,
                          "holds %zu weight files and none is called %s; name the one that is "
                          "meant: %s",
                          found->count, names, found->all);
    if (found->foreign[0])
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, location->path,
                          "holds no safetensors file, only %.100s, which %s", found->foreign,
                          cs_foreign_by_name(found->foreign));
    if (location->fence &&
        (cs_hub_known_absent(location->path, location->fence, "open_clip_model.safetensors") ||
         cs_hub_known_absent(location->path, location->fence, "model.safetensors")))
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, location->path,
                          "this cached repository has no safetensors file (the cache notes so)");
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, location->path,
                      "is no model: holds none of %s, nor another .safetensors file%s", names,
                      location->fence ? "; only part of the repository was downloaded" : "");
}

clipspan_status cs_location_weights(cs_weight_files *out, const cs_location *location,
                                    clipspan_error *err)
{
    static const char *const names[] = {
        "open_clip_model.safetensors",
        "open_clip_pytorch_model.safetensors",
        "model.safetensors",
        "open_clip_model.safetensors.index.json",
        "model.safetensors.index.json",
    };
    clipspan_status status;
    listing found;
    char *path;
    size_t i;
    memset(out, 0, sizeof *out);
    if (location->is_file && !strstr(cs_path_name(location->path), ".index.json")) {
        path = cs_strdup(location->path, err);
        return path ? add(out, path, err) : CLIPSPAN_E_NOMEM;
    }
    if (location->is_file) return add_index(out, location, location->path, err);
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        CS_TRY(cs_location_file(&path, location, names[i], err));
        if (!path) continue;
        if (i < 3) return add(out, path, err);
        status = add_index(out, location, path, err);
        cs_free(path);
        return status;
    }
    list_folder(&found, location->folder);
    if (found.count != 1) return fail_none(location, &found, err);
    CS_TRY(cs_location_file(&path, location, found.only, err));
    return path ? add(out, path, err) : fail_none(location, &found, err);
}
