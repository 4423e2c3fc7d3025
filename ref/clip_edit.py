#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Heads that no longer look at the image, in NumPy: the executable specification of edited checkpoints.

    clip_edit.py MODEL --pixels pixels.npy --heads L1.H0,L0.H2 [--means pixels.npy] -o out.npy

writes the embeddings [B, P], float64 and before normalisation, of the network in which the mixed values z of these heads
are, for every token, the mean over the images of --means (default: --pixels) of what they are for the class token.

edit() makes the same network by weights: the head's slice of W_O zero, mean z W_O^h added to b_O. Letters as in
clip_forward.py.
"""
import argparse
import re

import numpy as np

import clip_decompose as decompose
import clip_forward as forward


def names(text):
    """"L1.H0,L0.H2" -> [(1, 0), (0, 2)]"""
    return [tuple(int(n) for n in re.fullmatch(r"L(\d+)\.H(\d+)", one.strip()).groups()) for one in text.split(",")]


def mean_z(model, pixels):
    """Of every head, for the class token, over images: [L, H, K], as float32 keeps it."""
    return np.mean([forward_z(model, one[None])[1][:, 0] for one in pixels], 0).astype(np.float32).astype(model.dtype)


def forward_z(model, pixels, z=None):
    """The image encoder with z : {(layer, head): [K]} in place of what these heads mix. Embeddings [B, P] before
    normalisation, and z of the class token [L, B, H, K]."""
    w, tower, z = model.w, model.image, z or {}
    x = decompose.embed(model, pixels)
    b, n, d = x.shape
    k, kept, i = d // tower.heads, [], 0
    while f"visual.transformer.resblocks.{i}.ln_1.weight" in w:
        p = f"visual.transformer.resblocks.{i}."
        h = forward.layer_norm(x, w[p + "ln_1.weight"], w[p + "ln_1.bias"], tower.eps)
        qkv = h @ w[p + "attn.in_proj_weight"].T + w[p + "attn.in_proj_bias"]
        q, key, v = qkv.reshape(b, n, 3, tower.heads, k).transpose(2, 0, 3, 1, 4)     # each [B, H, N, K]
        scores = q @ key.swapaxes(-1, -2) / np.sqrt(k)
        a = np.exp(scores - scores.max(-1, keepdims=True))
        a /= a.sum(-1, keepdims=True)
        mixed = a @ v                                                                # [B, H, N, K]
        for head in range(tower.heads):
            if (i, head) in z:
                mixed[:, head] = z[i, head]
        kept.append(mixed[:, :, 0])
        x = x + mixed.transpose(0, 2, 1, 3).reshape(b, n, d) @ w[p + "attn.out_proj.weight"].T
        x = x + w[p + "attn.out_proj.bias"]
        h = forward.layer_norm(x, w[p + "ln_2.weight"], w[p + "ln_2.bias"], tower.eps)
        h = tower.act(h @ w[p + "mlp.c_fc.weight"].T + w[p + "mlp.c_fc.bias"])
        x = x + h @ w[p + "mlp.c_proj.weight"].T + w[p + "mlp.c_proj.bias"]
        i += 1
    x = forward.layer_norm(x[:, 0], w["visual.ln_post.weight"], w["visual.ln_post.bias"], tower.eps)
    return x @ w["visual.proj"], np.stack(kept)


def silent(model, pixels, z):
    """z : {(layer, head): [K]} -> [B, P], before normalisation."""
    return forward_z(model, pixels, z)[0]


def edit(w, z):
    """The weights of a network in which these heads are mean-ablated: a changed copy of {name: array}."""
    w = dict(w)
    for (layer, head), mean in z.items():
        p = f"visual.transformer.resblocks.{layer}.attn.out_proj."
        out = w[p + "weight"].copy()
        columns = slice(head * len(mean), (head + 1) * len(mean))
        w[p + "bias"] = w[p + "bias"] + out[:, columns] @ mean
        out[:, columns] = 0
        w[p + "weight"] = out
    return w


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--pixels", required=True, metavar="FILE.npy")
    parser.add_argument("--heads", required=True, metavar="L1.H0,...")
    parser.add_argument("--means", metavar="FILE.npy")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.npy")
    args = parser.parse_args()
    model, pixels = forward.Model(args.model), np.load(args.pixels)
    means = mean_z(model, np.load(args.means) if args.means else pixels)
    np.save(args.output, silent(model, pixels, {h: means[h] for h in names(args.heads)}))


if __name__ == "__main__":
    main()
