#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write tests/demo/data/effects-*.npy: what the published arithmetic says of the demo's test scenes.

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
    predicted  uint8 [{edits}, {scenes}], by edit and scene of test.csv, classes of bird.txt: nothing, MLPs, class part,
               both, attention of layers 0 to l for every l, {heads} with the layers before {before} and
               all MLPs, heads of the last {last} layers replaced by {picks} of the names of all classes
    margin     float32 [{edits}, {scenes}], by how much the largest score is above the next
    tolerance  predictions equal where margin is above 1e-5
    reason     the published arithmetic in float32, over terms rounded to float32; {ties} of the margins are at most 1e-5
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
        attn, mlp, cls = (np.load(f"{at}_{kind}_demo.npy") for kind in ("attn", "mlp", "cls_attn"))
        classifier, texts = np.load(at + "-bird.npy"), np.load(at + "-texts.npy").astype(np.float64)
    edits = [r for _, r in published.sequence(attn, mlp, cls)]
    edits.append(published.heads_at_mean(attn, mlp, HEADS, BEFORE))
    edits += [published.replaced(attn, mlp, texts, LAST, picks) for picks in PICKS]
    found = [published.answers(r, classifier) for r in edits]
    return np.stack([f[0] for f in found]).astype(np.uint8), np.stack([f[1] for f in found]).astype(np.float32)


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--check"]):
        sys.exit(__doc__.strip())
    predicted, margin = make(os.path.abspath(sys.argv[1]))
    manifest = MANIFEST.format(numpy=np.__version__, edits=len(predicted), scenes=predicted.shape[1], before=BEFORE,
                               heads=" ".join(f"L{la}.H{h}" for la, h in HEADS), last=LAST,
                               picks=", ".join(map(str, PICKS)), ties=int((margin <= 1e-5).sum()))
    if sys.argv[2:]:
        old = np.load(os.path.join(OUT, "effects-predicted.npy"))
        close = np.minimum(margin, np.load(os.path.join(OUT, "effects-margin.npy"))) <= 1e-5
        off = int(((old != predicted) & ~close).sum())
        sys.exit(f"{off} predictions are others" if off else 0)
    np.save(os.path.join(OUT, "effects-predicted.npy"), predicted)
    np.save(os.path.join(OUT, "effects-margin.npy"), margin)
    with open(os.path.join(OUT, "MANIFEST-effects"), "w", encoding="utf-8") as file:
        file.write(manifest)


if __name__ == "__main__":
    main()
