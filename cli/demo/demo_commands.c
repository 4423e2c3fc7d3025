/* SPDX-License-Identifier: MIT */
/* The commands that give the demo's figures on the demo itself, chapter by chapter, and which key
 * of a command's document each figure is: tests/demo/check_commands.py runs them and compares. */
#include "cli/demo/demo.h"

#include <string.h>

#define SHARE(figure, key)                                                                         \
    figure "scenes=" key ".images\n" figure "right=" key ".correct\n" figure "accuracy=" key       \
           ".accuracy\n" figure "low=" key ".low\n" figure "high=" key ".high\n"

/* Birds with their backgrounds, as a classification or a scan takes them. */
#define BIRDS   "--labels bird --groups bird,background"
#define CLASSES "--classes demo/bird --templates demo/bird.templates"

const cli_demo_command cli_demo_sheet_commands[] = {
    {"clipspan info demo",
     "/layers=image.layers\n/heads_per_layer=image.heads\n/parameters=parameters"},
    {"clipspan pixels demo demo/look.csv -o FOLDER/seen.npy --force", "scenes=shape.0"},
    {NULL, NULL},
};

#define SIGHT(factor)                                                                              \
    {                                                                                              \
        "clipspan classify demo demo/test.csv --labels " factor " --classes demo/" factor          \
        " --templates demo/" factor ".templates",                                                  \
            SHARE("factors[factor=" factor "].", "overall")                                        \
    }

const cli_demo_command cli_demo_sight_commands[] = {
    SIGHT("shape"), SIGHT("colour"), SIGHT("texture"),    SIGHT("size"),
    SIGHT("place"), SIGHT("count"),  SIGHT("background"), {NULL, NULL},
};

#define GROUP(bird, ground)                                                                        \
    SHARE("groups[bird=" bird ",background=" ground "].", "per_group[group=" bird "/" ground "]")
#define LOOK(bird, ground)                                                                         \
    "look[bird=" bird ",background=" ground "].scenes=per_group[group=" bird "/" ground "]."       \
    "images\n"

const cli_demo_command cli_demo_shortcut_commands[] = {
    {"clipspan classify demo demo/test.csv " BIRDS " " CLASSES,
     SHARE("", "overall") GROUP("hen", "grass") GROUP("duck", "grass") GROUP("hen", "water")
         GROUP("duck", "water") SHARE("worst_group.", "worst_group")},
    {"clipspan classify demo demo/look.csv " BIRDS " " CLASSES,
     LOOK("hen", "grass") LOOK("duck", "grass") LOOK("hen", "water") LOOK("duck", "water")},
    {NULL, NULL},
};

const cli_demo_command cli_demo_scan_commands[] = {
    {"clipspan scan demo demo/look.csv " BIRDS " --verify-sum -o FOLDER/scanned --force",
     "scenes=used\nlargest_difference=call.residual"},
    {NULL, NULL},
};

const cli_demo_command cli_demo_atlas_commands[] = {
    {"clipspan roles FOLDER/run --texts demo",
     "expected_false_claims=expected_false_claims\nroles[].head=heads[].head\n"
     "roles[].outcome=heads[].role.outcome\nroles[].category=heads[].role.category\n"
     "roles[].explained_variance=heads[].role.explained_variance\n"
     "roles[].control_variance=heads[].role.control_variance\n"
     "roles[].control_above=heads[].role.control_above\nroles[].q=heads[].role.q\n"
     "roles[].stability=heads[].role.stability\nroles[].share=heads[].variance_share.share"},
    {NULL, NULL},
};

/* An outcome is a line of the chapter; its key has the accuracy of all and of the worst group. */
#define OUTCOME(name, key, worst)                                                                  \
    "remedies[name=" name "].right=" key ".after_correct\n"                                        \
    "remedies[name=" name "].accuracy=" key ".after\n"                                             \
    "remedies[name=" name "].group_right=" worst ".after_correct\n"                                \
    "remedies[name=" name "].worst=" worst ".after\n"                                              \
    "remedies[name=" name "].low=" worst ".after_low\n"                                            \
    "remedies[name=" name "].high=" worst ".after_high\n"
#define REMEDY(name, what)                                                                         \
    OUTCOME(name, "pairs.0.remedies[" what "].overall", "pairs.0.remedies[" what "].worst_group")
#define RANDOM                                                                                     \
    "remedies[name=random].accuracy=pairs.0.random.overall.mean\n"                                 \
    "remedies[name=random].worst=pairs.0.random.worst_group.mean\n"                                \
    "remedies[name=random].low=pairs.0.random.worst_group.low\n"                                   \
    "remedies[name=random].high=pairs.0.random.worst_group.high\n"                                 \
    "remedies[name=random].as_good=pairs.0.random.worst_group.as_good\n"
#define ALSO(factor) " --also " factor "=demo/" factor ":demo/" factor ".templates"

const cli_demo_command cli_demo_remedy_commands[] = {
    {"clipspan ablate FOLDER/test-run --mean FOLDER/run --role " CLI_DEMO_ROLE " " CLASSES,
     OUTCOME("role", "overall", "worst_group")},
    {"clipspan shortcut FOLDER/test-run --mean FOLDER/run --cue \"" CLI_DEMO_CUE "\" " CLASSES
     " --from demo/test.csv" ALSO("shape") ALSO("colour") ALSO("texture") ALSO("size") ALSO("place")
         ALSO("count") ALSO("background"),
     REMEDY("nothing", "what=nothing") REMEDY("chosen", "what=chosen")
         RANDOM REMEDY("projection", "what=baseline: text projection")
             REMEDY("embedding", "what=baseline: whole embedding")},
    {NULL, NULL},
};

