/* SPDX-License-Identifier: MIT */
/* Kept documents: {"version", "statistics", "other": {"run", "statistics"} or null, "document"}. */
#define _XOPEN_SOURCE 700
#include "run/kept.h"
#include "base/memory.h"
#include "formats/json.h"

#include <clipspan/run.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NAME "newest"

static clipspan_status check_kind(const char *kind, clipspan_error *err)
{
    static const char *const kinds[] = {"effects", "ablate", "shortcut"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i]) == 0) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "a run keeps effects, ablate and shortcut, not \"%.40s\"", kind);
}

/* {"run", "statistics"} */
static clipspan_status describe_other(json_t **out, const cs_run *other, clipspan_error *err)
{
    const char *folder = cs_run_info(other)->path;
    char hash[65], *path;
    CS_TRY(cs_run_statistics_id(hash, other, err));
    path = realpath(folder, NULL);
    *out = json_pack("{s:s,s:s}", "run", path ? path : folder, "statistics", hash);
    free(path);
    if (*out) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, folder, "is no name in UTF-8, or memory is short");
}

clipspan_status cs_kept_write(const cs_run *run, const cs_run *other, const char *kind,
                              const char *document, clipspan_error *err)
{
    char hash[65], *text = NULL;
    json_t *root = NULL, *beside = NULL, *parsed = NULL;
    json_error_t where;
    int memory;
    clipspan_status status;
    CS_TRY(check_kind(kind, err));
    CS_TRY(cs_run_need_merged(run, err));
    if (other) CS_TRY(cs_run_need_merged(other, err));
    CS_TRY(cs_run_statistics_id(hash, run, err));
    if (other) CS_TRY(describe_other(&beside, other, err));
    parsed = cs_json_load(&memory, document, strlen(document), 0, &where);
    if (memory) {
        status = cs_fail_memory(err, strlen(document), "a JSON document");
        goto done;
    }
    if (!json_is_object(parsed)) {
        status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                         "a document that a run keeps is an object of "
                         "JSON, with texts in UTF-8");
        goto done;
    }
    root = json_pack("{s:s,s:s,s:O?,s:O}", "version", CLIPSPAN_VERSION, "statistics", hash, "other",
                     beside, "document", parsed);
    text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    status = text ? cs_run_set_result(run, kind, NAME, text, err)
                  : cs_fail_memory(err, strlen(document), "a document");
done:
    free(text);
    json_decref(root);
    json_decref(beside);
    json_decref(parsed);
    return status;
}

/* ---- Reading ---- */

static int same_text(const json_t *value, const char *wanted)
{
    return json_is_string(value) && strcmp(json_string_value(value), wanted) == 0;
}

/* 1 when the other run of a run of the user's is there and has other statistics now, or damaged
 * ones. */
static int other_changed(const json_t *other, const cs_run *run)
{
    const char *path = json_string_value(json_object_get(other, "run"));
    char hash[65];
    cs_run *there;
    clipspan_status status;
    if (!path || !cs_run_info(run)->own) return 0; /* another's run opens nothing beside it */
    if (cs_run_open(&there, path, NULL) != CLIPSPAN_OK) return 0;
    status = cs_run_statistics_id(hash, there, NULL);
    cs_run_close(&there);
    return status != CLIPSPAN_OK || !same_text(json_object_get(other, "statistics"), hash);
}

static clipspan_status check(json_t **document, int *stale, const json_t *root, const cs_run *run,
                             clipspan_error *err)
{
    json_t *found = json_object_get(root, "document");
    char hash[65];
    CS_TRY(cs_run_statistics_id(hash, run, err));
    *stale = !json_is_object(found) ||
             !same_text(json_object_get(root, "version"), CLIPSPAN_VERSION) ||
             !same_text(json_object_get(root, "statistics"), hash) ||
             other_changed(json_object_get(root, "other"), run);
    if (!*stale) *document = json_incref(found);
    return CLIPSPAN_OK;
}

clipspan_status cs_kept_read(json_t **document, int *stale, const cs_run *run, const char *kind,
                             clipspan_error *err)
{
    clipspan_status status;
    json_error_t where;
    char *value;
    json_t *root;
    int memory;
    *document = NULL;
    *stale = 0;
    CS_TRY(cs_run_result(&value, run, kind, NAME, err));
    if (!value) return CLIPSPAN_OK;
    root = cs_json_load(&memory, value, strlen(value), 0, &where);
    cs_free(value);
    status =
        memory ? cs_fail_memory(err, 1, "a JSON document") : check(document, stale, root, run, err);
    json_decref(root);
    return status;
}
