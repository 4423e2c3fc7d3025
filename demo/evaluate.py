# SPDX-License-Identifier: MIT
"""Every figure of the demo model's card, from fresh scenes (numpy only; ten to thirty minutes on two cores).

usage: evaluate.py [--scenes N] [--json FILE] [MODEL_FOLDER]      (default: data/demo/model; N divides all counts, for a look)

  accuracy      zero-shot by factor, with the prompts of data/demo/classes, other than training's
  heads         direct effect (covariance share), share of a head's variance that each factor explains (analysis of
                variance on the true factors) and role by TEXTSPAN's basis texts from data/demo/texts.txt
  ablation      the two strongest heads of each role replaced by their mean
  shortcut      four groups of birds; the background's heads replaced by their mean; random sets of as many
  segmentation  objects from patch terms, beside attention; pointing at the named one of two objects
  retrieval     precision at 10 by the whole embedding and by a role's heads
"""
import getopt
import json
import math
import os
import sys

import numpy as np

import scenes
import textspan
from make_data import class_names, templates
from numpy_clip import Clip, unit

HERE = os.path.dirname(os.path.abspath(__file__))
FACTORS = [f for f in scenes.FACTORS if f != "bird"]
BLOCKS, RESAMPLES = 60, 200
GROUPS = [(b, g) for b in range(2) for g in range(2)]


def classes(model, factor):
    """Zero-shot classifier, as published: names in templates, averaged, normalised."""
    names = [n for _, n in class_names(factor)]
    rows = [model.texts([t.format(n) for t in templates(factor)]) for n in names]
    return unit(np.stack([unit(r).mean(0) for r in rows]))


def run(model, seed, count, patches=None, **how):
    """Scenes (factors only), outputs and masks of `count` fresh scenes."""
    parts = []
    for first in range(0, count, 100):
        s = scenes.sample(seed, np.arange(first, min(count, first + 100)), **how)
        pixels, label = scenes.draw(s)
        out = model.images(pixels, patches)
        out.update({k: v for k, v in s.items() if k not in ("objects", "ground")}, label=label)
        parts.append(out)
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def contributions(model, out):
    """[B, L, H, P]"""
    return (out["code"].transpose(1, 2, 0, 3) @ model.basis).transpose(2, 0, 1, 3)


def without(model, out, heads, mean):
    """Embeddings with some heads' contributions replaced by their mean coefficients."""
    e = out["embedding"].copy()
    for l, h in heads:
        e -= (out["code"][:, l, h] - mean[l, h]) @ model.basis[l, h]
    return e


def hits(embedding, bank, truth):
    return 100 * float(((embedding @ bank.T).argmax(1) == truth).mean())


def accuracies(embedding, banks, out):
    return {f: hits(embedding, banks[f], out[f]) for f in FACTORS}


def name(l, h):
    return f"L{l}.H{h}"


def wilson(share, n):
    """Half the width of the 95 % interval, in points."""
    p, z = share / 100, 1.96
    return 100 * z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))


# ---- Heads ----

def explained_by_factor(c, out):
    """Share of a head's variance between the values of each factor: [factors]. c: [B, P]"""
    c = c - c.mean(0)
    total = (c * c).sum()
    return np.array([sum((out[f] == v).sum() * (c[out[f] == v].mean(0) ** 2).sum() for v in range(len(scenes.FACTORS[f])))
                     for f in FACTORS]) / total


def factor_role(eta):
    """The factor that explains at least three tenths of a head and half as much again as the next one, or None."""
    first, second = np.sort(eta)[::-1][:2]
    return FACTORS[int(eta.argmax())] if first >= 0.3 and first >= 1.5 * second else None


def moments(y):
    return len(y), y.mean(0), (y - y.mean(0)).T @ (y - y.mean(0))


def merged(parts):
    n, mean, square = parts[0]
    for m, other, more in parts[1:]:
        d = other - mean
        square = square + more + np.outer(d, d) * n * m / (n + m)
        mean, n = mean + d * m / (n + m), n + m
    return mean, square / n, n


