/* SPDX-License-Identifier: MIT */
/* clipspan info: what a checkpoint is. */
#include "cli/frame/command.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <inttypes.h>
#include <string.h>

typedef struct {
    cli_model_settings load;
    int tensors, hash, check;
} settings;

typedef struct findings {
    const settings *x;
    const clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_model_check check;
} findings;

static const char *layout_name(clipspan_layout layout)
{
    return layout == CLIPSPAN_LAYOUT_OPENCLIP ? "OpenCLIP" : "Hugging Face";
}

static const char *activation_name(clipspan_activation activation)
{
    return activation == CLIPSPAN_QUICK_GELU  ? "QuickGELU"
           : activation == CLIPSPAN_TANH_GELU ? "GELU with tanh"
                                              : "exact GELU";
}

static const char *activation_key(clipspan_activation activation)
{
    return activation == CLIPSPAN_QUICK_GELU  ? "quick_gelu"
           : activation == CLIPSPAN_TANH_GELU ? "tanh_gelu"
                                              : "gelu";
}

static const char *readout_name(clipspan_readout readout)
{
    static const char *const names[] = {"",
                                        "class token",
                                        "end-of-text token",
                                        "last position",
                                        "mean of patches",
                                        "attention pool"};
    return names[readout];
}

static const char *resize_name(clipspan_resize resize)
{
    return resize == CLIPSPAN_SQUASH    ? "squash"
           : resize == CLIPSPAN_LONGEST ? "longest"
                                        : "shortest";
}

static const char *kernel_name(clipspan_kernel kernel)
{
    return kernel == CLIPSPAN_BILINEAR ? "bilinear" : "bicubic";
}

static void emit_encoder(cli_json *j, const char *key, const clipspan_encoder_info *encoder)
{
    cli_json_object(j, key);
    cli_json_whole(j, "layers", (uint64_t)encoder->layers);
    cli_json_whole(j, "width", (uint64_t)encoder->width);
    cli_json_whole(j, "heads", (uint64_t)encoder->heads);
    cli_json_whole(j, "head_width", (uint64_t)encoder->head_width);
    cli_json_whole(j, "mlp_width", (uint64_t)encoder->mlp_width);
    cli_json_single(j, "eps", encoder->eps);
    cli_json_whole(j, "parameters", encoder->parameters);
}

static void emit_encoders(cli_json *j, const clipspan_model_info *info)
{
    emit_encoder(j, "image", info->image);
    cli_json_whole(j, "input_height", (uint64_t)info->input_height);
    cli_json_whole(j, "input_width", (uint64_t)info->input_width);
    cli_json_whole(j, "patch_size", (uint64_t)info->patch_size);
    cli_json_whole(j, "grid_height", (uint64_t)info->grid_height);
    cli_json_whole(j, "grid_width", (uint64_t)info->grid_width);
    cli_json_whole(j, "tokens", (uint64_t)info->tokens);
    cli_json_flag(j, "ln_pre", info->has_ln_pre);
    cli_json_whole(j, "heads_left", (uint64_t)info->heads_left);
    cli_json_text(j, "readout", readout_name(info->readout));
    cli_json_flag(j, "class_token", info->class_token);
    cli_json_whole(j, "split_layers", (uint64_t)info->split_layers);
    cli_json_whole(j, "split_heads", (uint64_t)info->split_heads);
    cli_json_end(j);
    if (!info->has_text) return;
    emit_encoder(j, "text", info->text);
    cli_json_whole(j, "context_length", (uint64_t)info->context_length);
    cli_json_whole(j, "vocab_size", (uint64_t)info->vocab_size);
    cli_json_text(j, "tokenizer", info->tokenizer);
    cli_json_flag(j, "own_tokenizer", info->own_tokenizer);
    cli_json_text(j, "activation", activation_key(info->text_activation));
    cli_json_text(j, "readout", readout_name(info->text_readout));
    cli_json_flag(j, "sigmoid", info->has_logit_bias);
    cli_json_end(j);
}

