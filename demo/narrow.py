# SPDX-License-Identifier: MIT
"""What the roles of a narrow model are held against: images, a text pool of 74 texts in seven categories, true factors.

usage: narrow.py [--images N] [--scenes N] -o FOLDER MODEL_FOLDER      (numpy)

The model is one that demo/train.py made with narrow heads:
    train.py --width 96 --head-width 12 --patch 12 --batch 64 --steps 4400 --every 400 -o MODEL_FOLDER

  look.csv, look/   N scenes as in training (default 2,000): for a run's statistics
  texts.txt         two wordings of each of the 37 values of seven factors, with their category (birds have none)
  truth.json        for each head the share of its contribution's variance that lies between the values of each factor
                    (one-way analysis of variance on fresh scenes of one kind of object each, default 4,000), the factors
                    by that share, and those of the first two that reach a third: the true ones
"""
import getopt
import json
import os
import re
import sys

import numpy as np

import captions
import scenes
from evaluate import FACTORS, contributions, explained_by_factor, name, run
from make_data import OBJECTS, write, write_split
from numpy_clip import Clip

LOOK, FRESH = 4001, 4002  # seeds
WORDINGS, TRUE = 2, 1 / 3


def pool():
    """(category, text) of the text pool."""
    out = []
    for f in FACTORS:
        for seen in captions.PHRASES[f]:
            out += [(f if f in OBJECTS else "!" + f, re.sub(r"\ba (?=[aeiou])", "an ", seen[k * len(seen) // WORDINGS]))
                    for k in range(WORDINGS)]
    return out


def truth(model, count):
    """Each head's factors by analysis of variance, and its covariance share of the embedding."""
    out = run(model, FRESH, count, kinds=(1, 0, 0))
    heads = contributions(model, out)
    centred = (out["embedding"] - out["embedding"].mean(0)).astype(np.float64)
    rows = {}
    for l in range(model.layers):
        for h in range(model.heads):
            c = heads[:, l, h].astype(np.float64)
            eta = explained_by_factor(c, out)
            order = eta.argsort()[::-1]
            rows[name(l, h)] = {"effect": float(((c - c.mean(0)) * centred).sum() / (centred * centred).sum()),
                                "explained": {f: round(float(e), 4) for f, e in zip(FACTORS, eta)},
                                "first": FACTORS[order[0]], "second": FACTORS[order[1]],
                                "true": [FACTORS[i] for i in order[:2] if eta[i] >= TRUE]}
    return rows


def main():
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "o:h", ["images=", "scenes=", "help"])
    except getopt.GetoptError as e:
        sys.exit(f"narrow.py: {e}; --help says more")
    options = dict(options)
    if "-h" in options or "--help" in options:
        print(__doc__.strip())
        return
    if len(rest) != 1 or "-o" not in options:
        sys.exit("narrow.py: -o FOLDER and a model's folder are needed; --help says more")
    folder, images = options["-o"], int(options.get("--images", 2000))
    os.makedirs(os.path.join(folder, "masks"), exist_ok=True)
    write(os.path.join(folder, "texts.txt"), "".join(f"{c}\t{t}\n" for c, t in pool()))
    write_split(folder, "look", [scenes.sample(LOOK, np.arange(i, min(i + 200, images))) for i in range(0, images, 200)])
    rows = truth(Clip(rest[0]), int(options.get("--scenes", 4000)))
    write(os.path.join(folder, "truth.json"), json.dumps({"factors": FACTORS, "true_share": TRUE, "heads": rows}, indent=1) + "\n")
    print(f"{sum(bool(r['true']) for r in rows.values())} of {len(rows)} heads have a true factor")


if __name__ == "__main__":
    main()
