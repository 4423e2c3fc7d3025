#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write tests/demo/data/effects-*.npy, shortcut-*.npy: what the published arithmetic says of the demo's test scenes, and
what ref/shortcut.py says of the duck, the hen and the water.

usage: ref/make_effects_golden.py CLIPSPAN [--check]

CLIPSPAN, the program, exports the terms, classes and texts (export, embed); everything after that is NumPy. --check makes
it anew and compares. Regenerate only when the model, the scenes or the texts change, in a commit of its own.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

import published_effects as published
import shortcut

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
DEMO = os.path.join(ROOT, "data", "demo")
OUT = os.path.join(ROOT, "tests", "demo", "data")
HEADS, BEFORE = [(3, 7), (3, 6), (2, 5)], 1
LAST, PICKS = 2, (1, 2, 5, 10)
FACTORS = ("shape", "colour", "texture", "size", "place", "count", "background", "bird")

MANIFEST = """\
effects-predicted.npy, effects-margin.npy
    command    ref/make_effects_golden.py build/cli/clipspan
    versions   NumPy {numpy}
    predicted  uint8 [{edits}, {scenes}], by edit and scene of test.csv, classes of bird.txt: nothing, MLPs, class-token self-attention,
               both, attention of layers 0 to l for every l, {heads} with the layers before {before} and
               all MLPs, heads of the last {last} layers replaced by {basis_texts} of the names of all classes
    margin     float32 [{edits}, {scenes}], by how much the largest score is above the next
    tolerance  predictions equal where margin is above 1e-5
    reason     the published arithmetic in float32, over terms rounded to float32; {ties} of the margins are at most 1e-5

shortcut-heads.npy, shortcut-candidates.npy
    command    the same
    heads      float64 [heads, 4]: number, V, Vq, 1 where it counteracts; hen against duck, cue "water" less "grass"
    candidates float64 [candidates, 3]: 0 nothing, 1 mean-ablation, 2 surgery; of how many heads; correlation left
    tolerance  V and Vq within 1e-6 of the sum of V, correlations within 1e-5, the order of heads the same
    reason     float64 over terms rounded to float32 (a term's say is at most about 1, its rounding 6e-8)
"""


def make(program):
    env = dict(os.environ, CLIPSPAN_DATA=os.path.join(ROOT, "data"))

    def run(*args):
        subprocess.run([program, *args, "-q"], env=env, check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        at = os.path.join(folder, "run")
        bird = os.path.join(DEMO, "classes", "bird")
        run("scan", "demo", os.path.join(DEMO, "test.csv"), "-o", at)
        run("export", at, "--official", folder, "--texts", "demo")
        run("embed", "demo", "--classes", bird + ".txt", "--templates", bird + ".templates.txt", "-o", at + "-bird.npy")
        names = os.path.join(folder, "names.txt")
        with open(names, "w", encoding="utf-8") as out:
            for factor in FACTORS:
                with open(os.path.join(DEMO, "classes", factor + ".txt"), encoding="utf-8") as file:
                    out.writelines(line.split("\t")[1] for line in file)
        run("embed", "demo", "--texts", names, "-o", at + "-texts.npy")
        run("embed", "demo", "--text", "water", "--text", "grass", "-o", at + "-cue.npy")
        cue = np.load(at + "-cue.npy")
        attn, mlp, cls = (np.load(f"{at}_{kind}_demo.npy") for kind in ("attn", "mlp", "cls_attn"))
        classifier, texts = np.load(at + "-bird.npy"), np.load(at + "-texts.npy").astype(np.float64)
    edits = [r for _, r in published.sequence(attn, mlp, cls)]
    edits.append(published.heads_at_mean(attn, mlp, HEADS, BEFORE))
    edits += [published.replaced(attn, mlp, texts, LAST, basis_texts) for basis_texts in PICKS]
    found = [published.answers(r, classifier) for r in edits]
    heads, candidates = shortcut.shortcut(attn, mlp, classifier, 0, 1, cue[0].astype(np.float64) - cue[1])
    return {"effects-predicted": np.stack([f[0] for f in found]).astype(np.uint8),
            "effects-margin": np.stack([f[1] for f in found]).astype(np.float32),
            "shortcut-heads": heads, "shortcut-candidates": candidates}


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--check"]):
        sys.exit(__doc__.strip())
    made = make(os.path.abspath(sys.argv[1]))
    predicted, margin = made["effects-predicted"], made["effects-margin"]
    manifest = MANIFEST.format(numpy=np.__version__, edits=len(predicted), scenes=predicted.shape[1], before=BEFORE,
                               heads=" ".join(f"L{la}.H{h}" for la, h in HEADS), last=LAST,
                               basis_texts=", ".join(map(str, PICKS)), ties=int((margin <= 1e-5).sum()))
    if sys.argv[2:]:
        old = {name: np.load(os.path.join(OUT, name + ".npy")) for name in made}
        close = np.minimum(margin, old["effects-margin"]) <= 1e-5
        off = int(((old["effects-predicted"] != predicted) & ~close).sum())
        far = max(np.abs(old[name] - made[name]).max() for name in made if name.startswith("shortcut"))
        sys.exit(f"{off} predictions are others; shortcuts differ by {far:.1g}" if off or far > 1e-6 else 0)
    for name, array in made.items():
        np.save(os.path.join(OUT, name + ".npy"), array)
    with open(os.path.join(OUT, "MANIFEST-effects"), "w", encoding="utf-8") as file:
        file.write(manifest)


if __name__ == "__main__":
    main()
