#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""07_embedding_atlas.py RUN TEXTS OUT.jsonl   A run's images for Embedding Atlas, one JSON object a line:

    path, label, group          as the run has them
    x, y                        the two main directions of the embeddings
    one number for every head with a role, named "L3.H1 colour": what it adds to the similarity with its
                                first basis text

    embedding-atlas OUT.jsonl --x x --y y

TEXTS is the pool by which heads are named ("demo", "general", a file)."""
import json
import sys

import clipspan
import numpy as np


def flatten(vectors):
    """[B, 2] along the two main directions of [B, P]."""
    centred = vectors - vectors.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:2].T


def score_heads(run, atlas, model):
    """{"L3.H1 colour": [B]} of the heads with a role."""
    scores = {}
    for found in atlas:
        if found.outcome == "role":
            text = model.embed_texts([found.texts["text"][0]], progress=False)[0]
            scores[f"{found.head} {found.category}"] = run.contributions(*found.head) @ text
    return scores


def main():
    folder, texts, out = sys.argv[1:4]
    run = clipspan.Run(folder)
    model = run.open_model(progress=False)
    scores = score_heads(run, run.atlas(texts, progress=False), model)
    places = flatten(run.vectors().astype(float))
    images = {row["run_index"]: row for row in run.images}
    with open(out, "x", encoding="utf-8") as file:
        for i, index in enumerate(run.used_indices):
            row = {name: images[index][name] for name in ("path", "label", "group")}
            row.update(x=float(places[i, 0]), y=float(places[i, 1]))
            row.update({name: float(values[i]) for name, values in scores.items()})
            file.write(json.dumps(row) + "\n")
    print(f"{out}: {len(places)} images, {len(scores)} heads with a role")


if __name__ == "__main__":
    main()
