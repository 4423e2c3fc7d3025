#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write tests/demo/data: what open_clip says of the demo's test scenes, for the engine to say the same.

usage: ref/make_demo_golden.py [--check]

Model, tokenizer, images and prompts are read by open_clip and Pillow alone, as their users would read them: nothing of
clipspan is involved. --check makes everything anew and compares. Needs: pip install open_clip_torch. Regenerate only
when the model or the scenes change, in a commit of its own.
"""
import csv
import os
import platform
import sys

import numpy as np
import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
DEMO = os.path.join(ROOT, "data", "demo")
OUT = os.path.join(ROOT, "tests", "demo", "data")
FACTORS = ("shape", "colour", "texture", "size", "place", "count", "background", "bird")
STEP, KEPT = 27, 16  # every 27th scene's embedding: all kinds of scenes are among them
CLOSE = 1e-5         # cosines nearer than this are a tie

MANIFEST = """\
predicted.npy, margin.npy, bank.npy, embeddings.npy
    command    ref/make_demo_golden.py
    versions   Python {python}, torch {torch}, open_clip_torch {open_clip}, Pillow {pillow}, NumPy {numpy}
    predicted  uint8 [8, {scenes}], by factor ({factors}) and scene of test.csv: the class
               with the largest cosine in float32, each class the mean of its prompts' unit vectors, normalised again
    margin     float32 [8, {scenes}], by how much that cosine is above the next one
    bank       float64 [{classes}, {width}], the classes of all factors one after the other, computed in float64
    embeddings float64 [{kept}, {width}], of every {step}th scene, computed in float64
    tolerance  predictions equal where margin is above {close:.0e}; every number of bank and embeddings within 1e-5
    reason     open_clip's own float32 and float64 embeddings differ by {image:.1e} at most (texts {text:.1e}), and they
               agree about {agree} of {all} predictions; {ties} of the margins are at most {close:.0e}, the smallest is
               {least:.1e}. QuickGELU in place of GELU, a small mistake, moves embeddings by {other:.1e}.
"""


def lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().split("\n")[:-1]


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def make(kind, quick_gelu=False):
    """(embeddings [scenes, P], one bank [classes, P] a factor) in that precision."""
    folder = os.path.join(DEMO, "model")
    model, _, transform = open_clip.create_model_and_transforms("local-dir:" + folder, precision="fp32",
                                                                  force_quick_gelu=quick_gelu)
    model = model.eval().to(kind)
    table = SimpleTokenizer(bpe_path=os.path.join(folder, "bpe_scenes.txt.gz"), context_length=model.context_length)
    with open(os.path.join(DEMO, "test.csv"), encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    banks = []
    with torch.no_grad():
        pixels = torch.stack([transform(Image.open(os.path.join(DEMO, path))) for path in paths]).to(kind)
        embeddings = unit(model.encode_image(pixels))
        for factor in FACTORS:
            path = os.path.join(DEMO, "classes", factor)
            names = [line.split("\t")[1] for line in lines(path + ".txt")]
            prompts = [[t.replace("{}", name) for t in lines(path + ".templates.txt")] for name in names]
            banks.append(torch.stack([unit(unit(model.encode_text(table(p))).mean(0)) for p in prompts]))
    return embeddings, banks


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__.strip())
    coarse, fine = make(torch.float32), make(torch.float64)
    scores = [[(e @ bank.T).double().numpy() for bank in banks] for e, banks in (coarse, fine)]
    best = [np.stack([s.argmax(1) for s in each]).astype(np.uint8) for each in scores]
    ordered = [np.sort(s, 1) for s in scores[0]]
    margin = np.stack([s[:, -1] - s[:, -2] for s in ordered]).astype(np.float32)
    bank = torch.cat(fine[1])
    embeddings = fine[0][::STEP][:KEPT]
    arrays = {"predicted": best[0], "margin": margin, "bank": bank.numpy(), "embeddings": embeddings.numpy()}
    manifest = MANIFEST.format(
        python=platform.python_version(), torch=torch.__version__.split("+")[0], open_clip=open_clip.__version__,
        pillow=Image.__version__, numpy=np.__version__, scenes=best[0].shape[1], factors=" ".join(FACTORS),
        classes=len(bank), width=bank.shape[1], kept=KEPT, step=STEP, close=CLOSE,
        image=(coarse[0] - fine[0]).abs().max(), text=max((a - b).abs().max() for a, b in zip(coarse[1], fine[1])),
        other=(make(torch.float32, True)[0] - fine[0]).abs().max(), agree=(best[0] == best[1]).sum(), all=best[0].size, ties=(margin <= CLOSE).sum(), least=margin.min())
    if sys.argv[1:]:
        for name, array in arrays.items():
            old = np.load(os.path.join(OUT, name + ".npy"))
            print(f"{name}: largest difference {abs(old.astype(float) - array.astype(float)).max():.1e}")
        return
    for name, array in arrays.items():
        np.save(os.path.join(OUT, name + ".npy"), array)
    with open(os.path.join(OUT, "MANIFEST"), "w", encoding="utf-8") as file:
        file.write(manifest)


if __name__ == "__main__":
    main()
