#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SigLIP's two towers from a checkpoint folder, in NumPy, and the exact split through the attention pool.

    siglip_forward.py MODEL --pixels pixels.npy -o out.npy     uint8 [B, height, width, 3] -> [B, D]
    siglip_forward.py MODEL --tokens ids.npy -o out.npy        int   [T, C]                -> [T, D]

Embeddings are before normalisation, arithmetic is float64. Follows timm (vision_transformer.py, attention_pool.py),
open_clip (transformer.py) and transformers (modeling_siglip.py). Letters as in clip_forward.py; N tokens are patches.
A learnt query attends over the normalised patches, then an MLP stands on the result:

    y = sum over pool heads h of W_O^h sum_i a[h,i] (W_V^h n_i + b_V^h) + b_O        n_i = LN_post(x_i)
    e = y + W_2 g(W_1 LN(y) + b_1) + b_2
"""
import argparse
import json
import math
import os
from types import SimpleNamespace

import numpy as np

import clip_forward as plain


def tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def rename_timm(w):
    """OpenCLIP's SigLIP: the image encoder's names become those of Hugging Face, q, k, v as they are stacked."""
    out = {}
    pairs = (("visual.trunk.", "vision_model."), ("blocks.", "encoder.layers."), ("patch_embed.proj.",
             "embeddings.patch_embedding."), ("pos_embed", "embeddings.position_embedding.weight"),
             ("attn_pool.latent", "head.probe"), ("attn_pool.proj.", "head.attention.out_proj."),
             ("attn_pool.norm.", "head.layernorm."), ("attn_pool.mlp.", "head.mlp."), (".norm1.", ".layer_norm1."),
             (".norm2.", ".layer_norm2."), ("vision_model.norm.", "vision_model.post_layernorm."),
             (".attn.proj.", ".self_attn.out_proj."))
    for name, x in w.items():
        if name.startswith("visual.trunk."):
            for a, b in pairs:
                name = name.replace(a, b)
            out[name] = x[0] if name.endswith("position_embedding.weight") else x
    for s in ("weight", "bias"):
        q, kv = out.pop(f"vision_model.attn_pool.q.{s}"), out.pop(f"vision_model.attn_pool.kv.{s}")
        out[f"vision_model.head.attention.in_proj_{s}"] = np.concatenate([q, kv])
        for name in [n for n in out if n.endswith(f".attn.qkv.{s}")]:
            for letter, piece in zip("qkv", np.split(out.pop(name), 3)):
                out[name.replace(f"attn.qkv.{s}", f"self_attn.{letter}_proj.{s}")] = piece
    side = {"token_embedding.weight": "embeddings.token_embedding.weight", "text_projection.weight": "head.weight",
            "positional_embedding": "embeddings.position_embedding.weight", "text_projection.bias": "head.bias",
            "ln_final.weight": "final_layer_norm.weight", "ln_final.bias": "final_layer_norm.bias"}
    parts = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj",
             "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    for name, x in w.items():
        if not name.startswith("text."):
            continue
        name = name[5:]
        if name in side:
            out["text_model." + side[name]] = x
            continue
        i, part = name.split(".", 3)[2:]
        base = f"text_model.encoder.layers.{i}."
        if part.startswith("attn.in_proj_"):
            for letter, piece in zip("qkv", np.split(x, 3)):
                out[f"{base}self_attn.{letter}_proj.{part[13:]}"] = piece
        else:
            head, last = part.rsplit(".", 1)
            out[f"{base}{parts[head]}.{last}"] = x
    return out


class Model:
    """Configuration and weights of a folder in either layout."""

    def __init__(self, folder):
        w = plain.read_weights(folder)
        openclip = os.path.join(folder, "open_clip_config.json")
        acts = {"gelu": plain.gelu, "gelu_pytorch_tanh": tanh_gelu}
        if os.path.exists(openclip):
            with open(openclip) as f:
                config = json.load(f)["model_cfg"]
            v, t = config["vision_cfg"], config["text_cfg"]
            tanh = t.get("act_kwargs", {}).get("approximate") == "tanh"
            self.image = SimpleNamespace(heads=v["width"] // v["head_width"], act=plain.gelu, eps=1e-6)
            self.text = SimpleNamespace(heads=t["heads"], act=tanh_gelu if tanh else plain.gelu, eps=1e-6)
            self.patch, w = v["patch_size"], rename_timm(w)
        else:
            with open(os.path.join(folder, "config.json")) as f:
                config = json.load(f)
            v, t = config["vision_config"], config["text_config"]
            self.image, self.text = (SimpleNamespace(heads=c["num_attention_heads"], eps=1e-6,
                                                     act=acts[c.get("hidden_act", "gelu_pytorch_tanh")]) for c in (v, t))
            self.patch = v["patch_size"]
        self.w = w


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def norm(m, x, name, eps=1e-6):
    return plain.layer_norm(x, m.w[name + ".weight"], m.w[name + ".bias"], eps)


def linear(m, x, name):
    return x @ m.w[name + ".weight"].T + m.w[name + ".bias"]


def blocks(m, x, side, tower):
    """x : [B, N, D] through all blocks, no mask; yields what each wrote: attention [B, H, N, N], values [B, H, N, K],
    what the MLP added [B, N, D], and x."""
    b, n, d = x.shape
    i = 0
    while f"{side}.encoder.layers.{i}.layer_norm1.weight" in m.w:
        p = f"{side}.encoder.layers.{i}."
        h = norm(m, x, p + "layer_norm1")
        q, k, v = (linear(m, h, f"{p}self_attn.{c}_proj").reshape(b, n, tower.heads, -1).swapaxes(1, 2) for c in "qkv")
        a = softmax(q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1]))
        x = x + linear(m, (a @ v).swapaxes(1, 2).reshape(b, n, d), p + "self_attn.out_proj")
        mlp = linear(m, tower.act(linear(m, norm(m, x, p + "layer_norm2"), p + "mlp.fc1")), p + "mlp.fc2")
        x = x + mlp
        yield a, v, mlp, x
        i += 1


def embed_pixels(m, pixels):
    x = pixels.astype(float) / 255 * 2 - 1
    p, b = m.patch, len(x)
    gh, gw = x.shape[1] // p, x.shape[2] // p
    x = x.reshape(b, gh, p, gw, p, 3).transpose(0, 1, 3, 5, 2, 4).reshape(b, gh * gw, -1)
    kernel = m.w["vision_model.embeddings.patch_embedding.weight"]
    return (x @ kernel.reshape(len(kernel), -1).T + m.w["vision_model.embeddings.patch_embedding.bias"]
            + m.w["vision_model.embeddings.position_embedding.weight"])


def pool(m, x):
    """x : [B, N, D] that leaves the last block -> e, y [B, D], a [B, H, N], values [B, H, N, K], z [B, H, K]."""
    b, n, d = x.shape
    q_w, k_w, v_w = np.split(m.w["vision_model.head.attention.in_proj_weight"], 3)
    q_b, k_b, v_b = np.split(m.w["vision_model.head.attention.in_proj_bias"], 3)
    h = norm(m, x, "vision_model.post_layernorm")
    q = (q_w @ m.w["vision_model.head.probe"].reshape(-1) + q_b).reshape(m.image.heads, -1)
    k, v = ((h @ w.T + c).reshape(b, n, m.image.heads, -1).swapaxes(1, 2) for w, c in ((k_w, k_b), (v_w, v_b)))
    a = softmax((k @ q[:, :, None])[..., 0] / math.sqrt(q.shape[-1]))
    z = (a[..., None] * v).sum(2)
    y = linear(m, z.reshape(b, d), "vision_model.head.attention.out_proj")
    u = linear(m, norm(m, y, "vision_model.head.layernorm"), "vision_model.head.mlp.fc1")
    return y + linear(m, m.image.act(u), "vision_model.head.mlp.fc2"), y, a, v, z


def encode_pixels(m, pixels):
    for *_, x in blocks(m, embed_pixels(m, pixels), "vision_model", m.image):
        pass
    return pool(m, x)[0]


def encode_tokens(m, ids):
    """Every position sees every other, padding too; the last one is read out."""
    w = m.w
    x = w["text_model.embeddings.token_embedding.weight"][ids] + w["text_model.embeddings.position_embedding.weight"]
    for *_, x in blocks(m, x, "text_model", m.text):
        pass
    return linear(m, norm(m, x[:, -1], "text_model.final_layer_norm"), "text_model.head")


def decompose(m, pixels):
    """The pool's heads by patch, as one layer of a CLIP: tokens [B, 1, H, N, D], heads, mlps [B, 2, D] (nothing, what
    the MLP adds), of the unit embedding; and z. b_O is shared out among heads and patches."""
    for *_, x in blocks(m, embed_pixels(m, pixels), "vision_model", m.image):
        pass
    e, y, a, v, z = pool(m, x)
    d, (b, heads, n) = e.shape[1], a.shape
    out = m.w["vision_model.head.attention.out_proj.weight"].reshape(d, heads, -1)
    by_token = np.einsum("bhn,bhnk,dhk->bhnd", a, v, out) + m.w["vision_model.head.attention.out_proj.bias"] / (heads * n)
    rho = np.linalg.norm(e, axis=-1)
    tokens = by_token[:, None] / rho[:, None, None, None, None]
    mlps = np.stack([np.zeros_like(e), e - y], 1) / rho[:, None, None]
    unit = e / rho[:, None]
    assert np.abs(tokens.sum((1, 2, 3)) + mlps.sum(1) - unit).max() < 1e-12
    return dict(heads=tokens.sum(3), mlps=mlps, class_self_attention=np.zeros((b, 1, d)), tokens=tokens[0],
                embedding=unit, z=z[:, None])


def through_pool(m, pixels):
    """Every layer's heads by source patch, MLPs and the patches' input through the pool's frozen attention and
    LayerNorm, for one image [1, ...]: equations (1) and (3)-(4) of docs/math.md, formed in full. Terms of y, not
    divided by anything: heads [L, H, N, D], mlps [L + 1, D] (the input first), constant [D], y [D]; and gated(t), which
    takes a term of y to one of e with the MLP's gate frozen, with gated_constant [D] and e [D]."""
    w, tower = m.w, m.image
    x0 = embed_pixels(m, pixels)
    layers = list(blocks(m, x0, "vision_model", tower))
    x = layers[-1][3]
    e, y, alpha, _, _ = pool(m, x)
    d, heads = e.shape[1], tower.heads
    sigma = np.sqrt(((x - x.mean(-1, keepdims=True)) ** 2).mean(-1) + 1e-6)[0]           # [N]
    rows = alpha[0] / sigma                                                               # [H_p, N]
    v_w = np.split(w["vision_model.head.attention.in_proj_weight"], 3)[2].reshape(heads, -1, d)
    v_b = np.split(w["vision_model.head.attention.in_proj_bias"], 3)[2].reshape(heads, -1)
    out = w["vision_model.head.attention.out_proj.weight"].reshape(d, heads, -1)
    gain, beta = w["vision_model.post_layernorm.weight"], w["vision_model.post_layernorm.bias"]
    both = np.einsum("dhk,hke->hde", out, v_w)                                            # W_O^h W_V^h

    def to_y(t):
        """t : [..., H_p, D], sums over patches weighted by rows -> [..., D]"""
        return np.einsum("hde,...he->...d", both, (t - t.mean(-1, keepdims=True)) * gain)

    by_source, mlps, biases = [], [to_y(rows @ x0[0])], np.zeros(d)
    for i, (a, v, mlp, _) in enumerate(layers):
        p = f"vision_model.encoder.layers.{i}.self_attn.out_proj."
        o = w[p + "weight"].reshape(d, heads, -1)
        r = np.einsum("hi,kij->khj", rows, a[0])                                          # (3): [H, H_p, N]
        by_source.append(to_y(np.einsum("khj,kjc,dkc->kjhd", r, v[0], o)))                # (4): [H, N, D]
        mlps.append(to_y(rows @ mlp[0]))
        biases = biases + to_y(rows.sum(1)[:, None] * w[p + "bias"])
    constant = biases + np.einsum("hde,e->d", both, beta) + np.einsum("dhk,hk->d", out, v_b)
    constant = constant + w["vision_model.head.attention.out_proj.bias"]
    ln, mlp = "vision_model.head.layernorm.", "vision_model.head.mlp."
    sigma_y = math.sqrt(((y[0] - y[0].mean()) ** 2).mean() + 1e-6)
    u = linear(m, norm(m, y, ln[:-1]), mlp + "fc1")[0]
    gate = tower.act(u) / u

    def gated(t):
        h = (t - t.mean(-1, keepdims=True)) / sigma_y * w[ln + "weight"]
        return t + (h @ w[mlp + "fc1.weight"].T * gate) @ w[mlp + "fc2.weight"].T

    more = (w[mlp + "fc1.weight"] @ w[ln + "bias"] + w[mlp + "fc1.bias"]) * gate @ w[mlp + "fc2.weight"].T
    answer = dict(heads=np.stack(by_source), mlps=np.stack(mlps), constant=constant, y=y[0], e=e[0], gated=gated,
                  gated_constant=gated(constant) + more + w[mlp + "fc2.bias"])
    total = answer["heads"].sum((0, 1, 2)) + answer["mlps"].sum(0)
    assert np.abs(total + constant - y[0]).max() < 1e-10
    assert np.abs(gated(total) + answer["gated_constant"] - e[0]).max() < 1e-10
    return answer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="folder in OpenCLIP or Hugging Face layout")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--pixels", metavar="FILE", help="uint8 [B, height, width, 3]")
    source.add_argument("--tokens", metavar="FILE", help="integers [T, C]")
    parser.add_argument("-o", "--output", metavar="FILE", required=True)
    args = parser.parse_args()
    model = Model(args.model)
    answer = encode_pixels(model, np.load(args.pixels)) if args.pixels else encode_tokens(model, np.load(args.tokens))
    np.save(args.output, answer)


if __name__ == "__main__":
    main()
