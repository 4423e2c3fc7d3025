# SPDX-License-Identifier: MIT
"""Models from modules of PyTorch in memory: open_clip's CLIP and CustomTextCLIP, transformers' CLIPModel and
CLIPVisionModelWithProjection, fine-tuned or not, of any floating-point type, on any device. PyTorch is imported only to
check the result: everything else is asked of the module."""
from __future__ import annotations

import ctypes
import json
from typing import Any, Optional

from . import _native as native
from ._models import Model
from ._native import ArgumentError, Error, Options, encode

TYPES = {"torch.float32": "F32", "torch.float16": "F16", "torch.bfloat16": "BF16", "torch.float64": "F64",
         "torch.int64": "I64"}
# open_clip's and transformers' own defaults, which are OpenAI's.
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
TOLERANCE = 1e-5
IMAGES = 4
TEXTS = ("a photo of a dog", "two red circles above a blue square", "")


def unwrap(module: Any) -> Any:
    """The model inside DataParallel, DistributedDataParallel and torch.compile."""
    for _ in range(4):
        inner = getattr(module, "_orig_mod", None) or (getattr(module, "module", None)
                                                       if hasattr(getattr(module, "module", None), "state_dict") else None)
        if inner is None:
            break
        module = inner
    return module


def refuse(what: str) -> Error:
    return Error(f"from_torch: {what}", "CLIPSPAN_E_UNSUPPORTED")


def pair(value: Any) -> list[int]:
    return [int(value), int(value)] if isinstance(value, int) else [int(item) for item in value]


# ---- open_clip ----

def find_activation(block: Any) -> bool:
    """Whether a block's MLP has QuickGELU."""
    for layer in getattr(block.mlp, "children", lambda: [])():
        name = type(layer).__name__
        if name == "QuickGELU":
            return True
        if name == "GELU":
            if getattr(layer, "approximate", "none") != "none":
                raise refuse("its MLPs have the tanh approximation of GELU, which clipspan does not compute")
            return False
    raise refuse("the activation of its MLPs is neither GELU nor QuickGELU")


def describe_blocks(transformer: Any, norm: Any) -> dict[str, Any]:
    blocks = list(transformer.resblocks)
    first = blocks[0]
    width = int(first.ln_1.weight.shape[0])
    described: dict[str, Any] = {"layers": len(blocks), "width": width,
                                 "mlp_ratio": int(first.mlp.c_fc.weight.shape[0]) / width}
    if type(getattr(first, "ls_1", None)).__name__ == "LayerScale":
        described["ls_init_value"] = 1.0  # refused by the library, by name
    eps = float(getattr(norm, "eps", 1e-5))
    if eps != 1e-5:
        described["norm_kwargs"] = {"eps": eps}
    return described


def describe_openclip(module: Any) -> str:
    """open_clip_config.json of a module."""
    visual = module.visual
    if not hasattr(visual, "conv1") or not hasattr(getattr(visual, "transformer", None), "resblocks"):
        raise refuse(f"its image encoder is a {type(visual).__name__}; clipspan reads open_clip's VisionTransformer")
    text = module.text if hasattr(module, "text") and hasattr(module.text, "transformer") else module
    blocks = list(visual.transformer.resblocks)
    kernel = [int(n) for n in visual.conv1.weight.shape[-2:]]
    vision = describe_blocks(visual.transformer, visual.ln_post)
    vision.update(image_size=pair(visual.image_size), patch_size=kernel if kernel[0] != kernel[1] else kernel[0],
                  head_width=vision["width"] // int(blocks[0].attn.num_heads),
                  no_ln_pre=type(visual.ln_pre).__name__ == "Identity",
                  pool_type=getattr(visual, "pool_type", "tok") or "tok",
                  attentional_pool=getattr(visual, "attn_pool", None) is not None)
    config: dict[str, Any] = {"embed_dim": int(visual.proj.shape[1]), "vision_cfg": vision,
                              "quick_gelu": find_activation(blocks[0])}
    if not hasattr(getattr(text, "transformer", None), "resblocks"):
        raise refuse(f"its text encoder is a {type(text).__name__}; clipspan reads open_clip's own")
    spoken = describe_blocks(text.transformer, text.ln_final)
    positions, words = text.positional_embedding.shape, text.token_embedding.weight.shape
    spoken.update(context_length=int(positions[0]), vocab_size=int(words[0]),
                  heads=int(list(text.transformer.resblocks)[0].attn.num_heads),
                  pool_type=getattr(text, "pool_type", None) or getattr(module, "text_pool_type", None) or "argmax")
    config["text_cfg"] = spoken
    given = getattr(visual, "preprocess_cfg", None) or {}
    preprocess = {"mean": list(getattr(visual, "image_mean", None) or given.get("mean") or MEAN),
                  "std": list(getattr(visual, "image_std", None) or given.get("std") or STD),
                  "interpolation": given.get("interpolation", "bicubic"),
                  "resize_mode": given.get("resize_mode", "shortest"), "fill_color": given.get("fill_color", 0)}
    return json.dumps({"model_cfg": config, "preprocess_cfg": preprocess})


