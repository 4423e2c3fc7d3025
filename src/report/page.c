/* SPDX-License-Identifier: MIT */
/* Styles and scripts come from web/, as they lie there. */
#include "report/page.h"

#include "report/places.h"
#include "report/web.h"

static void put_lines(cs_html *html, const char *const *lines)
{
    for (; *lines; lines++)
        cs_html_put(html, *lines);
}

void cs_page_begin(cs_html *html, const char *title, const char *name, const char *const *style,
                   const char *more)
{
    cs_html_put(html,
                "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
                "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
                "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
                "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=color-scheme content=\"light dark\">\n<link rel=icon href=\"data:,\">\n"
                "<title>");
    cs_html_put(html, title);
    cs_html_place(html, name);
    cs_html_put(html, "</title>\n<style>\n");
    put_lines(html, cs_web_base_css);
    put_lines(html, style);
    if (more) cs_html_put(html, more);
    cs_html_put(html, "</style>\n<body>\n");
}

static void put_part(void *to, const char *text, size_t size)
{
    cs_html_bytes(to, text, size);
}

void cs_page_data_begin(cs_json_writer *json, cs_html *html, const char *schema)
{
    cs_html_put(html, "<script type=\"application/json\" id=data>\n");
    cs_json_begin(json, put_part, html, CS_JSON_PAGE, schema);
}

void cs_page_data_end(cs_json_writer *json, cs_html *html)
{
    cs_json_finish(json);
    cs_html_put(html, "</script>\n");
}

void cs_page_end(cs_html *html, const char *const *script)
{
    if (script) {
        cs_html_put(html, "<script>\n");
        put_lines(html, script);
        cs_html_put(html, "</script>\n");
    }
    cs_html_put(html, "</body>\n</html>\n");
}
