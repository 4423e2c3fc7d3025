/* SPDX-License-Identifier: MIT */
/* Opening the model and checking output paths. */
#define _POSIX_C_SOURCE 200809L
#include "cli/out/target.h"
#include "base/file.h"
#include "base/memory.h"

#include <clipspan/clipspan.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

clipspan_status cli_model_open(clipspan_model **out, cli_session *s, const char *path,
                               const cli_model_settings *settings, clipspan_error *err)
{
    static const int gelu[] = {0, 1, -1};
    clipspan_model_options options = CLIPSPAN_MODEL_OPTIONS_INIT;
    options.config = settings->config;
    options.quick_gelu = gelu[settings->quick_gelu];
    options.allow_nonfinite = settings->allow_nonfinite;
    CS_TRY(clipspan_model_open(out, path, &options, err));
    cli_stage(s, "checkpoint opened");
    return CLIPSPAN_OK;
}

int cli_threads(const cli_session *s)
{
    return s->threads ? (int)s->threads : clipspan_default_threads();
}

int cli_ends_in(const char *text, const char *ending)
{
    size_t a = strlen(text), b = strlen(ending);
    return a > b && strcmp(text + a - b, ending) == 0;
}

static clipspan_status check_differs(const struct stat *facts, const char *path, const char *source,
                                     clipspan_error *err)
{
    struct stat other;
    if (!source || stat(source, &other) != 0 || !S_ISREG(other.st_mode)) return CLIPSPAN_OK;
    if (other.st_dev != facts->st_dev || other.st_ino != facts->st_ino) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, path,
                      "would be written over, but is read as input; choose another name");
}

/* None of what the options and arguments name as input. */
static clipspan_status check_sources(const cli_session *s, const char *path,
                                     const struct stat *facts, clipspan_error *err)
{
    for (size_t i = 0; i < s->arguments.count; i++)
        CS_TRY(check_differs(facts, path, s->arguments.items[i], err));
    for (size_t i = 0; s->settings && i < s->command->option_count; i++) {
        const cli_option *option = &s->command->options[i];
        const char *source;
        if (!option->is_read) continue;
        memcpy(&source, (const char *)s->settings + option->offset, sizeof source);
        CS_TRY(check_differs(facts, path, source, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_target_check(const cli_session *s, const char *path, int force,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    struct stat facts;
    char *folder;
    if (stat(path, &facts) == 0) CS_TRY(check_sources(s, path, &facts, err));
    if (cs_path_kind(path) == 2)
        return cs_fail_at(err, CLIPSPAN_E_WRITE, path, "is a folder, where a file was expected");
    cs_output_recover(path);
    if (lstat(path, &facts) == 0 && !force)
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, path, "already exists; use --force to overwrite");
    folder = cs_path_folder(path, err);
    if (!folder) return CLIPSPAN_E_NOMEM;
    if (cs_path_kind(folder) != 2)
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, path,
                            "cannot be written: its folder does not exist (mkdir -p makes it)");
    else if (access(folder, W_OK) != 0)
        status = cs_fail_at(err, CLIPSPAN_E_WRITE, path, "cannot be written: %s", strerror(errno));
    cs_free(folder);
    return status;
}

int cli_names_file(const char *name)
{
    static const char *const endings[] = {
        ".npy", ".npz", ".csv",  ".tsv", ".json", ".html", ".htm", ".txt",         ".md", ".pdf",
        ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg",  ".zip", ".safetensors", ".pt", ".bin"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (cli_ends_in(name, endings[i])) return 1;
    return 0;
}

clipspan_status cli_folder_check(const char *output, const char *writer, const char *what,
                                 clipspan_error *err)
{
    const int kind = cs_path_kind(output);
    if (kind == 2) return CLIPSPAN_OK;
    if (kind != 0)
        return cs_fail_at(err, CLIPSPAN_E_WRITE, output, "is a file, where a folder was expected");
    if (!cli_names_file(output)) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--output: \"%.300s\" is the name of a file, but %s writes a folder with %s; "
                   "name one without a suffix",
                   output, writer, what);
}

clipspan_status cli_ending_check(const char *output, const char *ending, const char *writer,
                                 const char *what, clipspan_error *err)
{
    if (cli_ends_in(output, ending)) return CLIPSPAN_OK;
    return cs_fail(
        err, CLIPSPAN_E_ARGUMENT,
        "--output: %s writes %s, so expected a file name that ends in %s, found \"%.300s\"", writer,
        what, ending, output);
}

clipspan_status cli_rows_path(char **out, const char *path, clipspan_error *err)
{
    static const char ending[] = ".rows.csv";
    size_t length = strlen(path);
    *out = NULL;
    if (!cli_ends_in(path, ".npy") || cli_ends_in(path, "/.npy"))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--output: expected a file name that ends in .npy, found \"%s\"", path);
    *out = cs_alloc(length - 4 + sizeof ending, 1, "a path", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    memcpy(*out, path, length - 4);
    memcpy(*out + length - 4, ending, sizeof ending);
    return CLIPSPAN_OK;
}
