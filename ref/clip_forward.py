#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CLIP's two towers from a checkpoint folder, in NumPy: the executable specification of the engine.

    clip_forward.py MODEL --pixels pixels.npy -o out.npy     uint8 [B, height, width, 3] -> [B, P]
    clip_forward.py MODEL --tokens ids.npy -o out.npy        int   [T, C]                -> [T, P]

Embeddings are before normalisation unless --unit; arithmetic and result are float64 unless --float32.
Written to be read, not to be fast: every tower is computed in full, nothing is shared or skipped.

Follows open_clip (model.py, transformer.py) and transformers (modeling_clip.py). Leaves out what is not a plain
CLIP: attentional pooling, timm trunks, LayerScale, text encoders without causal mask.

Letters: B images, T texts, L layers, H heads, N tokens (class token first), D width, K head width
(D = H K), M MLP width, P width of the joint image-text embedding space, C context. Shapes are written outermost first.
"""
import argparse
import json
import math
import os
import struct
from types import SimpleNamespace

import numpy as np

FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}  # BF16 is the upper half of an F32


def read_safetensors(path):
    """name -> float64 array. u64 header size, JSON header, data; offsets count from the header's end."""
    with open(path, "rb") as f:
        data = f.read()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        raw = data[8 + size + begin:8 + size + end]
        if t["dtype"] == "BF16":
            flat = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        elif t["dtype"] in FLOATS:
            flat = np.frombuffer(raw, FLOATS[t["dtype"]])
        else:
            continue  # integer buffers such as position_ids
        tensors[name] = flat.astype(np.float64).reshape(t["shape"])
    return tensors


def read_weights(folder):
    """All tensors of the folder: one file, or the shards that an index names."""
    index = os.path.join(folder, "model.safetensors.index.json")
    names = ["open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors"]
    files = [n for n in names if os.path.exists(os.path.join(folder, n))][:1]
    if not files and os.path.exists(index):
        with open(index) as f:
            files = sorted(set(json.load(f)["weight_map"].values()))
    if not files:
        raise SystemExit(f"{folder}: no safetensors file")
    weights = {}
    for name in files:
        weights.update(read_safetensors(os.path.join(folder, name)))
    return weights


