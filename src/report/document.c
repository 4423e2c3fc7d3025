/* SPDX-License-Identifier: MIT */
/* Bars and curves. Text stays out of images that stretch with the
 * window: it stands above them, at shares of their size. */
#include "report/document.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SPACE  "\xC2\xA0"
#define LABELS 13 /* below a chart, at most */

cs_figure cs_figure_interval(cs_share share)
{
    return cs_figure_range(share.low, share.high);
}

cs_figure cs_figure_margin(double margin)
{
    return cs_figure_fixed(margin, 4);
}

/* Within 0 and 1. */
static double clip(double share)
{
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

void cs_share_cells(cs_html *html, cs_share s, double mark, const char *what, const char *look)
{
    cs_html_put(html, "<td class=bar><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=none "
                      "role=img><title>");
    cs_html_text(html, what);
    cs_html_format(html, ": %s</title>", cs_figure_percent(s.share).text);
    if (isfinite(s.share))
        cs_html_format(html, "<rect class=%s width=%.0f height=10 />", look, 1000 * clip(s.share));
    if (isfinite(s.low) && isfinite(s.high))
        cs_html_format(html, "<path class=spread d=\"M%.0f 5H%.0fM%.0f 2V8M%.0f 2V8\"/>",
                       1000 * clip(s.low), 1000 * clip(s.high), 1000 * clip(s.low),
                       1000 * clip(s.high));
    if (isfinite(mark))
        cs_html_format(html, "<path class=mark d=\"M%.0f 0V10\"/>", 1000 * clip(mark));
    cs_html_format(html, "<path d=\"M0 0V10\"/></svg><td class=n>%s<td class=\"n ci\">%s",
                   cs_figure_percent(s.share).text, cs_figure_interval(s).text);
}

/* ---- Curves ---- */

static double across(size_t i, size_t count)
{
    return count > 1 ? (double)i / (double)(count - 1) : 0.5;
}

static void band(cs_html *html, const cs_curve *c, size_t count)
{
    size_t i;
    cs_html_format(html, "<polygon class=\"band %s\" points=\"", c->look);
    for (i = 0; i < count; i++)
        if (isfinite(c->points[i].high))
            cs_html_format(html, "%.0f,%.1f ", 1000 * across(i, count),
                           100 - 100 * clip(c->points[i].high));
    for (i = count; i-- > 0;)
        if (isfinite(c->points[i].low))
            cs_html_format(html, "%.0f,%.1f ", 1000 * across(i, count),
                           100 - 100 * clip(c->points[i].low));
    cs_html_put(html, "\"/>");
}

static void line(cs_html *html, const cs_curve *c, size_t count)
{
    size_t i;
    cs_html_format(html, "<polyline class=\"curve %s\" points=\"", c->look);
    for (i = 0; i < count; i++)
        if (isfinite(c->points[i].share))
            cs_html_format(html, "%.0f,%.1f ", 1000 * across(i, count),
                           100 - 100 * clip(c->points[i].share));
    cs_html_format(html, "\"/><path class=\"dots %s\" d=\"", c->look);
    for (i = 0; i < count; i++)
        if (isfinite(c->points[i].share))
            cs_html_format(html, "M%.0f %.1fh0", 1000 * across(i, count),
                           100 - 100 * clip(c->points[i].share));
    cs_html_put(html, "\"/>");
}

/* The labels of curves at their first points: above the line there, below where another curve is
 * higher. */
static void names(cs_html *html, const cs_curve *curves, size_t curve_count)
{
    for (size_t k = 0; k < curve_count; k++) {
        const double at = clip(curves[k].points[0].share);
        int below = 0;
        for (size_t m = 0; m < curve_count; m++)
            below |= m != k && curves[m].points[0].share > at && at > 0.15;
        if (!isfinite(curves[k].points[0].share)) continue;
        cs_html_format(html, "<span class=\"name%s\" style=\"bottom:%.1f%%\">", below ? " low" : "",
                       100 * at);
        cs_html_text(html, curves[k].name);
        cs_html_put(html, "</span>");
    }
}

void cs_curves(cs_html *html, const char *title, const cs_curve *curves, size_t curve_count,
               const cs_figure *labels, size_t count, double level, const char *level_name)
{
    const size_t step = (count + LABELS - 1) / LABELS;
    size_t i, k;
    cs_html_put(html, "<figure class=chart><div class=plot><svg viewBox=\"0 0 1000 100\" "
                      "preserveAspectRatio=none role=img><title>");
    cs_html_text(html, title);
    cs_html_put(html, "</title><path d=\"M0 0H1000M0 50H1000M0 100H1000\"/>");
    if (isfinite(level))
        cs_html_format(html, "<path class=level d=\"M0 %.1fH1000\"/>", 100 - 100 * clip(level));
    for (k = 0; k < curve_count; k++)
        if (curves[k].band) band(html, &curves[k], count);
    for (k = 0; k < curve_count; k++)
        line(html, &curves[k], count);
    cs_html_put(html, "</svg>");
    for (i = 0; i <= 2; i++)
        cs_html_format(html, "<span class=y style=\"bottom:%zu%%\">%zu" SPACE "%%</span>", 50 * i,
                       50 * i);
    if (isfinite(level)) {
        cs_html_format(html, "<span class=\"name right\" style=\"bottom:%.1f%%\">",
                       100 * clip(level));
        cs_html_text(html, level_name);
        cs_html_put(html, "</span>");
    }
    names(html, curves, curve_count);
    for (i = 0; i < count; i += step)
        cs_html_format(html, "<span class=x style=\"left:%.1f%%\">%s</span>",
                       100 * across(i, count), labels[i].text);
    cs_html_put(html, "</div></figure>\n");
}
