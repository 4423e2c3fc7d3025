/* SPDX-License-Identifier: MIT */
/* The commands: what each is called, takes, does and prints in its help. */
#ifndef CLIPSPAN_CLI_COMMANDS_H
#define CLIPSPAN_CLI_COMMANDS_H

#include "session.h"

enum {
    CLI_INFO = 1,
    CLI_EMBED = 2,
    CLI_CLASSIFY = 4,
    CLI_PIXELS = 8,
    CLI_TOKENS = 16,
    CLI_HELP = 32,
    CLI_VERSION = 64,
    CLI_PLAN = 128,
    CLI_SCAN = 256,
    CLI_MERGE = 512,
    CLI_SPAN = 1024,
    CLI_ROLES = 2048,
    CLI_ATLAS = 4096,
    CLI_EXPORT = 8192,
    CLI_REPORT = 16384,
    CLI_DEMO = 32768,
    CLI_EFFECTS = 65536,
    CLI_ABLATE = 131072,
    CLI_SHORTCUT = 262144,
    CLI_SURGERY = 524288,
    CLI_HEATMAP = 1 << 20,
    CLI_SEGMENT = 1 << 21,
    CLI_SEARCH = 1 << 22,
    CLI_EXPLAIN = 1 << 24,
    CLI_REPRODUCE = 1 << 26,
    CLI_EDIT = 1 << 25,
    CLI_PRUNE = 1 << 27,
    CLI_ANY = 0xFFFFFFF
};

typedef struct cli_command {
    unsigned bit;
    const char *name;
    const char *usage;    /* behind the name; one form a line */
    const char *summary;  /* one line */
    const char *about;    /* paragraphs, separated by a line break */
    const char *examples; /* one a line: command, tab, what it does */
    size_t least, most;   /* arguments */
    clipspan_status (*run)(cli_session *session, clipspan_error *err);
} cli_command;

const cli_command *cli_commands(size_t *count);
const cli_command *cli_command_find(const char *name); /* or NULL */

/* ARGUMENT: no such command, with the nearest. */
clipspan_status cli_command_unknown(const char *name, clipspan_error *err);

clipspan_status cli_run_info(cli_session *session, clipspan_error *err);
clipspan_status cli_run_embed(cli_session *session, clipspan_error *err);
clipspan_status cli_run_classify(cli_session *session, clipspan_error *err);
clipspan_status cli_run_pixels(cli_session *session, clipspan_error *err);
clipspan_status cli_run_tokens(cli_session *session, clipspan_error *err);
clipspan_status cli_run_plan(cli_session *session, clipspan_error *err);
clipspan_status cli_run_scan(cli_session *session, clipspan_error *err);
clipspan_status cli_run_merge(cli_session *session, clipspan_error *err);
clipspan_status cli_run_span(cli_session *session, clipspan_error *err);
clipspan_status cli_run_roles(cli_session *session, clipspan_error *err);
clipspan_status cli_run_atlas(cli_session *session, clipspan_error *err);
clipspan_status cli_run_export(cli_session *session, clipspan_error *err);
clipspan_status cli_run_effects(cli_session *session, clipspan_error *err);
clipspan_status cli_run_ablate(cli_session *session, clipspan_error *err);
clipspan_status cli_run_shortcut(cli_session *session, clipspan_error *err);
clipspan_status cli_run_surgery(cli_session *session, clipspan_error *err);
clipspan_status cli_run_reproduce(cli_session *session, clipspan_error *err);
clipspan_status cli_run_edit(cli_session *session, clipspan_error *err);
clipspan_status cli_run_prune(cli_session *session, clipspan_error *err);
clipspan_status cli_run_report(cli_session *session, clipspan_error *err);
clipspan_status cli_run_demo(cli_session *session, clipspan_error *err);
clipspan_status cli_run_heatmap(cli_session *session, clipspan_error *err);
clipspan_status cli_run_segment(cli_session *session, clipspan_error *err);
clipspan_status cli_run_explain(cli_session *session, clipspan_error *err);
clipspan_status cli_run_search(cli_session *session, clipspan_error *err);
clipspan_status cli_run_help(cli_session *session, clipspan_error *err);
clipspan_status cli_run_version(cli_session *session, clipspan_error *err);

/* Usage of all commands, or of one; and what the package installs. */
void cli_print_overview(FILE *out);
void cli_print_help(const cli_command *command, int bold, FILE *out);
void cli_print_manual(FILE *out);     /* man page, troff */
void cli_print_completion(FILE *out); /* bash */

#endif
