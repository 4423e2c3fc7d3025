# SPDX-License-Identifier: MIT
"""TEXTSPAN from head statistics, and roles by shares of explained variance, in NumPy: the short form for evaluate.py.

A head's data are coefficients y [N, K + 3] with contributions y A. Texts are picked greedily by the variance of the data along them;
each basis text is projected out of data and texts (the published algorithm, in the space that the data span)."""
import numpy as np


def space(basis):
    """(Q, R): contributions y A are y R in the orthonormal columns of Q [P, p], A = R Q.T."""
    q, r = np.linalg.qr(basis.T.astype(np.float64))
    return q, r.T


def span(basis, mean, cov, texts, basis_texts, count):
    """Basis texts [(text, share of the head's variance, direction in code space [K + 3])]. mean, cov: of y, float64."""
    q, r = space(basis)
    c = r.T @ cov @ r
    m = mean @ r
    values, vectors = np.linalg.eigh(c + np.outer(m, m))
    u = vectors[:, values > 1e-12 * values[-1]][:, -count:]
    t = texts.astype(np.float64) @ q @ u
    c0 = np.trace(c)
    c = u.T @ c @ u
    out = []
    for _ in range(basis_texts):
        v = np.einsum("ti,ij,tj->t", t, c, t, optimize=True)
        i = int(v.argmax())
        if v[i] < 1e-12 * c0:
            break
        d = t[i] / np.linalg.norm(t[i])
        p = np.eye(len(d)) - np.outer(d, d)
        before = np.trace(c)
        c = p @ c @ p
        t = t @ p
        out.append((i, (before - np.trace(c)) / c0, r @ (u @ d)))
    return out


def basis_texts_that_enter(head_width):
    return 5 if head_width >= 32 else max(2, head_width // 6)


def role(found, category, stable, rng, names):
    """The role of a head by its basis texts: (name or None, strength, purity, list of those above chance).

    category: [T] of every text of the pool; stable: text to how often its basis text comes back in resamples."""
    def strengths(labels):
        s = np.zeros(len(names))
        for i, share, _ in found:
            s[labels[i]] += share
        return s
    s = strengths(category)
    largest = np.array([strengths(rng.permutation(category)).max() for _ in range(1000)])
    limit = np.quantile(largest, 0.95)
    order = s.argsort()[::-1]
    above = [names[i] for i in order if s[i] > limit]
    purity = s[order[0]] / max(s.sum(), 1e-12)
    top = next((i for i, _, _ in found if category[i] == order[0]), None)
    clear = above and s[order[0]] >= 1.5 * s[order[1]] and stable.get(top, 0) >= 0.5
    return names[order[0]] if clear else None, s[order[0]], purity, above
