/* SPDX-License-Identifier: MIT */
/* Exports: argument checks, and the parts of files' names. */
#include "api/handles.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "export/official.h"

#include <clipspan/report.h>
#include <clipspan/run.h>
#include <string.h>

/* The last part of a path, slashes behind it left out: "runs/a/" gives "a". */
static char *last_part(const char *path, clipspan_error *err)
{
    size_t length = strlen(path), from;
    while (length > 1 && path[length - 1] == '/')
        length--;
    for (from = length; from > 0 && path[from - 1] != '/';)
        from--;
    return cs_strndup(path + from, length - from, err);
}

typedef struct named_parts {
    cs_official to;
    char *dataset, *model;
} named_parts;

static void parts_fini(named_parts *parts)
{
    cs_free(parts->dataset);
    cs_free(parts->model);
}

/* To be given back with parts_fini in any case. */
static clipspan_status take_parts(named_parts *out, const char *folder,
                                  const clipspan_run_info *info,
                                  const clipspan_export_options *options, clipspan_error *err)
{
    clipspan_export_options o;
    memset(out, 0, sizeof *out);
    CS_TRY(CS_OPTIONS(&o, options, clipspan_export_options, err));
    if (o.threads < 0 || o.threads > CS_MAX_THREADS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "threads is %d; 0 to %d are possible", o.threads,
                       CS_MAX_THREADS);
    out->dataset = last_part(o.dataset ? o.dataset : info->path, err);
    out->model = last_part(o.model ? o.model : info->model_name, err);
    if (!out->dataset || !out->model) return CLIPSPAN_E_NOMEM;
    out->to.folder = folder;
    out->to.dataset = out->dataset;
    out->to.model = out->model;
    out->to.threads = o.threads ? o.threads : cs_threads_default();
    out->to.replace = o.replace;
    return CLIPSPAN_OK;
}

clipspan_status clipspan_run_export(const char *folder, const clipspan_run *run,
                                    const clipspan_export_options *options,
                                    const clipspan_progress *progress, clipspan_error *err)
{
    named_parts parts;
    clipspan_status status;
    cs_clear(err);
    if (!folder || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_export: folder or run is NULL");
    status = take_parts(&parts, folder, cs_run_info(run->run), options, err);
    if (status == CLIPSPAN_OK)
        status = cs_official_write_arrays(&parts.to, run->run, progress, err);
    parts_fini(&parts);
    return status;
}

clipspan_status clipspan_atlas_export(const char *path, const char *folder,
                                      const clipspan_atlas *atlas,
                                      const clipspan_export_options *options, clipspan_error *err)
{
    named_parts parts;
    clipspan_status status;
    cs_clear(err);
    if ((!path && !folder) || !atlas)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_atlas_export: path and folder, or atlas, are NULL");
    status = take_parts(&parts, folder, atlas->atlas->info.run, options, err);
    if (status == CLIPSPAN_OK)
        status = cs_official_write_basis_texts(path, &parts.to, atlas->atlas, err);
    parts_fini(&parts);
    return status;
}
