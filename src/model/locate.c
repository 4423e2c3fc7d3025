/* SPDX-License-Identifier: MIT */
/* Order of the search: "demo"; an existing file or folder; "hf-hub:" names; ARCHITECTURE/TAG of the
 * table of published checkpoints; org/repo in the cache. A name that is none of these is an error
 * that says where was looked and what is near. */
#define _XOPEN_SOURCE 700
#include "model/locate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "formats/foreign.h"
#include "model/hub_cache.h"

#define MAX_LISTED 1000 /* entries of a folder that are looked at for a message */

void cs_location_fini(cs_location *location)
{
    cs_free(location->path);
    cs_free(location->folder);
    cs_free(location->fence);
    memset(location, 0, sizeof *location);
}

/* ---- Names ---- */

static int ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* Fills `near` with the entry of the path's folder that is nearest to its last part. */
static void nearest_entry(char near[160], const char *path)
{
    char names[256][64];
    const char *pointers[256], *found;
    size_t count = 0, looked = 0;
    const struct dirent *entry;
    char *folder = cs_path_folder(path, NULL);
    DIR *stream = folder ? opendir(folder) : NULL;
    near[0] = '\0';
    while (stream && count < 256 && looked++ < MAX_LISTED && (entry = readdir(stream)) != NULL) {
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof names[0]) continue;
        snprintf(names[count], sizeof names[0], "%.63s", entry->d_name);
        pointers[count] = names[count];
        count++;
    }
    if (stream) closedir(stream);
    found = cs_nearest(cs_path_name(path), pointers, count);
    if (found) snprintf(near, 160, "; did you mean %s there?", found);
    cs_free(folder);
}

static clipspan_status fail_path(const char *name, clipspan_error *err)
{
    char near[160];
    char *folder = cs_path_folder(name, err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (!folder) return status;
    nearest_entry(near, name);
    if (cs_path_kind(folder) != 2)
        status =
            cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, name,
                       "no such file or folder; its folder %.300s is not there either", folder);
    else
        status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, name, "no such file or folder%s", near);
    cs_free(folder);
    return status;
}

/* A file or folder that is there. */
static clipspan_status at_path(cs_location *out, const char *path, int kind, clipspan_error *err)
{
    const char *foreign = kind == 1 ? cs_foreign_by_name(path) : NULL;
    if (kind == 3)
        return cs_fail_at(err, CLIPSPAN_E_IO, path,
                          "is neither a file nor a folder (a device, FIFO or socket)");
    if (foreign) return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path, "%s", foreign);
    if (kind == 1 && ends_with(path, ".json") && !ends_with(path, ".index.json"))
        return cs_fail_at(
            err, CLIPSPAN_E_UNSUPPORTED, path,
            "is a configuration; name its folder, or the weights with it as --config");
    out->is_file = kind == 1;
    out->path = cs_strdup(path, err);
    out->folder = kind == 1 ? cs_path_folder(path, err) : cs_strdup(path, err);
    return out->path && out->folder ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status at_demo(cs_location *out, clipspan_error *err)
{
    clipspan_status status;
    char *config, *folder;
    CS_TRY(cs_data_path(&config, "demo/model/open_clip_config.json", err));
    folder = cs_path_folder(config, err);
    cs_free(config);
    if (!folder) return CLIPSPAN_E_NOMEM;
    status = at_path(out, folder, 2, err);
    cs_free(folder);
    return status;
}

/* Leaves out->path NULL when the cache has no such repository. */
static clipspan_status in_cache(cs_location *out, const char *name, clipspan_error *err)
{
    char repository[200];
    char *snapshot;
    CS_TRY(cs_hub_find(&snapshot, &out->fence, name, err));
    if (!snapshot) return CLIPSPAN_OK;
    out->path = snapshot;
    out->folder = cs_strdup(snapshot, err);
    snprintf(repository, sizeof repository, "%.*s", (int)strcspn(name, "@"), name);
    if (!out->known) out->known = cs_known_by_repository(repository);
    return out->folder ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status fail_cache(const char *name, const char *tried, clipspan_error *err)
{
    char near[128];
    char *cache;
    clipspan_status status;
    CS_TRY(cs_hub_cache(&cache, err));
    cs_hub_nearest(near, name);
    status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, name,
                        "no such file or folder, and not in the Hugging Face cache %.400s (%s): "
                        "looked for %.300s%s%s%s. Nothing is downloaded; get it first, for "
                        "example with: hf download %.200s",
                        cache, cs_path_kind(cache) == 2 ? "which is there" : "which is not there",
                        tried, near[0] ? "; did you mean " : "", near, near[0] ? "?" : "", tried);
    cs_free(cache);
    return status;
}

