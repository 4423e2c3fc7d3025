/* SPDX-License-Identifier: MIT */
/* The cache's layout: models--ORG--REPO/{blobs,refs,snapshots,.no_exist}. */
#define _POSIX_C_SOURCE 200809L
#include "model/hub_cache.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"

#define MAX_LISTED 1000 /* entries of a folder that are looked at for a message */

/* Value of a variable with a leading "~" as the home folder; NULL when unset or empty. */
static char *folder_from(const char *variable, clipspan_error *err)
{
    const char *value = getenv(variable), *home = getenv("HOME");
    if (!value || !value[0]) return NULL;
    if (value[0] == '~' && (value[1] == '/' || !value[1]) && home && home[0])
        return cs_path_join(home, value[1] ? value + 2 : ".", err);
    return cs_strdup(value, err);
}

clipspan_status cs_hub_cache(char **out, clipspan_error *err)
{
    static const struct {
        const char *variable, *below;
    } places[] = {
        {"HF_HUB_CACHE", "."},
        {"HUGGINGFACE_HUB_CACHE", "."},
        {"HF_HOME", "hub"},
        {"XDG_CACHE_HOME", "huggingface/hub"},
        {"HOME", ".cache/huggingface/hub"},
    };
    size_t i;
    *out = NULL;
    cs_clear(err);
    for (i = 0; i < sizeof places / sizeof *places; i++) {
        char *base = folder_from(places[i].variable, err);
        if (!base) {
            if (err && err->code != CLIPSPAN_OK) return CLIPSPAN_E_NOMEM;
            continue;
        }
        if (strcmp(places[i].below, ".") == 0) {
            *out = base;
            return CLIPSPAN_OK;
        }
        *out = cs_path_join(base, places[i].below, err);
        cs_free(base);
        return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    }
    return cs_fail(err, CLIPSPAN_E_NOT_FOUND,
                   "the Hugging Face cache is not known: none of HF_HUB_CACHE, HF_HOME, "
                   "XDG_CACHE_HOME and HOME is set");
}

static int is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* 1 when `length` bytes are a name of allowed characters that cannot leave its folder. */
static int is_part(const char *part, size_t length)
{
    size_t i;
    if (length == 0 || length > 96 || part[0] == '.') return 0;
    for (i = 0; i < length; i++)
        if (!is_plain(part[i])) return 0;
    return 1;
}

static int is_revision(const char *revision)
{
    for (;;) {
        size_t n = strcspn(revision, "/");
        if (!is_part(revision, n)) return 0;
        if (!revision[n]) return 1;
        revision += n + 1;
    }
}

int cs_hub_is_name(const char *name)
{
    size_t a = strcspn(name, "/"), b;
    if (!name[a]) return 0;
    b = strcspn(name + a + 1, "@/");
    if (!is_part(name, a) || !is_part(name + a + 1, b)) return 0;
    name += a + 1 + b;
    return *name == '\0' || (*name == '@' && is_revision(name + 1));
}

static int is_commit(const char *text)
{
    return strlen(text) == 40 && strspn(text, "0123456789abcdef") == 40;
}

/* Up to three names in a folder, for a message. */
static void list(char *out, size_t room, const char *folder, const char *below)
{
    char *path = cs_path_join(folder, below, NULL);
    DIR *stream = path ? opendir(path) : NULL;
    const struct dirent *entry;
    size_t used = 0;
    int seen = 0;
    snprintf(out, room, "none");
    while (stream && seen < 3 && (entry = readdir(stream)) != NULL) {
        int n;
        if (entry->d_name[0] == '.' || used >= room) continue;
        n = snprintf(out + used, room - used, "%s%.60s", seen++ ? ", " : "", entry->d_name);
        used += n > 0 ? (size_t)n : 0;
    }
    if (stream) closedir(stream);
    cs_free(path);
}

