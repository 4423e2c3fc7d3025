/* SPDX-License-Identifier: MIT */
/* The one parser over the option table. Options and arguments may be mixed; names are not
 * abbreviated; `--` ends options. Of the arguments that begin with a dash, "-" and "-0" are lists
 * on standard input. */
#include "options.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "commands.h"

#include <stdlib.h>
#include <string.h>
static clipspan_status push(cli_list *list, const char *item, clipspan_error *err)
{
    CS_TRY(
        cs_grow(&list->items, &list->room, list->count + 1, sizeof *list->items, "arguments", err));
    list->items[list->count++] = item;
    return CLIPSPAN_OK;
}

/* Which options a command line may have: those of its command; before that is known, the general
 * ones. */
static unsigned wanted(const cli_settings *settings)
{
    return settings->command ? settings->command->bit : CLI_ANY;
}

static const cli_option *find(unsigned commands, const char *name, size_t length, char letter)
{
    size_t rows;
    const cli_option *table = cli_options(&rows);
    for (size_t i = 0; i < rows; i++) {
        if ((table[i].commands & commands) != commands) continue;
        if (letter ? table[i].letter == letter
                   : strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
            return &table[i];
    }
    return NULL;
}

/* The option that was probably meant: the only one that begins so, or the nearest. */
static const char *suggest(unsigned commands, const char *word)
{
    const char *names[CLI_OPTION_MOST], *begins = NULL;
    size_t rows, count = 0, matches = 0;
    const cli_option *table = cli_options(&rows);
    for (size_t i = 0; i < rows; i++) {
        if ((table[i].commands & commands) != commands) continue;
        names[count++] = table[i].name;
        if (*word && strncmp(table[i].name, word, strlen(word)) == 0) {
            begins = table[i].name;
            matches++;
        }
    }
    return matches == 1 ? begins : cs_nearest(word, names, count);
}

/* typed: the whole argument; word: without its dashes, or from the unknown letter on. */
static clipspan_status fail_unknown(const cli_settings *settings, const char *typed,
                                    const char *word, char letter, clipspan_error *err)
{
    const char *meant, *command = settings->command ? settings->command->name : NULL;
    char name[64] = {letter, '\0'};
    size_t length = strcspn(word, "="), commands, i;
    const cli_command *others = cli_commands(&commands);
    if (!letter) {
        if (length >= sizeof name) length = sizeof name - 1;
        memcpy(name, word, length);
        name[length] = '\0';
    }
    for (i = 0; i < commands; i++)
        if (find(others[i].bit, name, strlen(name), letter)) break;
    if (i < commands && command)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s%s is not an option of %s, but of %s; see clipspan %s --help",
                       letter ? "-" : "--", name, command, others[i].name, command);
    if (i < commands)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s%s stands before the command; options of a command go behind it: "
                       "clipspan COMMAND %s%s …",
                       letter ? "-" : "--", name, letter ? "-" : "--", name);
    meant = letter ? NULL : suggest(wanted(settings), name);
    if (!meant && cs_path_kind(typed))
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "unknown option %s; a file of that name goes behind --, where no options are", typed);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown option %s%s%s%s%s; see clipspan %s%s--help",
                   letter ? "-" : "--", name, meant ? " (did you mean --" : "", meant ? meant : "",
                   meant ? "?)" : "", command ? command : "", command ? " " : "");
}

static clipspan_status read_choice(int *out, const cli_option *option, const char *source,
                                   const char *value, clipspan_error *err)
{
    char words[128];
    const char *names[16], *meant;
    size_t count = 0;
    char *word;
    strncpy(words, option->value, sizeof words - 1);
    words[sizeof words - 1] = '\0';
    for (word = words; word && count < 16; count++) {
        char *bar = strchr(word, '|');
        if (bar) *bar++ = '\0';
        if (strcmp(word, value) == 0) {
            *out = (int)count;
            return CLIPSPAN_OK;
        }
        names[count] = word;
        word = bar;
    }
    meant = cs_nearest(value, names, count);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: expected %s, found \"%s\"%s%s%s", source,
                   option->value, value, meant ? " (did you mean " : "", meant ? meant : "",
                   meant ? "?)" : "");
}

