/* SPDX-License-Identifier: MIT */
/* Products by oneDNN's matmul primitive: weights in the layout that it asks for, bias, activation and
 * residual in its epilogue. The only file that knows oneDNN; it speaks versions 2 and 3 of the C API.
 * Scratch memory is ours, so that a run allocates nothing of ours and products of several threads never
 * share. The activation is oneDNN's own: gelu_erf is within 3e-7 of the exact function, swish within
 * 2e-7 relative (test_product.c). */
#include "tensor/product.h"

#ifdef CLIPSPAN_ONEDNN

#    include "base/memory.h"
#    include "base/parallel.h"

#    include <oneapi/dnnl/dnnl.h>
#    include <pthread.h>
#    include <stdio.h>
#    include <stdlib.h>
#    include <string.h>

#    define LAYOUT_ROWS 256 /* rows for which oneDNN is asked which weight layout it likes */

/* Version 2 passes descriptors by value, version 3 by handle; MD is what a function takes. */
#    if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t descriptor;
typedef const_dnnl_memory_desc_t borrowed;
#        define MD(d)      (d)
#        define DESTROY(d) dnnl_memory_desc_destroy(d)
#    else
typedef dnnl_memory_desc_t descriptor;
typedef const dnnl_memory_desc_t *borrowed;
#        define MD(d)      (&(d))
#        define DESTROY(d) ((void)(d))
#    endif

struct cs_matrix {
    size_t outputs, inputs, bytes;
    clipspan_precision precision;
    descriptor layout; /* packed weights; version 3: owned when has_layout */
    int has_layout;
    void *weights;
    float *bias;
    dnnl_memory_t weights_memory, bias_memory;
};

struct cs_product {
    cs_product_plan plan;
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;
    dnnl_memory_t x, y, scratch;
    void *scratch_bytes;
    int has_bias;
};

static dnnl_engine_t shared_engine;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;

/* CLIPSPAN_CPU forces oneDNN down together with our kernels, before it compiles anything. */
static void make_engine(void)
{
    if (getenv("CLIPSPAN_CPU")) {
        cs_level level = cs_simd_best()->level;
        if (level == CS_AVX2) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
        if (level == CS_GENERIC) dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
    }
    if (dnnl_engine_create(&shared_engine, dnnl_cpu, 0) != dnnl_success) shared_engine = NULL;
}

/* The process's one CPU engine: made once, read-only afterwards. */
static dnnl_engine_t engine(void)
{
    pthread_once(&engine_once, make_engine);
    return shared_engine;
}

static clipspan_status failed(dnnl_status_t code, const char *what, clipspan_error *err)
{
    if (code == dnnl_out_of_memory)
        return cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory in oneDNN while %s", what);
    return cs_fail(err, CLIPSPAN_E_INTERNAL, "oneDNN failed with status %d while %s", (int)code,
                   what);
}

#    define TRY_DNNL(call, what)                                                                   \
        do {                                                                                       \
            dnnl_status_t code = (call);                                                           \
            if (code != dnnl_success) {                                                            \
                status = failed(code, what, err);                                                  \
                goto done;                                                                         \
            }                                                                                      \
        } while (0)

static dnnl_status_t describe(descriptor *d, size_t rows, size_t columns, dnnl_data_type_t type,
                              dnnl_format_tag_t tag)
{
    dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
#    if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_tag(d, 2, dims, type, tag);
#    else
    return dnnl_memory_desc_init_by_tag(d, 2, dims, type, tag);
#    endif
}

static dnnl_status_t matmul(dnnl_primitive_desc_t *out, const descriptor d[4], int has_bias,
                            dnnl_primitive_attr_t attr)
{
#    if DNNL_VERSION_MAJOR >= 3
    return dnnl_matmul_primitive_desc_create(out, engine(), d[0], d[1], has_bias ? d[2] : NULL,
                                             d[3], attr);
#    else
    dnnl_matmul_desc_t op;
    dnnl_status_t code = dnnl_matmul_desc_init(&op, &d[0], &d[1], has_bias ? &d[2] : NULL, &d[3]);
    return code != dnnl_success ? code : dnnl_primitive_desc_create(out, &op, attr, engine(), NULL);
#    endif
}

