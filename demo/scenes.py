# SPDX-License-Identifier: MIT
"""The world of the demo model: small colour pictures whose every factor is known.

A scene is drawn from (seed, index) alone, so any part of any set can be made anywhere, in any order. Random numbers are
splitmix64 and arithmetic is +, -, *, /, square root and comparisons in float32, each correctly rounded everywhere: the same
seed gives the same bytes on every machine. draw() works on NumPy arrays and on torch tensors alike.

Three kinds of scenes:
    alike   one to four objects that are all alike; shape, colour, texture, size, count, place and background independent
    pair    two objects that differ in shape and colour; size and background independent
    bird    the shortcut world: one bird, a duck or a hen, on water or grass. `body` runs from hen (-) to duck (+) and the two
            overlap, as look-alike classes do: a perfect eye gets about nine in ten right. The background agrees with
            the class in AGREE of the training pictures and in half of the balanced ones.

scenes.py --check   prints the digest of a fixed sample (WORLD's version has one digest)
"""
import sys

import numpy as np

WORLD = 1  # version: any change of a pixel or a factor raises it
DIGEST = "0df221d0d3a0b80afbe4185a594dcd3a26d21e6d9a67bd4c54e63acb36e16aaf"
SIDE = 96
SLOTS = 4  # objects a scene has at most
SHAPES = ("circle", "square", "triangle", "cross", "star", "ring", "moon", "heart")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
TEXTURES = ("plain", "striped", "dotted", "checked")
SIZES = ("small", "large")
PLACES = ("middle", "left", "right", "top", "bottom")
COUNTS = ("one", "two", "three", "four")
BACKGROUNDS = ("water", "grass", "sand", "night", "brick", "snow")
BIRDS = ("hen", "duck")
FACTORS = {"shape": SHAPES, "colour": COLOURS, "texture": TEXTURES, "size": SIZES, "place": PLACES, "count": COUNTS,
           "background": BACKGROUNDS, "bird": BIRDS}
ALIKE, PAIR, BIRD = 0, 1, 2
KINDS = ("alike", "pair", "bird")
AGREE = 0.95      # of training birds: duck on water, hen on grass
BODY_GAP = 2.6    # distance of the classes' mean bodies in standard deviations: a perfect eye is right in 90 %

RGB = np.array([(214, 48, 44), (240, 138, 32), (244, 212, 62), (62, 158, 70), (64, 122, 236), (152, 82, 202), (242, 132, 176),
                (246, 244, 240)], np.float32) / np.float32(255)
INK = (0.13, 0.12, 0.14)  # outlines


# ---- Random numbers ----

