#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small random checkpoints with what the towers must answer: writes tests/golden/NAME/.

    make_golden.py [--check] [-o tests/golden] [NAME...]

--check writes nothing: it makes everything anew and compares with what lies there (checkpoints and inputs
by their bytes, answers to 1e-12).

Each folder is a complete checkpoint with a merges table, and holds besides: pixels.npy (uint8), ids.npy (int32),
image.npy and text.npy (float64 answers of clip_forward.py, not normalised), the image's terms by clip_decompose.py
(heads.npy, mlps.npy, class_self_attention.npy, tokens.npy) and MANIFEST.md. NumPy alone makes them.
Where open_clip or transformers is installed, the same weights are run there in float64 and must agree to 1e-9,
and in float32 to 1e-5: so the specification has an oracle of its own. MANIFEST.md also lists how far the answers
move under mistakes that an engine could make; each must lie well above the tolerance, or the case proves nothing.
"""
import argparse
import filecmp
import json
import math
import os
import platform
import shutil
import struct
import sys
import tempfile

import numpy as np

import clip_decompose
import clip_forward as ref

MERGES = ["t h", "th e</w>", "a n", "an d</w>", "i n", "in g</w>", "o f</w>", "e r", "o n</w>", "p h", "ph o",
          "pho t", "phot o</w>", "c a", "ca t</w>", "d o", "do g</w>", "r e", "re d</w>", "a t</w>", "o r"]
VOCAB = 512 + len(MERGES) + 2
START, END = VOCAB - 2, VOCAB - 1
EOS = 77  # what the model of case hf-gelu-eos reads its answer at; not the largest id
TOLERANCE = 5e-6
TERMS = ("heads", "mlps", "class_self_attention", "tokens")
COMPONENT_TOLERANCE = 1e-6


# ---- Files ----

def store(x, dtype):
    """Bytes of an array in a safetensors dtype; bf16 rounds to nearest even."""
    if dtype == "BF16":
        u = x.astype("<f4").view("<u4")
        return ((u + 0x7FFF + ((u >> 16) & 1)) >> 16).astype("<u2").tobytes()
    return x.astype({"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8"}[dtype]).tobytes()


def write_safetensors(path, tensors, dtype_of, odd=False):
    """odd: the header ends at an odd address, so that no number is aligned."""
    header, data = {}, b""
    for name, x in tensors.items():
        dtype = dtype_of(name)
        raw = store(x, dtype)
        header[name] = {"dtype": dtype, "shape": list(x.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8) + (b" " if odd else b"")
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def byte_letters():
    """The 256 letters that stand for bytes, in the order of their ids: printable ones for themselves first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def write_tokenizer(folder, hf):
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    if hf:
        pieces = byte_letters() + [c + "</w>" for c in byte_letters()] + [m.replace(" ", "") for m in MERGES]
        vocab = {p: i for i, p in enumerate(pieces + ["<|startoftext|>", "<|endoftext|>"])}
        with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as f:
            json.dump(vocab, f, ensure_ascii=False)


# ---- Weights ----

def tower(rng, prefix, layers, d, m):
    """Scores spread over a few units so that softmax matters; norms and biases nowhere 1 or 0."""
    t = {}
    for i in range(layers):
        p = f"{prefix}transformer.resblocks.{i}."
        for name, shape, scale in (("attn.in_proj_weight", (3 * d, d), 1.3), ("attn.out_proj.weight", (d, d), 0.7),
                                   ("mlp.c_fc.weight", (m, d), 1.2), ("mlp.c_proj.weight", (d, m), 0.7)):
            t[p + name] = rng.standard_normal(shape) * scale / math.sqrt(shape[1])
        for name, n in (("attn.in_proj_bias", 3 * d), ("attn.out_proj.bias", d), ("mlp.c_fc.bias", m),
                        ("mlp.c_proj.bias", d)):
            t[p + name] = rng.standard_normal(n) * 0.2
        t.update(norm(rng, p + "ln_1", d))
        t.update(norm(rng, p + "ln_2", d))
    return t


def norm(rng, name, d):
    return {name + ".weight": 1 + 0.2 * rng.standard_normal(d), name + ".bias": 0.1 * rng.standard_normal(d)}


