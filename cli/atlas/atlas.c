/* SPDX-License-Identifier: MIT */
/* clipspan atlas: scan, span, roles, effects and report in one. */
#include "cli/atlas/atlas_work.h"
#include "cli/atlas/report.h"
#include "cli/effects/effects.h"
#include "cli/frame/command.h"
#include "cli/in/texts.h"
#include "cli/run/scan_work.h"

#include <clipspan/clipspan.h>

typedef struct {
    cli_model_settings load;
    cli_image_settings images;
    cli_encoder_settings encoder;
    cli_output_settings out;
    int coefficients, verify_sum;
    cli_atlas_settings atlas;
    cli_class_settings classes;
    int no_images;
} settings;

/* Classes that were asked for, before any work. */
static clipspan_status check_classes(const settings *x, clipspan_error *err)
{
    clipspan_texts *classes;
    const int wanted = cli_classes_given(&x->classes);
    if (!wanted && (x->classes.templates || x->classes.classifier))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--%s says how classes are told apart; name them "
                       "with --classes",
                       x->classes.templates ? "templates" : "classifier");
    if (!wanted) return CLIPSPAN_OK;
    if (x->coefficients == CLIPSPAN_COEFFICIENTS_NONE)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "--classes needs coefficients of the images, and --coefficients none keeps none");
    CS_TRY(cli_classes_open(&classes, &x->classes, err));
    clipspan_texts_free(&classes);
    return CLIPSPAN_OK;
}

/* The merged run and its model; with --dry-run the plan is shown and there is no run. */
static clipspan_status scan_images(cli_atlas_job *j, const settings *x, clipspan_error *err)
{
    const cli_scan_settings own = {.load = x->load,
                                   .images = x->images,
                                   .encoder = x->encoder,
                                   .out = x->out,
                                   .coefficients = x->coefficients,
                                   .verify_sum = x->verify_sum};
    const cli_list *arguments = &j->session->arguments;
    cli_scan_job scan = {.session = j->session,
                         .x = &own,
                         .model_path = arguments->items[0],
                         .sources = arguments->items + 1,
                         .source_count = arguments->count - 1,
                         .needs_texts = 1,
                         .options = CLIPSPAN_SCAN_OPTIONS_INIT};
    clipspan_status status = cli_scan_run(&scan, err);
    j->model = scan.model;
    scan.model = NULL;
    if (!x->out.dry_run) {
        j->run = scan.run;
        scan.run = NULL;
    }
    cli_scan_close(&scan);
    return status;
}

static clipspan_status make_all(cli_atlas_job *j, const settings *x, clipspan_error *err)
{
    cli_session *s = j->session;
    CS_TRY(cli_atlas_check(&x->atlas, err));
    CS_TRY(check_classes(x, err));
    CS_TRY(scan_images(j, x, err));
    if (!j->run) return CLIPSPAN_OK;
    CS_TRY(cli_atlas_make(j, err));
    if (cli_classes_given(&x->classes)) {
        const cli_effects_settings effects = {.eval.classes = x->classes};
        CS_TRY(cli_effects_beside(s, clipspan_run_get_info(j->run)->path, &effects, err));
    }
    CS_TRY(cli_report_beside(s, j->run, j->atlas, x->no_images, err));
    return cli_atlas_show_roles(s, j->atlas, &j->heads, 1, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    cli_atlas_job j = {.session = s, .x = &x->atlas, .as_main = 1};
    clipspan_status status = make_all(&j, x, err);
    cli_atlas_close(&j);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_ATLAS,
    CLI_OPT_ATLAS_ALL,
    CLI_OPT_CLASSES,
    CLI_OPT_CLASSIFIER,
    CLI_OPT_IMAGES,
    CLI_OPT_NO_IMAGES,
    CLI_OPT_RUN_COEFFICIENTS,
    CLI_OPT_RUN_VERIFY,
    CLI_OPT_PRECISION,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_OPT_ALLOW_NONFINITE,
    CLI_OPT_RUN_OUTPUT,
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_atlas = {
    .name = "atlas",
    .usage = "MODEL INPUT... -o RUN",
    .summary = "scan, span, roles and report in one: every head with basis texts and role",
    .about =
        "Passes every image through the image encoder once, finds for every attention head the "
        "texts that span its output (TEXTSPAN) and its role, tested against random rotations and "
        "control texts, here and in the page RUN/report.html. RUN keeps all of it: the same call "
        "on it goes on where "
        "it stopped, and other questions need no image again.\n"
        "With --classes the page also says what each layer and head does for telling them apart "
        "(effects), by the labels of --labels where there are some.\n"
        "Roles are claimed for all heads together: a category must stand out from random rotations "
        "of the head (--fdr), its texts explain a fifth of the head's variance or more, and more "
        "than every control pool, stable over resamples of the images. That takes 481 images or "
        "more; with fewer the page says that there are too few to tell.",
    .examples =
        "clipspan atlas MODEL photos/ -o run\tevery image below a folder\n"
        "clipspan atlas MODEL photos/ -o run --layers last4 --texts pool.txt\tyour own texts\n"
        "clipspan atlas MODEL photos/ -o run --labels folder --classes names.txt\tand its effects",
    .arguments = {"MODEL", "INPUT..."},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = CLI_ROLE_COLUMNS,
};
