#!/usr/bin/env python3
"""Split a folder of pairs into train/, val/ and test/ inside it. The same command again changes nothing."""

import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import os
import random
from collections.abc import Sequence

from face2face import cli, files, pictures
from face2face.sources.files import image_paths, natural_order
from face2face.target.sidecar import SIDECAR_NAME, Sidecar, is_sidecar, read_sidecar

PARTS = TRAIN, VAL, TEST = "train", "val", "test"

BLOCKS = 5
"""Number of runs of neighbouring frames that validation frames are taken from, spread over the clip."""


def split(
    folder: Path,
    train_fraction: float,
    order: str | None = None,
    seed: int | None = None,
    test_fraction: float = 0.0,
) -> dict[str, list[str]]:
    """Move the images of a folder into its subfolders train/, val/ and, if it gets some, test/.

    Args:
        folder: Folder of combined pairs.
        train_fraction: Share of the images to train on, 0 to 1.
        order: "sort" (by name: the first part trains), "shuffle", or None: blocks in time if a sidecar tells
            the frame numbers, else shuffled.
        seed: Seed of the shuffling; None: 0.
        test_fraction: Share of the images to test on, 0 to 1. What is left validates.

    Returns:
        The names of the images by subfolder.

    Raises:
        UserError: Before anything is moved, if a seed is given and nothing is shuffled, or if an image or
            another file would be lost.
    """
    if seed is not None and order == "sort":
        raise cli.UserError("expected --seed with --shuffle, got --sort")
    if train_fraction + test_fraction > 1:
        raise cli.UserError(
            f"expected --train_frac and --test_frac of at most 1 together, got {train_fraction:g} and "
            f"{test_fraction:g}"
        )
    cli.existing_dir(folder, "--dir")
    names_of_parts = (TRAIN, VAL, TEST) if test_fraction or holds_ours(folder / TEST) else (TRAIN, VAL)
    where = find(folder, names_of_parts)
    if len(where) < 2:
        raise cli.UserError(f"expected two images or more to split, got {len(where)} in {folder}")
    sidecar = read_sidecar(folder)
    names = sorted(where, key=natural_order)
    held_count = min(max(round(len(names) * (1 - train_fraction)), 0), len(names))
    test_count = min(round(len(names) * test_fraction), held_count)
    if order is None and sidecar and all(name in sidecar.images for name in names):
        if seed is not None:
            raise cli.UserError(
                f"expected --seed with --shuffle, got a folder that is split in time: {folder}"
            )
        names.sort(key=lambda name: (sidecar.images[name].video, sidecar.images[name].frame))
        take = in_blocks
        blocks, held_parts = min(BLOCKS, held_count), " and ".join(names_of_parts[1:])
        print(
            f"split in time: {blocks} runs of neighbouring frames for {held_parts}, none of them for {TRAIN}"
        )
    else:
        if order != "sort":
            random.Random(seed or 0).shuffle(names)
            if sidecar:
                cli.warn(f"shuffled: frames of {VAL} have their neighbours in time in {TRAIN}")
        take = at_the_end
    held = take(names, held_count)
    test = take([name for name in names if name in held], test_count)
    parts: dict[str, list[str]] = {part: [] for part in names_of_parts}
    for name in names:
        parts[TEST if name in test else VAL if name in held else TRAIN].append(name)
    check_moves(folder, parts, has_sidecar=sidecar is not None)
    move(folder, parts, where, sidecar)
    return parts


def move(folder: Path, parts: dict[str, list[str]], where: dict[str, Path], sidecar: Sidecar | None) -> None:
    """Move images into the subfolders, each with its share of the sidecar.

    Args:
        folder: Folder of the subfolders.
        parts: The names of the images by subfolder.
        where: Where each image is now, by name.
        sidecar: Of the folder.
    """
    for part, members in parts.items():
        (folder / part).mkdir(exist_ok=True)
        for name in members:
            if where[name].parent == folder:
                # Older copies are deleted first, so that a kill leaves no image in both parts.
                for old in parts:
                    (folder / old / name).unlink(missing_ok=True)
            os.replace(where[name], folder / part / name)
        if sidecar:
            sidecar.only(members).write(folder / part)