static clipspan_status read_whole(uint64_t *out, const cli_option *option, const char *source,
                                  const char *value, clipspan_error *err)
{
    uint64_t number = 0;
    const char *p;
    for (p = value; *p >= '0' && *p <= '9' && number < UINT64_C(1) << 58; p++)
        number = number * 10 + (uint64_t)(*p - '0');
    if (p == value || *p || number < option->least || number > option->most)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s: expected a whole number from %llu to %llu, found \"%s\"", source,
                       (unsigned long long)option->least, (unsigned long long)option->most, value);
    *out = number;
    return CLIPSPAN_OK;
}

/* source: how the user named the option, for messages. */
static clipspan_status store(cli_settings *settings, const cli_option *option, const char *source,
                             const char *value, clipspan_error *err)
{
    unsigned char *place = (unsigned char *)settings + option->offset;
    int choice = 0;
    uint64_t whole = 0;
    switch (option->kind) {
    case CLI_FLAG: {
        int on = 1;
        memcpy(place, &on, sizeof on);
        break;
    }
    case CLI_TEXT:
        if (!*value)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: expected %s, found an empty text", source,
                           option->value);
        memcpy(place, &value, sizeof value);
        break;
    case CLI_TEXTS: {
        cli_list list;
        memcpy(&list, place, sizeof list);
        CS_TRY(push(&list, value, err));
        memcpy(place, &list, sizeof list);
        break;
    }
    case CLI_CHOICE:
        CS_TRY(read_choice(&choice, option, source, value, err));
        memcpy(place, &choice, sizeof choice);
        break;
    case CLI_WHOLE:
        CS_TRY(read_whole(&whole, option, source, value, err));
        memcpy(place, &whole, sizeof whole);
        break;
    }
    return CLIPSPAN_OK;
}

typedef struct parser {
    cli_settings *settings;
    int argc, at;
    char **argv;
    const cli_option *table;
    size_t rows;
    unsigned char given[CLI_OPTION_MOST];
} parser;

static clipspan_status read_value(parser *p, const cli_option *option, const char *source,
                                  const char *attached, clipspan_error *err)
{
    const char *value = attached;
    p->given[option - p->table] = 1;
    if (option->kind == CLI_FLAG && attached)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s takes no value, found \"%s\"", source,
                       attached);
    if (option->kind != CLI_FLAG && !value) {
        if (p->at + 1 >= p->argc)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: expected %s behind it, found nothing",
                           source, option->value);
        value = p->argv[++p->at];
    }
    return store(p->settings, option, source, value, err);
}

static clipspan_status read_long(parser *p, const char *word, clipspan_error *err)
{
    char source[72];
    size_t length = strcspn(word, "=");
    const cli_option *option = find(wanted(p->settings), word, length, 0);
    if (!option) return fail_unknown(p->settings, word - 2, word, 0, err);
    snprintf(source, sizeof source, "--%s", option->name);
    return read_value(p, option, source, word[length] ? word + length + 1 : NULL, err);
}

static clipspan_status read_letters(parser *p, const char *letters, clipspan_error *err)
{
    for (; *letters; letters++) {
        const cli_option *option = find(wanted(p->settings), NULL, 0, *letters);
        char source[72];
        if (!option) return fail_unknown(p->settings, p->argv[p->at], letters, *letters, err);
        snprintf(source, sizeof source, "-%c", *letters);
        if (option->kind == CLI_FLAG) {
            CS_TRY(read_value(p, option, source, NULL, err));
            continue;
        }
        return read_value(p, option, source, letters[1] ? letters + 1 : NULL, err);
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_argument(parser *p, const char *word, clipspan_error *err)
{
    cli_settings *settings = p->settings;
    if (settings->command) return push(&settings->arguments, word, err);
    settings->command = cli_command_find(word);
    return settings->command ? CLIPSPAN_OK : cli_command_unknown(word, err);
}

/* CLIPSPAN_DRY_RUN for dry-run. */
static void environment_name(char out[80], const char *option)
{
    size_t i;
    memcpy(out, "CLIPSPAN_", 9);
    for (i = 0; option[i] && i < 64; i++)
        out[9 + i] = option[i] == '-' ? '_' : (char)(option[i] - 'a' + 'A');
    out[9 + i] = '\0';
}

static int among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0) return 1;
    return 0;
}