static clipspan_status read_ref(char commit[41], const char *repository, const char *revision,
                                const char *name, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    char *refs = cs_path_join(repository, "refs", err);
    char *path = refs ? cs_path_join(refs, revision, err) : NULL;
    unsigned char *text = NULL;
    char snapshots[256], branches[256];
    size_t size;
    if (!path) goto done;
    if (cs_path_kind(path) == 0) {
        list(snapshots, sizeof snapshots, repository, "snapshots");
        list(branches, sizeof branches, repository, "refs");
        status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, repository,
                            "has no revision %.80s of %.100s; revisions there: %s; commits there: "
                            "%s (ask for org/repo@COMMIT)",
                            revision, name, branches, snapshots);
        goto done;
    }
    CS_TRY_DONE(cs_file_read_all(&text, &size, path, 4096, err));
    text[strcspn((const char *)text, "\r\n \t")] = '\0';
    if (!is_commit((const char *)text)) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                            "expected a commit (40 hexadecimal digits), found \"%.60s\"", text);
        goto done;
    }
    memcpy(commit, text, 41);
    status = CLIPSPAN_OK;
done:
    cs_free(text);
    cs_free(path);
    cs_free(refs);
    return status;
}

/* Folder of a repository in the cache, whether it is there or not. */
static char *repository_folder(const char *cache, const char *name, clipspan_error *err)
{
    char folder[256];
    size_t a = strcspn(name, "/"), b = strcspn(name + a + 1, "@");
    snprintf(folder, sizeof folder, "models--%.*s--%.*s", (int)a, name, (int)b, name + a + 1);
    return cs_path_join(cache, folder, err);
}

clipspan_status cs_hub_find(char **snapshot, char **repository, const char *name,
                            clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    const char *revision = strchr(name, '@');
    char *cache = NULL, *folder = NULL, *snapshots = NULL, *path = NULL, found[256];
    char commit[41];
    *snapshot = *repository = NULL;
    revision = revision ? revision + 1 : "main";
    CS_TRY(cs_hub_cache(&cache, err));
    folder = repository_folder(cache, name, err);
    if (!folder) goto done;
    if (cs_path_kind(folder) != 2) {
        status = CLIPSPAN_OK;
        goto done;
    }
    if (is_commit(revision))
        memcpy(commit, revision, 41);
    else
        CS_TRY_DONE(read_ref(commit, folder, revision, name, err));
    status = CLIPSPAN_E_NOMEM;
    snapshots = cs_path_join(folder, "snapshots", err);
    path = snapshots ? cs_path_join(snapshots, commit, err) : NULL;
    if (!path) goto done;
    if (cs_path_kind(path) != 2) {
        list(found, sizeof found, folder, "snapshots");
        status = cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                            "no such snapshot in the Hugging Face cache; commits there: %s", found);
        goto done;
    }
    *snapshot = path;
    *repository = folder;
    path = folder = NULL;
    status = CLIPSPAN_OK;
done:
    cs_free(path);
    cs_free(snapshots);
    cs_free(folder);
    cs_free(cache);
    return status;
}

void cs_hub_nearest(char out[128], const char *name)
{
    static const char start[] = "models--";
    char names[256][64], asked[64], *middle;
    const char *pointers[256], *near;
    size_t count = 0, looked = 0;
    const struct dirent *entry;
    DIR *stream;
    char *cache;
    out[0] = '\0';
    snprintf(asked, sizeof asked, "%.*s", (int)strcspn(name, "@"), name);
    if (cs_hub_cache(&cache, NULL) != CLIPSPAN_OK) return;
    stream = opendir(cache);
    cs_free(cache);
    while (stream && count < 256 && looked++ < MAX_LISTED && (entry = readdir(stream)) != NULL) {
        if (strncmp(entry->d_name, start, sizeof start - 1) != 0) continue;
        if (strlen(entry->d_name) - (sizeof start - 1) >= sizeof names[0]) continue;
        snprintf(names[count], sizeof names[0], "%.63s", entry->d_name + sizeof start - 1);
        middle = strstr(names[count], "--");
        if (!middle) continue;
        *middle = '/';
        memmove(middle + 1, middle + 2, strlen(middle + 2) + 1);
        pointers[count] = names[count];
        count++;
    }
    if (stream) closedir(stream);
    near = cs_nearest(asked, pointers, count);
    if (near) snprintf(out, 128, "%s", near);
}

int cs_hub_known_absent(const char *snapshot, const char *repository, const char *name)
{
    char below[512];
    char *path;
    int kind;
    snprintf(below, sizeof below, ".no_exist/%.64s/%.300s", cs_path_name(snapshot), name);
    path = cs_path_join(repository, below, NULL);
    kind = path ? cs_path_kind(path) : 0;
    cs_free(path);
    return kind == 1;
}
