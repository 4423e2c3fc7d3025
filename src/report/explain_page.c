/* SPDX-License-Identifier: MIT */
/* The frame of an explanation's page: the image, the texts to choose from, a section a text. */
#include "report/explain_page.h"

#include <clipspan/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "draw/colours.h"
#include "draw/jpeg_write.h"
#include "report/page.h"
#include "report/web.h"

#define QUALITY 85
#define TOP     5
#define NAMED   3 /* heads in sentences */

/* ---- What its parts share ---- */

const clipspan_atlas_head *cs_explain_head(const cs_explain_facts *facts, size_t index)
{
    const cs_atlas *atlas = facts->report.atlas;
    const size_t first =
        atlas ? (size_t)atlas->info.first_layer * (size_t)atlas->info.run->heads : 0;
    return atlas && index >= first && index - first < atlas->info.heads
               ? &atlas->heads[index - first]
               : NULL;
}

cs_figure cs_explain_number(double value)
{
    return cs_figure_signed(value, 4);
}

cs_figure cs_explain_fine(double value)
{
    const double size = fabs(value);
    return cs_figure_signed(value, size >= 0.00995     ? 4
                                   : size >= 0.000995  ? 5
                                   : size >= 0.0000995 ? 6
                                                       : 7);
}

cs_figure cs_explain_plain(double value)
{
    return cs_figure_fixed(value, 4);
}

void cs_explain_image(cs_html *html, const uint8_t *rgb, int height, int width, const char *alt)
{
    unsigned char *jpeg = NULL;
    size_t size;
    if (html->status != CLIPSPAN_OK) return;
    html->status = cs_jpeg_encode(&jpeg, &size, rgb, height, width, QUALITY, html->err);
    if (html->status != CLIPSPAN_OK) return;
    cs_html_format(html, "<img width=%d height=%d alt=\"%s\" src=\"data:image/jpeg;base64,", width,
                   height, alt);
    cs_html_base64(html, jpeg, size);
    cs_html_put(html, "\">");
    cs_free(jpeg);
}

double cs_explain_limit(const cs_explain_facts *facts, size_t head)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t heads = (size_t)x->layers * (size_t)x->heads;
    double most = 1e-30;
    size_t t, j;
    for (t = 0; t < x->texts; t++)
        for (j = (size_t)x->class_token; j < x->tokens; j++)
            most = fmax(most, fabs((double)x->map[(t * heads + head) * x->tokens + j]));
    return most;
}

void cs_explain_bar(cs_html *html, double limit)
{
    int i;
    cs_html_format(html, "<span class=scale><span class=low>%s</span>",
                   cs_explain_fine(-limit).text);
    for (i = -4; i <= 4; i++)
        cs_html_format(html, "<i class=%s style=\"--s:%.2f\"></i>", i < 0 ? "neg" : "pos",
                       fabs((double)i) / 4);
    cs_html_format(html, "<span class=high>%s</span></span>", cs_explain_fine(limit).text);
}

/* ---- The page ---- */

/* The ends of the maps' own colours, which are the same on light and dark pages. */
static void print_colours(char out[160])
{
    uint8_t over[3], under[3];
    cs_colour_get(over, 1, 1);
    cs_colour_get(under, -1, 1);
    snprintf(out, 160,
             ".view .pos { --c: rgb(%d, %d, %d); }\n.view .neg { --c: rgb(%d, %d, %d); }\n",
             over[0], over[1], over[2], under[0], under[1], under[2]);
}

/* A sentence for those who look for ten seconds, and how to read the rest. */
static void lead(cs_html *html, const cs_explain_facts *facts)
{
    const clipspan_explanation_info *x = facts->x;
    cs_html_put(html, "<p>");
    cs_html_name(html, facts->model);
    if (x->texts > 1) {
        cs_html_format(html, " finds this image, of %zu texts, most like <b>", x->texts);
        cs_html_name(html, x->names[x->order[0]]);
        cs_html_put(html, "</b>. ");
    } else {
        cs_html_put(html, " compared this image with a text. ");
    }
    cs_html_put(html, "Below is the direct effect of every component of the model on a similarity: "
                      "orange adds to it, blue takes from it");
    if (x->contrast == CLIPSPAN_CONTRAST_MEAN)
        cs_html_put(html, ", each text set against the mean of all");
    if (x->contrast == CLIPSPAN_CONTRAST_RUNNER_UP)
        cs_html_put(html, ", each text set against the runner-up");
    cs_html_put(html, ".</p>\n");
}

static void choice(cs_html *html, const cs_explain_facts *facts)
{
    const clipspan_explanation_info *x = facts->x;
    double most = 1e-9;
    size_t k;
    for (k = 0; k < x->texts; k++)
        most = fmax(most, fabs(x->similarity[k]));
    cs_html_put(html, "<nav aria-label=\"Texts by similarity\"><ol class=texts>");
    for (k = 0; k < x->texts; k++) {
        const size_t t = x->order[k];
        cs_html_format(html, "<li><a href=\"#t%zu\"><span>", t);
        cs_html_name(html, x->names[t]);
        cs_html_format(html, "</span> <b class=n>%s</b><i class=%s style=\"--w:%.3f\"></i></a>",
                       cs_explain_plain(x->similarity[t]).text,
                       x->similarity[t] < 0 ? "neg" : "pos", fabs(x->similarity[t]) / most);
    }
    cs_html_put(html, "</ol></nav>\n");
}

