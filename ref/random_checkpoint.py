#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Full-size CLIP checkpoints with random weights, in the layouts that users have.

    random_checkpoint.py DIR NAME...      NAME: ViT-B-16, ViT-B-16-quickgelu, hf-ViT-B-16, ViT-L-14, ...

A NAME is an architecture of open_clip, or one of them after "hf-": then the folder is a Hugging Face
CLIPModel. Initial weights come from open_clip and transformers themselves; biases and LayerNorms, which
start at exactly 0 and 1 there and would hide a forgotten or misplaced one, are randomised on top.
Needs torch, open_clip_torch, transformers and safetensors. The seed is fixed: the same package versions
write the same numbers.
"""
import copy
import gzip
import json
import os
import sys


def randomise(torch, module):
    """Every parameter that the initialisation left at a constant gets a spread of its own."""
    gen = torch.Generator().manual_seed(20240601)
    with torch.no_grad():
        for name, p in sorted(module.named_parameters()):
            if name.endswith("logit_scale"):
                continue
            last = name.rsplit(".", 1)[-1]
            norm = any(s in name for s in ("ln_", "layer_norm", "layernorm", "layrnorm"))
            if last == "bias" or last == "in_proj_bias":
                p.copy_(torch.randn(p.shape, generator=gen) * (0.1 if norm else 0.02))
            elif norm:
                p.copy_(1 + torch.randn(p.shape, generator=gen) * 0.1)


def write_tokenizer(folder):
    """vocab.json and merges.txt in Hugging Face's form, from the table that open_clip ships."""
    import open_clip
    from open_clip.tokenizer import SimpleTokenizer

    table = os.path.join(os.path.dirname(open_clip.__file__), "bpe_simple_vocab_16e6.txt.gz")
    with gzip.open(table, "rt", encoding="utf-8") as f:
        merges = f.read().split("\n")[1:49152 - 256 - 2 + 1]
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "\n".join(merges) + "\n")
    vocab = dict(SimpleTokenizer().encoder)
    for ours, theirs in (("<start_of_text>", "<|startoftext|>"), ("<end_of_text>", "<|endoftext|>")):
        vocab[theirs] = vocab.pop(ours)
    with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as f:
        json.dump(vocab, f, ensure_ascii=False)


def build_openclip(folder, arch):
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(7)
    model = open_clip.create_model(arch, pretrained=None)
    randomise(torch, model)
    cfg = copy.deepcopy(open_clip.get_model_config(arch))
    pre = {k: v for k, v in open_clip.get_model_preprocess_cfg(model).items()
           if k in ("mean", "std", "interpolation", "resize_mode")}
    state = {k: v.contiguous() for k, v in model.state_dict().items() if k != "attn_mask"}
    save_file(state, os.path.join(folder, "open_clip_model.safetensors"), {"format": "pt"})
    with open(os.path.join(folder, "open_clip_config.json"), "w") as f:
        json.dump({"model_cfg": cfg, "preprocess_cfg": pre}, f, indent=2)


def build_hf(folder, arch):
    import open_clip
    import torch
    import transformers

    cfg = open_clip.get_model_config(arch)
    v, t = cfg["vision_cfg"], cfg["text_cfg"]
    act = {} if cfg.get("quick_gelu", True) else {"hidden_act": "gelu"}
    torch.manual_seed(8)
    config = transformers.CLIPConfig(
        projection_dim=cfg["embed_dim"],
        vision_config=dict(image_size=v["image_size"], patch_size=v["patch_size"], hidden_size=v["width"],
                           intermediate_size=int(v["width"] * v.get("mlp_ratio", 4.0)),
                           num_hidden_layers=v["layers"], projection_dim=cfg["embed_dim"],
                           num_attention_heads=v["width"] // v.get("head_width", 64), **act),
        text_config=dict(vocab_size=t["vocab_size"], hidden_size=t["width"], intermediate_size=4 * t["width"],
                         num_hidden_layers=t["layers"], num_attention_heads=t["heads"],
                         max_position_embeddings=t["context_length"], projection_dim=cfg["embed_dim"],
                         bos_token_id=49406, eos_token_id=49407, **act))
    model = transformers.CLIPModel(config)
    randomise(torch, model)
    model.save_pretrained(folder, safe_serialization=True)
    transformers.CLIPImageProcessor(size={"shortest_edge": v["image_size"]}).save_pretrained(folder)
    write_tokenizer(folder)


def ensure(root, name):
    """The folder ROOT/NAME, made when it isn't there yet."""
    folder = os.path.join(root, name)
    if os.path.exists(os.path.join(folder, ".complete")):
        return folder
    os.makedirs(folder, exist_ok=True)
    if name.startswith("hf-"):
        build_hf(folder, name[3:])
    else:
        build_openclip(folder, name)
    for f in os.listdir(folder):  # the libraries write weights readable by their owner only
        os.chmod(os.path.join(folder, f), 0o644)
    open(os.path.join(folder, ".complete"), "w").close()
    return folder


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for wanted in sys.argv[2:]:
        print(ensure(sys.argv[1], wanted), flush=True)
