# SPDX-License-Identifier: MIT
"""The published TEXTSPAN, on stored contributions: what src/decompose/span.c must pick from statistics alone.

Input: what one head wrote for N images, data [N, P] (not centred), unit texts [T, P], a rank, a number of basis texts.

    V       the first `rank` right singular vectors of the data as it is
    texts   projected on their span, neither centred nor made unit vectors again
    then    data minus its mean row; and so many times:
                pick the text along which the data's standard deviation is largest, the first of equal ones;
                add the data's part along it to the reconstruction, take it from the data and from all texts

Works in the type of its input; the published program runs in float32.
"""
import numpy as np

SMALLEST = 1e-12  # eigenvalues of E[c c^T] below this share of the largest are rounding noise


def numerical_rank(data):
    values = np.linalg.svd(np.asarray(data, np.float64), compute_uv=False) ** 2
    return int((values > SMALLEST * values[0]).sum())


def textspan(data, texts, rank, basis_texts):
    """Picked texts, their variances, their shares of the data's variance, the reconstruction [N, P], and directions."""
    _, _, v = np.linalg.svd(data, full_matrices=False)
    v = v[:rank]
    texts = texts @ v.T @ v
    mean = data.mean(axis=0)
    data = data - mean
    total = (data ** 2).sum()
    reconstruction = np.broadcast_to(mean, data.shape).copy()
    chosen, variances, shares, directions = [], [], [], []
    for _ in range(basis_texts):
        spread = (data @ texts.T).std(axis=0, ddof=1)
        best = int(np.argmax(spread))
        text = texts[best]
        direction = text / np.linalg.norm(text)
        part = np.outer(data @ direction, direction)
        shares.append((part ** 2).sum() / total)
        reconstruction += part
        data = data - part
        texts = texts - np.outer(texts @ direction, direction)
        chosen.append(best)
        variances.append(spread[best] ** 2)
        directions.append(direction)
    return np.array(chosen), np.array(variances), np.array(shares), reconstruction, np.array(directions)