static void page(cs_html *html, const cs_explain_facts *facts)
{
    const clipspan_explanation_info *x = facts->x;
    char colours[160];
    size_t k;
    print_colours(colours);
    cs_page_begin(html, "Components of a similarity: ", facts->image, cs_web_explain_css, colours);
    cs_html_put(html, "<a class=skip href=\"#parts\">Skip to the components</a>\n"
                      "<main>\n<header class=intro><figure class=plain>");
    cs_view_draw(facts->canvas, facts->view, NULL, CLIPSPAN_DRAW_IMAGE, 1, 1);
    cs_explain_image(html, facts->canvas, facts->view->height, facts->view->width, "The image");
    cs_html_put(html, "</figure><div><h1>What makes ");
    cs_html_name(html, facts->image);
    cs_html_put(html, x->texts == 1 ? " like this text</h1>\n" : " like these texts</h1>\n");
    lead(html, facts);
    choice(html, facts);
    cs_html_put(html, "</div></header>\n<div id=parts>\n");
    for (k = 0; k < x->texts; k++)
        cs_explain_text(html, facts, x->order[k], k);
    cs_html_put(html, "</div>\n</main>\n");
    cs_explain_data(html, facts);
    cs_page_end(html, cs_web_explain_js);
}

/* ---- Making it ---- */

static void measure(cs_explain_facts *facts)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t L = (size_t)x->layers, heads = L * (size_t)x->heads;
    size_t t, i;
    facts->head_limit = facts->map_limit = 1e-30;
    for (t = 0; t < x->texts; t++) {
        for (i = 0; i < heads; i++)
            facts->head_limit = fmax(facts->head_limit, fabs(x->head[t * heads + i]));
        for (i = (size_t)x->class_token; i < x->tokens; i++)
            facts->map_limit = fmax(facts->map_limit, fabs(x->token[t * x->tokens + i]));
        for (i = 0; i < L; i++) {
            facts->least = fmin(facts->least, x->attention[t * L + i]);
            facts->most = fmax(facts->most, x->attention[t * L + i]);
        }
        for (i = 0; i <= L; i++) {
            facts->least = fmin(facts->least, x->mlp[t * (L + 1) + i]);
            facts->most = fmax(facts->most, x->mlp[t * (L + 1) + i]);
        }
    }
}

static clipspan_status make_palette(cs_palette *palette, const cs_atlas *atlas, clipspan_error *err)
{
    const char **names;
    clipspan_status status;
    size_t used = 0, i;
    if (!atlas) return CLIPSPAN_OK;
    names = cs_alloc(atlas->info.heads + 1, sizeof *names, "the roles of a page", err);
    if (!names) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < atlas->info.heads; i++)
        if (atlas->heads[i].role->category[0]) names[used++] = atlas->heads[i].role->category[0];
    status = cs_palette_init(palette, names, used, err);
    cs_free(names);
    return status;
}

clipspan_status cs_explain_write(const char *path, const cs_explanation *explanation,
                                 const cs_view *view, const cs_atlas *atlas,
                                 const clipspan_explain_options *options, clipspan_error *err)
{
    cs_explain_facts facts = {.x = &explanation->info, .view = view};
    cs_palette palette = {0};
    cs_findings *findings = NULL;
    cs_output *output = NULL;
    clipspan_status status;
    cs_html html;
    cs_html_init(&html, err);
    CS_TRY_DONE(cs_output_open(&output, path, options->replace, err));
    CS_TRY_DONE(cs_findings_new(&findings, facts.x, atlas, NAMED, err));
    facts.findings = findings;
    CS_TRY_DONE(make_palette(&palette, atlas, err));
    facts.model = options->model ? options->model : "The model";
    if (*facts.model == '/' || *facts.model == '.' || *facts.model == '~')
        facts.model = cs_path_name(facts.model);
    facts.image = options->image ? cs_path_name(options->image) : "this image";
    facts.top = options->top ? (size_t)options->top : TOP;
    facts.report.atlas = atlas;
    facts.report.palette = &palette;
    measure(&facts);
    facts.canvas = cs_alloc((size_t)view->height * (size_t)view->width, 3, "a drawing", err);
    if (!facts.canvas) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    page(&html, &facts);
    CS_TRY_DONE(html.status);
    CS_TRY_DONE(cs_output_write(output, html.bytes, html.size, err));
    status = cs_output_commit(output, err);
done:
    cs_free(facts.canvas);
    cs_html_fini(&html);
    cs_palette_fini(&palette);
    cs_findings_free(&findings);
    cs_output_close(&output);
    return status;
}
