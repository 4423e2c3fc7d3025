# SPDX-License-Identifier: MIT
"""Through which heads a cue reaches a decision between two classes (docs/math.md, "Shortcuts"), from terms in full.

attn [N, L, H, P] and mlp [N, L + 1, P] are terms, w [P, classes] the classifier, a and b the two classes, q [P] the cue."""
import numpy as np

FLOOR, MOSTLY = 0.001, 0.5


def centred(x, answers):
    """x [N, ...] less its mean among the images with the same answer."""
    out = x.copy()
    for answer in np.unique(answers):
        out[answers == answer] -= x[answers == answer].mean(0)
    return out


def correlation(margin, reading, answers, a, b):
    """The larger |correlation| among the images that were called a, and b."""
    return max(abs(np.corrcoef(margin[answers == k], reading[answers == k])[0, 1]) for k in (a, b))


def shortcut(attn, mlp, w, a, b, q):
    """heads [L H, 4]: number, V, Vq, 1 where it counteracts; best first
    candidates [n, 3]: 0 nothing, 1 mean-ablation, 2 surgery; of how many heads; the correlation that is left"""
    n = len(attn)
    attn, mlp = attn.reshape(n, -1, attn.shape[-1]).astype(np.float64), mlp.astype(np.float64)
    w, q = w.astype(np.float64), q.astype(np.float64)
    whole = attn.sum(1) + mlp.sum(1)
    answers, m = (whole @ w).argmax(1), w[:, a] - w[:, b]
    margins, readings = attn @ m, attn @ q  # [N, L H]
    cm, cq = centred(margins, answers), centred(readings, answers)
    freedom = n - len(np.unique(answers))
    v, both, own = (cm * cm).sum(0) / freedom, (cm * cq).sum(0) / freedom, (cq * cq).sum(0) / freedom
    vq = np.minimum(both ** 2 / own, v)
    against = both * both.sum() < 0
    ratio = vq / (v - vq + FLOOR * v.sum())
    order = np.lexsort((np.arange(len(v)), -ratio, against))
    heads = np.stack([order, v[order], vq[order], against[order]], 1)

    ablated = margins - margins.mean(0)
    operated = (readings - readings.mean(0)) * (both / own)
    margin, reading = whole @ m, whole @ q
    candidates = [(0, 0, correlation(margin, reading, answers, a, b))]
    for k in range(1, len(v) + 1):
        some = order[:k]
        if not against[order[k - 1]]:
            candidates.append((1, k, correlation(margin - ablated[:, some].sum(1), reading, answers, a, b)))
        if not against[order[k - 1]] or k == len(v):
            candidates.append((2, k, correlation(margin - operated[:, some].sum(1), reading, answers, a, b)))
    return heads, np.array(candidates)
