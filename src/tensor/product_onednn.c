/* SPDX-License-Identifier: MIT */
/* Products by oneDNN's matmul primitive: weights in the layout that it asks for, bias, activation
 * and residual in its epilogue. The only file that knows oneDNN; it speaks versions 2 and 3 of the
 * C API. Scratch memory is ours, so that a run allocates nothing of ours and products of several
 * threads never share. The activation is oneDNN's own, within 3e-7 of the exact function
 * (test_product.c). */
#include "tensor/product.h"

#ifdef CLIPSPAN_ONEDNN

#    include "base/memory.h"
#    include "base/memory_budget.h"
#    include "base/parallel.h"

#    include <oneapi/dnnl/dnnl.h>
#    include <pthread.h>
#    include <stdio.h>
#    include <string.h>

/* Left free when oneDNN makes something: where it has no memory for code or tables it may end the
 * process. */
#    define ROOM        ((size_t)32 << 20)
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
    size_t outputs, inputs, panels, bytes;
    clipspan_precision precision;
    descriptor layout; /* packed weights of one panel; version 3: owned when has_layout */
    int has_layout;
    void *weights;
    float *bias;
    dnnl_memory_t *panel; /* [panels] */
    dnnl_memory_t bias_memory;
};

/* One primitive with the memory objects of what it reads and writes; handles are set at every
 * run. */
typedef struct step {
    dnnl_primitive_t primitive;
    dnnl_memory_t x, y, scratch;
    void *scratch_bytes;
} step;

/* The first panel brings the bias, the last one the activation, those between only add. */
struct cs_product {
    cs_product_plan plan;
    dnnl_stream_t stream;
    step first, middle, last; /* first alone for one panel; middle is used from three panels on */
};

static dnnl_engine_t shared_engine;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;

static void make_engine(void)
{
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

/* A [rows, columns] matrix whose columns lie one below another, `stride` numbers apart. */
static dnnl_status_t describe_transposed(descriptor *d, size_t rows, size_t columns, size_t stride)
{
    dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns}, strides = {1, (dnnl_dim_t)stride};
#    if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_strides(d, 2, dims, dnnl_f32, strides);
#    else
    return dnnl_memory_desc_init_by_strides(d, 2, dims, dnnl_f32, strides);
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

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
#    if DNNL_VERSION_MAJOR >= 3
    return dnnl_post_ops_append_sum(ops, 1.0F, 0, dnnl_data_type_undef);
#    else
    return dnnl_post_ops_append_sum(ops, 1.0F);
#    endif
}

static dnnl_status_t append_activation(dnnl_post_ops_t ops, cs_epilogue epilogue)
{
    dnnl_alg_kind_t kind = epilogue == CS_ACT_GELU   ? dnnl_eltwise_gelu_erf
                           : epilogue == CS_ACT_TANH ? dnnl_eltwise_gelu_tanh
                                                     : dnnl_eltwise_swish;
#    if DNNL_VERSION_MAJOR >= 3
    return dnnl_post_ops_append_eltwise(ops, kind, 1.702F, 0.0F);
#    else
    return dnnl_post_ops_append_eltwise(ops, 1.0F, kind, 1.702F, 0.0F);
#    endif
}

/* What one step of a product does besides multiplying. */
typedef struct step_role {
    size_t rows;
    int bias, add, bf16_out;
    cs_epilogue act; /* CS_STORE: none */
} step_role;