def mix(x):
    """splitmix64's finaliser on uint64 arrays."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class Dice:
    """Independent streams of random numbers, one a scene; every call throws once for each scene."""

    def __init__(self, seed, index):
        index = np.asarray(index, np.uint64)
        with np.errstate(over="ignore"):
            self.state = mix(mix(np.full_like(index, seed) + np.uint64(0x9E3779B97F4A7C15)) + index)

    def bits(self):
        with np.errstate(over="ignore"):
            self.state = self.state + np.uint64(0x9E3779B97F4A7C15)
            return mix(self.state)

    def unit(self, low=0.0, high=1.0):
        """float32 in [low, high]"""
        u = (self.bits() >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
        return np.float32(low) + u * np.float32(high - low)

    def below(self, n):
        """int64 in [0, n)"""
        return ((self.bits() >> np.uint64(32)) * np.uint64(n) >> np.uint64(32)).astype(np.int64)

    def bell(self):
        """about normal, variance 1: twelve uniform numbers"""
        return sum(self.unit(-0.5, 0.5) for _ in range(12))


# ---- Factors and geometry ----

def sample(seed, index, kinds=(0.66, 0.16, 0.18), agree=AGREE, group=None):
    """Scenes `index` of the set `seed`: a dict of arrays with the scenes along the first axis.

    kinds: shares of alike, pair, bird. agree: share of birds whose background goes with their class. group: None, or
    (bird, background) to fix both for every scene (with kinds (0, 0, 1)).
    Factors are int64 [n], -1 where a factor does not apply; a pair's objects have theirs in *_of [n, SLOTS]."""
    d = Dice(seed, index)
    n = len(d.state)
    u = d.unit()
    kind = np.where(u < kinds[0], ALIKE, np.where(u < kinds[0] + kinds[1], PAIR, BIRD))
    alike, pair, bird = kind == ALIKE, kind == PAIR, kind == BIRD
    shape, colour, texture = d.below(8), d.below(8), d.below(4)
    shape2 = (shape + 1 + d.below(7)) % 8
    colour2 = (colour + 1 + d.below(7)) % 8
    texture2 = d.below(4)
    size, place, background = d.below(2), d.below(5), d.below(6)
    count = np.where(alike, d.below(4), np.where(pair, 1, 0))
    which = d.below(2)
    agrees = d.unit() < agree
    if group is not None:
        which = np.full(n, group[0])
        agrees = np.full(n, (group[0] == 1) == (group[1] == 0))
    background = np.where(bird, np.where(agrees == (which == 1), 0, 1), background)
    body = (d.bell() / np.float32(BODY_GAP) + np.where(which == 1, 0.5, -0.5).astype(np.float32)).clip(-1.5, 1.5)

    many = count > 0
    radius = np.where(size == 0, d.unit(7.5, 9.0), np.where(many, d.unit(11.5, 14.0), d.unit(12.0, 17.0)))
    radius = np.where(bird, d.unit(15.0, 19.0), radius)
    lay = d.below(4)
    across = np.where(lay % 2 == 0, 1.0, 0.0).astype(np.float32)  # two: side by side, above, on either diagonal
    down = np.where(lay == 0, 0.0, np.where(lay == 3, -1.0, 1.0)).astype(np.float32)
    across = np.where(lay == 3, 1.0, across).astype(np.float32)
    flip = np.where(d.below(2) == 0, 1.0, -1.0).astype(np.float32)
    zero, one = np.zeros(n, np.float32), np.ones(n, np.float32)
    patterns = (
        ((zero, zero),) * 4,
        ((across, down), (-across, -down), (zero, zero), (zero, zero)),
        ((-one, 0.8 * flip), (one, 0.8 * flip), (zero, -flip), (zero, zero)),
        ((-one, -one), (one, -one), (-one, one), (one, one)),
    )
    step = radius * np.where(pair, 1.35, 1.12).astype(np.float32) + d.unit(1.0, 2.5) * np.where(pair, 3, 1).astype(np.float32)
    offset = np.zeros((n, SLOTS, 2), np.float32)
    for slot in range(SLOTS):
        for axis in range(2):
            offset[:, slot, axis] = np.choose(count, [p[slot][axis] for p in patterns]) * step
            offset[:, slot, axis] += d.unit(-0.14, 0.14) * radius * (count > 0)
    there = np.arange(SLOTS)[None, :] <= count[:, None]
    anchors = np.array([(48, 48), (26, 48), (70, 48), (48, 26), (48, 70)], np.float32)
    centre = anchors[np.where(pair, 0, place)]
    spread = np.where(pair, 12.0, 5.0).astype(np.float32)
    centre = centre + np.stack([d.unit(-1, 1) * spread, d.unit(-1, 1) * spread], 1)
    margin = (radius * np.float32(1.1) + np.float32(1.5))[:, None]
    for axis in range(2):  # the whole group stays inside
        o = np.where(there, offset[:, :, axis], 0)
        low, high = margin[:, 0] - o.min(1), SIDE - margin[:, 0] - o.max(1)
        centre[:, axis] = np.minimum(np.maximum(centre[:, axis], low), high)

    tilt = np.stack([d.unit(-0.09, 0.09) for _ in range(SLOTS)], 1)  # tangent of half the angle: 10 degrees
    objects = {}
    objects["there"] = there
    objects["x"], objects["y"] = centre[:, :1] + offset[:, :, 0], centre[:, 1:] + offset[:, :, 1]
    objects["r"] = np.stack([radius * d.unit(0.95, 1.05) for _ in range(SLOTS)], 1)
    objects["cos"] = (1 - tilt * tilt) / (1 + tilt * tilt)
    objects["sin"] = 2 * tilt / (1 + tilt * tilt)
    objects["phase"] = np.stack([d.unit() for _ in range(SLOTS)], 1)
    second = np.arange(SLOTS)[None, :] == 1
    for name, a, b in (("shape", shape, shape2), ("colour", colour, colour2), ("texture", texture, texture2)):
        objects[name] = np.where(pair[:, None] & second, b[:, None], a[:, None])
    objects["shape"] = np.where(bird[:, None], len(SHAPES), objects["shape"])
    objects["texture"] = np.where(bird[:, None], 0, objects["texture"])
    tint = RGB[objects["colour"]]
    plumage = np.array([(0.93, 0.90, 0.84), (0.62, 0.42, 0.26), (0.55, 0.55, 0.58), (0.84, 0.70, 0.48)], np.float32)
    tint = np.where(bird[:, None, None], plumage[d.below(4)][:, None, :], tint)
    light = d.unit(0.86, 1.06)
    shift = np.stack([d.unit(-0.05, 0.05) for _ in range(3)], 1)
    objects["rgb"] = (tint * light[:, None, None] + shift[:, None, :]).clip(0, 1).astype(np.float32)
    objects["flip"] = np.where(d.below(2) == 0, 1.0, -1.0).astype(np.float32)
    objects["body"] = body.astype(np.float32)

    ground = {"tint": np.stack([d.unit(0.82, 1.16) for _ in range(3)], 1), "phase": np.stack([d.unit() for _ in range(4)], 1),
              "dots": np.stack([d.unit(0, SIDE) for _ in range(28)], 1).reshape(n, 14, 2)}
    none = np.full(n, -1)
    return {"kind": kind, "shape": np.where(alike, shape, none), "colour": np.where(alike, colour, none),
            "texture": np.where(alike, texture, none), "size": np.where(bird, none, size), "place": np.where(pair, none, place),
            "count": count, "background": background, "bird": np.where(bird, which, none), "body": objects["body"],
            "objects": objects, "ground": ground,
            "shape_of": objects["shape"], "colour_of": objects["colour"], "texture_of": objects["texture"]}


