/* SPDX-License-Identifier: MIT */
/* Thumbnails in a grid that follows the window, each with its name, score and reasons. */
#include "report/hit_page.h"

#include "base/file.h"
#include "base/memory.h"
#include "draw/jpeg_write.h"
#include "image/image.h"
#include "report/page.h"
#include "report/places.h"
#include "report/web.h"

#define EDGE    192
#define QUALITY 80

static clipspan_status put_image(cs_html *html, const char *path,
                                 const clipspan_image_options *options, clipspan_error *err)
{
    uint8_t *pixels = cs_alloc((size_t)EDGE * EDGE, 3, "a thumbnail", err);
    unsigned char *jpeg = NULL;
    int height, width;
    size_t size;
    clipspan_status status;
    clipspan_error local;
    if (!pixels) return CLIPSPAN_E_NOMEM;
    status = cs_image_shrink(pixels, &height, &width, EDGE, path, options, &local);
    if (status == CLIPSPAN_OK) {
        status = cs_jpeg_encode(&jpeg, &size, pixels, height, width, QUALITY, err);
    } else if (status == CLIPSPAN_E_NOMEM || local.detail == CLIPSPAN_DETAIL_AWAY) {
        if (err) *err = local; /* it would be missing on the page for ever */
    } else {
        status = CLIPSPAN_OK; /* gone or damaged: its name and score alone */
    }
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
    cs_html_name(html, name);
    if (name == path) return CLIPSPAN_OK;
    folder = cs_path_folder(path, err);
    if (!folder) return CLIPSPAN_E_NOMEM;
    cs_html_put(html, "<small class=folder title=\"");
    cs_html_text(html, path);
    cs_html_put(html, "\">");
    cs_html_name(html, folder);
    cs_html_put(html, "</small>");
    cs_free(folder);
    return CLIPSPAN_OK;
}

static clipspan_status put_hit(cs_html *html, const cs_places *places, const clipspan_hits_row *hit,
                               size_t rank, const clipspan_image_options *options,
                               clipspan_error *err)
{
    cs_html_put(html, "<li>");
    CS_TRY(put_image(html, hit->file, options, err));
    cs_html_format(html, "<b>%zu. %s</b> ", rank, cs_figure_real(hit->score).text);
    cs_html_name(html, hit->label);
    CS_TRY(put_name(html, cs_places_show(places, hit->path), err));
    cs_html_put(html, "<small>");
    cs_html_name(html, hit->why);
    cs_html_put(html, "</small></li>\n");
    return CLIPSPAN_OK;
}

static void put_data(cs_html *html, const cs_places *places, const clipspan_hits_row *hits,
                     size_t count)
{
    cs_json_writer json;
    cs_page_data_begin(&json, html, "clipspan.page.hits.v1");
    cs_json_put_array(&json, "hits");
    for (size_t i = 0; i < count; i++) {
        cs_json_put_row(&json, NULL);
        cs_json_put_whole(&json, "rank", i + 1);
        cs_json_put_digits(&json, "score", hits[i].score, 9);
        cs_json_put_text(&json, "image", cs_places_show(places, hits[i].path));
        cs_json_put_text(&json, "label", hits[i].label);
        cs_json_put_end(&json);
    }
    cs_json_put_end(&json);
    cs_page_data_end(&json, html);
}

clipspan_status cs_hit_page_write(const char *path, const cs_hits *hits, int replace,
                                  clipspan_error *err)
{
    static const char *const ways[] = {"centred, cosine of the heads\xE2\x80\x99 contributions",
                                       "centred products of the heads\xE2\x80\x99 contributions",
                                       "plain products of the heads\xE2\x80\x99 contributions"};
    const clipspan_hits_row *rows = hits->rows;
    const size_t count = hits->info.hits;
    cs_places places = {0};
    cs_output *output = NULL;
    clipspan_status status;
    cs_html html;
    size_t i;
    cs_html_init(&html, err);
    CS_TRY_DONE(cs_output_open(&output, path, replace, err));
    for (i = 0; i < count; i++)
        cs_places_add(&places, rows[i].path);
    cs_page_begin(&html, "", hits->info.query, cs_web_hits_css, NULL);
    cs_html_put(&html, "<main>\n<h1>");
    cs_html_place(&html, hits->info.query);
    cs_html_format(&html, "</h1>\n<p class=about>%s</p>\n<ol class=hits>\n",
                   ways[hits->info.compare]);
    for (i = 0; i < count; i++)
        CS_TRY_DONE(put_hit(&html, &places, &rows[i], i + 1, &hits->options, err));
    cs_html_put(&html, "</ol>\n</main>\n");
    put_data(&html, &places, rows, count);
    cs_page_end(&html, NULL);
    CS_TRY_DONE(html.status);
    CS_TRY_DONE(cs_output_write(output, html.bytes, html.size, err));
    status = cs_output_commit(output, err);
done:
    cs_html_fini(&html);
    cs_output_close(&output);
    return status;
}