static dnnl_status_t append_epilogue(dnnl_post_ops_t ops, cs_epilogue epilogue)
{
    dnnl_alg_kind_t kind = epilogue == CS_ACT_GELU ? dnnl_eltwise_gelu_erf : dnnl_eltwise_swish;
#    if DNNL_VERSION_MAJOR >= 3
    if (epilogue == CS_ADD) return dnnl_post_ops_append_sum(ops, 1.0F, 0, dnnl_data_type_undef);
    return dnnl_post_ops_append_eltwise(ops, kind, 1.702F, 0.0F);
#    else
    if (epilogue == CS_ADD) return dnnl_post_ops_append_sum(ops, 1.0F);
    return dnnl_post_ops_append_eltwise(ops, 1.0F, kind, 1.702F, 0.0F);
#    endif
}

/* Describes x, weights, bias and y of a product; layout NULL leaves the weights' layout to oneDNN. */
static clipspan_status describe_product(dnnl_primitive_desc_t *out, const cs_matrix *matrix,
                                        const cs_product_plan *plan, borrowed layout,
                                        clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    dnnl_data_type_t type = matrix->precision == CLIPSPAN_BF16 ? dnnl_bf16 : dnnl_f32;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    descriptor d[4];
    int made = 0;
    *out = NULL;
    memset(d, 0, sizeof d);
    TRY_DNNL(describe(&d[0], plan->rows, matrix->inputs, type, dnnl_ab), "describing x");
    made = 1;
#    if DNNL_VERSION_MAJOR >= 3
    if (layout) TRY_DNNL(dnnl_memory_desc_clone(&d[1], layout), "describing weights");
#    else
    if (layout) d[1] = *layout;
#    endif
    else
        TRY_DNNL(describe(&d[1], matrix->inputs, matrix->outputs, type, dnnl_format_tag_any),
                 "describing weights");
    made = 2;
    TRY_DNNL(describe(&d[2], 1, matrix->outputs, dnnl_f32, dnnl_ab), "describing the bias");
    made = 3;
    TRY_DNNL(describe(&d[3], plan->rows, matrix->outputs, plan->bf16_out ? dnnl_bf16 : dnnl_f32,
                      dnnl_ab),
             "describing y");
    made = 4;
    TRY_DNNL(dnnl_primitive_attr_create(&attr), "making attributes");
    TRY_DNNL(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user),
             "choosing scratch memory");
    if (plan->epilogue != CS_STORE) {
        TRY_DNNL(dnnl_post_ops_create(&ops), "making an epilogue");
        TRY_DNNL(append_epilogue(ops, plan->epilogue), "making an epilogue");
        TRY_DNNL(dnnl_primitive_attr_set_post_ops(attr, ops), "setting an epilogue");
    }
    TRY_DNNL(matmul(out, d, matrix->bias != NULL, attr), "preparing a matrix product");
done:
    while (made-- > 0)
        DESTROY(d[made]);
    if (ops) dnnl_post_ops_destroy(ops);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}

/* Rounds and reorders weights from [outputs, inputs] float32 into the packed layout. */
static clipspan_status pack(cs_matrix *matrix, const float *weights, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    dnnl_primitive_desc_t reorder_description = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_memory_t source = NULL;
    dnnl_exec_arg_t args[2];
    union {
        const float *in;
        void *handle;
    } borrow;
    descriptor plain;
    int described = 0, before = cs_threads_lend(1);
    borrow.in = weights; /* oneDNN takes a non-const handle and only reads */
    TRY_DNNL(describe(&plain, matrix->inputs, matrix->outputs, dnnl_f32, dnnl_ba),
             "packing weights");
    described = 1;
    TRY_DNNL(dnnl_memory_create(&source, MD(plain), engine(), borrow.handle), "packing weights");
    TRY_DNNL(dnnl_reorder_primitive_desc_create(&reorder_description, MD(plain), engine(),
                                                MD(matrix->layout), engine(), NULL),
             "packing weights");
    TRY_DNNL(dnnl_primitive_create(&reorder, reorder_description), "packing weights");
    TRY_DNNL(dnnl_stream_create(&stream, engine(), dnnl_stream_default_flags), "packing weights");
    args[0].arg = DNNL_ARG_FROM;
    args[0].memory = source;
    args[1].arg = DNNL_ARG_TO;
    args[1].memory = matrix->weights_memory;
    TRY_DNNL(dnnl_primitive_execute(reorder, stream, 2, args), "packing weights");
    TRY_DNNL(dnnl_stream_wait(stream), "packing weights");
done:
    cs_threads_lend(before);
    if (described) DESTROY(plain);
    if (source) dnnl_memory_destroy(source);
    if (reorder) dnnl_primitive_destroy(reorder);
    if (reorder_description) dnnl_primitive_desc_destroy(reorder_description);
    if (stream) dnnl_stream_destroy(stream);
    return status;
}