/* Describes x, weights, bias and y of a step; layout NULL leaves the weights' layout to oneDNN. */
static clipspan_status describe_step(dnnl_primitive_desc_t *out, const cs_matrix *matrix,
                                     const step_role *role, borrowed layout, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    dnnl_data_type_t type = matrix->precision == CLIPSPAN_BF16 ? dnnl_bf16 : dnnl_f32;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    descriptor d[4];
    int made = 0;
    *out = NULL;
    memset(d, 0, sizeof d);
    TRY_DNNL(describe(&d[0], role->rows, matrix->inputs / matrix->panels, type, dnnl_ab),
             "describing x");
    made = 1;
#    if DNNL_VERSION_MAJOR >= 3
    if (layout) TRY_DNNL(dnnl_memory_desc_clone(&d[1], layout), "describing weights");
#    else
    if (layout) d[1] = *layout;
#    endif
    else
        TRY_DNNL(describe(&d[1], matrix->inputs / matrix->panels, matrix->outputs, type,
                          dnnl_format_tag_any),
                 "describing weights");
    made = 2;
    TRY_DNNL(describe(&d[2], 1, matrix->outputs, dnnl_f32, dnnl_ab), "describing the bias");
    made = 3;
    TRY_DNNL(describe(&d[3], role->rows, matrix->outputs, role->bf16_out ? dnnl_bf16 : dnnl_f32,
                      dnnl_ab),
             "describing y");
    made = 4;
    TRY_DNNL(dnnl_primitive_attr_create(&attr), "making attributes");
    TRY_DNNL(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user),
             "choosing scratch memory");
    TRY_DNNL(dnnl_post_ops_create(&ops), "making an epilogue");
    if (role->add) TRY_DNNL(append_sum(ops), "making an epilogue");
    if (role->act != CS_STORE) TRY_DNNL(append_activation(ops, role->act), "making an epilogue");
    TRY_DNNL(dnnl_primitive_attr_set_post_ops(attr, ops), "setting an epilogue");
    TRY_DNNL(matmul(out, d, role->bias, attr), "preparing a matrix product");
done:
    while (made-- > 0)
        DESTROY(d[made]);
    if (ops) dnnl_post_ops_destroy(ops);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}

/* Rounds and reorders the columns of one panel of weights : [outputs, inputs] into their packed
 * layout. */
