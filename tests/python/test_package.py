# SPDX-License-Identifier: MIT
"""The package on the demo's model: bytes of the program, views, errors, threads, forks, leaks."""
import gc
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import clipspan
import numpy as np

PROGRAM = os.environ["CLIPSPAN"]


def run_program(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.model = clipspan.open("demo")
        cls.paths = clipspan.Inputs("demo/look.csv").paths[:64]
        cls.run_path = os.path.join(cls.folder.name, "run")
        cls.run_ = cls.model.scan(cls.paths, cls.run_path, progress=False)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_embeddings_are_the_programs(self):
        path = os.path.join(self.folder.name, "images.npy")
        run_program("embed", "demo", *self.paths, "-o", path, "-q")
        self.assertEqual(np.load(path).tobytes(), self.model.embed_images(self.paths, progress=False).tobytes())
        path = os.path.join(self.folder.name, "texts.npy")
        run_program("embed", "demo", "--text", "a red circle", "--text", "a blue square", "-o", path, "-q")
        found = self.model.embed_texts(["a red circle", "a blue square"], progress=False)
        self.assertEqual(np.load(path).tobytes(), found.tobytes())

    def test_studies_are_the_programs(self):
        classes = ("--classes", "demo/shape", "--templates", "demo/shape.templates")
        evaluation = self.run_.evaluate("demo/shape", templates="demo/shape.templates", progress=False)
        self.assertEqual(evaluation.effects(progress=False).json,
                         run_program("effects", self.run_path, *classes, "--json", "-q"))
        self.assertEqual(evaluation.ablate("L3.H1,L3.H2", progress=False).json,
                         run_program("ablate", self.run_path, *classes, "--heads", "L3.H1,L3.H2", "--json", "-q"))
        self.assertEqual(self.run_.search(like="#3", heads="L3.H1", progress=False).json,
                         run_program("search", self.run_path, "--like", "#3", "--heads", "L3.H1", "--json", "-q"))

    def test_contributions_add_up(self):
        made = self.model.decompose(self.paths[:2])
        parts = made.contributions(1)
        total = parts["heads"].sum((0, 1)) + parts["mlps"].sum(0)
        self.assertLess(abs(total - made.embeddings[1]).max(), 1e-5)
        first = self.run_.images["path"][0]  # a run has an order of its own
        alone = self.model.decompose([first]).contributions()["heads"][3, 1]
        # Coefficients are float32: the last bit of a contribution of about 1.
        self.assertLess(abs(self.run_.contributions(3, 1)[0] - alone).max(), 1e-6)

    def test_views_outlive_their_objects_and_are_read_only(self):
        bank = self.model.bank(["a", "b"], progress=False)
        vectors, expected = bank.vectors, bank.vectors.copy()
        bank.close()
        del bank
        gc.collect()
        self.assertEqual(vectors.tobytes(), expected.tobytes())
        self.assertFalse(vectors.flags.writeable)
        self.assertFalse(vectors.flags.owndata)

    def test_errors_are_sentences(self):
        with self.assertRaises(clipspan.NotFoundError) as caught:
            clipspan.open("/nonexistent/model")
        said = subprocess.run([PROGRAM, "info", "/nonexistent/model"], capture_output=True, text=True).stderr
        self.assertIn(str(caught.exception), said)
        with self.assertRaises(clipspan.ArgumentError):
            self.model.embed_images(np.zeros((1, 2, 3, 3), np.uint8))
        with self.assertRaises(clipspan.ArgumentError):
            self.run_.evaluate("dog,cat", progress=False).ablate("L9.H9", progress=False)

    def test_interrupt_stops(self):
        def stop(done, total):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.model.scan(self.paths, os.path.join(self.folder.name, "stopped"), progress=stop)
        resumed = self.model.scan(self.paths, os.path.join(self.folder.name, "stopped"), progress=False)
        self.assertEqual(resumed.info.used, 64)

    def test_other_threads_run_meanwhile(self):
        pixels, steps, done = self.model.pixels(self.paths * 4), [], threading.Event()

        def count():
            while not done.is_set():
                steps.append(time.perf_counter())
                time.sleep(0.001)

        thread = threading.Thread(target=count)
        thread.start()
        start = time.perf_counter()
        self.model.encoder(threads=1).embed_pixels(pixels)
        end = time.perf_counter()
        done.set()
        thread.join()
        self.assertGreater(len([step for step in steps if start < step < end]), 5)

    def test_forked_child_is_refused_or_reads_pixels(self):
        child = os.fork()
        if child == 0:
            try:
                self.model.pixels(self.paths[:1])
                self.model.embed_images(self.paths[:1], progress=False)
                os._exit(1)
            except clipspan.Error as error:
                os._exit(0 if "spawn" in str(error) else 2)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    def test_opens_and_closes_leak_nothing(self):
        def open_and_close(times):
            for _ in range(times):
                clipspan.Run(self.run_path).close()
                clipspan.open("demo").close()

        open_and_close(50)
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        open_and_close(200)
        # A model's table of tensors alone is 20 KiB: 200 of them would be 4 MiB.
        self.assertLess(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 2048)

    def test_import_loads_neither_numpy_nor_the_library(self):
        code = "import clipspan, sys; print('numpy' in sys.modules, 'libclipspan' in open('/proc/self/maps').read())"
        said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        self.assertEqual(said.split(), ["False", "False"])

    def test_atlas_names_heads(self):
        atlas = self.run_.atlas("demo", progress=False)
        self.assertEqual(len(atlas.table), 32)
        self.assertEqual({head.outcome for head in atlas}, {"too_few_images"})
        self.assertGreater(len(atlas["L3.H1"].texts), 0)
        self.assertIn("<iframe", atlas._repr_html_())
        self.assertIn("L3.H1", atlas["L3.H1"]._repr_html_())
        self.assertIsNone(atlas["L3.H1"].category)

    def test_pages_are_shown(self):
        self.assertIn("<iframe", self.model.explain(self.paths[0], ["a", "b"])._repr_html_())
        self.assertIn("data:image/png", self.model.heatmap(self.paths[0], ["a"])._repr_html_())


if __name__ == "__main__":
    unittest.main()
