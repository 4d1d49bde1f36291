#!/usr/bin/env python3
"""Turn a folder of images into another: resize, combine into pairs, grayscale, blank, edges."""

import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import msgspec
import numpy as np

from face2face import cli, files, pictures, records
from face2face.face.crop import MODEL_SIZE, CropBox
from face2face.face.drawing import draw
from face2face.sources.files import image_paths
from face2face.target import sidecar
from pix2pix import images
from pix2pix.ranges import Range

OPERATIONS = ("resize", "combine", "grayscale", "blank", "edges")
SETTINGS = ".process.json"
"""What the images of an output folder were made with, so that a second run can trust them."""

SIDE = Range(int, 1, 4096)
"""Of resized pictures, in pixels."""

BLANKED = 0.3
"""`blank` covers the middle of the picture from this fraction of it to the opposite one."""


class Settings(msgspec.Struct, omit_defaults=True):
    """The content of `SETTINGS`.

    marked: the images name their maker, by which they are known; those of older versions do not.
    """

    operation: str
    size: int | None = None
    pad: bool | None = None
    marked: bool = False


def square(width: int, height: int, pad: bool) -> CropBox:
    return CropBox.padded(width, height) if pad else CropBox.centre(width, height)


def resize(picture: np.ndarray, size: int, pad: bool) -> np.ndarray:
    """uint8 (H, W, 3) -> (size, size, 3): the middle square, or with `pad` the whole on black."""
    height, width = picture.shape[:2]
    return square(width, height, pad).picture(picture, size)