static clipspan_status pack(cs_matrix *matrix, const float *weights, size_t panel,
                            clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    dnnl_primitive_desc_t reorder_description = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_memory_t source = NULL;
    dnnl_exec_arg_t args[2];
    size_t inputs = matrix->inputs / matrix->panels;
    union {
        const float *in;
        void *handle;
    } borrow;
    descriptor plain;
    int described = 0, before = cs_threads_lend(1);
    borrow.in = weights + panel * inputs; /* oneDNN takes a non-const handle and only reads */
    TRY_DNNL(describe_transposed(&plain, inputs, matrix->outputs, matrix->inputs),
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
    args[1].memory = matrix->panel[panel];
    TRY_DNNL(dnnl_primitive_execute(reorder, stream, 2, args), "packing weights");
    TRY_DNNL(dnnl_stream_wait(stream), "packing weights");
done:
    cs_threads_return(before);
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
    step_role plain = {LAYOUT_ROWS, matrix->bias != NULL, 0, 0, CS_STORE};
    dnnl_primitive_desc_t description = NULL;
    borrowed liked;
    int before = cs_threads_lend(1);
    CS_TRY_DONE(describe_step(&description, matrix, &plain, NULL, err));
    liked = dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
#    if DNNL_VERSION_MAJOR >= 3
    TRY_DNNL(dnnl_memory_desc_clone(&matrix->layout, liked), "choosing a weight layout");
#    else
    matrix->layout = *liked;
#    endif
    matrix->has_layout = 1;
done:
    if (description) dnnl_primitive_desc_destroy(description);
    cs_threads_return(before);
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
                              size_t outputs, size_t inputs, size_t panels,
                              clipspan_precision precision, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_matrix *matrix;
    size_t size, p;
    *out = NULL;
    CS_TRY(cs_memory_need_room(ROOM, "packed weights", err));
    if (!engine()) return cs_fail(err, CLIPSPAN_E_INTERNAL, "oneDNN has no CPU engine here");
    if (panels == 0 || inputs % panels != 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%zu inputs do not make %zu panels", inputs,
                       panels);
    if (precision == CLIPSPAN_BF16 && !cs_product_has_bf16())
        return cs_fail(err, CLIPSPAN_E_UNSUPPORTED,
                       "bf16 needs a CPU with AVX512_BF16 (or AMX); use f32 here");
    matrix = cs_alloc_zero(1, sizeof *matrix, "packed weights", err);
    if (!matrix) return CLIPSPAN_E_NOMEM;
    matrix->outputs = outputs;
    matrix->inputs = inputs;
    matrix->panels = panels;
    matrix->precision = precision;
    matrix->panel = cs_alloc_zero(panels, sizeof *matrix->panel, "packed weights", err);
    if (!matrix->panel) goto done;
    if (bias) CS_TRY_DONE(keep_bias(matrix, bias, err));
    CS_TRY_DONE(choose_layout(matrix, err));
    size = (dnnl_memory_desc_get_size(MD(matrix->layout)) + CS_ALIGN - 1) / CS_ALIGN * CS_ALIGN;
    matrix->weights = cs_alloc_aligned(panels, size, "packed weights", err);
    status = CLIPSPAN_E_NOMEM;
    if (!matrix->weights) goto done;
    for (p = 0; p < panels; p++) {
        TRY_DNNL(dnnl_memory_create(&matrix->panel[p], MD(matrix->layout), engine(),
                                    (unsigned char *)matrix->weights + p * size),
                 "packing weights");
        CS_TRY_DONE(pack(matrix, weights, p, err));
    }
    matrix->bytes = panels * size + (bias ? outputs * sizeof *bias : 0);
    *out = matrix;
    matrix = NULL;
    status = CLIPSPAN_OK;
done:
    cs_matrix_free(&matrix);
    return status;
}

void cs_matrix_free(cs_matrix **matrix)
{
    cs_matrix *m = matrix ? *matrix : NULL;
    size_t p;
    if (!m) return;
    for (p = 0; m->panel && p < m->panels; p++)
        if (m->panel[p]) dnnl_memory_destroy(m->panel[p]);
    cs_free(m->panel);
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

/* Memory objects for x, y and scratch of a step. */
static clipspan_status bind(step *s, dnnl_primitive_desc_t description, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    borrowed scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    size_t bytes = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
    TRY_DNNL(dnnl_memory_create(&s->x,
                                dnnl_primitive_desc_query_md(description, dnnl_query_src_md, 0),
                                engine(), DNNL_MEMORY_NONE),
             "preparing a matrix product");
    TRY_DNNL(dnnl_memory_create(&s->y,
                                dnnl_primitive_desc_query_md(description, dnnl_query_dst_md, 0),
                                engine(), DNNL_MEMORY_NONE),
             "preparing a matrix product");
    if (bytes > 0) {
        s->scratch_bytes = cs_alloc_aligned(bytes, 1, "scratch of a matrix product", err);
        if (!s->scratch_bytes) return CLIPSPAN_E_NOMEM;
        TRY_DNNL(dnnl_memory_create(&s->scratch, scratch, engine(), s->scratch_bytes),
                 "preparing a matrix product");
    }
done:
    return status;
}

static clipspan_status init_step(step *s, const cs_matrix *like, step_role role,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    dnnl_primitive_desc_t description = NULL;
    CS_TRY_DONE(describe_step(&description, like, &role, MD(like->layout), err));
    TRY_DNNL(dnnl_primitive_create(&s->primitive, description), "preparing a matrix product");
    CS_TRY_DONE(bind(s, description, err));
done:
    if (description) dnnl_primitive_desc_destroy(description);
    return status;
}

static void fini_step(step *s)
{
    if (s->x) dnnl_memory_destroy(s->x);
    if (s->y) dnnl_memory_destroy(s->y);
    if (s->scratch) dnnl_memory_destroy(s->scratch);
    if (s->primitive) dnnl_primitive_destroy(s->primitive);
    cs_free(s->scratch_bytes);
}

clipspan_status cs_product_new(cs_product **out, const cs_matrix *like, cs_product_plan plan,
                               const cs_simd *simd, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_epilogue act = plan.epilogue == CS_ADD ? CS_STORE : plan.epilogue;
    int alone = like->panels == 1, before;
    step_role first = {plan.rows, like->bias != NULL, plan.epilogue == CS_ADD, plan.bf16_out,
                       alone ? act : CS_STORE};
    step_role middle = {plan.rows, 0, 1, 0, CS_STORE}, last = {plan.rows, 0, 1, 0, act};
    cs_product *product;
    (void)simd;
    *out = NULL;
    if (plan.rows == 0 || plan.threads < 1 || (plan.bf16_out && plan.epilogue == CS_ADD) ||
        (plan.bf16_out && (like->precision != CLIPSPAN_BF16 || !alone)))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a matrix product was planned wrongly");
    CS_TRY(cs_memory_need_room(ROOM, "a matrix product", err));
    product = cs_alloc_zero(1, sizeof *product, "a matrix product", err);
    if (!product) return CLIPSPAN_E_NOMEM;
    product->plan = plan;
    before = cs_threads_lend(plan.threads);
    TRY_DNNL(dnnl_stream_create(&product->stream, engine(), dnnl_stream_default_flags),
             "preparing a matrix product");
    CS_TRY_DONE(init_step(&product->first, like, first, err));
    if (like->panels > 2) CS_TRY_DONE(init_step(&product->middle, like, middle, err));
    if (like->panels > 1) CS_TRY_DONE(init_step(&product->last, like, last, err));
    *out = product;
    product = NULL;
done:
    cs_threads_return(before);
    cs_product_free(&product);
    return status;
}

void cs_product_free(cs_product **product)
{
    cs_product *p = product ? *product : NULL;
    if (!p) return;
    fini_step(&p->first);
    fini_step(&p->middle);
    fini_step(&p->last);
    if (p->stream) dnnl_stream_destroy(p->stream);
    cs_free(p);
    *product = NULL;
}

static clipspan_status run_step(const step *s, dnnl_stream_t stream, void *y, void *x,
                                dnnl_memory_t weights, dnnl_memory_t bias, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    dnnl_exec_arg_t args[5];
    int count = 0;
    TRY_DNNL(dnnl_memory_set_data_handle(s->x, x), "running a matrix product");
    TRY_DNNL(dnnl_memory_set_data_handle(s->y, y), "running a matrix product");
    args[count].arg = DNNL_ARG_SRC;
    args[count++].memory = s->x;
    args[count].arg = DNNL_ARG_WEIGHTS;
    args[count++].memory = weights;
    args[count].arg = DNNL_ARG_DST;
    args[count++].memory = s->y;
    if (bias) {
        args[count].arg = DNNL_ARG_BIAS;
        args[count++].memory = bias;
    }
    if (s->scratch) {
        args[count].arg = DNNL_ARG_SCRATCHPAD;
        args[count++].memory = s->scratch;
    }
    TRY_DNNL(dnnl_primitive_execute(s->primitive, stream, count, args), "running a matrix product");
    TRY_DNNL(dnnl_stream_wait(stream), "running a matrix product");
done:
    return status;
}

clipspan_status cs_product_run(const cs_product *product, void *y, const void *x, size_t stride,
                               const cs_matrix *matrix, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t size = matrix->precision == CLIPSPAN_BF16 ? sizeof(uint16_t) : sizeof(float), p;
    int before = cs_threads_lend(product->plan.threads);
    union {
        const void *in;
        unsigned char *handle;
    } borrow;
    borrow.in = x; /* oneDNN takes a non-const handle and only reads */
    for (p = 0; p < matrix->panels && status == CLIPSPAN_OK; p++) {
        const step *s = p == 0                   ? &product->first
                        : p + 1 < matrix->panels ? &product->middle
                                                 : &product->last;
        status = run_step(s, product->stream, y, borrow.handle + p * stride * size,
                          matrix->panel[p], p == 0 ? matrix->bias_memory : NULL, err);
    }
    cs_threads_return(before);
    return status;
}

static char name[64];
static pthread_once_t name_once = PTHREAD_ONCE_INIT;

static int reaches(dnnl_cpu_isa_t isa)
{
    return ((unsigned)dnnl_get_effective_cpu_isa() & (unsigned)isa) == (unsigned)isa;
}

/* CLIPSPAN_CPU forces our kernels down, and ONEDNN_MAX_CPU_ISA oneDNN, which hears of it from the
 * process alone. Where one is forced down without the other the name says so, as the numbers are
 * neither level's. */
static void make_name(void)
{
    const dnnl_version_t *v = dnnl_version();
    const cs_level level = cs_simd_best()->level;
    const char *above = level < CS_AVX512 && reaches(dnnl_cpu_isa_avx512_core) ? " with AVX-512"
                        : level < CS_AVX2 && reaches(dnnl_cpu_isa_avx2)        ? " with AVX2"
                                                                               : "";
    snprintf(name, sizeof name, "oneDNN %d.%d.%d%s", v->major, v->minor, v->patch, above);
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
