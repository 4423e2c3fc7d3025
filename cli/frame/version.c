/* SPDX-License-Identifier: MIT */
/* clipspan version: the version, and what computes on this machine. */
#include "cli/frame/command.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>

static clipspan_status run_command(cli_session *s, const void *settings, clipspan_error *err)
{
    cli_json json;
    (void)settings;
    (void)err;
    if (s->form == CLI_FORM_TABLE) {
        char threads[CLI_NUMBER_ROOM];
        cli_count_of(threads, (uint64_t)clipspan_default_threads(), "thread");
        cli_say(s, "clipspan %s", clipspan_version());
        cli_say(s, "kernels %s, products by %s", clipspan_cpu_level(), clipspan_product_name());
        cli_say(s, "bf16 %s, %s", clipspan_has_bf16() ? "yes" : "no", threads);
        return CLIPSPAN_OK;
    }
    cli_json_begin(&json, stdout, cli_flat(s), "clipspan.version.v1");
    cli_json_text(&json, "version", clipspan_version());
    cli_json_text(&json, "cpu_level", clipspan_cpu_level());
    cli_json_text(&json, "products", clipspan_product_name());
    cli_json_flag(&json, "bf16", clipspan_has_bf16());
    cli_json_whole(&json, "threads", (uint64_t)clipspan_default_threads());
    cli_json_finish(&json);
    return CLIPSPAN_OK;
}

static const cli_option options[] = {
    CLI_OPT_FORM,
};

const cli_command cli_version = {
    .name = "version",
    .usage = "",
    .summary = "the version, and the kernels used on this machine",
    .about = "Prints the library's version, the kernel level in use, the library of matrix "
             "products, whether bf16 is supported, and the number of threads.",
    .examples = "clipspan version\tversion and machine",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run_command,
};
