# SPDX-License-Identifier: MIT
"""Effects through later layers, both splits of an attention pool, how far shards are, and options of scans and reports."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import clipspan
import numpy as np

PROGRAM = os.environ["CLIPSPAN"]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TEXTS = ["a red circle", "a blue square", "a green star on grass"]
# docs/paths.md: float32 sums of a few thousand numbers about 1, as the library's own tests have it.
TOLERANCE = 1e-5
# Between two calls: nine digits of the document, and float32 products of one image and of two may round differently.
NEAR = 1e-6


def run_program(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


class Paths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = clipspan.open("demo")
        cls.images = [f"demo/look/{i:04}.png" for i in range(3)]
        cls.found = cls.model.paths(cls.images, TEXTS, neurons=True, maps=True, together=2, progress=False)

    def test_effects_are_the_programs(self):
        with tempfile.TemporaryDirectory() as folder:
            image = clipspan.find_data(self.images[0])
            texts = [item for text in TEXTS for item in ("--text", text)]
            said = run_program("explain", "demo", image, *texts, "--contrast", "none", "--through", "--json", "-q", "-o",
                               os.path.join(folder, "page.html"))
        effects = self.found[0]
        listed = {item["text"]: item for item in json.loads(said)["texts"]}
        for t, text in enumerate(TEXTS):
            through = listed[text]["through"]
            for item in through["heads"]:
                head = clipspan._records.read_head(item["head"])
                self.assertAlmostEqual(effects.head[t][head], item["effect"], delta=NEAR)
                self.assertAlmostEqual(effects.head_direct[t][head], item["direct"], delta=NEAR)
            for item in through["layers"]:
                self.assertAlmostEqual(effects.mlp[t, item["layer"]], item["mlp"], delta=NEAR)
                self.assertAlmostEqual(effects.bias[t, item["layer"]], item["bias"], delta=NEAR)
            strongest = [(item["layer"], item["neuron"]) for item in through["neurons"]]
            self.assertEqual([neuron[:2] for neuron in effects.neurons(t, len(strongest))], strongest)

    def test_effects_add_up(self):
        for effects, embedding in zip(self.found, self.model.embed_images(self.images, progress=False)):
            self.assertEqual(effects.embedding.tobytes(), embedding.tobytes())
            self.assertLessEqual(effects.off, TOLERANCE)
            whole = effects.token.sum(1) + effects.constant[:, 0]
            self.assertLess(abs(whole - effects.similarity).max(), TOLERANCE)
            self.assertLess(abs(effects.map.sum(3) - effects.head).max(), TOLERANCE)
            self.assertLess(abs(effects.direction @ embedding - effects.similarity).max(), TOLERANCE)
            # Nothing is above the last layer's MLP, and something above every other one.
            self.assertLess(abs(effects.mlp - effects.mlp_direct)[:, -1].max(), TOLERANCE)
            self.assertGreater(abs(effects.mlp - effects.mlp_direct)[:, 0].max(), 1e-3)

    def test_company_and_pixels_change_nothing(self):
        alone = self.model.paths(self.model.pixels(self.images[1]), TEXTS, neurons=True, progress=False)[0]
        self.assertEqual(alone.head.tobytes(), self.found[1].head.tobytes())
        self.assertEqual(alone.neuron.tobytes(), self.found[1].neuron.tobytes())
        self.assertIsNone(alone.map)
        self.assertIsNone(alone.ablated)

    def test_margin_and_random(self):
        texts = self.found[2]
        margin = self.model.paths(self.images[2], TEXTS, "margin", progress=False)[0]
        order = np.argsort(-texts.similarity)
        self.assertEqual((margin.best, margin.second), tuple(order[:2]))
        self.assertEqual(margin.names, [f"{TEXTS[order[0]]} over {TEXTS[order[1]]}"])
        self.assertLess(abs(margin.head[0] - (texts.head[order[0]] - texts.head[order[1]])).max(), TOLERANCE)
        random = self.model.paths(self.images[2], direction="random", random=4, progress=False)[0]
        self.assertEqual(random.head.shape, (4, 4, 8))
        # Unit vectors, orthogonal to the embedding.
        self.assertLess(abs(np.linalg.norm(random.direction, axis=1) - 1).max(), 1e-6)
        self.assertLess(abs(random.direction @ random.embedding).max(), 1e-6)

    def test_neurons_are_the_librarys(self):
        paths = clipspan.Paths(self.model.encoder(), self.model.bank(TEXTS, progress=False), neurons=True)
        effects = paths.run(self.images[0], progress=False)[0]
        self.assertEqual(effects.neurons(1, 20), paths.strongest(0, 1, 20))
        self.assertEqual(paths.strongest(0, 3, 20), [])
        with self.assertRaises(clipspan.ArgumentError):
            self.model.paths(self.images[0], TEXTS, progress=False)[0].neurons()

    def test_table_and_errors(self):
        table = self.found[0].table
        self.assertEqual(len(table), len(TEXTS) * (32 + 4))
        self.assertEqual({row["text"] for row in table}, set(TEXTS))
        self.assertIn("L3.H1", table["component"])
        for wrong in ({"direction": "margin", "texts": TEXTS[:1]}, {"direction": "texts"},
                      {"texts": TEXTS, "together": 33}, {"texts": TEXTS, "means": np.zeros((1, 2, 3), np.float32)}):
            with self.assertRaises(clipspan.ArgumentError):
                self.model.paths(self.images, progress=False, **wrong)


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.model = clipspan.open("demo")
        cls.paths = clipspan.Inputs("demo/look.csv").paths[:70]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def at(self, name):
        return os.path.join(self.folder.name, name)

    def test_progress_of_shards(self):
        started = self.model.scan(self.paths, self.at("shards"), shard=1, shards=2, progress=False)
        said = json.loads(run_program("status", self.at("shards"), "--shards", 2, "--json"))
        for row, expected in zip(started.read_progress(2), said["shards"]):
            for name in ("shard", "images", "used", "skipped", "left", "chunks", "chunks_done"):
                self.assertEqual(row[name], expected[name])
        first, second = started.read_progress(2)
        self.assertEqual((first["left"], second["used"]), (0, 0))
        self.assertGreater(second["left"], 0)
        self.assertEqual(dict(started.read_progress(2, 2)[0]), dict(second))
        with self.assertRaises(clipspan.ArgumentError):
            started.read_progress(2, 3, 1)
        done = clipspan.resume(self.at("shards"), progress=False)
        self.assertEqual((done.read_progress()[0]["used"], done.info.merged), (70, True))
        self.assertEqual(done.scanned.used + first["used"], 70)
        self.assertEqual(done.scanned.retried, 0)

    def test_skipped_images_are_tried_again(self):
        gone = os.path.join(self.folder.name, "gone.png")
        with open(gone, "wb") as file:
            file.write(b"no image")
        run = self.model.scan([*self.paths[:3], gone], self.at("skipped"), progress=False)
        self.assertEqual((run.info.used, run.read_progress()[0]["skipped"]), (3, 1))
        with open(gone, "wb") as file, open(clipspan.find_data("demo/look/0009.png"), "rb") as image:
            file.write(image.read())
        run = clipspan.resume(self.at("skipped"), self.model, retry_skipped=True, retries=-1, progress=False)
        self.assertEqual((run.info.used, run.scanned.again), (4, 1))

    def test_mean_ablation_through_later_layers(self):
        run = self.model.scan(self.paths[:6], self.at("means"), progress=False)
        found = self.model.paths(run.images["path"], TEXTS, means=run, progress=False)
        # What a head writes is z W_O, and its direct effect <z W_O, g> / (sigma rho) with g the same for all images: with
        # that scale taken off, every image has behind the mean-ablation the mean over images of what there was.
        for layer, head in ((0, 2), (3, 1)):
            scales = run.coefficients(layer, head)[:, run.info.head_width]
            now = np.stack([effects.head_direct[:, layer, head] / scale for effects, scale in zip(found, scales)])
            for effects, scale, row in zip(found, scales, now):
                behind = row + effects.ablated_direct[:, layer, head] / scale
                self.assertLess(abs(behind - now.mean(0)).max(), TOLERANCE * abs(now).max())
            self.assertGreater(abs(found[0].ablated - found[0].ablated_direct)[:, 0].max(), 1e-3)

    def test_report_with_and_without_paths(self):
        run = self.model.scan(self.paths[:40], self.at("report"), progress=False)
        run.atlas("demo", progress=False)
        pages = {}
        for paths in (False, True):
            run.report(self.at(f"{paths}.html"), paths=paths, images_anywhere=True, progress=False)
            with open(self.at(f"{paths}.html"), encoding="utf-8") as file:
                pages[paths] = file.read()
        self.assertIn(self.folder.name, pages[True])
        self.assertNotIn(self.folder.name, pages[False])


class Pools(unittest.TestCase):
    def setUp(self):
        self.model = clipspan.open(GOLDEN / "siglip-hf")
        self.pixels = np.load(GOLDEN / "siglip-hf/pixels.npy")

    def test_heads_of_the_pool(self):
        made = self.model.decompose(self.pixels)
        expected = np.load(GOLDEN / "siglip-hf/heads.npy")
        for image in range(len(self.pixels)):
            parts = made.contributions(image)
            self.assertEqual(parts["heads"].shape, (1, 3, 24))
            total = parts["heads"].sum((0, 1)) + parts["mlps"].sum(0)
            self.assertLess(abs(total - made.embeddings[image]).max(), TOLERANCE)
            # tests/decompose/test_pool.c has these against the same arrays.
            self.assertLess(abs(parts["heads"] - expected[image]).max(), TOLERANCE)
        stats = clipspan.Stats(self.model.encoder())
        stats.add(made)
        self.assertLess(abs(stats.means()["heads"] - expected.mean(0)).max(), TOLERANCE)
        self.assertEqual(stats.variance_shares()["heads"].shape, (1, 3, 2))
        self.assertEqual(self.model.heatmap(clipspan.find_data("demo/look/0000.png"),
                                            self.model_bank()).maps.shape, (2, 3, 3))

    def model_bank(self):
        vectors = np.random.default_rng(3).normal(size=(2, 24)).astype(np.float32)
        return clipspan.Bank.from_vectors(["a", "b"], vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    def test_layers_through_the_pool(self):
        made = self.model.decompose(self.pixels[:1], layers=True)
        direction = np.cos(np.arange(24) * 1.3).astype(np.float32)
        for gate in (False, True):
            parts = made.through_pool(gate)
            self.assertEqual((parts["heads"].shape, parts["mlps"].shape), ((2, 3, 24), (4, 24)))
            total = parts["heads"].sum((0, 1)) + parts["mlps"].sum(0)
            self.assertLess(abs(total - made.embeddings[0]).max(), TOLERANCE)
            patches = np.stack([[made.through_pool_by_token(layer, head, gate) for head in range(3)] for layer in range(2)])
            self.assertLess(abs(patches.sum(2) - parts["heads"]).max(), 1e-6)
            scores = made.through_pool_scores(direction, gate)
            self.assertLess(abs(scores["heads"] - patches @ direction).max(), 2e-6)
            self.assertLess(abs(scores["mlps"] - parts["mlps"] @ direction).max(), 2e-6)
        self.assertGreater(made.pool_mlp_share, 0)
        # The opaque MLP is all that is left beside what goes past it.
        opaque = made.through_pool()["mlps"][-1].astype(np.float64)
        self.assertAlmostEqual(made.pool_mlp_share, float(opaque @ opaque), delta=1e-5)
        with self.assertRaises(clipspan.Error):
            clipspan.open("demo").decompose(["demo/look/0000.png"], layers=True).through_pool()

    def test_scores_are_sigmoids(self):
        bank = self.model_bank()
        found = clipspan.Classification(bank, self.model.logit_scale, 2, self.model.logit_bias)
        embeddings = self.model.embed_images(self.pixels)
        found.add(embeddings)
        best = bank.scores(embeddings).max(1)
        expected = 1 / (1 + np.exp(-(self.model.logit_scale * best.astype(np.float64) + self.model.logit_bias)))
        self.assertLess(abs(np.array(found.predictions["probability"]) - expected).max(), 1e-7)
        self.assertIsNone(clipspan.open("demo").logit_bias)


if __name__ == "__main__":
    unittest.main()
