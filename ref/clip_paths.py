#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Effects through later layers, in NumPy: the executable specification of src/model/sweep.h.

    clip_paths.py MODEL --pixels pixels.npy --texts texts.npy -o FOLDER     uint8 [1, height, width, 3], [T, P]

Attention weights, LayerNorm scales and MLP gates of the image are frozen. Then the similarity is affine in the
residual stream x_l : [N, D] that enters layer l,

    t . m = sum_i <G_l[i], x_l[i]> + constant_l

and one sweep from the readout back to layer 0 gives G everywhere. What a component writes, times G just above it, is
its effect through everything later. Written per head, token and hidden number; nothing is factored.

Letters as in clip_forward.py; M hidden numbers of an MLP.
"""
import argparse
import os
from types import SimpleNamespace

import numpy as np

import clip_decompose
import clip_forward as forward


def scale_of(x, eps):
    """1 / sigma of every row of x, [N, 1]."""
    d = x - x.mean(-1, keepdims=True)
    return 1 / np.sqrt((d * d).mean(-1, keepdims=True) + eps)


def layers(model, pixels):
    """What one image leaves: a list of layers, and the last residual stream [N, D]."""
    w, tower = model.w, model.image
    x = clip_decompose.embed(model, pixels)[0]
    n, d = x.shape
    k, kept, i = d // tower.heads, [], 0
    while f"visual.transformer.resblocks.{i}.ln_1.weight" in w:
        p = f"visual.transformer.resblocks.{i}."
        s = SimpleNamespace(prefix=p, enter=x)
        h = forward.layer_norm(x, w[p + "ln_1.weight"], w[p + "ln_1.bias"], tower.eps)
        qkv = h @ w[p + "attn.in_proj_weight"].T + w[p + "attn.in_proj_bias"]
        q, key, s.v = qkv.reshape(n, 3, tower.heads, k).transpose(1, 2, 0, 3)      # each [H, N, K]
        scores = q @ key.swapaxes(-1, -2) / np.sqrt(k)
        s.a = np.exp(scores - scores.max(-1, keepdims=True))
        s.a /= s.a.sum(-1, keepdims=True)                                           # [H, N, N]
        s.z = s.a @ s.v                                                             # [H, N, K]
        s.out = w[p + "attn.out_proj.weight"].reshape(d, tower.heads, k).transpose(1, 2, 0)   # [H, K, D]
        x = s.middle = x + np.einsum("hnk,hkd->nd", s.z, s.out) + w[p + "attn.out_proj.bias"]
        h = forward.layer_norm(x, w[p + "ln_2.weight"], w[p + "ln_2.bias"], tower.eps)
        u = h @ w[p + "mlp.c_fc.weight"].T + w[p + "mlp.c_fc.bias"]
        s.act = tower.act(u)                                                        # [N, M]
        s.gate = np.where(np.abs(u) > 1e-12, s.act / np.where(u == 0, 1, u), 0.5)
        s.mlp = s.act @ w[p + "mlp.c_proj.weight"].T + w[p + "mlp.c_proj.bias"]
        x = x + s.mlp
        kept.append(s)
        i += 1
    return kept, x


def norm_back(g, x, gain, eps):
    """What a row g after a LayerNorm is worth before it, scale held."""
    g = g * gain
    return (g - g.mean(-1, keepdims=True)) * scale_of(x, eps)


def sweep(model, pixels, texts, means=None):
    """pixels : [1, ...], texts : [T, P], means : [L, H, K] -> name -> array, a row a text (model/sweep.h)."""
    w, eps = model.w, model.image.eps
    kept, last = layers(model, pixels)
    gain, beta, proj = w["visual.ln_post.weight"], w["visual.ln_post.bias"], w["visual.proj"]
    full = forward.encode_pixels(model, pixels)[0]
    rho = np.linalg.norm(full)
    n, d = last.shape
    k = d // model.image.heads
    rows = []
    for text in texts:
        top = norm_back(proj @ text / rho, last[:1], gain, eps)[0]                   # the readout's row
        g = np.zeros((n, d))
        g[0] = top
        constant = beta @ proj @ text / rho
        out = {name: [] for name in ("head", "head_direct", "mlp", "mlp_direct", "bias", "ablated", "ablated_direct",
                                     "neuron", "map")}
        constants, off = [constant], 0.0
        for number, s in reversed(list(enumerate(kept))):
            p = s.prefix
            fc, mlp = w[p + "mlp.c_fc.weight"], w[p + "mlp.c_proj.weight"]
            out["mlp"].append((g * s.mlp).sum())
            out["mlp_direct"].append(top @ s.mlp[0])
            out["neuron"].append((s.act * (g @ mlp)).sum(0))
            back = (g @ mlp) * s.gate
            constant += (g @ w[p + "mlp.c_proj.bias"]).sum()
            constant += (back @ (fc @ w[p + "ln_2.bias"] + w[p + "mlp.c_fc.bias"])).sum()
            g = g + norm_back(back @ fc, s.middle, w[p + "ln_2.weight"], eps)
            worth = np.einsum("nd,hkd->hnk", g, s.out)                              # of z, [H, N, K]
            out["head"].append((worth * s.z).sum((1, 2)))
            direct = np.einsum("d,hkd->hk", top, s.out)
            out["head_direct"].append((direct * s.z[:, 0]).sum(1))
            if means is not None:
                out["ablated"].append((worth * (means[number][:, None] - s.z)).sum((1, 2)))
                out["ablated_direct"].append((direct * (means[number] - s.z[:, 0])).sum(1))
            out["bias"].append((g @ w[p + "attn.out_proj.bias"]).sum())
            values = s.a.swapaxes(1, 2) @ worth                                     # of v, [H, N, K]
            out["map"].append((values * s.v).sum(2))
            wv = w[p + "attn.in_proj_weight"][2 * d:]
            flat = values.transpose(1, 0, 2).reshape(n, d)
            constant += out["bias"][-1] + (flat @ (wv @ w[p + "ln_1.bias"] + w[p + "attn.in_proj_bias"][2 * d:])).sum()
            g = g + norm_back(flat @ wv, s.enter, w[p + "ln_1.weight"], eps)
            constants.append(constant)
            off = max(off, abs((g * s.enter).sum() + constant - text @ full / rho))
        row = {name: np.array(value[::-1]) for name, value in out.items()}
        row.update(similarity=text @ full / rho, token=(g * kept[0].enter).sum(1), constant=np.array(constants[::-1]))
        assert off < 1e-11 * max(1.0, np.abs(text).sum()), off
        rows.append(row)
    assert k * model.image.heads == d
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="folder in OpenCLIP or Hugging Face layout")
    parser.add_argument("--pixels", metavar="FILE", required=True)
    parser.add_argument("--texts", metavar="FILE", required=True)
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True)
    args = parser.parse_args()
    os.makedirs(args.output, exist_ok=True)
    for name, array in sweep(forward.Model(args.model), np.load(args.pixels), np.load(args.texts)).items():
        np.save(os.path.join(args.output, name + ".npy"), array)


if __name__ == "__main__":
    main()
