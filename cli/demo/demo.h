/* SPDX-License-Identifier: MIT */
/* clipspan demo: a story in chapters. A chapter says what it does, does it on the demo's scenes,
 * and tells what it found: in sentences on a terminal, as facts of a document otherwise. */
#ifndef CLIPSPAN_CLI_DEMO_H
#define CLIPSPAN_CLI_DEMO_H

#include <clipspan/clipspan.h>

#include "base/file.h"
#include "cli/frame/session.h"
#include "cli/frame/settings.h"
#include "cli/out/json_out.h"
#include "cli/out/table.h"

#define CLI_DEMO_FACTORS 8 /* the last is the bird */

typedef struct cli_demo_job {
    cli_session *session;
    const cli_output_settings *x;
    clipspan_model *model;
    const clipspan_model_info *info;
    char *data;      /* folder of the scenes */
    const char *out; /* FOLDER */
    cli_json json;   /* the document, an object of the chapter open: FOLDER/demo.json, and standard
                        output unless it tells */
    int tells;       /* sentences on standard output rather than the document */
    cs_json_writer story; /* FOLDER/demo.json */
    cs_output *file;
    clipspan_error unwritten; /* why it could not take everything */
    char *page;               /* to open at the end: what the last chapter that made one left */

    clipspan_encoder *texts; /* cli_demo_bank */
    float *embeddings;       /* of the test split, [test_count, P]; cli_demo_embed */
    size_t test_count;
    clipspan_run *run; /* of the look split */
    clipspan_texts *pool;
    clipspan_atlas *atlas;
} cli_demo_job;

/* A command that gives figures of a chapter. FOLDER in it stands for the demo's. */
typedef struct cli_demo_command {
    const char *line;
    /* Lines of "FIGURE=KEY": which of the chapter's figures, each a path in its document, is which
     * key of the command's own. [] is every item of an array, [name=x] that with such a member.
     * "file:FILE=FILE" are pages in FOLDER that are the same but for the note on the demo. */
    const char *figures;
} cli_demo_command;

typedef struct cli_demo_chapter {
    const char *name; /* in documents */
    const char *title;
    const char *about;                /* what it does */
    const cli_demo_command *commands; /* up to one without a line */
    const char *given;                /* what they give; NULL: the chapter's figures */
    clipspan_status (*run)(cli_demo_job *demo, clipspan_error *err);
} cli_demo_chapter;

/* Prints a chapter's commands with what they give, and puts them into the document. */
void cli_demo_commands(cli_demo_job *demo, const cli_demo_chapter *chapter);

/* The commands of the chapters. */
extern const cli_demo_command cli_demo_sheet_commands[], cli_demo_sight_commands[],
    cli_demo_shortcut_commands[], cli_demo_scan_commands[], cli_demo_atlas_commands[],
    cli_demo_remedy_commands[], cli_demo_maps_commands[], cli_demo_segment_commands[],
    cli_demo_search_commands[], cli_demo_explain_commands[], cli_demo_report_commands[];

/* What chapters and their commands have in common. */
#define CLI_DEMO_CUE  "water;grass"
#define CLI_DEMO_ROLE "background" /* of the heads that are mean-ablated */

/* The chapters there are. */
clipspan_status cli_demo_sheet(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_sight(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_shortcut(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_scan(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_atlas(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_remedy(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_maps(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_segment(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_search(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_explain(cli_demo_job *demo, clipspan_error *err);
clipspan_status cli_demo_report(cli_demo_job *demo, clipspan_error *err);

/* ---- What chapters share ---- */

extern const char *const cli_demo_factors[CLI_DEMO_FACTORS];

/* A paragraph, when it tells. */
void cli_demo_say(const cli_demo_job *demo, const char *format, ...) CS_PRINTF(2, 3);

/* A table, with a line left free below it. */
void cli_demo_table(const cli_demo_job *demo, const cli_table *table);

/* FOLDER/name and the scenes' folder/name; give back with cs_free. Errors: NOMEM. */
clipspan_status cli_demo_output(char **path, const cli_demo_job *demo, const char *name,
                                clipspan_error *err);
clipspan_status cli_demo_data(char **path, const cli_demo_job *demo, const char *name,
                              clipspan_error *err);

/* A scene as commands take it, "demo/test/0000.png", of its path. */
void cli_demo_scene(char out[64], const cli_demo_job *demo, const char *path);

/* The scenes of "look.csv" or "test.csv"; labels and groups are columns or NULL. */
clipspan_status cli_demo_inputs(clipspan_inputs **out, const cli_demo_job *demo, const char *table,
                                const char *labels, const char *groups, clipspan_error *err);

/* Their masks, in the same order. */
clipspan_status cli_demo_masks(clipspan_inputs **out, const cli_demo_job *demo, const char *table,
                               clipspan_error *err);

/* The values of a factor, with prompts other than training's. */
clipspan_status cli_demo_bank(clipspan_bank **out, cli_demo_job *demo, const char *factor,
                              clipspan_error *err);

/* Embeds the test split, once. */
clipspan_status cli_demo_embed(cli_demo_job *demo, clipspan_error *err);

/* Takes the scenes of a table apart, into the run FOLDER/name. */
clipspan_status cli_demo_take_apart(clipspan_run **out, clipspan_scan_result *result,
                                    cli_demo_job *demo, const char *table, const char *name,
                                    clipspan_error *err);

/* The heads whose role is clearly `role` in the atlas, as the commands' --role takes them: heads :
 * [L, H] room, caller's, *count of them are filled. */
void cli_demo_role_heads(clipspan_head *heads, size_t *count, const cli_demo_job *demo,
                         const char *role);

/* How much of what a head writes the true value of each factor explains: the share of its variance
 * that lies between the values, adjusted for chance (one minus the mean squares' ratio), over the
 * scenes of which the factor is drawn independently of all others. Of birds it is what they explain
 * beyond their background, with which they go.
 *   shares : [L, H, CLI_DEMO_FACTORS], 0 to 1, caller's
 * Errors: those of reading the run and the scenes' table. */
clipspan_status cli_demo_truth(double *shares, const cli_demo_job *demo, clipspan_error *err);

#endif
