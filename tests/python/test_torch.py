# SPDX-License-Identifier: MIT
"""Models of PyTorch in memory: open_clip's and transformers' modules with random weights, of every type, wrapped and fine-tuned,
beside their own embeddings in float32. Each library's cases are skipped where it is not installed."""
import copy
import importlib.util
import os
import unittest

import clipspan
import numpy as np

TOLERANCE = 1e-5  # of unit embeddings, as docs/python.md promises
TEXTS = ["a photo of a dog", "two red circles above a blue square"]


def has(name):
    return importlib.util.find_spec(name) is not None


def embed(module, pixels, model):
    """Unit embeddings in float32, by the module's own means. pixels: uint8 [B, height, width, 3]."""
    import torch
    same = copy.deepcopy(module).to(torch.float32).eval()
    mean, std = (np.array(list(getattr(model.info, name)), np.float32) for name in ("mean", "std"))
    data = torch.from_numpy(((pixels.astype(np.float32) / 255 - mean) / std).transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        if hasattr(same, "encode_image"):
            found = same.encode_image(data)
        elif hasattr(same, "get_image_features"):
            found = same.get_image_features(pixel_values=data)
        else:
            found = same(pixel_values=data).image_embeds
    found = getattr(found, "pooler_output", found)
    return torch.nn.functional.normalize(found, dim=-1).numpy()


def tune(module, seed):
    """A copy whose every weight was moved, as training would."""
    import torch
    torch.manual_seed(seed)
    made = copy.deepcopy(module)
    with torch.no_grad():
        for weight in made.parameters():
            if weight.dim() > 1:
                weight.add_(0.05 * weight.std() * torch.randn_like(weight))
    return made


class Modules:
    def compare(self, module, inner=None, **options):
        """from_torch, its embeddings beside the module's; the model."""
        inner = inner if inner is not None else module
        model = clipspan.from_torch(module, **options)
        pixels = np.random.default_rng(5).integers(0, 256, (3, model.info.input_height, model.info.input_width, 3), np.uint8)
        off = abs(model.embed_images(pixels) - embed(inner, pixels, model)).max()
        self.assertLess(off, TOLERANCE)
        return model


@unittest.skipUnless(has("open_clip"), "open_clip is not installed")
class OpenClip(Modules, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.module = cls.make()

    @staticmethod
    def make(quick_gelu=False):
        import open_clip
        import torch
        torch.manual_seed(17)
        return open_clip.model.CLIP(
            embed_dim=48, vision_cfg={"image_size": 64, "layers": 3, "width": 96, "head_width": 24, "patch_size": 16},
            text_cfg={"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2},
            quick_gelu=quick_gelu).eval()

    def test_types_of_numbers(self):
        import torch
        for kind in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
            self.compare(copy.deepcopy(self.module).to(kind))

    def test_activation_and_fine_tuning(self):
        quick = self.compare(self.make(quick_gelu=True))
        self.assertEqual(quick.info.activation, "quick_gelu")
        tuned = tune(self.module, 3)
        pixels = np.random.default_rng(5).integers(0, 256, (1, 64, 64, 3), np.uint8)
        moved = abs(self.compare(tuned).embed_images(pixels) - self.compare(self.module).embed_images(pixels)).max()
        self.assertGreater(moved, 1e-3)

    def test_wrapped(self):
        import torch
        self.compare(torch.nn.DataParallel(self.module), self.module)
        self.compare(torch.compile(self.module), self.module)

    def test_what_is_no_clip_is_refused(self):
        import torch
        for wrong, kind in ((torch.nn.Linear(2, 2), clipspan.Error), ("ViT-B-32", clipspan.ArgumentError)):
            with self.assertRaises(kind):
                clipspan.from_torch(wrong)

    def test_texts(self):
        import open_clip
        import torch
        model = clipspan.from_torch(self.module)
        tokens = open_clip.get_tokenizer("ViT-B-32")(TEXTS)
        self.assertTrue((tokens.numpy() == model.tokens(TEXTS)).all())
        with torch.no_grad():
            expected = torch.nn.functional.normalize(self.module.encode_text(tokens), dim=-1).numpy()
        self.assertLess(abs(model.embed_texts(TEXTS, progress=False) - expected).max(), TOLERANCE)

    def test_module_is_left_as_it_is_and_may_change_behind_a_copy(self):
        import torch
        module = copy.deepcopy(self.module).train()
        before = {name: value.clone() for name, value in module.state_dict().items()}
        model = clipspan.from_torch(module)
        self.assertTrue(module.training)
        for name, value in module.state_dict().items():
            self.assertTrue(torch.equal(value, before[name]), name)
        pixels = np.random.default_rng(5).integers(0, 256, (2, 64, 64, 3), np.uint8)
        expected = embed(self.module, pixels, model)
        with torch.no_grad():
            for weight in module.parameters():
                weight.zero_()
        self.assertLess(abs(model.embed_images(pixels) - expected).max(), TOLERANCE)

    def test_a_model_that_computes_something_else_is_refused(self):
        from unittest import mock
        with mock.patch.object(type(self.module), "encode_image", lambda module, data: data.flatten(1)[:, :48]):
            with self.assertRaises(clipspan.Error) as caught:
                clipspan.from_torch(self.module)
        self.assertIn("embeddings differ", str(caught.exception))
        self.assertEqual(caught.exception.status, "CLIPSPAN_E_NUMBERS")

    def test_everything_computes_beside_pytorch(self):
        """Two OpenMP runtimes in one process, in turns; parts of a fine-tuned model's heads."""
        import torch
        matrix = torch.randn(400, 400)
        expected = matrix @ matrix
        model = clipspan.from_torch(tune(self.module, 4))
        path = str(clipspan.find_data("demo/look/0000.png"))
        for _ in range(3):
            made = model.decompose([path])
            parts = made.contributions()
            self.assertLess(abs(parts["heads"].sum((0, 1)) + parts["mlps"].sum(0) - made.embeddings[0]).max(), TOLERANCE)
            self.assertLess(model.paths(path, TEXTS, progress=False)[0].off, TOLERANCE)
            self.assertTrue(torch.equal(matrix @ matrix, expected))

    def test_workers_of_a_data_loader(self):
        """Forked ones read pixels, whatever was computed before."""
        import torch
        model = clipspan.from_torch(self.module)
        paths = [str(clipspan.find_data(f"demo/look/{i:04}.png")) for i in range(6)]
        expected = model.embed_images(paths, progress=False)

        class Pixels(torch.utils.data.Dataset):
            def __len__(self):
                return len(paths)

            def __getitem__(self, index):
                return model.pixels(paths[index])[0]

        loader = torch.utils.data.DataLoader(Pixels(), batch_size=2, num_workers=2, multiprocessing_context="fork")
        found = np.concatenate([model.embed_images(batch.numpy()) for batch in loader])
        self.assertEqual(found.tobytes(), expected.tobytes())


@unittest.skipUnless(has("transformers"), "transformers is not installed")
class Transformers(Modules, unittest.TestCase):
    VISION = {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 64,
              "patch_size": 16, "projection_dim": 48}

    def make(self, activation="quick_gelu"):
        import torch
        import transformers
        torch.manual_seed(17)
        text = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
                "projection_dim": 48, "hidden_act": activation}
        config = transformers.CLIPConfig(projection_dim=48, text_config=text,
                                         vision_config={**self.VISION, "hidden_act": activation})
        return transformers.CLIPModel(config).eval()

    def test_types_and_activations(self):
        import torch
        for kind in (torch.float32, torch.float16, torch.bfloat16):
            self.compare(self.make().to(kind))
        self.assertEqual(self.compare(self.make("gelu")).info.activation, "gelu")
        self.compare(tune(self.make(), 3))

    def test_image_encoder_alone(self):
        import torch
        import transformers
        torch.manual_seed(18)
        module = transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(**self.VISION)).eval()
        self.assertFalse(self.compare(module).info.has_text)

    def test_attention_pool(self):
        import torch
        import transformers
        torch.manual_seed(19)
        vision = {name: value for name, value in self.VISION.items() if name != "projection_dim"}
        text = {"hidden_size": 96, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
                "vocab_size": 300, "max_position_embeddings": 16, "projection_size": 96, "bos_token_id": 1,
                "eos_token_id": 2}
        config = transformers.SiglipConfig(text_config=text, vision_config=vision)
        module = transformers.SiglipModel(config).eval()
        model = self.compare(module)
        self.assertEqual((model.info.readout, model.info.class_token), ("pool", False))
        self.assertEqual(list(model.info.mean), [0.5, 0.5, 0.5])
        tokens = np.random.default_rng(6).integers(3, 300, (2, 16)).astype(np.int32)
        with torch.no_grad():
            found = module.get_text_features(input_ids=torch.from_numpy(tokens.astype(np.int64)))
        expected = torch.nn.functional.normalize(getattr(found, "pooler_output", found), dim=-1).numpy()
        self.assertLess(abs(model.encoder("text").embed_tokens(tokens, progress=False) - expected).max(), TOLERANCE)

    def test_texts(self):
        import torch
        module = self.make()
        model = clipspan.from_torch(module)
        with torch.no_grad():
            found = module.get_text_features(input_ids=torch.from_numpy(model.tokens(TEXTS).astype(np.int64)))
        expected = torch.nn.functional.normalize(getattr(found, "pooler_output", found), dim=-1).numpy()
        self.assertLess(abs(model.embed_texts(TEXTS, progress=False) - expected).max(), TOLERANCE)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    unittest.main()