static clipspan_status choose_layout(cs_matrix *matrix, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_product_plan plan = {LAYOUT_ROWS, CS_STORE, 0, 1};
    dnnl_primitive_desc_t description = NULL;
    borrowed liked;
    int before = cs_threads_lend(1);
    CS_TRY_DONE(describe_product(&description, matrix, &plan, NULL, err));
    liked = dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
#    if DNNL_VERSION_MAJOR >= 3
    TRY_DNNL(dnnl_memory_desc_clone(&matrix->layout, liked), "choosing a weight layout");
#    else
    matrix->layout = *liked;
#    endif
    matrix->has_layout = 1;
done:
    if (description) dnnl_primitive_desc_destroy(description);
    cs_threads_lend(before);
    return status;
}

static clipspan_status keep_bias(cs_matrix *matrix, const float *bias, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    descriptor layout;
    int described = 0;
    matrix->bias = cs_alloc_aligned(matrix->outputs, sizeof *bias, "a bias", err);
    if (!matrix->bias) return CLIPSPAN_E_NOMEM;
    memcpy(matrix->bias, bias, matrix->outputs * sizeof *bias);
    TRY_DNNL(describe(&layout, 1, matrix->outputs, dnnl_f32, dnnl_ab), "describing the bias");
    described = 1;
    TRY_DNNL(dnnl_memory_create(&matrix->bias_memory, MD(layout), engine(), matrix->bias),
             "describing the bias");
done:
    if (described) DESTROY(layout);
    return status;
}

clipspan_status cs_matrix_new(cs_matrix **out, const float *weights, const float *bias,
                              size_t outputs, size_t inputs, clipspan_precision precision,
                              clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_matrix *matrix;
    *out = NULL;
    if (!engine()) return cs_fail(err, CLIPSPAN_E_INTERNAL, "oneDNN has no CPU engine here");
    if (precision == CLIPSPAN_BF16 && !cs_product_has_bf16())
        return cs_fail(err, CLIPSPAN_E_UNSUPPORTED,
                       "bf16 needs a CPU with AVX512_BF16 (or AMX); use f32 here");
    matrix = cs_alloc_zero(1, sizeof *matrix, "packed weights", err);
    if (!matrix) return CLIPSPAN_E_NOMEM;
    matrix->outputs = outputs;
    matrix->inputs = inputs;
    matrix->precision = precision;
    if (bias) CS_TRY_DONE(keep_bias(matrix, bias, err));
    CS_TRY_DONE(choose_layout(matrix, err));
    matrix->bytes = dnnl_memory_desc_get_size(MD(matrix->layout));
    matrix->weights = cs_alloc_aligned(matrix->bytes, 1, "packed weights", err);
    status = CLIPSPAN_E_NOMEM;
    if (!matrix->weights) goto done;
    TRY_DNNL(
        dnnl_memory_create(&matrix->weights_memory, MD(matrix->layout), engine(), matrix->weights),
        "packing weights");
    CS_TRY_DONE(pack(matrix, weights, err));
    if (bias) matrix->bytes += outputs * sizeof *bias;
    *out = matrix;
    matrix = NULL;
done:
    cs_matrix_free(&matrix);
    return status;
}

void cs_matrix_free(cs_matrix **matrix)
{
    cs_matrix *m = matrix ? *matrix : NULL;
    if (!m) return;
    if (m->weights_memory) dnnl_memory_destroy(m->weights_memory);
    if (m->bias_memory) dnnl_memory_destroy(m->bias_memory);
    if (m->has_layout) DESTROY(m->layout);
    cs_free(m->weights);
    cs_free(m->bias);
    cs_free(m);
    *matrix = NULL;
}

size_t cs_matrix_bytes(const cs_matrix *matrix)
{
    return matrix->bytes;
}

/* Memory objects for x, y and scratch; their handles are set at every run. */
static clipspan_status bind(cs_product *product, dnnl_primitive_desc_t description,
                            clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    borrowed scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    size_t bytes = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
    TRY_DNNL(dnnl_memory_create(&product->x,
                                dnnl_primitive_desc_query_md(description, dnnl_query_src_md, 0),
                                engine(), DNNL_MEMORY_NONE),
             "preparing a matrix product");
    TRY_DNNL(dnnl_memory_create(&product->y,
                                dnnl_primitive_desc_query_md(description, dnnl_query_dst_md, 0),
                                engine(), DNNL_MEMORY_NONE),
             "preparing a matrix product");
    if (bytes > 0) {
        product->scratch_bytes = cs_alloc_aligned(bytes, 1, "scratch of a matrix product", err);
        if (!product->scratch_bytes) return CLIPSPAN_E_NOMEM;
        TRY_DNNL(dnnl_memory_create(&product->scratch, scratch, engine(), product->scratch_bytes),
                 "preparing a matrix product");
    }
done:
    return status;
}

