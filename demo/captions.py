# SPDX-License-Identifier: MIT
"""What can be said about scenes: captions that mention some of the factors, phrases for one factor each, and the words.

Every word of the language is one token of the demo model's byte-pair table, so ids need no tokenizer here; write_table()
makes the table, in CLIP's standard format, from which open_clip and clipspan get the same ids.
"""
import gzip
import re

import numpy as np

import scenes

CONTEXT = 32
# value: forms, each (singular, plural) for shapes and birds
SHAPE = ((("circle", "circles"), ("disc", "discs")), (("square", "squares"), ("box", "boxes")),
         (("triangle", "triangles"), ("pyramid", "pyramids")), (("cross", "crosses"), ("plus", "pluses")),
         (("star", "stars"), ("starfish", "starfishes")), (("ring", "rings"), ("hoop", "hoops")),
         (("moon", "moons"), ("crescent", "crescents")), (("heart", "hearts"), ("valentine", "valentines")))
BIRD = ((("hen", "hens"), ("chicken", "chickens")), (("duck", "ducks"), ("mallard", "mallards")))
WORD = {
    "colour": (("red", "scarlet"), ("orange", "tangerine"), ("yellow", "golden"), ("green", "emerald"), ("blue", "cobalt"),
               ("purple", "violet"), ("pink", "rosy"), ("white", "pale")),
    "texture": (("plain", "solid"), ("striped", "stripy"), ("dotted", "spotted"), ("checked", "chequered")),
    "size": (("small", "little", "tiny"), ("large", "big", "huge")),
    "count": (("one", "single"), ("two", "double"), ("three", "triple"), ("four", "quadruple")),
}
PLACE = (("in the middle", "in the centre"), ("on the left", "at the left side"), ("on the right", "at the right side"),
         ("at the top", "near the upper edge"), ("at the bottom", "near the lower edge"))
GROUND = (("water", "the sea"), ("grass", "a meadow"), ("sand", "a beach"), ("the night sky", "darkness"),
          ("a brick wall", "bricks"), ("snow", "ice"))
WHERE = (("on water", "on the sea"), ("on grass", "on a meadow"), ("on sand", "on a beach"), ("in the night sky", "in darkness"),
         ("on a brick wall", "on bricks"), ("in snow", "on ice"))

# Phrases for one factor: those of training, and those that training never uses for it. Three of the latter, 'a drawing of a'
# shape, a bird or a small or large object, can still come up as the caption of a whole scene.
TRAINED = {
    "shape": ("a {s}", "{p}", "a picture of a {s}", "a picture of {p}", "there is a {s}", "something in the shape of a {s}",
              "the shape is a {s}", "this is a {s}", "an object shaped like a {s}", "objects shaped like {p}"),
    "colour": ("something {x}", "a {x} object", "{x} objects", "a {x} thing", "the colour is {x}", "it is {x}",
               "a picture of something {x}", "{x}", "everything here is {x}", "a drawing of a {x} object"),
    "texture": ("something {x}", "a {x} object", "{x} objects", "a {x} thing", "the texture is {x}", "it is {x}",
                "a picture of something {x}", "{x}", "a {x} surface", "{x} all over"),
    "size": ("something {x}", "a {x} object", "{x} objects", "a {x} thing", "the size is {x}", "it is {x}",
             "a picture of something {x}", "{x}", "this thing is {x}", "objects of {x} size"),
    "place": ("something {x}", "an object {x}", "objects {x}", "{x}", "it is {x}", "a picture with something {x}",
              "the place is {x}", "things {x}", "everything is {x}"),
    "count": ("{x} in number", "{x}", "a {x} group", "the number is {x}", "the count is {x}", "a picture of a {x} group"),
    "background": ("{g}", "{w}", "a picture of {g}", "something {w}", "the background is {g}", "there is {g} behind",
                   "{g} all around", "an object {w}", "objects {w}", "it is {w}"),
    "bird": ("a {s}", "{p}", "a picture of a {s}", "there is a {s}", "this is a {s}", "the bird is a {s}", "a bird a {s}"),
}
COUNTED = (("one object", "one thing", "a single object", "there is one object", "a picture of one object"),
           ("two objects", "two things", "a pair of objects", "there are two objects", "a picture of two objects"),
           ("three objects", "three things", "a trio of objects", "there are three objects", "a picture of three objects"),
           ("four objects", "four things", "a quartet of objects", "there are four objects", "a picture of four objects"))
