/* SPDX-License-Identifier: MIT */
/* Signatures and endings of weight files that are not safetensors. Pickles can run code when they
 * are loaded, so none of them is ever opened further than these bytes. */
#include "formats/foreign.h"

#include <string.h>

#define CONVERT                                                                                    \
    "convert it with python -c 'import torch, sys; from safetensors.torch import save_file; "      \
    "d = torch.load(sys.argv[1], weights_only=True, map_location=\"cpu\"); "                       \
    "d = d.get(\"state_dict\", d); "                                                               \
    "save_file({k: v.clone() for k, v in d.items()}, sys.argv[2])' IN OUT.safetensors"

static const char pickle_text[] =
    "is a PyTorch pickle file, which could run code when read and is not supported; " CONVERT;
static const char zip_text[] = "is a zip archive (PyTorch .pt/.bin/.ckpt or NumPy .npz), where a "
                               "safetensors file was expected; " CONVERT;
static const char npz_text[] =
    "is a NumPy .npz archive, where a safetensors file was expected; save its arrays with "
    "safetensors.numpy.save_file";

static int ends_with(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending), i;
    if (n < m) return 0;
    for (i = 0; i < m; i++) {
        char c = path[n - m + i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != ending[i]) return 0;
    }
    return 1;
}

const char *cs_foreign_by_name(const char *path)
{
    static const struct {
        const char *ending, *text;
    } kinds[] = {
        {".pt", pickle_text},
        {".pth", pickle_text},
        {".bin", pickle_text},
        {".ckpt", pickle_text},
        {".pkl", pickle_text},
        {".pickle", pickle_text},
        {".npz", npz_text},
        {".zip", zip_text},
        {".gguf", "is a GGUF file, which is not supported; use the model's safetensors file"},
        {".onnx", "is an ONNX graph, which is not supported; use the model's safetensors file"},
        {".h5", "is an HDF5 file, which is not supported; use the model's safetensors file"},
        {".msgpack",
         "is a Flax msgpack file, which is not supported; use the model's safetensors file"},
    };
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (ends_with(path, kinds[i].ending)) return kinds[i].text;
    return NULL;
}

/* A header length below 16 MB followed by the start of a JSON object: short signatures (gzip's, a
 * pickle's) may be such a length by chance. */
static int starts_safetensors(const unsigned char *bytes, size_t size)
{
    static const unsigned char zeros[5] = {0};
    return size >= 9 && memcmp(bytes + 3, zeros, 5) == 0 && bytes[8] &&
           strchr("{ \t\r\n", bytes[8]) != NULL;
}

const char *cs_foreign_by_content(const unsigned char *bytes, size_t size)
{
    static const struct {
        const char *signature;
        size_t size;
        const char *text;
    } kinds[] = {
        {"PK\003\004", 4, zip_text},
        {"PK\005\006", 4, zip_text},
        {"\x93NUMPY", 6, "is a NumPy .npy array, where a safetensors file was expected"},
        {"GGUF", 4, "is a GGUF file, which is not supported; use the model's safetensors file"},
        {"\x89HDF\r\n", 6,
         "is an HDF5 file, which is not supported; use the model's safetensors file"},
        {"version https://git-lfs", 23,
         "is a Git LFS pointer, not the weights themselves; run: git lfs pull"},
        {"<!DOCTYPE", 9, "is a web page, not weights: the download went wrong"},
        {"<!doctype", 9, "is a web page, not weights: the download went wrong"},
        {"<html", 5, "is a web page, not weights: the download went wrong"},
        {"\x1f\x8b", 2, "is gzip-compressed; decompress it first"},
    };
    size_t i;
    if (starts_safetensors(bytes, size)) return NULL;
    if (size >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5) return pickle_text;
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (size >= kinds[i].size && memcmp(bytes, kinds[i].signature, kinds[i].size) == 0)
            return kinds[i].text;
    return NULL;
}