const cli_demo_command cli_demo_maps_commands[] = {
    {"clipspan heatmap demo demo/test/0200.png --texts demo/colour --templates "
     "demo/colour.templates --contrast runner-up -o FOLDER/maps --force",
     "first.maps.0.highest=images.0.maps[text=orange].highest\n"
     "first.maps.0.row=images.0.maps[text=orange].row\n"
     "first.maps.0.column=images.0.maps[text=orange].column\n"
     "first.maps.1.highest=images.0.maps[text=pink].highest\n"
     "first.maps.1.row=images.0.maps[text=pink].row\n"
     "first.maps.1.column=images.0.maps[text=pink].column"},
    {NULL, NULL},
};

#define MASKS(name, method)                                                                        \
    "methods[name=" name "].miou=scores[method=" method ",threshold=mean,protocol=aligned].miou\n" \
    "methods[name=" name "].miou_otsu=scores[method=" method                                       \
    ",threshold=otsu,protocol=aligned].miou\n"                                                     \
    "methods[name=" name "].pointing=scores[method=" method                                        \
    ",threshold=mean,protocol=aligned].pointing\n"

const cli_demo_command cli_demo_segment_commands[] = {
    {"clipspan segment demo demo/test.csv --labels colour --classes demo/colour --templates "
     "demo/colour.templates --masks mask",
     "scenes=images\n" MASKS("patches", "clipspan") MASKS("attention", "attention")
         MASKS("rollout", "rollout")},
    {NULL, NULL},
};

const cli_demo_command cli_demo_search_commands[] = {
    {"clipspan search FOLDER/run --like demo/test/0000.png",
     "first.embedding.hits[].path=hits[].path\nfirst.embedding.hits[].score=hits[].score"},
    {"clipspan search FOLDER/run --like demo/test/0000.png --role colour",
     "first.role.hits[].path=hits[].path\nfirst.role.hits[].score=hits[].score"},
    {NULL, NULL},
};

const cli_demo_command cli_demo_explain_commands[] = {
    {"clipspan explain demo demo/test/0000.png --text \"a purple circle\" --text \"a yellow "
     "circle\" --text \"a purple star\" --contrast runner-up --size 512 --run FOLDER/run -o "
     "FOLDER/why.html --force",
     "file:explain.html=why.html"},
    {NULL, NULL},
};

const cli_demo_command cli_demo_report_commands[] = {
    {"clipspan report FOLDER/run --texts demo -o FOLDER/page.html --force",
     "file:report.html=page.html"},
    {NULL, NULL},
};

/* ---- Printing ---- */

/* Whether a shell takes the name as it is. */
static int is_plain(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._+-,=:@%";
    return *name && *name != '-' && strspn(name, plain) == strlen(name);
}

static void append(char *out, size_t room, size_t *used, const char *text, size_t length)
{
    if (*used + length + 1 > room) length = room - *used - 1;
    memcpy(out + *used, text, length);
    *used += length;
    out[*used] = '\0';
}

/* The folder as a shell takes it, what follows it in the word included. */
static void append_word(char *out, size_t room, size_t *used, const char *folder, const char *rest,
                        size_t length)
{
    const int quoted = !is_plain(folder);
    if (*folder == '-') append(out, room, used, "./", 2);
    if (quoted) append(out, room, used, "'", 1);
    for (; *folder; folder++)
        if (*folder == '\'')
            append(out, room, used, "'\\''", 4);
        else
            append(out, room, used, folder, 1);
    append(out, room, used, rest, length);
    if (quoted) append(out, room, used, "'", 1);
}

/* `text` with the demo's folder in place of FOLDER. */
static void fill_in(char *out, size_t room, const char *text, const char *folder)
{
    size_t used = 0;
    const char *at;
    *out = '\0';
    while ((at = strstr(text, "FOLDER")) != NULL) {
        const size_t rest = strcspn(at + 6, " ");
        append(out, room, &used, text, (size_t)(at - text));
        append_word(out, room, &used, folder, at + 6, rest);
        text = at + 6 + rest;
    }
    append(out, room, &used, text, strlen(text));
}

/* "FIGURE=KEY\n..." as rows; what stands in brackets has equals signs of its own. */
static void emit_figures(cli_json *json, const char *figures)
{
    char figure[256], key[256];
    cli_json_array(json, "figures");
    while (*figures) {
        const size_t length = strcspn(figures, "\n");
        size_t at = 0;
        for (int inside = 0; at < length && (inside || figures[at] != '='); at++)
            inside = figures[at] == '[' || (inside && figures[at] != ']');
        snprintf(figure, sizeof figure, "%.*s", (int)at, figures);
        snprintf(key, sizeof key, "%.*s", (int)(length - at - 1), figures + at + 1);
        cli_json_row(json, NULL);
        cli_json_text(json, "figure", figure);
        cli_json_text(json, "key", key);
        cli_json_end(json);
        figures += length + (figures[length] == '\n');
    }
    cli_json_end(json);
}

void cli_demo_commands(cli_demo_job *d, const cli_demo_chapter *chapter)
{
    const cli_demo_command *commands = chapter->commands;
    char line[4096];
    if (d->tells) putchar('\n');
    cli_demo_say(d, "%s:", chapter->given ? chapter->given : "The same figures");
    cli_json_array(&d->json, "commands");
    for (; commands->line; commands++) {
        fill_in(line, sizeof line, commands->line, d->out);
        if (d->tells) {
            fputs("  $ ", stdout);
            cli_print_command(stdout, d->session, line, 4, 8, " \\");
            putchar('\n');
        }
        cli_json_object(&d->json, NULL);
        cli_json_text(&d->json, "command", line);
        emit_figures(&d->json, commands->figures);
        cli_json_end(&d->json);
    }
    cli_json_end(&d->json);
}
