# SPDX-License-Identifier: MIT
"""Train the demo model: a tiny CLIP in OpenCLIP's architecture, on scenes drawn while it learns.

usage: train.py [options] -o FOLDER      (pip install torch==2.15.0 open_clip_torch==3.3.0 numpy safetensors)

Two to three hours on two cores (13.9 ms of a core an image, 1,075,200 images), under three minutes on one H200.

  -o FOLDER        where the checkpoint and the training state go; started again, it goes on where it stopped
  --seed N         weights, scenes and captions (default 1)
  --steps N        (default 4200)
  --device NAME    cpu (default) or cuda; the recipe is the same
  --sparsity X     weight of the head-sparsity penalty (default 0.7)
  --every N        steps between states and quick checks (default 1000)
  --keep N         steps between checkpoints that are kept in FOLDER/step-NNNNN; other states overwrite each other
  --width N        of the image encoder (default 192); the text encoder has as many, 128 at most
  --head-width N   of a head of the image encoder (default 24)
  --patch N        side of a patch in pixels (default 8)
  --batch N        images of a step (default 256)
  -h, --help

The loss of a step:
  1. for each factor the cross-entropy of an image against one caption for each of the factor's values, the captions
     drawn anew at every step; shape and count weigh more, for they are learned last;
  2. half of InfoNCE on two captions an image, captions that are true of other images masked;
  3. in the first quarter the same as 1 against free vectors instead of captions: starting together, the two towers
     would otherwise stay at chance on shape, place, size and count for long;
  4. a head-sparsity penalty: how the variance of heads along the texts of a factor spreads over heads, and that of a
     head over factors (entropies). It encourages heads with roles. What water and grass alone do to the margin between
     duck and hen counts as background, so that the shortcut runs through the background's heads: it is planted there;
  5. MLP outputs at the class token are dropped for three images in ten, so that attention writes the representation.
"""
import getopt
import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

import captions
import scenes

BLOCK = 8  # batches drawn at once
SPOKEN = 20  # tokens of the longest caption, no more are computed
LAYERS, JOINT = 4, 128
MEAN, STD = 0.45, 0.26
WEIGHTS = {"shape": 2.5, "count": 1.5, "texture": 2.0}
PEAK, LAST, WARM = 2e-3, 2e-5, 300
FACTORS = list(scenes.FACTORS)
VALUES = [len(v) for v in scenes.FACTORS.values()]
AT = np.concatenate([[0], np.cumsum(VALUES)])


def config(width, head_width, patch):
    """A model as open_clip describes it."""
    return {
        "embed_dim": JOINT,
        "vision_cfg": {"image_size": scenes.SIDE, "layers": LAYERS, "width": width, "head_width": head_width,
                       "patch_size": patch, "mlp_ratio": 2.0},
        "text_cfg": {"context_length": captions.CONTEXT, "vocab_size": captions.VOCABULARY, "width": min(128, width), "heads": 4,
                     "layers": 2, "mlp_ratio": 2.0, "tokenizer_kwargs": {"bpe_path": "bpe_scenes.txt.gz"}},
    }


# ---- Batches ----

class Blocks(torch.utils.data.Dataset):
    """Item i: scenes and captions of BLOCK batches, from (seed, i) alone."""

    def __init__(self, seed, blocks, batch):
        self.seed, self.blocks, self.batch = seed, blocks, batch
        self.phrases = [[captions.encode(p)[:, :SPOKEN] for p in captions.PHRASES[f]] for f in FACTORS]

    def __len__(self):
        return self.blocks

    def __getitem__(self, item):
        n = self.batch * BLOCK
        s = scenes.sample(1000 + self.seed, np.arange(item * n, (item + 1) * n))
        rng = np.random.default_rng((self.seed, item))
        said = [captions.caption(rng, s, i) for _ in range(2) for i in range(n)]
        ids = captions.encode([t for t, _ in said])
        assert not ids[:, SPOKEN:].any()
        asked = np.zeros((BLOCK, AT[-1], SPOKEN), np.int64)
        for b in range(BLOCK):
            for k, per_value in enumerate(self.phrases):
                basis_text = rng.integers(len(per_value[0]))
                for v, table in enumerate(per_value):
                    asked[b, AT[k] + v] = table[basis_text]
        s["ids"] = ids[:, :SPOKEN].reshape(2, n, SPOKEN).swapaxes(0, 1)
        s["said"] = np.stack([c for _, c in said]).astype(np.int64).reshape(2, n, -1).swapaxes(0, 1)
        s["facts"] = np.stack([s[f] for f in FACTORS], 1)
        s["asked"] = asked
        return as_tensors(s)


