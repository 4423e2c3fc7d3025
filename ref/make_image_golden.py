#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/image/data: tiny images and what the reference transforms make of them.

    python3 ref/make_image_golden.py tests/image/data

Needs the PyPI packages that MANIFEST.md, which it writes too, names with their versions. Run it on
purpose only: the files are committed, and test_image_golden.c compares clipspan with them. It
shares the generator of odd PNG files and the references with scripts/parity-pixels.
"""
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import warnings


def parity():
    path = pathlib.Path(__file__).resolve().parent.parent / "scripts" / "parity-pixels"
    loader = importlib.machinery.SourceFileLoader("parity_pixels", str(path))
    spec = importlib.util.spec_from_loader("parity_pixels", loader)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def images(tools):
    import numpy as np
    from PIL import Image
    rng = np.random.default_rng(7)

    def saved(array, kind, mode=None, **options):
        out = io.BytesIO()
        image = array if isinstance(array, Image.Image) else Image.fromarray(array, mode)
        image.save(out, kind, **options)
        return out.getvalue()

    rgb, rgba = tools.scene(rng, 13, 19, 3), tools.scene(rng, 17, 11, 4)
    tall = tools.scene(rng, 41, 12, 3)
    deep = tools.scene(rng, 14, 15, 1)[..., 0].astype(int) * 257
    deep[::2] //= 150
    cmyk = saved(rgba, "JPEG", "CMYK", quality=90)
    at = cmyk.index(b"\xff\xee")
    palette = tools.chunk(b"PLTE", rng.integers(0, 256, (12, 3)).astype("u1").tobytes())
    alpha = tools.chunk(b"tRNS", bytes(range(0, 240, 20)))
    return {
        "rgb.png": saved(rgb, "PNG"),
        "tall.png": saved(tall, "PNG"),
        "rgba.png": saved(rgba, "PNG"),
        "la.png": saved(rgba[..., :2], "PNG", "LA"),
        "grey.png": saved(rgb[..., 0], "PNG"),
        "bit.png": saved(Image.fromarray(rgb[..., 0]).convert("1"), "PNG"),
        "grey4.png": tools.png(19, 13, 4, 0, tools.packed(rgb[..., 0] >> 4, 4)),
        "grey16.png": tools.png(15, 14, 16, 0, tools.packed(deep, 16)),
        "rgb16.png": tools.png(5, 14, 16, 2, tools.packed(deep, 16)),
        "palette.png": tools.png(19, 13, 4, 3, tools.packed(rgb[..., 0] >> 4, 4), palette),
        "palette-alpha.png": tools.png(19, 13, 8, 3, tools.packed(rgb[..., 0] >> 4, 8),
                                       palette + alpha),
        "interlaced.png": tools.png(19, 13, 8, 2, tools.interlaced(rgb, 8), interlace=1),
        "420.jpg": saved(rgb, "JPEG", subsampling="4:2:0", quality=85),
        "422.jpg": saved(rgb, "JPEG", subsampling="4:2:2", quality=85),
        "progressive.jpg": saved(tall, "JPEG", progressive=True, quality=85),
        "grey.jpg": saved(rgb[..., 0], "JPEG", quality=85),
        "cmyk.jpg": cmyk[:at] + cmyk[at + 16:],
        "cmyk-adobe.jpg": cmyk,
        "ycck.jpg": cmyk[:at + 15] + b"\2" + cmyk[at + 16:],
        "lossy.webp": saved(rgb, "WEBP", quality=80),
        "alpha.webp": saved(rgba, "WEBP", quality=80),
        "lossless.webp": saved(rgba, "WEBP", lossless=True, exact=True),
    }


def settings(tools):
    c = tools.Config
    return [
        c("openclip", 6, 6, tools.SHORTEST, 1, 0, 0, 0),
        c("openclip", 5, 7, tools.SQUASH, 2, 0, 0, 0),
        c("openclip", 7, 4, tools.SHORTEST, 2, 0, 0, 0),
        c("openclip", 8, 6, tools.LONGEST, 1, 0, 5, 0),
        c("huggingface", 6, 6, tools.SHORTEST, 1, 9, 0, 0),
        c("huggingface", 7, 7, tools.SHORTEST, 2, 4, 0, 0),
    ]


MANIFEST = """# Golden images

Written by `python3 ref/make_image_golden.py tests/image/data` with {versions}.

* {count} images of random content in every mode that the decoders know: file names say what they
  are.
* `expected.txt`: one line a case: image, height, width, resize mode (1 shortest, 2 squash, 3
  longest), kernel (1 bicubic, 2 bilinear), family (0 OpenCLIP, 1 Hugging Face), shortest edge
  before the crop (0: the crop's), fill, and the [height, width, 3] bytes in hexadecimal that the
  family's reference makes of it: `open_clip.transform.image_transform_v2` up to its last image, or
  `CLIPImageProcessorPil` without rescaling and normalisation.

Tolerance 0: all steps are whole-number arithmetic on 8-bit samples (16-bit grey: double, rounded),
with the same JPEG, WebP and resampling algorithms, so any difference is a mistake. It presumes a
libjpeg with the accurate integer DCT and smooth upsampling of libjpeg-turbo.

Pillow 13 changed two roundings: tall images are resampled vertically first, and 16-bit grey is
clipped as a whole. Current transformers lay transparent images over white; here, for Hugging Face
as for OpenCLIP, alpha is dropped, so that reference was given the image after Pillow's
`convert("RGB")`.
"""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    warnings.simplefilter("ignore")
    import numpy as np
    import open_clip
    import PIL
    import torchvision
    import transformers
    from PIL import Image
    tools = parity()
    reference, lines = tools.Reference(), []
    made = images(tools)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        (folder / name).write_bytes(data)
        image = Image.open(io.BytesIO(data))
        image.load()
        plain = Image.fromarray(np.asarray(image.convert("RGB")))
        for c in settings(tools):
            hf = c.family == "huggingface"
            out = reference.run(plain if hf and tools.transparent(image) else image, c)
            lines.append(f"{name} {c.height} {c.width} {c.resize} {c.kernel} {int(hf)} {c.crop_to} "
                         f"{c.fill} {np.ascontiguousarray(out).tobytes().hex()}\n")
    (folder / "expected.txt").write_text("".join(lines))
    versions = (f"Pillow {PIL.__version__}, torchvision {torchvision.__version__.split('+')[0]}, "
                f"open_clip {open_clip.__version__}, transformers {transformers.__version__}")
    (folder / "MANIFEST.md").write_text(MANIFEST.format(versions=versions, count=len(made)))


if __name__ == "__main__":
    main()