def rename_hf(w):
    """Hugging Face tensors under OpenCLIP's names: q, k, v stacked, projections transposed to [D, P]."""
    out = {"logit_scale": w["logit_scale"]} if "logit_scale" in w else {}
    for hf, ours in (("vision_model.", "visual."), ("text_model.", "")):
        fixed = {"embeddings.patch_embedding.weight": "conv1.weight",
                 "embeddings.class_embedding": "class_embedding",
                 "embeddings.position_embedding.weight": "positional_embedding",
                 "embeddings.token_embedding.weight": "token_embedding.weight"}
        for a, b in (("pre_layrnorm", "ln_pre"), ("post_layernorm", "ln_post"), ("final_layer_norm", "ln_final")):
            fixed.update({f"{a}.{s}": f"{b}.{s}" for s in ("weight", "bias")})
        for a, b in fixed.items():
            if hf + a in w:
                out[ours + b] = w[hf + a]
        i = 0
        while f"{hf}encoder.layers.{i}.layer_norm1.weight" in w:
            src, dst = f"{hf}encoder.layers.{i}.", f"{ours}transformer.resblocks.{i}."
            for s in ("weight", "bias"):
                out[f"{dst}attn.in_proj_{s}"] = np.concatenate(
                    [w[f"{src}self_attn.{c}_proj.{s}"] for c in "qkv"])
                for a, b in (("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("self_attn.out_proj", "attn.out_proj"),
                             ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj")):
                    out[f"{dst}{b}.{s}"] = w[f"{src}{a}.{s}"]
            i += 1
    out["visual.proj"] = w["visual_projection.weight"].T
    if "text_projection.weight" in w:
        out["text_projection"] = w["text_projection.weight"].T
    return out


class Model:
    """Configuration and weights of a folder in either layout; dtype is that of all arithmetic."""

    def __init__(self, folder, dtype=np.float64):
        openclip = os.path.join(folder, "open_clip_config.json")
        self.dtype = dtype
        self.mean, self.std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
        weights = read_weights(folder)
        if os.path.exists(openclip):
            with open(openclip) as f:
                config = json.load(f)
            self.configure_openclip(config["model_cfg"], config.get("preprocess_cfg", {}))
            # A custom_text model puts "text." before the text encoder's names.
            weights = {n[5:] if n.startswith("text.") else n: v for n, v in weights.items()}
        else:
            with open(os.path.join(folder, "config.json")) as f:
                config = json.load(f)
            self.configure_hf(config)
            path = os.path.join(folder, "preprocessor_config.json")
            if os.path.exists(path):
                with open(path) as f:
                    pre = json.load(f)
                self.mean, self.std = pre.get("image_mean", self.mean), pre.get("image_std", self.std)
            weights = rename_hf(weights)
        self.w = {n: v.astype(dtype) for n, v in weights.items()}

    def configure_openclip(self, model, pre):
        v, t = model["vision_cfg"], model.get("text_cfg", {})
        act = quick_gelu if model.get("quick_gelu", False) else gelu
        eps = [c.get("norm_kwargs", {}).get("eps", 1e-5) for c in (v, t)]
        self.image = SimpleNamespace(heads=v["width"] // v.get("head_width", 64), eps=eps[0], act=act)
        self.text = SimpleNamespace(heads=t.get("heads", 8), eps=eps[1], act=act)
        self.patch, self.eos = v["patch_size"], None
        self.mean, self.std = pre.get("mean", self.mean), pre.get("std", self.std)

    def configure_hf(self, config):
        towers = []
        for key, heads in (("vision_config", 12), ("text_config", 8)):
            c = config.get(key) or {}
            act = {"quick_gelu": quick_gelu, "gelu": gelu}[c.get("hidden_act", "quick_gelu")]
            towers.append(SimpleNamespace(heads=c.get("num_attention_heads", heads), act=act,
                                          eps=c.get("layer_norm_eps", 1e-5)))
        self.image, self.text = towers
        self.patch = (config.get("vision_config") or {}).get("patch_size", 32)
        eos = (config.get("text_config") or {}).get("eos_token_id", 49407)
        self.eos = None if eos == 2 else eos  # 2 is what old files say, whatever their vocabulary


def gelu(x):
    """x Phi(x) with the exact error function."""
    erf = np.frompyfunc(math.erf, 1, 1)
    return x * 0.5 * (1 + erf(x / math.sqrt(2.0)).astype(x.dtype))


def quick_gelu(x):
    return x / (1 + np.exp(-1.702 * x))


def layer_norm(x, weight, bias, eps):
    """Biased variance; x : [..., D]."""
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight + bias


def attention(x, w, prefix, heads, mask):
    """Multi-head self-attention; x : [B, N, D], mask : [N, N] added to the scores (query, key)."""
    b, n, d = x.shape
    qkv = x @ w[prefix + "in_proj_weight"].T + w[prefix + "in_proj_bias"]   # [B, N, 3 D]: q, k, v
    q, k, v = qkv.reshape(b, n, 3, heads, d // heads).transpose(2, 0, 3, 1, 4)   # each [B, H, N, K]
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(x.dtype.type(d // heads)) + mask   # [B, H, N, N]
    a = np.exp(scores - scores.max(-1, keepdims=True))
    a /= a.sum(-1, keepdims=True)
    z = (a @ v).transpose(0, 2, 1, 3).reshape(b, n, d)                     # heads side by side
    return z @ w[prefix + "out_proj.weight"].T + w[prefix + "out_proj.bias"]


def transformer(x, w, prefix, tower, mask):
    """x += attn(ln_1(x)); x += mlp(ln_2(x)), for every block; x : [B, N, D]."""
    i = 0
    while f"{prefix}transformer.resblocks.{i}.ln_1.weight" in w:
        p = f"{prefix}transformer.resblocks.{i}."
        h = layer_norm(x, w[p + "ln_1.weight"], w[p + "ln_1.bias"], tower.eps)
        x = x + attention(h, w, p + "attn.", tower.heads, mask)
        h = layer_norm(x, w[p + "ln_2.weight"], w[p + "ln_2.bias"], tower.eps)
        h = tower.act(h @ w[p + "mlp.c_fc.weight"].T + w[p + "mlp.c_fc.bias"])   # [B, N, M]
        x = x + h @ w[p + "mlp.c_proj.weight"].T + w[p + "mlp.c_proj.bias"]
        i += 1
    return x


def encode_pixels(model, pixels):
    """pixels : uint8 [B, height, width, 3] after resize and crop -> [B, P]."""
    w, p = model.w, model.patch
    x = pixels.astype(model.dtype) / model.dtype(255)
    x = (x - np.asarray(model.mean, model.dtype)) / np.asarray(model.std, model.dtype)
    b, gh, gw = len(x), x.shape[1] // p, x.shape[2] // p   # a rest that fills no patch is not looked at
    x = x[:, :gh * p, :gw * p].reshape(b, gh, p, gw, p, 3)
    x = x.transpose(0, 1, 3, 5, 2, 4).reshape(b, gh * gw, 3 * p * p)   # patches row by row, each [3, p, p]
    kernel = w["visual.conv1.weight"]                                  # [D, 3, p, p], no bias
    x = x @ kernel.reshape(len(kernel), -1).T
    token = np.broadcast_to(w["visual.class_embedding"], (b, 1, x.shape[-1]))
    x = np.concatenate([token, x], 1) + w["visual.positional_embedding"]   # [B, N, D]
    eps = model.image.eps
    if "visual.ln_pre.weight" in w:
        x = layer_norm(x, w["visual.ln_pre.weight"], w["visual.ln_pre.bias"], eps)
    x = transformer(x, w, "visual.", model.image, model.dtype(0))
    x = layer_norm(x[:, 0], w["visual.ln_post.weight"], w["visual.ln_post.bias"], eps)
    return x @ w["visual.proj"]


def encode_tokens(model, ids):
    """ids : integers [T, C] -> [T, P], read at the end-of-text token of each row."""
    w = model.w
    ids = np.asarray(ids, np.int64)
    c = ids.shape[1]
    x = w["token_embedding.weight"][ids] + w["positional_embedding"][:c]   # [T, C, D]
    mask = np.triu(np.full((c, c), -np.inf, model.dtype), 1)               # no key after its query
    x = transformer(x, w, "", model.text, mask)
    end = ids.argmax(-1) if model.eos is None else (ids == model.eos).argmax(-1)   # the first of them
    x = layer_norm(x[np.arange(len(ids)), end], w["ln_final.weight"], w["ln_final.bias"], model.text.eps)
    return x @ w["text_projection"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="folder in OpenCLIP or Hugging Face layout")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--pixels", metavar="FILE", help="uint8 [B, height, width, 3]")
    source.add_argument("--tokens", metavar="FILE", help="integers [T, C]")
    parser.add_argument("-o", "--output", metavar="FILE", required=True)
    parser.add_argument("--unit", action="store_true", help="divide every embedding by its length")
    parser.add_argument("--float32", action="store_true", help="compute in float32")
    args = parser.parse_args()
    model = Model(args.model, np.float32 if args.float32 else np.float64)
    if args.pixels:
        out = encode_pixels(model, np.load(args.pixels))
    else:
        out = encode_tokens(model, np.load(args.tokens))
    if args.unit:
        out = out / np.linalg.norm(out, axis=-1, keepdims=True)
    np.save(args.output, out)


if __name__ == "__main__":
    main()