def as_tensors(tree, device=None):
    if isinstance(tree, dict):
        return {k: as_tensors(v, device) for k, v in tree.items()}
    t = torch.as_tensor(tree)
    return t.to(device, non_blocking=True) if device else t


# ---- The towers, from open_clip's parameters; the class token's head values come out ----

def attend(block, x, heads, queries=None, causal=False):
    """LN1, attention before the output projection: [B, queries, D]"""
    h = block.ln_1(x)
    w, b, d = block.attn.in_proj_weight, block.attn.in_proj_bias, x.shape[-1]

    def split(t):
        return t.unflatten(-1, (heads, -1)).transpose(1, 2)
    k, v = F.linear(h, w[d:], b[d:]).chunk(2, -1)
    q = F.linear(h if queries is None else h[:, :queries], w[:d], b[:d])
    return F.scaled_dot_product_attention(split(q), split(k), split(v), is_causal=causal).transpose(1, 2).flatten(2)


def image_tower(visual, pixels, drop=0.0):
    """pixels [B, 3, side, side] to raw embeddings [B, P], head values z [B, L, H, K], sigma of the last norm [B]"""
    x = visual.conv1(pixels).flatten(2).transpose(1, 2)
    x = torch.cat([visual.class_embedding.expand(len(x), 1, -1), x], 1) + visual.positional_embedding
    x = visual.ln_pre(x)
    blocks = visual.transformer.resblocks
    heads = blocks[0].attn.num_heads
    keep, z = None, []
    for l, block in enumerate(blocks):
        last = l == len(blocks) - 1
        a = attend(block, x, heads, 1 if last else None)
        z.append(a[:, 0].unflatten(-1, (heads, -1)))
        x = (x[:, :1] if last else x) + block.attn.out_proj(a)
        m = block.mlp(block.ln_2(x))
        if drop:
            keep = (torch.rand(len(x), 1, 1, device=x.device) >= drop).to(m.dtype)
            m = torch.cat([m[:, :1] * keep, m[:, 1:]], 1)
        x = x + m
    with torch.autocast(x.device.type, enabled=False):
        r = x[:, 0].float()
        sigma = torch.sqrt(r.var(-1, unbiased=False) + visual.ln_post.eps)
        return visual.ln_post(r) @ visual.proj, torch.stack(z, 1).float(), sigma


def text_tower(model, ids):
    x = model.token_embedding(ids) + model.positional_embedding[:ids.shape[1]]
    for block in model.transformer.resblocks:
        x = x + block.attn.out_proj(attend(block, x, block.attn.num_heads, causal=True))
        x = x + block.mlp(block.ln_2(x))
    with torch.autocast(x.device.type, enabled=False):
        return model.ln_final(x[torch.arange(len(x), device=x.device), ids.argmax(-1)].float()) @ model.text_projection