static void emit_preprocess(cli_json *j, const clipspan_model_info *info)
{
    int i;
    cli_json_object(j, "preprocess");
    cli_json_text(j, "resize", resize_name(info->resize));
    cli_json_text(j, "kernel", kernel_name(info->kernel));
    cli_json_flag(j, "rgb_first", info->convert_first);
    cli_json_text(j, "crop_rounding", info->floor_crop ? "down" : "half to even");
    cli_json_line(j, "fill");
    for (i = 0; i < 3; i++)
        cli_json_whole(j, NULL, (uint64_t)info->fill[i]);
    cli_json_end(j);
    cli_json_line(j, "mean");
    for (i = 0; i < 3; i++)
        cli_json_single(j, NULL, info->mean[i]);
    cli_json_end(j);
    cli_json_line(j, "std");
    for (i = 0; i < 3; i++)
        cli_json_single(j, NULL, info->std[i]);
    cli_json_end(j);
    cli_json_end(j);
}

static clipspan_status emit_files(cli_json *j, cli_session *s, const findings *f,
                                  clipspan_error *err)
{
    const clipspan_model *model = f->model;
    clipspan_status status = CLIPSPAN_OK;
    clipspan_progress progress = {cli_progress_step, s};
    size_t files = clipspan_model_get_files(model), i;
    cli_json_array(j, "files");
    for (i = 0; i < files && status == CLIPSPAN_OK; i++) {
        char hash[65];
        cli_json_row(j, NULL);
        cli_json_text(j, "path", clipspan_model_get_file(model, i));
        if (f->x->hash) {
            cli_progress_begin(s, "bytes");
            status = clipspan_model_run_hash(hash, model, i, &progress, err);
            cli_progress_end(s);
            if (status == CLIPSPAN_OK) cli_json_text(j, "sha256", hash);
        }
        cli_json_end(j);
    }
    cli_json_end(j);
    return status;
}

static clipspan_status emit_tensors(cli_json *j, const findings *f, clipspan_error *err)
{
    cli_json_array(j, "tensors");
    for (size_t i = 0; i < f->info->tensors; i++) {
        clipspan_tensor_info tensor;
        CS_TRY(clipspan_model_get_tensor(&tensor, f->model, i, err));
        cli_json_row(j, NULL);
        cli_json_text(j, "name", tensor.name);
        cli_json_text(j, "dtype", tensor.dtype);
        cli_json_line(j, "shape");
        for (int k = 0; k < tensor.rank; k++)
            cli_json_whole(j, NULL, tensor.shape[k]);
        cli_json_end(j);
        cli_json_text(j, "file", tensor.file);
        cli_json_whole(j, "offset", tensor.offset);
        cli_json_whole(j, "bytes", tensor.bytes);
        cli_json_end(j);
    }
    cli_json_end(j);
    return CLIPSPAN_OK;
}

static clipspan_status emit(cli_session *s, const findings *f, clipspan_error *err)
{
    const clipspan_model_info *info = f->info;
    cli_json j;
    cli_json_begin(&j, stdout, cli_flat(s), "clipspan.info.v1");
    cli_json_text(&j, "name", info->name);
    cli_json_text(&j, "path", info->path);
    cli_json_text(&j, "layout",
                  info->layout == CLIPSPAN_LAYOUT_OPENCLIP ? "openclip" : "huggingface");
    cli_json_text(&j, "activation", activation_key(info->activation));
    cli_json_text(&j, "activation_source", info->activation_source);
    cli_json_whole(&j, "embed_width", (uint64_t)info->embed_width);
    cli_json_whole(&j, "parameters", info->image->parameters + info->text->parameters);
    emit_encoders(&j, info);
    emit_preprocess(&j, info);
    cli_json_whole(&j, "tensor_count", (uint64_t)info->tensors);
    cli_json_whole(&j, "bytes", info->bytes);
    CS_TRY(emit_files(&j, s, f, err));
    if (f->x->check) {
        cli_json_object(&j, "check");
        cli_json_whole(&j, "values", f->check.values);
        cli_json_whole(&j, "nan", f->check.nan);
        cli_json_whole(&j, "inf", f->check.inf);
        cli_json_whole(&j, "denormal", f->check.denormal);
        cli_json_text(&j, "first_bad", *f->check.first_bad ? f->check.first_bad : NULL);
        cli_json_end(&j);
    }
    if (f->x->tensors) CS_TRY(emit_tensors(&j, f, err));
    cli_json_finish(&j);
    return CLIPSPAN_OK;
}