# ---- Drawing: arrays of NumPy or tensors of torch ----

def larger(xp, a, b):
    return xp.where(a > b, a, b)


def smaller(xp, a, b):
    return xp.where(a < b, a, b)


def wave(xp, t):
    """A sine's likeness made of two parabolas: period 1, range -1 to 1."""
    u = 2 * (t - xp.floor(t)) - 1
    return 4 * u * (1 - abs(u))


def far(xp, x, y, cx, cy):
    return xp.sqrt((x - cx) * (x - cx) + (y - cy) * (y - cy))


STAR = ((0.0, 1.0), (0.95105652, 0.30901699), (0.58778525, -0.80901699), (-0.58778525, -0.80901699), (-0.95105652, 0.30901699))


def distance(xp, shape, x, y):
    """Signed distance to a shape of about radius 1, negative inside; y points down."""
    ax, ay = abs(x), abs(y)
    name = SHAPES[shape]
    if name == "circle":
        return xp.sqrt(x * x + y * y) - 0.93
    if name == "square":
        return larger(xp, ax, ay) - 0.82
    if name == "triangle":
        return larger(xp, y, 0.8660254 * ax - 0.5 * y) - 0.58
    if name == "cross":
        return smaller(xp, larger(xp, ax - 0.98, ay - 0.34), larger(xp, ax - 0.34, ay - 0.98))
    if name == "star":  # inside at least four of five half-planes: the second largest distance
        first = second = x * 0 - 9
        for nx, ny in STAR:
            d = nx * x + ny * y - 0.36
            second = larger(xp, second, smaller(xp, first, d))
            first = larger(xp, first, d)
        return second
    if name == "ring":
        return abs(xp.sqrt(x * x + y * y) - 0.70) - 0.26
    if name == "moon":
        return larger(xp, xp.sqrt(x * x + y * y) - 0.97, 0.80 - far(xp, x, y, 0.48, -0.14))
    y = y + 0.10
    return smaller(xp, (ax + abs(y) - 0.88) * 0.70710678, far(xp, ax, y, 0.44, -0.44) - 0.622)