def weights(rng, c):
    """All tensors of case c under OpenCLIP's names."""
    v, p, e = c["vision"], c["patch"], c["embed"]
    d, n = v["width"], 1 + (c["size"][0] // p) * (c["size"][1] // p)
    # Small numbers up to the first LayerNorm: there a wrong epsilon shows.
    t = {"visual.class_embedding": 0.05 * rng.standard_normal(d),
         "visual.positional_embedding": 0.05 * rng.standard_normal((n, d)),
         "visual.conv1.weight": 0.05 * rng.standard_normal((d, 3, p, p)) / p}
    if c.get("ln_pre", True):
        t.update(norm(rng, "visual.ln_pre", d))
    t.update(tower(rng, "visual.", v["layers"], d, v["mlp"]))
    t.update(norm(rng, "visual.ln_post", d))
    t["visual.proj"] = rng.standard_normal((d, e)) / math.sqrt(d)
    if "text" in c:
        d = c["text"]["width"]
        t["token_embedding.weight"] = 0.05 * rng.standard_normal((VOCAB, d))
        t["positional_embedding"] = 0.05 * rng.standard_normal((c["context"], d))
        t.update(tower(rng, "", c["text"]["layers"], d, c["text"]["mlp"]))
        t.update(norm(rng, "ln_final", d))
        t["text_projection"] = rng.standard_normal((d, e)) / math.sqrt(d)
        t["logit_scale"] = np.array(math.log(1 / 0.07))
    return t


def to_hf(t):
    """The inverse of clip_forward.rename_hf."""
    out = {}
    parts = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj",
             "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    fixed = {"conv1.weight": "embeddings.patch_embedding.weight", "class_embedding": "embeddings.class_embedding",
             "positional_embedding": "embeddings.position_embedding.weight",
             "token_embedding.weight": "embeddings.token_embedding.weight",
             "ln_pre": "pre_layrnorm", "ln_post": "post_layernorm", "ln_final": "final_layer_norm"}
    for name, x in t.items():
        if name in ("visual.proj", "text_projection"):
            out[{"visual.proj": "visual_projection", "text_projection": "text_projection"}[name] + ".weight"] = x.T
            continue
        if name == "logit_scale":
            out[name] = x
            continue
        side, rest = ("vision_model.", name[7:]) if name.startswith("visual.") else ("text_model.", name)
        if rest.startswith("transformer.resblocks."):
            i, part = rest.split(".", 3)[2:]
            base = f"{side}encoder.layers.{i}."
            if part.startswith("attn.in_proj_"):
                for letter, piece in zip("qkv", np.split(x, 3)):
                    out[f"{base}self_attn.{letter}_proj.{part[13:]}"] = piece
            else:
                head, last = part.rsplit(".", 1)
                out[f"{base}{parts[head]}.{last}"] = x
        elif rest in fixed:
            out[side + fixed[rest]] = x
        else:
            head, last = rest.rsplit(".", 1)
            out[f"{side}{fixed[head]}.{last}"] = x
    return out


# ---- Cases ----

def half_matrices(name):
    """As OpenAI stored them: matrices f16, vectors and tables f32."""
    return "F16" if name.endswith("weight") and "ln_" not in name and "norm" not in name or "proj" in name else "F32"


def three_kinds(name):
    return "BF16" if "mlp" in name else half_matrices(name)


