/* SPDX-License-Identifier: MIT */
/* The man page and the shell completion, from the same tables as the parser. */
#include "cli/frame/command.h"

#include <clipspan/clipspan.h>
#include <string.h>

/* Text as troff wants it: hyphens that can be searched for, no line that begins like a request. */
static void troff(FILE *out, const char *text, size_t length)
{
    int start = 1;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (start && (c == '.' || c == '\'')) fputs("\\&", out);
        start = c == '\n';
        if (c == '\\')
            fputs("\\e", out);
        else if (c == '-')
            fputs("\\-", out);
        else if (c == '\n')
            fputs("\n.PP\n", out);
        else
            fputc(c, out);
    }
}

static void manual_option(FILE *out, const cli_option *option)
{
    fputs(".TP\n", out);
    if (option->letter) fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", out);
    troff(out, option->name, strlen(option->name));
    fputs("\\fR", out);
    if (option->value) {
        fputs(" \\fI", out);
        troff(out, option->value, strlen(option->value));
        fputs("\\fR", out);
    }
    fputc('\n', out);
    troff(out, option->help, strlen(option->help));
    fputc('\n', out);
}

static void manual_columns(FILE *out, const char *columns)
{
    if (!columns) return;
    fputs(".PP\nColumns of its tables:\n", out);
    while (*columns) {
        const size_t length = strcspn(columns, "\n"), name = strcspn(columns, "\t");
        fputs(".TP\n", out);
        troff(out, columns, name);
        fputc('\n', out);
        troff(out, columns + name + 1, length - name - 1);
        fputc('\n', out);
        columns += length + (columns[length] == '\n');
    }
}

static void manual_command(FILE *out, const cli_command *command)
{
    const char *form = command->usage, *line = command->examples;
    fprintf(out, ".SS %s\n", command->name);
    for (;;) {
        size_t length = strcspn(form, "\n");
        fprintf(out, "\\fBclipspan %s\\fR ", command->name);
        troff(out, form, length);
        fputc('\n', out);
        if (!form[length]) break;
        fputs(".br\n", out);
        form += length + 1;
    }
    fputs(".PP\n", out);
    troff(out, command->about, strlen(command->about));
    fputc('\n', out);
    for (size_t i = 0; i < command->option_count; i++)
        manual_option(out, &command->options[i]);
    manual_columns(out, command->columns);
    fputs(".PP\nExamples:\n", out);
    while (*line) {
        size_t length = strcspn(line, "\n"), end = strcspn(line, "\t");
        fputs(".PP\n.RS 4\n\\fB", out);
        troff(out, line, end);
        fputs("\\fR\n.br\n", out);
        troff(out, line + end + 1, length - end - 1);
        fputs("\n.RE\n", out);
        line += length + (line[length] == '\n');
    }
}

