/* SPDX-License-Identifier: MIT */
/* The one parser over the tables of options. Options and arguments may be mixed; names are not
 * abbreviated; `--` ends options. Of the arguments that begin with a dash, "-" and "-0" are lists
 * on standard input. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "base/file.h"
#include "base/memory.h"
#include "base/memory_budget.h"
#include "base/nearest.h"
#include "cli/frame/command.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_LEAST ((uint64_t)16 << 20)
#define OWNERS_MOST  6 /* commands that a hint names */

static const cli_option general[] = {
    CLI_SESSION_CHOICE("General", "progress", 0, "auto|bar|plain|json|none",
                       "how to show progress on standard error: a bar, a line every ten seconds, "
                       "JSON lines, or nothing (auto: a bar on a terminal, otherwise lines)",
                       progress_form),
    CLI_SESSION_FLAG("General", "verbose", 'v', "report how long each stage takes", verbose),
    CLI_SESSION_FLAG("General", "quiet", 'q', "only errors on standard error", quiet),
    CLI_SESSION_FLAG("General", "no-color", 0,
                     "no colours or bold text (the default if NO_COLOR is set or TERM=dumb)",
                     no_color),
    CLI_SESSION_FLAG("General", "help", 'h', "this help", help),
    CLI_SESSION_FLAG("General", "version", 0, "the version", version),
};
#define GENERAL (sizeof general / sizeof *general)

const cli_option *cli_general_options(size_t *count)
{
    *count = GENERAL;
    return general;
}

/* Option i of those that a command line may have: the command's, then the general ones; or NULL. */
static const cli_option *option_at(const cli_command *command, size_t i)
{
    const size_t own = command ? command->option_count : 0;
    if (i < own) return &command->options[i];
    return i - own < GENERAL ? &general[i - own] : NULL;
}

static clipspan_status push(cli_list *list, const char *item, clipspan_error *err)
{
    CS_TRY(
        cs_grow(&list->items, &list->room, list->count + 1, sizeof *list->items, "arguments", err));
    list->items[list->count++] = item;
    return CLIPSPAN_OK;
}

const cli_option *cli_option_find(const cli_command *command, const char *name, size_t length,
                                  char letter)
{
    const cli_option *option;
    for (size_t i = 0; (option = option_at(command, i)); i++)
        if (letter ? option->letter == letter
                   : strlen(option->name) == length && strncmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

/* The option that was probably meant: the only one that begins so, or the nearest. */
static const char *suggest(const cli_command *command, const char *word)
{
    const char *names[CLI_OPTIONS_MOST], *begins = NULL;
    const cli_option *option;
    size_t count = 0, matches = 0;
    for (size_t i = 0; count < CLI_OPTIONS_MOST && (option = option_at(command, i)); i++) {
        names[count++] = option->name;
        if (*word && strncmp(option->name, word, strlen(word)) == 0) {
            begins = option->name;
            matches++;
        }
    }
    return matches == 1 ? begins : cs_nearest(word, names, count);
}

/* "classify, scan, atlas and 4 more": the commands that have the option; 0 when none has. */
static size_t name_owners(char *out, size_t room, const char *name, char letter)
{
    size_t lines, count = 0, used = 0, i;
    const cli_command_line *line = cli_command_lines(&lines);
    *out = '\0';
    for (i = 0; i < lines; i++) {
        if (!line[i].command || !cli_option_find(line[i].command, name, strlen(name), letter))
            continue;
        if (count++ < OWNERS_MOST && used < room)
            used += (size_t)snprintf(out + used, room - used, "%s%s", used ? ", " : "",
                                     line[i].command->name);
    }
    if (count > OWNERS_MOST && used < room)
        snprintf(out + used, room - used, " and %zu more", count - OWNERS_MOST);
    return count;
}

/* typed: the whole argument; word: without its dashes, or from the unknown letter on. */
static clipspan_status fail_unknown(const cli_command *command, const char *typed, const char *word,
                                    char letter, clipspan_error *err)
{
    const char *meant, *dashes = letter ? "-" : "--";
    char name[64] = {letter, '\0'}, owners[256];
    size_t length = strcspn(word, "="), count;
    if (!letter) {
        if (length >= sizeof name) length = sizeof name - 1;
        memcpy(name, word, length);
        name[length] = '\0';
    }
    count = name_owners(owners, sizeof owners, name, letter);
    if (count && command)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s%s is not an option of %s; it belongs to %s; see clipspan %s --help",
                       dashes, name, command->name, owners, command->name);
    if (count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s%s comes before the command; options of a command go after it: clipspan "
                       "COMMAND %s%s …",
                       dashes, name, dashes, name);
    meant = letter ? NULL : suggest(command, name);
    if (!meant && cs_path_kind(typed))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "unknown option %s; to pass a file of that name, put it after --", typed);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown option %s%s%s%s%s; see clipspan %s%s--help",
                   dashes, name, meant ? " (did you mean --" : "", meant ? meant : "",
                   meant ? "?)" : "", command ? command->name : "", command ? " " : "");
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
                       "%s: expected an integer from %llu to %llu, found \"%s\"", source,
                       (unsigned long long)option->least, (unsigned long long)option->most, value);
    *out = number;
    return CLIPSPAN_OK;
}

