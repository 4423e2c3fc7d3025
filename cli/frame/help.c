/* SPDX-License-Identifier: MIT */
/* clipspan help, and --help, from the tables of commands and options. */
#include "cli/frame/command.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define WIDTH 80 /* at most; lines that are longer are hard to follow */

static int width_of(const cli_session *s)
{
    return s->columns < WIDTH ? s->columns : WIDTH;
}

static void heading(FILE *out, const char *text, int bold)
{
    fprintf(out, "\n%s%s%s\n", bold ? "\033[1m" : "", text, bold ? "\033[0m" : "");
}

static void print_usage(FILE *out, const cli_session *s, const cli_command *command)
{
    const char *form = command->usage;
    const char *begin = "Usage: clipspan ";
    for (;;) {
        const size_t length = strcspn(form, "\n");
        char text[512];
        snprintf(text, sizeof text, "%s%s%.*s", command->name, length ? " " : "", (int)length,
                 form);
        fputs(begin, out);
        cli_print_command(out, s, text, strlen(begin), strlen(begin) + 4, "");
        fputc('\n', out);
        begin = "       clipspan ";
        if (!form[length]) break;
        form += length + 1;
    }
}

static void print_examples(FILE *out, const cli_session *s, const char *examples)
{
    while (*examples) {
        const size_t length = strcspn(examples, "\n"), command = strcspn(examples, "\t");
        char text[512];
        snprintf(text, sizeof text, "%.*s", (int)command, examples);
        fputs("  ", out);
        cli_print_command(out, s, text, 2, 6, " \\");
        snprintf(text, sizeof text, "%.*s", (int)(length - command - 1), examples + command + 1);
        fputs("\n      ", out);
        cli_print_wrapped(out, text, 6, 6, width_of(s));
        examples += length + (examples[length] == '\n');
    }
}

static void print_option(FILE *out, const cli_session *s, const cli_option *option)
{
    char left[80];
    int length =
        snprintf(left, sizeof left, "  %c%c%c --%s%s%s", option->letter ? '-' : ' ',
                 option->letter ? option->letter : ' ', option->letter ? ',' : ' ', option->name,
                 option->value ? " " : "", option->value ? option->value : "");
    fputs(left, out);
    if (length > 30) {
        fputc('\n', out);
        length = 0;
    }
    cli_print_wrapped(out, option->help, length, 32, width_of(s));
}

static void print_options(FILE *out, const cli_session *s, const cli_option *options, size_t count)
{
    const char *group = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(group, options[i].group) != 0) heading(out, options[i].group, s->bold_out);
        group = options[i].group;
        print_option(out, s, &options[i]);
    }
}

static void print_columns(FILE *out, const cli_session *s, const char *columns)
{
    if (!columns) return;
    heading(out, "Columns of its tables", s->bold_out);
    while (*columns) {
        const size_t length = strcspn(columns, "\n"), name = strcspn(columns, "\t");
        char text[512];
        fprintf(out, "  %.*s", (int)name, columns);
        if (name > 26) fputc('\n', out);
        snprintf(text, sizeof text, "%.*s", (int)(length - name - 1), columns + name + 1);
        cli_print_wrapped(out, text, name > 26 ? 0 : 2 + (int)name, 30, width_of(s));
        columns += length + (columns[length] == '\n');
    }
}

void cli_print_help(FILE *out, const cli_session *s, const cli_command *command)
{
    const cli_option *general;
    size_t count;
    print_usage(out, s, command);
    fputc('\n', out);
    cli_print_wrapped(out, command->about, 0, 0, width_of(s));
    heading(out, "Examples", s->bold_out);
    print_examples(out, s, command->examples);
    print_options(out, s, command->options, command->option_count);
    general = cli_general_options(&count);
    print_options(out, s, general, count);
    print_columns(out, s, command->columns);
}

void cli_print_overview(FILE *out, const cli_session *s)
{
    size_t count;
    const cli_command_line *lines = cli_command_lines(&count);
    fputs("Usage: clipspan COMMAND [OPTIONS] ARGUMENTS\n", out);
    for (size_t i = 0; i < count; i++)
        if (lines[i].heading) {
            fprintf(out, "\n%s\n", lines[i].heading);
        } else {
            fprintf(out, "  %-10s", lines[i].command->name);
            cli_print_wrapped(out, lines[i].command->summary, 12, 13, width_of(s));
        }
    fputc('\n', out);
    cli_print_wrapped(
        out,
        "MODEL is a folder with a CLIP checkpoint and its configuration, a .safetensors file, "
        "demo, or a name in the local Hugging Face cache, such as ViT-B-16/laion2b_s34b_b88k.\n"
        "clipspan help COMMAND has the details. To begin: clipspan demo -o FOLDER",
        0, 0, width_of(s));
}

typedef struct {
    int man, bash;
} settings;

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    const cli_command *command;
    if (x->man) {
        cli_print_manual(stdout);
    } else if (x->bash) {
        cli_print_completion(stdout);
    } else if (s->arguments.count == 0) {
        cli_print_overview(stdout, s);
    } else {
        command = cli_command_find(s->arguments.items[0]);
        if (!command) return cli_command_unknown(s->arguments.items[0], err);
        cli_print_help(stdout, s, command);
    }
    return CLIPSPAN_OK;
}

static const cli_option options[] = {
    CLI_FLAG("Output", "man", 0, "print the man page", man),
    CLI_FLAG("Output", "bash", 0, "print the completion for bash", bash),
};

const cli_command cli_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "help on the program or a command",
    .about = "--man prints the man page, --bash the completion for bash.",
    .examples =
        "clipspan help embed\toptions of embed\n"
        "clipspan help --bash > ~/.local/share/bash-completion/completions/clipspan\tcompletion",
    .arguments = {"[COMMAND]"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