def textured(xp, rgb, texture, x, y, r, phase):
    """An object's colour with its texture: dark stripes, dark checks or light dots; x, y in pixels from its middle."""
    period = 3.4 + 0.26 * r
    u, v = x / period + phase, y / period + phase
    stripes = (0.5 + wave(xp, v) * period * 0.45).clip(0, 1)
    checks = (0.5 + wave(xp, u * 0.66) * wave(xp, v * 0.66) * period * 0.9).clip(0, 1)
    du, dv = u * 0.95 - xp.floor(u * 0.95) - 0.5, v * 0.95 - xp.floor(v * 0.95) - 0.5
    dots = ((0.33 - xp.sqrt(du * du + dv * dv)) * period * 1.05 + 0.5).clip(0, 1)
    zero = stripes * 0
    dark = xp.where(texture == 1, stripes * 0.62, xp.where(texture == 2, zero + 0.22, xp.where(texture == 3, checks * 0.70, zero)))
    light = xp.where(texture == 2, dots * 0.85, zero)[..., None]
    return rgb * (1 - dark)[..., None] * (1 - light) + light


def over(alpha, above, below):
    """above [..., 3] (or three numbers) laid over below with opacity alpha [...]"""
    a = alpha[..., None]
    return above * a + below * (1 - a)


def bird_layers(xp, x, y, body, rgb, const):
    """(distance, colour) of a bird's parts from back to front, facing right; body: -1 a hen, 1 a duck."""
    duck = ((body + 1) * 0.5).clip(0, 1)
    hen = 1 - duck
    dark = rgb * 0.62
    trunk = xp.sqrt((x + 0.12) * (x + 0.12) * 0.62 + (y - 0.30) * (y - 0.30) * 1.5) - 0.56
    lift = 0.62 * hen - 0.10 * duck  # the hen's tail stands, the duck's lies
    tx, ty = x + 0.84, y - 0.20 + lift
    tail = larger(xp, abs(tx) - 0.22, abs(ty) - (0.16 + 0.20 * hen))
    hx, hy = 0.46 + 0.06 * duck, -0.46 + 0.04 * duck
    head = far(xp, x, y, hx, hy) - (0.27 + 0.02 * duck)
    neck = larger(xp, abs(x - hx + 0.06) - 0.17, abs(y + 0.14) - 0.30)
    reach = 0.20 + 0.34 * duck  # length of the bill
    bx, by = x - hx - 0.18, y - hy - 0.05
    bill = larger(xp, larger(xp, -bx, bx - reach), abs(by) - (0.13 - 0.03 * duck) * (1 - (0.85 - 0.55 * duck) * bx / reach))
    comb = far(xp, x, y, hx - 0.02, hy - 0.26) - (0.30 * hen - 0.06)
    wattle = far(xp, x, y, hx + 0.16, hy + 0.28) - (0.20 * hen - 0.06)
    wing = xp.sqrt((x + 0.22) * (x + 0.22) * 0.9 + (y - 0.28) * (y - 0.28) * 2.2) - 0.32
    eye = far(xp, x, y, hx + 0.08, hy - 0.06) - 0.075
    red, orange, black = const((0.82, 0.14, 0.14)), const((0.95, 0.62, 0.16)), const(INK)
    return ((tail, dark), (comb, red), (bill, orange), (trunk, rgb), (neck, rgb), (head, rgb), (wattle, red), (wing, dark),
            (eye, black))