HELD_OUT = {
    "shape": ("a drawing of a {s}", "the object is a {s}", "a thing in the shape of a {s}"),
    "colour": ("there is something {x}", "a thing of {x} colour", "this object is {x}"),
    "texture": ("there is something {x}", "a thing with a {x} surface", "this object is {x}"),
    "size": ("there is something {x}", "a drawing of a {x} object", "this object is {x}"),
    "place": ("there is something {x}", "a drawing with an object {x}", "a thing {x}"),
    "count": ("the number of objects is {x}", "a drawing of {x} in number", "there is a {x} group"),
    "background": ("a drawing of {g}", "this is {g}", "everything here is {g}"),
    "bird": ("a drawing of a {s}", "the object is a {s}", "it is a {s}"),
}


def phrase(factor, value, template, form=0):
    """One template filled with one value's form (wrapping round)."""
    if factor in ("shape", "bird"):
        forms = (SHAPE if factor == "shape" else BIRD)[value]
        s, p = forms[form % len(forms)]
        return template.format(s=s, p=p)
    if factor == "place":
        return template.format(x=PLACE[value][form % 2])
    if factor == "background":
        return template.format(g=GROUND[value][form % 2], w=WHERE[value][form % 2])
    forms = WORD[factor][value]
    return template.format(x=forms[form % len(forms)])


def phrases(factor, value, templates):
    """All of them, without repetition."""
    forms = 3 if factor == "size" else 2
    out = [phrase(factor, value, t, f) for t in templates[factor] for f in range(forms)]
    if factor == "count" and templates is TRAINED:
        out += COUNTED[value]
    return list(dict.fromkeys(out))


PHRASES = {f: [phrases(f, v, TRAINED) for v in range(len(values))] for f, values in scenes.FACTORS.items()}

# ---- Captions of whole scenes ----

OPENINGS = ("", "", "", "a picture of ", "a drawing of ")
NUMBER = ("one", "two", "three", "four")


def article(words, rng):
    first = words[0] if words else "object"
    return "an" if first[0] in "aeiou" else "a"


def noun_group(rng, count, size, texture, colour, shape, mention_count):
    """'three small striped red stars'; -1 leaves a factor out."""
    words = []
    for factor, value in (("size", size), ("texture", texture), ("colour", colour)):
        if value >= 0:
            forms = WORD[factor][value]
            words.append(forms[rng.integers(len(forms))])
    many = mention_count and count > 0
    if shape >= 0:
        words.append(SHAPE[shape][rng.integers(2)][many])
    else:
        words.append((("object", "objects"), ("thing", "things"))[rng.integers(2)][many])
    return f"{NUMBER[count] if mention_count else article(words, rng)} " + " ".join(words)


def caption(rng, s, i):
    """A caption of scene i that is true of it, and what it says: int8 [factors], -1 for what it leaves out."""
    said = np.full(len(scenes.FACTORS), -1, np.int8)
    names = list(scenes.FACTORS)
    opening = OPENINGS[rng.integers(len(OPENINGS))]
    if s["kind"][i] == scenes.PAIR:
        parts = []
        for slot in range(2):
            shape, colour, texture = (int(s[k][i, slot]) for k in ("shape_of", "colour_of", "texture_of"))
            u = rng.random(3)
            if u[0] < 0.25:
                shape = -1
            elif u[0] < 0.5:
                colour = -1
            parts.append(noun_group(rng, 0, -1, texture if u[1] < 0.25 else -1, colour, shape, False))
        if rng.random() < 0.5:
            parts.reverse()
        text = opening + " and ".join(parts)
        if rng.random() < 0.3:
            text += " " + WHERE[s["background"][i]][rng.integers(2)]
        return text, said
    told = rng.random(len(names)) < 0.5
    value = {n: int(s[n][i]) if told[k] else -1 for k, n in enumerate(names)}
    if s["kind"][i] == scenes.BIRD:
        told = [n == "bird" or n == "place" and told[k] for k, n in enumerate(names)]
        text = "a " + BIRD[s["bird"][i]][rng.integers(2)][0]
    else:
        if not told.any():
            told[:2] = True
            value.update(shape=int(s["shape"][i]), colour=int(s["colour"][i]))
        told[names.index("bird")] = False
        text = noun_group(rng, int(s["count"][i]), value["size"], value["texture"], value["colour"], value["shape"],
                          bool(told[names.index("count")]))
    ends = []
    if told[names.index("place")]:
        ends.append(PLACE[s["place"][i]][rng.integers(2)])
    if told[names.index("background")]:
        ends.append(WHERE[s["background"][i]][rng.integers(2)])
    if rng.random() < 0.5:
        ends.reverse()
    for k, n in enumerate(names):
        if told[k]:
            said[k] = s[n][i]
    return opening + " ".join([text] + ends), said


