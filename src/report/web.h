/* SPDX-License-Identifier: MIT */
/* The files of web/, put into the library by scripts/embed-web: lines up to NULL, each with its
 * end. */
#ifndef CLIPSPAN_SRC_REPORT_WEB_H
#define CLIPSPAN_SRC_REPORT_WEB_H

extern const char *const cs_web_base_css[];
extern const char *const cs_web_explain_css[];
extern const char *const cs_web_explain_js[];
extern const char *const cs_web_hits_css[];
extern const char *const cs_web_report_css[];
extern const char *const cs_web_report_js[];

#endif
