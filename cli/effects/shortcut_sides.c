/* SPDX-License-Identifier: MIT */
/* Classes and labels of further classifications. */
#include "cli/effects/shortcut_sides.h"
#include "base/memory.h"
#include "cli/in/texts.h"

#include <stdio.h>
#include <string.h>

/* The column, or the file without its folder and templates. */
static void name_side(cli_side *side, const char *given)
{
    const size_t column = strcspn(given, "=");
    const char *begin = given, *end = given + column;
    if (!*end) {
        end = given + strcspn(given, ":");
        for (const char *p = given; p < end; p++)
            if (*p == '/') begin = p + 1;
    }
    snprintf(side->name, sizeof side->name, "%.*s", (int)(end - begin), begin);
}

static clipspan_status open_column(clipspan_inputs **out, const cli_evaluation_settings *x,
                                   const char *column, clipspan_error *err)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    options.root = x->root;
    options.path_column = x->path_column;
    options.labels = column;
    return clipspan_inputs_open(out, &x->from, 1, &options, err);
}

static clipspan_status read_labels(cli_side *side, const cli_evaluation *ev, const char *column,
                                   clipspan_error *err)
{
    clipspan_inputs *inputs;
    clipspan_status status;
    if (!ev->x->from)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--also %s=…: a column of which file? Give it with --from FILE.csv", column);
    side->labels = cs_alloc((size_t)clipspan_evaluation_get_info(ev->study)->images,
                            sizeof *side->labels, "labels", err);
    if (!side->labels) return CLIPSPAN_E_NOMEM;
    CS_TRY(open_column(&inputs, ev->x, column, err));
    status =
        clipspan_evaluation_read_labels(side->labels, NULL, ev->study, side->bank, inputs, err);
    clipspan_inputs_close(&inputs);
    side->options.labels = side->labels;
    return status;
}

/* copy is cut up. */
static clipspan_status open_side(cli_side *side, const cli_evaluation *ev, char *copy,
                                 clipspan_error *err)
{
    char *file = strchr(copy, '='), *templates;
    const char *column = file ? copy : NULL;
    if (file)
        *file++ = '\0';
    else
        file = copy;
    templates = strchr(file, ':');
    if (templates) *templates++ = '\0';
    CS_TRY(cli_class_file_open(&side->classes, file, err));
    CS_TRY(cli_classifier_make(&side->bank, ev->session, ev->encoder, side->classes,
                               templates ? templates : ev->x->classes.templates, err));
    side->options.bank = side->bank;
    return column ? read_labels(side, ev, column, err) : CLIPSPAN_OK;
}

clipspan_status cli_sides_open(cli_sides *sides, const cli_evaluation *ev, const cli_list *given,
                               clipspan_error *err)
{
    const clipspan_remedy_side_options none = CLIPSPAN_REMEDY_SIDE_OPTIONS_INIT;
    clipspan_status status = CLIPSPAN_OK;
    sides->side = cs_alloc_zero(given->count, sizeof *sides->side, "side effects", err);
    sides->option = cs_alloc_zero(given->count, sizeof *sides->option, "side effects", err);
    if (!sides->side || !sides->option) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < given->count && status == CLIPSPAN_OK; i++) {
        cli_side *side = &sides->side[sides->count++];
        char *copy = cs_strdup(given->items[i], err);
        name_side(side, given->items[i]);
        side->options = none;
        side->options.name = side->name;
        side->options.words = given->items[i];
        sides->option[i] = &side->options;
        status = copy ? open_side(side, ev, copy, err) : CLIPSPAN_E_NOMEM;
        cs_free(copy);
    }
    return status;
}

void cli_sides_close(cli_sides *sides)
{
    for (size_t i = 0; i < sides->count; i++) {
        clipspan_bank_free(&sides->side[i].bank);
        clipspan_texts_free(&sides->side[i].classes);
        cs_free(sides->side[i].labels);
    }
    cs_free(sides->side);
    cs_free(sides->option);
    memset(sides, 0, sizeof *sides);
}