def text_role(model, l, h, y, texts, category, names, rng):
    """Role of a head by its first basis texts, stable in block resamples: (name or None, basis texts, strength, purity)."""
    basis_texts = textspan.basis_texts_that_enter(model.head_width)
    blocks = [moments(b) for b in np.array_split(y, BLOCKS)]
    found = textspan.span(model.basis[l, h], *merged(blocks)[:2], texts, basis_texts, len(y))
    back = {}
    for _ in range(RESAMPLES):
        mean, cov, n = merged([blocks[i] for i in rng.integers(0, BLOCKS, BLOCKS)])
        for i, _, _ in textspan.span(model.basis[l, h], mean, cov, texts, basis_texts, n):
            back[i] = back.get(i, 0) + 1 / RESAMPLES
    role, strength, purity, _ = textspan.role(found, category, back, rng, names)
    return role, found, strength, purity


# ---- Masks ----

def enlarge(maps):
    """Bilinear, half-pixel centres: [n, grid, grid] to [n, side, side]"""
    n = maps.shape[1]
    at = ((np.arange(scenes.SIDE) + 0.5) * n / scenes.SIDE - 0.5).clip(0, n - 1)
    i = np.minimum(at.astype(int), n - 2)
    w = np.zeros((scenes.SIDE, n))
    w[np.arange(scenes.SIDE), i] = 1 - (at - i)
    w[np.arange(scenes.SIDE), i + 1] += at - i
    return w @ maps @ w.T


def otsu(x):
    counts, edges = np.histogram(x, 256)
    middle, w = (edges[1:] + edges[:-1]) / 2, counts.cumsum()
    mu = (counts * middle).cumsum()
    between = (mu[-1] * w / w[-1] - mu) ** 2 / np.maximum(w * (w[-1] - w), 1)
    return middle[between.argmax()]


def mean_iou(maps, label, threshold):
    """Mean of background's and foreground's IoU over all pixels of all images; maps [n, patches]"""
    grid = int(math.sqrt(maps.shape[1]))
    both, either = np.zeros(2), np.zeros(2)
    for a, l in zip(enlarge(maps.reshape(-1, grid, grid)), label):
        a = a.clip(0)
        a = (a - a.min()) / max(np.ptp(a), 1e-12)
        p, g = a > (a.mean() if threshold == "mean" else otsu(a)), l > 0
        for k in range(2):
            both[k] += ((p == k) & (g == k)).sum()
            either[k] += ((p == k) | (g == k)).sum()
    return float((both / either).mean())


def named(out, factors, at, width):
    """Weights [B, width] that add up the directions of what each scene's objects are."""
    w = np.zeros((len(out["kind"]), width))
    for b in range(len(w)):
        for f in factors:
            for slot in range(2 if out["kind"][b] == scenes.PAIR else 1):
                w[b, at[f] + out[f + "_of"][b, slot]] += 1
    return w