void cli_print_manual(FILE *out)
{
    static const char *const exits[][2] = {
        {"0", "done, nothing skipped"},
        {"1", "internal failure"},
        {"2", "usage error, also an unknown class or option value"},
        {"3", "finished, but some inputs were skipped (counted and listed)"},
        {"4", "model, checkpoint, configuration or data file invalid or unsupported; no usable "
              "input at all"},
        {"6", "output could not be written, or already exists"},
        {"7", "out of memory, or over a stated limit"},
        {"8",
         "written, but worse than predicted: a pruned network keeps fewer predictions than the "
         "prediction's lower bound"},
        {"75", "interrupted, can be resumed"},
        {"130, 143", "interrupted by SIGINT, SIGTERM, with nothing to resume"}};
    size_t count, i;
    const cli_command_line *lines = cli_command_lines(&count);
    const cli_option *general;
    fprintf(out, ".TH CLIPSPAN 1 \"\" \"clipspan %s\" \"User commands\"\n", clipspan_version());
    fputs(
        ".SH NAME\n"
        "clipspan \\- CLIP's image representation, decomposed exactly\n"
        ".SH SYNOPSIS\n"
        ".B clipspan\n"
        ".I COMMAND\n"
        "[\\fIOPTIONS\\fR] \\fIARGUMENTS\\fR\n"
        ".SH DESCRIPTION\n"
        "Runs CLIP checkpoints (vision transformers in the OpenCLIP or Hugging Face layout) on the "
        "CPU. Data goes to standard output, everything else to standard error. Files appear under "
        "their names whole or not at all, and nothing is replaced without \\fB\\-\\-force\\fR.\n"
        ".SH COMMANDS\n",
        out);
    for (i = 0; i < count; i++)
        if (lines[i].command) manual_command(out, lines[i].command);
    fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
    general = cli_general_options(&count);
    for (i = 0; i < count; i++)
        manual_option(out, &general[i]);
    fputs(".SH EXIT STATUS\n", out);
    for (i = 0; i < sizeof exits / sizeof *exits; i++)
        fprintf(out, ".TP\n\\fB%s\\fR\n%s\n", exits[i][0], exits[i][1]);
    fputs(".SH ENVIRONMENT\n"
          "Every option but \\-\\-help, \\-\\-version and \\-\\-data can be given as "
          "CLIPSPAN_NAME, with underscores for hyphens (CLIPSPAN_DRY_RUN=1); the command line "
          "wins.\n"
          ".TP\n\\fBCLIPSPAN_CPU\\fR\nforces the kernel level down: generic, avx2 or avx512\n"
          ".TP\n\\fBCLIPSPAN_DATA\\fR\nthe folder with the program's data files\n"
          ".TP\n\\fBCLIPSPAN_NO_LOCK\\fR\n1: plan, scan and merge go on where the file system of a "
          "run has no locks; see to it that no other process works on the run\n"
          ".TP\n\\fBOMP_NUM_THREADS\\fR\nthreads when \\-\\-threads is not given\n"
          ".TP\n\\fBHF_HUB_CACHE\\fR, \\fBHF_HOME\\fR\nwhere models are looked up by name\n"
          ".TP\n\\fBNO_COLOR\\fR\nno colours or bold letters\n",
          out);
}

static void completion_words(FILE *out, const cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].letter) fprintf(out, " -%c", options[i].letter);
        fprintf(out, " --%s", options[i].name);
    }
}

/* The values of choices behind their options, in a command, or in any ("*"). */
static void completion_choices(FILE *out, const cli_option *options, size_t count,
                               const char *command)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].kind != CLI_KIND_CHOICE) continue;
        fprintf(out, "    %s--%s) words='", command, options[i].name);
        for (const char *p = options[i].value; *p; p++)
            fputc(*p == '|' ? ' ' : *p, out);
        fputs("' ;;\n", out);
    }
}

void cli_print_completion(FILE *out)
{
    size_t count, general_count, i;
    const cli_command_line *lines = cli_command_lines(&count);
    const cli_option *general = cli_general_options(&general_count);
    fputs("# bash completion for clipspan\n_clipspan()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
          "    case ${COMP_WORDS[1]}$before in\n",
          out);
    for (i = 0; i < count; i++) {
        const cli_command *command = lines[i].command;
        if (!command) continue;
        completion_choices(out, command->options, command->option_count, command->name);
    }
    completion_choices(out, general, general_count, "*");
    fputs("    esac\n    if [ -n \"$words\" ]; then\n        :\n"
          "    elif [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='",
          out);
    for (i = 0; i < count; i++)
        if (lines[i].command) fprintf(out, "%s ", lines[i].command->name);
    fputs("--help --version'\n    elif [ \"${word#-}\" != \"$word\" ]; then\n"
          "        case ${COMP_WORDS[1]} in\n",
          out);
    for (i = 0; i < count; i++) {
        const cli_command *command = lines[i].command;
        if (!command) continue;
        fprintf(out, "        %s) words='", command->name);
        completion_words(out, command->options, command->option_count);
        completion_words(out, general, general_count);
        fputs("' ;;\n", out);
    }
    fputs("        esac\n    fi\n"
          "    COMPREPLY=()\n"
          "    [ -z \"$words\" ] || COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
          "complete -o default -F _clipspan clipspan\n",
          out);
}