static clipspan_status add_number(cli_table *table, int value, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    cli_format_count(text, (uint64_t)value);
    return cli_table_add(table, text, err);
}

static clipspan_status add_encoder(cli_table *table, const char *name,
                                   const clipspan_encoder_info *encoder, const char *input,
                                   clipspan_error *err)
{
    char parameters[CLI_NUMBER_ROOM];
    cli_format_millions(parameters, (double)encoder->parameters);
    CS_TRY(cli_table_add(table, name, err));
    CS_TRY(add_number(table, encoder->layers, err));
    CS_TRY(add_number(table, encoder->width, err));
    CS_TRY(add_number(table, encoder->heads, err));
    CS_TRY(add_number(table, encoder->head_width, err));
    CS_TRY(add_number(table, encoder->mlp_width, err));
    CS_TRY(cli_table_add(table, parameters, err));
    return cli_table_add(table, input, err);
}

static clipspan_status print_encoders(const cli_session *s, const clipspan_model_info *info,
                                      clipspan_error *err)
{
    static const char headers[] = "encoder|>layers|>width|>heads|>of width|>MLP|>parameters|takes";
    char input[128], vocabulary[CLI_NUMBER_ROOM];
    clipspan_status status;
    cli_table table;
    cli_table_init(&table, headers);
    snprintf(input, sizeof input, "patch %d: %d tokens", info->patch_size, info->tokens);
    CS_TRY_DONE(add_encoder(&table, "image", info->image, input, err));
    if (info->has_text) {
        cli_format_count(vocabulary, (uint64_t)info->vocab_size);
        snprintf(input, sizeof input, "%d tokens of %s", info->context_length, vocabulary);
        CS_TRY_DONE(add_encoder(&table, "text", info->text, input, err));
    }
    cli_table_print(&table, s, stdout);
done:
    cli_table_fini(&table);
    return status;
}

/* One fact: its name in a column of its own, its words beside it. */
static void fact(const cli_session *s, const char *name, const char *text)
{
    printf("  %-12s ", name);
    cli_print_text(stdout, s, text, 15, 15);
    putchar('\n');
}

static void print_preprocess(const cli_session *s, const clipspan_model_info *info)
{
    char text[192];
    const char *rgb = info->convert_first ? "RGB first, then " : "";
    const char *times = s->unicode ? "\xC3\x97" : "x";
    if (info->resize == CLIPSPAN_SHORTEST)
        snprintf(text, sizeof text, "%sshortest edge resized (%s), %d %s %d cut from the centre",
                 rgb, kernel_name(info->kernel), info->input_height, times, info->input_width);
    else if (info->resize == CLIPSPAN_SQUASH)
        snprintf(text, sizeof text, "%sresized to %d %s %d (%s), aspect not kept", rgb,
                 info->input_height, times, info->input_width, kernel_name(info->kernel));
    else
        snprintf(text, sizeof text, "%slongest edge resized (%s), padded to %d %s %d with %d %d %d",
                 rgb, kernel_name(info->kernel), info->input_height, times, info->input_width,
                 info->fill[0], info->fill[1], info->fill[2]);
    fact(s, "images", text);
    snprintf(text, sizeof text, "mean %.4g %.4g %.4g, deviation %.4g %.4g %.4g",
             (double)info->mean[0], (double)info->mean[1], (double)info->mean[2],
             (double)info->std[0], (double)info->std[1], (double)info->std[2]);
    fact(s, "", text);
}

