/* SPDX-License-Identifier: MIT */
/* Thumbnails in a grid that follows the window, each with its name, score and reasons. */
#include "report/hit_page.h"

#include "base/file.h"
#include "base/memory.h"
#include "draw/jpeg_write.h"
#include "image/picture.h"
#include "report/html.h"

#define EDGE    192
#define QUALITY 80

static const char head[] =
    "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=color-scheme content=\"light dark\">\n<link rel=icon href=\"data:,\">\n"
    "<style>:root{--bg:#fff;--ink:#1b1b1b;--soft:#5f5f5f}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#17181a;--ink:#f0f0f0;--soft:#a8a8a8}}\n"
    "body{margin:2rem auto;max-width:72rem;padding:0 1.25rem;background:var(--bg);"
    "color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.6rem;line-height:1.2;font-weight:600;margin:0 0 .5rem}p{margin:0 0 2rem;"
    "max-width:70ch;color:var(--soft)}\n"
    "ol{list-style:none;margin:0;padding:0;display:grid;gap:1.5rem;"
    "grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr))}li{min-width:0}\n"
    "img{display:block;max-width:12rem;height:auto;aspect-ratio:1;width:100%;object-fit:contain;"
    "object-position:left bottom;margin-bottom:.5rem}\n"
    "b{font-weight:600;font-variant-numeric:tabular-nums}"
    "small{display:block;font-size:.8rem;line-height:1.4;color:var(--soft)}"
    ".f{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}\n"
    "@media print{li{break-inside:avoid}}</style>\n<title>";

static clipspan_status put_picture(cs_html *html, const char *path,
                                   const clipspan_picture_options *options, clipspan_error *err)
{
    uint8_t *pixels = cs_alloc((size_t)EDGE * EDGE, 3, "a thumbnail", err);
    unsigned char *jpeg = NULL;
    int height, width;
    size_t size;
    clipspan_status status = CLIPSPAN_OK;
    if (!pixels) return CLIPSPAN_E_NOMEM;
    if (cs_picture_shrink(pixels, &height, &width, EDGE, path, options, NULL) == CLIPSPAN_OK)
        status = cs_jpeg_encode(&jpeg, &size, pixels, height, width, QUALITY, err);
    if (jpeg) {
        cs_html_put(html, "<img alt=\"\" src=\"data:image/jpeg;base64,");
        cs_html_base64(html, jpeg, size);
        cs_html_put(html, "\">");
    }
    cs_free(jpeg);
    cs_free(pixels);
    return status;
}

/* The file's name, and below its folder in one line, the whole when it is pointed at. */
static clipspan_status put_name(cs_html *html, const char *path, clipspan_error *err)
{
    const char *name = cs_path_name(path);
    char *folder;
    cs_html_put(html, "<br>");
    cs_html_text(html, name);
    if (name == path) return CLIPSPAN_OK;
    folder = cs_path_folder(path, err);
    if (!folder) return CLIPSPAN_E_NOMEM;
    cs_html_put(html, "<small class=f title=\"");
    cs_html_text(html, path);
    cs_html_put(html, "\">");
    cs_html_text(html, folder);
    cs_html_put(html, "</small>");
    cs_free(folder);
    return CLIPSPAN_OK;
}

static clipspan_status put_hit(cs_html *html, const clipspan_hit *hit, size_t rank,
                               const clipspan_picture_options *options, clipspan_error *err)
{
    cs_html_put(html, "<li>");
    CS_TRY(put_picture(html, hit->file, options, err));
    cs_html_format(html, "<b>%zu. %s</b> ", rank, cs_figure_real(hit->score).text);
    cs_html_text(html, hit->label);
    CS_TRY(put_name(html, hit->path, err));
    cs_html_put(html, "<small>");
    cs_html_text(html, hit->why);
    cs_html_put(html, "</small></li>\n");
    return CLIPSPAN_OK;
}

clipspan_status cs_hit_page_write(const char *path, const char *title, const char *about,
                                  const clipspan_hit *hits, size_t count,
                                  const clipspan_picture_options *options, int replace,
                                  clipspan_error *err)
{
    cs_output *output = NULL;
    clipspan_status status;
    cs_html html;
    size_t i;
    cs_html_init(&html, err);
    CS_TRY_DONE(cs_output_open(&output, path, replace, err));
    cs_html_put(&html, head);
    cs_html_text(&html, title);
    cs_html_put(&html, "</title>\n<body>\n<h1>");
    cs_html_text(&html, title);
    cs_html_put(&html, "</h1>\n<p>");
    cs_html_text(&html, about);
    cs_html_put(&html, "</p>\n<ol>\n");
    for (i = 0; i < count; i++)
        CS_TRY_DONE(put_hit(&html, &hits[i], i + 1, options, err));
    cs_html_put(&html, "</ol>\n</body>\n</html>\n");
    CS_TRY_DONE(html.status);
    CS_TRY_DONE(cs_output_write(output, html.bytes, html.size, err));
    status = cs_output_commit(output, err);
done:
    cs_html_fini(&html);
    cs_output_close(&output);
    return status;
}

clipspan_status cs_hit_page_show(const char *path, const cs_hits *hits, int replace,
                                 clipspan_error *err)
{
    static const char *const ways[] = {"centred, cosine of what the heads wrote",
                                       "centred products of what the heads wrote",
                                       "plain products of what the heads wrote"};
    const size_t count = hits->info.hits;
    clipspan_hit *shown = cs_alloc_zero(count, sizeof *shown, "hits", err);
    char(*why)[256] = shown ? cs_alloc(count, sizeof *why, "hits", err) : NULL;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    size_t i;
    for (i = 0; why && i < count; i++) {
        const clipspan_hits_row *row = &hits->rows[i];
        cs_hits_explain(why[i], sizeof why[i], row);
        shown[i].score = row->score;
        shown[i].file = row->file;
        shown[i].path = row->path;
        shown[i].label = row->label;
        shown[i].why = why[i];
    }
    if (why)
        status = cs_hit_page_write(path, hits->info.query, ways[hits->info.compare], shown, count,
                                   &hits->options, replace, err);
    cs_free(why);
    cs_free(shown);
    return status;
}