/* Digits with one point at most: no exponent, no sign, no locale. */
static clipspan_status read_real(double *out, const cli_option *option, const char *source,
                                 const char *value, clipspan_error *err)
{
    double number = 0.0, unit = 1.0;
    size_t digits = 0, points = 0;
    const char *p;
    for (p = value; (*p >= '0' && *p <= '9') || (*p == '.' && !points); p++) {
        if (*p == '.') {
            points++;
            continue;
        }
        digits++;
        if (points) unit *= 10.0;
        number = number * 10.0 + (double)(*p - '0');
        if (digits > 15) break;
    }
    number /= unit;
    if (*p || digits == 0 || !(number > option->low) || number > option->high)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%s: expected a number above %g and at most %g, found \"%s\"", source,
                       option->low, option->high, value);
    *out = number;
    return CLIPSPAN_OK;
}

/* source: how the user named the option, for messages. */
static clipspan_status store(cli_session *s, const cli_option *option, const char *source,
                             const char *value, clipspan_error *err)
{
    unsigned char *place =
        (option->of_session ? (unsigned char *)s : (unsigned char *)s->settings) + option->offset;
    int choice = 0;
    uint64_t whole = 0;
    double real = 0.0;
    switch (option->kind) {
    case CLI_KIND_FLAG: {
        int on = 1;
        memcpy(place, &on, sizeof on);
        break;
    }
    case CLI_KIND_TEXT:
        if (!*value)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: expected %s, found an empty text", source,
                           option->value);
        memcpy(place, &value, sizeof value);
        break;
    case CLI_KIND_LIST: {
        cli_list list;
        memcpy(&list, place, sizeof list);
        CS_TRY(push(&list, value, err));
        memcpy(place, &list, sizeof list);
        break;
    }
    case CLI_KIND_CHOICE:
        CS_TRY(read_choice(&choice, option, source, value, err));
        memcpy(place, &choice, sizeof choice);
        break;
    case CLI_KIND_WHOLE:
        CS_TRY(read_whole(&whole, option, source, value, err));
        memcpy(place, &whole, sizeof whole);
        break;
    case CLI_KIND_REAL:
        CS_TRY(read_real(&real, option, source, value, err));
        memcpy(place, &real, sizeof real);
        break;
    }
    return CLIPSPAN_OK;
}

typedef struct parser {
    cli_session *session;
    int argc, at;
    char **argv;
    const cli_option *given[2 * CLI_OPTIONS_MOST]; /* that stand on the command line */
    size_t given_count;
} parser;

static int is_given(const parser *p, const cli_option *option)
{
    for (size_t i = 0; i < p->given_count; i++)
        if (p->given[i] == option) return 1;
    return 0;
}