def new_model(seed, cfg):
    import open_clip
    torch.manual_seed(seed)
    cfg = json.loads(json.dumps(cfg))
    model = open_clip.CLIP(cfg["embed_dim"], cfg["vision_cfg"], cfg["text_cfg"])
    width, side = cfg["vision_cfg"]["width"], scenes.SIDE // cfg["vision_cfg"]["patch_size"]
    with torch.no_grad():
        pos = torch.zeros(side * side + 1, width)
        at = torch.arange(side).float()
        freq = 1.0 / 10 ** (torch.arange(width // 4) / (width // 4) * 2)
        for k, axis in enumerate((at.repeat_interleave(side), at.repeat(side))):
            angle = axis[:, None] * freq
            pos[1:, k * width // 2:(k + 1) * width // 2] = torch.cat([angle.sin(), angle.cos()], 1)
        model.visual.positional_embedding.copy_(0.5 * pos)
        model.token_embedding.weight.mul_(10)
        model.logit_scale.fill_(math.log(20.0))
    return model


# ---- The loss ----

def spread(p, axis):
    """Entropy over an axis, as a share of the largest possible one."""
    return -(p * (p + 1e-9).log()).sum(axis) / math.log(p.shape[axis])


def head_sparsity(visual, z, sigma, norm, texts, facts, body):
    """How widely factors spread over heads and heads over factors, from 0 to 2."""
    blocks = visual.transformer.resblocks
    heads = blocks[0].attn.num_heads
    w = torch.stack([b.attn.out_proj.weight.t().unflatten(0, (heads, -1)) for b in blocks])  # [L, H, K, D]
    g = visual.ln_post.weight[:, None] * visual.proj  # [D, P]
    rows = []
    for k in range(len(FACTORS)):
        t = texts[AT[k]:AT[k + 1]]
        rows.append((t - t.mean(0)).t() / math.sqrt(len(t)))
    u = w @ (g @ torch.cat(rows, 1))  # [L, H, K, values]
    s = torch.einsum("blhk,lhkv->blhv", z / (sigma * norm)[:, None, None, None], u).flatten(1, 2)  # [B, heads, values]
    var = s.var(0)
    e = [var[:, AT[k]:AT[k + 1]].sum(1) for k in range(len(FACTORS) - 1)]
    margin = s[:, :, -1] - s[:, :, -2]  # duck minus hen
    ground = facts[:, FACTORS.index("background")]
    bird = facts[:, FACTORS.index("bird")] >= 0
    on = [((ground == v) & ~bird).to(s.dtype) for v in range(2)]
    without = [(margin * m[:, None]).sum(0) / m.sum().clamp(min=1) for m in on]
    bird = bird.to(s.dtype)  # among birds: the regression on the ground beside the body
    count = bird.sum().clamp(min=1)
    wet = (ground == 0).to(s.dtype) * bird
    wet = (wet - wet.sum() / count) * bird
    body = (body - (body * bird).sum() / count) * bird
    wet = wet - body * ((wet * body).sum() / ((body * body).sum() + 1e-6))
    e += [(without[0] - without[1]) ** 2, ((margin * wet[:, None]).sum(0) / ((wet * wet).sum() + 1e-6)) ** 2]
    e = torch.stack(e, 1)
    of_factor = e / (e.sum(0, keepdim=True) + 1e-12)
    joined = torch.cat([of_factor[:, :-3], of_factor[:, -3:].sum(1, keepdim=True)], 1)
    share = joined.sum(1) / of_factor.shape[1]
    of_head = joined / (joined.sum(1, keepdim=True) + 1e-12)
    return spread(of_factor, 0).mean() + (spread(of_head, 1) * share).sum()


def loss_of(model, free, batch, sparsity, use_free):
    pixels = (batch["pixels"].permute(0, 3, 1, 2).float() / 255 - MEAN) / STD
    cuda = pixels.is_cuda
    with torch.autocast(pixels.device.type, torch.bfloat16, enabled=cuda, cache_enabled=False):
        raw, z, sigma = image_tower(model.visual, pixels, 0.3)
    norm = raw.norm(dim=-1)
    image = raw / norm[:, None]
    n = len(image)
    ids = torch.cat([batch["asked"], batch["ids"].transpose(0, 1).flatten(0, 1)])
    with torch.autocast(pixels.device.type, torch.bfloat16, enabled=cuda, cache_enabled=False):
        texts = text_tower(model, ids)
    texts = F.normalize(texts, dim=-1)
    asked, told = texts[:AT[-1]], texts[AT[-1]:].unflatten(0, (2, n))
    scale = model.logit_scale.exp().clamp(max=100)
    facts = batch["facts"]
    bird = facts[:, FACTORS.index("bird")] >= 0

    def by_factor(bank):
        logits = scale * image @ bank.t()
        total = 0
        for k, f in enumerate(FACTORS):
            label = facts[:, k]
            if f == "background":
                label = torch.where(bird, -1, label)  # birds' backgrounds are never named
            ce = F.cross_entropy(logits[:, AT[k]:AT[k + 1]], label, ignore_index=-1, reduction="sum")
            total = total + WEIGHTS.get(f, 1.0) * ce / (label >= 0).sum().clamp(min=1)
        return total

    loss = by_factor(asked)
    pair = batch["kind"] == scenes.PAIR
    eye = torch.eye(n, dtype=torch.bool, device=image.device)
    for q in range(2):
        said = batch["said"][:, q]
        fits = (said[:, None] < 0) | (said[:, None] == facts[None])  # caption i, image j
        fits[..., :3] |= pair[None, :, None]  # of a pair one object may be meant
        also = fits.all(-1) & ~eye & ~pair[:, None]
        logits = (scale * told[q] @ image.t()).masked_fill(also, -1e4)
        goal = torch.arange(n, device=image.device)
        loss = loss + 0.125 * (F.cross_entropy(logits, goal) + F.cross_entropy(logits.t(), goal))
    if use_free:
        loss = loss + by_factor(F.normalize(free, dim=-1))
    return loss + sparsity * head_sparsity(model.visual, z, sigma, norm, asked, facts, batch["body"])


class Trainer:
    """One step over static buffers; on a GPU recorded once and replayed."""

    def __init__(self, seed, steps, device, sparsity, cfg):
        self.device, self.steps, self.weight = device, steps, sparsity
        self.model = new_model(seed, cfg).to(device)
        self.free = torch.nn.Parameter(torch.randn(AT[-1], JOINT).to(device))
        flat = [p for p in self.model.parameters() if p.ndim < 2] + [self.free]
        deep = [p for p in self.model.parameters() if p.ndim >= 2]
        self.rate = torch.tensor(PEAK, device=device)
        cuda = device == "cuda"
        self.adam = torch.optim.AdamW([{"params": deep, "weight_decay": 0.05}, {"params": flat, "weight_decay": 0.0}],
                                      lr=self.rate if cuda else PEAK, betas=(0.9, 0.98), fused=True, capturable=cuda)
        self.sparsity = torch.zeros((), device=device)
        self.batch, self.graph, self.use_free = None, None, True
        self.seen = torch.zeros((), device=device)

    def compute(self):
        self.adam.zero_grad(set_to_none=False)
        loss = loss_of(self.model, self.free, self.batch, self.sparsity, self.use_free)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*self.model.parameters(), self.free], 1.0, foreach=True)
        self.adam.step()
        self.seen.copy_(loss.detach())

    def record(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        keep = [p.detach().clone() for p in [*self.model.parameters(), self.free]]
        with torch.cuda.stream(side):
            self.rate.zero_()
            for _ in range(3):
                self.compute()
        torch.cuda.current_stream().wait_stream(side)
        with torch.no_grad():
            for p, old in zip([*self.model.parameters(), self.free], keep):
                p.copy_(old)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.compute()

    def step(self, batch, step):
        warm = min(1.0, (step + 1) / WARM)
        rate = warm * (LAST + (PEAK - LAST) * 0.5 * (1 + math.cos(math.pi * step / self.steps)))
        ramp = min(1.0, max(0.0, (step / self.steps - 0.10) / 0.60))
        use_free = step < self.steps // 4
        self.sparsity.fill_(self.weight * ramp)
        if self.batch is None:
            self.batch = {k: v.clone() for k, v in batch.items()}
        for k, v in batch.items():
            self.batch[k].copy_(v)
        if self.device != "cuda":
            self.use_free = use_free
            for group in self.adam.param_groups:
                group["lr"] = rate
            self.compute()
            return
        if self.graph is None or use_free != self.use_free:
            self.use_free = use_free
            self.record()
        self.rate.fill_(rate)
        self.graph.replay()


KEYS = ("facts", "kind", "said", "ids", "body")


@torch.no_grad()
def quick_check(model, device, seed=99, count=2048):
    """Zero-shot accuracy by factor on fresh scenes, with prompts other than training's."""
    model.eval()
    bank = []
    for f in FACTORS:
        for v in range(len(scenes.FACTORS[f])):
            ids = torch.as_tensor(captions.encode(captions.phrases(f, v, captions.HELD_OUT))[:, :SPOKEN], device=device)
            bank.append(F.normalize(F.normalize(text_tower(model, ids), dim=-1).mean(0), dim=0))
    bank = torch.stack(bank)
    right = {}
    for name, kinds in (("", (1, 0, 0)), ("bird ", (0, 0, 1))):
        s = scenes.sample(seed, np.arange(count), kinds, agree=0.5)
        image = []
        for i in range(0, count, 512):
            part = scenes.sample(seed, np.arange(i, i + 512), kinds, agree=0.5)
            pixels, _ = scenes.draw(as_tensors(part, device), torch, device) if device == "cuda" else scenes.draw(part)
            pixels = torch.as_tensor(pixels).permute(0, 3, 1, 2).float() / 255
            image.append(F.normalize(image_tower(model.visual, (pixels - MEAN) / STD)[0], dim=-1))
        score = (torch.cat(image) @ bank.t()).cpu().numpy()
        for k, f in enumerate(FACTORS):
            if (f == "bird") != bool(name):
                continue
            hit = score[:, AT[k]:AT[k + 1]].argmax(1) == s[f]
            right[f] = hit.mean()
            if name:
                for b in range(2):
                    for g in range(2):
                        right[scenes.BIRDS[b] + " on " + scenes.BACKGROUNDS[g]] = hit[(s[f] == b) & (s["background"] == g)].mean()
    model.train()
    return right


def save(model, cfg, folder):
    """The checkpoint in OpenCLIP's layout, weights in float16."""
    from safetensors.torch import save_file
    os.makedirs(folder, exist_ok=True)
    state = {k: v.detach().cpu().to(torch.float16).contiguous() for k, v in model.state_dict().items() if k != "attn_mask"}
    save_file(state, os.path.join(folder, "open_clip_model.safetensors"))
    with open(os.path.join(folder, "open_clip_config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_cfg": cfg, "preprocess_cfg": {"mean": [MEAN] * 3, "std": [STD] * 3, "interpolation": "bicubic",
                                                           "resize_mode": "shortest"}}, file, indent=2)
        file.write("\n")
    captions.write_table(os.path.join(folder, "bpe_scenes.txt.gz"))


def main():
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "o:h", ["seed=", "steps=", "device=", "sparsity=", "every=", "keep=",
                                                                "width=", "head-width=", "patch=", "batch=", "help"])
    except getopt.GetoptError as e:
        sys.exit(f"train.py: {e}; --help says more")
    options = dict(options)
    if "-h" in options or "--help" in options:
        print(__doc__.strip())
        return
    if rest or "-o" not in options:
        sys.exit("train.py: -o FOLDER is needed and nothing else; --help says more")
    folder, seed = options["-o"], int(options.get("--seed", 1))
    steps, every = int(options.get("--steps", 4200)), int(options.get("--every", 1000))
    keep = int(options.get("--keep", 0))
    device, batch_size = options.get("--device", "cpu"), int(options.get("--batch", 256))
    cfg = config(*(int(options.get(k, v)) for k, v in (("--width", 192), ("--head-width", 24), ("--patch", 8))))
    os.makedirs(folder, exist_ok=True)
    torch.set_float32_matmul_precision("high")
    t = Trainer(seed, steps, device, float(options.get("--sparsity", 0.7)), cfg)
    state_path, first = os.path.join(folder, "state.pt"), 0
    if os.path.exists(state_path):
        state = torch.load(state_path, map_location=device, weights_only=True)
        if (state["seed"], state["steps"]) != (seed, steps):
            sys.exit(f"train.py: {state_path} is of seed {state['seed']}, {state['steps']} steps; give another folder")
        t.model.load_state_dict(state["model"])
        t.adam.load_state_dict(state["adam"])
        t.free.data.copy_(state["free"])
        first = state["step"]
    torch.manual_seed(seed * 1000003 + first)
    # A state lies at the end of a block, and on a processor every block seeds what it drops: a run that was stopped ends
    # with the weights of one that was not.
    blocks = torch.utils.data.Subset(Blocks(seed, -(-steps // BLOCK), batch_size), range(first // BLOCK, -(-steps // BLOCK)))
    workers = 4 if device == "cuda" else 0
    loader = torch.utils.data.DataLoader(blocks, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None)
    step, begun = first // BLOCK * BLOCK, time.time()
    start = step
    for block in loader:
        if device != "cuda":
            torch.manual_seed(seed * 1000003 + step)
        asked = block.pop("asked")
        block = as_tensors(block, device)
        if device == "cuda":
            pixels, _ = scenes.draw(block, torch, device)
        else:
            pixels = torch.as_tensor(scenes.draw({k: v.numpy() if torch.is_tensor(v) else {a: b.numpy() for a, b in v.items()}
                                                  for k, v in block.items()})[0])
        for b in range(BLOCK):
            if step >= steps:
                break
            part = slice(b * batch_size, (b + 1) * batch_size)
            batch = {k: block[k][part] for k in KEYS}
            batch["pixels"], batch["asked"] = pixels[part], asked[b].to(device)
            t.step(batch, step)
            step += 1
        if step % every < BLOCK and step >= every or step >= steps:
            right = quick_check(t.model, device)
            rate = (step - start) * batch_size / (time.time() - begun)
            print(f"step {step}: loss {t.seen.item():.3f}, {rate:.0f} images/s, " +
                  ", ".join(f"{k} {100 * v:.1f}" for k, v in right.items()), flush=True)
            state = {"seed": seed, "steps": steps, "step": step, "model": t.model.state_dict(), "adam": t.adam.state_dict(),
                     "free": t.free.data}
            torch.save(state, state_path + ".part")
            os.replace(state_path + ".part", state_path)
            save(t.model, cfg, folder)
            if keep and step % keep < BLOCK:
                save(t.model, cfg, os.path.join(folder, f"step-{step:05d}"))


if __name__ == "__main__":
    main()