/* The library takes an unknown level for none; a user who asked for one wants to know. */
static clipspan_status check_level(clipspan_error *err)
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    const char *value = getenv("CLIPSPAN_CPU"), *meant;
    if (!value || !*value || among(value, levels, 3)) return CLIPSPAN_OK;
    meant = cs_nearest(value, levels, 3);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "CLIPSPAN_CPU: expected generic, avx2 or avx512, found \"%s\"%s%s%s", value,
                   meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "");
}

/* --json, --tsv and --table exclude each other. */
static int is_form(const cli_option *option)
{
    return strcmp(option->name, "json") == 0 || strcmp(option->name, "tsv") == 0 ||
           strcmp(option->name, "table") == 0;
}

static clipspan_status read_environment(parser *p, clipspan_error *err)
{
    static const char *const on[] = {"1", "yes", "true", "on"};
    static const char *const off[] = {"0", "no", "false", "off"};
    static const char *const unread[] = {"help", "version", "data"};
    const int form_given = p->settings->json || p->settings->tsv || p->settings->table;
    for (size_t i = 0; i < p->rows; i++) {
        const cli_option *option = &p->table[i];
        char name[80];
        const char *value;
        if (p->given[i] || !p->settings->command || !(option->commands & p->settings->command->bit))
            continue;
        /* The first two are no settings, and build scripts use CLIPSPAN_VERSION for a number;
         * CLIPSPAN_DATA says where the program's own data files lie. */
        if (among(option->name, unread, 3)) continue;
        if (form_given && is_form(option)) continue;
        environment_name(name, option->name);
        value = getenv(name);
        if (!value || !*value) continue;
        if (option->kind == CLI_FLAG) {
            if (among(value, off, 4)) continue;
            if (!among(value, on, 4))
                return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                               "%s: expected 1 or 0 (yes, no), found \"%s\"", name, value);
        }
        CS_TRY(store(p->settings, option, name, value, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_settings_read(cli_settings *settings, int argc, char **argv,
                                  clipspan_error *err)
{
    parser p = {settings, argc, 1, argv, NULL, 0, {0}};
    int options = 1;
    p.table = cli_options(&p.rows);
    for (; p.at < argc; p.at++) {
        const char *word = argv[p.at];
        if (!options || word[0] != '-' || strcmp(word, "-") == 0 || strcmp(word, "-0") == 0)
            CS_TRY(read_argument(&p, word, err));
        else if (strcmp(word, "--") == 0)
            options = 0;
        else if (word[1] == '-')
            CS_TRY(read_long(&p, word + 2, err));
        else
            CS_TRY(read_letters(&p, word + 1, err));
    }
    CS_TRY(read_environment(&p, err));
    CS_TRY(check_level(err));
    if (settings->json + settings->tsv + settings->table > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--json, --tsv and --table exclude each other: choose one");
    return CLIPSPAN_OK;
}

void cli_settings_fini(cli_settings *settings)
{
    cs_free(settings->target.items);
    cs_free(settings->against.items);
    cs_free(settings->like.items);
    cs_free(settings->unlike.items);
    cs_free(settings->arguments.items);
    cs_free(settings->text.items);
    cs_free(settings->class_names.items);
    cs_free(settings->also.items);
    cs_free(settings->sets.items);
    cs_free(settings->figure.items);
    memset(settings, 0, sizeof *settings);
}
