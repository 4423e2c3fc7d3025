#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""05_probe.py MODEL IMAGES.csv COLUMN FOLDER   What a linear probe reads from one head alone, for every head.

A ridge regression on a head's K + 3 coefficients is fitted on every other image and tested on the rest; beside it the same probe
on whole embeddings. A head that says all about COLUMN is one to look at: its role by texts may not."""
import sys

import clipspan
import numpy as np


def probe(features, targets):
    """Accuracy on odd rows of a ridge regression on even ones. features: [B, F]; targets: [B] class numbers."""
    train, test = slice(0, None, 2), slice(1, None, 2)
    scaled = (features - features[train].mean(0)) / (features[train].std(0) + 1e-9)
    scaled = np.hstack([scaled, np.ones((len(scaled), 1))])
    wanted = np.eye(targets.max() + 1)[targets[train]]
    inner = scaled[train].T @ scaled[train] + 10.0 * np.eye(scaled.shape[1])
    weights = np.linalg.solve(inner, scaled[train].T @ wanted)
    return float(np.mean((scaled[test] @ weights).argmax(1) == targets[test]))


def main():
    name, images, column, folder = sys.argv[1:5]
    run = clipspan.open(name).scan(images, folder, labels=column, progress=False)
    labels = {row["run_index"]: row["label"] for row in run.images}
    _, targets = np.unique([labels[index] for index in run.used_indices], return_inverse=True)
    rows = []
    for layer in range(run.info.layers):
        for head in range(run.info.heads):
            rows.append((probe(run.coefficients(layer, head), targets), str(clipspan.Head(layer, head))))
    chance = np.bincount(targets).max() / len(targets)
    print(f"{column}: {targets.max() + 1} values, {len(targets)} images; by chance {chance:.3f}")
    print(f"{'embedding':<10} {probe(run.vectors().astype(float), targets):.3f}")
    for accuracy, head in sorted(rows, reverse=True)[:5]:
        print(f"{head:<10} {accuracy:.3f}")


if __name__ == "__main__":
    main()