/* ARCHITECTURE/TAG: *handled 0 when the first part is no architecture. */
static clipspan_status by_tag(cs_location *out, int *handled, const char *name, clipspan_error *err)
{
    const char *slash = strchr(name, '/'), *near, *tags[64];
    char architecture[64], list[600] = "";
    size_t count = 0, used = 0, i;
    int quick;
    *handled = 0;
    if (!slash || (size_t)(slash - name) >= sizeof architecture || strchr(slash + 1, '/'))
        return CLIPSPAN_OK;
    snprintf(architecture, sizeof architecture, "%.*s", (int)(slash - name), name);
    if (!cs_architecture_find(architecture, &quick)) return CLIPSPAN_OK;
    *handled = 1;
    out->known = cs_known_find(architecture, slash + 1);
    if (out->known) {
        CS_TRY(in_cache(out, out->known->repository, err));
        if (!out->path && out->known->other) CS_TRY(in_cache(out, out->known->other, err));
        return out->path ? CLIPSPAN_OK : fail_cache(name, out->known->repository, err);
    }
    for (; count < 64 && (tags[count] = cs_known_tag(architecture, count)) != NULL; count++)
        if (used < 500)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", count ? ", " : "",
                                     tags[count]);
    near = cs_nearest(slash + 1, tags, count);
    for (i = 0; i < count && !near; i++)
        if (strncmp(tags[i], slash + 1, 6) == 0) near = tags[i];
    return cs_fail(err, CLIPSPAN_E_NOT_FOUND,
                   "%.200s: no such published checkpoint of %s%s%s%s; known ones: %s%s", name,
                   architecture, near ? "; did you mean " : "", near ? near : "", near ? "?" : "",
                   list, used >= 500 ? " …" : "");
}

static clipspan_status fail_name(const char *name, clipspan_error *err)
{
    const char *near;
    char beside[160];
    int quick;
    if (cs_architecture_find(name, &quick))
        return cs_fail(err, CLIPSPAN_E_NOT_FOUND,
                       "%.60s is an architecture, not a checkpoint: add a tag, for example "
                       "%.60s/%s, or give weights and --config %.60s",
                       name, name, cs_known_tag(name, 0), name);
    near = cs_architecture_nearest(name);
    nearest_entry(beside, name);
    if (near)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, name,
                          "no such file or folder here%s; near is the architecture %s, whose "
                          "checkpoints are called %s/TAG, for example %s/%s",
                          beside, near, near, near, cs_known_tag(near, 0));
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, name,
                      "no such file or folder here%s; a model is a folder, a .safetensors file, a "
                      "cached repository such as laion/CLIP-ViT-B-16-laion2B-s34B-b88K or a name "
                      "such as ViT-B-16/laion2b_s34b_b88k",
                      beside);
}

clipspan_status cs_locate(cs_location *out, const char *name, clipspan_error *err)
{
    static const char hub[] = "hf-hub:";
    int kind, handled, asked_hub;
    memset(out, 0, sizeof *out);
    if (!name || !name[0])
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the model's name is empty; give a folder, a file or a name");
    if (strcmp(name, "demo") == 0) return at_demo(out, err);
    asked_hub = strncmp(name, hub, sizeof hub - 1) == 0;
    kind = asked_hub ? 0 : cs_path_kind(name);
    if (kind) return at_path(out, name, kind, err);
    if (asked_hub) name += sizeof hub - 1;
    if (!asked_hub) {
        if (name[0] == '/' || name[0] == '.' || name[0] == '~' || ends_with(name, "/") ||
            ends_with(name, ".safetensors") || ends_with(name, ".json"))
            return fail_path(name, err);
        CS_TRY(by_tag(out, &handled, name, err));
        if (handled) return CLIPSPAN_OK;
    }
    if (cs_hub_is_name(name)) {
        CS_TRY(in_cache(out, name, err));
        return out->path ? CLIPSPAN_OK : fail_cache(name, name, err);
    }
    if (asked_hub)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, name,
                          "hf-hub: is followed by org/repo or org/repo@revision");
    return strchr(name, '/') ? fail_path(name, err) : fail_name(name, err);
}

/* ---- Files ---- */

/* Links of a cached snapshot may lead anywhere in their repository's folder, and nowhere else. */
static clipspan_status check_fence(const char *path, const char *fence, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *real = realpath(path, NULL), *bound = realpath(fence, NULL);
    size_t n = bound ? strlen(bound) : 0;
    if (!real || !bound)
        status = cs_fail_at(err, CLIPSPAN_E_IO, path, "its link cannot be followed");
    else if (strncmp(real, bound, n) != 0 || real[n] != '/')
        status =
            cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, path,
                       "is a link to %.300s, outside of its cached repository: not followed", real);
    free(real);
    free(bound);
    return status;
}

clipspan_status cs_location_file(char **out, const cs_location *location, const char *name,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    struct stat facts;
    char *path = cs_path_join(location->folder, name, err);
    *out = NULL;
    if (!path) return CLIPSPAN_E_NOMEM;
    if (lstat(path, &facts) != 0) goto done;
    if (cs_path_kind(path) == 0) {
        status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                            "is a link to a file that is not there (an unfinished download?)");
        goto done;
    }
    if (cs_path_kind(path) != 1) goto done;
    if (location->fence) CS_TRY_DONE(check_fence(path, location->fence, err));
    *out = path;
    path = NULL;
done:
    cs_free(path);
    return status;
}