def grayscale(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def blank(picture: np.ndarray) -> np.ndarray:
    """White over the middle: what a model learns to fill in."""
    height, width = picture.shape[:2]
    blanked = picture.copy()
    top, left = int(height * BLANKED), int(width * BLANKED)
    blanked[top : height - top, left : width - left] = 255
    return blanked


def edges(picture: np.ndarray) -> np.ndarray:
    """Black outlines on white (Canny)."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (5, 5), 0)
    return cv2.cvtColor(255 - cv2.Canny(grey, 50, 100), cv2.COLOR_GRAY2RGB)


def combine(left: Path, right: Path) -> np.ndarray:
    """Two images side by side. Raises: UserError if their sizes differ, or are too large."""
    pair = pictures.read(left), pictures.read(right)
    if pair[0].shape != pair[1].shape:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" for p in pair)
        raise cli.UserError(f"expected images of the same size to combine, got {sizes}: {left}, {right}")
    height, width = pair[0].shape[:2]
    if 2 * width * height > pictures.MAX_PIXELS:
        most = f"{pictures.MAX_PIXELS:,} pixels"
        raise cli.UserError(f"expected pairs of at most {most}, got {2 * width}x{height}: {left}, {right}")
    return np.concatenate(pair, axis=1)


def process(
    input_dir: Path,
    output_dir: Path,
    operation: str,
    b_dir: Path | None = None,
    size: int = MODEL_SIZE,
    pad: bool = False,
    workers: int = 1,
) -> int:
    """Make one PNG in `output_dir` of each image of `input_dir` that is not done yet; returns how many.

    A sidecar goes along: its points are scaled with the pictures. Drawings that a sidecar describes are not
    resampled but drawn again at their new size, so that their lines stay what the generator knows.

    Raises:
        UserError: before anything is written, if two images have one name, or if another file is in the place
            of one that would be made.
    """
    paths = image_paths(cli.existing_dir(input_dir, "--input_dir"))
    files.check_apart({"--output_dir": output_dir}, {"--input_dir": input_dir, "--b_dir": b_dir})
    if not paths:
        raise cli.UserError(f"expected images, got none in {input_dir}")
    named = images.by_stem(paths)
    beside = sidecar.read(input_dir)
    rights = namesakes(named, b_dir) if operation == "combine" else {}
    settings = Settings(operation, marked=True)
    if operation == "resize":
        settings = Settings(operation, size, pad, marked=True)
    is_ours = check_settings(output_dir, settings)
    outputs = {path: output_dir / f"{name}.png" for name, path in named.items()}
    for output in outputs.values():
        files.check_replaceable(output, is_ours)
    if beside:
        is_first = not (output_dir / SETTINGS).exists()
        files.check_replaceable(
            output_dir / sidecar.FILE_NAME, files.never_ours if is_first else sidecar.is_ours
        )
    warn_of_others(output_dir, paths)
    if beside and operation == "resize":
        beside = scale_sidecar(beside, paths, size, pad)

    def make(path: Path) -> np.ndarray:
        if operation == "combine":
            return combine(path, rights[path])
        if operation == "resize" and beside and path.name in beside.images:
            return draw(beside.images[path.name].points, size, beside.drawing)
        picture = pictures.read(path)
        if operation == "resize":
            return resize(picture, size, pad)
        return {"grayscale": grayscale, "blank": blank, "edges": edges}[operation](picture)

    if not (output_dir / SETTINGS).exists():
        files.write_text(output_dir / SETTINGS, records.encode(settings, indent=0), files.never_ours)
    sources = {path: [path, rights[path]] if path in rights else [path] for path in paths}
    done = run_parallel(make, sources, outputs, is_ours, workers)
    if beside:
        beside.write(output_dir)
    return done


def namesakes(named: dict[str, Path], b_dir: Path | None) -> dict[Path, Path]:
    """The image of the same name in `b_dir` for each image, whatever its ending."""
    if b_dir is None:
        raise cli.UserError("combine needs --b_dir, the folder of the right halves")
    rights = images.by_stem(image_paths(cli.existing_dir(b_dir, "--b_dir")))
    for name, path in named.items():
        if name not in rights:
            raise cli.UserError(f"no image of the name {name} in {b_dir}, to go with {path}")
    return {path: rights[name] for name, path in named.items()}


def scale_sidecar(beside: sidecar.Sidecar, paths: list[Path], size: int, pad: bool) -> sidecar.Sidecar:
    """The sidecar of the resized images, by the same squares as the pictures."""
    scaled = {}
    for path in paths:
        if path.name in beside.images:
            height, width = pictures.read(path).shape[:2]
            scaled[path.name] = beside.images[path.name].in_window(square(width, height, pad), size)
    return replace(beside, images=scaled)


def check_settings(output_dir: Path, settings: Settings) -> files.IsOurs:
    """Tells which images of a folder an earlier run with these settings made.

    Raises:
        UserError: if the folder holds images that were made with others.
    """
    if output_dir.exists():
        cli.existing_dir(output_dir, "--output_dir")
    path = output_dir / SETTINGS
    if not path.exists():
        return files.never_ours
    if not path.is_file():
        raise cli.UserError(f"expected a file of settings, got something else: {path}")
    found = records.read(path, Settings, "settings of process.py")
    if (found.operation, found.size, found.pad) != (settings.operation, settings.size, settings.pad):
        made_with = cli.shown(records.encode(found, indent=0).strip())
        raise cli.UserError(f"{output_dir} holds images made with {made_with}: expected a new --output_dir")
    return pictures.is_ours if found.marked else lambda _: True


def warn_of_others(output_dir: Path, paths: list[Path]) -> None:
    """Name the images of an output folder that come from none of the paths, but from an earlier run."""
    stems = {path.stem for path in paths}
    there = image_paths(output_dir) if output_dir.is_dir() else []
    if others := [path.name for path in there if path.stem not in stems]:
        cli.warn(
            f"{len(others)} images of {output_dir} have none in {paths[0].parent} and stay: {others[0]} ..."
        )


def run_parallel(
    make: Callable[[Path], np.ndarray],
    sources: dict[Path, list[Path]],
    outputs: dict[Path, Path],
    is_ours: files.IsOurs,
    workers: int,
) -> int:
    """Write `make(path)` for each path whose output is missing or older than one of its sources."""
    cv2.setNumThreads(1)  # each worker is one thread

    def work(path: Path) -> bool:
        output = outputs[path]
        newest = max(source.stat().st_mtime for source in sources[path])
        is_done = output.is_file() and output.stat().st_mtime >= newest
        if not is_done:
            pictures.write(output, make(path), replaceable=is_ours)
        return not is_done

    pool = ThreadPoolExecutor(workers)
    try:
        with cli.progress(len(sources), "processing", "images") as bar:
            done = 0
            for made in pool.map(work, sources):
                done += made
                bar.update()
            return done
    finally:
        pool.shutdown(cancel_futures=True)


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--input_dir", type=Path, required=True, help="folder of images")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder for the new images, PNGs")
    parser.add_argument("--operation", choices=OPERATIONS, required=True)
    parser.add_argument("--b_dir", type=Path, help="combine: folder of the right halves, of the same names")
    parser.add_argument("--size", type=SIDE, default=MODEL_SIZE, help="resize: side in pixels")
    parser.add_argument("--pad", action="store_true", help="resize: keep the whole picture, on black")
    parser.add_argument("--workers", type=cli.positive_int, default=os.cpu_count(), help="images at a time")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    done = process(
        args.input_dir, args.output_dir, args.operation, args.b_dir, args.size, args.pad, args.workers
    )
    print(f"{args.operation}: {done} images written to {args.output_dir}")


if __name__ == "__main__":
    cli.run(main)
