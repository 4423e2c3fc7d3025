# SPDX-License-Identifier: MIT
"""Linear erasure of a concept from vectors, as published, and cue surgery beside it.

    leace     LEAst-squares Concept Erasure (Belrose and others, NeurIPS 2023): its closed form
    inlp      Iterative Nullspace Projection (Ravfogel and others, ACL 2020), with logistic regressions
    along     projecting one direction out
    surgery   cue surgery (docs/math.md, equation (8))

Each returns (m, e): the edited vector is x - e (x - m), m [D] and e [D, D]. erasure.py --check holds
leace to what its theorem says, and surgery to leace."""
import sys

import numpy as np


def covariance(x, y):
    return (x - x.mean(0)).T @ (y - y.mean(0)) / len(x)


def roots(s):
    """Symmetric square root of s and that of its pseudo-inverse."""
    values, vectors = np.linalg.eigh(s)
    keep = values > 1e-10 * values[-1]
    v, r = vectors[:, keep], np.sqrt(values[keep])
    return (v * r) @ v.T, (v / r) @ v.T


def leace(x, z):
    """x [N, D]; z [N, C]: the concept, classes as columns of 0 and 1 or numbers. Afterwards Cov(x', z) = 0, and among affine
    maps with that property this one moves x least: e = W+ P W, W = Sxx^(-1/2), P onto the columns of W Sxz."""
    root, inverse = roots(covariance(x, x))
    u, s, _ = np.linalg.svd(inverse @ covariance(x, z), full_matrices=False)
    u = u[:, s > 1e-9 * max(s[0], 1e-300)]
    return x.mean(0), root @ u @ u.T @ inverse


def logistic(x, z, penalty=1e-3):
    """Weights [D] of a logistic regression of z (0 or 1) on centred x, by Newton's method; a constant is fitted, too."""
    x = np.concatenate([x - x.mean(0), np.ones((len(x), 1))], 1)
    w = np.zeros(x.shape[1])
    ridge = penalty * np.concatenate([np.full(x.shape[1] - 1, np.trace(covariance(x, x)) / x.shape[1]), [1e-9]])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x / len(x) + np.diag(ridge),
                               x.T @ (p - z) / len(x) + ridge * w)
        w -= step
        if np.abs(step).max() < 1e-9 * max(1, np.abs(w).max()):
            break
    return w[:-1]


def inlp(x, z, iterations):
    """x [N, D], z [N] 0 or 1. Every iteration fits a classifier to what is left and projects its direction out; means go, too."""
    found = np.zeros((x.shape[1], 0))
    for _ in range(iterations):
        w = logistic(x - x @ found @ found.T, z)
        w -= found @ (found.T @ w)
        found = np.concatenate([found, (w / np.linalg.norm(w))[:, None]], 1)
    return np.zeros(x.shape[1]), found @ found.T


def along(x, q):
    """Projects direction q [D] out: a step of inlp with a direction that is given."""
    return np.zeros(x.shape[1]), np.outer(q, q) / (q @ q)


def surgery(x, q, answers, inside=None):
    """Takes from x what moves with its own reading x.q: e = Pi S q q^T / (q^T S q), S the covariance among rows with the same
    answer, Pi the projection on q and the columns of inside [D, C], what the classes read (None: no projection). With one
    answer for all and no projection it is leace(x, x @ q): the concept is the reading itself."""
    s = sum((answers == a).sum() * covariance(x[answers == a], x[answers == a]) for a in np.unique(answers)) / len(x)
    own, moved = q @ s @ q, s @ q
    if inside is not None:
        v, _ = np.linalg.qr(np.concatenate([q[:, None], inside], 1))
        moved = v @ (v.T @ moved)
    return x.mean(0), np.outer(moved, q) / own if own > 1e-14 * np.trace(s) * (q @ q) else np.zeros((len(q), len(q)))


def erase(x, map):
    m, e = map
    return x - (x - m) @ e.T


def check():
    rng = np.random.default_rng(1)
    n, d = 4000, 12
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    z = (x @ rng.normal(size=d) + rng.normal(size=n) > 0).astype(float)
    x += np.outer(z, rng.normal(size=d))
    hot = np.stack([z, 1 - z], 1)
    left = erase(x, leace(x, hot))
    assert abs(covariance(left, hot)).max() < 1e-9
    assert abs(left.mean(0) - x.mean(0)).max() < 1e-9
    moved = ((left - x) ** 2).sum()
    for _ in range(20):  # other affine maps that guard z move x more
        b = rng.normal(size=d)
        s = covariance(x, hot)[:, 0]
        other = x.mean(0), np.outer(s, b) / (b @ s)
        assert abs(covariance(erase(x, other), hot)).max() < 1e-8
        assert ((erase(x, other) - x) ** 2).sum() >= moved * (1 - 1e-12)
    q = rng.normal(size=d)
    one = surgery(x, q, np.zeros(n))
    same = leace(x, (x @ q)[:, None])
    assert abs(one[1] - same[1]).max() < 1e-8 * abs(same[1]).max()
    w = logistic(x, z)
    assert (((x - x.mean(0)) @ w > 0) == (z > 0)).mean() > 0.8
    after = erase(x, inlp(x, z, d - 1))
    assert np.linalg.matrix_rank(after - after.mean(0), tol=1e-6) == 1
    print("leace guards its concept and moves least; surgery is leace of the reading; inlp leaves D - k directions")


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    check()