static clipspan_status print_files(cli_session *s, const findings *f, clipspan_error *err)
{
    clipspan_progress progress = {cli_progress_step, s};
    char text[192], bytes[CLI_NUMBER_ROOM], tensors[CLI_NUMBER_ROOM];
    size_t files = clipspan_model_get_files(f->model), i;
    cli_format_bytes(bytes, (double)f->info->bytes);
    cli_count_of(tensors, (uint64_t)f->info->tensors, "tensor");
    snprintf(text, sizeof text, "%s, %s, %zu file%s", bytes, tensors, files, files == 1 ? "" : "s");
    fact(s, "weights", text);
    for (i = 0; i < files; i++) {
        char hash[65];
        clipspan_status status;
        fact(s, "", clipspan_model_get_file(f->model, i));
        if (!f->x->hash) continue;
        cli_progress_begin(s, "bytes");
        status = clipspan_model_run_hash(hash, f->model, i, &progress, err);
        cli_progress_end(s);
        CS_TRY(status);
        snprintf(text, sizeof text, "SHA-256 %s", hash);
        fact(s, "", text);
    }
    return CLIPSPAN_OK;
}

static void print_check(const cli_session *s, const clipspan_model_check *check)
{
    char text[256], values[CLI_NUMBER_ROOM], denormal[CLI_NUMBER_ROOM];
    cli_format_count(values, check->values);
    cli_format_count(denormal, check->denormal);
    snprintf(text, sizeof text, "%s numbers: %" PRIu64 " NaN, %" PRIu64 " infinite, %s denormal",
             values, check->nan, check->inf, denormal);
    fact(s, "check", text);
}

static clipspan_status print_tensors(const cli_session *s, const findings *f, clipspan_error *err)
{
    static const char headers[] = "tensor|type|shape|>size";
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t i = 0; i < f->info->tensors; i++) {
        clipspan_tensor_info tensor;
        char shape[200] = "", bytes[CLI_NUMBER_ROOM];
        size_t used = 0;
        CS_TRY_DONE(clipspan_model_get_tensor(&tensor, f->model, i, err));
        for (int k = 0; k < tensor.rank && used < sizeof shape; k++)
            used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%" PRIu64, k ? ", " : "",
                                     tensor.shape[k]);
        cli_format_bytes(bytes, (double)tensor.bytes);
        CS_TRY_DONE(cli_table_add(&table, tensor.name, err));
        CS_TRY_DONE(cli_table_add(&table, tensor.dtype, err));
        CS_TRY_DONE(cli_table_add(&table, shape, err));
        CS_TRY_DONE(cli_table_add(&table, bytes, err));
    }
    putchar('\n');
    cli_table_print(&table, s, stdout);
done:
    cli_table_fini(&table);
    return status;
}

/* Short and plain enough to be copied into a shell. */
static int needs_no_quotes(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789/._-+@:,=");
    return !name[length] && length < 60;
}

