# SPDX-License-Identifier: MIT
"""The fixtures of golden output: scenes of the demo, and images made byte by byte."""
import csv
import io
import os
import shutil
import struct
import zlib

SHAPES = ("circle", "square", "star")
WORDS = (("shape", ("circle", "square", "star", "moon")), ("colour", ("red thing", "blue thing", "green thing")),
         ("!place", ("field", "beach", "night sky")))


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, pixel, orientation=None):
    """An RGB PNG of pixel(x, y); with an EXIF orientation where one is given."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in pixel(x, y)) for y in range(height))
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HHI", orientation or 1, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            (chunk(b"eXIf", exif) if orientation else b"") +
            chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def sky_and_ground(x, y):
    return (90, 150, 220) if y < 10 else (200, 170, 40 + 4 * x)


def write_csv(path, header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def make(base, demo, odd):
    shutil.copytree(demo / "model", base / "model")
    shutil.copytree(odd, base / "odd")
    with open(demo / "test.csv", encoding="utf-8", newline="") as file:
        scenes = list(csv.DictReader(file))

    def take(rows, folder):
        (base / folder).mkdir(parents=True, exist_ok=True)
        for row in rows:
            target = base / folder / row["path"].rpartition("/")[2]
            if not target.exists():
                shutil.copyfile(demo / row["path"], target)
        return [f"{folder}/{row['path'].rpartition('/')[2]}" for row in rows]

    # Three classes, so two pairs and more; backgrounds as groups; images with right masks.
    shapes = [row for shape in SHAPES for row in [s for s in scenes if s["kind"] == "alike" and s["shape"] == shape][:8]]
    paths = take(shapes, "scenes")
    (base / "masks").mkdir()
    for row in shapes:
        shutil.copyfile(demo / row["mask"], base / "masks" / row["path"].rpartition("/")[2])
    write_csv(base / "shapes.csv", ["path", "mask", "shape", "colour", "background"],
              [[path, path.replace("scenes", "masks"), row["shape"], row["colour"], row["background"]]
               for path, row in zip(paths, shapes)])
    # Birds: two classes, two backgrounds, four groups of eight.
    groups = [(bird, ground) for bird in ("hen", "duck") for ground in ("water", "grass")]
    birds = [row for bird, ground in groups
             for row in [s for s in scenes if s["bird"] == bird and s["background"] == ground][:8]]
    paths = take(birds, "birds")
    write_csv(base / "birds.csv", ["path", "bird", "background", "size"],
              [[path, row["bird"], row["background"], row["size"]] for path, row in zip(paths, birds)])
    # So many scenes that heads can have roles.
    with open(demo / "look.csv", encoding="utf-8", newline="") as file:
        many = list(csv.DictReader(file))[:500]
    paths = take(many, "many")
    write_csv(base / "many.csv", ["path", "shape", "colour"],
              [[path, row["shape"], row["colour"]] for path, row in zip(paths, many)])
    # A few images: two scenes, one turned by EXIF, one that is no image; an unlabelled one; kinds that are left out.
    few = take([shapes[0], shapes[8]], "few/a") + take([shapes[16]], "few/b")
    (base / "few/b/turned.png").write_bytes(png(24, 16, sky_and_ground, 6))
    (base / "few/b/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (base / "few/b/moving.gif").write_bytes(b"GIF89a")
    (base / "few/b/scan.tiff").write_bytes(b"II*\0")
    write_csv(base / "few.csv", ["path", "shape", "place"],
              [[few[0], "circle", "left"], [few[1], "square", "left"], [few[2], "star", "right"],
               ["few/b/turned.png", "", "right"], ["few/b/broken.png", "star", "right"]])
    (base / "gone").mkdir()
    for name, path in zip(("kept.png", "lost.png", "stays.png"), few):
        shutil.copyfile(base / path, base / "gone" / name)
    write_csv(base / "one.csv", ["path", "shape"], [[few[0], "circle"]])
    os.mkdir(base / "empty")
    (base / "empty.csv").write_text("path,shape\n", encoding="utf-8")
    (base / "heads.txt").write_text("# two heads\nL3.H1\nL2.H5\n", encoding="utf-8")
    (base / "colours.txt").write_text("red\nyellow\n", encoding="utf-8")
    (base / "texts.txt").write_text("a red circle\na blue star\nthree green squares on grass\n", encoding="utf-8")
    (base / "words.txt").write_text("".join(f"{kind}\ta {word}\n" for kind, words in WORDS for word in words),
                                    encoding="utf-8")
    (base / "pool.txt").write_text((demo / "texts.txt").read_text(encoding="utf-8"), encoding="utf-8")
    (base / "bird.templates.txt").write_text((demo / "classes/bird.templates.txt").read_text(encoding="utf-8"),
                                             encoding="utf-8")
    # Data sets as their authors packed them.
    for wnid, shape in (("n00000001", "circle"), ("n00000002", "star")):
        take([s for s in shapes if s["shape"] == shape][:6], f"imagenet/val/{wnid}")
    (base / "wnids.txt").write_text("n00000001\tcircle\nn00000002\tstar\nn00000003\tmoon\n", encoding="utf-8")
    rows = []
    for i, row in enumerate(birds):
        folder = "001.Hen" if row["bird"] == "hen" else "002.Duck"
        path = take([row], f"waterbirds/{folder}")[0]
        rows.append([i, path.partition("/")[2], int(row["bird"] == "duck"), 2, int(row["background"] == "water"), "x"])
    write_csv(base / "waterbirds/metadata.csv", ["img_id", "img_filename", "y", "split", "place", "place_filename"], rows)
    (base / "birds.txt").write_text("0\then\n1\tduck\n", encoding="utf-8")
    take(shapes[::4], "segmentation/images")
    (base / "segmentation/masks").mkdir()
    for row in shapes[::4]:
        shutil.copyfile(demo / row["mask"], base / "segmentation/masks" / row["path"].rpartition("/")[2])
