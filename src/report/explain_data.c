/* SPDX-License-Identifier: MIT */
/* The numbers that the script draws: scores of all texts, heads and tokens as 16-bit whole numbers,
 * each in 32,767ths of the head's largest, and how the grid of patches lies in the picture. */
#include "report/explain_page.h"

#include <math.h>

#include "base/memory.h"
#include "draw/colours.h"

#define STEPS 32767

/* Along one side, with u from 0 to 1 across the picture: the grid's place is u * scale + offset,
 * patch centres at whole numbers; the tower sees from ... to. */
static void side(cs_html *html, const char *name, const cs_span *span, double from, double to,
                 int picture, int patch)
{
    cs_html_format(html, "\"%s\":[%.9g,%.9g,%.9g,%.9g],", name, (double)span->out / (double)patch,
                   (double)(span->at - span->first) / (double)patch - 0.5, from / (double)picture,
                   to / (double)picture);
}

static void colour(cs_html *html, const char *name, int end)
{
    uint8_t rgb[3];
    cs_colour_get(rgb, end, 1);
    cs_html_format(html, "\"%s\":[%d,%d,%d],", name, rgb[0], rgb[1], rgb[2]);
}

/* The scores of a text, low byte first. */
static void pack(unsigned char *to, const cs_explain_facts *facts, const double *limits, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t heads = (size_t)x->layers * (size_t)x->heads, N = x->tokens;
    size_t i, j;
    for (i = 0; i < heads; i++)
        for (j = 0; j < N; j++) {
            const double share = (double)x->map[(t * heads + i) * N + j] / limits[i];
            const unsigned value = (unsigned)(int)lrint(fmin(fmax(share, -1), 1) * STEPS) & 0xFFFFU;
            *to++ = (unsigned char)(value & 255U);
            *to++ = (unsigned char)(value >> 8);
        }
}

/* The largest size of any token's score, the class token's included. */
static double largest(const cs_explain_facts *facts, size_t head)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t heads = (size_t)x->layers * (size_t)x->heads;
    double most = cs_explain_limit(facts, head);
    size_t t;
    for (t = 0; t < x->texts; t++)
        most = fmax(most, fabs((double)x->map[(t * heads + head) * x->tokens]));
    return most;
}

static void put_maps(cs_html *html, const cs_explain_facts *facts, const double *limits,
                     unsigned char *bytes)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t heads = (size_t)x->layers * (size_t)x->heads;
    size_t t, i;
    cs_html_put(html, "\"limits\":[");
    for (i = 0; i < heads; i++)
        cs_html_format(html, "%s%.7g", i ? "," : "", limits[i]);
    cs_html_put(html, "],\n\"maps\":[");
    for (t = 0; t < x->texts; t++) {
        pack(bytes, facts, limits, t);
        cs_html_put(html, t ? ",\n\"" : "\"");
        cs_html_base64(html, bytes, heads * x->tokens * 2);
        cs_html_put(html, "\"");
    }
    cs_html_put(html, "]");
}

void cs_explain_data(cs_html *html, const cs_explain_facts *facts)
{
    const clipspan_explanation_info *x = facts->x;
    const cs_view *view = facts->view;
    const size_t heads = (size_t)x->layers * (size_t)x->heads;
    double *limits, window[4];
    unsigned char *bytes;
    size_t i;
    if (html->status != CLIPSPAN_OK) return;
    limits = cs_alloc(heads, sizeof *limits, "a page's maps", html->err);
    bytes = limits ? cs_alloc(heads * x->tokens, 2, "a page's maps", html->err) : NULL;
    if (!bytes) {
        html->status = CLIPSPAN_E_NOMEM;
        cs_free(limits);
        return;
    }
    for (i = 0; i < heads; i++)
        limits[i] = largest(facts, i);
    cs_view_window(window, view);
    cs_html_format(html,
                   "<script type=\"application/json\" id=data>\n{\"layers\":%d,\"heads\":%d,"
                   "\"tokens\":%zu,\"rows\":%d,\"columns\":%d,",
                   x->layers, x->heads, x->tokens, x->grid_height, x->grid_width);
    cs_html_format(html, "\"limit\":%.7g,", facts->map_limit);
    side(html, "x", &view->plan.x, window[0], window[2], view->picture_width, view->patch);
    side(html, "y", &view->plan.y, window[1], window[3], view->picture_height, view->patch);
    colour(html, "over", 1);
    colour(html, "under", -1);
    put_maps(html, facts, limits, bytes);
    cs_html_put(html, "}\n</script>\n");
    cs_free(bytes);
    cs_free(limits);
}