static clipspan_status print(cli_session *s, const findings *f, clipspan_error *err)
{
    const clipspan_model_info *info = f->info;
    char text[512], parameters[CLI_NUMBER_ROOM];
    if (s->bold_out) fputs("\033[1m", stdout);
    cli_print_text(stdout, s, info->name, 0, 0);
    printf("%s\n\n", s->bold_out ? "\033[0m" : "");
    CS_TRY(print_encoders(s, info, err));
    putchar('\n');
    snprintf(text, sizeof text, "%s, %s, embedding dimension %d", layout_name(info->layout),
             info->has_text ? "image and text encoder" : "image encoder only", info->embed_width);
    fact(s, "layout", text);
    if (info->heads_left < info->image->layers * info->image->heads) {
        snprintf(text, sizeof text, "%d of the image encoder's %d heads %s left (heads_per_layer)",
                 info->heads_left, info->image->layers * info->image->heads,
                 info->heads_left == 1 ? "is" : "are");
        fact(s, "heads", text);
    }
    snprintf(text, sizeof text, "%s (%s)", activation_name(info->activation),
             info->activation_source);
    fact(s, "activation", text);
    if (info->has_text && info->text_activation != info->activation) {
        snprintf(text, sizeof text, "text encoder: %s", activation_name(info->text_activation));
        fact(s, "", text);
    }
    snprintf(text, sizeof text, "%s%s%s", readout_name(info->readout),
             info->has_text ? "; texts: " : "",
             info->has_text ? readout_name(info->text_readout) : "");
    fact(s, "readout", text);
    if (info->readout == CLIPSPAN_READ_POOL)
        snprintf(text, sizeof text,
                 "%d heads of the attention pool, as one layer; its MLP is one part more",
                 info->split_heads);
    else
        snprintf(text, sizeof text, "%d layers of %d heads", info->split_layers, info->split_heads);
    fact(s, "split", text);
    if (!info->has_ln_pre) fact(s, "", "no LayerNorm before the first block");
    print_preprocess(s, info);
    if (info->has_text)
        fact(s, "tokenizer",
             *info->tokenizer      ? info->tokenizer
             : info->own_tokenizer ? "its own, of which no file lies beside the configuration"
                                   : "CLIP's standard table");
    CS_TRY(print_files(s, f, err));
    if (f->x->check) print_check(s, &f->check);
    if (f->x->tensors) CS_TRY(print_tensors(s, f, err));
    cli_format_millions(parameters, (double)(info->image->parameters + info->text->parameters));
    putchar('\n');
    cli_say(s, "%s parameters. Next:", parameters);
    cli_say(s, "  clipspan embed %s IMAGES -o embeddings.npy",
            needs_no_quotes(info->name) ? info->name : "MODEL");
    return CLIPSPAN_OK;
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    clipspan_model *model = NULL;
    findings f = {.x = x};
    CS_TRY(cli_model_open(&model, s, s->arguments.items[0], &x->load, err));
    f.model = model;
    f.info = clipspan_model_get_info(model);
    if (x->check) {
        cli_progress_begin(s, "bytes");
        status = clipspan_model_run_check(&f.check, model, &progress, err);
        cli_progress_end(s);
        if (status != CLIPSPAN_OK) goto done;
        cli_stage(s, "weights read");
    }
    CS_TRY_DONE(s->form == CLI_FORM_TABLE ? print(s, &f, err) : emit(s, &f, err));
    if (f.check.nan || f.check.inf)
        status = cs_fail(err, CLIPSPAN_E_NUMBERS,
                         "%s: the weights hold %" PRIu64 " NaN and %" PRIu64
                         " infinite numbers, first in tensor %s",
                         f.info->name, f.check.nan, f.check.inf, f.check.first_bad);
done:
    clipspan_model_close(&model);
    return status;
}

static const cli_option options[] = {
    CLI_FLAG("Report", "tensors", 0, "list every tensor", tensors),
    CLI_FLAG("Report", "hash", 0, "SHA-256 of the weight files", hash),
    CLI_FLAG("Report", "check", 0,
             "read every weight and look for NaN, infinity and subnormal numbers", check),
    CLI_OPT_MODEL_FILES,
    CLI_OPT_FORM,
};

const cli_command cli_info = {
    .name = "info",
    .usage = "MODEL",
    .summary = "check a checkpoint against its configuration, without reading weights",
    .about = "Shows the layout, the activation and how it was determined, both encoders, "
             "preprocessing, tokenizer and files. All tensors that the files list are checked "
             "against the configuration; weights are read only with --check and --hash.\n"
             "MODEL is a folder (OpenCLIP or Hugging Face layout), a .safetensors file with its "
             "configuration beside it, or a name such as ViT-B-16/laion2b_s34b_b88k that is looked "
             "up in the local Hugging Face cache.",
    .examples = "clipspan info models/ViT-B-16\tthe summary\n"
                "clipspan info model.safetensors --config ViT-B-16 --check\ta bare file, its "
                "weights checked\n"
                "clipspan info models/ViT-B-16 --json | jq .image.layers\tone number",
    .arguments = {"MODEL"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns = "encoder\timage or text\n"
               "layers\ttransformer layers\n"
               "width\tof the residual stream\n"
               "heads\tattention heads in a layer\n"
               "of width\tdimensions of a head\n"
               "MLP\thidden units of a layer's MLP\n"
               "parameters\tweights and biases of the encoder\n"
               "takes\tits input: patches and tokens of an image; context length and vocabulary "
               "size of a text\n"
               "tensor\twith --tensors: its name in the checkpoint\n"
               "type\tits data type\n"
               "shape\tits dimensions\n"
               "size\tbytes in the file",
};
