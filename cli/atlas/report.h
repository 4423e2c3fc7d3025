/* SPDX-License-Identifier: MIT */
/* Reports at the end of other commands. */
#ifndef CLIPSPAN_CLI_REPORT_H
#define CLIPSPAN_CLI_REPORT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

/* The report of a run's atlas as report.html in the run's folder, in place of one that is there;
 * says so on standard error. */
clipspan_status cli_report_beside(cli_session *session, const clipspan_run *run,
                                  const clipspan_atlas *atlas, int no_images, clipspan_error *err);

#endif