def ground_of(xp, kind, p, dots, const):
    """One kind of background for some scenes, flat areas as on a print: [n, SIDE, SIDE, 3] before its tint, and what lies on
    it: opacity [n, SIDE, SIDE] and colour, or None. p: four phases [n, 1, 1]; dots [n, 14, 2]"""
    at = const([i + 0.5 for i in range(SIDE)])
    y, x = at[None, :, None], at[None, None, :]
    full = (x + y) * 0 + p[0] * 0

    def step(a, soft):
        return (a * soft + 0.5).clip(0, 1)

    def spots(radius):
        near = full + 1e9
        for i in range(14):
            dx, dy = x - dots[:, i, 0, None, None], y - dots[:, i, 1, None, None]
            near = smaller(xp, near, dx * dx + dy * dy)
        return (radius + 0.5 - xp.sqrt(near)).clip(0, 1)

    name = BACKGROUNDS[kind]
    on = None
    if name == "water":
        a = step(wave(xp, y * 0.085 + p[0] + 0.10 * wave(xp, x * 0.031 + p[1])) - 0.35 + 0.3 * wave(xp, x * 0.017 + p[2]), 4)
        low, high = (0.20, 0.50, 0.72), (0.42, 0.70, 0.86)
    elif name == "grass":
        lean = wave(xp, y * 0.045 + p[2]) * 0.22
        a = step(wave(xp, x * 0.155 + p[0] + lean) * (0.55 + 0.45 * wave(xp, y * 0.07 + x * 0.033 + p[1])) - 0.30, 3)
        low, high = (0.28, 0.52, 0.22), (0.44, 0.67, 0.28)
    elif name == "sand":
        a = step(wave(xp, y * 0.040 + 0.26 * wave(xp, x * 0.020 + p[0]) + p[1]) - 0.15, 4)
        low, high, on = (0.88, 0.77, 0.55), (0.81, 0.68, 0.45), (spots(1.9), (0.66, 0.54, 0.38))
    elif name == "brick":
        row = xp.floor(y / 12.0 + p[0])
        along = x / 24.0 + row * 0.5 + p[1]
        gap_y, gap_x = abs(y / 12.0 + p[0] - row - 0.5), abs(along - xp.floor(along) - 0.5)
        a = larger(xp, step(gap_y - 0.44, 10) + full, step(gap_x - 0.47, 20) + full)
        low, high = (0.62, 0.32, 0.25), (0.76, 0.70, 0.64)
    else:
        a = step(wave(xp, y * 0.016 + 0.10 * wave(xp, x * 0.013 + p[0]) + p[1]), 10)
        if name == "night":
            low, high, on = (0.07, 0.08, 0.20), (0.11, 0.12, 0.27), (spots(1.4), (0.96, 0.95, 0.80))
        else:
            low, high, on = (0.88, 0.91, 0.94), (0.80, 0.85, 0.91), (spots(2.6), (1.0, 1.0, 1.0))
    return over(a + full, const(high), const(low)), on