clipspan_status cs_product_new(cs_product **out, const cs_matrix *like, cs_product_plan plan,
                               const cs_simd *simd, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    dnnl_primitive_desc_t description = NULL;
    cs_product *product;
    int before;
    (void)simd;
    *out = NULL;
    if (plan.rows == 0 || plan.threads < 1 || (plan.bf16_out && plan.epilogue == CS_ADD) ||
        (plan.bf16_out && like->precision != CLIPSPAN_BF16))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a matrix product was planned wrongly");
    product = cs_alloc_zero(1, sizeof *product, "a matrix product", err);
    if (!product) return CLIPSPAN_E_NOMEM;
    product->plan = plan;
    product->has_bias = like->bias != NULL;
    before = cs_threads_lend(plan.threads);
    CS_TRY_DONE(describe_product(&description, like, &plan, MD(like->layout), err));
    TRY_DNNL(dnnl_primitive_create(&product->primitive, description), "preparing a matrix product");
    TRY_DNNL(dnnl_stream_create(&product->stream, engine(), dnnl_stream_default_flags),
             "preparing a matrix product");
    CS_TRY_DONE(bind(product, description, err));
    *out = product;
    product = NULL;
done:
    cs_threads_lend(before);
    if (description) dnnl_primitive_desc_destroy(description);
    cs_product_free(&product);
    return status;
}

void cs_product_free(cs_product **product)
{
    cs_product *p = product ? *product : NULL;
    if (!p) return;
    if (p->x) dnnl_memory_destroy(p->x);
    if (p->y) dnnl_memory_destroy(p->y);
    if (p->scratch) dnnl_memory_destroy(p->scratch);
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    if (p->stream) dnnl_stream_destroy(p->stream);
    cs_free(p->scratch_bytes);
    cs_free(p);
    *product = NULL;
}

clipspan_status cs_product_run(const cs_product *product, void *y, const void *x,
                               const cs_matrix *matrix, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    dnnl_exec_arg_t args[5];
    int count = 0, before = cs_threads_lend(product->plan.threads);
    union {
        const void *in;
        void *handle;
    } borrow;
    borrow.in = x; /* oneDNN takes a non-const handle and only reads */
    TRY_DNNL(dnnl_memory_set_data_handle(product->x, borrow.handle), "running a matrix product");
    TRY_DNNL(dnnl_memory_set_data_handle(product->y, y), "running a matrix product");
    args[count].arg = DNNL_ARG_SRC;
    args[count++].memory = product->x;
    args[count].arg = DNNL_ARG_WEIGHTS;
    args[count++].memory = matrix->weights_memory;
    args[count].arg = DNNL_ARG_DST;
    args[count++].memory = product->y;
    if (product->has_bias) {
        args[count].arg = DNNL_ARG_BIAS;
        args[count++].memory = matrix->bias_memory;
    }
    if (product->scratch) {
        args[count].arg = DNNL_ARG_SCRATCHPAD;
        args[count++].memory = product->scratch;
    }
    TRY_DNNL(dnnl_primitive_execute(product->primitive, product->stream, count, args),
             "running a matrix product");
    TRY_DNNL(dnnl_stream_wait(product->stream), "running a matrix product");
done:
    cs_threads_lend(before);
    return status;
}

static char name[48];
static pthread_once_t name_once = PTHREAD_ONCE_INIT;

static void make_name(void)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(name, sizeof name, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
}

const char *cs_product_name(void)
{
    pthread_once(&name_once, make_name);
    return name;
}

int cs_product_has_bf16(void)
{
#    if defined(__x86_64__) && defined(__GNUC__)
    unsigned need = (unsigned)dnnl_cpu_isa_avx512_core_bf16, have;
    if (!engine()) return 0;
    have = (unsigned)dnnl_get_effective_cpu_isa();
    return (have & need) == need && __builtin_cpu_supports("avx512bf16");
#    else
    return 0;
#    endif
}

#else
typedef int cs_product_onednn_is_not_built; /* ISO C forbids an empty file */
#endif
