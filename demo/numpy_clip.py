# SPDX-License-Identifier: MIT
"""The demo model in NumPy: both towers in float32, and what each head and patch writes to the class token.

Follows open_clip's VisionTransformer and text transformer for configurations as demo/train.py makes them. A head's coefficients is
y = (z / (sigma rho), 1 / (sigma rho), -mu / (sigma rho), 1 / rho) and its basis A = (W_O G; b_O G / H; 1 G / (T H); beta P / (T H))
with G = diag(gamma) P and T = 2 L + 1, so that y A is the head's share of the unit embedding.
"""
import json
import math
import os

import numpy as np

import captions


def read_safetensors(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        table = json.loads(file.read(size))
        data = file.read()
    kinds = {"F16": np.float16, "F32": np.float32}
    return {k: np.frombuffer(data[v["data_offsets"][0]:v["data_offsets"][1]], kinds[v["dtype"]]).reshape(v["shape"])
            .astype(np.float32) for k, v in table.items() if k != "__metadata__"}


def erf(x):
    """Abramowitz and Stegun 7.1.26 is too coarse for float32; a table of math.erf with linear steps is not."""
    at = np.abs(x).clip(0, 5.99) * 2048
    i = at.astype(np.int32)
    y = ERF[i] + (at - i) * (ERF[i + 1] - ERF[i])
    return np.copysign(y, x)


ERF = np.array([math.erf(i / 2048) for i in range(6 * 2048 + 2)], np.float32)


def norm(x, gain, bias, eps=1e-5):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * gain + bias


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


class Clip:
    def __init__(self, folder):
        with open(os.path.join(folder, "open_clip_config.json"), encoding="utf-8") as file:
            config = json.load(file)
        model, vision = config["model_cfg"], config["model_cfg"]["vision_cfg"]
        self.w = read_safetensors(os.path.join(folder, "open_clip_model.safetensors"))
        self.mean = np.float32(config["preprocess_cfg"]["mean"][0])
        self.std = np.float32(config["preprocess_cfg"]["std"][0])
        self.layers, self.width, self.patch = vision["layers"], vision["width"], vision["patch_size"]
        self.heads, self.text_heads = vision["width"] // vision["head_width"], model["text_cfg"]["heads"]
        self.head_width, self.text_layers = vision["head_width"], model["text_cfg"]["layers"]
        w, terms = self.w, 2 * self.layers + 1
        self.g = w["visual.ln_post.weight"][:, None] * w["visual.proj"]
        self.w_out = np.stack([w[f"visual.transformer.resblocks.{l}.attn.out_proj.weight"].T
                               .reshape(self.heads, self.head_width, -1) for l in range(self.layers)])
        b_out = np.stack([w[f"visual.transformer.resblocks.{l}.attn.out_proj.bias"] for l in range(self.layers)])
        shares = terms * self.heads
        rows = np.stack([np.broadcast_to(self.g.sum(0) / shares, (self.layers, self.heads, self.g.shape[1])),
                         np.broadcast_to(w["visual.ln_post.bias"] @ w["visual.proj"] / shares,
                                         (self.layers, self.heads, self.g.shape[1]))], 2)
        first = np.broadcast_to((b_out @ self.g / self.heads)[:, None, None], (self.layers, self.heads, 1, self.g.shape[1]))
        self.basis = np.concatenate([self.w_out @ self.g, first, rows], 2)  # [L, H, K + 3, P]

    def part(self, prefix, x, heads, causal=False, queries=None):
        """One block's attention: (attention weights [B, H, Q, N], values [B, H, N, K])"""
        w, d = self.w, x.shape[-1]
        h = norm(x, w[prefix + "ln_1.weight"], w[prefix + "ln_1.bias"])
        m, b = w[prefix + "attn.in_proj_weight"], w[prefix + "attn.in_proj_bias"]

        def split(t):
            return t.reshape(*t.shape[:2], heads, -1).swapaxes(1, 2)
        q = split(h[:, :queries] @ m[:d].T + b[:d])
        k, v = split(h @ m[d:2 * d].T + b[d:2 * d]), split(h @ m[2 * d:].T + b[2 * d:])
        score = q @ k.swapaxes(-1, -2) / np.float32(math.sqrt(d // heads))
        if causal:
            score = np.where(np.tri(x.shape[1], dtype=bool), score, np.float32(-1e30))
        return softmax(score), v

    def mlp(self, prefix, x):
        w = self.w
        h = norm(x, w[prefix + "ln_2.weight"], w[prefix + "ln_2.bias"])
        h = h @ w[prefix + "mlp.c_fc.weight"].T + w[prefix + "mlp.c_fc.bias"]
        h = h * (1 + erf(h * np.float32(math.sqrt(0.5)))) / 2
        return h @ w[prefix + "mlp.c_proj.weight"].T + w[prefix + "mlp.c_proj.bias"]

    def project_out(self, prefix, a):
        return a.swapaxes(1, 2).reshape(a.shape[0], a.shape[2], -1) @ self.w[prefix + "attn.out_proj.weight"].T \
            + self.w[prefix + "attn.out_proj.bias"]

    def texts(self, texts):
        """Unit vectors [T, P]"""
        w, ids = self.w, captions.encode(texts)
        n = int(ids.argmax(1).max()) + 1
        x = w["token_embedding.weight"][ids[:, :n]] + w["positional_embedding"][:n]
        for l in range(self.text_layers):
            prefix = f"transformer.resblocks.{l}."
            a, v = self.part(prefix, x, self.text_heads, causal=True)
            x = x + self.project_out(prefix, a @ v)
            x = x + self.mlp(prefix, x)
        x = x[np.arange(len(x)), ids.argmax(1)]
        return unit(norm(x, w["ln_final.weight"], w["ln_final.bias"]) @ w["text_projection"])

    def images(self, pixels, patches=None):
        """pixels uint8 [B, side, side, 3] to a dict:

        embedding [B, P] (unit), code [B, L, H, K + 3], mlp [B, L + 1, P] (their terms), and with patches = directions [P, V]
        also maps [B, L, N - 1, V] (patch terms along the directions, all heads) and attention [B, L, N - 1] (mean of heads)."""
        w, n_side = self.w, pixels.shape[1] // self.patch
        x = (pixels.astype(np.float32) / 255 - self.mean) / self.std
        x = x.reshape(len(x), n_side, self.patch, n_side, self.patch, 3).transpose(0, 1, 3, 5, 2, 4)
        x = x.reshape(len(x), n_side * n_side, -1) @ w["visual.conv1.weight"].reshape(self.width, -1).T
        x = np.concatenate([np.broadcast_to(w["visual.class_embedding"], (len(x), 1, self.width)), x], 1)
        x = norm(x + w["visual.positional_embedding"], w["visual.ln_pre.weight"], w["visual.ln_pre.bias"])
        z, writes, maps, rows = [], [x[:, 0]], [], []
        for l in range(self.layers):
            prefix = f"visual.transformer.resblocks.{l}."
            last = l == self.layers - 1
            a, v = self.part(prefix, x, self.heads, queries=1 if last else None)
            mixed = a @ v
            z.append(mixed[:, :, 0])
            if patches is not None:
                u = self.w_out[l] @ (self.g @ patches)  # [H, K, V]
                maps.append(np.einsum("bhn,bhnv->bnv", a[:, :, 0, 1:], v[:, :, 1:] @ u))
                rows.append(a[:, :, 0, 1:].mean(1))
            x = (x[:, :1] if last else x) + self.project_out(prefix, mixed)
            m = self.mlp(prefix, x)
            writes.append(m[:, 0])
            x = x + m
        r = x[:, 0].astype(np.float64)
        mu, sigma = r.mean(-1), np.sqrt(r.var(-1) + 1e-5)
        raw = ((r - mu[:, None]) / sigma[:, None] * w["visual.ln_post.weight"] + w["visual.ln_post.bias"]) @ w["visual.proj"]
        rho = np.linalg.norm(raw, axis=-1)
        s = np.stack([1 / (sigma * rho), -mu / (sigma * rho), 1 / rho], 1).astype(np.float32)
        z = np.stack(z, 1)
        code = np.concatenate([z * s[:, None, None, :1], np.broadcast_to(s[:, None, None], z.shape[:3] + (3,))], 3)
        terms = 2 * self.layers + 1
        mlp = np.stack(writes, 1) @ self.g * s[:, :1, None] + s[:, 1:2, None] * self.g.sum(0) / terms \
            + s[:, 2:, None] * (w["visual.ln_post.bias"] @ w["visual.proj"]) / terms
        out = {"embedding": (raw / rho[:, None]).astype(np.float32), "code": code, "mlp": mlp}
        if patches is not None:
            out["maps"] = np.stack(maps, 1) * s[:, :1, None, None]
            out["attention"] = np.stack(rows, 1)
        return out