CASES = {
    "openclip-odd": dict(
        about="Nothing is a multiple of 8: head width 12, 3 heads, MLP width int(36 * 2.7) = 97, 10 tokens. "
              "Exact GELU.",
        layout="openclip", size=(24, 24), patch=8, embed=20, context=13, act="gelu", dtype=half_matrices,
        vision=dict(width=36, layers=2, heads=3, mlp=97), text=dict(width=20, layers=2, heads=2, mlp=80),
        vision_extra=dict(head_width=12, mlp_ratio=2.7)),
    "openclip-quick-custom": dict(
        about="QuickGELU, `custom_text` (the text encoder's names begin with `text.`), f32, f16 and bf16 in one file.",
        layout="openclip", size=(16, 16), patch=4, embed=16, context=16, act="quick_gelu", dtype=three_kinds,
        vision=dict(width=32, layers=2, heads=4, mlp=128), text=dict(width=24, layers=3, heads=3, mlp=79),
        vision_extra=dict(head_width=8), text_extra=dict(mlp_ratio=3.3), custom=True),
    "hf-quick-sharded": dict(
        about="Hugging Face layout; `hidden_act` absent, which means QuickGELU there; two shards with an index; "
              "`position_ids` of old files; `eos_token_id` 2, which means: read at the largest id.",
        layout="hf", size=(21, 21), patch=7, embed=24, context=12, act="quick_gelu", eos=2,
        dtype=lambda n: "I64" if n.endswith("ids") else "F16" if "mlp" in n or "embedding" in n else "F32",
        vision=dict(width=40, layers=2, heads=5, mlp=100), text=dict(width=32, layers=2, heads=4, mlp=72)),
    "image-no-ln-pre": dict(
        about="Image encoder alone, without `ln_pre`, epsilon 1e-6, 5 tokens.",
        layout="openclip", size=(16, 16), patch=8, embed=12, act="gelu", eps=1e-6, ln_pre=False,
        dtype=half_matrices, vision=dict(width=48, layers=3, heads=3, mlp=192), vision_extra=dict(head_width=16)),
    "openclip-wide": dict(
        about="Images of 24 x 40 (height x width): 3 x 5 patches, row by row. Epsilon 1e-4 in the text encoder.",
        layout="openclip", size=(24, 40), patch=8, embed=16, context=10, act="gelu", text_eps=1e-4,
        dtype=half_matrices, vision=dict(width=32, layers=2, heads=2, mlp=128),
        text=dict(width=16, layers=1, heads=1, mlp=64), vision_extra=dict(head_width=16)),
    "hf-gelu-eos": dict(
        about=f"Hugging Face layout, exact GELU, all bf16, epsilon 1e-6 in the image encoder, and `eos_token_id` {EOS}: "
              "the answer is read at the first such id, which is neither the largest nor the last.",
        layout="hf", size=(20, 20), patch=5, embed=20, context=11, act="gelu", eos=EOS, eps=1e-6,
        dtype=lambda n: "BF16", vision=dict(width=30, layers=2, heads=3, mlp=66),
        text=dict(width=28, layers=2, heads=2, mlp=90)),
    "openclip-f64-unaligned": dict(
        about="Vectors f64, matrices f32 and f16, behind a header of odd length: no number in the file is aligned.",
        layout="openclip", size=(12, 12), patch=3, embed=11, context=9, act="gelu",
        dtype=lambda n: "F64" if n.endswith("bias") or "ln_" in n or "class" in n else
        "F16" if "token_embedding" in n else "F32",
        vision=dict(width=21, layers=1, heads=3, mlp=84), text=dict(width=10, layers=1, heads=2, mlp=40),
        vision_extra=dict(head_width=7), odd=True),
}


def openclip_config(c):
    v = dict(image_size=list(c["size"]) if c["size"][0] != c["size"][1] else c["size"][0], layers=c["vision"]["layers"],
             width=c["vision"]["width"], patch_size=c["patch"], **c.get("vision_extra", {}))
    if not c.get("ln_pre", True):
        v["no_ln_pre"] = True
    if "eps" in c:
        v["norm_kwargs"] = {"eps": c["eps"]}
    model = {"embed_dim": c["embed"], "vision_cfg": v}
    if "text" in c:
        model["text_cfg"] = dict(context_length=c["context"], vocab_size=VOCAB, width=c["text"]["width"],
                                 heads=c["text"]["heads"], layers=c["text"]["layers"], **c.get("text_extra", {}))
        if "text_eps" in c:
            model["text_cfg"]["norm_kwargs"] = {"eps": c["text_eps"]}
    if c["act"] == "quick_gelu":
        model["quick_gelu"] = True
    if c.get("custom"):
        model["custom_text"] = True
    pre = {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.3, 0.2], "interpolation": "bicubic", "resize_mode": "shortest"}
    return {"model_cfg": model, "preprocess_cfg": pre}


def hf_config(c):
    def side(t, **more):
        out = dict(hidden_size=t["width"], intermediate_size=t["mlp"], num_hidden_layers=t["layers"],
                   num_attention_heads=t["heads"], projection_dim=c["embed"], **more)
        if c["act"] != "quick_gelu":
            out["hidden_act"] = c["act"]
        return out

    vision = side(c["vision"], image_size=c["size"][0], patch_size=c["patch"])
    if "eps" in c:
        vision["layer_norm_eps"] = c["eps"]
    text = side(c["text"], vocab_size=VOCAB, max_position_embeddings=c["context"], bos_token_id=START,
                eos_token_id=c["eos"], pad_token_id=1)
    return dict(architectures=["CLIPModel"], model_type="clip", projection_dim=c["embed"], vision_config=vision,
                text_config=text)


