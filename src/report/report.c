/* SPDX-License-Identifier: MIT */
/* A report is its sections in the frame of every page. */
#include "report/report.h"

#include <clipspan/run.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "report/outcome.h"
#include "report/page.h"
#include "report/section.h"
#include "report/web.h"
#include "study/study_json.h"

static void (*const sections[])(cs_html *html, const cs_report_facts *facts) = {
    cs_section_findings, cs_section_map,     cs_section_ranking,
    cs_section_layers,   cs_section_effects, cs_section_ablation,
    cs_section_shortcut, cs_section_heads,   cs_section_about,
};

clipspan_status cs_report_kept_read(cs_report_kept *out, const cs_run *run, clipspan_error *err)
{
    int stale[3];
    memset(out, 0, sizeof *out);
    CS_TRY(cs_effects_table_read(&out->effects, &stale[0], run, err));
    CS_TRY(cs_ablation_read(&out->ablate, &stale[1], run, err));
    CS_TRY(cs_remedy_read(&out->shortcut, &stale[2], run, err));
    out->stale = stale[0] || stale[1] || stale[2];
    return CLIPSPAN_OK;
}

void cs_report_kept_fini(cs_report_kept *kept)
{
    cs_effects_table_free(&kept->effects);
    cs_ablation_free(&kept->ablate);
    cs_remedy_free(&kept->shortcut);
    memset(kept, 0, sizeof *kept);
}

static void page(cs_html *html, const cs_report_facts *facts)
{
    size_t i;
    cs_page_begin(html, "Heads of ", facts->model, cs_web_report_css, NULL);
    cs_html_put(html, "<a class=skip href=\"#heads\">Skip to the heads</a>\n<main>\n");
    cs_images_once(html, facts);
    for (i = 0; i < sizeof sections / sizeof *sections; i++)
        sections[i](html, facts);
    cs_html_put(html, "</main>\n");
    cs_report_data(html, facts);
    cs_page_end(html, cs_web_report_js);
}

/* A model's name without the folders of a path on this machine; "NAME/TAG" stays as it is. */
static const char *short_name(const char *name)
{
    return *name == '/' || *name == '.' || *name == '~' ? cs_path_name(name) : name;
}

static clipspan_status make_palette(cs_palette *palette, const cs_atlas *atlas, clipspan_error *err)
{
    const size_t count = atlas->info.texts + 2 * atlas->info.heads;
    const char **names = cs_alloc(count, sizeof *names, "the roles of a report", err);
    clipspan_status status;
    size_t used = 0, i;
    int k;
    if (!names) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < atlas->info.texts; i++)
        if (*atlas->texts[i].category) names[used++] = atlas->texts[i].category;
    for (i = 0; i < atlas->info.heads; i++)
        for (k = 0; k < 2; k++)
            if (atlas->heads[i].role->category[k])
                names[used++] = atlas->heads[i].role->category[k];
    status = cs_palette_init(palette, names, used, err);
    cs_free(names);
    return status;
}

/* Fills claimed and leaning, and facts->strongest. */
static void count_heads(cs_report_facts *facts, int *claimed, int *leaning)
{
    const cs_atlas *atlas = facts->atlas;
    size_t i;
    for (i = 0; i < atlas->info.heads; i++) {
        const clipspan_atlas_head *head = &atlas->heads[i];
        if (head->variance_share->share > facts->strongest)
            facts->strongest = head->variance_share->share;
        if (cs_is_claimed(head))
            (cs_has_role(head) ? claimed
                               : leaning)[cs_palette_find(facts->palette, head->role->category[0]) -
                                          facts->palette->looks]++;
    }
    facts->claimed = claimed;
    facts->leaning = leaning;
}

clipspan_status cs_report_write(const char *path, const cs_atlas *atlas,
                                const cs_report_options *options, const clipspan_progress *progress,
                                clipspan_error *err)
{
    static const cs_report_options plain = {NULL, 0, 0, 0, NULL, NULL, 0, 0};
    const cs_report_options *o = options ? options : &plain;
    cs_report_facts facts = {.atlas = atlas, .model = short_name(atlas->info.run->model_name)};
    const cs_image_place place = {atlas->info.run->path, atlas->info.folder, o->root,
                                  atlas->info.run->own, o->images_anywhere};
    const int closed = !o->no_images && cs_image_place_check(&place, NULL) != CLIPSPAN_OK;
    cs_thumbnail *thumbnails = NULL;
    cs_palette palette = {0};
    cs_output *output = NULL;
    int *claimed = NULL;
    clipspan_status status;
    cs_html html;
    cs_html_init(&html, err);
    CS_TRY_DONE(cs_output_open(&output, path, o->replace, err));
    CS_TRY_DONE(make_palette(&palette, atlas, err));
    claimed = cs_alloc_zero(2 * palette.count, sizeof *claimed, "the roles of a report", err);
    thumbnails =
        claimed ? cs_alloc_zero(atlas->info.images, sizeof *thumbnails, "a report's images", err)
                : NULL;
    if (!thumbnails) {
        status = CLIPSPAN_E_NOMEM;
        goto done;
    }
    if (!o->no_images && !closed)
        CS_TRY_DONE(cs_thumbnails_read(thumbnails, atlas, &place,
                                       o->threads > 0 ? o->threads : cs_threads_default(), progress,
                                       err));
    facts.note = o->note ? o->note
                 : closed
                     ? "This run was not planned by whoever made this page, so the images that it "
                       "lists were not opened."
                     : NULL;
    facts.places.whole = o->paths;
    if (o->kept) facts.kept = *o->kept;
    facts.palette = &palette;
    facts.thumbnails = thumbnails;
    for (size_t i = 0; i < atlas->info.images; i++)
        cs_places_add(&facts.places, atlas->images[i].path);
    count_heads(&facts, claimed, claimed + palette.count);
    page(&html, &facts);
    CS_TRY_DONE(html.status);
    CS_TRY_DONE(cs_output_write(output, html.bytes, html.size, err));
    CS_TRY_DONE(cs_output_commit(output, err));
done:
    cs_html_fini(&html);
    cs_thumbnails_free(&thumbnails, atlas->info.images);
    cs_palette_fini(&palette);
    cs_free(claimed);
    cs_output_close(&output);
    return status;
}