static clipspan_status read_value(parser *p, const cli_option *option, const char *source,
                                  const char *attached, clipspan_error *err)
{
    const char *value = attached;
    if (!is_given(p, option)) p->given[p->given_count++] = option;
    if (option->kind == CLI_KIND_FLAG && attached)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s takes no value, found \"%s\"", source,
                       attached);
    if (option->kind != CLI_KIND_FLAG && !value) {
        if (p->at + 1 >= p->argc)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: expected %s after it, found nothing",
                           source, option->value);
        value = p->argv[++p->at];
    }
    return store(p->session, option, source, value, err);
}

static clipspan_status read_long(parser *p, const char *word, clipspan_error *err)
{
    char source[72];
    size_t length = strcspn(word, "=");
    const cli_option *option = cli_option_find(p->session->command, word, length, 0);
    if (!option) return fail_unknown(p->session->command, word - 2, word, 0, err);
    snprintf(source, sizeof source, "--%s", option->name);
    return read_value(p, option, source, word[length] ? word + length + 1 : NULL, err);
}

static clipspan_status read_letters(parser *p, const char *letters, clipspan_error *err)
{
    for (; *letters; letters++) {
        const cli_option *option = cli_option_find(p->session->command, NULL, 0, *letters);
        char source[72];
        if (!option)
            return fail_unknown(p->session->command, p->argv[p->at], letters, *letters, err);
        snprintf(source, sizeof source, "-%c", *letters);
        if (option->kind == CLI_KIND_FLAG) {
            CS_TRY(read_value(p, option, source, NULL, err));
            continue;
        }
        return read_value(p, option, source, letters[1] ? letters + 1 : NULL, err);
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_argument(parser *p, const char *word, clipspan_error *err)
{
    cli_session *s = p->session;
    if (s->command) return push(&s->arguments, word, err);
    s->command = cli_command_find(word);
    if (!s->command) return cli_command_unknown(word, err);
    s->settings = cs_alloc_zero(1, s->command->settings_size + 1, "settings", err);
    return s->settings ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
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
    cli_session *s = p->session;
    const int form_given = s->json || s->tsv || s->table;
    const cli_option *option;
    for (size_t i = 0; s->command && (option = option_at(s->command, i)); i++) {
        char name[80];
        const char *value;
        if (is_given(p, option)) continue;
        /* The first two are no settings, and build scripts use CLIPSPAN_VERSION for a number;
         * CLIPSPAN_DATA says where the program's own data files lie. */
        if (among(option->name, unread, 3)) continue;
        if (form_given && is_form(option)) continue;
        environment_name(name, option->name);
        value = getenv(name);
        if (!value || !*value) continue;
        if (option->kind == CLI_KIND_FLAG) {
            if (among(value, off, 4)) continue;
            if (!among(value, on, 4))
                return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                               "%s: expected 1 or 0 (yes, no), found \"%s\"", name, value);
        }
        CS_TRY(store(s, option, name, value, err));
    }
    return CLIPSPAN_OK;
}

/* The library reads the environment of its process for this, which is the program's to set. */
static clipspan_status set_memory(const cli_session *s, clipspan_error *err)
{
    if (!s->memory) return CLIPSPAN_OK;
    if (cs_memory_size(s->memory) < MEMORY_LEAST)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "--memory: expected a size from 16M on, such as 800M or 16G, found \"%.80s\"",
            s->memory);
    setenv("CLIPSPAN_MEMORY", s->memory, 1);
    return CLIPSPAN_OK;
}

clipspan_status cli_session_read(cli_session *s, int argc, char **argv, clipspan_error *err)
{
    parser p = {.session = s, .argc = argc, .at = 1, .argv = argv};
    int options = 1;
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
    CS_TRY(set_memory(s, err));
    if (s->json + s->tsv + s->table > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--json, --tsv and --table exclude each other: choose one");
    return CLIPSPAN_OK;
}

void cli_session_fini(cli_session *s)
{
    for (size_t i = 0; s->command && i < s->command->option_count; i++) {
        cli_list list;
        if (s->command->options[i].kind != CLI_KIND_LIST) continue;
        memcpy(&list, (unsigned char *)s->settings + s->command->options[i].offset, sizeof list);
        cs_free(list.items);
    }
    cs_free(s->settings);
    cs_free(s->arguments.items);
    memset(s, 0, sizeof *s);
}
