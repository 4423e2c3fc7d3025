#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tiny random SigLIP checkpoints with what they must answer: writes tests/golden/siglip-timm and siglip-hf.

    make_siglip_golden.py [--check] [-o tests/golden]

The files are those of make_golden.py, without texts' pieces (make_siglip_tokenizers.py has them), and for the first image
the split through the pool: through_heads [L, H, N, D], through_mlps [L + 1, D], through_y, all of them also with the
frozen gate: gated_heads, gated_mlps. Terms of y are not divided by the embedding's length. --check writes nothing and
compares. NumPy alone makes them; the two folders hold the same sizes and different weights.
"""
import argparse
import json
import os
import sys
import tempfile

import numpy as np

import make_golden as golden
import siglip_forward as ref

WIDTH, HEADS, LAYERS, MLP, PATCH, SIZE = 24, 3, 2, 90, 8, 24
TEXT_LAYERS, TEXT_MLP, CONTEXT, VOCAB = 2, 72, 9, 50


def tower(rng, side, layers, d, m):
    t = {}
    for i in range(layers):
        p = f"{side}.encoder.layers.{i}."
        for name, shape, scale in ([(f"self_attn.{c}_proj", (d, d), 1.3) for c in "qkv"] +
                                   [("self_attn.out_proj", (d, d), 0.7), ("mlp.fc1", (m, d), 1.2),
                                    ("mlp.fc2", (d, m), 0.7)]):
            t[f"{p}{name}.weight"] = rng.standard_normal(shape) * scale / np.sqrt(shape[1])
            t[f"{p}{name}.bias"] = rng.standard_normal(shape[0]) * 0.2
        t.update(golden.norm(rng, p + "layer_norm1", d))
        t.update(golden.norm(rng, p + "layer_norm2", d))
    return t


def weights(rng):
    d, n = WIDTH, (SIZE // PATCH) ** 2
    t = {"vision_model.embeddings.patch_embedding.weight": 0.05 * rng.standard_normal((d, 3, PATCH, PATCH)),
         "vision_model.embeddings.patch_embedding.bias": 0.05 * rng.standard_normal(d),
         "vision_model.embeddings.position_embedding.weight": 0.05 * rng.standard_normal((n, d))}
    t.update(tower(rng, "vision_model", LAYERS, d, MLP))
    t.update(golden.norm(rng, "vision_model.post_layernorm", d))
    head = "vision_model.head."
    t[head + "probe"] = rng.standard_normal((1, 1, d))
    for name, shape in (("attention.in_proj_", (3 * d, d)), ("attention.out_proj.", (d, d)), ("mlp.fc1.", (MLP, d)),
                        ("mlp.fc2.", (d, MLP))):
        t[head + name + "weight"] = rng.standard_normal(shape) * 1.2 / np.sqrt(shape[1])
        t[head + name + "bias"] = rng.standard_normal(shape[0]) * 0.2
    t.update(golden.norm(rng, head + "layernorm", d))
    t["text_model.embeddings.token_embedding.weight"] = 0.05 * rng.standard_normal((VOCAB, d))
    t["text_model.embeddings.position_embedding.weight"] = 0.05 * rng.standard_normal((CONTEXT, d))
    t.update(tower(rng, "text_model", TEXT_LAYERS, d, TEXT_MLP))
    t.update(golden.norm(rng, "text_model.final_layer_norm", d))
    t["text_model.head.weight"] = rng.standard_normal((d, d)) / np.sqrt(d)
    t["text_model.head.bias"] = rng.standard_normal(d) * 0.2
    t["logit_scale"], t["logit_bias"] = np.array([np.log(10.0)]), np.array([-10.0])
    return t


def to_timm(t):
    """The inverse of siglip_forward.rename_timm."""
    out = {}
    pairs = (("vision_model.post_layernorm.", "vision_model.norm."), ("vision_model.", "visual.trunk."),
             ("encoder.layers.", "blocks."), ("embeddings.patch_embedding.", "patch_embed.proj."),
             ("embeddings.position_embedding.weight", "pos_embed"), ("head.probe", "attn_pool.latent"),
             ("head.attention.out_proj.", "attn_pool.proj."), ("head.layernorm.", "attn_pool.norm."),
             ("head.mlp.", "attn_pool.mlp."), (".layer_norm1.", ".norm1."), (".layer_norm2.", ".norm2."),
             (".self_attn.out_proj.", ".attn.proj."))
    text = {"embeddings.token_embedding.weight": "token_embedding.weight", "head.": "text_projection.",
            "embeddings.position_embedding.weight": "positional_embedding", "final_layer_norm.": "ln_final.",
            "encoder.layers.": "transformer.resblocks.", ".layer_norm1.": ".ln_1.", ".layer_norm2.": ".ln_2.",
            ".self_attn.out_proj.": ".attn.out_proj.", ".mlp.fc1.": ".mlp.c_fc.", ".mlp.fc2.": ".mlp.c_proj."}
    for name, x in t.items():
        if "self_attn.q_proj" in name:
            whole = np.concatenate([t[name.replace("q_proj", c + "_proj")] for c in "qkv"])
            last = name.rsplit(".", 1)[1]
            i = name.split(".")[3]
            out[f"visual.trunk.blocks.{i}.attn.qkv.{last}" if name.startswith("vision") else
                f"text.transformer.resblocks.{i}.attn.in_proj_{last}"] = whole
        elif "self_attn.k_proj" in name or "self_attn.v_proj" in name:
            continue
        elif "attention.in_proj_" in name:
            last, d = name.rsplit("_", 1)[1], len(x) // 3
            out[f"visual.trunk.attn_pool.q.{last}"], out[f"visual.trunk.attn_pool.kv.{last}"] = x[:d], x[d:]
        elif name.startswith("vision_model."):
            for a, b in pairs:
                name = name.replace(a, b)
            out[name] = x[None] if name.endswith("pos_embed") else x
        elif name.startswith("text_model."):
            name = name[11:]
            for a, b in text.items():
                name = name.replace(a, b)
            out["text." + name] = x
        else:
            out[name] = x
    return out


def write_model(folder, hf, t):
    if hf:
        side = dict(hidden_size=WIDTH, num_attention_heads=HEADS, layer_norm_eps=1e-6, hidden_act="gelu_pytorch_tanh")
        golden.write_json(os.path.join(folder, "config.json"), dict(
            model_type="siglip", architectures=["SiglipModel"],
            vision_config=dict(side, intermediate_size=MLP, num_hidden_layers=LAYERS, image_size=SIZE, patch_size=PATCH),
            text_config=dict(side, intermediate_size=TEXT_MLP, num_hidden_layers=TEXT_LAYERS, vocab_size=VOCAB,
                             max_position_embeddings=CONTEXT)))
        golden.write_json(os.path.join(folder, "preprocessor_config.json"), dict(
            do_resize=True, size=dict(height=SIZE, width=SIZE), resample=3, do_rescale=True, do_normalize=True,
            rescale_factor=1 / 255, image_mean=[0.5] * 3, image_std=[0.5] * 3, image_processor_type="SiglipImageProcessor"))
        golden.write_safetensors(os.path.join(folder, "model.safetensors"), t, lambda n: "F32")
        return
    golden.write_json(os.path.join(folder, "open_clip_config.json"), dict(
        model_cfg=dict(
            embed_dim=WIDTH, init_logit_bias=-10, custom_text=True,
            vision_cfg=dict(image_size=SIZE, timm_model_name="vit_base_patch16_siglip_224", timm_model_pretrained=False,
                            timm_pool="map", timm_proj="none", layers=LAYERS, width=WIDTH, head_width=WIDTH // HEADS,
                            patch_size=PATCH, mlp_ratio=MLP / WIDTH),
            text_cfg=dict(context_length=CONTEXT, vocab_size=VOCAB, hf_tokenizer_name="timm/ViT-B-16-SigLIP2",
                          tokenizer_kwargs=dict(clean="canonicalize"), width=WIDTH, heads=HEADS, layers=TEXT_LAYERS,
                          mlp_ratio=TEXT_MLP / WIDTH, no_causal_mask=True, proj_bias=True, pool_type="last",
                          norm_kwargs=dict(eps=1e-6), act_kwargs=dict(approximate="tanh"))),
        preprocess_cfg=dict(mean=[0.5] * 3, std=[0.5] * 3, interpolation="bicubic", resize_mode="squash")))
    golden.write_safetensors(os.path.join(folder, "open_clip_model.safetensors"), to_timm(t), lambda n: "F32")


def make(folder, hf, seed):
    rng = np.random.default_rng(seed)
    os.makedirs(folder, exist_ok=True)
    write_model(folder, hf, weights(rng))
    pixels = rng.integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    ids = rng.integers(0, VOCAB, (60, CONTEXT)).astype(np.int32)
    ids[:, -3:] = 1
    model = ref.Model(folder)
    answers = {"pixels": pixels, "ids": ids, "image": ref.encode_pixels(model, pixels),
               "text": ref.encode_tokens(model, ids)}
    split = ref.decompose(model, pixels)
    answers.update({name: split[name] for name in golden.TERMS})
    deep = ref.through_pool(model, pixels[:1])
    answers.update(through_heads=deep["heads"], through_mlps=deep["mlps"], through_y=deep["y"],
                   gated_heads=deep["gated"](deep["heads"]), gated_mlps=deep["gated"](deep["mlps"]))
    for name, x in answers.items():
        np.save(os.path.join(folder, name + ".npy"), x)
    with open(os.path.join(folder, "MANIFEST.md"), "w") as f:
        f.write(f"# {os.path.basename(folder)}\n\nA SigLIP with random weights by `ref/make_siglip_golden.py`, "
                f"{'Hugging Face' if hf else 'timm in OpenCLIP'} layout: {LAYERS} layers, {HEADS} heads, width {WIDTH}, "
                f"{(SIZE // PATCH) ** 2} patches, no class token.\nText: no mask, read at the last of {CONTEXT} positions; "
                "ids.npy holds ids, texts.tsv texts\nwith theirs by the tokenizer of the folder, probabilities.npy how well "
                "they go with the images (`ref/make_siglip_tokenizers.py`).\nTolerance of embeddings in float32: 5e-6 relative, as of the other folders.\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
    parser.add_argument("-o", "--output", default=root)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as new:
        for name, hf, seed in (("siglip-timm", 0, 41), ("siglip-hf", 1, 42)):
            make(os.path.join(new if args.check else args.output, name), hf, seed)
            for file in os.listdir(os.path.join(new, name)) if args.check else ():
                a, b = (os.path.join(x, name, file) for x in (new, args.output))
                if file.endswith(".npy"):
                    good = np.allclose(np.load(a), np.load(b), rtol=0, atol=1e-12)
                else:
                    with open(a, "rb") as x, open(b, "rb") as y:
                        good = x.read() == y.read()
                if not good:
                    sys.exit(f"make_siglip_golden: {name}/{file} differs")


if __name__ == "__main__":
    main()
