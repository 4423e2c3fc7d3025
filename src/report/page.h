/* SPDX-License-Identifier: MIT */
/* The frame of every page: a head that holds the styles and a policy by which nothing is ever
 * loaded, one block of JSON with the page's data, the script. */
#ifndef CLIPSPAN_SRC_REPORT_PAGE_H
#define CLIPSPAN_SRC_REPORT_PAGE_H

#include "formats/json_write.h"
#include "report/html.h"

/* Up to the beginning of the body. title: markup of ours, then `name` from outside, may be "".
 * style: comes after base.css. more: further rules, or NULL. */
void cs_page_begin(cs_html *html, const char *title, const char *name, const char *const *style,
                   const char *more);

/* The data block, once a page, and its end. */
void cs_page_data_begin(cs_json_writer *json, cs_html *html, const char *schema);
void cs_page_data_end(cs_json_writer *json, cs_html *html);

/* The script, or NULL, and the end of the page. */
void cs_page_end(cs_html *html, const char *const *script);

#endif
