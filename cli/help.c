/* SPDX-License-Identifier: MIT */
/* --help, from the tables of commands and options; and the commands help and version. */
#include "commands.h"
#include "json_out.h"
#include "table.h"

#include <string.h>

#define WIDTH 88

static void wrap(FILE *out, const char *text, int at, int indent)
{
    cli_print_wrapped(out, text, at, indent, WIDTH);
}

static void heading(FILE *out, const char *text, int bold)
{
    fprintf(out, "\n%s%s%s\n", bold ? "\033[1m" : "", text, bold ? "\033[0m" : "");
}

static void print_usage(FILE *out, const cli_command *command)
{
    const char *form = command->usage;
    int first = 1;
    for (;;) {
        size_t length = strcspn(form, "\n");
        fprintf(out, "%s clipspan %s%s%.*s\n", first ? "Usage:" : "      ", command->name,
                length ? " " : "", (int)length, form);
        first = 0;
        if (!form[length]) break;
        form += length + 1;
    }
}

static void print_examples(FILE *out, const char *examples)
{
    while (*examples) {
        size_t length = strcspn(examples, "\n"), command = strcspn(examples, "\t");
        fprintf(out, "  %.*s\n      %.*s\n", (int)command, examples, (int)(length - command - 1),
                examples + command + 1);
        examples += length + (examples[length] == '\n');
    }
}

static void print_option(FILE *out, const cli_option *option)
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
    wrap(out, option->help, length, 32);
}

static void print_options(FILE *out, unsigned commands, int bold)
{
    size_t count;
    const cli_option *options = cli_options(&count);
    const char *group = "";
    for (size_t i = 0; i < count; i++) {
        if ((options[i].commands & commands) != commands) continue;
        if (strcmp(group, options[i].group) != 0) heading(out, options[i].group, bold);
        group = options[i].group;
        print_option(out, &options[i]);
    }
}

void cli_print_help(const cli_command *command, int bold, FILE *out)
{
    print_usage(out, command);
    fputc('\n', out);
    wrap(out, command->about, 0, 0);
    heading(out, "Examples", bold);
    print_examples(out, command->examples);
    print_options(out, command->bit, bold);
}

void cli_print_overview(FILE *out)
{
    size_t count;
    const cli_command *commands = cli_commands(&count);
    fputs("Usage: clipspan COMMAND [OPTIONS] ARGUMENTS\n\nCommands\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs(
        "\nMODEL is a folder with a CLIP checkpoint and its configuration, a .safetensors file, or "
        "the\nname of a cached one, such as ViT-B-16/laion2b_s34b_b88k.\n\n"
        "clipspan COMMAND --help says more. To begin: clipspan demo -o FOLDER\n",
        out);
}

clipspan_status cli_run_help(cli_session *s, clipspan_error *err)
{
    const cli_settings *settings = &s->settings;
    const cli_command *command;
    if (settings->man) {
        cli_print_manual(stdout);
    } else if (settings->bash) {
        cli_print_completion(stdout);
    } else if (settings->arguments.count == 0) {
        cli_print_overview(stdout);
    } else {
        command = cli_command_find(settings->arguments.items[0]);
        if (!command) return cli_command_unknown(settings->arguments.items[0], err);
        cli_print_help(command, s->bold_out, stdout);
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_run_version(cli_session *s, clipspan_error *err)
{
    cli_json json;
    (void)err;
    if (s->form == CLI_FORM_TABLE) {
        printf("clipspan %s\nkernels %s, products by %s, bf16 %s, %d threads\n", clipspan_version(),
               clipspan_cpu_level(), clipspan_product_name(), clipspan_has_bf16() ? "yes" : "no",
               clipspan_default_threads());
        return CLIPSPAN_OK;
    }
    cli_json_begin(&json, stdout, s->form == CLI_FORM_TSV, "clipspan.version.v1");
    cli_json_text(&json, "version", clipspan_version());
    cli_json_text(&json, "cpu_level", clipspan_cpu_level());
    cli_json_text(&json, "products", clipspan_product_name());
    cli_json_flag(&json, "bf16", clipspan_has_bf16());
    cli_json_whole(&json, "threads", (uint64_t)clipspan_default_threads());
    cli_json_finish(&json);
    return CLIPSPAN_OK;
}