# ---- transformers ----

def describe_processor(module: Any, processor: Any) -> str:
    """preprocessor_config.json: the processor's, or CLIP's defaults at the model's size."""
    inner = getattr(processor, "image_processor", processor)
    if inner is not None:
        return inner.to_json_string() if hasattr(inner, "to_json_string") else json.dumps(inner.to_dict())
    vision = getattr(module.config, "vision_config", None) or module.config
    size = int(vision.image_size)
    if str(getattr(module.config, "model_type", "")).startswith("siglip"):
        half = [0.5, 0.5, 0.5]
        return json.dumps({"size": {"height": size, "width": size}, "image_mean": half, "image_std": half, "resample": 3,
                           "do_normalize": True, "do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255,
                           "image_processor_type": "SiglipImageProcessor"})
    return json.dumps({"crop_size": {"height": size, "width": size}, "size": {"shortest_edge": size},
                       "image_mean": MEAN, "image_std": STD, "resample": 3, "do_center_crop": True,
                       "do_convert_rgb": True, "do_normalize": True, "do_resize": True, "do_rescale": True})


def describe_transformers(module: Any, processor: Any) -> tuple[str, str]:
    config = module.config.to_json_string(use_diff=False)
    return config, describe_processor(module, processor)


# ---- Tensors ----

def gather_tensors(module: Any, share: bool) -> tuple[Any, list[Any]]:
    """clipspan_tensor [count], and what they borrow. Tensors are copied to CPU; share: those that are there stay."""
    kept: list[Any] = []
    items = {name: tensor for name, tensor in module.state_dict().items() if not name.endswith("position_ids")}
    structs = (native.make_struct("clipspan_tensor") * len(items))()
    for slot, (name, tensor) in zip(structs, items.items()):
        kind = TYPES.get(str(tensor.dtype))
        if kind is None:
            raise refuse(f"tensor {name} is of type {tensor.dtype}; clipspan reads {', '.join(TYPES)}")
        if str(getattr(tensor, "device", "cpu")).startswith("meta"):
            raise refuse(f"tensor {name} is on the meta device: it has no numbers")
        moved = tensor.detach().to("cpu").contiguous()
        if not share and moved.data_ptr() == tensor.data_ptr():
            moved = moved.clone()
        shape = (ctypes.c_uint64 * max(len(moved.shape), 1))(*[int(n) for n in moved.shape])
        label = encode(name)
        kept += [moved, shape, label]
        slot.name, slot.dtype, slot.rank = label, kind.encode(), len(moved.shape)
        slot.shape = ctypes.addressof(shape)
        slot.data, slot.size = moved.data_ptr(), moved.numel() * moved.element_size()
    return structs, kept


