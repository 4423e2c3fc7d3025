/* SPDX-License-Identifier: MIT */
/* What span, roles, atlas, report and export share: a run and its atlas. */
#ifndef CLIPSPAN_CLI_ATLAS_WORK_H
#define CLIPSPAN_CLI_ATLAS_WORK_H

#include <clipspan/clipspan.h>

#include "cli/atlas/atlas_out.h"
#include "cli/frame/option_rows.h"
#include "cli/frame/session.h"

/* How heads are named. Zero is every member's default. */
typedef struct cli_atlas_settings {
    const char *pool, *layers, *heads, *rank;
    uint64_t basis_texts;
    const char *model; /* where the run's model is now */
    double fdr;
    uint64_t rotations;
    int all; /* heads of little effect in tables too */
} cli_atlas_settings;

/* Rows that fill a command's member `atlas`. */
#define CLI_OPT_ATLAS_TEXTS                                                                        \
    CLI_FILE("Heads", "texts", 0, "POOL",                                                          \
             "the texts that heads are named with: general (default), demo or control (words at "  \
             "random, to compare with), which come with the program; or a file with a text a "     \
             "line, its category before a tab; - is standard input",                               \
             atlas.pool)
#define CLI_OPT_ATLAS_LAYERS                                                                       \
    CLI_TEXT("Heads", "layers", 0, "all|last4|A-B",                                                \
             "the layers whose heads are looked at (default: all); of which layers the run keeps " \
             "coefficients is --layers of scan",                                                   \
             atlas.layers)
#define CLI_OPT_ATLAS_HEADS                                                                        \
    CLI_TEXT("Heads", "heads", 0, "L22.H11,...",                                                   \
             "these heads only; span then shows all of their basis texts", atlas.heads)
#define CLI_OPT_ATLAS_BASIS_TEXTS                                                                  \
    CLI_WHOLE("Heads", "texts-per-head", 0, "N", "texts per head (default 20)", atlas.basis_texts, \
              1, 1000)
#define CLI_OPT_ATLAS_RANK                                                                         \
    CLI_TEXT("Heads", "rank", 0, "auto|N",                                                         \
             "directions of a head's output that are kept: all that hold data (auto), or N of "    \
             "them at most",                                                                       \
             atlas.rank)
#define CLI_OPT_ATLAS_FDR                                                                          \
    CLI_REAL("Heads", "fdr", 0, "RATE",                                                            \
             "false discovery rate: the expected share of false claims, at most, among the roles " \
             "and leanings of all heads looked at (default 0.05)",                                 \
             atlas.fdr, 0, 1)
#define CLI_OPT_ATLAS_ROTATIONS                                                                    \
    CLI_WHOLE("Heads", "rotations", 0, "N",                                                        \
              "random rotations of each head that a role is tested against (default 1000); the "   \
              "smallest p is 1 / (N + 1)",                                                         \
              atlas.rotations, 19, 1000000)
#define CLI_OPT_ATLAS_ALL                                                                          \
    CLI_FLAG("Heads", "all", 0,                                                                    \
             "all heads in the table, those under 0.5 % of the embedding's variance too",          \
             atlas.all)
#define CLI_OPT_NO_IMAGES                                                                          \
    CLI_FLAG("Images", "no-images", 0, "file names in the report instead of thumbnails", no_images)
#define CLI_OPT_ATLAS_MODEL                                                                        \
    CLI_TEXT("Run", "model", 0, "MODEL", "where the model of the run is now, when it was moved",   \
             atlas.model)
#define CLI_OPT_ATLAS                                                                              \
    CLI_OPT_ATLAS_TEXTS, CLI_OPT_ATLAS_LAYERS, CLI_OPT_ATLAS_BASIS_TEXTS, CLI_OPT_ATLAS_RANK,      \
        CLI_OPT_ATLAS_FDR, CLI_OPT_ATLAS_ROTATIONS

typedef struct cli_atlas_job {
    cli_session *session;
    const cli_atlas_settings *x;
    clipspan_run *run;
    clipspan_model *model; /* open already, or NULL */
    clipspan_texts *pool;
    clipspan_atlas *atlas;
    cli_head_list heads;
    int as_main; /* its pool becomes the run's main one */
} cli_atlas_job;

/* What the columns of a table of roles mean. */
#define CLI_ROLE_COLUMNS                                                                           \
    "head\tlayer and head, counted from 0; ordered by variance times how far explained is above "  \
    "control\n"                                                                                    \
    "variance\tshare of the embedding's variance over the images that the head contributes\n"      \
    "category\tthe category that is most enriched among the texts with the largest variance\n"     \
    "outcome\trole, leaning (it stands out, but explains little, no more than control texts, or "  \
    "is unstable), ambiguous (two categories stand out alike), none, too few images, or pruned\n"  \
    "explained\tshare of the head's variance that the category's texts explain, as many as "       \
    "entered "                                                                                     \
    "(five; fewer for heads narrower than 32)\n"                                                   \
    "control\tthe same for as many control texts, mean over the control pools\n"                   \
    "pools\tcontrol pools that explain at least as much, of how many; a role has none\n"           \
    "q\tfalse discovery rate at which the category would be claimed: p of the random rotations, "  \
    "by Benjamini and Hochberg over all heads looked at"

/* Whether the options make sense, before any work. */
clipspan_status cli_atlas_check(const cli_atlas_settings *x, clipspan_error *err);

/* The atlas of an open run, as the options say. */
clipspan_status cli_atlas_make(cli_atlas_job *job, clipspan_error *err);

/* The run at `path` and its atlas: of the run's main pool when no option asks for anything else,
 * made when there is none. */
clipspan_status cli_atlas_open(cli_atlas_job *job, const char *path, clipspan_error *err);

void cli_atlas_close(cli_atlas_job *job);

#endif
