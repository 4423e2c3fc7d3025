/* SPDX-License-Identifier: MIT */
/* The numbers that the script draws: scores of all texts, heads and tokens as 16-bit integers,
 * in 32,767ths of the head's largest, and how the grid of patches lies in the image. */
#include "report/explain_page.h"

#include <math.h>

#include "base/memory.h"
#include "draw/colours.h"
#include "report/page.h"

#define STEPS 32767

/* Along one side, with u from 0 to 1 across the image: the grid's place is u * scale + offset,
 * patch centres at integers; the tower sees from ... to. */
static void put_side(cs_json_writer *json, const char *name, const cs_span *span, double from,
                     double to, int image, int patch)
{
    const double numbers[4] = {(double)span->out / (double)patch,
                               (double)(span->at - span->first) / (double)patch - 0.5,
                               from / (double)image, to / (double)image};
    cs_json_put_line(json, name);
    for (int i = 0; i < 4; i++)
        cs_json_put_digits(json, NULL, numbers[i], 9);
    cs_json_put_end(json);
}

static void put_colour(cs_json_writer *json, const char *name, int end)
{
    uint8_t rgb[3];
    cs_colour_get(rgb, end, 1);
    cs_json_put_line(json, name);
    for (int i = 0; i < 3; i++)
        cs_json_put_whole(json, NULL, rgb[i]);
    cs_json_put_end(json);
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

static void put_maps(cs_json_writer *json, const cs_explain_facts *facts, const double *limits,
                     unsigned char *bytes)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t heads = (size_t)x->layers * (size_t)x->heads;
    size_t t, i;
    cs_json_put_line(json, "limits");
    for (i = 0; i < heads; i++)
        cs_json_put_digits(json, NULL, limits[i], 7);
    cs_json_put_end(json);
    cs_json_put_array(json, "maps");
    for (t = 0; t < x->texts; t++) {
        pack(bytes, facts, limits, t);
        cs_json_put_base64(json, NULL, bytes, heads * x->tokens * 2);
    }
    cs_json_put_end(json);
}

static void put_data(cs_json_writer *json, const cs_explain_facts *facts, const double *limits,
                     unsigned char *bytes)
{
    const clipspan_explanation_info *x = facts->x;
    const cs_view *view = facts->view;
    double window[4];
    cs_view_window(window, view);
    cs_json_put_text(json, "image", facts->image);
    cs_json_put_array(json, "texts");
    for (size_t t = 0; t < x->texts; t++) {
        cs_json_put_row(json, NULL);
        cs_json_put_text(json, "text", x->names[t]);
        cs_json_put_digits(json, "similarity", x->similarity[t], 7);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
    cs_json_put_integer(json, "layers", x->layers);
    cs_json_put_integer(json, "heads", x->heads);
    cs_json_put_whole(json, "tokens", x->tokens);
    cs_json_put_integer(json, "rows", x->grid_height);
    cs_json_put_integer(json, "columns", x->grid_width);
    cs_json_put_digits(json, "limit", facts->map_limit, 7);
    put_side(json, "x", &view->plan.x, window[0], window[2], view->image_width, view->patch);
    put_side(json, "y", &view->plan.y, window[1], window[3], view->image_height, view->patch);
    put_colour(json, "over", 1);
    put_colour(json, "under", -1);
    put_maps(json, facts, limits, bytes);
}

void cs_explain_data(cs_html *html, const cs_explain_facts *facts)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t heads = (size_t)x->layers * (size_t)x->heads;
    double *limits;
    unsigned char *bytes;
    cs_json_writer json;
    if (html->status != CLIPSPAN_OK) return;
    limits = cs_alloc(heads, sizeof *limits, "a page's maps", html->err);
    bytes = limits ? cs_alloc(heads * x->tokens, 2, "a page's maps", html->err) : NULL;
    if (!bytes) {
        html->status = CLIPSPAN_E_NOMEM;
        cs_free(limits);
        return;
    }
    for (size_t i = 0; i < heads; i++)
        limits[i] = largest(facts, i);
    cs_page_data_begin(&json, html, "clipspan.page.explain.v1");
    put_data(&json, facts, limits, bytes);
    cs_page_data_end(&json, html);
    cs_free(bytes);
    cs_free(limits);
}
