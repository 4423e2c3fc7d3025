# SPDX-License-Identifier: MIT
"""Cue surgery, text projection, LEACE and INLP on the demo's shortcut: the table of docs/evidence.md.

usage: compare_erasure.py [--clipspan PROGRAM] [--scenes N] FOLDER        (numpy; N divides the numbers of scenes, for a look)

Draws fresh scenes into FOLDER (no scene of training or of the demo), lets the program scan and export them, and edits the
exported contributions here. Statistics, cue labels and classifiers are those of one set, figures those of another:

    birds     2,500 ducks and hens, 95 % of them on "their" background        statistics, first half of the table
    general   2,600 scenes without birds                                      statistics, second half
    test      4 x 2,500 birds, balanced                                       worst group, mean of the groups
    others    2,000 scenes without birds                                      accuracy in seven other classifications
"""
import getopt
import os
import subprocess
import sys

import numpy as np

import erasure

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "demo"))
import scenes  # noqa: E402
from make_data import png  # noqa: E402

FACTORS = [f for f in scenes.FACTORS if f != "bird"]
WATER, GRASS = scenes.BACKGROUNDS.index("water"), scenes.BACKGROUNDS.index("grass")
GROUPS = [(b, g) for b in range(2) for g in range(2)]
INLP = (1, 2, 4, 8, 16)


