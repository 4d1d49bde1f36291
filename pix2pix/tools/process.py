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
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np

from face2face import cli, files, pictures
from face2face.face.crop import MODEL_SIZE
from face2face.sources.files import image_paths
from face2face.target.sidecar import SIDECAR_NAME, Sidecar, is_sidecar, read_sidecar
from pix2pix import images
from pix2pix.ranges import Range
from pix2pix.tools.earlier_run import (
    OLDER_NAMES,
    SETTINGS,
    Settings,
    check_no_others,
    check_settings,
    of_both_sides,
    of_other_frames,
    origins_of,
    remember,
)
from pix2pix.tools.operations import blank, canny, combine, grayscale, resize, square

OPERATIONS = ("resize", "combine", "grayscale", "blank", "canny")
SIDE = Range(int, 1, 4096)
"""Side of resized pictures in pixels."""


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
            name, if a file that is not ours is in the way, if earlier images have none in the input now, or
            are of another video, if two halves are of two frames, or if faces get too small.
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
    origins = origins_of(input_dir, paths, sidecar)
    rights = {}
    if operation == "combine":
        rights = namesakes(named, b_dir)
        of_rights = origins_of(b_dir, list(rights.values()), read_sidecar(b_dir))
        origins = of_both_sides(paths, rights, origins, of_rights)
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
    outdated = of_other_frames(output_dir, paths, origins)
    check_no_others(output_dir, paths, is_ours)
    if sidecar and operation == "resize":
        sidecar = scale_sidecar(sidecar, paths, size, pad)
        sidecar.check_faces(output_dir / SIDECAR_NAME)

    # Of an image whose place one of another frame takes, nothing is known until that has happened.
    unsettled = {path.stem for path in outdated if outputs[path].exists()}
    remember(output_dir, settings, {name: origins[name] for name in origins if name not in unsettled})
    sources = {path: [path, rights[path]] if path in rights else [path] for path in paths}
    make = _maker(operation, rights, sidecar, size, pad)
    done = run_parallel(make, sources, outputs, is_ours, workers, outdated)
    if sidecar:
        sidecar.write(output_dir)
    remember(output_dir, settings, origins)
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


def _maker(
    operation: str, rights: dict[Path, Path], sidecar: Sidecar | None, size: int, pad: bool
) -> Callable[[Path], np.ndarray]:
    """The function that makes the image of a path, uint8 (H, W, 3), RGB.

    Args:
        operation: One of `OPERATIONS`.
        rights: The right half of each path, for combine.
        sidecar: Describes the images that are drawn, at the new size, not resized; None: none is.
        size: Side in pixels, for resize.
        pad: Whether to keep the whole picture on black, for resize.
    """

    def draw_or_resize(path: Path) -> np.ndarray:
        if sidecar and path.name in sidecar.images:
            return sidecar.images[path.name].draw(size, sidecar.drawing)
        return resize(pictures.read(path), size, pad)

    return {
        "resize": draw_or_resize,
        "combine": lambda path: combine(path, rights[path]),
        "grayscale": lambda path: grayscale(pictures.read(path)),
        "blank": blank,
        "canny": lambda path: canny(pictures.read(path)),
    }[operation]


def run_parallel(
    make: Callable[[Path], np.ndarray],
    sources: dict[Path, list[Path]],
    outputs: dict[Path, Path],
    is_ours: files.IsOurs,
    workers: int,
    outdated: Collection[Path],
) -> int:
    """Make each image that is missing, outdated, or older than one of its sources, in `workers` threads.

    Args:
        make: Makes the image of a path, uint8 (H, W, 3), RGB.
        sources: The files that each path's image is made of.
        outputs: Where the image of each path goes.
        is_ours: Which existing files may be replaced.
        workers: Number of threads.
        outdated: Paths whose images are of other frames.

    Returns:
        The number of images made.
    """
    cv2.setNumThreads(1)  # each worker is one thread

    def work(path: Path) -> bool:
        output = outputs[path]
        newest = max(source.stat().st_mtime for source in sources[path])
        is_done = path not in outdated and output.is_file() and output.stat().st_mtime >= newest
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