# ---- Words, ids, byte-pair table ----

def words():
    """Every word of the language, sorted."""
    out = set()
    for templates in (TRAINED, HELD_OUT):
        for factor, values in scenes.FACTORS.items():
            for v in range(len(values)):
                for text in phrases(factor, v, templates):
                    out.update(text.split())
    for forms in SHAPE + BIRD:
        for pair in forms:
            out.update(pair)
    for text in OPENINGS + NUMBER + ("a an and object objects thing things",):
        out.update(text.split())
    return sorted(out)


def byte_pairs(vocabulary):
    """Merges after which every word is one token, the most useful pair first (ties: alphabetical)."""
    split = {w: tuple(w[:-1]) + (w[-1] + "</w>",) for w in vocabulary}
    merges = []
    while True:
        counts = {}
        for parts in split.values():
            for pair in zip(parts, parts[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            return merges
        best = min(counts, key=lambda p: (-counts[p], p))
        merges.append(best)
        for w, parts in split.items():
            joined, k = [], 0
            while k < len(parts):
                if parts[k:k + 2] == best:
                    joined.append(parts[k] + parts[k + 1])
                    k += 2
                else:
                    joined.append(parts[k])
                    k += 1
            split[w] = tuple(joined)


MERGES = byte_pairs(words())
VOCABULARY = 512 + len(MERGES) + 2
START, END = VOCABULARY - 2, VOCABULARY - 1
PRINTED = [*range(33, 127), *range(161, 173), *range(174, 256)]  # CLIP numbers the printable bytes first
BYTES = {b: i for i, b in enumerate(PRINTED + [b for b in range(256) if b not in PRINTED])}
IDS = {a + b: 512 + i for i, (a, b) in enumerate(MERGES)}


RANK = {pair: i for i, pair in enumerate(MERGES)}
PIECES = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+")


def pieces(word):
    """Ids of a word that the table may not know, as CLIP's tokenizer makes them of its UTF-8 bytes."""
    parts = list(word.encode().decode("latin-1"))
    parts[-1] += "</w>"
    while len(parts) > 1:
        best = min(zip(parts, parts[1:]), key=lambda p: RANK.get(p, len(RANK)))
        if best not in RANK:
            break
        joined, k = [], 0
        while k < len(parts):
            two = tuple(parts[k:k + 2]) == best
            joined.append(parts[k] + parts[k + 1] if two else parts[k])
            k += 2 if two else 1
        parts = joined
    return [IDS[p] if p in IDS else BYTES[ord(p[0])] + (256 if p.endswith("</w>") else 0) for p in parts]


def encode(texts):
    """int64 [len(texts), CONTEXT]: start, words, end, zeros; a text that is too long is cut."""
    out = np.zeros((len(texts), CONTEXT), np.int64)
    for row, text in zip(out, texts):
        ids = [START]
        for w in PIECES.findall(text.lower()):
            ids += [IDS[w + "</w>"]] if w + "</w>" in IDS else pieces(w)
        ids = ids[:CONTEXT - 1] + [END]
        row[:len(ids)] = ids
    return out


def write_table(path):
    """The standard gzip table: a version line, one merge a line, no line break at the end."""
    text = "\n".join(["#version: 0.2"] + [f"{a} {b}" for a, b in MERGES])
    with open(path, "wb") as file:
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
            packed.write(text.encode())
