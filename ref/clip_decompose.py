#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The image representation decomposed, in NumPy: the executable specification of src/decompose.

    clip_decompose.py MODEL --pixels pixels.npy -o FOLDER     uint8 [B, height, width, 3]

writes to FOLDER, in float64, all divided by the length of the image's embedding:

    heads.npy       [B, L, H, P]    what every attention head writes
    mlps.npy        [B, L + 1, P]   the class token after ln_pre, then what every MLP writes
    class_self_attention.npy  [B, L, P]       what attention takes from the class token itself, all heads
    tokens.npy      [L, H, N, P]    heads by token, first image only
    embedding.npy   [B, P]          unit vectors: the sum of heads and mlps

Every d-wide term goes through ln_post and the projection alone; mean and bias of ln_post and the output biases of
attention are shared out equally, as published (paper: "Interpreting CLIP's Image Representation via Text-Based
Decomposition", section 3). Written to be read: nothing is factored, everything is formed in full.

With moments(): the statistics of codes in two passes. Letters as in clip_forward.py; T = 2 L + 1 terms.
"""
import argparse
import os

import numpy as np

import clip_forward as forward


def trace(model, pixels):
    """The class token's terms before ln_post: z0 [B, D], by token [B, L, H, N, D] without biases, biases [L, D],
    MLPs [B, L, D]; and the last class token r [B, D]."""
    w, tower = model.w, model.image
    x = embed(model, pixels)
    b, n, d = x.shape
    k = d // tower.heads
    z0, by_token, mlps, biases, codes, i = x[:, 0], [], [], [], [], 0
    while f"visual.transformer.resblocks.{i}.ln_1.weight" in w:
        p = f"visual.transformer.resblocks.{i}."
        h = forward.layer_norm(x, w[p + "ln_1.weight"], w[p + "ln_1.bias"], tower.eps)
        qkv = h @ w[p + "attn.in_proj_weight"].T + w[p + "attn.in_proj_bias"]
        q, key, v = qkv.reshape(b, n, 3, tower.heads, k).transpose(2, 0, 3, 1, 4)     # each [B, H, N, K]
        scores = q @ key.swapaxes(-1, -2) / np.sqrt(k)
        a = np.exp(scores - scores.max(-1, keepdims=True))
        a /= a.sum(-1, keepdims=True)                                                # [B, H, N, N]
        out = w[p + "attn.out_proj.weight"].reshape(d, tower.heads, k)                # D, head, K
        mixed = a[:, :, 0, :, None] * v                                              # [B, H, N, K]: class token's row
        by_token.append(mixed @ out.transpose(1, 2, 0))
        codes.append(mixed.sum(2))
        biases.append(w[p + "attn.out_proj.bias"])
        x = x + (a @ v).transpose(0, 2, 1, 3).reshape(b, n, d) @ out.reshape(d, d).T + biases[-1]
        h = forward.layer_norm(x, w[p + "ln_2.weight"], w[p + "ln_2.bias"], tower.eps)
        h = tower.act(h @ w[p + "mlp.c_fc.weight"].T + w[p + "mlp.c_fc.bias"])
        m = h @ w[p + "mlp.c_proj.weight"].T + w[p + "mlp.c_proj.bias"]
        mlps.append(m[:, 0])
        x = x + m
        i += 1
    return dict(z0=z0, by_token=np.stack(by_token, 1), biases=np.stack(biases), mlps=np.stack(mlps, 1), r=x[:, 0],
                z=np.stack(codes, 1))


def embed(model, pixels):
    """What enters block 0: [B, N, D]. The first lines of clip_forward.encode_pixels."""
    w, p = model.w, model.patch
    x = pixels.astype(model.dtype) / model.dtype(255)
    x = (x - np.asarray(model.mean, model.dtype)) / np.asarray(model.std, model.dtype)
    b, gh, gw = len(x), x.shape[1] // p, x.shape[2] // p
    x = x[:, :gh * p, :gw * p].reshape(b, gh, p, gw, p, 3).transpose(0, 1, 3, 5, 2, 4).reshape(b, gh * gw, -1)
    kernel = w["visual.conv1.weight"]
    x = x @ kernel.reshape(len(kernel), -1).T
    token = np.broadcast_to(w["visual.class_embedding"], (b, 1, x.shape[-1]))
    x = np.concatenate([token, x], 1) + w["visual.positional_embedding"]
    if "visual.ln_pre.weight" in w:
        x = forward.layer_norm(x, w["visual.ln_pre.weight"], w["visual.ln_pre.bias"], model.image.eps)
    return x


def decompose(model, pixels):
    """name -> array, as the files above, and z [B, L, H, K] with scale [B, 3] (1/sr, -mu/sr, 1/r)."""
    t, w = trace(model, pixels), model.w
    gain, beta, proj = w["visual.ln_post.weight"], w["visual.ln_post.bias"], w["visual.proj"]
    _, layers, heads, tokens, _ = t["by_token"].shape
    terms = 2 * layers + 1
    mu = t["r"].mean(-1)
    sigma = np.sqrt(((t["r"] - mu[:, None]) ** 2).mean(-1) + model.image.eps)
    full = forward.encode_pixels(model, pixels)
    rho = np.linalg.norm(full, axis=-1)

    def out(x, parts):
        """x : [B, ..., D], one of `parts` equal shares of mean and bias -> [B, ..., P]"""
        wide = (slice(None),) + (None,) * (x.ndim - 1)
        return (((x - mu[wide] / parts) * gain / sigma[wide] + beta / parts) @ proj) / rho[wide]

    share = t["biases"][:, None, None, :] / (tokens * heads)
    by_token = out(t["by_token"] + share, terms * heads * tokens)                        # [B, L, H, N, P]
    mlps = out(np.concatenate([t["z0"][:, None], t["mlps"]], 1), terms)
    unit = full / rho[:, None]
    assert np.abs(by_token.sum((1, 2, 3)) + mlps.sum(1) - unit).max() < 1e-12
    return dict(heads=by_token.sum(3), mlps=mlps, class_self_attention=by_token[:, :, :, 0].sum(2), tokens=by_token[0],
                embedding=unit, z=t["z"], scale=np.stack([1 / (sigma * rho), -mu / (sigma * rho), 1 / rho], 1))


def moments(y):
    """count, mean, sum of (y - mean)(y - mean)^T; y : [N, C]."""
    mean = y.mean(0)
    d = y - mean
    return len(y), mean, d.T @ d


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="folder in OpenCLIP or Hugging Face layout")
    parser.add_argument("--pixels", metavar="FILE", required=True, help="uint8 [B, height, width, 3]")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True)
    args = parser.parse_args()
    os.makedirs(args.output, exist_ok=True)
    answer = decompose(forward.Model(args.model), np.load(args.pixels))
    for name in ("heads", "mlps", "class_self_attention", "tokens", "embedding"):
        np.save(os.path.join(args.output, name + ".npy"), answer[name])


if __name__ == "__main__":
    main()