def pointing(maps, out, factor):
    """How often the largest value of an object's map lies nearer to it than to the other: by contrast with the mean of
    all values' maps, and with the strongest runner-up at each patch. maps [B, patches, values]"""
    y, x = np.mgrid[:scenes.SIDE, :scenes.SIDE]
    right = np.zeros(2)
    count = 0
    for b in range(len(maps)):
        far = [out["label"][b] == k + 1 for k in range(2)]
        if not (far[0].any() and far[1].any()):
            continue
        for slot in range(2):
            v = out[factor + "_of"][b, slot]
            runner_up = np.delete(maps[b], v, 1).max(1)
            count += 1
            for k, m in enumerate((maps[b, :, v] - maps[b].mean(1), maps[b, :, v] - runner_up)):
                grid = int(math.sqrt(len(m)))
                top = enlarge(m.reshape(1, grid, grid))[0].argmax()
                d = (y - top // scenes.SIDE) ** 2 + (x - top % scenes.SIDE) ** 2
                right[k] += d[far[slot]].min() < d[far[1 - slot]].min()
    return 100 * right / count


# ---- The story ----

def main():
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "h", ["scenes=", "json=", "help"])
    except getopt.GetoptError as e:
        sys.exit(f"evaluate.py: {e}; --help says more")
    options = dict(options)
    if "-h" in options or "--help" in options:
        print(__doc__.strip())
        return
    part = int(options.get("--scenes", 1))
    with open(os.path.join(HERE, "..", "data", "demo", "texts.txt"), encoding="utf-8") as file:
        pool = [line.rstrip("\n").split("\t") for line in file]
    model = Clip(rest[0] if rest else os.path.join(HERE, "..", "data", "demo", "model"))
    banks = {f: classes(model, f) for f in scenes.FACTORS}
    rng = np.random.default_rng(0)
    result = {}

    n = 4000 // part
    out = run(model, 3001, n, kinds=(1, 0, 0))
    heads = contributions(model, out)
    m = out["embedding"]
    base = accuracies(m, banks, out)
    result["accuracy"] = base
    print(f"\nZero-shot accuracy on {n} fresh scenes, prompts other than training's, % (interval)")
    for f in FACTORS:
        print(f"  {f:11} {base[f]:6.2f}  (± {wilson(base[f], n):.2f})")
    print(f"sum of all terms against the embedding: {abs(heads.sum((1, 2)) + out['mlp'].sum(1) - m).max():.1e}")

    centred = m - m.mean(0)
    total = (centred.astype(np.float64) ** 2).sum()

    def effect(c):
        return float(((c - c.mean(0)).astype(np.float64) * centred).sum() / total)
    print("\nDirect effect, covariance share, %")
    for l in range(model.layers):
        print(f"  attention of layer {l} {100 * effect(heads[:, l].sum(1)):6.1f}   MLP {100 * effect(out['mlp'][:, l + 1]):6.1f}")

    mixed = run(model, 3002, 4000 // part)
    texts = model.texts([t for _, t in pool])
    names = list(dict.fromkeys(c.lstrip("!") for c, _ in pool))
    category = np.array([names.index(c.lstrip("!")) for c, _ in pool])
    print("\nHeads: direct effect %, variance explained by factors %, role by TEXTSPAN (share of first basis_texts), their texts")
    table, roles = [], {f: [] for f in FACTORS}
    for l in range(model.layers):
        for h in range(model.heads):
            eta = explained_by_factor(heads[:, l, h], out)
            truth = factor_role(eta)
            role, found, strength, purity = text_role(model, l, h, mixed["code"][:, l, h].astype(np.float64), texts, category,
                                                      names, rng)
            e = effect(heads[:, l, h])
            if truth and truth == role:
                roles[truth].append((e, l, h))
            best = eta.argsort()[::-1][:2]
            table.append({"head": name(l, h), "effect": e, "explained": dict(zip(FACTORS, eta.tolist())), "factor_role": truth,
                          "text_role": role, "strength": strength, "purity": purity, "texts": [pool[i][1] for i, _, _ in found]})
            print(f"  {name(l, h)} {100 * e:5.1f}  " + ", ".join(f"{FACTORS[k]} {100 * eta[k]:3.0f}" for k in best).ljust(30) +
                  f" {truth or '-':11} {role or '-':11} {strength:.2f}  " + "; ".join(pool[i][1] for i, _, _ in found[:3]))
    result["heads"] = table
    both = sum(len(r) for r in roles.values())
    print(f"heads with the same role both ways: {both}; " + ", ".join(f"{f} {len(r)}" for f, r in roles.items()))

    mean = out["code"].mean(0)
    print("\nMean-ablating a role's two strongest heads: change of accuracy in points")
    print("  role        heads               " + " ".join(f"{f:>10}" for f in FACTORS))
    result["ablation"] = {}
    for f in FACTORS:
        two = [(l, h) for _, l, h in sorted(roles[f], reverse=True)[:2]]
        after = accuracies(without(model, out, two, mean), banks, out)
        result["ablation"][f] = {"heads": [name(*x) for x in two], "change": {g: after[g] - base[g] for g in FACTORS}}
        print(f"  {f:11} {', '.join(name(*x) for x in two):19} " + " ".join(f"{after[g] - base[g]:10.1f}" for g in FACTORS))

    n = 2000 // part
    birds = run(model, 3003, n, kinds=(0, 0, 1))
    bird_mean = birds["code"].mean(0)
    groups = [run(model, 3010 + k, n, kinds=(0, 0, 1), group=g) for k, g in enumerate(GROUPS)]

    def by_group(heads):
        return [hits(without(model, o, heads, bird_mean), banks["bird"], b) for (b, _), o in zip(GROUPS, groups)]
    ground = [(l, h) for _, l, h in sorted(roles["background"], reverse=True)]
    every = [(l, h) for l in range(model.layers) for h in range(model.heads)]
    rows = [("nothing", by_group([])), (f"background's heads ({', '.join(name(*x) for x in ground)})", by_group(ground)),
            (f"the strongest ({name(*ground[0])})", by_group(ground[:1]))]
    others = [x for x in every if x not in ground]
    for label, pool in ((f"best of 20 random sets of {len(ground)}", every), ("the same without the background's heads", others)):
        sets = [[pool[i] for i in rng.choice(len(pool), len(ground), replace=False)] for _ in range(20)]
        best = max(((by_group(s), s) for s in sets), key=lambda r: min(r[0]))
        rows.append((f"{label} ({', '.join(name(*x) for x in sorted(best[1]))})", best[0]))
    result["shortcut"] = {r[0]: r[1] for r in rows}
    print(f"\nDuck or hen: accuracy by group, {n} fresh scenes each (± {wilson(50, n):.1f}), means from {n} birds as in training")
    print("  mean-ablated".ljust(66) + " ".join(f"{scenes.BIRDS[b]}/{scenes.BACKGROUNDS[g]}".rjust(11) for b, g in GROUPS) +
          "  worst")
    for label, row in rows:
        print(f"  {label:64}" + " ".join(f"{v:11.1f}" for v in row) + f"  {min(row):5.1f}")

    at, rows = {}, []
    for f in FACTORS:
        at[f] = sum(len(r) for r in rows)
        rows.append(banks[f] - banks[f].mean(0))
    directions = np.concatenate(rows).T
    o = run(model, 3005, 600 // part, directions, kinds=(0.8, 0.2, 0))
    weights = named(o, ("shape", "colour", "texture"), at, directions.shape[1])
    contrast = weights.copy()
    contrast[np.arange(len(contrast)), at["background"] + o["background"]] -= 1
    full = o["maps"].sum(1)
    methods = [("patch terms: shape + colour + texture texts - background's text", np.einsum("bnv,bv->bn", full, contrast)),
               ("patch terms: shape + colour + texture texts", np.einsum("bnv,bv->bn", full, weights))]
    methods += [(f"attention of layer {l}" + (", the last" if l == model.layers - 1 else ""), o["attention"][:, l])
                for l in range(model.layers - 1, -1, -1)]
    print(f"\nSegmentation of objects, {len(full)} scenes: mean IoU at the mean threshold, at Otsu's")
    result["segmentation"] = {}
    for label, maps in methods:
        both_ = [mean_iou(maps, o["label"], t) for t in ("mean", "otsu")]
        result["segmentation"][label] = both_
        print(f"  {label:66} {both_[0]:.3f}  {both_[1]:.3f}")
    o = run(model, 3006, 600 // part, directions, kinds=(0, 1, 0))
    print("Pointing at the named one of two objects, %: contrast with the mean text, with the strongest runner_up at each patch")
    result["pointing"] = {}
    for f in ("colour", "shape"):
        p = pointing(o["maps"].sum(1)[:, :, at[f]:at[f] + len(scenes.FACTORS[f])], o, f)
        result["pointing"][f] = p.tolist()
        print(f"  by {f:7} {p[0]:5.1f} {p[1]:5.1f}")

    print("\nRetrieval among the first scenes, precision at 10, %: whole embedding, the role's two strongest heads")
    first = slice(0, 2000)
    for f in FACTORS:
        two = [(l, h) for _, l, h in sorted(roles[f], reverse=True)[:2]]
        rows = []
        for c in (m[first], sum(heads[first, l, h] for l, h in two) if two else m[first]):
            c = unit(c - c.mean(0))
            score = c @ c.T
            np.fill_diagonal(score, -9)
            near = np.argpartition(-score, 10, axis=1)[:, :10]
            rows.append(100 * float((out[f][first][near] == out[f][first][:, None]).mean()))
        print(f"  {f:11} {rows[0]:5.1f} {rows[1]:5.1f}")
    if "--json" in options:
        with open(options["--json"], "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
