/* SPDX-License-Identifier: MIT */
/* What a report is made of. Each section is one function over the same facts; report.c lists them
 * in the order in which they are read. */
#ifndef CLIPSPAN_SRC_REPORT_SECTION_H
#define CLIPSPAN_SRC_REPORT_SECTION_H

#include "atlas/atlas.h"
#include "report/document.h"
#include "report/html.h"
#include "report/palette.h"
#include "report/places.h"
#include "report/report.h"
#include "report/thumbnails.h"

typedef struct cs_report_facts {
    const cs_atlas *atlas;
    const cs_palette *palette;
    const cs_thumbnail *thumbnails; /* [images] */
    const char *note;               /* a paragraph before the findings, or NULL */
    const char *model;              /* the model's name, without the folders of a path */
    const int *claimed;             /* [palette->count] heads whose role is that category */
    const int *leaning;             /* [palette->count] heads that lean to it */
    cs_report_kept kept;            /* documents besides the atlas, borrowed */
    cs_places places;               /* of the images */
    double strongest;               /* the largest direct effect of a head, 0 or more */
} cs_report_facts;

void cs_section_findings(cs_html *html, const cs_report_facts *facts);
void cs_section_map(cs_html *html, const cs_report_facts *facts);
void cs_section_ranking(cs_html *html, const cs_report_facts *facts);
void cs_section_layers(cs_html *html, const cs_report_facts *facts);
void cs_section_effects(cs_html *html, const cs_report_facts *facts);
void cs_section_ablation(cs_html *html, const cs_report_facts *facts);
void cs_section_shortcut(cs_html *html, const cs_report_facts *facts);
void cs_section_heads(cs_html *html, const cs_report_facts *facts);
void cs_section_about(cs_html *html, const cs_report_facts *facts);

/* What the findings say of kept documents; nothing when there are none. */
void cs_finding_effects(cs_html *html, const cs_report_facts *facts);
void cs_finding_shortcut(cs_html *html, const cs_report_facts *facts);

/* Parts of sections about kept documents: single components; "duck" and "hen"; where images, labels
 * and means come from; the cells of a change with its interval; tables of a shortcut; a head's name
 * that leads to its card, with its role. */
void cs_contributions_alone(cs_html *html, const cs_report_facts *facts);
void cs_say_classes(cs_html *html, const clipspan_evaluation_info *info);
void cs_say_circumstances(cs_html *html, const clipspan_evaluation_info *info, const char *means);
void cs_say_change(cs_html *html, const clipspan_comparison *comparison);
void cs_shortcut_heads(cs_html *html, const cs_report_facts *facts, const cs_remedy_pair *pair);
void cs_shortcut_groups(cs_html *html, const cs_remedy *remedy, const cs_remedy_pair *pair);
void cs_shortcut_sides(cs_html *html, const cs_remedy_pair *pair);
void cs_shortcut_forecast(cs_html *html, const cs_remedy_pair *pair);
void cs_head_link(cs_html *html, const cs_report_facts *facts, const char *name);

/* What random sets do on average, "; 200 random sets (…): 37.1 % on average, …, p = 0.12"; as
 * published the best of them; and the bar of their range in a table of shares. Nothing without. */
void cs_say_random(cs_html *html, const clipspan_random_sets *sets);
cs_share cs_random_share(const clipspan_random_sets *sets);
cs_figure cs_random_name(const clipspan_random_sets *sets);

/* One head's card, and the images that cards show, each once. */
void cs_head_card(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head);
void cs_images_once(cs_html *html, const cs_report_facts *facts);

/* The hue of a head's role or leaning in the page's style, 0 (grey) without, or where control texts
 * explain as much; and its letters. */
int cs_head_hue(const cs_report_facts *facts, const clipspan_atlas_head *head);
const char *cs_head_letters(const cs_report_facts *facts, const clipspan_atlas_head *head);

/* "L22.H11" */
cs_figure cs_head_name(clipspan_head head);

/* What the page's script searches and shows: the texts of every head. */
void cs_report_data(cs_html *html, const cs_report_facts *facts);

#endif
