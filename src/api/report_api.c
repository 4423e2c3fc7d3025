/* SPDX-License-Identifier: MIT */
/* clipspan_report_write: argument checks around the page of src/report. */
#include "api/handles.h"
#include "base/parallel.h"
#include "report/report.h"

#include <clipspan/report.h>

clipspan_status clipspan_report_write(const char *path, const clipspan_atlas *atlas,
                                      const clipspan_report_options *options,
                                      const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_report_options o;
    cs_report_kept kept = {0};
    cs_report_options inner;
    clipspan_status status;
    cs_clear(err);
    if (!path || !atlas)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_report_write: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_report_options, err));
    if (o.threads < 0 || o.threads > CS_MAX_THREADS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%d threads were asked for; 1 to %d, or 0 for the default", o.threads,
                       CS_MAX_THREADS);
    inner.root = o.root;
    inner.no_images = o.no_images;
    inner.replace = o.replace;
    inner.images_anywhere = o.images_anywhere;
    inner.note = o.note;
    inner.threads = o.threads ? o.threads : clipspan_default_threads();
    inner.kept = &kept;
    inner.paths = o.paths;
    if (o.run) CS_TRY_DONE(cs_report_kept_read(&kept, o.run->run, err));
    status = cs_report_write(path, atlas->atlas, &inner, progress, err);
done:
    cs_report_kept_fini(&kept);
    return status;
}
