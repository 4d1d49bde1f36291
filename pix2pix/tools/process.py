#!/usr/bin/env python3
"""Turn a folder of images into another: resize, combine into pairs, grayscale, blank, canny (edges)."""

import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import msgspec
import numpy as np

from face2face import cli, files, pictures, records
from face2face.face.crop import MODEL_SIZE
from face2face.sources.files import image_paths
from face2face.target.sidecar import SIDECAR_NAME, Sidecar, is_sidecar, read_sidecar
from pix2pix import images
from pix2pix.ranges import Range
from pix2pix.tools.operations import blank, canny, combine, grayscale, resize, square
from pix2pix.tools.split import PARTS

OPERATIONS = ("resize", "combine", "grayscale", "blank", "canny")
OLDER_NAMES = {"edges": "canny"}
"""Names of operations in older versions of this project. The original's `edges` is a network (HED)."""

SETTINGS = ".process.json"
"""The file in an output folder that tells how its images were made, so that a second run can keep them."""

SIDE = Range(int, 1, 4096)
"""Side of resized pictures in pixels."""


class Settings(msgspec.Struct, omit_defaults=True):
    """The content of `SETTINGS`.

    Attributes:
        operation: What was done.
        size: Side in pixels, of resize.
        pad: Whether the whole picture was kept, of resize.
        has_provenance: Whether the images contain this project's provenance; those of older versions do not.
    """

    operation: str
    size: int | None = None
    pad: bool | None = None
    has_provenance: bool = msgspec.field(default=False, name="marked")


def process(
    input_dir: Path,
    output_dir: Path,
    operation: str,
    b_dir: Path | None = None,
    size: int | None = None,
    pad: bool = False,
    workers: int = 1,
) -> int:
    """Make one PNG of each image of a folder that is not done yet.

    A sidecar is copied with the images, its landmarks scaled. Drawings that a sidecar describes are not
    resampled but drawn again at the new size: their lines have to have the width that the generator knows.

    Args:
        input_dir: Folder of images.
        output_dir: Folder for the new images.
        operation: One of `OPERATIONS`.
        b_dir: Folder of the right halves, for combine.
        size: Side in pixels, for resize; None: that of model space.
        pad: Whether to keep the whole picture on black, for resize.
        workers: Number of threads.

    Returns:
        The number of images made.

    Raises:
        UserError: Before anything is written, if an option is not the operation's, if two images have one
            name, if a file that is not ours is in the way, or if earlier images have none in the input now.
    """
    check_operation(operation, {"--b_dir": b_dir, "--size": size, "--pad": pad or None})
    size = size or MODEL_SIZE
    paths = image_paths(cli.existing_dir(input_dir, "--input_dir"))
    files.check_apart({"--output_dir": output_dir}, {"--input_dir": input_dir, "--b_dir": b_dir})
    files.check_folder(output_dir)
    if not paths:
        raise cli.UserError(f"expected images, got none in {input_dir}")
    named = images.by_stem(paths)
    sidecar = read_sidecar(input_dir)
    rights = namesakes(named, b_dir) if operation == "combine" else {}
    settings = Settings(operation, has_provenance=True)
    if operation == "resize":
        settings = Settings(operation, size, pad, has_provenance=True)
    is_ours = check_settings(output_dir, settings)
    outputs = {path: output_dir / f"{name}.png" for name, path in named.items()}
    for output in outputs.values():
        files.check_replaceable(output, is_ours)
    if sidecar:
        is_first = not (output_dir / SETTINGS).exists()
        files.check_replaceable(output_dir / SIDECAR_NAME, files.never_ours if is_first else is_sidecar)
    check_no_others(output_dir, paths, is_ours)
    if sidecar and operation == "resize":
        sidecar = scale_sidecar(sidecar, paths, size, pad)

    def make(path: Path) -> np.ndarray:
        if operation == "combine":
            return combine(path, rights[path])
        if operation == "blank":
            return blank(path)
        if operation == "resize" and sidecar and path.name in sidecar.images:
            return sidecar.images[path.name].draw(size, sidecar.drawing)
        picture = pictures.read(path)
        if operation == "resize":
            return resize(picture, size, pad)
        return {"grayscale": grayscale, "canny": canny}[operation](picture)

    if not (output_dir / SETTINGS).exists():
        files.write_text(output_dir / SETTINGS, records.encode(settings, indent=0), files.never_ours)
    sources = {path: [path, rights[path]] if path in rights else [path] for path in paths}
    done = run_parallel(make, sources, outputs, is_ours, workers)
    if sidecar:
        sidecar.write(output_dir)
    return done


def check_operation(operation: str, given: dict[str, object]) -> None:
    """Raise `UserError` if an option was given (is not None) that the operation does not use."""
    for name, value in given.items():
        operation_of = "combine" if name == "--b_dir" else "resize"
        if value is not None and operation != operation_of:
            raise cli.UserError(
                f"expected {name} with --operation {operation_of}, got --operation {operation}"
            )


