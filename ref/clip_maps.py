#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where in the image, in NumPy: the executable specification of src/decompose/maps.c.

    clip_maps.py MODEL --pixels pixels.npy --texts texts.npy -o FOLDER     uint8 [B, height, width, 3], [T, P]

writes to FOLDER, in float64, the class token first and then the patches row by row:

    heads.npy       [B, T, N]   terms of clip_decompose.py by token, summed over layers and heads, . text
    attention.npy   [B, N]      class token's attention in the last layer, mean over heads
    rollout.npy     [B, N]      class token's row of the product over layers of (mean attention + I) / 2
    patches.npy     [B, T, N]   cosine with the text of each token as it leaves the last block, through ln_post and P
    values.npy      [B, T, N]   the same of the last block's value of each token, through W_O and b_O

The terms are the published "spatial mode" (paper: "Interpreting CLIP's Image Representation via Text-Based
Decomposition", section 5).
"""
import argparse
import os

import numpy as np

import clip_decompose
import clip_forward as forward

NAMES = ("heads", "attention", "rollout", "patches", "values")


def blocks(model, pixels):
    """Attention of every layer [B, L, H, N, N], the last block's values [B, N, D] and its result [B, N, D]."""
    w, tower = model.w, model.image
    x = clip_decompose.embed(model, pixels)
    b, n, d = x.shape
    k, attention, i = d // tower.heads, [], 0
    while f"visual.transformer.resblocks.{i}.ln_1.weight" in w:
        p = f"visual.transformer.resblocks.{i}."
        h = forward.layer_norm(x, w[p + "ln_1.weight"], w[p + "ln_1.bias"], tower.eps)
        qkv = h @ w[p + "attn.in_proj_weight"].T + w[p + "attn.in_proj_bias"]
        q, key, v = qkv.reshape(b, n, 3, tower.heads, k).transpose(2, 0, 3, 1, 4)     # each [B, H, N, K]
        scores = q @ key.swapaxes(-1, -2) / np.sqrt(k)
        a = np.exp(scores - scores.max(-1, keepdims=True))
        attention.append(a / a.sum(-1, keepdims=True))
        x = x + forward.attention(h, w, p + "attn.", tower.heads, 0)
        h = forward.layer_norm(x, w[p + "ln_2.weight"], w[p + "ln_2.bias"], tower.eps)
        x = x + tower.act(h @ w[p + "mlp.c_fc.weight"].T + w[p + "mlp.c_fc.bias"]) @ w[p + "mlp.c_proj.weight"].T \
            + w[p + "mlp.c_proj.bias"]
        i += 1
    values = v.transpose(0, 2, 1, 3).reshape(b, n, d) @ w[p + "attn.out_proj.weight"].T + w[p + "attn.out_proj.bias"]
    return np.stack(attention, 1), values, x


def maps(model, pixels, texts):
    """name -> array, as the files above; texts are unit vectors."""
    w = model.w
    attention, values, x = blocks(model, pixels)
    mean = attention.mean(2)                                                          # [B, L, N, N]
    row = np.zeros((len(x), 1, x.shape[1]))
    row[:, 0, 0] = 1
    for layer in range(mean.shape[1] - 1, -1, -1):
        row = row @ (mean[:, layer] + np.eye(x.shape[1])) / 2

    def cosine(y):
        y = forward.layer_norm(y, w["visual.ln_post.weight"], w["visual.ln_post.bias"], model.image.eps) @ w["visual.proj"]
        return ((y / np.linalg.norm(y, axis=-1, keepdims=True)) @ texts.T).swapaxes(1, 2)

    terms = [clip_decompose.decompose(model, image[None])["tokens"].sum((0, 1)) for image in pixels]
    return dict(heads=(np.stack(terms) @ texts.T).swapaxes(1, 2), attention=mean[:, -1, 0], rollout=row[:, 0],
                patches=cosine(x), values=cosine(values))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="folder in OpenCLIP or Hugging Face layout")
    parser.add_argument("--pixels", metavar="FILE", required=True, help="uint8 [B, height, width, 3]")
    parser.add_argument("--texts", metavar="FILE", required=True, help="unit vectors [T, P]")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True)
    args = parser.parse_args()
    os.makedirs(args.output, exist_ok=True)
    answer = maps(forward.Model(args.model), np.load(args.pixels), np.load(args.texts).astype(np.float64))
    for name in NAMES:
        np.save(os.path.join(args.output, name + ".npy"), answer[name])


if __name__ == "__main__":
    main()
