/* SPDX-License-Identifier: MIT */
/* What plan, scan and merge say about a run. */
#ifndef CLIPSPAN_CLI_SCAN_OUT_H
#define CLIPSPAN_CLI_SCAN_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

/* Counts a merged run's skipped images in the session and names the first of them. */
clipspan_status cli_run_skipped(cli_session *session, const clipspan_run *run, clipspan_error *err);

/* A plan: of `run`, or, when that is NULL, of what a dry run would make with these
 * options. */
void cli_run_show_plan(const cli_session *session, const char *path, const clipspan_model *model,
                       const clipspan_inputs *inputs, const clipspan_run *run,
                       const clipspan_plan_options *options, int dry_run);

/* A run after a scan, of a share when options->shards; options and result are NULL after
 * merge. */
void cli_run_show_scan(const cli_session *session, const clipspan_run_info *info,
                       const clipspan_scan_options *options, const clipspan_scan_result *result,
                       double seconds);

#endif