def draw(scenes, xp=np, device=None):
    """Pixels uint8 [n, SIDE, SIDE, 3] and, which object each pixel belongs to, uint8 [n, SIDE, SIDE] (0 ground, 1 + slot).

    xp: numpy, or torch with the scenes' arrays as tensors on `device`."""
    torch = xp is not np
    if torch:
        def const(v):
            return xp.tensor(v, dtype=xp.float32, device=device)

        def as_index(mask):
            return mask.nonzero()[:, 0]
    else:
        def const(v):
            return np.asarray(v, np.float32)

        def as_index(mask):
            return np.flatnonzero(mask)
    n = len(scenes["kind"])
    o = scenes["objects"]
    half = 24
    pad = half + 1  # windows may hang over the edge
    wide = SIDE + 2 * pad
    if torch:
        canvas = xp.zeros((n, wide, wide, 3), device=device)
        label = xp.zeros((n, wide, wide), dtype=xp.uint8, device=device)
    else:
        canvas = np.zeros((n, wide, wide, 3), np.float32)
        label = np.zeros((n, wide, wide), np.uint8)
    g = scenes["ground"]
    for kind in range(len(BACKGROUNDS)):
        here = as_index(scenes["background"] == kind)
        if not len(here):
            continue
        ground, on = ground_of(xp, kind, [g["phase"][here, i, None, None] for i in range(4)], g["dots"][here], const)
        ground = (ground * g["tint"][here][:, None, None, :]).clip(0, 1)
        if on:
            ground = over(on[0], const(on[1]), ground)
        canvas[here, pad:-pad, pad:-pad] = ground
    span = xp.arange(2 * half, device=device) if torch else np.arange(2 * half)
    ink = const(INK)
    for slot in range(SLOTS):
        for kind in range(len(SHAPES) + 1):
            here = as_index(o["there"][:, slot] & (o["shape"][:, slot] == kind))
            if not len(here):
                continue

            def of(name):
                return o[name][here, slot][:, None, None]
            cx, cy, r = of("x"), of("y"), of("r")
            left, top = xp.floor(cx[:, 0, 0]) - half, xp.floor(cy[:, 0, 0]) - half
            ix = (left.long() if torch else left.astype(np.int64))[:, None] + span[None, :]
            iy = (top.long() if torch else top.astype(np.int64))[:, None] + span[None, :]
            px = ((ix.float() if torch else ix.astype(np.float32)) + 0.5)[:, None, :] - cx
            py = ((iy.float() if torch else iy.astype(np.float32)) + 0.5)[:, :, None] - cy
            qx, qy = px * of("cos") + py * of("sin"), py * of("cos") - px * of("sin")
            rgb = o["rgb"][here, slot][:, None, None, :]
            cell = (here[:, None, None], iy[:, :, None] + pad, ix[:, None, :] + pad)
            below = canvas[cell]
            if kind == len(SHAPES):
                layers = bird_layers(xp, qx / r * o["flip"][here][:, None, None], qy / r, o["body"][here][:, None, None], rgb,
                                     const)
                cover = qx * 0
                for d, _ in layers[:-2]:
                    alpha = (0.5 - d * r + 1.3).clip(0, 1)
                    cover = larger(xp, cover, alpha)
                below = over(cover, ink, below)
                for d, paint in layers:
                    below = over((0.5 - d * r).clip(0, 1), paint, below)
            else:
                d = distance(xp, kind, qx / r, qy / r) * r
                cover = (0.5 - d).clip(0, 1)
                inside = (0.5 - d - 1.3).clip(0, 1)
                paint = textured(xp, rgb, of("texture"), qx, qy, r, of("phase"))
                below = over(cover, over(inside, paint, ink), below)
            canvas[cell] = below
            old = label[cell]
            label[cell] = xp.where(cover > 0.5, old * 0 + (slot + 1), old)
    canvas = canvas[:, pad:-pad, pad:-pad]
    pixels = (canvas * 255 + 0.5).clip(0, 255)
    pixels = pixels.to(xp.uint8) if torch else pixels.astype(np.uint8)
    return pixels, label[:, pad:-pad, pad:-pad]


def digest():
    import hashlib
    h = hashlib.sha256()
    scenes = sample(7, np.arange(512))
    for name in FACTORS:
        h.update(scenes[name].astype(np.int8).tobytes())
    for part in draw(scenes):
        h.update(np.ascontiguousarray(part).tobytes())
    return h.hexdigest()


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    found = digest()
    print(f"world {WORLD}: {found}")
    sys.exit(found != DIGEST)
