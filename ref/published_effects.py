#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mean-ablations as published, on the terms that `clipspan export` writes: what src/study/effects_run.c must say.

usage: ref/published_effects.py ATTN.npy MLP.npy CLS_ATTN.npy CLASSIFIER.npy [--heads L.H,...] [--before L] [LABELS]

    ATTN [N, L, H, P], MLP [N, L + 1, P], CLS_ATTN [N, L, P]: every image's terms     CLASSIFIER [P, classes]
    LABELS: text file, a class number an image, -1 where it is not known

Prints a line an edit: name, and how many are right, or, without LABELS, stay as they are. Means are over the images
themselves. In the type of the arrays, float32, as the published programs. make_effects_golden.py keeps what comes out.

The sequence replaces by their means: nothing; all MLP contributions; what attention takes from the class token itself; both;
attention of layers 0 to l. Named heads are replaced together with all heads of the layers before --before and all MLP
contributions. In the replaced model, heads of the last layers become their reconstruction, earlier heads their mean.
"""
import getopt
import sys

import numpy as np

import textspan


def sequence(attn, mlp, cls):
    """(name, representation [N, P]) of each edit."""
    layers, whole = attn.sum(2), mlp.sum(1)
    mean = np.broadcast_to(mlp.mean(0, keepdims=True), mlp.shape).sum(1)
    ablated = layers - cls + cls.mean(0, keepdims=True)
    yield "nothing", layers.sum(1) + whole
    yield "mlps", layers.sum(1) + mean
    yield "class_self_attention", ablated.sum(1) + whole
    yield "mlps_and_class_self_attention", ablated.sum(1) + mean
    for layer in range(layers.shape[1]):
        kept = layers.copy()
        kept[:, :layer + 1] = layers[:, :layer + 1].mean(0, keepdims=True)
        yield f"attention_until {layer}", kept.sum(1) + whole


def heads_at_mean(attn, mlp, heads, before):
    attn, mlp = attn.copy(), np.broadcast_to(mlp.mean(0, keepdims=True), mlp.shape)
    for layer, head in heads + [(la, h) for la in range(before) for h in range(attn.shape[2])]:
        attn[:, layer, head] = attn[:, layer, head].mean(0, keepdims=True)
    return attn.sum((1, 2)) + mlp.sum(1)


def replaced(attn, mlp, texts, last, basis_texts):
    """The model whose last layers' heads are what so many texts explain of them."""
    out = np.broadcast_to(attn.mean(0, keepdims=True), attn.shape).copy()
    for layer in range(attn.shape[1] - last, attn.shape[1]):
        for head in range(attn.shape[2]):
            data = attn[:, layer, head].astype(np.float64)
            out[:, layer, head] = textspan.textspan(data, texts, textspan.numerical_rank(data), basis_texts)[3]
    return out.sum((1, 2)) + mlp.sum(1)


def answers(representation, classifier):
    """Predicted class, and by how much its score is above the next."""
    scores = representation @ classifier
    ordered = np.sort(scores, 1)
    return scores.argmax(1), ordered[:, -1] - ordered[:, -2]


def main():
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "", ["heads=", "before="])
    except getopt.GetoptError as e:
        sys.exit(f"published_effects.py: {e}")
    options = dict(options)
    if len(rest) not in (4, 5):
        sys.exit(__doc__.strip())
    attn, mlp, cls, classifier = (np.load(name) for name in rest[:4])
    edits = list(sequence(attn, mlp, cls))
    if "--heads" in options:
        heads = [tuple(int(n) for n in pair.split(".")) for pair in options["--heads"].split(",")]
        edits.append(("heads", heads_at_mean(attn, mlp, heads, int(options.get("--before", 0)))))
    right = np.loadtxt(rest[4], dtype=np.int64) if len(rest) == 5 else answers(edits[0][1], classifier)[0]
    known = right >= 0
    for name, representation in edits:
        best, gap = answers(representation, classifier)
        print(f"{name}\t{int((best == right)[known].sum())}\t{int(known.sum())}\tclose {int((gap[known] <= 1e-5).sum())}")


if __name__ == "__main__":
    main()