def namesakes(named: dict[str, Path], b_dir: Path | None) -> dict[Path, Path]:
    """Find for each image the one of the same name in `b_dir`; their suffixes may differ."""
    if b_dir is None:
        raise cli.UserError("combine needs --b_dir, the folder of the right halves")
    rights = images.by_stem(image_paths(cli.existing_dir(b_dir, "--b_dir")))
    for name, path in named.items():
        if name not in rights:
            raise cli.UserError(f"no image of the name {name} in {b_dir}, to go with {path}")
    return {path: rights[name] for name, path in named.items()}


def scale_sidecar(sidecar: Sidecar, paths: list[Path], size: int, pad: bool) -> Sidecar:
    """Scale the landmarks of a sidecar by the same crop boxes as the pictures."""
    scaled = {}
    for path in paths:
        if path.name in sidecar.images:
            height, width = pictures.read(path).shape[:2]
            scaled[path.name] = sidecar.images[path.name].in_crop_box(square(width, height, pad), size)
    return replace(sidecar, images=scaled)


def check_settings(output_dir: Path, settings: Settings) -> files.IsOurs:
    """Find out which images of a folder an earlier run with the same settings made.

    Returns:
        A function that tells it for each image.

    Raises:
        UserError: If the folder's images were made with other settings.
    """
    if output_dir.exists():
        cli.existing_dir(output_dir, "--output_dir")
    path = output_dir / SETTINGS
    if not path.exists():
        return files.never_ours
    if not path.is_file():
        raise cli.UserError(f"expected a file of settings, got something else: {path}")
    found = records.read(path, Settings, "settings of process.py")
    operation = OLDER_NAMES.get(found.operation, found.operation)
    if (operation, found.size, found.pad) != (settings.operation, settings.size, settings.pad):
        made_with = cli.shown(records.encode(found, indent=0).strip())
        raise cli.UserError(f"{output_dir} holds images made with {made_with}: expected a new --output_dir")
    return pictures.is_ours if found.has_provenance else lambda _: True


def check_no_others(output_dir: Path, paths: list[Path], is_ours: files.IsOurs) -> None:
    """Raise `UserError` if an earlier run made images here of files that are no longer there.

    They may be of another target, and would be trained on with the new ones. split.py moves pairs to
    subfolders: these are looked through, too.
    """
    stems = {path.stem for path in paths}
    folders = [output_dir, *(output_dir / part for part in PARTS)]
    there = [path for folder in folders if folder.is_dir() for path in image_paths(folder)]
    if others := [path for path in there if path.stem not in stems and is_ours(path)]:
        raise cli.UserError(
            f"expected the images of {paths[0].parent} in {output_dir}, got {len(others)} that earlier ones "
            f"have left there: {others[0]} ... (remove them, or give a new --output_dir)"
        )


def run_parallel(
    make: Callable[[Path], np.ndarray],
    sources: dict[Path, list[Path]],
    outputs: dict[Path, Path],
    is_ours: files.IsOurs,
    workers: int,
) -> int:
    """Make each image that is missing or older than one of its sources, in `workers` threads.

    Args:
        make: Makes the image of a path, uint8 (H, W, 3), RGB.
        sources: The files that each path's image is made of.
        outputs: Where the image of each path goes.
        is_ours: Which existing files may be replaced.
        workers: Number of threads.

    Returns:
        The number of images made.
    """
    cv2.setNumThreads(1)  # each worker is one thread

    def work(path: Path) -> bool:
        output = outputs[path]
        newest = max(source.stat().st_mtime for source in sources[path])
        is_done = output.is_file() and output.stat().st_mtime >= newest
        if not is_done:
            pictures.write(output, make(path), replaceable=is_ours)
        return not is_done

    executor = ThreadPoolExecutor(workers)
    try:
        with cli.progress(len(sources), "processing", "images") as bar:
            done = 0
            for made in executor.map(work, sources):
                done += made
                bar.update()
            return done
    finally:
        executor.shutdown(cancel_futures=True)


def operation_name(text: str) -> str:
    """Parse an operation's name. Raises: argparse.ArgumentTypeError for one that means another here."""
    if text in OLDER_NAMES:
        raise argparse.ArgumentTypeError(
            f"expected {OLDER_NAMES[text]}, got {text}, which in the original trainer is a network (HED)"
        )
    return text


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; None: the arguments of the process."""
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--input_dir", type=Path, required=True, help="folder of images")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder for the new images, PNGs")
    parser.add_argument(
        "--operation",
        type=operation_name,
        choices=OPERATIONS,
        required=True,
        help="what is done with each image",
    )
    parser.add_argument("--b_dir", type=Path, help="combine: folder of the right halves, of the same names")
    parser.add_argument("--size", type=SIDE, help=f"resize: side in pixels (default: {MODEL_SIZE})")
    parser.add_argument("--pad", action="store_true", help="resize: keep the whole picture, on black")
    parser.add_argument("--workers", type=cli.positive_int, default=os.cpu_count(), help="images at a time")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    args = parse_args(argv)
    done = process(
        args.input_dir, args.output_dir, args.operation, args.b_dir, args.size, args.pad, args.workers
    )
    print(f"{args.operation}: {done} images written to {args.output_dir}")


if __name__ == "__main__":
    cli.run(main)
