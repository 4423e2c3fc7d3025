# SPDX-License-Identifier: MIT
"""The Python programs of examples/ on the demo, as a reader runs them."""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import clipspan

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run_example(name, *arguments):
    done = subprocess.run([sys.executable, EXAMPLES / name, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{name}: {done.stderr}")
    return done.stdout


@unittest.skipIf(os.environ.get("SLOW") == "1", "programs of this size run once")
class Examples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def at(self, name):
        return os.path.join(self.folder.name, name)

    def test_probe_and_embedding_atlas(self):
        said = run_example("05_probe.py", "demo", clipspan.find_data("demo/look.csv"), "background", self.at("run"))
        figures = {line.split()[0]: float(line.split()[1]) for line in said.splitlines()[1:]}
        chance = float(said.splitlines()[0].split()[-1])
        # The backgrounds are in the embedding, and some head alone has far more than chance of them.
        self.assertGreater(figures.pop("embedding"), 0.9)
        self.assertGreater(max(figures.values()), chance + 0.3)
        run_example("07_embedding_atlas.py", self.at("run"), "demo", self.at("images.jsonl"))
        with open(self.at("images.jsonl"), encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        run = clipspan.Run(self.at("run"))
        self.assertEqual(len(rows), run.info.used)
        roles = [head for head in run.atlas("demo", progress=False) if head.outcome == "role"]
        self.assertEqual(set(rows[0]), {"path", "label", "group", "x", "y", *(f"{head.head} {head.category}" for head in roles)})
        # The same from a pass of the image, its text and nothing of the run.
        first, model = roles[0], clipspan.open("demo")
        text = model.embed_texts([first.texts["text"][0]], progress=False)[0]
        folder = os.path.dirname(clipspan.find_data("demo/look.csv"))
        parts = model.decompose([os.path.join(folder, rows[7]["path"])]).contributions()
        expected = float(parts["heads"][first.head] @ text)
        self.assertAlmostEqual(rows[7][f"{first.head} {first.category}"], expected, delta=1e-6)

    def test_tutorial(self):
        notebook = EXAMPLES.parent / "python/tools/notebook.py"
        done = subprocess.run([sys.executable, notebook, EXAMPLES / "tutorial.ipynb"], capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "tutorial.ipynb: 11 cells\n"), done.stderr)
        wrong = Path(self.at("wrong.ipynb"))
        cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": ["print('three', 3)"],
                "outputs": [{"name": "stdout", "output_type": "stream", "text": ["four 3\n"]}]}
        wrong.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
        self.assertNotEqual(subprocess.run([sys.executable, notebook, wrong], capture_output=True, check=False).returncode, 0)

    @unittest.skipUnless(importlib.util.find_spec("distributed"), "Dask is not installed")
    def test_dask(self):
        images = Path(self.at("images.csv"))
        images.write_text("path\n" + "\n".join(clipspan.Inputs("demo/look.csv").paths[:100]) + "\n")
        said = run_example("06_dask.py", "demo", images, self.at("run"), 3)
        self.assertTrue(said.startswith("100 of 100 images"), said)
        alone = clipspan.scan("demo", images, self.at("alone"), progress=False)
        shards = clipspan.Run(self.at("run"))
        self.assertEqual(shards.coefficients(3, 1).tobytes(), alone.coefficients(3, 1).tobytes())


if __name__ == "__main__":
    unittest.main()