def from_torch(module: Any, processor: Any = None, name: Optional[str] = None, check: bool = True,
               share: bool = False, quick_gelu: int = 0) -> Model:
    """A Model of a PyTorch module in memory.

    module: open_clip's CLIP or CustomTextCLIP, transformers' CLIPModel, CLIPVisionModelWithProjection or SiglipModel (whose
    texts go in as token ids); also inside DataParallel or torch.compile. It is left as it is.
    processor: transformers' processor, for mean, size and so on; None: CLIP's own at the model's size.
    check: compares embeddings of a few images and texts with the module's own in float32 on CPU, which takes a copy of it;
    more than 1e-5 apart is an Error.
    share: borrow tensors that are on CPU instead of copying; they must not change while the model is used.
    Errors: Error with what is not supported, those of clipspan_model_new."""
    inner = unwrap(module)
    if not hasattr(inner, "state_dict"):
        raise ArgumentError(f"from_torch: expected a module of PyTorch, found {type(module).__name__}",
                            "CLIPSPAN_E_ARGUMENT")
    preprocessor: Optional[str] = None
    if hasattr(inner, "visual"):
        config = describe_openclip(inner)
    elif hasattr(getattr(inner, "config", None), "to_json_string"):
        config, preprocessor = describe_transformers(inner, processor)
    else:
        raise refuse(f"{type(inner).__name__} is neither a CLIP of open_clip nor one of transformers")
    tensors, kept = gather_tensors(inner, share)
    text = preprocessor.encode() if preprocessor else None
    options = Options("clipspan_model_options", quick_gelu=quick_gelu,
                      preprocessor_json=text, preprocessor_size=len(text) if text else 0)
    data = config.encode()
    at = native.new("clipspan_model_new", encode(name or type(inner).__name__), data, len(data), tensors, len(tensors),
                    options.reference)
    model = Model._of(at, kept)
    if check:
        compare(model, inner)
    return model


# ---- The check ----

def make_images(model: Model) -> Any:
    """[IMAGES, height, width, 3] uint8: ramps, stripes and noise, always the same."""
    import numpy as np
    height, width = model.info.input_height, model.info.input_width
    rows, columns = np.mgrid[0:height, 0:width]
    random = np.random.default_rng(17)
    made = np.empty((IMAGES, height, width, 3), np.uint8)
    made[0] = ((rows + columns) * 255 // (height + width))[..., None]
    made[1] = np.stack([(columns // 8 % 2) * 255, (rows // 8 % 2) * 255, (rows + columns) % 256], -1)
    made[2:] = random.integers(0, 256, (IMAGES - 2, height, width, 3))
    return made


def make_tokens(model: Model) -> Any:
    """[T, C] int32: TEXTS, or ids of a model in memory whose tokenizer lies elsewhere."""
    import numpy as np
    try:
        return model.tokens(TEXTS)
    except Error as error:
        if error.status != "CLIPSPAN_E_UNSUPPORTED":
            raise
    random = np.random.default_rng(18)
    return random.integers(0, model.info.vocab_size, (len(TEXTS), model.info.context_length)).astype(np.int32)


def first_tensor(value: Any) -> Any:
    """Embeddings out of what a module returns."""
    for key in ("image_embeds", "text_embeds", "pooler_output"):
        if getattr(value, key, None) is not None:
            return getattr(value, key)
    return value[0] if isinstance(value, tuple) else value


def run_module(module: Any, kind: str, data: Any) -> Any:
    if hasattr(module, "visual"):
        return module.encode_image(data) if kind == "image" else module.encode_text(data)
    if kind == "text":
        return first_tensor(module.get_text_features(input_ids=data))
    if hasattr(module, "get_image_features"):
        return first_tensor(module.get_image_features(pixel_values=data))
    return first_tensor(module(pixel_values=data))


def compare(model: Model, module: Any) -> None:
    """Raises where unit embeddings differ by more than TOLERANCE from the module's own in float32."""
    import copy

    import numpy as np
    import torch
    same = copy.deepcopy(module).to(device="cpu", dtype=torch.float32).eval()
    pixels = make_images(model)
    mean, std = (np.array(list(getattr(model.info, key)), np.float32) for key in ("mean", "std"))
    data = torch.from_numpy(((pixels.astype(np.float32) / 255 - mean) / std).transpose(0, 3, 1, 2).copy())
    inputs = {"image": (data, model.embed_images(pixels))}
    if model.info.has_text:
        tokens = make_tokens(model)
        inputs["text"] = (torch.from_numpy(tokens.astype(np.int64)),
                          model.encoder("text").embed_tokens(tokens, progress=False))
    for kind, (given, found) in inputs.items():
        with torch.no_grad():
            expected = run_module(same, kind, given).float()
        expected = torch.nn.functional.normalize(expected, dim=-1).numpy()
        off = float(np.abs(expected - found).max())
        if not off <= TOLERANCE:
            raise Error(f"from_torch: {kind} embeddings differ from the module's by {off:.1e}, where at most {TOLERANCE:.0e} "
                        "is expected: the module computes something else than its configuration says", "CLIPSPAN_E_NUMBERS")