def find(folder: Path, parts: Sequence[str]) -> dict[str, Path]:
    """Find the images of a folder and of some of its parts, by name.

    process.py writes a pair that it makes again into the folder itself; it replaces the older one in a part.

    Raises:
        UserError: If a name occurs twice, and neither is such an older pair.
    """
    where: dict[str, Path] = {}
    for part in parts:
        if not (folder / part).is_dir():
            continue
        is_ours = made_by_us(folder / part)
        for path in image_paths(folder / part):
            newer = folder / path.name
            is_older = (
                newer.is_file() and path.stat().st_mtime_ns <= newer.stat().st_mtime_ns and is_ours(path)
            )
            twin = where.get(path.name) or (newer if newer.exists() and not is_older else None)
            if twin:
                raise cli.UserError(f"expected one image named {path.name}, got two: {twin} and {path}")
            where[path.name] = path
    return where | {path.name: path for path in image_paths(folder)}


def made_by_us(folder: Path) -> files.IsOurs:
    """Find out which images of a folder this project made; the sidecar lists those of older versions."""
    sidecar = read_sidecar(folder)
    listed = sidecar.images if sidecar else {}
    return lambda path: path.name in listed or pictures.is_ours(path)


def holds_ours(folder: Path) -> bool:
    """Whether a folder holds images that this project made: an earlier split's."""
    return folder.is_dir() and any(map(made_by_us(folder), image_paths(folder)))


def check_moves(folder: Path, parts: dict[str, list[str]], has_sidecar: bool) -> None:
    """Raise `UserError` if a file is in the way of one that is moved or written."""
    for part, members in parts.items():
        place = folder / part
        if os.path.lexists(place) and not place.is_dir():
            raise cli.UserError(f"expected a folder's name to write to, got a file: {place}")
        if has_sidecar:
            files.check_replaceable(place / SIDECAR_NAME, is_sidecar)
        for name in members:
            for other in parts:
                replaced = folder / other / name
                if os.path.lexists(replaced) and not replaced.is_file():
                    raise cli.UserError(
                        f"expected an image's name to write to, got something else: {replaced}"
                    )


def at_the_end(names: list[str], count: int) -> set[str]:
    """Choose the last `count` names."""
    return set(names[len(names) - count :])


def in_blocks(names: list[str], count: int) -> set[str]:
    """Choose `count` names in up to `BLOCKS` runs of neighbours, at the ends of equal parts of the list."""
    blocks = min(BLOCKS, count)
    chosen: set[str] = set()
    for i in range(blocks):
        end = len(names) * (i + 1) // blocks
        length = count * (i + 1) // blocks - count * i // blocks
        chosen.update(names[end - length : end])
    return chosen


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; None: the arguments of the process."""
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="folder of combined pairs")
    parser.add_argument(
        "--train_frac", type=cli.fraction, default=0.8, help="share of the images to train on"
    )
    parser.add_argument(
        "--test_frac",
        type=cli.fraction,
        default=0.0,
        help="share of the images to test on; the rest validates",
    )
    order = parser.add_mutually_exclusive_group()
    order.add_argument(
        "--sort", action="store_const", const="sort", dest="order", help="by name, first part trains"
    )
    order.add_argument("--shuffle", action="store_const", const="shuffle", dest="order", help="at random")
    parser.add_argument("--seed", type=int, help="seed of the order of --shuffle (default: 0)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    args = parse_args(argv)
    parts = split(args.dir, args.train_frac, args.order, args.seed, args.test_frac)
    tested = f", {len(parts[TEST])} to test" if TEST in parts else ""
    print(f"{len(parts[TRAIN])} images to train on, {len(parts[VAL])} to validate{tested}")


if __name__ == "__main__":
    cli.run(main)
