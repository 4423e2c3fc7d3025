/* SPDX-License-Identifier: MIT */
/* Figures of segment: methods beside each other, in both protocols. */
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"
#include "cli/visual/map_contrast.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>
#include <string.h>

static const char *const methods[CLI_METHODS] = {"clipspan", "attention", "rollout", "patch",
                                                 "value"};
static const char *const protocols[2] = {"aligned", "published"};
static const char *const thresholds[2] = {"mean", "otsu"};

const char *cli_segment_method(size_t method)
{
    return method < CLI_METHODS ? methods[method] : "role";
}

void cli_segment_name(char out[80], const cli_segment_job *j, size_t i)
{
    const size_t method = j->methods[i];
    if (method < CLI_METHODS)
        snprintf(out, 80, "%s", methods[method]);
    else
        snprintf(out, 80, "role:%s", j->roles[method - CLI_METHODS]);
}

static double share(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : 0.0;
}

static void emit_score(cli_json *json, const cli_segment_job *j, size_t i, int p, int t)
{
    const clipspan_segment_score *score = &j->score[i][p][t];
    double accuracy, miou, map;
    char name[80];
    clipspan_segment_get(&accuracy, &miou, &map, score);
    cli_json_row(json, NULL);
    cli_segment_name(name, j, i);
    cli_json_text(json, "method", name);
    cli_json_text(json, "protocol", protocols[p]);
    cli_json_text(json, "threshold", thresholds[t]);
    cli_json_real(json, "accuracy", accuracy);
    cli_json_real(json, "miou", miou);
    cli_json_real(json, "iou_background", share(score->both[0], score->either[0]));
    cli_json_real(json, "iou_foreground", share(score->both[1], score->either[1]));
    cli_json_real(json, "map", map);
    cli_json_real(json, "pointing", share(j->pointed[i], score->images));
    if (j->runners_up) cli_json_real(json, "nearer", share(j->nearer[i], j->runners_up));
    cli_json_end(json);
}

static void show_document(const cli_segment_job *j)
{
    const cli_session *s = j->session;
    cli_json json;
    cli_json_begin(&json, stdout, s->form == CLI_FORM_TSV, "clipspan.segment.v1");
    cli_json_flag(&json, "dry_run", j->x->out.dry_run);
    cli_json_text(&json, "model", j->info->name);
    cli_json_text(&json, "output", j->x->out.output);
    cli_json_text(&json, "masks", j->x->masks);
    cli_json_text(&json, "contrast", cli_contrast_name(j->contrast));
    cli_json_text(&json, "run", j->x->run);
    cli_json_text(&json, "role", j->x->role);
    cli_json_flag(&json, "predicted", j->targets[0].text == NULL);
    cli_json_whole(&json, "heads", j->head_count);
    cli_json_whole(&json, "images", j->written);
    cli_json_whole(&json, "left_out", j->left_out);
    cli_json_whole(&json, "skipped", s->skipped);
    cli_json_array(&json, "scores");
    for (size_t i = 0; j->has_masks && !j->x->out.dry_run && i < j->method_count; i++)
        for (int k = 0; k < 4; k++)
            emit_score(&json, j, i, k / 2, k % 2);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static clipspan_status add_row(cli_table *table, const cli_segment_job *j, size_t i, int p, int t,
                               clipspan_error *err)
{
    const clipspan_segment_score *score = &j->score[i][p][t];
    char cell[CLI_NUMBER_ROOM], name[80];
    double figure[4];
    clipspan_segment_get(&figure[0], &figure[1], &figure[2], score);
    figure[3] = share(j->pointed[i], score->images);
    cli_segment_name(name, j, i);
    CS_TRY(cli_table_add(table, name, err));
    CS_TRY(cli_table_add(table, protocols[p], err));
    CS_TRY(cli_table_add(table, thresholds[t], err));
    for (int k = 0; k < 4; k++) {
        cli_format_percent(cell, figure[k]);
        CS_TRY(cli_table_add(table, k == 3 && p ? "" : cell, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status show_table(const cli_segment_job *j, clipspan_error *err)
{
    static const char headers[] =
        "method|masks|threshold|>accuracy|>mIoU|>mAP|>highest pixel inside";
    const cli_session *s = j->session;
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    if (j->x->out.output)
        printf("%s%s: %zu mask%s, and rows.csv\n", j->x->out.dry_run ? "would write " : "",
               j->x->out.output, j->written, j->written == 1 ? "" : "s");
    if (!j->has_masks || j->x->out.dry_run) return CLIPSPAN_OK;
    cli_table_init(&table, headers);
    for (size_t i = 0; i < j->method_count; i++)
        for (int k = 0; k < 4 && status == CLIPSPAN_OK; k++)
            status = add_row(&table, j, i, k / 2, k % 2, err);
    if (status == CLIPSPAN_OK) {
        cli_table_print(&table, s, stdout);
        putchar('\n');
        for (size_t i = 0; j->runners_up && i < j->method_count; i++) {
            char name[80], count[CLI_NUMBER_ROOM];
            cli_count_of(count, j->runners_up, "mask");
            cli_segment_name(name, j, i);
            cli_say(s,
                    "  %s: of %s with something else as well, the highest pixel lies "
                    "nearer to what was asked for in %zu",
                    name, count, j->nearer[i]);
        }
        cli_say(s,
                "%zu image%s, %s; %s.\n"
                "Published masks are stretched whole, whatever the image goes through; aligned "
                "ones lie right.",
                j->written, j->written == 1 ? "" : "s",
                j->texts             ? "targets given"
                : j->targets[0].text ? "classes given"
                                     : "classes predicted",
                cli_contrast_name(j->contrast));
    }
    cli_table_fini(&table);
    return status;
}

clipspan_status cli_segment_show(const cli_segment_job *j, clipspan_error *err)
{
    if (j->session->form == CLI_FORM_TABLE) return show_table(j, err);
    show_document(j);
    return CLIPSPAN_OK;
}