def write_checkpoint(folder, c, rng):
    t = weights(rng, c)
    if c["layout"] == "openclip":
        if c.get("custom"):
            t = {n if n.startswith("visual.") or n == "logit_scale" else "text." + n: x for n, x in t.items()}
        write_safetensors(os.path.join(folder, "open_clip_model.safetensors"), t, c["dtype"], c.get("odd", False))
        write_json(os.path.join(folder, "open_clip_config.json"), openclip_config(c))
    else:
        t = to_hf(t)
        if c["eos"] == 2:
            t["text_model.embeddings.position_ids"] = np.arange(c["context"])[None]
            where = {}
            for i in range(2):
                file = f"model-0000{i + 1}-of-00002.safetensors"
                part = {n: t[n] for n in sorted(t)[i::2]}
                write_safetensors(os.path.join(folder, file), part, c["dtype"])
                where.update({n: file for n in part})
            write_json(os.path.join(folder, "model.safetensors.index.json"), {"metadata": {}, "weight_map": where})
        else:
            write_safetensors(os.path.join(folder, "model.safetensors"), t, c["dtype"])
        write_json(os.path.join(folder, "config.json"), hf_config(c))
        side = c["size"][0]
        write_json(os.path.join(folder, "preprocessor_config.json"), {
            "crop_size": {"height": side, "width": side}, "size": {"shortest_edge": side}, "resample": 3,
            "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True, "do_rescale": True,
            "do_resize": True, "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711], "image_processor_type": "CLIPImageProcessor"})
    if "text" in c:
        write_tokenizer(folder, c["layout"] == "hf")


def token_rows(c, rng):
    """Short, equal, full and prefix-sharing rows; [T, C]."""
    n = c["context"]
    words = rng.integers(100, START, n)

    def row(*body, pad=0):
        if c.get("eos") == EOS:  # the answer's place, then more text that must not matter
            body = list(body)[:n - 3] + [EOS] + ([5, END] if len(body) < n - 4 else [END])
        else:
            body = list(body)[:n - 2] + [END]
        out = [START] + body
        return (out + [pad] * n)[:n]

    rows = [row(), row(words[0]), row(*words[:3]), row(*words[:5]), row(*words[:5]),     # prefixes, one of them twice
            row(*words[:3], *words[6:8]), row(words[8]), row(*words), row(*words[:n - 3]),  # two of full length
            row(*words[::-1]), row(2, 1, 0), row(*words[2:4], pad=END)]   # small ids; padded as HF does
    return np.array(rows, np.int32)


def inputs(c, rng):
    out = {"pixels": rng.integers(0, 256, (3, *c["size"], 3), dtype=np.uint8)}
    out["pixels"][1] = (np.indices(c["size"]).sum(0) * 4 % 256)[..., None]   # smooth
    out["pixels"][2, :, ::2] = 255                                           # hard stripes
    if "text" in c:
        out["ids"] = token_rows(c, rng)
    return out


# ---- Oracles and mistakes ----

def relative(x, y):
    """Largest relative L2 error of a row."""
    return float((np.linalg.norm(x - y, axis=-1) / np.linalg.norm(y, axis=-1)).max())


def answers(model, given):
    out = {"image": ref.encode_pixels(model, given["pixels"])}
    if "ids" in given:
        out["text"] = ref.encode_tokens(model, given["ids"])
    return out


def oracle(folder, c, given, single):
    """The same weights in open_clip or transformers, float64 or float32; None when not installed."""
    try:
        import torch
        if c["layout"] == "hf":
            import transformers
        else:
            from open_clip import model as oc
    except ImportError:
        return None
    dtype = torch.float32 if single else torch.float64
    spec = ref.Model(folder)
    state = {n: torch.from_numpy(x.copy()) for n, x in ref.read_weights(folder).items()}
    if c["layout"] == "hf":
        with open(os.path.join(folder, "config.json")) as f:
            net = transformers.CLIPModel(transformers.CLIPConfig(**json.load(f))).to(torch.float64).eval()
    else:
        with open(os.path.join(folder, "open_clip_config.json")) as f:
            cfg = json.load(f)["model_cfg"]
        if "text" in c:
            kind = oc.CustomTextCLIP if cfg.pop("custom_text", False) else oc.CLIP
            net = kind(**cfg)
        else:
            net = torch.nn.Module()
            net.visual = oc._build_vision_tower(cfg["embed_dim"], cfg["vision_cfg"], cfg.get("quick_gelu", False))
            net.encode_image = net.visual.forward
        net = net.to(torch.float64).eval()
    net.load_state_dict(state, strict=True)
    net = net.to(dtype)
    x = (torch.from_numpy(given["pixels"]).to(dtype) / 255 - torch.tensor(spec.mean, dtype=dtype)) \
        / torch.tensor(spec.std, dtype=dtype)
    with torch.no_grad():
        x = x.permute(0, 3, 1, 2).contiguous()
        if c["layout"] == "hf":
            out = {"image": net.visual_projection(net.vision_model(x).pooler_output)}
        else:
            out = {"image": net.encode_image(x)}
        if "ids" in given:
            ids = torch.from_numpy(given["ids"]).long()
            if c["layout"] == "hf":
                out["text"] = net.text_projection(net.text_model(ids).pooler_output)
            else:
                out["text"] = net.encode_text(ids)
    return {k: v.double().numpy() for k, v in out.items()}


def tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def mistakes(folder, given, right):
    """name -> by how much each tower's answers move."""
    def changed(change):
        model = ref.Model(folder)
        change(model)
        wrong = answers(model, given)
        return {k: relative(wrong[k], right[k]) for k in right}

    def set_act(f):
        def change(m):
            m.image.act = m.text.act = f
        return change

    def scale_eps(m):
        m.image.eps, m.text.eps = (1e-6 if t.eps != 1e-6 else 1e-5 for t in (m.image, m.text))

    def zero(*endings):
        def change(m):
            for n in m.w:
                if n.endswith(endings):
                    m.w[n] = np.zeros_like(m.w[n])
        return change

    def swap_channels(m):
        m.mean, m.std = m.mean[::-1], m.std[::-1]

    other = ref.gelu if ref.Model(folder).image.act is ref.quick_gelu else ref.quick_gelu
    out = {"the other GELU": changed(set_act(other)),
           "LayerNorm epsilon 1e-6 for 1e-5 or the reverse": changed(scale_eps),
           "no output bias in attention": changed(zero("out_proj.bias")),
           "no bias in the second MLP layer": changed(zero("c_proj.bias"))}
    if other is ref.quick_gelu:
        out["tanh formula of GELU"] = changed(set_act(tanh_gelu))
    out["mean and std in reverse order"] = {"image": changed(swap_channels)["image"]}
    return out


MANIFEST = """# {name}

{about}

Made by `python3 ref/make_golden.py {name}` with Python {python}, NumPy {numpy}. Random numbers: `numpy.random`,
PCG64, seed {seed}. `--check` makes everything anew and compares.

| file | content |
| --- | --- |
{files}
Tolerance for a float32 engine: relative L2 error of every row at most {tolerance:g}.
Reason: the same program in float32 comes to {single}, and an engine may
add in another order and take exp and erf from polynomials; {tolerance:g} leaves room for that and for nothing
else, since the mistakes below move the answers further. For bf16: cosine at least 0.999.

Tolerance for terms in float32 (`ref/clip_decompose.py`): {component_tolerance:g} absolute, of terms of a unit vector, the largest
of which is {largest:.2f}. Without the biases' and the last LayerNorm's shares they would move by {shares:.1e}.

Agreement at the time of making (largest relative L2 error of a row):

| compared with the float64 answers | image | text |
| --- | --- | --- |
{rows}
What a mistake would do:

| mistake | image | text |
| --- | --- | --- |
{mistakes}"""


def cells(pair):
    return " | ".join(f"{pair[k]:.1e}" if k in pair else "–" for k in ("image", "text"))


def make(folder, name):
    c = CASES[name]
    seed = 1000 + list(CASES).index(name)
    rng = np.random.default_rng(seed)
    os.makedirs(folder, exist_ok=True)
    write_checkpoint(folder, c, rng)
    given = inputs(c, rng)
    right = answers(ref.Model(folder), given)
    parts = clip_decompose.decompose(ref.Model(folder), given["pixels"])
    bare = parts["heads"] - np.einsum("blhk,lhkp->blhp", parts["z"] * parts["scale"][:, 0, None, None, None],
                                      heads_out(ref.Model(folder)))
    parts = {k: parts[k] for k in TERMS}
    for key, x in {**given, **right, **parts}.items():
        np.save(os.path.join(folder, key + ".npy"), x)

    low = answers(ref.Model(folder, np.float32), given)
    single = {k: relative(low[k], right[k]) for k in right}
    rows = [("ref/clip_forward.py in float32", single)]
    library = "transformers" if c["layout"] == "hf" else "open_clip_torch"
    for is_single, bound in ((False, 1e-9), (True, 1e-5)):
        theirs = oracle(folder, c, given, is_single)
        if theirs is None:
            print(f"{name}: {library} isn't installed, so nothing but this program vouches for the numbers")
            break
        from importlib.metadata import version
        error = {k: relative(theirs[k], right[k]) for k in right}
        rows.append((f"{library} {version(library)} in float{32 if is_single else 64}", error))
        assert max(error.values()) < bound, (name, library, error)
    wrong = mistakes(folder, given, right)
    for what, moved in wrong.items():
        assert min(moved.values()) > 4 * TOLERANCE, (name, what, moved)
    assert max(single.values()) < TOLERANCE / 2, (name, single)
    assert np.abs(bare).max() > 4 * COMPONENT_TOLERANCE, name

    shapes = "".join(f"| `{k}.npy` | {x.dtype} {list(x.shape)} |\n" for k, x in {**given, **right, **parts}.items())
    text = MANIFEST.format(
        name=name, about=c["about"], python=platform.python_version(), numpy=np.__version__, seed=seed,
        files=shapes, tolerance=TOLERANCE, component_tolerance=COMPONENT_TOLERANCE,
        largest=max(np.abs(parts[k]).max() for k in ("heads", "mlps")), shares=np.abs(bare).max(), single=", ".join(f"{v:.1e} ({k})" for k, v in single.items()),
        rows="".join(f"| {what} | {cells(e)} |\n" for what, e in rows),
        mistakes="".join(f"| {what} | {cells(e)} |\n" for what, e in wrong.items()))
    with open(os.path.join(folder, "MANIFEST.md"), "w", encoding="utf-8") as f:
        f.write(text)
    for what, e in rows:
        print(f"{name:24}{what:48}{cells(e)}")
    print(f"{name:24}{'nearest mistake':48}{min(min(m.values()) for m in wrong.values()):.1e}")


def heads_out(model):
    """W_O^h diag(gain) P of every head: [L, H, K, P]."""
    w, h = model.w, model.image.heads
    wide = w["visual.ln_post.weight"][:, None] * w["visual.proj"]
    layers = sum(n.endswith("attn.out_proj.weight") and n.startswith("visual.") for n in w)
    return np.stack([w[f"visual.transformer.resblocks.{i}.attn.out_proj.weight"].T.reshape(h, -1, len(wide)) @ wide
                     for i in range(layers)])


def compare(made, kept):
    """Files of `made` that `kept` lacks or has otherwise."""
    bad = []
    for file in sorted(os.listdir(made)):
        a, b = os.path.join(made, file), os.path.join(kept, file)
        if file == "MANIFEST.md":
            continue
        if not os.path.exists(b):
            bad.append(b + ": missing")
        elif file in ("image.npy", "text.npy"):
            if relative(np.load(a), np.load(b)) > 1e-12:
                bad.append(b + ": other numbers")
        elif file[:-4] in TERMS:
            if np.abs(np.load(a) - np.load(b)).max() > 1e-12:
                bad.append(b + ": other numbers")
        elif not filecmp.cmp(a, b, shallow=False):
            bad.append(b + ": other bytes")
    return bad


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all of " + ", ".join(CASES))
    parser.add_argument("-o", "--output", default=os.path.join(root, "tests", "golden"), metavar="DIR")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    args = parser.parse_args()
    for name in args.names:
        if name not in CASES:
            parser.error(f"no case {name}; there are {', '.join(CASES)}")
    bad = []
    for name in args.names or CASES:
        kept = os.path.join(args.output, name)
        with tempfile.TemporaryDirectory() as made:
            make(made, name)
            if args.check:
                bad += compare(made, kept)
            else:
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(made, kept)
                os.chmod(kept, 0o755)
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