def sets(part):
    """name: list of (count, arguments of scenes.sample)"""
    yield "birds", 9101, [(2500 // part, {"kinds": (0, 0, 1)})]
    yield "general", 9103, [(2600 // part, {"kinds": (0.8, 0.2, 0)})]
    yield "test", 9102, [(2500 // part, {"kinds": (0, 0, 1), "group": g}) for g in GROUPS]
    yield "others", 9104, [(2000 // part, {"kinds": (1, 0, 0)})]


def draw(folder, name, seed, parts):
    """FOLDER/name.csv and its images."""
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    rows, number = ["path," + ",".join(scenes.FACTORS)], 0
    for count, how in parts:
        for first in range(number, number + count, 100):
            s = scenes.sample(seed, np.arange(first, min(first + 100, number + count)), **how)
            for i, pixels in enumerate(scenes.draw(s)[0]):
                path = f"{name}/{first + i:05d}.png"
                with open(os.path.join(folder, path), "wb") as file:
                    file.write(png(pixels))
                rows.append(",".join([path] + [v[s[f][i]] if s[f][i] >= 0 else "" for f, v in scenes.FACTORS.items()]))
        number += count
    with open(os.path.join(folder, name + ".csv"), "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(rows) + "\n")


def read(folder, name):
    """Contributions of heads [N, L H, P], the embedding [N, P], factors [N]"""
    out = os.path.join(folder, "run-" + name, "official")
    attn, mlp = (np.load(os.path.join(out, f)) for k in ("_attn_", "_mlp_")
                 for f in sorted(os.listdir(out)) if k in f and "cls" not in f and f.endswith(".npy"))
    heads = attn.reshape(len(attn), -1, attn.shape[-1]).astype(np.float64)
    with open(os.path.join(folder, name + ".csv"), encoding="utf-8") as file:
        columns = [line.rstrip("\n").split(",") for line in file]
    facts = {f: np.array([scenes.FACTORS[f].index(r[k]) if r[k] else -1 for r in columns[1:]])
             for k, f in enumerate(columns[0]) if f != "path"}
    return heads, heads.sum(1) + mlp.astype(np.float64).sum(1), facts


def make(folder, program, part):
    def call(*arguments):
        print("+ clipspan " + " ".join(arguments), file=sys.stderr, flush=True)
        subprocess.run([program, *arguments, "--progress", "none"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    for name, seed, parts in sets(part):
        if not os.path.exists(os.path.join(folder, name + ".csv")):
            draw(folder, name, seed, parts)
        if not os.path.exists(os.path.join(folder, "run-" + name, "official")):
            call("scan", "demo", name + ".csv", "-o", "run-" + name)
            call("export", "run-" + name, "--texts", "demo", "--official", os.path.join("run-" + name, "official"))
    for f in scenes.FACTORS:
        where = os.path.join(ROOT, "data", "demo", "classes", f)
        call("embed", "demo", "--classes", where + ".txt", "--templates", where + ".templates.txt", "-o", f + ".npy", "-f")
    call("embed", "demo", "--text", "water", "--text", "grass", "-o", "cue.npy", "-f")


def remedies(heads, whole, facts, w, q):
    """(name, what is done to (heads, whole)) made of one set's statistics."""
    answers = (whole @ w).argmax(1)
    ground = facts["background"]
    some = (ground == WATER) | (ground == GRASS)
    label = (ground[some] == WATER).astype(float)
    hot = np.stack([label, 1 - label], 1)
    m = w[:, 0] - w[:, 1]

    def within(x):
        return sum((answers == a).sum() * erasure.covariance(x[answers == a], x[answers == a])
                   for a in np.unique(answers)) / len(x)
    v, vq, sign = [], [], []
    for h in range(heads.shape[1]):
        s = within(heads[:, h])
        v.append(m @ s @ m)
        vq.append((q @ s @ m) ** 2 / max(q @ s @ q, 1e-300))
        sign.append(q @ s @ m)
    v, vq, sign = map(np.array, (v, vq, sign))
    ratio = np.where(sign * sign.sum() < 0, -1, vq / (v - vq + 0.001 * v.sum()))
    order = ratio.argsort()[::-1]

    def by_head(maps):
        def edit(heads, whole):
            return whole + sum(erasure.erase(heads[:, h], f) - heads[:, h] for h, f in maps.items())
        return edit

    def at_once(f):
        return lambda heads, whole: erasure.erase(whole, f)
    yield "nothing", lambda heads, whole: whole
    first = int(order[0])
    yield f"mean-ablation of the first head of the ranking, L{first // 8}.H{first % 8}", \
        by_head({first: (heads[:, first].mean(0), np.eye(len(q)))})
    yield "cue surgery, that head", by_head({first: erasure.surgery(heads[:, first], q, answers, w)})
    eight = [int(h) for h in order[:8] if ratio[h] >= 0]
    yield f"cue surgery, {len(eight)} heads", by_head({h: erasure.surgery(heads[:, h], q, answers, w) for h in eight})
    every = range(heads.shape[1])
    yield "cue surgery, all heads, not kept inside the classes' span", \
        by_head({h: erasure.surgery(heads[:, h], q, answers) for h in every})
    yield "cue surgery, all heads", by_head({h: erasure.surgery(heads[:, h], q, answers, w) for h in every})
    yield "the same on the whole embedding", at_once(erasure.surgery(whole, q, answers, w))
    yield "LEACE of the embedding's own reading (one answer, no span)", at_once(erasure.leace(whole, (whole @ q)[:, None]))
    yield "projecting out the text direction", at_once(erasure.along(whole, q))
    yield "LEACE, cue labels, whole embedding", at_once(erasure.leace(whole[some], hot))
    yield "LEACE, cue labels, head by head", by_head({h: erasure.leace(heads[some, h], hot) for h in every})
    yield "LEACE, cue labels, that head", by_head({first: erasure.leace(heads[some, first], hot)})
    for k in INLP:
        yield f"INLP, cue labels, {k} iteration{'s' * (k > 1)}", at_once(erasure.inlp(whole[some], label, k))


def main():
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "h", ["clipspan=", "scenes=", "help"])
    except getopt.GetoptError as e:
        sys.exit(f"compare_erasure.py: {e}; --help says more")
    options = dict(options)
    if "-h" in options or "--help" in options:
        print(__doc__.strip())
        return
    if len(rest) != 1:
        sys.exit("compare_erasure.py: a folder is needed; --help says more")
    folder, part = os.path.abspath(rest[0]), int(options.get("--scenes", 1))
    os.makedirs(folder, exist_ok=True)
    make(folder, os.path.abspath(options.get("--clipspan", os.path.join(ROOT, "build", "cli", "clipspan"))), part)
    banks = {f: np.load(os.path.join(folder, f + ".npy")).astype(np.float64) for f in scenes.FACTORS}
    cue = np.load(os.path.join(folder, "cue.npy")).astype(np.float64)
    q, w = cue[0] - cue[1], banks["bird"]
    test, others = read(folder, "test"), read(folder, "others")
    group = test[2]["bird"] * 2 + (test[2]["background"] == GRASS)

    def figures(edit):
        hit = (edit(*test[:2]) @ w).argmax(1) == test[2]["bird"]
        by_group = [100 * hit[group == g].mean() for g in range(4)]
        e = edit(*others[:2])
        right = {f: 100 * ((e @ banks[f]).argmax(1) == others[2][f]).mean() for f in FACTORS}
        ground = right.pop("background")
        return min(by_group), float(np.mean(by_group)), float(np.mean(list(right.values()))), ground
    table = {}
    for name in ("birds", "general"):
        for label, edit in remedies(*read(folder, name), w, q):
            table.setdefault(label, {})[name] = figures(edit)
    print("| | birds: worst | mean | other factors | background | general: worst | mean | other factors | background |")
    print("| --- |" + " --- |" * 8)
    for label, rows in table.items():
        print(f"| {label} | " + " | ".join(" | ".join(f"{x:.1f}" for x in rows[n]) if n in rows else "– | – | – | –"
                                           for n in ("birds", "general")) + " |")


if __name__ == "__main__":
    main()
